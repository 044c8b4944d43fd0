"""Turns that are committed together: each is undone alone, none is answered before the flush that holds it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from storage import together
from storage.database import Database, Unit
from tests.keys import SECRECY


class Broke(Exception):
    """What a script may raise."""


@pytest.fixture
def opened(tmp_path: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{tmp_path / 'city.db'}", SECRECY)


@pytest.fixture
async def database(opened: Database) -> AsyncIterator[Database]:
    async with opened.write() as unit:
        await unit.connection.execute(text("CREATE TABLE said (words TEXT)"))
    yield opened
    await opened.close()


def saying(words: str) -> Callable[[Unit], Coroutine[Any, Any, str]]:
    async def work(unit: Unit) -> str:
        await unit.connection.execute(text("INSERT INTO said VALUES (:words)"), {"words": words})
        return words

    return work


async def breaks(unit: Unit) -> str:
    await saying("half a turn")(unit)
    raise Broke


async def kept(database: Database) -> list[str]:
    async with database.read() as unit:
        return list((await unit.connection.execute(text("SELECT words FROM said ORDER BY words"))).scalars())


def count_commits(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of turns in each transaction from now on."""
    batches: list[int] = []
    sound = together.Together._transact

    def counted(self: together.Together, batch: list[Any], flushed: bool) -> Any:
        batches.append(len(batch))
        return sound(self, batch, flushed)

    monkeypatch.setattr(together.Together, "_transact", counted)
    return batches


async def test_turns_that_wait_together_share_one_commit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = count_commits(database, monkeypatch)
    said = await asyncio.gather(*(database.turn(saying(f"{number:02}")) for number in range(20)))
    assert said == [f"{number:02}" for number in range(20)] == await kept(database)
    assert len(batches) < 20
    assert sum(batches) == 20


async def test_a_turn_that_breaks_is_undone_alone(database: Database) -> None:
    works = [saying("before"), breaks, saying("after")]
    outcomes = await asyncio.gather(*map(database.turn, works), return_exceptions=True)
    assert isinstance(outcomes[1], Broke)
    assert [outcomes[0], outcomes[2]] == ["before", "after"]
    assert await kept(database) == ["after", "before"]


async def test_control_without_its_savepoint_half_of_it_would_stay(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unguarded(_connection: Any, one: Any) -> together._Done:
        try:
            return together._Done(together.driven(one.work(_connection)))
        except Broke as raised:
            return together._Done(raised=raised)

    monkeypatch.setattr(together.Together, "_apart", staticmethod(unguarded))
    works = [saying("before"), breaks, saying("after")]
    await asyncio.gather(*map(database.turn, works), return_exceptions=True)
    assert await kept(database) == ["after", "before", "half a turn"]


async def test_a_turn_that_breaks_when_nobody_else_waits_is_undone(database: Database) -> None:
    with pytest.raises(Broke):
        await database.turn(breaks)
    assert await kept(database) == []
    assert await database.turn(saying("and the next one is taken")) == "and the next one is taken"


async def test_nobody_is_answered_when_the_commit_fails(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = together.Together._apart

    def full(connection: Any, one: Any) -> Any:
        connection.connection.driver_connection.execute("ROLLBACK")  # as SQLite does by itself on a full disk
        raise OperationalError("COMMIT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(together.Together, "_apart", staticmethod(full))
    outcomes = await asyncio.gather(*(database.turn(saying(str(n))) for n in range(3)), return_exceptions=True)
    assert [type(one) for one in outcomes] == [OperationalError] * 3
    assert await kept(database) == []
    monkeypatch.setattr(together.Together, "_apart", staticmethod(sound))
    await asyncio.gather(database.turn(saying("a")), database.turn(saying("b")))
    assert await kept(database) == ["a", "b"]


async def test_what_a_turn_wrote_can_be_read_elsewhere_as_soon_as_it_is_answered(database: Database) -> None:
    async def say(words: str) -> None:
        await database.turn(saying(words))
        assert words in await kept(database)

    await asyncio.gather(*(say(f"{number}") for number in range(12)))


async def test_a_turn_may_await_nothing_but_its_database(database: Database) -> None:
    async def dawdles(unit: Unit) -> str:
        await saying("dawdling")(unit)
        await asyncio.sleep(0)
        return "never"

    with pytest.raises(together.Waited):
        await database.turn(dawdles)
    assert await kept(database) == []


async def test_a_savepoint_inside_a_turn_is_undone_alone(database: Database) -> None:
    async def tries(unit: Unit) -> str:
        await saying("kept")(unit)
        with pytest.raises(Broke):
            async with unit.savepoint():
                await breaks(unit)
        return "kept"

    await asyncio.gather(database.turn(tries), database.turn(saying("beside it")))
    assert await kept(database) == ["beside it", "kept"]


async def test_a_turn_that_is_given_up_before_it_began_does_nothing(database: Database) -> None:
    begun, go = threading.Event(), threading.Event()

    async def holds(unit: Unit) -> str:
        begun.set()
        go.wait(5)
        return await saying("first")(unit)

    first = asyncio.create_task(database.turn(holds))
    await asyncio.to_thread(begun.wait, 5)
    second = asyncio.create_task(database.turn(saying("given up")))
    await asyncio.sleep(0.01)
    second.cancel()
    await asyncio.wait({second})
    go.set()
    await first
    await database.turn(saying("last"))
    assert await kept(database) == ["first", "last"]


async def test_a_statement_may_change_what_is_still_being_read(database: Database) -> None:
    async def rewrites(unit: Unit) -> int:
        for number in range(5):
            await saying(f"{number}")(unit)
        seen = 0
        for row in await unit.connection.execute(text("SELECT words FROM said")):
            seen += 1
            await saying(f"{row.words} again")(unit)
        return seen

    assert await database.turn(rewrites) == 5


async def test_writers_beside_the_turns_take_their_turn_too(database: Database) -> None:
    async def write(words: str) -> None:
        async with database.write() as unit:
            await saying(words)(unit)

    await asyncio.gather(*(one for n in range(10) for one in (database.turn(saying(f"turn {n}")), write(f"write {n}"))))
    assert len(await kept(database)) == 20


# --- Work that is patient -------------------------------------------------------------------------------------------


async def ask_in_order(database: Database) -> list[str]:
    """Three chunks and then two turns are asked for while another turn is under way: in which order are they done?"""
    done: list[str] = []

    def noting(words: str) -> Callable[[Unit], Coroutine[Any, Any, str]]:
        async def work(unit: Unit) -> str:
            done.append(words)
            return await saying(words)(unit)

        return work

    asked = [database.turn(noting("a turn"))]
    asked += [database.aside(noting("a chunk")) for _one in range(3)]
    asked += [database.turn(noting("a turn")) for _one in range(2)]
    await asyncio.gather(*asked)
    return done


async def test_patient_work_lets_every_turn_go_first(database: Database) -> None:
    assert await ask_in_order(database) == ["a turn"] * 3 + ["a chunk"] * 3


async def test_but_it_does_not_wait_for_ever(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "PATIENCE", -1.0)
    assert await ask_in_order(database) == ["a chunk"] * 3 + ["a turn"] * 3


async def test_only_patient_work_is_not_flushed(database: Database) -> None:
    """A power cut may take back what is made again, and nothing that somebody was answered."""

    async def flushed(unit: Unit) -> str:
        how = (await unit.connection.execute(text("PRAGMA synchronous"))).scalar_one()
        return {1: "later", 2: "at once"}[how]

    assert await database.turn(flushed) == "at once"
    assert await database.aside(flushed) == "later"
    assert await database.turn(flushed) == "at once"
    assert await database.aside(flushed) == "later"


async def test_patient_work_that_breaks_is_undone_and_the_next_one_is_taken(database: Database) -> None:
    with pytest.raises(Broke):
        await database.aside(breaks)
    assert await database.aside(saying("a chunk")) == "a chunk"
    assert await kept(database) == ["a chunk"]
