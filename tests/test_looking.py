"""Looks of those that look all the time: consistent, waiting for nobody, and nothing is left open behind them."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, literal_column, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from storage import database as opening
from storage.database import Database, Unit
from storage.looking import Looking
from storage.prepared import Prepared
from storage.tables.delivery import sender_slot
from storage.together import Waited, driven

EPOCH = Prepared(select(sender_slot.c.epoch).where(sender_slot.c.account == bindparam("p_account")))
WRONG = Prepared(select(literal_column("nothing").label("x")).select_from(sender_slot))


class Broke(Exception):
    """What a look may raise."""


@pytest.fixture
async def database(database: Database) -> Database:
    """With the one row that is looked for."""
    async with database.write() as unit:
        await unit.run(insert(sender_slot).values(account="web", epoch=1))
    return database


@pytest.fixture
def sqlite(database: Database) -> Database:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL looks outside transactions, on the lines of turns")
    return database


async def epoch(unit: Unit) -> int:
    return int((await unit.run(EPOCH, {"p_account": "web"})).scalar_one())


async def by_sqlalchemy(unit: Unit) -> int:
    return int((await unit.run(select(sender_slot.c.epoch))).scalar_one())


async def raise_epoch(database: Database) -> None:
    async with database.write() as unit:
        await unit.run(update(sender_slot).values(epoch=sender_slot.c.epoch + 1))


def held(go: threading.Event, begun: threading.Event) -> Callable[[Unit], Coroutine[Any, Any, tuple[int, int]]]:
    """A look that reads, waits in its thread until somebody says so, and reads again."""

    async def look(unit: Unit) -> tuple[int, int]:
        before = await epoch(unit)
        begun.set()
        go.wait(5)
        return before, await epoch(unit)

    return look


async def test_a_look_sees_what_was_committed_by_either_way_of_asking(database: Database) -> None:
    assert (await database.look(epoch), await database.look(by_sqlalchemy)) == (1, 1)
    await raise_epoch(database)
    assert (await database.look(epoch), await database.look(by_sqlalchemy)) == (2, 2)


async def test_a_look_waits_for_no_writer(database: Database) -> None:
    async with database.write() as unit:
        await unit.run(update(sender_slot).values(epoch=9))
        assert await asyncio.wait_for(database.look(epoch), 5) == 1


async def test_a_look_sees_one_state_however_long_it_takes(sqlite: Database) -> None:
    go, begun = threading.Event(), threading.Event()
    look = asyncio.create_task(sqlite.look(held(go, begun)))
    await asyncio.to_thread(begun.wait, 5)
    await raise_epoch(sqlite)  # and nobody waits for a look either
    go.set()
    assert await look == (1, 1)
    assert await sqlite.look(epoch) == 2


async def test_control_without_its_transaction_a_look_sees_two(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bare(self: Looking, work: Any) -> Any:
        return driven(work(self._engine.connect()))

    monkeypatch.setattr(Looking, "_look", bare)
    go, begun = threading.Event(), threading.Event()
    look = asyncio.create_task(sqlite.look(held(go, begun)))
    await asyncio.to_thread(begun.wait, 5)
    await raise_epoch(sqlite)
    go.set()
    assert await look == (1, 2)


async def test_looks_do_not_wait_for_each_other(sqlite: Database) -> None:
    go, begun = threading.Event(), threading.Event()
    long = asyncio.create_task(sqlite.look(held(go, begun)))
    await asyncio.to_thread(begun.wait, 5)
    assert await asyncio.wait_for(sqlite.look(epoch), 5) == 1
    go.set()
    await long


async def test_a_look_that_raises_leaves_its_connection_to_the_next(database: Database) -> None:
    async def breaks(unit: Unit) -> int:
        await epoch(unit)
        await by_sqlalchemy(unit)
        raise Broke

    for _time in range(opening.LINES + 1):
        with pytest.raises(Broke):
            await database.look(breaks)
    await raise_epoch(database)
    assert await database.look(epoch) == 2


async def test_what_is_wrong_is_told_as_by_sqlalchemy_and_the_next_look_is_taken(database: Database) -> None:
    for asked in (lambda unit: unit.run(WRONG, {}), lambda unit: unit.run(WRONG.statement)):
        with pytest.raises(DBAPIError):
            await database.look(asked)
        assert await database.look(epoch) == 1


async def test_a_look_changes_nothing(sqlite: Database) -> None:
    async def changes(unit: Unit) -> None:
        await unit.run(update(sender_slot).values(epoch=9))

    with pytest.raises(OperationalError):
        await sqlite.look(changes)
    assert await sqlite.look(epoch) == 1


async def test_control_a_connection_of_the_other_kind_lets_it_try(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def changes(unit: Unit) -> int:
        await unit.run(update(sender_slot).values(epoch=9))
        return await epoch(unit)

    other = await asyncio.to_thread(sqlite._threaded, sqlite.url, 1)
    monkeypatch.setattr(sqlite._looks, "_engine", other)
    assert await sqlite.look(changes) == 9
    assert await sqlite.look(epoch) == 1  # it was never committed


async def test_a_look_may_await_nothing_but_its_database(sqlite: Database) -> None:
    async def dawdles(unit: Unit) -> int:
        await asyncio.sleep(0)
        return await epoch(unit)

    with pytest.raises(Waited):
        await sqlite.look(dawdles)
    assert await sqlite.look(epoch) == 1


async def test_whoever_gives_up_in_the_middle_leaves_nothing_open(database: Database) -> None:
    async def slowly(unit: Unit) -> int:
        if unit.dialect == "postgresql":
            await unit.run(text("SELECT pg_sleep(5)"))
        begun.set()
        go.wait(5)
        return await epoch(unit)

    for _time in range(opening.LINES + 1):
        go, begun = threading.Event(), threading.Event()
        look = asyncio.create_task(database.look(slowly))
        await asyncio.sleep(0.02)
        look.cancel()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await look
    await raise_epoch(database)
    assert await database.look(epoch) == 2


async def test_a_look_that_is_given_up_before_it_began_is_never_taken(sqlite: Database) -> None:
    taken: list[int] = []
    go, begun = threading.Event(), [threading.Event() for _look in range(4)]
    long = [asyncio.create_task(sqlite.look(held(go, one))) for one in begun]
    for one in begun:
        await asyncio.to_thread(one.wait, 5)

    async def late(unit: Unit) -> None:
        taken.append(await epoch(unit))

    given_up = asyncio.create_task(sqlite.look(late))
    await asyncio.sleep(0.01)
    given_up.cancel()
    await asyncio.wait({given_up})
    go.set()
    await asyncio.gather(*long)
    assert await sqlite.look(epoch) == 1
    assert taken == []


async def test_a_look_keeps_what_whoever_asked_has_around_them(database: Database) -> None:
    around: contextvars.ContextVar[str] = contextvars.ContextVar("around")
    around.set("a turn's own")

    async def look(unit: Unit) -> str:
        await epoch(unit)
        return around.get()

    assert await database.look(look) == "a turn's own"


async def test_whoever_closes_waits_for_looks_under_way_and_lets_nobody_look_again(sqlite: Database) -> None:
    go, begun = threading.Event(), threading.Event()
    look = asyncio.create_task(sqlite.look(held(go, begun)))
    await asyncio.to_thread(begun.wait, 5)
    closing = asyncio.create_task(sqlite._looks.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    go.set()
    assert await look == (1, 1)
    await closing
    with pytest.raises(RuntimeError):
        await sqlite.look(epoch)


async def test_closing_the_database_closes_its_looks(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Looking] = []
    sound = Looking.close

    async def noted(self: Looking) -> None:
        closed.append(self)
        await sound(self)

    monkeypatch.setattr(Looking, "close", noted)
    other = await asyncio.to_thread(Database, sqlite.url)
    await other.close()
    assert closed == [other._looks]


async def test_a_look_that_waited_for_a_turns_line_leaves_no_transaction_open(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line comes with the transaction that the turn's commit began for whoever waits."""
    if database.dialect == "sqlite":
        pytest.skip("SQLite's looks have connections of their own")
    monkeypatch.setattr(database._turns, "_room", 1)

    async def turn(unit: Unit) -> None:
        waits.append(asyncio.create_task(database.look(epoch)))
        await asyncio.sleep(0)
        await unit.run(update(sender_slot).values(epoch=2))

    waits: list[asyncio.Task[int]] = []
    await database.turn(turn)
    assert await waits[0] == 2
    assert [one.begun for one in database._turns._idle] == [False]  # type: ignore[union-attr] # of PostgreSQL
    assert [one.bare.is_in_transaction() for one in database._turns._idle] == [False]  # type: ignore[union-attr]
