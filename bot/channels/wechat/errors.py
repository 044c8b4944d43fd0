"""What WeChat's error codes mean for us: the one table, from code to outcome.

Meanings from the platform's common list and the tables of wechatpy and WxJava.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

from bot.talk.door import Delivered, NotSent, Outcome, Refused

Verdict = Literal[
    "sent",  # it arrived, or had arrived before
    "busy",  # nothing was sent; a moment later it may be
    "token",  # fetch a new token and try once more
    "gone",  # this person does not follow us (any more)
    "muted",  # this person wants nothing from us, or we nothing from them
    "declined",  # this person refused this kind of message
    "window",  # not until they write again
    "day",  # this API's quota of today is used up
    "minute",  # too many calls in this minute
    "content",  # our mistake: the same content will never pass
    "stopped",  # the account may not, or its configuration is wrong: an operator must look
]

_CHINA = timezone(timedelta(hours=8))
"""Quotas are reset at midnight in Beijing."""
_HALT = 600.0
"""Seconds until an account that was stopped is tried again; by then an operator may have looked."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One code's meaning and what follows from it."""

    verdict: Verdict
    meaning: str
    after: float = 0.0
    """Seconds to wait, where it is a fixed time."""


POLICY: dict[int, Policy] = {
    0: Policy("sent", "ok"),
    45065: Policy("sent", "clientmsgid exists: it was sent before"),
    40241: Policy("sent", "the same message within 60 s: it was sent before"),
    -1: Policy("busy", "the platform is busy", 2.0),
    45066: Policy("busy", "clientmsgid repeated too fast", 60.0),
    40001: Policy("token", "token invalid or not the latest (or a wrong secret)"),
    40014: Policy("token", "token malformed"),
    41001: Policy("token", "token missing"),
    42001: Policy("token", "token expired"),
    40003: Policy("gone", "openid wrong"),
    43004: Policy("gone", "not following"),
    50005: Policy("gone", "not following"),
    43101: Policy("declined", "refused this notice, or no consent left"),
    43019: Policy("muted", "on the account's blacklist"),
    48002: Policy("muted", "switched messages off"),
    45015: Policy("window", "window closed"),
    45047: Policy("window", "messages of this window used up"),
    45009: Policy("day", "daily quota of this API used up"),
    45011: Policy("minute", "too many calls in a minute"),
    45002: Policy("content", "text too long"),
    45008: Policy("content", "too many articles"),
    40033: Policy("content", "characters not allowed"),
    40036: Policy("content", "template id has a wrong length"),
    40037: Policy("content", "template id unknown"),
    40039: Policy("content", "address has a wrong length"),
    47001: Policy("content", "not readable as JSON"),
    47003: Policy("content", "template field not allowed"),
    48001: Policy("stopped", "this account has no such API"),
    48004: Policy("stopped", "API banned"),
    48006: Policy("stopped", "quota resets used up"),
    48008: Policy("stopped", "no right to this message type"),
    50002: Policy("stopped", "account restricted"),
    40200: Policy("stopped", "message type not allowed for this account"),
    40164: Policy("stopped", "this server's address is not on the IP allow-list (IP白名单)"),
    61004: Policy("stopped", "this server's address is not on the IP allow-list (IP白名单)"),
    40013: Policy("stopped", "WECHAT_APP_ID is wrong"),
    40125: Policy("stopped", "WECHAT_APP_SECRET is wrong"),
}

TOKEN_CODES = frozenset(code for code, policy in POLICY.items() if policy.verdict == "token")


def reason(code: int) -> str:
    """The code and its meaning, for reports and logs: no personal data, no secrets, no words of the platform."""
    policy = POLICY.get(code)
    return f"wechat {code}: {policy.meaning}" if policy else f"wechat {code}"


def outcome(code: int, now: datetime, receipt: str = "") -> Outcome:
    """What became of a message that the platform answered with this code.

    A code that the table does not know is an answer all the same: nothing was sent, and repeating would get it again.
    """
    policy = POLICY.get(code, Policy("content", ""))
    why = reason(code)
    match policy.verdict:
        case "sent":
            return Delivered(receipt)
        case "busy":
            return NotSent(why, after=policy.after)
        case "minute":
            return NotSent(why, after=60.0 - now.second - now.microsecond / 1e6, halts="api")
        case "day":
            return NotSent(why, after=_until_midnight(now), halts="api")
        case "token" | "stopped":
            return NotSent(why, after=_HALT, halts="account")
        case "gone" | "muted":
            return Refused(why, closes=True)
        case "window":
            return Refused(why, window=True)
        case "declined":
            return Refused(why, declines=True)
        case "content":
            return Refused(why)


def _until_midnight(now: datetime) -> float:
    local = now.astimezone(_CHINA)
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - local).total_seconds()
