"""Whose minutes counted: from an interval of presence to a record, by a rule set with a name and dates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.attendance import Zero


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The numbers by which minutes are counted; every record names the set that made it."""

    name: str
    minimum_share: float
    """Of the shift that must have been spent there; below it nothing counts."""
    rounding: int = 1
    """Minutes: the sum is rounded down to a multiple."""


RULES = RuleSet("beijing-2026", minimum_share=0.5)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a presence is worth: whole minutes, from when to when, and the reason where it is nothing."""

    minutes: int
    starts: datetime
    ends: datetime
    why: Zero | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a volunteer's ledger."""

    id: int
    title: str
    english: str
    kind: str
    organisation_name: str
    organisation_english: str
    starts: datetime
    minutes: int
    grade: str
    state: str
    why: Zero | None


Interval = tuple[datetime, datetime]


def count(
    arrived: datetime, left: datetime, shift: Interval, counted: Sequence[Interval], rules: RuleSet = RULES
) -> Counted:
    """The minutes of a presence: inside the shift only, and no minute that counted before.

    Time before the start and after the end, the way there and the way back are not service (rules.md, row 10).
    """
    start, end = max(arrived, shift[0]), min(left, shift[1])
    if end <= start:
        return Counted(0, start, start, Zero("short", 0.0, rules.minimum_share))
    share = (end - start) / (shift[1] - shift[0])
    if share < rules.minimum_share:
        return Counted(0, start, end, Zero("short", share, rules.minimum_share))
    fresh = free_time((start, end), counted)
    minutes = int(sum((b - a for a, b in fresh), timedelta()).total_seconds() // 60)
    minutes -= minutes % rules.rounding
    return Counted(minutes, start, end, None if minutes else Zero("double"))


def free_time(whole: Interval, taken: Iterable[Interval]) -> list[Interval]:
    """What of an interval is left when others are cut out of it."""
    left = [whole]
    for start, end in taken:
        left = [piece for a, b in left for piece in ((a, min(b, start)), (max(a, end), b)) if piece[0] < piece[1]]
    return left


@dataclass(frozen=True, slots=True)
class Ledger:
    """A volunteer's hours: the total in minutes, by month (`2026-11`), and the latest records."""

    total: int
    months: Sequence[tuple[str, int]]
    records: Sequence[Record]
    present: int = 0
    """Presences, counted or not."""
