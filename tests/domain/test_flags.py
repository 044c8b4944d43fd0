"""Why an organiser should look: each rule at its limit and one short of it, and what takes a flag away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.evidence import Evidence, Part, Proof
from bot.domain.flags import SHARERS, Flag, Seen, flags, in_bursts, seen
from bot.domain.rulesets import SHIPPED

RULES = SHIPPED.named("beijing-2026")
NOON = datetime(2026, 11, 28, 4, tzinfo=UTC)


def crowd(number: int, apart: timedelta = timedelta(minutes=2), band: str = "inside", start: int = 1) -> list[Seen]:
    """People who came by code, one after another, each with a telephone of their own."""
    return [Seen(one, NOON + one * apart, band, f"phone {one}") for one in range(start, start + number)]


def test_a_usual_crowd_is_nothing_to_look_at() -> None:
    assert flags(crowd(40), RULES) == {}
    assert flags([], RULES) == {}


def test_a_place_that_is_not_there_is_always_looked_at() -> None:
    found = flags([Seen(7, NOON, "away", "")], RULES)
    assert found == {7: (Flag.OUTSIDE,)}


@pytest.mark.parametrize(
    ("sharers", "others", "looked"), [(SHARERS, 1, True), (SHARERS - 1, 1, False), (SHARERS, SHARERS, False)]
)
def test_whoever_shows_no_place_while_most_others_do_is_looked_at(sharers: int, others: int, looked: bool) -> None:
    found = flags([*crowd(sharers), *crowd(others, band="", start=50)], RULES)
    assert found == ({50: (Flag.NO_PLACE,)} if looked else {})


def test_places_that_nobody_needed_to_show_make_no_rule_for_whoever_came_by_code() -> None:
    seen_by_the_leader = [Seen(one, None, "inside", "") for one in range(SHARERS + 1)]
    assert flags([*seen_by_the_leader, *crowd(3, band="", start=50)], RULES) == {}


def test_whoever_the_leader_saw_needs_no_place() -> None:
    assert flags([*crowd(5), Seen(50, None, "", "")], RULES) == {}


@pytest.mark.parametrize(("people", "looked"), [(RULES.burst_people - 1, 0), (RULES.burst_people, RULES.burst_people)])
def test_very_many_within_seconds_are_looked_at(people: int, looked: int) -> None:
    step = RULES.burst_within / RULES.burst_people
    found = flags(crowd(people, step, ""), RULES)
    assert len(found) == looked
    assert set(found.values()) <= {(Flag.BURST,)}


def test_a_place_inside_speaks_for_whoever_came_in_a_crowd() -> None:
    step = RULES.burst_within / RULES.burst_people
    together = crowd(RULES.burst_people, step, "")
    shown = replace(together[0], band="inside")
    assert set(flags([shown, *together[1:]], RULES)) == {one.enrolment for one in together[1:]}


@pytest.mark.parametrize(("people", "looked"), [(RULES.shared_phone - 1, 0), (RULES.shared_phone, RULES.shared_phone)])
def test_one_number_for_several_is_looked_at(people: int, looked: int) -> None:
    same = [replace(one, phone="one for all") for one in crowd(people)]
    found = flags([*same, *crowd(4, start=90)], RULES)
    assert len(found) == looked
    assert set(found.values()) <= {(Flag.PHONE,)}
    assert flags([replace(one, phone="") for one in same], RULES) == {}  # who gave none has none in common


def test_after_the_organisers_word_nothing_is_left_to_look_at() -> None:
    away = Seen(7, NOON, "away", "")
    assert flags([replace(away, confirmed=True)], RULES) == {}
    assert flags([away], RULES) != {}  # control


def test_a_relay_from_five_kilometres_away_is_flagged_with_or_without_a_fence() -> None:
    """Twenty people at home get the code by photo and type it at once; thirty are there."""
    there = crowd(30, timedelta(seconds=20))
    step = timedelta(seconds=1)
    relayed = [Seen(100 + one, NOON + one * step, "", "") for one in range(20)]
    assert set(flags([*there, *relayed], RULES)) >= {one.enrolment for one in relayed}
    far = [replace(one, band="away") for one in relayed]
    assert set(flags([*there, *far], RULES)) >= {one.enrolment for one in far}
    no_fence = flags([*(replace(one, band="") for one in there), *relayed], RULES)
    assert len([one for one in relayed if one.enrolment in no_fence]) >= 16


def test_only_the_crowded_moments_are_in_a_burst() -> None:
    early = NOON - timedelta(hours=1)
    crowded = [NOON + timedelta(seconds=one) for one in range(3)]
    late = [NOON + timedelta(minutes=one) for one in (10, 20)]
    assert in_bursts([early, *reversed(crowded), *late], 3, timedelta(seconds=2)) == set(crowded)
    assert in_bursts([early, *crowded], 4, timedelta(seconds=2)) == set()


def test_the_pieces_of_evidence_say_what_is_seen() -> None:
    def piece(kind: Proof, part: Part = Part.ARRIVAL, band: str | None = None) -> Evidence:
        return Evidence(kind, part, NOON, 1, band=band)

    assert seen(7, "p", [piece(Proof.LINK), piece(Proof.PLACE, band="near")]) == Seen(7, NOON, "near", "p")
    assert seen(7, "", [piece(Proof.ROLL)]) == Seen(7, None, "", "")
    assert seen(7, "", [piece(Proof.CODE), piece(Proof.PLACE, band="far"), piece(Proof.CODE, Part.DEPARTURE)]) == Seen(
        7, NOON, "far", ""
    )
    assert seen(7, "", [piece(Proof.ROLL), piece(Proof.CODE, Part.DEPARTURE)]).arrived is None  # somebody saw them come
    assert seen(7, "", [piece(Proof.CODE), piece(Proof.TAKEN_BACK)]) == Seen(7, None, "", "")
    assert seen(7, "", [piece(Proof.CODE), piece(Proof.CONFIRMED, Part.WHOLE)]).confirmed
