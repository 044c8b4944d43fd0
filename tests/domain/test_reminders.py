"""When people are reminded: moments as organisers write them, until when each is useful, and which comes first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.reminders import EARLIEST, LATEST, USUAL, first, read, useful_until

NOON = datetime(2028, 2, 29, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ("3 days, 2 hours before", (4320, 120)),
        ("remind 3 days, 2 hours before", (4320, 120)),
        ("提前3天和2小时", (4320, 120)),
        ("三天、两个小时前提醒", (4320, 120)),
        ("a week, one day, 12 hours and 30 minutes", (10080, 1440, 720, 30)),
        ("一周前", (10080,)),
        ("15分钟", (15,)),
        ("4 weeks", (40320,)),
        ("An hour, 2 Days", (2880, 60)),
        ("2 hours, 2 hours", (120,)),
    ],
)
def test_moments_are_read_as_people_write_them_the_earliest_first(said: str, minutes: tuple[int, ...]) -> None:
    assert read(said) == minutes


@pytest.mark.parametrize(
    "said",
    ["", "tomorrow", "3", "5 minutes", "14 minutes", "1 day and 5 minutes", "0 days", "5 weeks",
     "1 day, 2 days, 3 days, 4 days, 5 days", "2 hours after"],
)  # fmt: skip
def test_what_is_no_moment_or_out_of_bounds_is_not_guessed_at(said: str) -> None:
    assert read(said) is None


def test_a_reminder_is_useful_while_there_is_still_time_to_do_something_about_it() -> None:
    assert [useful_until(one) for one in (15, 120, 720, 1440, 4320)] == [0, 0, 90, 180, 540]
    assert all(useful_until(one) < one for one in range(LATEST, EARLIEST))


def test_the_first_reminder_is_the_earliest_that_still_can_come() -> None:
    starts = NOON + timedelta(hours=30)
    assert first(starts, NOON) == starts - timedelta(days=1)
    assert first(starts, starts - timedelta(hours=3)) == starts - timedelta(hours=2)
    assert first(starts, starts - timedelta(hours=2)) is None
    assert first(starts, NOON, (60,)) == starts - timedelta(hours=1)
    assert first(starts, starts - timedelta(days=1)) == starts - timedelta(hours=2), "that moment is now"
    assert USUAL == (1440, 120)


@pytest.mark.parametrize(("wakes", "still"), [(timedelta(minutes=181), True), (timedelta(hours=3), False)])
def test_a_days_reminder_that_wakes_too_late_to_give_the_seat_away_is_none(wakes: timedelta, still: bool) -> None:
    starts = NOON + timedelta(hours=30)
    found = first(starts, NOON, (1440,), awake=lambda _at: starts - wakes)
    assert found == (starts - wakes if still else None)


def test_a_moment_that_has_passed_does_not_come_again_in_the_morning() -> None:
    starts = NOON + timedelta(hours=20)
    assert first(starts, NOON, (1440,), awake=lambda _at: NOON + timedelta(hours=4)) is None


def test_a_reminder_whose_moment_lies_at_night_is_announced_for_the_morning() -> None:
    starts = datetime(2026, 11, 28, 7, 30, tzinfo=NOON.tzinfo)

    def at_eight(at: datetime) -> datetime:
        return max(at, at.replace(hour=8, minute=0))

    assert first(starts, starts - timedelta(days=3), awake=at_eight) == datetime(2026, 11, 27, 8, tzinfo=NOON.tzinfo)
    assert first(starts, starts - timedelta(days=3)) == starts - timedelta(days=1)  # control
    near = starts - timedelta(hours=2)
    assert first(starts, starts - timedelta(hours=20), awake=at_eight) == near, "what is near may break the night"
    # At eight it would come twenty minutes before the start: too late to give the place to somebody else.
    later = starts.replace(hour=8, minute=20)
    assert first(later, later - timedelta(hours=20), (180, 60), at_eight) == later - timedelta(hours=1)
