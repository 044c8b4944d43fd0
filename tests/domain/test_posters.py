"""When there is something to hang up, and which times a poster names."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.activities import Shift
from bot.domain.posters import NothingToHangUp, nothing_to_hang_up, times, typed
from tests.domain.test_activities import CARD, EVENING, HOUR, MORNING, NOON


def test_what_can_be_joined_and_says_where_can_be_hung_up() -> None:
    assert nothing_to_hang_up(CARD, NOON - HOUR) is None
    assert nothing_to_hang_up(CARD, NOON + HOUR) is None, "the evening is still to come"


@pytest.mark.parametrize(
    ("state", "address", "now", "why"),
    [
        ("draft", "奥森", NOON - HOUR, "draft"),
        ("gone", "奥森", NOON - HOUR, "draft"),
        ("cancelled", "奥森", NOON - HOUR, "cancelled"),
        ("open", "奥森", NOON + 6 * HOUR, "begun"),
        ("open", " \n", NOON - HOUR, "nowhere"),
        ("open", "", NOON + 6 * HOUR, "begun"),
        ("cancelled", "", NOON + 6 * HOUR, "cancelled"),
    ],
)
def test_nobody_is_called_to_what_they_cannot_come_to(state: str, address: str, now: datetime, why: str) -> None:
    assert nothing_to_hang_up(replace(CARD, state=state, address=address), now) == NothingToHangUp(why)


def test_roles_at_one_time_are_one_time_and_what_has_begun_is_none() -> None:
    beside = Shift(3, MORNING.starts, MORNING.ends, capacity=2, taken=0, role="摄影")
    card = replace(CARD, shifts=(EVENING, beside, MORNING))
    morning, evening = (NOON, NOON + HOUR), (NOON + 6 * HOUR, NOON + 8 * HOUR)
    assert times(card, NOON - timedelta(seconds=1)) == [morning, evening]
    assert times(card, NOON) == [evening]


def test_the_words_hold_nothing_but_the_number() -> None:
    assert typed(42) == ("活动42", "activity-42")
