"""What the public is told of a city: nothing follows, by whatever sums and differences, about one to four people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain import figures
from bot.domain.figures import (
    BEFORE,
    ENOUGH,
    MONTH,
    REST,
    SLICES,
    SPANS,
    Figures,
    Tallies,
    Tally,
    hidden_from,
    periods,
    spans_of,
    told,
)
from tests.webchat import BEIJING

NOW = datetime(2026, 11, 26, 7, 30, tzinfo=UTC)
OF = periods(NOW, BEIJING)

Served = tuple[int, str, int, int]
"""Somebody, the part and the slice in which they served, and their minutes."""


def tallied(served: Iterable[Served]) -> Tallies:
    """The tallies of these, with one table: the plain way, person by person."""
    found = Tallies(parts={"districts": {}})
    ever: dict[tuple[str, int], int] = Counter()
    for who, part, one, minutes in sorted(set(served)):
        for code in ("", part):
            tally = found.part("districts", code) if code else found.whole
            tally.minutes[one] = tally.minutes.get(one, 0) + minutes
            ever[code, who] |= one
    for (code, _who), pattern in ever.items():
        tally = found.part("districts", code) if code else found.whole
        tally.people[pattern] = tally.people.get(pattern, 0) + 1
    return found


def everybody(part: str, one: int, count: int, first: int = 0, minutes: int = 60) -> list[Served]:
    return [(first + who, part, one, minutes) for who in range(count)]


def is_told(found: Figures) -> list[str]:
    """Which parts are told, in which spans."""
    rows = found.tables["districts"].items()
    return sorted(f"{code} {span}" for code, row in rows for span in SPANS if not row[span].is_hidden)


# --- The oracle -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Onlooker:
    """Somebody who has all that is told, knows where nobody was, and can add and subtract."""

    equations: Sequence[Sequence[Fraction]]
    cells: Sequence[tuple[str, int]]

    @classmethod
    def of(cls, found: Figures, served: Iterable[Served]) -> Onlooker:
        cells = sorted({(part, one) for _who, part, one, _minutes in served})
        shown = [(None, span) for span in SPANS if not found.whole[span].is_hidden]
        rows = found.tables["districts"].items()
        parts = [(code, span) for code, row in rows for span in SPANS if not row[span].is_hidden]
        return cls(
            [
                [Fraction(part in (None, cell[0]) and bool(cell[1] & SPANS[span])) for cell in cells]
                for part, span in [*shown, *parts]
            ],
            cells,
        )

    def knows(self) -> list[set[tuple[str, int]]]:
        """Every group of cells whose sum follows."""
        basis = _basis(self.equations)
        groups = (set(some) for n in range(1, len(self.cells) + 1) for some in combinations(self.cells, n))
        return [group for group in groups if _follows(basis, [Fraction(cell in group) for cell in self.cells])]


def _basis(rows: Iterable[Sequence[Fraction]]) -> list[tuple[int, list[Fraction]]]:
    basis: list[tuple[int, list[Fraction]]] = []
    for row in rows:
        rest = _rest(basis, row)
        at = next((place for place, value in enumerate(rest) if value), None)
        if at is not None:
            basis.append((at, [value / rest[at] for value in rest]))
    return basis


def _rest(basis: Iterable[tuple[int, list[Fraction]]], row: Sequence[Fraction]) -> list[Fraction]:
    rest = list(row)
    for at, known in basis:
        factor = rest[at]
        if factor:
            rest = [value - factor * other for value, other in zip(rest, known, strict=True)]
    return rest


def _follows(basis: Iterable[tuple[int, list[Fraction]]], row: Sequence[Fraction]) -> bool:
    return not any(_rest(basis, row))


def given_away(found: Figures, served: Sequence[Served]) -> list[set[int]]:
    """Groups of one to four people of whom something follows."""
    groups = [
        {who for who, part, one, _minutes in served if (part, one) in cells}
        for cells in Onlooker.of(found, served).knows()
    ]
    return [group for group in groups if len(group) < ENOUGH]


_serving = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from(SLICES),
    st.one_of(st.integers(1, 7), st.sampled_from([1, 4, 5, 9])),
    st.integers(0, 8),
)
SERVED = st.lists(_serving, max_size=9).map(
    lambda groups: sorted({one for part, at, count, first in groups for one in everybody(part, at, count, first)})
)


@given(SERVED)
@settings(max_examples=150)
@example(everybody("a", MONTH, 3) + everybody("b", MONTH, 9, 10) + everybody("c", MONTH, 9, 20))
@example(everybody("a", MONTH, 6) + everybody("a", REST, 1, 30) + everybody("b", REST, 6, 10))
def test_nothing_follows_about_one_to_four_people(served: list[Served]) -> None:
    """People are counted by name here, and equations solved as fractions: another way than the rule's own."""
    assert given_away(told(tallied(served), OF), served) == []


def test_control_leaving_out_what_is_small_alone_gives_it_away(monkeypatch: pytest.MonkeyPatch) -> None:
    served = everybody("a", MONTH, 3) + everybody("b", MONTH, 9, 10) + everybody("c", MONTH, 9, 20)
    monkeypatch.setattr(figures._Audit, "finds", lambda _self, _levels: None)
    found = told(tallied(served), OF)
    assert found.tables["districts"]["a"]["month"].is_hidden
    assert {0, 1, 2} in given_away(found, served)


def test_control_telling_all_gives_them_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "ENOUGH", 0)
    served = everybody("a", MONTH, 3) + everybody("b", MONTH, 9, 10)
    assert {0, 1, 2} in given_away(told(tallied(served), OF), served)


@given(SERVED)
@settings(max_examples=100)
def test_what_is_told_is_true_and_what_is_of_nobody_is_told(served: list[Served]) -> None:
    tallies = tallied(served)
    found = told(tallies, OF)
    for code, row in [(None, found.whole), *found.tables["districts"].items()]:
        for span, figure in row.items():
            mine = [one for one in served if code in (None, one[1]) and one[2] & SPANS[span]]
            if not figure.is_hidden:
                assert figure.people == len({who for who, *_rest in mine})
                assert figure.minutes == sum(minutes for *_who, minutes in mine)
                assert figure.people == 0 or figure.people >= ENOUGH


@given(SERVED)
@settings(max_examples=100)
def test_no_more_is_left_out_than_must_be(served: list[Served]) -> None:
    """Whoever is told one span more of any part that could be told by itself can tell of too few."""
    tallies = tallied(served)
    spans = spans_of(tallies.whole)
    parts = tallies.parts["districts"]
    levels = hidden_from(tallies.whole, parts, spans)
    audit = figures._Audit(tallies.whole, parts, spans)
    for code, left_out in levels.items():
        if left_out > figures._own_level(parts[code], spans):
            assert audit.finds({**levels, code: left_out - 1}) is not None


# --- By example -----------------------------------------------------------------------------------------------------


def test_of_a_city_of_four_nothing_is_told_and_of_five_all() -> None:
    four = told(tallied(everybody("a", MONTH, 4)), OF)
    assert all(figure.is_hidden for figure in four.whole.values())
    assert is_told(four) == []
    five = told(tallied(everybody("a", MONTH, 5)), OF)  # control
    assert [figure.people for figure in five.whole.values()] == [5, 5, 5]
    assert is_told(five) == ["a all", "a month", "a year"]


def test_a_small_district_takes_the_smallest_other_with_it() -> None:
    served = everybody("a", MONTH, 3) + everybody("b", MONTH, 6, 10) + everybody("c", MONTH, 9, 20)
    assert is_told(told(tallied(served), OF)) == ["c all", "c month", "c year"]


def test_the_first_days_of_a_month_hide_the_month_and_not_the_year() -> None:
    served = [one for part, first in (("a", 0), ("b", 100)) for one in everybody(part, REST, 40, first)]
    served += everybody("a", MONTH, 2) + everybody("b", MONTH, 30, 100)
    assert is_told(told(tallied(served), OF)) == ["a all", "a year", "b all", "b year"]


def test_a_year_that_three_people_began_hides_the_time_before_it_and_not_the_year() -> None:
    found = told(tallied(everybody("a", BEFORE, 3) + everybody("a", MONTH, 20, 10)), OF)
    assert [figure.people for figure in found.whole.values()] == [20, 20, None]


def test_somebody_in_two_districts_is_one_in_the_city() -> None:
    found = told(tallied(everybody("a", MONTH, 5) + everybody("b", MONTH, 5)), OF)
    assert found.whole["month"].people == 5
    assert {code: row["month"].people for code, row in found.tables["districts"].items()} == {"a": 5, "b": 5}


def test_of_an_empty_city_everything_is_nothing() -> None:
    found = told(Tallies(parts={"districts": {"a": Tally()}}), OF)
    assert [(one.people, one.minutes) for one in found.whole.values()] == [(0, 0)] * 3
    assert [(one.people, one.minutes) for one in found.tables["districts"]["a"].values()] == [(0, 0)] * 3


@pytest.mark.parametrize(
    ("now", "month", "year", "until"),
    [
        ("2026-11-26 15:30", "2026-11-01", "2026-01-01", "2026-11-26"),
        ("2026-12-01 00:00", "2026-11-01", "2026-01-01", "2026-12-01"),
        ("2027-01-01 09:00", "2026-12-01", "2026-01-01", "2027-01-01"),
        ("2027-01-02 00:00", "2027-01-01", "2027-01-01", "2027-01-02"),
    ],
)
def test_months_and_years_are_those_of_the_day_that_ended_last(now: str, month: str, year: str, until: str) -> None:
    found = periods(datetime.fromisoformat(now).replace(tzinfo=BEIJING).astimezone(UTC), BEIJING)
    days = [one.strftime("%Y-%m-%d %H:%M") for one in (found.month, found.year, found.until)]
    assert days == [f"{day} 00:00" for day in (month, year, until)]


@given(st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_what_is_told_ends_within_the_last_day(now: datetime) -> None:
    found = periods(now, BEIJING)
    assert found.year <= found.month < found.until <= now < found.until + timedelta(days=1)


def test_a_table_as_large_as_a_city_tells_of_all_but_its_smallest_parts() -> None:
    """Eighteen districts whose numbers fall off: two are too small, and the next hides them both."""
    served: list[Served] = []
    for number in range(18):
        for at, one in enumerate(SLICES):
            served += everybody(f"{number:02}", one, 3 if number < 2 else 5 + 4 * number * (at + 1), 1000 * number)
    shown = is_told(told(tallied(served), OF))
    assert shown == sorted(f"{number:02} {span}" for number in range(3, 18) for span in SPANS)
