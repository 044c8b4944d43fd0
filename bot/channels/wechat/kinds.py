"""wechatpy's message classes and the ones that it lacks; imported only when the first push is read."""

from __future__ import annotations

from wechatpy.events import BaseEvent, register_event
from wechatpy.fields import StringField
from wechatpy.messages import BaseMessage, UnknownMessage, register_message
from wechatpy.parser import parse_message

__all__ = ["UnknownMessage", "parse_message"]

# The subscription notices' events came with wechatpy's unreleased line; 1.8.18 would call them unknown. Classes are
# made by call because the library has no types and a class statement could not be checked.
for _event in ("subscribe_msg_popup_event", "subscribe_msg_change_event", "subscribe_msg_sent_event"):
    register_event(_event)(type(BaseEvent)(_event, (BaseEvent,), {"event": _event}))

register_message("file")(
    type(BaseMessage)("FileMessage", (BaseMessage,), {"type": "file", "title": StringField("Title")})
)
