"""How many are asked, and how long is waited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.covers import PAUSE, PAUSE_LEAST, pause, round_size, too_late

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(("missing", "asked"), [(1, 5), (2, 6), (5, 15), (100, 30)])
def test_a_round_is_small_and_grows_with_what_is_missing(missing: int, asked: int) -> None:
    assert round_size(missing) == asked


def test_a_pause_gets_shorter_as_the_start_nears() -> None:
    assert pause(NOW + timedelta(days=2), NOW) == PAUSE
    assert pause(NOW + timedelta(hours=2), NOW) == timedelta(minutes=10)
    assert pause(NOW + timedelta(minutes=40), NOW) == PAUSE_LEAST


def test_in_the_last_half_hour_nobody_is_asked() -> None:
    assert too_late(NOW + timedelta(minutes=30), NOW)
    assert not too_late(NOW + timedelta(minutes=31), NOW)
