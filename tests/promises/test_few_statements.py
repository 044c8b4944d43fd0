"""A turn asks the database little: what the gates of a sign-up must know comes in one statement, and so on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.desk import gates
from bot.desk.enrolment import Enrolment
from bot.desk.gates import Refusal
from bot.desk.subject import Subject
from storage import agreements, turns
from storage.database import Unit
from storage.prepared import OnPostgreSQL, Prepared
from storage.tables.people import identity
from storage.wishes import Wish
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)

LEAST = {"sqlite": 8, "postgresql": 5}
"""Of a confirmation. PostgreSQL decides about the
seat, keeps and logs it as one statement, on the journey on which it locks the shift, begins a turn with one and ends it
with one."""

AGREEING = {"sqlite": 2, "postgresql": 1}
"""What an agreement that is due adds: the move, and what was accepted, which PostgreSQL keeps as it looks at the seat.
"""


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every statement that runs from now on."""
    seen: list[object] = []
    for name in ("run", "run_aside", "run_each", "run_late", "run_through", "run_foreseen"):
        monkeypatch.setattr(Unit, name, _counting(seen, name, getattr(Unit, name)))
    return seen


def _counting(seen: list[object], name: str, sound: Any) -> Any:
    async def run(unit: Unit, statement: object, *values: object) -> object:
        if name != "run" or not isinstance(statement, Prepared):  # those come by here again
            seen.append(statement)
        return await sound(unit, statement, *values)

    return run


async def about_to_confirm(town: Town, name: str, activity: int) -> Chat:
    """Somebody who is known, and of whom nothing is missing but the yes."""
    who = Chat(town, "web", name)
    await who.joins(await town.publishes(Chat(town, "web", "Olga"), f"For {name}", SATURDAY + timedelta(days=1)))
    await who.opens("join", activity)
    return who


async def confirmed(who: Chat, statements: list[object]) -> int:
    """How many statements the yes takes."""
    statements.clear()
    await who.says("1")
    assert "You are in" in who.text
    return len(statements)


async def test_a_confirmation_takes_few_statements(town: Town, engine: str, statements: list[object]) -> None:
    activity = await town.publishes(Chat(town, "web", "Olga"), "Planting trees", SATURDAY)
    ann = await about_to_confirm(town, "Ann", activity)
    assert await confirmed(ann, statements) == LEAST[engine]


@pytest.fixture
def foreseen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What follows each seat that was foreseen, on its journey."""
    journeys: list[tuple[str, ...]] = []
    sound = OnPostgreSQL._catch_up_and

    async def catch_up_and(driver: OnPostgreSQL, *then: str) -> str:
        if driver._foreseen:
            journeys.append(then)
        return await sound(driver, *then)

    monkeypatch.setattr(OnPostgreSQL, "_catch_up_and", catch_up_and)
    return journeys


@pytest.mark.parametrize("asks", [False, True], ids=["sound", "control"])
async def test_after_a_seat_among_many_a_confirmation_asks_nothing_more(
    town: Town, engine: str, foreseen: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    if engine == "sqlite":
        pytest.skip("on SQLite nothing is foreseen")
    if asks:
        sound = Enrolment._let_in

        async def curious(desk: Enrolment, wish: Wish, *rest: Any) -> Any:
            await agreements.of(desk.unit, wish.activity)
            return await sound(desk, wish, *rest)

        monkeypatch.setattr(Enrolment, "_let_in", curious)
    activity = await town.publishes(Chat(town, "web", "Olga"), "The marathon", SATURDAY, seats=1_000)
    ann = await about_to_confirm(town, "Ann", activity)
    foreseen.clear()
    await ann.says("1")
    assert "You are in" in ann.text
    (follows,) = foreseen
    assert follows[-1:] == (() if asks else ("COMMIT",))


async def test_an_agreement_that_others_have_read_before_adds_little(
    town: Town, engine: str, statements: list[object]
) -> None:
    activity = await town.publishes(Chat(town, "web", "Olga"), "The marathon", SATURDAY, seats=1_000)
    ann = await about_to_confirm(town, "Ann", activity)
    bob = await about_to_confirm(town, "Bob", activity)
    least = LEAST[engine] + AGREEING[engine]
    assert await confirmed(ann, statements) > least, "the first keeps the text itself"
    assert await confirmed(bob, statements) == least


async def test_a_gate_that_looks_for_itself_is_noticed(
    town: Town, engine: str, statements: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""

    async def curious(asker: Subject, wish: Wish) -> Refusal | None:
        await agreements.of(asker.unit, wish.activity)
        return None

    monkeypatch.setattr("bot.desk.enrolment.GATES", (*gates.GATES, curious))
    activity = await town.publishes(Chat(town, "web", "Olga"), "Planting trees", SATURDAY)
    ann = await about_to_confirm(town, "Ann", activity)
    assert await confirmed(ann, statements) == LEAST[engine] + 1


async def test_a_look_at_what_there_is_takes_few_statements(
    town: Town, engine: str, statements: list[object]
) -> None:
    await town.publishes(Chat(town, "web", "Olga"), "Planting trees", SATURDAY)
    ann = Chat(town, "web", "Ann")
    await ann.says("menu")
    statements.clear()
    await ann.opens("find")
    assert len(statements) <= {"sqlite": 4, "postgresql": 3}[engine]


async def test_a_search_finds_and_shows_at_once(town: Town, engine: str, statements: list[object]) -> None:
    await town.publishes(Chat(town, "web", "Olga"), "Planting trees", SATURDAY)
    ann = Chat(town, "web", "Ann")
    await ann.says("menu")
    statements.clear()
    await ann.says("what is on this week")
    assert any(label.startswith("Planting trees") for label in ann.labels)
    assert len(statements) <= {"sqlite": 4, "postgresql": 3}[engine]


async def heard_from(town: Town, who: Chat) -> datetime:
    """When they wrote for the last time, as it is written down."""
    async with town.database.read() as unit:
        at: datetime = (await unit.run(select(identity.c.inbound).where(identity.c.external == who.name))).scalar_one()
    return at


async def test_a_sign_of_life_is_written_anew_when_it_is_ten_seconds_old(town: Town) -> None:
    ann = Chat(town, "web", "Ann")
    first, written = town.at, []
    for seconds in (0, 5, 9, 10, 19, 21):
        town.at = first + timedelta(seconds=seconds)
        await ann.says("menu")
        written.append((await heard_from(town, ann) - first).total_seconds())
    assert written == [0, 0, 0, 10, 10, 21]


async def test_control_a_sign_of_life_that_never_gets_old_stays_as_it_was(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LATELY", timedelta(days=1))
    ann = Chat(town, "web", "Ann")
    first = town.at
    await ann.says("menu")
    town.at += timedelta(hours=1)
    await ann.says("menu")
    assert await heard_from(town, ann) == first
