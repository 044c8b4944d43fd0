"""The demonstration city's clock: forward only, and one for all who have the city open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.city.clock import MovableClock
from bot.commands import clear, clock_of

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def noon() -> datetime:
    return NOON


def test_whoever_has_the_city_open_is_as_late_as_whoever_moves_its_clock(tmp_path: Path) -> None:
    """The terminal beside a demonstration kept the machine's time: its reminders and its codes were of two days ago."""
    pages = MovableClock(noon, tmp_path / "demo" / "clock")
    terminal = MovableClock(noon, tmp_path / "demo" / "clock")
    pages.advance(timedelta(days=2))
    assert terminal() == pages() == NOON + timedelta(days=2)
    terminal.advance(timedelta(hours=1))
    assert pages() == NOON + timedelta(days=2, hours=1)


def test_a_city_that_is_opened_again_is_as_late_as_it_was(tmp_path: Path) -> None:
    MovableClock(noon, tmp_path / "clock").advance(timedelta(days=31))
    assert MovableClock(noon, tmp_path / "clock")() == NOON + timedelta(days=31)


def test_a_city_that_is_made_anew_begins_at_the_machines_time(tmp_path: Path) -> None:
    clock_of(tmp_path).advance(timedelta(days=31))
    clear(tmp_path)
    assert clock_of(tmp_path)() - datetime.now(UTC) < timedelta(seconds=5)


def test_a_file_that_was_left_half_written_moves_nothing(tmp_path: Path) -> None:
    (tmp_path / "clock").write_bytes(b"\xff\xff\xff")
    assert MovableClock(noon, tmp_path / "clock")() == NOON


def test_control_clocks_that_share_nothing_part(tmp_path: Path) -> None:
    pages = MovableClock(noon)
    pages.advance(timedelta(days=2))
    assert MovableClock(noon)() == NOON


def test_it_goes_forward_only() -> None:
    clock = MovableClock(noon)
    with pytest.raises(ValueError, match="forward only"):
        clock.advance(timedelta(seconds=-1))
    assert clock.advance_to(NOON - timedelta(days=1)) == NOON
    assert clock.advance_to(NOON + timedelta(days=1)) == NOON + timedelta(days=1, seconds=1)
