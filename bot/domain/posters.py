"""The poster of an activity: whether there is anything to hang up, which times it names, how it is called in a chat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.activities import Activity

FEW = 4
"""Times that a poster names one by one; more of them nobody reads in passing."""


@dataclass(frozen=True, slots=True)
class NothingToHangUp:
    """There is no poster: `draft`, `cancelled`, `begun`, or `nowhere` to come to."""

    why: str


def nothing_to_hang_up(card: Activity, now: datetime) -> NothingToHangUp | None:
    """Why an activity has no poster now; None: it has one. Nobody is called to what they can no longer join."""
    if card.state == "cancelled":
        return NothingToHangUp("cancelled")
    if card.state != "open":
        return NothingToHangUp("draft")
    if not card.open_shifts(now):
        return NothingToHangUp("begun")
    return None if card.address.strip() else NothingToHangUp("nowhere")


def times(card: Activity, now: datetime) -> list[tuple[datetime, datetime]]:
    """When people can still come, the soonest first; roles side by side are one time."""
    return sorted({(shift.starts, shift.ends) for shift in card.open_shifts(now)})


def typed(activity: int) -> tuple[str, str]:
    """What opens the activity when it is sent in any chat, for readers of Chinese and of English."""
    return f"活动{activity}", f"activity-{activity}"
