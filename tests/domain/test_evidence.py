"""What stands of the evidence of a presence, and the grade that it deserves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.evidence import SAMPLED, Evidence, Part, Proof, grade, sample, standing

NOON = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)


def piece(kind: Proof, part: Part = Part.WHOLE, band: str | None = None) -> Evidence:
    return Evidence(kind, part, NOON, 1, band=band)


def arrival(kind: Proof) -> Evidence:
    return piece(kind, Part.ARRIVAL)


def departure(kind: Proof) -> Evidence:
    return piece(kind, Part.DEPARTURE)


@pytest.mark.parametrize(
    ("evidence", "deserved"),
    [
        ([arrival(Proof.CODE), departure(Proof.CODE)], "B"),
        ([arrival(Proof.LINK), departure(Proof.OWN)], "B"),
        ([arrival(Proof.ROLL), departure(Proof.ROLL)], "B"),
        ([arrival(Proof.WALKIN), piece(Proof.CONFIRMED)], "B"),
        ([arrival(Proof.CODE), departure(Proof.CODE), piece(Proof.CONFIRMED)], "A"),
        ([arrival(Proof.CODE), departure(Proof.ROLL)], "A"),
        ([arrival(Proof.SHOWN), departure(Proof.CODE)], "A"),
        ([arrival(Proof.ROLL), departure(Proof.CODE)], "A"),
        ([arrival(Proof.CODE), arrival(Proof.ROLL), departure(Proof.OWN)], "B"),
        ([piece(Proof.CLAIM), piece(Proof.CONFIRMED)], "C"),
        ([piece(Proof.BULK)], "D"),
        ([piece(Proof.BULK), piece(Proof.CONFIRMED)], "D"),
        ([arrival(Proof.CODE), piece(Proof.BULK)], "D"),
        ([], "B"),
    ],
)
def test_the_grade_follows_from_the_evidence_alone(evidence: list[Evidence], deserved: str) -> None:
    assert grade(evidence) == deserved


def test_leaving_on_ones_own_word_is_proven_by_the_organisers_word_after_it() -> None:
    before = [arrival(Proof.CODE), arrival(Proof.ROLL), piece(Proof.CONFIRMED), departure(Proof.OWN)]
    assert grade(before) == "B"
    assert grade([*before, piece(Proof.CONFIRMED)]) == "A"


def test_what_was_taken_back_proves_nothing() -> None:
    there = [arrival(Proof.CODE), arrival(Proof.ROLL)]
    assert grade([*there, arrival(Proof.TAKEN_BACK), arrival(Proof.CODE)]) == "B"
    assert standing([*there, departure(Proof.CODE), departure(Proof.TAKEN_BACK)]) == there
    assert standing([*there, departure(Proof.CODE), arrival(Proof.TAKEN_BACK)]) == []  # nobody leaves who never came
    assert grade([*there, departure(Proof.OWN), departure(Proof.TAKEN_BACK), departure(Proof.CODE)]) == "A"


@pytest.mark.parametrize(
    ("kind", "who", "speaks"),
    [(Proof.ROLL, 1, True), (Proof.BULK, 1, True), (Proof.CODE, 1, False), (Proof.ROLL, 2, False)],
)
def test_the_organisations_word_is_whose_it_is(kind: Proof, who: int, speaks: bool) -> None:
    assert piece(kind).speaks_for_the_organisation(who) is speaks


@pytest.mark.parametrize("band", ["inside", "away"])
def test_a_shared_place_raises_no_grade(band: str) -> None:
    assert grade([arrival(Proof.LINK), piece(Proof.PLACE, Part.ARRIVAL, band)]) == "B"


@pytest.mark.parametrize("entries", [1, 4, 10, 95])
def test_a_share_of_each_batch_is_drawn_and_never_none(entries: int) -> None:
    drawn = sample("batch", entries)
    assert len(drawn) == max(1, round(entries * SAMPLED))
    assert drawn <= set(range(entries))
    assert drawn == sample("batch", entries)


def test_who_enters_cannot_know_which_will_be_drawn() -> None:
    """Over many batches each place is drawn about equally often."""
    times = [0] * 10
    for number in range(1_000):
        for place in sample(f"batch {number}", 10):
            times[place] += 1
    assert sum(times) == 1_000
    assert min(times) > 60


def test_nothing_is_drawn_from_nothing() -> None:
    assert sample("batch", 0) == frozenset()
