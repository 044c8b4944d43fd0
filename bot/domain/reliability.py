"""Keeping one's word: until when a seat is given back without consequence, what a broken promise weighs, and what
follows.

The rule is published with the figures that it rests on; each of them has its reason and can be contested, and what
follows is never a ban: the organiser decides (rules of 2017, rating by broken promises; Beijing art. 15, duty to tell).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.enrolment import Stand

REASONS = ("work", "family", "journey", "other", "unsaid")
"""Why somebody cannot come. Not more is asked: an illness is nobody's business."""

LEAVE_BEFORE = 12 * 60
"""Minutes before the start: an activity's deadline unless its organiser sets another. The reminder of the day before
comes earlier, so that a “no” to it costs nothing."""

GRACE = timedelta(hours=1)
"""Whoever signs up when the deadline is near may still change their mind for so long."""

WITHIN = timedelta(days=180)
NO_SHOW, TOO_LATE = 2, 1
"""What a broken promise weighs: not coming without a word, giving the seat up after the deadline."""
LIMIT = 4
"""From this weight on the organiser decides about each new sign-up."""


def deadline(starts: datetime, before: int, joined: datetime) -> datetime:
    """Until when a seat is given back without consequence; at the latest the start."""
    return min(max(starts - timedelta(minutes=before), joined + GRACE), starts)


def minutes_late(starts: datetime, before: int, joined: datetime, now: datetime) -> int | None:
    """How long after the deadline it is; None: in time."""
    over = now - deadline(starts, before, joined)
    return max(int(over.total_seconds() // 60), 1) if over > timedelta() else None


@dataclass(frozen=True, slots=True)
class Broken:
    """One promise that was not kept."""

    enrolment: int
    title: str
    english: str
    starts: datetime
    stand: Stand
    """ABSENT, EXCUSED, or CANCELLED too late."""
    reason: str = ""

    @property
    def weight(self) -> int:
        """What it counts; excused it counts nothing."""
        return {Stand.ABSENT: NO_SHOW, Stand.CANCELLED: TOO_LATE}.get(self.stand, 0)


def weight(broken: Iterable[Broken]) -> int:
    """What somebody's broken promises weigh together."""
    return sum(one.weight for one in broken)


def must_ask(broken: Iterable[Broken]) -> bool:
    """Does the organiser decide about their next sign-up?"""
    return weight(broken) >= LIMIT


def may_have_to_ask(broken: int) -> bool:
    """Can so many broken promises weigh enough? If not, nobody needs to look at them one by one."""
    return broken * NO_SHOW >= LIMIT
