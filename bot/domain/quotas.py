"""What a platform lets an account call: by API, day and month, as data with their source; and when a new day begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Literal

from bot.domain.reach import Way

CHINA = timezone(timedelta(hours=8))
"""WeChat counts its days and months in Beijing's time, wherever the city lies."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What one API allows an account."""

    api: str
    """The platform's name for it."""
    allowed: int
    """Calls in one period."""
    period: Literal["day", "month"] = "day"
    a_minute: int = 0
    """Calls in any minute; 0: none is published."""
    asked: bool = True
    """Does `openapi/quota/get` know it? Then what it says counts more than what stands here."""


CUSTOMER = Limit("/cgi-bin/message/custom/send", 500_000)
"""Older table of call limits, Message_Management/API_Call_Limits; the account's own figure is asked."""
TEMPLATE = Limit("/cgi-bin/message/template/send", 100_000)
"""Page Template_Message_Interface: 100,000 a day, more above 100,000 followers."""
NOTICE = Limit("/cgi-bin/message/subscribe/bizsend", 100_000)
"""No figure is published; taken as that of template messages until `quota/get` says otherwise."""
TAG_CREATE = Limit("/cgi-bin/tags/create", 1_000)
TAGGING = Limit("/cgi-bin/tags/members/batchtagging", 10_000)
UNTAGGING = Limit("/cgi-bin/tags/members/batchuntagging", 10_000)
TAG_DELETE = Limit("/cgi-bin/tags/delete", 1_000)
"""No figures are published for tags; query calls have 10,000 in the older table."""
QR_CREATE = Limit("/cgi-bin/qrcode/create", 100_000)
"""Older table of call limits."""

WECHAT: Mapping[Way, Limit] = {Way.WINDOW: CUSTOMER, Way.TEMPLATE: TEMPLATE, Way.GRANT: NOTICE}
"""Which API a message of one person goes by."""

MASS_BY_KIND: Mapping[str, Limit] = {
    "service": Limit("mass", 4, "month", a_minute=60, asked=False),
    "subscription": Limit("mass", 1, a_minute=60, asked=False),
}
"""Mass messages that one follower may get, page Batch_Sends; counted for the account, and so for each of them. That is
far below the 100 calls a day of the older text. Page api_masssend: 60 requests a minute."""

TAGGED_AT_ONCE = 50
"""Followers in one call of batchtagging. Page on tags of followers."""


def period_of(limit: Limit, now: datetime) -> date:
    """The first day of the period that a call now counts in."""
    today = now.astimezone(CHINA).date()
    return today.replace(day=1) if limit.period == "month" else today


def ends(limit: Limit, now: datetime) -> datetime:
    """When the next period begins."""
    begun = period_of(limit, now)
    following = begun + timedelta(days=1)
    if limit.period == "month":
        following = (begun + timedelta(days=32)).replace(day=1)
    return datetime(following.year, following.month, following.day, tzinfo=CHINA)
