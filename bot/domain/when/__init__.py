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

Where to find what: `days` reckons; `words` is what all day words share; `chinese_dates`, `chinese_days`, `feasts` and
`english` each read some of them, `day_words` lists their readers; `clocks` and `durations` read hours; `pairs` and
`grammar` put them together; `instants` says which stretch of time that is. A new word is a new reader, or a name in a
table; what must not be read is a guard, in the block of guards at the top of its file, with a line in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from bot.domain.when.days import Asked, Look
from bot.domain.when.durations import read_durations
from bot.domain.when.grammar import Span, Unit, understood
from bot.domain.when.instants import IntervalKind, Stretch, alternatives, bound_word, bounded, kind_of, placed
from bot.domain.writing import fold_with_origin

__all__ = ["Interval", "IntervalKind", "Look", "read_moment", "read_span", "read_times"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time that a text names. `spans`: the letters of the text that named it; half-open like the times."""

    start: datetime
    end: datetime
    kind: IntervalKind
    spans: tuple[Span, ...]
    alternatives: tuple[Stretch, ...] = ()

    @property
    def span(self) -> Span:
        """From the first of its letters to the last."""
        return self.spans[0][0], self.spans[-1][1]


def read_times(text: str, now: datetime, tz: tzinfo, look: Look = "ahead") -> list[Interval]:
    """The stretches of time that a text names, in the order of the text.

    `now` is aware; `look="back"` reads 3月 and 周六 as the last ones, for questions about what has been.
    """
    folded = fold_with_origin(text)
    plain = folded.plain
    asked = Asked(now.astimezone(tz), look)
    intervals: list[Interval] = []
    for unit in understood(plain, asked):
        stretches = placed(unit, asked)
        if not stretches:
            continue
        word, spans = bound_word(plain, unit)
        spans = _with_closing_bracket(plain, unit, spans)
        written = tuple(folded.original(start, end) for start, end in spans)
        bound = bounded(word, unit, stretches, asked)
        if bound is not None:
            kind, (start, end) = bound
            found = [Interval(start, end, kind, written)]
        else:
            others = alternatives(unit, asked)
            found = [Interval(*stretch, kind_of(unit, stretch), written, others) for stretch in stretches]
        for interval in found:
            if unit.joined and intervals and _touch(intervals[-1], interval):
                intervals[-1] = _as_one(intervals[-1], interval)
            else:
                intervals.append(interval)
    return intervals


def _with_closing_bracket(plain: str, unit: Unit, spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """The bracket that closes 12月5日（周六） belongs to it, where no word comes before it."""
    if spans[-1][1] == unit.end and plain[unit.end : unit.end + 1] == ")" and "(" in plain[unit.start : unit.end]:
        return *spans[:-1], (spans[-1][0], unit.end + 1)
    return spans


def _touch(one: Interval, other: Interval) -> bool:
    return one.end == other.start and {one.kind, other.kind} <= {"day", "days"}


def _as_one(one: Interval, other: Interval) -> Interval:
    """Two days of a list that follow each other: 周六或周日."""
    return Interval(one.start, other.end, "days", ((one.spans[0][0], other.spans[-1][1]),), one.alternatives)


def read_moment(text: str, now: datetime, tz: tzinfo) -> datetime | None:
    """The instant that a text names as a beginning: `周六上午9点`, `11月28日 9:00`, `Sat 9am`; None: no clock time."""
    asked = Asked(now.astimezone(tz), "ahead")
    units = _with_clock_times(fold_with_origin(text).plain, asked)
    stretches = placed(units[0], asked) if units else []
    return stretches[0][0] if stretches else None


def read_span(text: str, now: datetime, tz: tzinfo, day: date | None = None) -> Stretch | None:
    """From when to when, by the clock: `周六 9:00-11:30`, `Sat 9-11:30`, `周六9点，2个小时`; None: no end is told.

    `day` is meant where the text names none; without it the next time of the clock is.
    """
    plain = fold_with_origin(text).plain
    asked = Asked(now.astimezone(tz), "ahead")
    for unit in _with_clock_times(plain, asked):
        stretches = placed(unit, asked, day)
        if not stretches:
            continue
        start, end = stretches[0]
        if unit.until is not None:
            if unit.until[1] is not None and unit.until[1].exact:
                return start, end
        elif unit.clock is not None and unit.clock.high is not None:
            return start, end
        elif lasting := _duration_beside(plain, unit):
            return start, start + lasting
    return None


def _with_clock_times(plain: str, asked: Asked) -> list[Unit]:
    """The units of a text that tell the clock time, those that tell the day too before the others."""
    units = [unit for unit in understood(plain, asked) if unit.clock is not None and unit.clock.exact]
    return sorted(units, key=lambda unit: unit.day is None)


def _duration_beside(plain: str, unit: Unit) -> timedelta | None:
    """How long, where a text says it in letters that are not the unit's own."""
    for first, after, minutes in read_durations(plain):
        if not any(first < end and start < after for start, end in unit.spans):
            return timedelta(minutes=minutes)
    return None
