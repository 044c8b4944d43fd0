"""Speaking first: a page as a customer message, and a true account of what became of it."""

from __future__ import annotations

import logging
from typing import Literal

from bot.channels.wechat.api import NotReached, Unsettled, WeChatApi
from bot.channels.wechat.errors import POLICY, outcome, reason
from bot.channels.wechat.messages import NAME
from bot.channels.wechat.replies import WECHAT, customer_message, layout
from bot.channels.wechat.token import Unavailable
from bot.talk.capabilities import Capabilities
from bot.talk.door import NotSent, Outcome, Refused, Uncertain
from bot.talk.view import Page

Kind = Literal["service", "subscription", "unverified"]
"""What the account is; an unverified one has no customer messages at all (48001)."""

log = logging.getLogger(__name__)


class WeChatDoor:
    """One official account as the sender sees it."""

    def __init__(self, api: WeChatApi, kind: Kind = "service") -> None:
        self._api = api
        self._kind = kind

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
        message = customer_message(layout(page), to)
        try:
            answer = await self._api.call("/cgi-bin/message/custom/send", message)
        except Unavailable as closed:
            return NotSent(f"no token: {closed.reason}", after=closed.after, halts="account")
        except NotReached as wrong:
            return NotSent(wrong.why, after=wrong.after)
        except Unsettled as wrong:
            return Uncertain(str(wrong))
        policy = POLICY.get(answer.code)
        if policy is None or policy.verdict in ("content", "stopped", "day"):
            log.error("customer message %s not sent: %s", key, reason(answer.code))
        return outcome(answer.code, self._api.clock(), str(answer.data.get("msgid", "")))
