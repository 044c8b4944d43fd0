"""By which rules minutes count on a day: sets of numbers with dates, read from a file; every record names its set."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from importlib import resources

SERVICE = "service"
TRAINING = "training"
"""A part of the record of its own (志愿服务条例, article 19): kept, and never added to service."""

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


@dataclass(frozen=True, slots=True)
class Rules:
    """A city's sets, oldest first: each holds until the day before the next one."""

    sets: tuple[RuleSet, ...]

    def on(self, day: date) -> RuleSet:
        """The set that holds on a day. Raises LookupError for a day that no set knows."""
        for one in self.sets:
            if one.since <= day <= one.until:
                return one
        raise LookupError(f"no rules are known for {day}")

    def named(self, name: str) -> RuleSet:
        """The set with this name. Raises LookupError."""
        for one in self.sets:
            if one.name == name:
                return one
        raise LookupError(f"no rules are called {name}")

    def titles(self, name: str) -> tuple[str, str]:
        """What a set is called in Chinese and in English; a set that is not known any more by its name."""
        found = next((one for one in self.sets if one.name == name), None)
        return (found.chinese, found.english) if found else (name, name)


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


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(line for line in text.splitlines() if line.strip() and not line.startswith("#")))


_SHIPPED = sorted(
    _rows(resources.files("bot.domain.data").joinpath("rules.csv").read_text("utf-8")), key=lambda row: row["since"]
)

SHIPPED = Rules(tuple(map(_read, _SHIPPED)))
"""The sets that come with Menkou; read with the module, because no turn may wait for a file."""


# --- A city's own ----------------------------------------------------------------------------------------------------


class BadRules(ValueError):
    """A city's own file cannot be used: one line that says where and why."""


_LEAST = {"rounding": 1, "answer_days": 1, "long_day": 1, "shared_phone": 2, "burst_people": 2, "burst_seconds": 1}
_MOST = {"minimum_share": 100, "rounding": 60, "daily_cap": 1_440, "notice_days": 60, "answer_days": 90}
_NUMBERS = frozenset(_SHIPPED[0]) - {"name", "chinese", "english", "since", "until", "not_service", "source"}


def with_own(text: str, shipped: Rules = SHIPPED) -> Rules:
    """The shipped sets, and from the day of its first one only a city's own. Raises BadRules.

    `text`: the columns of data/rules.csv without `until`. A column that is left out, or a cell that is empty, says
    what the set before says, so that one line with a name, a day and a number is a change of that number.
    """
    rows = _rows(text)
    if not rows:
        raise BadRules("holds no set of rules")
    known = frozenset(_SHIPPED[0]) - {"until"}
    for column in rows[0]:
        if column not in known:
            raise BadRules(f"has a column “{column}”; there are {', '.join(sorted(known))}")
    begins = date.fromisoformat(_cell(rows[0], "since", "set 1"))
    before = next((row for row in reversed(_SHIPPED) if row["since"] < begins.isoformat()), None)
    if before is None:
        raise BadRules(f"begins on {begins}, before the first shipped set")
    sets = [one for one in shipped.sets if one.since < begins]
    for place, row in enumerate(rows, 1):
        before = {**before, "chinese": "", "english": "", **{name: cell.strip() for name, cell in row.items() if cell}}
        one = _own(before, f"set {place}")
        if one.name in {other.name for other in shipped.sets} | {other.name for other in sets}:
            raise BadRules(f"set {place}: the name “{one.name}” is taken; records name their rules for ever")
        if one.since <= sets[-1].since:
            raise BadRules(f"set {place}: begins on {one.since}, no later than the one before")
        sets[-1] = replace(sets[-1], until=one.since - timedelta(days=1))
        sets.append(one)
    return Rules(tuple(sets))


def _cell(row: dict[str, str], column: str, where: str) -> str:
    """What must be in every line, as it should be. Raises BadRules."""
    found = (row.get(column) or "").strip()
    if column == "since":
        try:
            return date.fromisoformat(found).isoformat()
        except ValueError:
            raise BadRules(f"{where}: since is “{found}”; a day is written 2027-01-01") from None
    if not re.fullmatch("[a-z0-9-]{1,32}", found):
        raise BadRules(f"{where}: name is “{found}”; up to 32 small letters, digits and hyphens")
    return found


def _own(row: dict[str, str], where: str) -> RuleSet:
    name = _cell(row, "name", where)
    for column in sorted(_NUMBERS):
        least, most = _LEAST.get(column, 0), _MOST.get(column, 10_000)
        if not re.fullmatch("[0-9]{1,5}", row[column]) or not least <= int(row[column]) <= most:
            raise BadRules(f"{where}: {column} is “{row[column]}”; a whole number from {least} to {most}")
    strange = set(row["not_service"].split()) - {"travel", *NOT_SERVICE}
    if strange:
        raise BadRules(f"{where}: not_service has “{min(strange)}”; there are travel, {', '.join(NOT_SERVICE)}")
    titles = {language: row[language] or name for language in ("chinese", "english")}
    return _read({**row, **titles, "since": _cell(row, "since", where), "until": ""})


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
