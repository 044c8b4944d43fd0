"""Stars for hours: dated rule sets, the way from an application to a grant, and small steps long before the first one.

A star is granted, never computed: somebody applies, their place's centre looks, everybody may object for some days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

STEPS = (5, 10, 20, 50)
"""Hours at which somebody is thanked, once in their life: the first star is a year away for most."""


@dataclass(frozen=True, slots=True)
class StarRules:
    """What a star needs, from a day to a day."""

    name: str
    since: date
    until: date | None
    hours: tuple[int, ...]
    """For one star, two, and so on."""
    notice: timedelta
    """For how long everybody may object before it is granted."""
    city_from: int
    """From this star on the city's own office decides, not a street's or a district's centre."""

    def needs(self, level: int) -> int:
        """Minutes for a star of this level."""
        return self.hours[level - 1] * 60

    def is_the_citys(self, level: int) -> bool:
        """Does the city's own office decide about a star of this level?"""
        return level >= self.city_from


RULE_SETS = (
    # 100, 200, 500, 800 and 1,000 hours, as Beijing began in 2010; told by a secondary source.
    StarRules("stars-2010", date(2010, 1, 1), date(2021, 12, 31), (100, 200, 500, 800, 1000), timedelta(days=7), 5),
    # 100, 300, 600, 1,000 and 1,500 hours (the notice of Beijing's ninth round). The day of the change is reported, not
    # read in a primary text.
    StarRules("stars-2022", date(2022, 1, 1), None, (100, 300, 600, 1000, 1500), timedelta(days=7), 5),
)
"""Notice: at least 5 working days where a number is known (Guangdong), so a week."""


def rules_on(day: date) -> StarRules:
    """The set that holds on a day; before the first one, the first."""
    held = [one for one in RULE_SETS if one.since <= day and (one.until is None or day <= one.until)]
    return held[-1] if held else RULE_SETS[0]


def rules_named(name: str) -> StarRules:
    """A set by its name, for what was decided by it. Raises StopIteration for a name that no set ever had."""
    return next(one for one in RULE_SETS if one.name == name)


def reached(minutes: int, rules: StarRules) -> int:
    """How many stars these minutes are enough for."""
    return sum(minutes >= hours * 60 for hours in rules.hours)


def missing(minutes: int, level: int, rules: StarRules) -> int:
    """Minutes still missing for a star; 0: none, or there is no such star."""
    return max(rules.hours[level - 1] * 60 - minutes, 0) if 1 <= level <= len(rules.hours) else 0


def steps(minutes: int) -> list[int]:
    """The small steps behind somebody, in hours."""
    return [hours for hours in STEPS if minutes >= hours * 60]


def worth_saying(new: Sequence[int], minutes: int, rules: StarRules) -> int:
    """Which of the steps that were just reached is said: the highest. 0: none; whoever is past the first star already
    is not halfway to it."""
    return max(new, default=0) if minutes < rules.needs(1) else 0


class Way(StrEnum):
    """Where an application stands."""

    APPLIED = "applied"
    NOTICE = "notice"
    GRANTED = "granted"
    REFUSED = "refused"


MOVES: dict[Way, frozenset[Way]] = {
    Way.APPLIED: frozenset({Way.NOTICE, Way.REFUSED}),
    Way.NOTICE: frozenset({Way.GRANTED, Way.REFUSED}),
    Way.GRANTED: frozenset(),
    Way.REFUSED: frozenset(),
}
"""What may follow what; a refused application is followed by a new one."""

TOO_FEW_HOURS = "hours"

REFUSALS = (TOO_FEW_HOURS, "doubt", "wish")
"""Why one is refused: the hours are not enough any more, a record is in doubt, the volunteer no longer wants it."""

OBJECTIONS = ("untrue", "other", "double")
"""What somebody can say against one. Never free words: nobody is slandered here."""


@dataclass(frozen=True, slots=True)
class Application:
    """Somebody's application for a star."""

    id: int
    person: int
    number: str
    """Volunteer number: it stands in the notice instead of a name."""
    name: str
    """Masked, as everybody may read it."""
    level: int
    rules: StarRules
    minutes: int
    """Counted when it was applied for."""
    place: int
    way: Way
    applied: datetime
    until: datetime | None
    """End of the notice."""
    objections: int = 0
    granted: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """My stars: how many were granted, what is under way, what the next one needs."""

    minutes: int
    """Final ones: whose public notice is over, and about which nothing is asked."""
    provisional: int
    """Minutes that are still in notice or asked about, and count for no star yet."""
    rules: StarRules
    granted: int
    open: Application | None
    may: int
    """The star that I may apply for now; 0: none yet."""
    missing: int
    """Minutes to the next one."""
    refused: Application | None = None
    """The last application, if it was refused: its reason stays to be read."""


@dataclass(frozen=True, slots=True)
class TooFew:
    """Minutes are missing."""

    missing: int


@dataclass(frozen=True, slots=True)
class UnderWay:
    """There is an application already."""

    application: Application


@dataclass(frozen=True, slots=True)
class Applied:
    """It lies with the centre now."""

    level: int


def next_star(minutes: int, granted: int, rules: StarRules) -> tuple[int, int]:
    """(the star that may be applied for, 0 if none; minutes missing to the next one). Stars can be skipped."""
    best = reached(minutes, rules)
    if best > granted:
        return best, 0
    return 0, missing(minutes, granted + 1, rules)


def due(applications: Sequence[Application], now: datetime) -> list[Application]:
    """Notices that ended without an objection."""
    over = [one for one in applications if one.way == Way.NOTICE and one.until is not None and one.until <= now]
    return [one for one in over if not one.objections]
