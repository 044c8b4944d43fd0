"""Whose minutes counted: from intervals of presence to records, by the rules of their day, and no minute twice."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TypeVar

from bot.domain.attendance import Zero
from bot.domain.rulesets import SERVICE, RuleSet
from bot.facts import fact

Key = TypeVar("Key")

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a presence is worth: whole minutes, from when to when, and the reason where it is less than was spent."""

    minutes: int
    starts: datetime
    ends: datetime
    why: Zero | None = None
    training: int = 0
    """Minutes of training, which are no service."""


Interval = tuple[datetime, datetime]


def whole_minutes(start: datetime, end: datetime) -> Interval:
    """The whole minutes of the clock that lie in an interval: never more than was spent. Unions are exact on them."""
    first = datetime.fromtimestamp(math.ceil(start.timestamp() / 60) * 60, UTC)
    last = datetime.fromtimestamp(math.floor(end.timestamp() / 60) * 60, UTC)
    return first, max(first, last)


def count(
    arrived: datetime,
    left: datetime,
    shift: Interval,
    counted: Sequence[Interval],
    rules: RuleSet,
    sort: str = SERVICE,
    room: int | None = None,
) -> Counted:
    """The minutes of a presence: inside the shift only, and no minute that counted before.

    Time before the start and after the end, the way there and back are not service (record books: 不含往返途中时间).
    `sort`: what the activity's time is; only service counts. `room`: minutes that the day can still count.
    """
    start, end = max(arrived, shift[0]), min(left, shift[1])
    if end <= start:
        return Counted(0, start, start, Zero("short", 0.0, rules.minimum_share))
    share = (end - start) / (shift[1] - shift[0])
    start, end = whole_minutes(start, end)
    if share < rules.minimum_share:
        return Counted(0, start, end, Zero("short", share, rules.minimum_share))
    if sort in rules.not_service:
        return Counted(0, start, end, Zero(sort), training=(end - start) // MINUTE if sort == "training" else 0)
    fresh = free_time((start, end), counted)
    minutes = int(sum((b - a for a, b in fresh), timedelta()) // MINUTE)
    minutes, why = _worth(minutes, rules, room)
    return Counted(minutes, start, end, why)


def _worth(minutes: int, rules: RuleSet, room: int | None) -> tuple[int, Zero | None]:
    """Rounded and within what the day can still count; the reason where that leaves less, or nothing."""
    if not minutes:
        return 0, Zero("double")
    minutes -= minutes % rules.rounding
    if not minutes:
        return 0, Zero("rounded")
    if room is not None and minutes > room:
        return max(room - room % rules.rounding, 0), Zero("cap", minutes, rules.daily_cap or 0)
    return minutes, None


def free_time(whole: Interval, taken: Iterable[Interval]) -> list[Interval]:
    """What of an interval is left when others are cut out of it."""
    left = [whole]
    for start, end in taken:
        left = [piece for a, b in left for piece in ((a, min(b, start)), (max(a, end), b)) if piece[0] < piece[1]]
    return left


def spent(intervals: Iterable[Interval]) -> int:
    """Minutes that lie in any of these intervals."""
    taken: list[Interval] = []
    total = timedelta()
    for one in intervals:
        total += sum((b - a for a, b in free_time(one, taken)), timedelta())
        taken.append(one)
    return int(total // MINUTE)


# --- Counting again -------------------------------------------------------------------------------------------------

CLAIMS = frozenset({"", "double", "rounded", "cap"})
"""Records with no reason, or one of these, hold their interval: they get minutes that another gives up."""


def holds(training: int, why: Mapping[str, object] | None) -> bool:
    """Does a record hold its interval? `why`: the reason as it is stored."""
    return not training and (str(why["rule"]) if why else "") in CLAIMS


@dataclass(frozen=True, slots=True)
class Claim:
    """A record's interval of service, in whole minutes, and the rules that it is counted by."""

    id: int
    starts: datetime
    ends: datetime
    rules: RuleSet


def precedence(claims: Sequence[Claim], verdicts: Iterable[tuple[int, int]] = ()) -> list[Claim]:
    """Who takes a minute that several claim: whoever was recorded first, unless it was settled otherwise.

    `verdicts`: (who has it, who gives it up), oldest first. Always one order of all, so that no minute is lost.
    """
    order = sorted(claims, key=lambda one: one.id)
    by_id = {one.id: one for one in claims}
    for has, gives in verdicts:
        if has in by_id and gives in by_id and order.index(by_id[has]) > order.index(by_id[gives]):
            order.remove(by_id[has])
            order.insert(order.index(by_id[gives]), by_id[has])
    return order


def count_again(
    claims: Sequence[Claim], verdicts: Iterable[tuple[int, int]], day: Callable[[datetime], date]
) -> dict[int, tuple[int, Zero | None]]:
    """What each of a person's records is worth beside the others: minutes, and the reason where it is less.

    The sum is the length of the union, less what the rules round off and cap. `day`: a moment's day in the city. The
    same claims and verdicts give the same minutes, however often.
    """
    taken: list[Interval] = []
    spent: dict[date, int] = defaultdict(int)
    worth: dict[int, tuple[int, Zero | None]] = {}
    for one in precedence(claims, verdicts):
        fresh = free_time((one.starts, one.ends), taken)
        taken.append((one.starts, one.ends))
        on, cap = day(one.starts), one.rules.daily_cap
        minutes = int(sum((b - a for a, b in fresh), timedelta()) // MINUTE)
        worth[one.id] = _worth(minutes, one.rules, None if cap is None else cap - spent[on])
        spent[on] += worth[one.id][0]
    return worth


def overlap(one: Interval, other: Interval) -> Interval | None:
    """The time that two intervals share."""
    start, end = max(one[0], other[0]), min(one[1], other[1])
    return (start, end) if start < end else None


def cover_of(arrived: datetime, left: datetime, before: timedelta, after: timedelta) -> Interval:
    """The time for which somebody is covered: from leaving home to being back. It is not service and never counts."""
    return arrived - before, left + after


# --- The ledger -----------------------------------------------------------------------------------------------------


@fact
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
    ends: datetime | None = None
    training: int = 0
    settles: datetime | None = None
    """When its public notice is over; None: it was final from the first."""
    rules: str = ""
    cover: Interval | None = None
    person: int = 0
    organisation: int = 0
    activity: int = 0

    def provisional(self, now: datetime) -> bool:
        """Can it still be objected to?"""
        return self.settles is not None and now < self.settles


def elsewhere(record: Record, rules: RuleSet) -> int:
    """Minutes of a record's time that count in another record: what neither rounding nor a cap explains."""
    if record.why is not None or record.training or record.ends is None:
        return 0
    missing = int((record.ends - record.starts) // MINUTE) - record.minutes
    return missing if missing >= rules.rounding else 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """A volunteer's hours: the total in minutes, by month (`2026-11`) and otherwise, and the latest records."""

    total: int
    months: Sequence[tuple[str, int]]
    records: Sequence[Record]
    present: int = 0
    """Presences, counted or not."""
    kinds: Mapping[str, int] = field(default_factory=dict)
    organisations: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By name, Chinese and English."""
    grades: Mapping[str, int] = field(default_factory=dict)
    training: int = 0
    provisional: int = 0
    """Of the total: minutes whose public notice is not over."""
    by_month: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Months split by grade."""


@fact
class Piece:
    """What a ledger is summed up from: one record, without its title."""

    starts: int
    """Milliseconds since 1970, as `settles`: a busy volunteer has thousands of them."""
    minutes: int
    training: int
    kind: str
    organisation: tuple[str, str]
    grade: str
    settles: int | None


def as_piece(record: Record) -> Piece:
    """What a ledger needs of a record."""
    return Piece(
        _milliseconds(record.starts), record.minutes, record.training, record.kind,
        (record.organisation_name, record.organisation_english), record.grade,
        None if record.settles is None else _milliseconds(record.settles),
    )  # fmt: skip


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def month_starts(first: datetime, last: datetime) -> list[tuple[int, str]]:
    """When each month begins, in milliseconds, from the one of `first` to the one of `last`, in their own zone."""
    at = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = []
    while at <= last:
        found.append((round(at.timestamp() * 1000), f"{at:%Y-%m}"))
        at = at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)
    return found


def summed(pieces: Sequence[Piece], latest: Sequence[Record], now: datetime) -> Ledger:
    """The ledger of these records; months newest first, the others by minutes. `now` is in the city's zone."""
    by_month: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    kinds: dict[str, int] = defaultdict(int)
    organisations: dict[tuple[str, str], int] = defaultdict(int)
    grades: dict[str, int] = defaultdict(int)
    provisional = training = 0
    moment = round(now.timestamp() * 1000)
    edges, names = _months_of(pieces, now)
    for one in pieces:
        training += one.training
        if not one.minutes:
            continue
        by_month[names[bisect_right(edges, one.starts) - 1]][one.grade] += one.minutes
        kinds[one.kind] += one.minutes
        organisations[one.organisation] += one.minutes
        grades[one.grade] += one.minutes
        provisional += one.minutes if one.settles is not None and moment < one.settles else 0
    months = {month: sum(parts.values()) for month, parts in by_month.items()}
    return Ledger(
        sum(months.values()),
        sorted(months.items(), reverse=True),
        latest,
        len(pieces),
        _most_first(kinds),
        _most_first(organisations),
        dict(sorted(grades.items())),
        training,
        provisional,
        {month: dict(parts) for month, parts in by_month.items()},
    )


def _months_of(pieces: Sequence[Piece], now: datetime) -> tuple[Sequence[int], Sequence[str]]:
    moments = [one.starts for one in pieces] or [0]
    first, last = (datetime.fromtimestamp(edge / 1000, now.tzinfo).date() for edge in (min(moments), max(moments)))
    return _months_between(first.replace(day=1), last.replace(day=1), now.tzinfo)


@lru_cache(maxsize=256)
def _months_between(first: date, last: date, zone: tzinfo | None) -> tuple[Sequence[int], Sequence[str]]:
    """When these months begin and what they are called; few pairs of months are asked for."""
    begin, end = (datetime(day.year, day.month, 1, tzinfo=zone) for day in (first, last))
    months = month_starts(begin, end)
    return [edge for edge, _name in months], [name for _edge, name in months]


def _most_first(minutes: Mapping[Key, int]) -> dict[Key, int]:
    return dict(sorted(minutes.items(), key=lambda one: -one[1]))
