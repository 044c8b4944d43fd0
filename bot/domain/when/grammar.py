"""How day words and clock words stand together: one after the other, as a range, as a list.

A text becomes pieces, the pieces that stand together become a unit, and units with 到 or "to" between them one unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.when.clocks import Clock, read_clocks
from bot.domain.when.day_words import read_days
from bot.domain.when.days import DAY_MINUTES, FIRST_YEAR, LAST_YEAR, Asked
from bot.domain.when.pairs import carried, one_day_of
from bot.domain.when.words import AND, TO, Day

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Unit:
    """A day, a clock time, or both, that stand together; `until`: the far end of a range of moments."""

    start: int
    end: int
    day: Day | None = None
    clock: Clock | None = None
    until: tuple[Day, Clock | None] | None = None
    apart: tuple[Span, ...] = ()
    """Where its pieces are, when other words stand between them."""
    joined: bool = False
    """Linked to the unit before by "or" or "and"."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """The letters that it is written with."""
        return self.apart or ((self.start, self.end),)


def understood(plain: str, asked: Asked) -> list[Unit]:
    """What a plain text says of times, in its order; nothing in years whose neighbours are not known."""
    if not FIRST_YEAR < asked.today.year < LAST_YEAR - 1:
        return []
    return _brought_together(_linked(plain, _units(plain, _pieces(plain, asked))))


# --- What may stand between ----

_DAY_BESIDE_DAY = re.compile(r"[\s,，.()（）\[\]的]*(?:in|of|on|the)?[\s(（]*", re.ASCII)
_CLOCK_AFTER_DAY = re.compile(r"[\s,，:;()（）\[\]的在是t]*(?:at|from|in the|the|开始)?\s*", re.ASCII)
_DAY_AFTER_CLOCK = re.compile(r"[\s,，(（]*(?:on|of|this|the|for)?\s*(?:the\s+)?", re.ASCII)
_RANGE_LINK = re.compile(rf"[\s)）]*(?:{TO})\s*(?:the\s+)?", re.ASCII)
_LIST_LINK = re.compile(rf"\s*(?:{AND}|以及|还有|,\s*(?:and|or)|，|;|；)\s*(?:on\s+|the\s+)?", re.ASCII)


# --- Pieces ----


def _pieces(plain: str, asked: Asked) -> list[Day | Clock]:
    """The day and clock pieces of a text in order, none over another: the first begun wins, then the longest."""
    found: list[Day | Clock] = [*read_days(plain, asked), *read_clocks(plain)]
    found.sort(key=lambda piece: (piece.start, isinstance(piece, Clock) and piece.weak, -piece.end))
    kept: list[Day | Clock] = []
    for index, piece in enumerate(found):
        last = kept[-1] if kept else None
        if last is not None and piece.start < last.end:
            continue
        following = found[index + 1 :]
        if isinstance(piece, Clock) and piece.weak and not _beside_a_day(plain, piece, last, following):
            continue
        kept.append(_hours_after_day(plain, piece, last, following) or piece)
    return kept


def _hours_after_day(
    plain: str, piece: Day | Clock, last: Day | Clock | None, following: Sequence[Day | Clock]
) -> Clock | None:
    """The hours that look like a date: 10-12 of 周六 10-12, which is not the twelfth of October."""
    if not (isinstance(piece, Day) and isinstance(last, Day) and piece.bare and piece.shape == "date"):
        return None
    if not _CLOCK_AFTER_DAY.fullmatch(plain, last.end, piece.start):
        return None
    clocks = (other for other in following if isinstance(other, Clock))
    return next((clock for clock in clocks if (clock.start, clock.end) == (piece.start, piece.end)), None)


def _beside_a_day(plain: str, piece: Clock, last: Day | Clock | None, following: Sequence[Day | Clock]) -> bool:
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


# --- Units ----


def _units(plain: str, pieces: Sequence[Day | Clock]) -> list[Unit]:
    """Day and clock pieces that stand together."""
    units: list[Unit] = []
    for index, piece in enumerate(pieces):
        following = pieces[index + 1] if index + 1 < len(pieces) else None
        grown: Unit | None = None
        if units:
            unit = units[-1]
            grown = (
                _with_day(plain, unit, piece, following) if isinstance(piece, Day) else _with_clock(plain, unit, piece)
            )
        if grown is not None:
            units[-1] = grown
        elif isinstance(piece, Day):
            units.append(Unit(piece.start, piece.end, day=piece))
        else:
            units.append(Unit(piece.start, piece.end, clock=piece))
    return units


def _with_day(plain: str, unit: Unit, day: Day, following: Day | Clock | None) -> Unit | None:
    """The unit with a day that stands after it; None: the day is a unit of its own."""
    clock_first = unit.clock is not None and unit.start == unit.clock.start
    if (
        unit.day is not None
        and (unit.clock is None or clock_first)
        and _DAY_BESIDE_DAY.fullmatch(plain, unit.end, day.start)
    ):
        together = one_day_of(unit.day, day)
        if together is not None:
            return replace(unit, day=together, end=day.end)
    if unit.day is not None or unit.clock is None or not _DAY_AFTER_CLOCK.fullmatch(plain, unit.end, day.start):
        return None
    if isinstance(following, Clock) and _CLOCK_AFTER_DAY.fullmatch(plain, day.end, following.start):
        return None  # it has a clock time of its own
    return replace(unit, day=day, end=day.end)


def _with_clock(plain: str, unit: Unit, clock: Clock) -> Unit | None:
    """The unit with a clock time that stands after it; None: the clock time is a unit of its own."""
    if not _CLOCK_AFTER_DAY.fullmatch(plain, unit.end, clock.start):
        return None
    if unit.clock is None:
        return replace(unit, clock=clock, end=clock.end)
    if unit.clock.exact == clock.exact:
        return None
    part, exact = (clock, unit.clock) if unit.clock.exact else (unit.clock, clock)
    refined = _refined(part, exact)
    return replace(unit, clock=refined, end=clock.end) if refined else None


def _refined(part: Clock, exact: Clock) -> Clock | None:
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


# --- Ranges and lists ----


def _linked(plain: str, units: Sequence[Unit]) -> list[Unit]:
    """Ranges made of two units become one; the second of a list takes what it leaves out from the first."""
    done: list[Unit] = []
    for unit in units:
        before = done[-1] if done else None
        if before is None or before.until is not None:
            done.append(unit)
            continue
        ranged = _ranged(before, unit) if _RANGE_LINK.fullmatch(plain, before.end, unit.start) else None
        if ranged is not None:
            done[-1] = ranged
            continue
        # 周六周日: weekdays need nothing between them.
        weekdays = before.clock is None and all(each.day and each.day.shape == "weekday" for each in (before, unit))
        listed = _LIST_LINK.fullmatch(plain, before.end, unit.start) or (weekdays and before.end == unit.start)
        done.append(_listed_after(before, unit) if listed else unit)
    return done


def _listed_after(before: Unit, unit: Unit) -> Unit:
    """The second of a list: 周六上午或下午, 下周一或周四, 5号、6号."""
    day = unit.day
    if day is None:
        if before.day is not None and before.clock is not None:
            day = before.day
    elif before.day is not None and (day.shape == "monthday" or (day.shape == "weekday" and not before.day.bare)):
        day = carried(before.day, day)
    return replace(unit, day=day, joined=True)


def _ranged(before: Unit, unit: Unit) -> Unit | None:
    """Two units with "to" between them as one; None: they make no range."""
    return _hours_ranged(before, unit) if unit.day is None else _days_ranged(before, unit, unit.day)


def _hours_ranged(before: Unit, unit: Unit) -> Unit | None:
    if before.clock is None or unit.clock is None:
        return None
    low, high = before.clock.low, unit.clock.high if unit.clock.high is not None else unit.clock.low
    while high <= low:
        high += 720
    if high - low > DAY_MINUTES:
        return None
    exact = before.clock.exact and unit.clock.exact
    return replace(before, clock=Clock(before.clock.start, unit.clock.end, low, high, exact=exact), end=unit.end)


def _days_ranged(before: Unit, unit: Unit, day: Day) -> Unit | None:
    if before.day is None:
        return None
    last = carried(before.day, day)
    first, after = before.day.ranges[0][0], last.ranges[-1][1]
    if last.ranges[-1][0] < first or after <= first:
        return None
    if before.clock is not None:
        return replace(before, end=unit.end, until=(last, unit.clock))
    # 周一到周五下午: the afternoon of each of these days.
    whole = replace(before.day, end=day.end, ranges=((first, after),), bare=False, alternatives=(), gathered=True)
    return replace(before, day=whole, clock=unit.clock, end=unit.end)


def _brought_together(units: list[Unit]) -> list[Unit]:
    """One lone day and one lone clock time in a text belong together: 周六，在奥森，9点集合."""
    days = [unit for unit in units if unit.day and not unit.clock and not unit.until and not unit.joined]
    clocks = [unit for unit in units if unit.clock and not unit.day]
    if len(days) != 1 or len(clocks) != 1 or len(units) != 2:
        return units
    apart = tuple(sorted(((days[0].start, days[0].end), (clocks[0].start, clocks[0].end))))
    return [Unit(apart[0][0], apart[-1][1], days[0].day, clocks[0].clock, apart=apart)]
