"""By which rules minutes count on a day: sets of numbers with dates, read from a file; every record names its set."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from importlib import resources

SERVICE = "service"
TRAINING = "training"
"""A part of the record of its own (rules.md, row 15): kept, and never added to service."""

NOT_SERVICE = (TRAINING, "duty", "giving")
"""What else the time of an activity can be; the way there and back is never an activity's."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The numbers that hold from a day to a day, both included."""

    name: str
    minimum_share: float
    """Of the shift that must have been spent there; below it nothing counts."""
    rounding: int = 1
    """Minutes: the sum is rounded down to a multiple."""
    daily_cap: int | None = None
    """Minutes that one day can count at most; None: no limit."""
    notice_days: int = 0
    """Working days during which a record can be objected to before it is final."""
    answer: timedelta = timedelta(days=7)
    """How long each level has to answer a dispute before it goes up by itself."""
    correct_minutes: int = 480
    correct_share: float = 0.2
    """Beyond so many minutes a day, or such a change, a correction needs a second person."""
    long_day: int = 600
    """Minutes a day beyond which somebody looks."""
    shared_phone: int = 4
    """So many people with one telephone number at one activity are looked at."""
    burst_people: int = 12
    burst_within: timedelta = timedelta(seconds=20)
    """So many arrivals by code in such a time are looked at: a code that went round in a group."""
    cover: timedelta = timedelta(minutes=60)
    """The way there and the way back, where the activity says nothing else."""
    not_service: frozenset[str] = frozenset({"travel", "duty", "giving", TRAINING})
    since: date = date.min
    until: date = date.max
    chinese: str = ""
    english: str = ""


def _read(row: dict[str, str]) -> RuleSet:
    return RuleSet(
        name=row["name"],
        chinese=row["chinese"],
        english=row["english"],
        minimum_share=int(row["minimum_share"]) / 100,
        rounding=int(row["rounding"]),
        daily_cap=int(row["daily_cap"]) or None,
        notice_days=int(row["notice_days"]),
        answer=timedelta(days=int(row["answer_days"])),
        correct_minutes=int(row["correct_minutes"]),
        correct_share=int(row["correct_percent"]) / 100,
        long_day=int(row["long_day"]),
        shared_phone=int(row["shared_phone"]),
        burst_people=int(row["burst_people"]),
        burst_within=timedelta(seconds=int(row["burst_seconds"])),
        cover=timedelta(minutes=int(row["cover_minutes"])),
        not_service=frozenset(row["not_service"].split()),
        since=date.fromisoformat(row["since"]),
        until=date.fromisoformat(row["until"]) if row["until"] else date.max,
    )


def _all() -> Sequence[RuleSet]:
    text = resources.files("bot.domain.data").joinpath("rules.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(sorted((_read(row) for row in rows), key=lambda one: one.since))


RULE_SETS = _all()
"""All that there are, oldest first; read with the module, because no turn may wait for a file."""


def rules_on(day: date) -> RuleSet:
    """The set that holds on a day. Raises LookupError for a day that no set knows."""
    for one in RULE_SETS:
        if one.since <= day <= one.until:
            return one
    raise LookupError(f"no rules are known for {day}")


def titles(name: str) -> tuple[str, str]:
    """What a set is called in Chinese and in English; a set that is not known any more by its name."""
    found = next((one for one in RULE_SETS if one.name == name), None)
    return (found.chinese, found.english) if found else (name, name)


def rule_set(name: str) -> RuleSet:
    """The set with this name. Raises LookupError."""
    for one in RULE_SETS:
        if one.name == name:
            return one
    raise LookupError(f"no rules are called {name}")


def final_from(made: datetime, rules: RuleSet) -> datetime:
    """When a record's public notice is over: midnight after so many whole working days, Monday to Friday, that follow
    the day on which it was made. `made` is in the city's zone."""
    if not rules.notice_days:
        return made
    day, left = made.date(), rules.notice_days
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return datetime.combine(day + timedelta(days=1), time(), made.tzinfo)
