"""Two day words together: as one day, or as the halves of a range or a list."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from bot.domain.when.days import date_of, months_later, one_day, week_from
from bot.domain.when.words import Day


def one_day_of(one: Day, other: Day) -> Day | None:
    """Two day words that mean one day together: 12月5日（周六）, 下个月5号, Saturday next week; None: they do not."""
    if one.gathered:
        return None
    together: Day | None = None
    if other.shape == "weekday":
        together = _with_weekday(one, other)
    elif one.shape == "weekday":
        together = _with_weekday(other, one)
    elif (one.shape, other.shape) == ("month", "monthday"):
        together = _in_month(one, other)
    elif one.shape == "relative" and other.shape in ("date", "monthday"):
        together = _confirmed(other, one)
    elif other.shape == "relative" and one.shape in ("date", "monthday"):
        together = _confirmed(one, other)
    return replace(together, start=one.start, end=other.end, gathered=True) if together else None


def _with_weekday(day: Day, weekday: Day) -> Day | None:
    """A week and its Saturday are this Saturday; a date and a weekday are the date."""
    if not weekday.bare:
        return _confirmed(day, weekday) if day.shape in ("date", "monthday") else None
    if day.shape == "week" and day.ranges[0] == week_from(day.ranges[0][0]) and weekday.weekday is not None:
        saturday = day.ranges[0][0] + timedelta(days=weekday.weekday)
        return replace(weekday, ranges=(one_day(saturday),), bare=False)
    if day.shape not in ("date", "monthday", "relative", "feast"):
        return None
    named = weekday.ranges[0][0]
    agree = any(first <= named < after for first, after in day.ranges) or all(
        first.weekday() == weekday.weekday for first, _after in day.ranges
    )
    return day if agree else replace(day, alternatives=(*day.alternatives, *weekday.ranges))


def _confirmed(day: Day, other: Day) -> Day:
    """A date with another word for it; one that says something else is kept as the other reading."""
    return day if other.ranges == day.ranges else replace(day, alternatives=(*day.alternatives, *other.ranges))


def _in_month(month: Day, monthday: Day) -> Day | None:
    """下个月 and 5号: the fifth of that month."""
    first = month.ranges[0][0]
    found = date_of(first.year, first.month, monthday.number) if monthday.number is not None else None
    if found is None:
        return None
    length = monthday.ranges[-1][1] - monthday.ranges[0][0]
    return replace(monthday, ranges=((found, found + length),), bare=False, shape="date")


def carried(one: Day, other: Day) -> Day:
    """The second day of a pair, with what it leaves to the first: the week, the month, the year."""
    if not other.bare:
        return other
    anchor = one.ranges[0][0]
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
    return replace(other, ranges=((moved, moved + (after - first)),)) if moved is not None else other
