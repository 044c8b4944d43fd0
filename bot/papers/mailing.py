"""The list of a campaign's messages as a table: who, masked, what became of each, and why; never a formula."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from bot.domain.campaigns import Told
from bot.papers.takeaway import book_of

COLUMNS = ("name", "message", "state", "reason", "door", "at")


def mailing_list(listed: Sequence[Told], zone: tzinfo) -> bytes:
    """The .xlsx file. For a thread."""
    return book_of([("messages", [COLUMNS, *(line(one, zone) for one in listed)])])


def line(one: Told, zone: tzinfo) -> tuple[str, ...]:
    """One message in one row."""
    at = one.at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if one.at else ""
    return (one.name, str(one.step + 1), one.state, one.reason, one.door, at)
