"""The rotating code and the minutes that count, with nothing around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.attendance import STEP, Zero, code_at, new_secret, step_of, window
from bot.domain.records import count, free_time
from bot.domain.rulesets import RuleSet

NOON = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
SECRET = bytes(range(32))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


@given(moments, st.floats(0, 2 * STEP))
def test_a_code_is_taken_while_it_is_shown_and_one_step_after(at: datetime, age: float) -> None:
    code = code_at(SECRET, 42, at)
    later = at + timedelta(seconds=min(age, code.seconds_left + STEP - 0.001))
    assert step_of(SECRET, 42, code.digits, later) is not None
    assert step_of(SECRET, 42, code.token.lower(), later) is not None


@given(moments)
def test_a_code_is_worthless_half_a_minute_later(at: datetime) -> None:
    code = code_at(SECRET, 42, at)
    assert step_of(SECRET, 42, code.token, at + timedelta(seconds=30.001)) is None
    assert step_of(SECRET, 42, code.digits, at + timedelta(seconds=31)) is None


def test_without_the_steps_in_the_code_it_would_live_for_ever() -> None:
    """Control: the very same step later is the very same code."""
    code = code_at(SECRET, 42, NOON)
    assert code_at(SECRET, 42, NOON + timedelta(seconds=STEP - 1)).digits == code.digits
    assert code_at(SECRET, 42, NOON + timedelta(seconds=STEP)).digits != code.digits


def test_a_code_is_worthless_for_another_activity_and_with_another_secret() -> None:
    code = code_at(SECRET, 42, NOON)
    assert step_of(SECRET, 43, code.digits, NOON) is None
    assert step_of(new_secret(), 42, code.token, NOON) is None


def test_a_code_has_eight_digits_and_eighty_bits() -> None:
    code = code_at(SECRET, 42, NOON)
    assert len(code.digits) == 8
    assert code.digits.isdecimal()
    assert len(code.token) * 5 == 80
    assert code.token.isalnum()  # all of it are bits, nothing fills it up


def test_the_wall_counts_down_to_the_moment_of_the_next_code() -> None:
    shown = code_at(SECRET, 42, NOON + timedelta(seconds=4))
    assert shown.seconds_left == 11
    last, following = (code_at(SECRET, 42, NOON + timedelta(seconds=4 + after)) for after in (10.999, 11))
    assert last.digits == shown.digits != following.digits


@pytest.mark.parametrize(
    ("minutes", "where"),
    [(-61, "early"), (-60, "open"), (0, "open"), (119, "open"), (120, "over")],
)
def test_the_check_in_window_opens_an_hour_before_and_closes_with_the_end(minutes: int, where: str) -> None:
    assert window(NOON, NOON + timedelta(hours=2), NOON + timedelta(minutes=minutes)) == where


SHIFT = (NOON, NOON + timedelta(hours=2))
HALF = RuleSet("half", 0.5)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("arrived", "left", "minutes"),
    [(0, 120, 120), (-30, 150, 120), (10, 120, 110), (0, 60, 60), (30.5, 110.9, 79)],
)
def test_minutes_are_those_inside_the_shift(arrived: float, left: float, minutes: int) -> None:
    assert count(at(arrived), at(left), SHIFT, [], HALF).minutes == minutes


def test_less_than_the_share_that_is_needed_counts_nothing_and_says_so() -> None:
    counted = count(at(0), at(59), SHIFT, [], HALF)
    assert counted.minutes == 0
    assert counted.why is not None
    assert (counted.why.rule, round(counted.why.present, 2), counted.why.needed) == ("short", 0.49, 0.5)


def test_who_left_before_the_start_was_not_there() -> None:
    counted = count(at(-40), at(-10), SHIFT, [], HALF)
    assert counted.minutes == 0
    assert counted.why == Zero("short", present=0.0, needed=0.5)


def test_a_minute_that_counted_elsewhere_does_not_count_again() -> None:
    assert count(at(0), at(120), SHIFT, [(at(-30), at(45))], HALF).minutes == 75
    doubled = count(at(0), at(120), SHIFT, [(at(-30), at(45)), (at(40), at(130))], HALF)
    assert doubled.minutes == 0
    assert doubled.why is not None
    assert doubled.why.rule == "double"


def test_rounding_is_a_rule_of_the_set_and_goes_down() -> None:
    assert count(at(0), at(119), SHIFT, [], RuleSet("half hours", 0.5, rounding=30)).minutes == 90


intervals = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 120)), max_size=8)


@given(intervals)
def test_the_sum_over_everything_counted_is_the_union_of_all_minutes(raw: list[tuple[int, int]]) -> None:
    """Against the plain oracle of a set of minutes; a sum without the union would count overlaps twice."""
    everything = RuleSet("all", 0.0)
    counted: list[tuple[datetime, datetime]] = []
    total = 0
    for start, length in raw:
        shift = (at(start), at(start + length))
        worth = count(*shift, shift, counted, everything)
        total += worth.minutes
        counted.append((worth.starts, worth.ends))
    oracle = {minute for start, length in raw for minute in range(start, start + length)}
    assert total == len(oracle)


@given(intervals)
def test_free_time_never_overlaps_what_is_taken(raw: list[tuple[int, int]]) -> None:
    taken = [(at(start), at(start + length)) for start, length in raw]
    for start, end in free_time((at(0), at(300)), taken):
        assert start < end
        assert all(end <= a or start >= b for a, b in taken)
