"""The city's public figures: what is counted, over which spans of time, and what is left out so that nobody is told.

A figure about one to four people is a figure about somebody. Whole spans contain each other and parts add up to the
whole, so what is left out must not come back by subtraction either: `hidden_from` holds all figures of a table against
each other as the equations that they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from itertools import combinations

ENOUGH = 5
"""People that a figure is about at least, or nobody."""

MONTH, REST, BEFORE = 1, 2, 4
"""Slices of time that share nothing: the month, what was of its year before it, and what was before that year."""

SLICES = (MONTH, REST, BEFORE)

SPANS: Mapping[str, int] = {"month": MONTH, "year": MONTH | REST, "all": MONTH | REST | BEFORE}
"""What is told, as sums of slices; each contains the one before it."""

_SETS: tuple[tuple[str, ...], ...] = (
    ("month", "year", "all"), ("year", "all"), ("month", "year"), ("month", "all"), ("all",), ("year",), ("month",), (),
)  # fmt: skip
"""Spans that may be told of the whole, the best first."""


TABLES = ("districts", "kinds", "grades", "notice")
"""The ways in which the whole is split: by place, by kind of service, by how it was proven, by whether it is final."""


@dataclass(frozen=True, slots=True)
class Periods:
    """The month and the year that are told of, and until when: always the last midnight."""

    month: datetime
    year: datetime
    until: datetime


def periods(now: datetime, zone: tzinfo) -> Periods:
    """Those of the day that has ended last: on the first of a month the month before it is whole.

    Days and not minutes, so that nobody who looks twice sees what the one shift between was worth.
    """
    until = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    month = (until - timedelta(days=1)).replace(day=1)
    return Periods(month, month.replace(month=1), until)


@dataclass(slots=True)
class Tally:
    """What was counted of the whole or a part. Whoever comes again is one: people and organisations by the sum of the
    slices that they were in, minutes and activities by slice."""

    people: dict[int, int] = field(default_factory=dict)
    minutes: dict[int, int] = field(default_factory=dict)
    activities: dict[int, int] = field(default_factory=dict)
    organisations: dict[int, int] = field(default_factory=dict)

    def people_in(self, slices: int) -> int:
        """People who were there in any of these slices."""
        return _ever(self.people, slices)


def _ever(counted: Mapping[int, int], slices: int) -> int:
    return sum(n for pattern, n in counted.items() if pattern & slices)


@dataclass(slots=True)
class Tallies:
    """One look at the ledger: the whole, and the whole split in four ways."""

    whole: Tally = field(default_factory=Tally)
    parts: dict[str, dict[str, Tally]] = field(default_factory=lambda: {name: {} for name in TABLES})
    coming: int = 0
    """Activities that are open and not over."""
    first: datetime | None = None
    """When the first activity began."""

    def part(self, table: str, code: str) -> Tally:
        """A part; an empty one where there was none."""
        return self.parts[table].setdefault(code, Tally())


@dataclass(frozen=True, slots=True)
class Figure:
    """What is told of one part in one span. `people` and `minutes` None: too few people, or it would give such away."""

    people: int | None
    minutes: int | None
    activities: int
    organisations: int

    @property
    def is_hidden(self) -> bool:
        """Is it not told?"""
        return self.people is None


Row = Mapping[str, Figure]
"""A part's figures by span."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the public is told, and of which moment."""

    periods: Periods
    first: datetime | None
    coming: int
    whole: Row
    tables: Mapping[str, Mapping[str, Row]]


def told(tallies: Tallies, of: Periods) -> Figures:
    """What may be told of what was counted."""
    spans = spans_of(tallies.whole)
    tables = {}
    for name, parts in tallies.parts.items():
        levels = hidden_from(tallies.whole, parts, spans)
        tables[name] = {code: _row(part, spans[levels[code] :]) for code, part in parts.items()}
    return Figures(of, tallies.first, tallies.coming, _row(tallies.whole, spans), tables)


def together(whole: Row, parts: Mapping[str, Row], span: str) -> int | None:
    """The minutes of all parts that are not told singly, as anybody can reckon them; None: nor is the whole told."""
    total = whole[span].minutes
    return None if total is None else total - sum(row[span].minutes or 0 for row in parts.values())


def _row(tally: Tally, shown: Sequence[str]) -> Row:
    return {span: _figure(tally, slices, span in shown) for span, slices in SPANS.items()}


def _figure(tally: Tally, slices: int, is_shown: bool) -> Figure:
    # Of nothing at all there is nothing to hide; that nothing was on is told by the activities anyway.
    is_shown = is_shown or not any(tally.people.values())
    return Figure(
        tally.people_in(slices) if is_shown else None,
        _sum(tally.minutes, slices) if is_shown else None,
        _sum(tally.activities, slices),
        _ever(tally.organisations, slices),
    )


def _sum(counted: Mapping[int, int], slices: int) -> int:
    return sum(n for one, n in counted.items() if one & slices)


# --- What must not be told ------------------------------------------------------------------------------------------


def _is_safe(people: int) -> bool:
    return people == 0 or people >= ENOUGH


def _atoms(spans: Sequence[str]) -> Iterator[int]:
    """What these spans tell, taken apart: the first, and what each adds to the one before it."""
    before = 0
    for span in spans:
        yield SPANS[span] & ~before
        before = SPANS[span]


def spans_of(whole: Tally) -> tuple[str, ...]:
    """The spans of which the whole may be told: neither they nor their differences are about too few."""
    return next(spans for spans in _SETS if all(_is_safe(whole.people_in(atom)) for atom in _atoms(spans)))


def hidden_from(whole: Tally, parts: Mapping[str, Tally], spans: Sequence[str]) -> dict[str, int]:
    """For each part how many of these spans are left out, the shortest first, so that nobody can be told.

    First what is about too few by itself; then, while anything about too few follows from what is left, one more: the
    smallest part that helps. It ends, at the latest with nothing but the whole. Last, whatever need not have gone comes
    back.
    """
    levels = {code: _own_level(part, spans) for code, part in parts.items()}
    least = dict(levels)
    audit = _Audit(whole, parts, spans)
    while (given_away := audit.finds(levels)) is not None:
        levels[_smallest_that_helps(parts, spans, levels, given_away)] += 1
    for code in sorted(parts, key=lambda one: -parts[one].people_in(SPANS["all"])):
        while levels[code] > least[code]:
            levels[code] -= 1
            if audit.finds(levels) is not None:
                levels[code] += 1
                break
    return levels


def _own_level(part: Tally, spans: Sequence[str]) -> int:
    return next(
        left_out
        for left_out in range(len(spans) + 1)
        if all(_is_safe(part.people_in(atom)) for atom in _atoms(spans[left_out:]))
    )


Cell = tuple[str, int]
"""A part in a slice: what nobody is told by itself unless it follows."""


def _smallest_that_helps(
    parts: Mapping[str, Tally], spans: Sequence[str], levels: Mapping[str, int], given_away: Iterable[Cell]
) -> str:
    """A part that is still told, the one with the fewest people of those that were there when it matters."""
    cells = list(given_away)
    when = sum({one for _code, one in cells})
    named = {code for code, _slice in cells}

    def order(code: str) -> tuple[bool, int, str]:
        helps = code not in named and parts[code].people_in(when & SPANS[spans[levels[code]]]) >= ENOUGH
        return not helps, parts[code].people_in(SPANS["all"]), code

    told_of = (code for code in parts if levels[code] < len(spans) and any(parts[code].people.values()))
    return min(told_of, key=order)


_PRIME = (1 << 61) - 1
"""Equations are solved in the whole numbers modulo this: exact, and no fraction grows."""

Equation = dict[Cell, int]


class _Audit:
    """What follows from the figures of a table, whoever adds and subtracts them.

    Each figure is an equation over cells. Whoever looks is taken to know in which cells nobody was. Eliminating the
    cells of enough people first leaves the equations that speak of small cells alone: there must be none, but for what
    the whole itself tells.
    """

    def __init__(self, whole: Tally, parts: Mapping[str, Tally], spans: Sequence[str]) -> None:
        self._parts = parts
        self._spans = spans
        self._small: dict[Cell, bool] = {}
        for code, part in parts.items():
            for one in SLICES:
                if people := part.people_in(one):
                    self._small[code, one] = people < ENOUGH
        self._whole = [self._sum_of(parts, SPANS[span]) for span in spans]
        masks = [sum(some) for n in range(1, 4) for some in combinations(_atoms(spans), n)]
        self._by_whole = [set(self._sum_of(parts, mask)) for mask in masks if whole.people_in(mask) >= ENOUGH]

    def _sum_of(self, codes: Iterable[str], slices: int) -> Equation:
        cells = ((code, one) for code in codes for one in SLICES if one & slices)
        return {cell: 1 for cell in cells if cell in self._small}

    def finds(self, levels: Mapping[str, int]) -> set[Cell] | None:
        """Small cells that an equation of their own speaks of; None where there are none."""
        equations = [dict(one) for one in self._whole]
        for code in self._parts:
            equations += [self._sum_of([code], SPANS[span]) for span in self._spans[levels[code] :]]
        for one in _eliminated(equations, lambda cell: self._small[cell]):
            if set(one) not in self._by_whole or len(set(one.values())) > 1:
                return set(one)
        return None


def _eliminated(equations: Iterable[Equation], is_small: Callable[[Cell], bool]) -> list[Equation]:
    """The equations that speak of small cells alone, each of them reduced by the others."""
    left: list[tuple[Cell, Equation]] = []
    for equation in equations:
        for pivot, known in left:
            _reduce(equation, pivot, known)
        if not equation:
            continue
        pivot = min(equation, key=lambda cell: (is_small(cell), cell))
        inverse = pow(equation[pivot], -1, _PRIME)
        equation = {cell: value * inverse % _PRIME for cell, value in equation.items()}
        for _pivot, known in left:
            _reduce(known, pivot, equation)
        left.append((pivot, equation))
    return [equation for pivot, equation in left if is_small(pivot)]


def _reduce(equation: Equation, pivot: Cell, known: Equation) -> None:
    """Take so much of a known equation away that the pivot is gone."""
    factor = equation.get(pivot, 0)
    if not factor:
        return
    for cell, value in known.items():
        rest = (equation.get(cell, 0) - factor * value) % _PRIME
        if rest:
            equation[cell] = rest
        else:
            equation.pop(cell, None)
