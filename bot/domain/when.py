"""Dates and times as people write them, in Chinese (both scripts) and English.

What the words mean here; a reader's sentence is measured against these conventions:
- The week is Monday to Sunday, 周日 its last day. 这周X, 本周X, "this X": that day of the current week, even when it
  is over. 下周X, "next X": of the next week; 下下周X: one later. A bare weekday: the next such day, today included;
  with a clock time that is already over today, a week later. 周末, "weekend": Saturday and Sunday; on these two days,
  the present weekend.
- A date without a year, a month, a feast: the next one, the present day or month included. Asked of the past
  (`look="back"`, for hours that were worked) they are the last one. 上个月, "last month", 去年 look back by
  themselves.
- 月初 the first five days, 上旬 1-10, 中旬 11-20, 下旬 21 to the end, 月底 the last five days.
- Feasts are one day; 国庆 is seven days from 1 October, 五一 five days from 1 May.
- Parts of a day: 早上 上午 morning 6-12, 中午 noon 11-14, 下午 afternoon 12-18, 傍晚 17-20, 晚上 evening night 18-24,
  凌晨 0-6, 白天 6-18. A part is an interval. Of several days it is meant on each day.
- A clock time without a date: the next one after now. 1 to 5 o'clock without a word for the part of the day are in
  the afternoon, unless they are written with two digits (03:00); the small hours come back as the alternative. A
  clock time alone, asked as an interval, is the hour that it begins.
- X前, "before X" ends where X begins and starts now; "by X" includes X. X后, "after X" starts where X ends and lasts
  30 days; after a clock time it lasts until the end of that day.
- A connected pair is a range and carries what the second half leaves out: 下周一到周三, 12月5日至7日, 下午2点到5点.

Never dates: 3号线 and other numbered things, 第3个, 3人, 3小时, the 明 of 证明, greetings. Every interval is
half-open, aware, in the zone that was passed in. Nothing here asks a clock.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal

from bot.domain.clockwords import DAY_MINUTES, NUMERAL, TO, Clock, read_clocks
from bot.domain.datewords import (
    AND,
    FIRST_YEAR,
    LAST_YEAR,
    Asked,
    Day,
    Look,
    date_of,
    months_later,
    number_of,
    one_day,
    read_days,
)
from bot.domain.writing import fold_with_origin

IntervalKind = Literal["day", "days", "part", "hours", "moment", "until", "after"]

OPEN_END = timedelta(days=30)
"""How long "after X" lasts."""

MOST_DAYS = 31
"""A part of the day over more days than this is not spelled out day by day."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time that a text names. `spans`: the letters of the text that named it; half-open like the times."""

    start: datetime
    end: datetime
    kind: IntervalKind
    spans: tuple[tuple[int, int], ...]
    alternatives: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def span(self) -> tuple[int, int]:
        """From the first of its letters to the last."""
        return self.spans[0][0], self.spans[-1][1]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A day, a clock time, or both, that stand together; `until`: the far end of a range of moments."""

    start: int
    end: int
    day: Day | None = None
    clock: Clock | None = None
    until: tuple[Day, Clock | None] | None = None
    spans: tuple[tuple[int, int], ...] = ()
    joined: bool = False
    """Linked to the unit before by "or" or "and"."""


# --- Putting pieces together ----

_DAY_BESIDE_DAY = re.compile(r"[\s,，.()（）\[\]的]*(?:in|of|on|the)?[\s(（]*", re.ASCII)
_CLOCK_AFTER_DAY = re.compile(r"[\s,，:;()（）\[\]的在是t]*(?:at|from|in the|the|开始)?\s*", re.ASCII)
_DAY_AFTER_CLOCK = re.compile(r"[\s,，(（]*(?:on|of|this|the|for)?\s*(?:the\s+)?", re.ASCII)
_RANGE_LINK = re.compile(rf"[\s)）]*(?:{TO})\s*(?:the\s+)?", re.ASCII)
_LIST_LINK = re.compile(rf"\s*(?:{AND}|以及|还有|,\s*(?:and|or)|，|;|；)\s*(?:on\s+|the\s+)?", re.ASCII)
_BEFORE_AFTER = re.compile(
    r"\s*(?:(?:之|以)(?:(前)|(后))|(前)(?!门|往|台|进|排|后|海|来|去|两|三|几|沿|期|任|半|景|一天)|"
    r"(后)(?!海|沙峪|勤|门|台|来|续|天|半|排|年|面|厂|期|一天))",
    re.ASCII,
)
_ENGLISH_BEFORE_AFTER = re.compile(r"(?<![a-z])(before|by|until|till|after)\s+(?:the\s+)?$", re.ASCII)
_DURATION = re.compile(
    rf"(?<![\d.第:/-])(?:(\d{{1,2}}(?:\.\d)?|[{NUMERAL}]{{1,3}}|半|an?|one|two|three|four|five|"
    rf"six)\s*(?:个\s*)?(半)?\s*(?:小时|钟头|hours?\b|hrs?\b|h\b)(半)?"
    r"|(\d{1,3})\s*(?:分钟|minutes?\b|mins?\b))",
    re.ASCII,
)


def _pieces(plain: str, asked: Asked) -> list[Day | Clock]:
    """The day and clock pieces of a text in order, none over another: the first begun wins, then the longest."""
    found: list[Day | Clock] = [*read_days(plain, asked), *read_clocks(plain)]
    found.sort(key=lambda piece: (piece.start, isinstance(piece, Clock) and piece.weak, -piece.end))
    kept: list[Day | Clock] = []
    for index, piece in enumerate(found):
        last = kept[-1] if kept else None
        if last is not None and piece.start < last.end:
            continue
        if isinstance(piece, Clock) and piece.weak and not _beside_a_day(plain, piece, last, found[index + 1 :]):
            continue
        if isinstance(piece, Day) and isinstance(last, Day) and piece.bare and piece.shape == "date":
            # 周六 10-12: after a day this is an hour range, not the twelfth of October.
            rival = next(
                (
                    other
                    for other in found[index + 1 :]
                    if isinstance(other, Clock) and (other.start, other.end) == (piece.start, piece.end)
                ),
                None,
            )
            if rival is not None and _CLOCK_AFTER_DAY.fullmatch(plain, last.end, piece.start):
                kept.append(rival)
                continue
        kept.append(piece)
    return kept


def _beside_a_day(
    plain: str, piece: Clock, last: Day | Clock | None, following: Sequence[Day | Clock]
) -> bool:
    """Whether a clock time that is weak alone stands after a day or a part of one, or as a range right before one."""
    if (
        last is not None
        and (isinstance(last, Day) or not last.exact)
        and _CLOCK_AFTER_DAY.fullmatch(plain, last.end, piece.start)
    ):
        return True
    return piece.high is not None and any(
        (isinstance(other, Day) or not other.exact)
        and other.start >= piece.end
        and _DAY_AFTER_CLOCK.fullmatch(plain, piece.end, other.start)
        for other in following
    )


def _merge_days(one: Day, other: Day) -> Day | None:
    """Two day words that mean one day together: 12月5日（周六）, 下个月5号, Saturday next week; None: they do not."""
    if one.gathered:
        return None
    start, end = one.start, other.end
    for coarse, fine in ((one, other), (other, one)):
        if fine.shape == "weekday" and fine.bare and fine.weekday is not None:
            if coarse.shape == "week" and coarse.ranges[0][1] - coarse.ranges[0][0] == timedelta(days=7):
                day = coarse.ranges[0][0] + timedelta(days=fine.weekday)
                return replace(fine, start=start, end=end, ranges=(one_day(day),), bare=False, gathered=True)
            if coarse.shape in ("date", "monthday", "relative", "feast"):
                if any(first <= fine.ranges[0][0] < after for first, after in coarse.ranges) or all(
                    first.weekday() == fine.weekday for first, _after in coarse.ranges
                ):
                    return replace(coarse, start=start, end=end, gathered=True)
                alternatives = (*coarse.alternatives, *fine.ranges)
                return replace(coarse, start=start, end=end, gathered=True, alternatives=alternatives)
        if fine.shape == "weekday" and not fine.bare and coarse.shape in ("date", "monthday"):
            alternatives = coarse.alternatives + (() if fine.ranges == coarse.ranges else fine.ranges)
            return replace(coarse, start=start, end=end, gathered=True, alternatives=alternatives)
        if fine.shape == "monthday" and coarse.shape == "month" and fine.number is not None and coarse is one:
            first = coarse.ranges[0][0]
            length = fine.ranges[-1][1] - fine.ranges[0][0]
            found = date_of(first.year, first.month, fine.number)
            if found is None:
                return None
            ranges = ((found, found + length),)
            return replace(fine, start=start, end=end, ranges=ranges, bare=False, shape="date", gathered=True)
        if {coarse.shape, fine.shape} == {"relative", "date"} or {coarse.shape, fine.shape} == {"relative", "monthday"}:
            dated = coarse if coarse.shape != "relative" else fine
            told = coarse if coarse.shape == "relative" else fine
            alternatives = dated.alternatives + (() if told.ranges == dated.ranges else told.ranges)
            return replace(dated, start=start, end=end, gathered=True, alternatives=alternatives)
    return None


def _refine(part: Clock, exact: Clock) -> Clock | None:
    """A clock time beside a part of the day: afternoon 2-5, tonight at 8; None: they contradict each other."""
    if part.high is None:
        return None
    for shift in (0, 720, -720):
        low = exact.low + shift
        if part.low <= low < part.high:
            high = None if exact.high is None else exact.high + shift
            if high is not None and high > low + 720:
                high -= 720
            return replace(exact, start=part.start, low=low, high=high, weak=False, alternatives=())
    return None


def _units(plain: str, pieces: Sequence[Day | Clock]) -> list[_Unit]:
    """Day and clock pieces that stand together."""
    units: list[_Unit] = []
    for index, piece in enumerate(pieces):
        unit = units[-1] if units else None
        if isinstance(piece, Day):
            if unit and unit.day and not unit.clock and _DAY_BESIDE_DAY.fullmatch(plain, unit.end, piece.start):
                merged = _merge_days(unit.day, piece)
                if merged:
                    units[-1] = replace(unit, day=merged, end=piece.end)
                    continue
            beside = unit is not None and _DAY_BESIDE_DAY.fullmatch(plain, unit.end, piece.start)
            if beside and unit and unit.clock and unit.day and unit.start == unit.clock.start:
                merged = _merge_days(unit.day, piece)
                if merged:
                    units[-1] = replace(unit, day=merged, end=piece.end)
                    continue
            follower = pieces[index + 1] if index + 1 < len(pieces) else None
            own_clock = isinstance(follower, Clock) and _CLOCK_AFTER_DAY.fullmatch(plain, piece.end, follower.start)
            follows = unit is not None and _DAY_AFTER_CLOCK.fullmatch(plain, unit.end, piece.start)
            if follows and unit and unit.clock and not unit.day and not own_clock:
                units[-1] = replace(unit, day=piece, end=piece.end)
                continue
            units.append(_Unit(piece.start, piece.end, day=piece))
            continue
        if unit and _CLOCK_AFTER_DAY.fullmatch(plain, unit.end, piece.start):
            if unit.day and not unit.clock:
                units[-1] = replace(unit, clock=piece, end=piece.end)
                continue
            if unit.clock and unit.clock.exact != piece.exact:
                part, exact = (piece, unit.clock) if unit.clock.exact else (unit.clock, piece)
                refined = _refine(part, exact)
                if refined:
                    units[-1] = replace(unit, clock=refined, end=piece.end)
                    continue
        units.append(_Unit(piece.start, piece.end, clock=piece))
    return units


def _carried(one: Day, other: Day, asked: Asked) -> Day:
    """The second day of a pair, with what it leaves to the first: the week, the month, the year."""
    anchor = one.ranges[0][0]
    if not other.bare:
        return other
    first, after = other.ranges[0][0], other.ranges[-1][1]
    moved: date | None = None
    if other.shape == "weekday" and other.weekday is not None:
        moved = anchor + timedelta(days=(other.weekday - anchor.weekday()) % 7)
    elif other.shape == "monthday" and other.number is not None:
        month = anchor if other.number >= anchor.day else months_later(anchor.replace(day=1), 1)
        moved = date_of(month.year, month.month, other.number)
    elif other.shape == "date" and first < anchor:
        passed = (first.month, first.day) < (anchor.month, anchor.day)
        moved = date_of(anchor.year + passed, first.month, first.day)
    if moved is None:
        return other
    return replace(other, ranges=((moved, moved + (after - first)),))


def _linked(plain: str, units: Sequence[_Unit], asked: Asked) -> list[_Unit]:
    """Ranges made of two units become one; the second of a list takes what it leaves out from the first."""
    done: list[_Unit] = []
    for unit in units:
        before = done[-1] if done else None
        if before is None or before.until is not None:
            done.append(unit)
            continue
        if _RANGE_LINK.fullmatch(plain, before.end, unit.start):
            ranged = _ranged(before, unit, asked)
            if ranged:
                done[-1] = ranged
                continue
        weekdays = before.clock is None and all(each.day and each.day.shape == "weekday" for each in (before, unit))
        if _LIST_LINK.fullmatch(plain, before.end, unit.start) or (weekdays and before.end == unit.start):  # 周六周日
            if unit.day is None and before.day is not None and before.clock is not None:
                unit = replace(unit, day=before.day)
            elif (
                unit.day is not None
                and before.day is not None
                and (unit.day.shape == "monthday" or (unit.day.shape == "weekday" and not before.day.bare))
            ):
                unit = replace(unit, day=_carried(before.day, unit.day, asked))
            unit = replace(unit, joined=True)
        done.append(unit)
    return done


def _ranged(before: _Unit, unit: _Unit, asked: Asked) -> _Unit | None:
    if unit.day is None:
        if before.clock is None or unit.clock is None:
            return None
        low, high = before.clock.low, unit.clock.high if unit.clock.high is not None else unit.clock.low
        while high <= low:
            high += 720
        if high - low > DAY_MINUTES:
            return None
        exact = before.clock.exact and unit.clock.exact
        clock = Clock(before.clock.start, unit.clock.end, low, high, exact=exact)
        return replace(before, clock=clock, end=unit.end)
    if before.day is None:
        return None
    last = _carried(before.day, unit.day, asked)
    first_day, after = before.day.ranges[0][0], last.ranges[-1][1]
    if last.ranges[-1][0] < first_day or after <= first_day:
        return None
    if before.clock is None:
        # 周一到周五下午: the afternoon of each of these days.
        ranges = ((first_day, after),)
        day = replace(before.day, end=unit.day.end, ranges=ranges, bare=False, alternatives=(), gathered=True)
        return replace(before, day=day, clock=unit.clock, end=unit.end)
    return replace(before, end=unit.end, until=(last, unit.clock))


def _brought_together(units: list[_Unit]) -> list[_Unit]:
    """One lone day and one lone clock time in a text belong together: 周六，在奥森，9点集合."""
    days = [unit for unit in units if unit.day and not unit.clock and not unit.until and not unit.joined]
    clocks = [unit for unit in units if unit.clock and not unit.day]
    if len(days) != 1 or len(clocks) != 1 or len(units) != 2:
        return units
    spans = tuple(sorted(((days[0].start, days[0].end), (clocks[0].start, clocks[0].end))))
    return [_Unit(spans[0][0], spans[-1][1], days[0].day, clocks[0].clock, spans=spans)]


# --- From words to instants ----


def _at(day: date, minutes: int, tz: tzinfo) -> datetime:
    """A wall-clock instant; minutes beyond the day's 1440 lie on the days that follow."""
    days, minutes = divmod(minutes, DAY_MINUTES)
    return datetime.combine(day + timedelta(days=days), time(minutes // 60, minutes % 60), tz)


def _placed(unit: _Unit, asked: Asked, tz: tzinfo) -> list[tuple[datetime, datetime]]:
    """The instants that a unit means."""
    day, clock = unit.day, unit.clock
    if unit.until is not None and day is not None and clock is not None:
        last, until = unit.until
        start = _at(day.ranges[0][0], clock.low, tz)
        if until is None:
            end = _at(last.ranges[-1][1], 0, tz)
        else:
            end = _at(last.ranges[-1][1] - timedelta(days=1), until.low if until.high is None else until.high, tz)
        return [(start, end)] if end > start else []
    if day is None:
        return [_next_time(clock, asked, tz)] if clock else []
    if clock is None:
        return [(_at(first, 0, tz), _at(after, 0, tz)) for first, after in day.ranges]
    days = [first + timedelta(days=step) for first, after in day.ranges for step in range((after - first).days)]
    if len(days) > MOST_DAYS:
        return [(_at(first, 0, tz), _at(after, 0, tz)) for first, after in day.ranges]
    placed = [_clocked(each, clock, tz) for each in days]
    if day.bare and day.shape == "weekday" and len(placed) == 1 and asked.look == "ahead" and placed[0][1] <= asked.now:
        placed = [_clocked(days[0] + timedelta(days=7), clock, tz)]
    return placed


def _clocked(day: date, clock: Clock, tz: tzinfo) -> tuple[datetime, datetime]:
    return _at(day, clock.low, tz), _at(day, clock.low + 60 if clock.high is None else clock.high, tz)


def _next_time(clock: Clock, asked: Asked, tz: tzinfo) -> tuple[datetime, datetime]:
    """The next such time: a point that is not past, a stretch that is not over; asked of the past, the last begun."""
    start, end = _clocked(asked.today, clock, tz)
    if asked.look == "back":
        return (start, end) if start <= asked.now else _clocked(asked.today - timedelta(days=1), clock, tz)
    over = start <= asked.now if clock.high is None or clock.exact else end <= asked.now
    return _clocked(asked.today + timedelta(days=1), clock, tz) if over else (start, end)


def _alternatives(unit: _Unit, asked: Asked, tz: tzinfo) -> tuple[tuple[datetime, datetime], ...]:
    others: list[tuple[datetime, datetime]] = []
    if unit.day is not None and unit.until is None:
        for days in unit.day.alternatives:
            others.extend(_placed(replace(unit, day=replace(unit.day, ranges=(days,), alternatives=())), asked, tz))
    if unit.clock is not None:
        for low, high in unit.clock.alternatives:
            clock = replace(unit.clock, low=low, high=high, alternatives=())
            others.extend(_placed(replace(unit, clock=clock), asked, tz))
    return tuple(others)


def _kind_of(unit: _Unit, start: datetime, end: datetime) -> IntervalKind:
    if unit.until is not None:
        return "hours"
    if unit.clock is None:
        return "day" if (end.date() - start.date()).days == 1 else "days"
    if not unit.clock.exact:
        return "part"
    return "moment" if unit.clock.high is None else "hours"


def _asked(now: datetime, tz: tzinfo, look: Look) -> Asked:
    return Asked(now.astimezone(tz), look)


def _understood(plain: str, asked: Asked) -> list[_Unit]:
    units = _linked(plain, _units(plain, _pieces(plain, asked)), asked)
    return _brought_together(units)


def read_times(text: str, now: datetime, tz: tzinfo, look: Look = "ahead") -> list[Interval]:
    """The stretches of time that a text names, in the order of the text.

    `now` is aware; `look="back"` reads 3月 and 周六 as the last ones, for questions about what has been.
    """
    folded = fold_with_origin(text)
    plain = folded.plain
    asked = _asked(now, tz, look)
    if not FIRST_YEAR < asked.today.year < LAST_YEAR - 1:
        return []
    intervals: list[Interval] = []
    for unit in _understood(plain, asked):
        placed = _placed(unit, asked, tz)
        spans = unit.spans or ((unit.start, unit.end),)
        if plain[unit.end : unit.end + 1] == ")" and "(" in plain[unit.start : unit.end]:
            spans = (*spans[:-1], (spans[-1][0], unit.end + 1))
        placed, spans, bounded = _bounded(plain, unit, placed, spans, asked, tz)
        if not placed:
            continue
        written = tuple(folded.original(start, end) for start, end in spans)
        others = () if bounded else _alternatives(unit, asked, tz)
        for start, end in placed:
            kind = bounded or _kind_of(unit, start, end)
            last = intervals[-1] if intervals else None
            if unit.joined and last and kind in ("day", "days") and last.kind in ("day", "days") and last.end == start:
                hull = (last.spans[0][0], written[-1][1])
                intervals[-1] = Interval(last.start, end, "days", (hull,), last.alternatives)
                continue
            intervals.append(Interval(start, end, kind, written, others))
    return intervals


def _bounded(
    plain: str,
    unit: _Unit,
    placed: list[tuple[datetime, datetime]],
    spans: tuple[tuple[int, int], ...],
    asked: Asked,
    tz: tzinfo,
) -> tuple[list[tuple[datetime, datetime]], tuple[tuple[int, int], ...], IntervalKind | None]:
    """What "before" and "after" make of a time, and the letters that they add."""
    if not placed:
        return placed, spans, None
    start, end = placed[0][0], placed[-1][1]
    point = unit.clock is not None and unit.clock.exact and unit.clock.high is None
    word = ""
    if hit := _BEFORE_AFTER.match(plain, unit.end):
        word = "before" if hit[1] or hit[3] else "after"
        spans = (*spans[:-1], (spans[-1][0], hit.end()))
    elif hit := _ENGLISH_BEFORE_AFTER.search(plain, 0, unit.start):
        word = hit[1]
        spans = ((hit.start(), spans[0][1]), *spans[1:])
    if not word:
        return placed, spans, None
    if word == "after":
        if point:
            return [(start, _at(start.date() + timedelta(days=1), 0, tz))], spans, "after"
        return [(end, end + OPEN_END)], spans, "after"
    limit = start if point or word == "before" else end
    if limit <= asked.now:
        return placed, spans, None
    return [(asked.now, limit)], spans, "until"


def read_moment(text: str, now: datetime, tz: tzinfo) -> datetime | None:
    """The instant that a text names as a beginning: `周六上午9点`, `11月28日 9:00`, `Sat 9am`; None: no clock time."""
    plain = fold_with_origin(text).plain
    asked = _asked(now, tz, "ahead")
    if not FIRST_YEAR < asked.today.year < LAST_YEAR - 1:
        return None
    exact = [unit for unit in _understood(plain, asked) if unit.clock is not None and unit.clock.exact]
    chosen = next((unit for unit in exact if unit.day is not None), exact[0] if exact else None)
    placed = _placed(chosen, asked, tz) if chosen else []
    return placed[0][0] if placed else None


def read_span(text: str, now: datetime, tz: tzinfo) -> tuple[datetime, datetime] | None:
    """From when to when, by the clock: `周六 9:00-11:30`, `Sat 9-11:30`, `周六9点，2个小时`; None: no end is told."""
    plain = fold_with_origin(text).plain
    asked = _asked(now, tz, "ahead")
    if not FIRST_YEAR < asked.today.year < LAST_YEAR - 1:
        return None
    exact = [unit for unit in _understood(plain, asked) if unit.clock is not None and unit.clock.exact]
    for unit in sorted(exact, key=lambda unit: unit.day is None):
        assert unit.clock is not None
        placed = _placed(unit, asked, tz)
        if not placed:
            continue
        if unit.until is not None:
            if unit.until[1] is not None and unit.until[1].exact:
                return placed[0]
        elif unit.clock.high is not None:
            return placed[0]
        elif lasting := _duration(plain, unit):
            return placed[0][0], placed[0][0] + lasting
    return None


def _duration(plain: str, unit: _Unit) -> timedelta | None:
    """How long, where a text says it: 2个半小时, 90分钟, for 2 hours."""
    for hit in _DURATION.finditer(plain):
        if any(hit.start() < end and start < hit.end() for start, end in unit.spans or ((unit.start, unit.end),)):
            continue
        if hit[4]:
            minutes = float(hit[4])
        else:
            word = hit[1]
            hours = 0.5 if word == "半" else float(number_of(word) or 0) if "." not in word else float(word)
            minutes = 60 * (hours + (0.5 if hit[2] or hit[3] else 0))
        if 0 < minutes <= DAY_MINUTES:
            return timedelta(minutes=minutes)
    return None
