"""Stars by dated rule sets: which set holds on a day, what is enough, what is missing, and small steps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from bot.domain.stars import (
    MOVES,
    RULE_SETS,
    STEPS,
    Application,
    Way,
    due,
    missing,
    next_star,
    reached,
    rules_on,
    steps,
    worth_saying,
)

NOW = rules_on(date(2026, 11, 24))


def test_the_sets_follow_each_other_without_a_gap_and_a_day_has_one() -> None:
    for before, after in pairwise(RULE_SETS):
        assert before.until is not None
        assert after.since == before.until + timedelta(days=1)
    assert RULE_SETS[-1].until is None
    assert rules_on(date(2015, 5, 1)).hours == (100, 200, 500, 800, 1000)
    assert NOW.hours == (100, 300, 600, 1000, 1500)
    assert all(one.notice >= timedelta(days=7) for one in RULE_SETS)
    assert all(list(one.hours) == sorted(one.hours) and len(one.hours) == 5 for one in RULE_SETS)


@pytest.mark.parametrize(("minutes", "stars"), [(0, 0), (5999, 0), (6000, 1), (17_999, 1), (18_000, 2), (90_000, 5)])
def test_a_star_needs_its_hours_to_the_minute(minutes: int, stars: int) -> None:
    assert reached(minutes, NOW) == stars


def test_the_next_star_may_skip_one_and_is_never_one_that_is_held() -> None:
    assert next_star(20_000, 0, NOW) == (2, 0)
    assert next_star(20_000, 2, NOW) == (0, 16_000)
    assert next_star(100, 0, NOW) == (0, 5900)
    assert next_star(90_000, 5, NOW) == (0, 0)
    assert missing(0, 9, NOW) == 0


def test_small_steps_come_long_before_the_first_star() -> None:
    assert [steps(hours * 60) for hours in (4, 5, 49, 50)] == [[], [5], [5, 10, 20], [5, 10, 20, 50]]
    assert max(STEPS) < NOW.hours[0]


def test_nothing_is_granted_without_a_notice_and_nothing_follows_the_end() -> None:
    assert [way for way in Way if Way.GRANTED in MOVES[way]] == [Way.NOTICE]
    assert not MOVES[Way.GRANTED] | MOVES[Way.REFUSED]


def test_nobody_is_halfway_to_a_star_that_they_are_past() -> None:
    """Somebody with 128 hours, new to the steps, read “50 hours! Halfway to your first star.”"""
    assert [worth_saying([5, 10, 20, 50], hours * 60, NOW) for hours in (50, 99, 100, 128)] == [50, 50, 0, 0]
    assert worth_saying([], 3_000, NOW) == 0


def test_after_the_last_star_nothing_is_missing() -> None:
    last = len(NOW.hours)
    assert missing(NOW.needs(last) - 1, last, NOW) == 1
    assert missing(0, 1, NOW) == NOW.needs(1)
    assert missing(0, last + 1, NOW) == missing(0, 0, NOW) == 0


def test_a_small_step_is_reached_to_the_minute() -> None:
    assert steps(STEPS[0] * 60) == [STEPS[0]]
    assert steps(STEPS[0] * 60 - 1) == []


@pytest.mark.parametrize(
    ("way", "ends", "objections", "granted"),
    [
        (Way.NOTICE, 0, 0, True),
        (Way.NOTICE, 1, 0, False),
        (Way.NOTICE, 0, 1, False),
        (Way.NOTICE, None, 0, False),
        (Way.APPLIED, 0, 0, False),
        (Way.REFUSED, 0, 0, False),
    ],
)
def test_a_star_is_granted_when_its_notice_is_over_and_nobody_objected(
    way: Way, ends: int | None, objections: int, granted: bool
) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    until = None if ends is None else now + timedelta(seconds=ends)
    one = Application(1, 7, "V1", "王**", 1, NOW, 6_000, 110108, way, now, until, objections)
    assert due([one], now) == ([one] if granted else [])
