"""What is odd about presences: each rule at its limit and one short of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.anomalies import Crowd, Presence, densest, of_activity, of_presence
from bot.domain.attendance import CHECKOUT_CLOSES, OPENS
from bot.domain.rulesets import SHIPPED

RULES = SHIPPED.named("beijing-2026")
NOON = datetime(2026, 11, 28, 4, tzinfo=UTC)
END = NOON + timedelta(hours=2)
USUAL = Presence(1, 7, 3, NOON, END, NOON, END, "2026-11-28", 120, False, False)


def rules_of(one: Presence) -> list[str]:
    return [odd.rule for odd in of_presence(one, RULES)]


def test_a_usual_presence_is_nothing_to_look_at() -> None:
    assert rules_of(USUAL) == []
    assert of_activity(Crowd(3, [NOON], 1, [[NOON]]), RULES) == []


@pytest.mark.parametrize(("minutes", "odd"), [(RULES.long_day, []), (RULES.long_day + 1, ["long-day"])])
def test_a_day_too_long_to_be_usual(minutes: int, odd: list[str]) -> None:
    assert rules_of(replace(USUAL, minutes_that_day=minutes)) == odd


@pytest.mark.parametrize(("has_post", "said", "odd"), [(True, True, ["own"]), (True, False, []), (False, True, [])])
def test_who_enters_their_own_hours(has_post: bool, said: bool, odd: list[str]) -> None:
    assert rules_of(replace(USUAL, has_post=has_post, said_by_owner=said)) == odd


def test_what_was_drawn_for_the_audit_is_looked_at() -> None:
    assert rules_of(replace(USUAL, sampled=True)) == ["sample"]


@pytest.mark.parametrize(
    ("early", "late", "odd"),
    [(OPENS, CHECKOUT_CLOSES, 0), (OPENS + timedelta(minutes=1), timedelta(), 1),
     (timedelta(), CHECKOUT_CLOSES + timedelta(minutes=9), 9), (OPENS + timedelta(hours=2), timedelta(), 120)],
)  # fmt: skip
def test_hours_outside_the_window(early: timedelta, late: timedelta, odd: int) -> None:
    found = of_presence(replace(USUAL, arrived=NOON - early, left=END + late), RULES)
    assert [one.found for one in found] == ([odd] if odd else [])


@pytest.mark.parametrize(("people", "odd"), [(RULES.shared_phone - 1, []), (RULES.shared_phone, ["phone"])])
def test_one_number_for_many(people: int, odd: list[str]) -> None:
    assert [one.rule for one in of_activity(Crowd(3, one_phone=people), RULES)] == odd


@pytest.mark.parametrize(("number", "odd"), [(RULES.burst_people - 1, []), (RULES.burst_people, ["burst"])])
def test_a_code_that_went_round(number: int, odd: list[str]) -> None:
    step = RULES.burst_within / RULES.burst_people
    moments = [NOON + step * one for one in reversed(range(number))]
    assert [one.rule for one in of_activity(Crowd(3, by_code=moments), RULES)] == odd


@pytest.mark.parametrize(("number", "odd"), [(RULES.burst_people - 1, []), (RULES.burst_people, ["reader"])])
def test_own_codes_that_one_account_read_faster_than_people_can_stand_in_a_line(number: int, odd: list[str]) -> None:
    step = RULES.burst_within / RULES.burst_people
    moments = [NOON + step * one for one in range(number)]
    assert [one.rule for one in of_activity(Crowd(3, own_codes=[moments, [NOON]]), RULES)] == odd


def test_own_codes_that_several_leaders_read_at_once_are_nothing_odd() -> None:
    step = RULES.burst_within / RULES.burst_people
    halves = [[NOON + step * one for one in range(RULES.burst_people // 2)]] * 2
    assert of_activity(Crowd(3, own_codes=halves), RULES) == []


@pytest.mark.parametrize(("pairs", "odd"), [(0, []), (1, ["once-one"])])
def test_two_who_had_been_one(pairs: int, odd: list[str]) -> None:
    assert [one.rule for one in of_activity(Crowd(3, once_one=pairs), RULES)] == odd


def test_arrivals_over_an_hour_are_no_burst() -> None:
    assert densest([NOON + timedelta(minutes=one) for one in range(60)], RULES.burst_within) == 1


def test_exactly_so_long_apart_is_still_within_it() -> None:
    just, over = (NOON + RULES.burst_within + timedelta(seconds=late) for late in (0, 1))
    assert densest([NOON, just], RULES.burst_within) == 2
    assert densest([NOON, over], RULES.burst_within) == 1


def test_what_was_looked_at_once_has_a_mark_of_its_own() -> None:
    first, again = (of_presence(replace(USUAL, record=one, minutes_that_day=700), RULES)[0] for one in (1, 2))
    assert first.mark == again.mark  # two records of one long day are one question
