"""From words to instants: what a unit of the grammar means by the calendar and the clock, seen from now."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Literal

from bot.domain.when.clocks import Clock
from bot.domain.when.days import Asked
from bot.domain.when.grammar import Span, Unit

IntervalKind = Literal["day", "days", "part", "hours", "moment", "until", "after"]
Stretch = tuple[datetime, datetime]
"""Half-open, aware."""

OPEN_END = timedelta(days=30)
"""How long "after X" lasts."""

MOST_DAYS = 31
"""A part of the day over more days than this is not spelled out day by day."""


def placed(unit: Unit, asked: Asked, known: date | None = None) -> list[Stretch]:
    """The stretches that a unit means; none where its end would come before its beginning. `known`: the day of a unit
    that names none."""
    day, clock = unit.day, unit.clock
    if day is None:
        if clock is None:
            return []
        return [_next_time(clock, asked) if known is None else _on(known, clock, asked)]
    whole_days = [(asked.at(first, 0), asked.at(after, 0)) for first, after in day.ranges]
    if clock is None:
        return whole_days
    if unit.until is not None:
        last, until = unit.until
        start, after = asked.at(day.ranges[0][0], clock.low), last.ranges[-1][1]
        if until is None:
            end = asked.at(after, 0)
        else:
            end = asked.at(after - timedelta(days=1), until.low if until.high is None else until.high)
        return [(start, end)] if end > start else []
    days = [first + timedelta(days=step) for first, after in day.ranges for step in range((after - first).days)]
    if len(days) > MOST_DAYS:
        return whole_days
    on_each = [_on(each, clock, asked) for each in days]
    lone_weekday = day.bare and day.shape == "weekday" and len(on_each) == 1
    if lone_weekday and asked.look == "ahead" and on_each[0][1] <= asked.now:
        return [_on(days[0] + timedelta(days=7), clock, asked)]
    return on_each


def _on(day: date, clock: Clock, asked: Asked) -> Stretch:
    """A clock time on a day; a point is the hour that it begins."""
    return asked.at(day, clock.low), asked.at(day, clock.low + 60 if clock.high is None else clock.high)


def _next_time(clock: Clock, asked: Asked) -> Stretch:
    """The next such time: a point that is not past, a stretch that is not over; asked of the past, the last begun."""
    start, end = _on(asked.today, clock, asked)
    if asked.look == "back":
        return (start, end) if start <= asked.now else _on(asked.today - timedelta(days=1), clock, asked)
    over = start <= asked.now if clock.high is None or clock.exact else end <= asked.now
    return _on(asked.today + timedelta(days=1), clock, asked) if over else (start, end)


def alternatives(unit: Unit, asked: Asked) -> tuple[Stretch, ...]:
    """What else the words of a unit may mean."""
    others: list[Stretch] = []
    if unit.day is not None and unit.until is None:
        for days in unit.day.alternatives:
            others += placed(replace(unit, day=replace(unit.day, ranges=(days,), alternatives=())), asked)
    if unit.clock is not None:
        for low, high in unit.clock.alternatives:
            others += placed(replace(unit, clock=replace(unit.clock, low=low, high=high, alternatives=())), asked)
    return tuple(others)


def kind_of(unit: Unit, stretch: Stretch) -> IntervalKind:
    """What kind of time was named."""
    if unit.until is not None:
        return "hours"
    if unit.clock is None:
        return "day" if (stretch[1].date() - stretch[0].date()).days == 1 else "days"
    if not unit.clock.exact:
        return "part"
    return "moment" if unit.clock.high is None else "hours"


# --- Before and after ----

NOT_IN_FRONT = r"(?!门|往|台|进|排|后|海|来|去|两|三|几|沿|期|任|半|景|一天)"
"""前 is no "before" here: 周六前门集合, 明天前往."""

NOT_BEHIND = r"(?!海|沙峪|勤|门|台|来|续|天|半|排|年|面|厂|期|一天)"
"""Nor 后 "after" here: 周六后海, 明天后勤."""

BEFORE_AFTER = re.compile(rf"\s*(?:(?:之|以)(?:(前)|(后))|(前){NOT_IN_FRONT}|(后){NOT_BEHIND})", re.ASCII)
_ENGLISH_BEFORE_AFTER = re.compile(r"(?<![a-z])(before|by|until|till|after)\s+(?:the\s+)?$", re.ASCII)


def bound_word(plain: str, unit: Unit) -> tuple[str, tuple[Span, ...]]:
    """The before, by, until or after beside a unit ("" where there is none), and the letters of the two together."""
    spans = unit.spans
    if hit := BEFORE_AFTER.match(plain, unit.end):
        word = "before" if hit[1] or hit[3] else "after"
        return word, (*spans[:-1], (spans[-1][0], hit.end()))
    if hit := _ENGLISH_BEFORE_AFTER.search(plain, 0, unit.start):
        return hit[1], ((hit.start(), spans[0][1]), *spans[1:])
    return "", spans


def bounded(word: str, unit: Unit, stretches: list[Stretch], asked: Asked) -> tuple[IntervalKind, Stretch] | None:
    """What "before" and "after" make of a time; None: nothing, as before a day that is over."""
    start, end = stretches[0][0], stretches[-1][1]
    point = unit.clock is not None and unit.clock.exact and unit.clock.high is None
    if word == "after":
        if point:
            return "after", (start, asked.at(start.date() + timedelta(days=1), 0))
        return "after", (end, end + OPEN_END)
    limit = start if point or word == "before" else end
    return ("until", (asked.now, limit)) if word and limit > asked.now else None
