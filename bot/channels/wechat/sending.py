"""Speaking first: a page as a customer message, a form, a message to many; and a true account of what became of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal

from bot.channels.wechat.api import NotReached, Unsettled, WeChatApi
from bot.channels.wechat.errors import POLICY, outcome, reason
from bot.channels.wechat.forms import filled
from bot.channels.wechat.messages import NAME
from bot.channels.wechat.replies import WECHAT, customer_message, layout, page_text
from bot.channels.wechat.token import Unavailable
from bot.talk.capabilities import Capabilities
from bot.talk.door import Form, NotSent, Outcome, Refused, Uncertain
from bot.talk.view import Page

Kind = Literal["service", "subscription", "unverified"]
"""What the account is; an unverified one has no customer messages at all (48001)."""

CUSTOMER = "/cgi-bin/message/custom/send"
TEMPLATE = "/cgi-bin/message/template/send"
NOTICE = "/cgi-bin/message/subscribe/bizsend"
MASS = "/cgi-bin/message/mass/sendall"

log = logging.getLogger(__name__)


class WeChatDoor:
    """One official account as the sender sees it."""

    def __init__(
        self, api: WeChatApi, kind: Kind = "service", fields: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        """`fields`: of each template's id, what stands in which field of it."""
        self._api = api
        self._kind = kind
        self._fields = dict(fields or {})

    @property
    def name(self) -> str:
        """The door's name in addresses."""
        return NAME

    @property
    def capabilities(self) -> Capabilities:
        """Its numbers."""
        return WECHAT

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        """Send one page to one openid.

        custom/send has no key for repeats, so `key` only names the message in the log and nothing is repeated here.
        """
        if self._kind == "unverified":
            return Refused("an unverified account cannot speak first", window=True)
        return await self._say(CUSTOMER, customer_message(layout(page), to), key)

    async def fill(self, to: str, form: Form, key: str) -> Outcome:
        """Send a template message, or a subscription notice where the form was consented to.

        A template message carries `key` to the platform, which takes the same one once in ten minutes.
        """
        fields = self._fields.get(form.template)
        if fields is None:
            return Refused("no fields are set for this template", declines=True)
        message: dict[str, Any] = {
            "touser": to,
            "template_id": form.template,
            "data": filled(fields, form.values),
        }
        if form.consented:
            return await self._say(NOTICE, message, key)
        return await self._say(TEMPLATE, {**message, "client_msg_id": key}, key)

    async def broadcast(self, tag: int, page: Page, key: str) -> Outcome:
        """Send one page to all followers under a tag; the platform takes the same `clientmsgid` once for ever."""
        message = {
            "filter": {"is_to_all": False, "tag_id": tag},
            "text": {"content": page_text(page)},
            "msgtype": "text",
            "clientmsgid": key,
        }
        return await self._say(MASS, message, key)

    async def _say(self, path: str, message: dict[str, Any], key: str) -> Outcome:
        try:
            answer = await self._api.call(path, message)
        except Unavailable as closed:
            return NotSent(f"no token: {closed.reason}", after=closed.after, halts="account")
        except NotReached as wrong:
            return NotSent(wrong.why, after=wrong.after, reached=False)
        except Unsettled as wrong:
            return Uncertain(str(wrong))
        policy = POLICY.get(answer.code)
        if policy is None or policy.verdict in ("content", "stopped", "day"):
            log.error("message %s not sent: %s", key, reason(answer.code))
        # A mass message's report names it by msg_id, the others by msgid.
        return outcome(answer.code, self._api.clock(), str(answer.data.get("msg_id") or answer.data.get("msgid", "")))
