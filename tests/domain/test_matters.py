"""Where matters go: the centres above, who may say what, what becomes of each word, what happens by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.corrections import Correction, Values, may_agree, needs_second
from bot.domain.matters import (
    About,
    Matter,
    Said,
    State,
    Step,
    answers,
    next_level,
    overlap_holder,
    step,
    when_due,
)
from bot.domain.records import Record
from bot.domain.rulesets import SHIPPED

STREET, DISTRICT, CITY = 110108001, 110108, 110000
PATH = (STREET, DISTRICT, CITY)
NOW = datetime(2026, 11, 28, tzinfo=UTC)
DISPUTE = Matter(1, About.DISPUTE, 1, None, 7, 3, None, State.OPEN, "", {}, NOW, NOW)


@pytest.mark.parametrize(
    ("node", "staffed", "above"),
    [
        (None, {STREET, DISTRICT, CITY}, STREET),
        (None, {DISTRICT}, DISTRICT),
        (None, set(), CITY),
        (STREET, {STREET, CITY}, CITY),
        (STREET, {STREET, DISTRICT}, DISTRICT),
        (DISTRICT, set(), CITY),
        (CITY, {CITY}, None),
        (999, {CITY}, None),
    ],
)
def test_the_next_level_is_the_nearest_centre_that_is_staffed(
    node: int | None, staffed: set[int], above: int | None
) -> None:
    assert next_level(node, PATH, staffed) == above


@pytest.mark.parametrize("kind", list(About))
@pytest.mark.parametrize("node", [None, DISTRICT])
@pytest.mark.parametrize("state", list(State))
def test_nobody_judges_their_own_minutes_whatever_their_posts(kind: About, node: int | None, state: State) -> None:
    about = replace(DISPUTE, kind=kind, node=node, state=state)
    assert answers(about, True, True, True, False) <= {Said.UP}


@pytest.mark.parametrize(
    ("about", "last", "may"),
    [
        (replace(DISPUTE, state=State.ANSWERED), False, {Said.UP}),
        (replace(DISPUTE, state=State.ANSWERED), True, set()),
        (replace(DISPUTE, state=State.OPEN), False, set()),
        (replace(DISPUTE, state=State.SETTLED), False, set()),
        (replace(DISPUTE, kind=About.REVIEW, state=State.ANSWERED), False, set()),
    ],
)
def test_its_owner_may_take_a_rejected_dispute_to_the_next_level_while_there_is_one(
    about: Matter, last: bool, may: set[Said]
) -> None:
    assert answers(about, True, False, False, last) == may


@pytest.mark.parametrize(
    ("about", "recorder", "centre", "may"),
    [
        (DISPUTE, True, False, {Said.REJECT, Said.CORRECTED}),
        (DISPUTE, False, True, set()),
        (replace(DISPUTE, node=DISTRICT), True, False, set()),
        (replace(DISPUTE, node=DISTRICT), False, True, {Said.REJECT, Said.CORRECTED}),
        (replace(DISPUTE, kind=About.OVERLAP), True, False, {Said.OURS, Said.THEIRS}),
        (replace(DISPUTE, kind=About.OVERLAP), False, True, set()),
        (replace(DISPUTE, kind=About.REVIEW, node=DISTRICT), False, True, {Said.FINE, Said.CORRECT}),
        (replace(DISPUTE, kind=About.OBJECTION, node=DISTRICT), True, False, set()),
        (replace(DISPUTE, state=State.ANSWERED), True, True, set()),
        (replace(DISPUTE, state=State.SETTLED), True, True, set()),
    ],
)
def test_who_may_say_what(about: Matter, recorder: bool, centre: bool, may: set[Said]) -> None:
    assert answers(about, False, recorder, centre, False) == may


@pytest.mark.parametrize(
    ("about", "said", "above", "after"),
    [
        (DISPUTE, Said.REJECT, STREET, Step(State.ANSWERED)),
        (replace(DISPUTE, node=CITY), Said.REJECT, None, Step(State.SETTLED, "rejected")),
        (replace(DISPUTE, state=State.ANSWERED), Said.UP, DISTRICT, Step(State.OPEN, node=DISTRICT, stays=False)),
        (replace(DISPUTE, node=CITY), Said.UP, None, Step(State.OPEN, stays=True)),
        (replace(DISPUTE, kind=About.REVIEW, node=CITY), Said.FINE, None, Step(State.SETTLED, "fine")),
        (replace(DISPUTE, kind=About.REVIEW, node=CITY), Said.CORRECT, None, Step(State.OPEN, node=None, stays=False)),
        (replace(DISPUTE, kind=About.REVIEW), Said.REJECT, CITY, Step(State.OPEN, node=CITY, stays=False)),
        (replace(DISPUTE, kind=About.REVIEW), Said.REJECT, None, Step(State.SETTLED, "fine")),
        (DISPUTE, Said.CORRECTED, STREET, Step(State.SETTLED, "corrected")),
    ],
)
def test_what_becomes_of_a_word(about: Matter, said: Said, above: int | None, after: Step) -> None:
    assert step(about, said, above) == after


def test_what_is_not_answered_goes_up_and_what_is_not_taken_further_ends() -> None:
    assert when_due(DISPUTE, STREET) == Said.UP
    assert when_due(replace(DISPUTE, state=State.ANSWERED), STREET) == Said.ENDED
    assert when_due(replace(DISPUTE, kind=About.OVERLAP), None) == Said.ENDED


def recorded(id_: int, organisation: int, grade: str = "B") -> Record:
    hours = {"starts": NOW, "ends": NOW, "minutes": 60}
    return Record(
        id_, "种树", "Trees", "environment", "甲", "A", grade=grade, state="final", why=None, organisation=organisation,
        **hours,
    )  # fmt: skip


FIRST, OTHER = recorded(1, 3), recorded(2, 4)
BETTER = recorded(2, 4, "A")


@pytest.mark.parametrize(
    ("other", "said", "over", "holder"),
    [
        (OTHER, {}, False, None),
        (OTHER, {3: Said.OURS}, False, None),
        (OTHER, {4: Said.OURS}, False, None),
        (OTHER, {3: Said.THEIRS}, False, 2),
        (OTHER, {4: Said.THEIRS}, False, 1),
        (OTHER, {3: Said.THEIRS, 4: Said.OURS}, False, 2),
        (OTHER, {3: Said.OURS, 4: Said.THEIRS}, False, 1),
        (OTHER, {3: Said.OURS, 4: Said.OURS}, False, 1),
        (BETTER, {3: Said.OURS, 4: Said.OURS}, False, 2),
        (BETTER, {3: Said.THEIRS, 4: Said.THEIRS}, False, 2),
        (OTHER, {3: Said.THEIRS, 4: Said.THEIRS}, False, 1),
        (BETTER, {3: Said.OURS}, True, 1),
        (OTHER, {4: Said.OURS}, True, 2),
        (OTHER, {}, True, 1),
        (BETTER, {}, True, 2),
    ],
)
def test_whose_the_shared_minutes_are(
    other: Record, said: dict[int, Said], over: bool, holder: int | None
) -> None:
    assert overlap_holder(FIRST, other, said, over) == holder


def test_words_that_move_nothing_are_a_bug() -> None:
    with pytest.raises(ValueError, match="moves nothing"):
        step(DISPUTE, Said.OURS, None)


@pytest.mark.parametrize(
    ("before", "after", "others", "own", "second"),
    [
        (100, 120, 0, False, False),
        (100, 121, 0, False, True),
        (100, 80, 0, False, False),
        (100, 79, 0, False, True),
        (0, 1, 0, False, True),
        (0, 0, 0, False, False),
        (400, 480, 0, False, False),
        (400, 480, 1, False, True),
        (500, 470, 60, False, False),
        (100, 99, 0, True, True),
    ],
)
def test_when_a_second_person_is_needed(before: int, after: int, others: int, own: bool, second: bool) -> None:
    assert needs_second(before, after, others, own, SHIPPED.named("beijing-2026")) is second


def test_the_second_person_is_neither_who_corrects_nor_whose_minutes_they_are() -> None:
    said = Values(NOW, NOW, 60)
    asked = Correction(1, 1, 7, said, said, "", "waiting", NOW)
    assert [who for who in (7, 8, 9) if may_agree(asked, owner=8, who=who)] == [9]
