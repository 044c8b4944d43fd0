"""What a card says of its seats, and what can still be changed before the start."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.activities import Activity, Shift, deadline_fits
from bot.domain.parties import PASSED_ON, SHORTEST, passes_until

NOON = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MORNING = Shift(1, NOON, NOON + HOUR, capacity=5, taken=3, waiting=2)
EVENING = Shift(2, NOON + 6 * HOUR, NOON + 8 * HOUR, capacity=4, taken=4, waiting=1)
CARD = Activity(
    7, "种树", "Trees", "", "environment", 0, 3, "甲", "A", 110108, None, "奥森", None, None, NOON, NOON + 8 * HOUR,
    "open", NOON, (MORNING, EVENING), leave_before=60,
)  # fmt: skip


def test_an_activity_has_the_free_seats_and_the_queues_of_all_its_shifts() -> None:
    assert (CARD.free, CARD.waiting) == (2, 3)
    overfull = replace(MORNING, taken=9)  # fewer seats than people: none is free, and none is owed to another shift
    assert replace(CARD, shifts=(overfull, replace(EVENING, taken=3))).free == 1


@pytest.mark.parametrize(
    ("now", "state", "left"),
    [(NOON - timedelta(seconds=1), "open", [1, 2]), (NOON, "open", [2]), (NOON - HOUR, "cancelled", [])],
)
def test_only_what_has_not_begun_can_still_be_joined(now: datetime, state: str, left: list[int]) -> None:
    assert [one.id for one in replace(CARD, state=state).open_shifts(now)] == left


@pytest.mark.parametrize(
    ("state", "minutes", "ahead", "fits"),
    [
        ("open", 60, 1, True),
        ("open", 61, 62, True),
        ("open", 61, 61, False),
        ("open", 180, 120, False),
        ("draft", 180, 120, True),
    ],
)
def test_nobody_is_late_for_a_deadline_that_has_passed_when_it_is_set(
    state: str, minutes: int, ahead: int, fits: bool
) -> None:
    now = NOON - timedelta(minutes=ahead)
    assert deadline_fits(replace(CARD, state=state), minutes, now) is fits


def test_a_place_that_is_passed_on_can_be_taken_while_there_is_time_to_come() -> None:
    assert passes_until(NOON + 90 * 24 * HOUR, NOON) == NOON + PASSED_ON
    soon = NOON + SHORTEST + timedelta(minutes=1)
    assert passes_until(soon, NOON) == NOON + timedelta(minutes=1)
    assert passes_until(NOON + SHORTEST, NOON) is None
