"""Keeping one's word: the deadline of giving a seat back, and what broken promises weigh."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.enrolment import Stand
from bot.domain.reliability import Broken, deadline, may_have_to_ask, minutes_late, must_ask, weight

START = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
LONG_AGO = START - timedelta(days=9)
HALF_A_DAY = 12 * 60


@pytest.mark.parametrize(
    ("hours_before", "late"), [(24, None), (12, None), (11, 60), (0.5, 690)]
)  # fmt: skip
def test_after_the_deadline_it_is_late(hours_before: float, late: int | None) -> None:
    now = START - timedelta(hours=hours_before)
    assert minutes_late(START, HALF_A_DAY, LONG_AGO, now) == late


def test_whoever_signs_up_after_the_deadline_may_change_their_mind_for_an_hour() -> None:
    joined = START - timedelta(hours=5)
    assert deadline(START, HALF_A_DAY, joined) == joined + timedelta(hours=1)
    assert minutes_late(START, HALF_A_DAY, joined, joined + timedelta(minutes=59)) is None
    assert minutes_late(START, HALF_A_DAY, joined, joined + timedelta(minutes=61)) == 1
    assert minutes_late(START, HALF_A_DAY, joined, joined + timedelta(minutes=60)) is None
    assert minutes_late(START, HALF_A_DAY, joined, joined + timedelta(minutes=60, seconds=1)) == 1  # late is late


def test_the_deadline_is_never_after_the_start() -> None:
    assert deadline(START, 0, START - timedelta(minutes=10)) == START


def broken(*stands: Stand) -> list[Broken]:
    return [Broken(number, "", "", START, stand) for number, stand in enumerate(stands)]


def test_what_was_excused_counts_nothing() -> None:
    assert weight(broken(Stand.ABSENT, Stand.CANCELLED)) == 3
    assert weight(broken(Stand.EXCUSED, Stand.CANCELLED)) == 1


def test_two_absences_without_a_word_and_the_organiser_decides() -> None:
    assert not must_ask(broken(Stand.ABSENT, Stand.CANCELLED))
    assert must_ask(broken(Stand.ABSENT, Stand.ABSENT))
    assert must_ask(broken(*[Stand.CANCELLED] * 4))


def test_so_few_broken_promises_that_they_cannot_weigh_enough_are_not_looked_at() -> None:
    assert not may_have_to_ask(1)
    assert may_have_to_ask(2)
    for count in range(6):  # whatever is not looked at would not have mattered
        heaviest = broken(*[Stand.ABSENT] * count)
        assert may_have_to_ask(count) or not must_ask(heaviest)
