"""Until when a seat is held: a day, less as the start nears, and never so that somebody must answer at night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.offers import SHORTEST, answer_until
from bot.domain.reach import quiet_until

BEIJING = ZoneInfo("Asia/Shanghai")
QUIET = (21 * 60, 8 * 60)
NIGHTS = (0, 0)
"""Quiet hours of no length."""
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("hours_left", "held"),
    [
        (240, timedelta(hours=24)),
        (96, timedelta(hours=24)),
        (95, timedelta(hours=23, minutes=45)),
        (24, timedelta(hours=6)),
        (8, timedelta(hours=2)),
        (2, timedelta(minutes=30)),
    ],
)
def test_a_seat_is_held_a_day_and_a_quarter_of_what_is_left_later(hours_left: float, held: timedelta) -> None:
    assert answer_until(MONDAY + timedelta(hours=hours_left), MONDAY, BEIJING, NIGHTS) == MONDAY + held


@pytest.mark.parametrize("minutes_left", [0, 1, 60, 119])
def test_within_two_hours_of_the_start_the_seat_is_given_at_once(minutes_left: int) -> None:
    assert answer_until(MONDAY + timedelta(minutes=minutes_left), MONDAY, BEIJING, NIGHTS) is None


def test_an_offer_of_the_evening_can_be_answered_in_the_morning() -> None:
    evening = MONDAY.replace(hour=22)
    assert answer_until(MONDAY + timedelta(hours=24), evening, BEIJING, QUIET) == MONDAY.replace(
        day=24, hour=8, minute=30
    )


def test_an_offer_that_would_run_out_at_night_can_still_be_answered_in_the_morning() -> None:
    evening = MONDAY.replace(hour=20)
    assert answer_until(evening + timedelta(hours=40), evening, BEIJING, QUIET) == MONDAY.replace(
        day=24, hour=8, minute=30
    )


@pytest.mark.parametrize(("hour", "minute", "held"), [(9, 0, True), (8, 59, False)])
def test_half_an_hour_is_left_before_the_start_for_whoever_comes_instead(hour: int, minute: int, held: bool) -> None:
    starts = MONDAY.replace(day=24, hour=hour, minute=minute)
    until = answer_until(starts, MONDAY.replace(hour=22), BEIJING, QUIET)
    assert until == (MONDAY.replace(day=24, hour=8, minute=30) if held else None)


def test_for_an_early_start_nobody_is_asked_at_night() -> None:
    evening = MONDAY.replace(hour=22)
    assert answer_until(MONDAY.replace(day=24, hour=8, minute=30), evening, BEIJING, QUIET) is None


@given(
    at=st.integers(0, 7 * 24 * 60),
    left=st.integers(0, 30 * 24 * 60),
    quiet=st.tuples(st.integers(0, 1439), st.integers(0, 1439)),
)
def test_whoever_is_asked_has_half_an_hour_of_waking_time(at: int, left: int, quiet: tuple[int, int]) -> None:
    now = (MONDAY + timedelta(minutes=at)).astimezone(UTC)
    starts = now + timedelta(minutes=left)
    until = answer_until(starts, now, BEIJING, quiet)
    if until is None:
        return
    assert until <= starts - SHORTEST
    hears = quiet_until(now.astimezone(BEIJING), *quiet)
    assert until - (hears.astimezone(UTC) if hears else now) >= SHORTEST
