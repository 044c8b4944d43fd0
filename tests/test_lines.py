"""PostgreSQL's turns: their connections are at hand, handed over under load; each transaction is one turn's alone."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import database as opening
from storage import flushes, lines
from storage.database import Database, Unit
from storage.prepared import ON_DISK, WITHOUT_DISK, OnPostgreSQL
from tests.keys import SECRECY
from tests.leap import HOUR
from tests.postgres import Postgres


class Broke(Exception):
    """What a script may raise."""


@pytest.fixture
async def database(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """With one line, so that the second turn waits for the first; its disk waits for all who are at work."""
    monkeypatch.setattr(opening, "LINES", 1)
    monkeypatch.setattr(flushes, "LINGER", HOUR)
    name = f"test_{secrets.token_hex(6)}"
    opened = Database(postgres.create(name), SECRECY)
    async with opened.write() as unit:
        await unit.connection.execute(text("CREATE TABLE said (words TEXT)"))
    yield opened
    await opened.close()
    postgres.drop(name)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What begins and ends transactions, in order."""
    seen: list[str] = []
    sound = OnPostgreSQL._command

    async def command(driver: OnPostgreSQL, sql: str) -> None:
        seen.append(sql)
        await sound(driver, sql)

    monkeypatch.setattr(OnPostgreSQL, "_command", command)
    return seen


Work = Callable[[Unit], Coroutine[Any, Any, int]]


def saying(words: str, then: Callable[[], object] = lambda: None) -> Work:
    """A turn that writes, and tells who served it."""

    async def work(unit: Unit) -> int:
        await unit.run(text("INSERT INTO said VALUES (:words)"), {"words": words})
        then()
        return int((await unit.run(text("SELECT pg_backend_pid()"))).scalar_one())

    return work


def breaking() -> None:
    raise Broke


async def said(database: Database) -> list[str]:
    async with database.read() as unit:
        return [row.words for row in await unit.run(text("SELECT words FROM said ORDER BY words"))]


async def test_a_commit_begins_the_transaction_of_whoever_waits(database: Database, commands: list[str]) -> None:
    pids = await asyncio.gather(database.turn(saying("one")), database.turn(saying("two")))
    assert commands == ["BEGIN", f"{WITHOUT_DISK}; COMMIT AND CHAIN", f"{WITHOUT_DISK}; COMMIT", ON_DISK]
    assert len(set(pids)) == 1
    assert await said(database) == ["one", "two"]


async def test_where_nobody_waits_no_transaction_is_left_open(database: Database, commands: list[str]) -> None:
    await database.turn(saying("one"))
    await database.turn(saying("two"))
    assert commands == ["BEGIN", "COMMIT", "BEGIN", "COMMIT"]


async def test_a_turn_that_raises_is_undone_alone(database: Database) -> None:
    told = await asyncio.gather(
        database.turn(saying("one")),
        database.turn(saying("two", breaking)),
        database.turn(saying("three")),
        return_exceptions=True,
    )
    assert isinstance(told[1], Broke)
    assert await said(database) == ["one", "three"]


async def test_whoever_commits_beside_others_lets_go_of_the_line_and_comes_back_when_the_disk_has_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, reached = asyncio.Event(), asyncio.Event()
    sound = OnPostgreSQL.flush

    async def flush(driver: OnPostgreSQL) -> None:
        asked.set()
        await reached.wait()
        await sound(driver)

    monkeypatch.setattr(OnPostgreSQL, "flush", flush)
    both = [asyncio.create_task(database.turn(saying(words))) for words in ("one", "two")]
    await asked.wait()
    assert await said(database) == ["one", "two"]
    assert not any(one.done() for one in both)
    reached.set()
    await asyncio.gather(*both)


async def test_a_disk_that_cannot_be_reached_is_told_to_all_who_waited_and_asked_again_by_another_line(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = OnPostgreSQL.flush

    async def flush(driver: OnPostgreSQL) -> None:
        driver._bare.terminate()
        await sound(driver)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(OnPostgreSQL, "flush", flush)
        told = await asyncio.gather(
            database.turn(saying("one")), database.turn(saying("two")), return_exceptions=True
        )
    assert [isinstance(one, OperationalError) for one in told] == [True, True]
    await asyncio.gather(database.turn(saying("three")), database.turn(saying("four")))
    assert await said(database) == ["four", "one", "three", "two"]


async def test_without_a_connection_for_the_disk_each_flushes_for_itself(
    database: Database, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await database.turn(saying("one"))  # has its line
    commands.clear()

    async def full(_lines: lines.Lines) -> lines.Line:
        raise ConnectionRefusedError

    monkeypatch.setattr(lines.Lines, "_opened", full)
    database._turns._flushes._connect = database._turns._opened  # type: ignore[union-attr]
    await asyncio.gather(database.turn(saying("two")), database.turn(saying("three")))
    assert commands == ["BEGIN", "COMMIT AND CHAIN", "COMMIT"]
    assert await said(database) == ["one", "three", "two"]


async def test_the_disk_waits_for_nobody_who_broke(database: Database, commands: list[str]) -> None:
    told = await asyncio.gather(
        database.turn(saying("one")), database.turn(saying("two", breaking)), return_exceptions=True
    )
    assert isinstance(told[1], Broke)
    assert commands[-2:] == ["ROLLBACK", ON_DISK]


async def test_whoever_gives_up_waiting_leaves_no_transaction_open(database: Database, commands: list[str]) -> None:
    waits: list[asyncio.Task[int]] = []

    async def and_then(unit: Unit) -> int:
        waits.append(asyncio.create_task(database.turn(saying("two"))))
        await asyncio.sleep(0)  # it waits now, and gives up before the first commits; its place stays in the queue
        waits[0].cancel()
        return await saying("one")(unit)

    await database.turn(and_then)
    with pytest.raises(asyncio.CancelledError):
        await waits[0]
    assert commands == ["BEGIN", "COMMIT AND CHAIN", "ROLLBACK"]
    await database.turn(saying("three"))
    assert await said(database) == ["one", "three"]


async def test_nobody_waits_longer_than_for_anything_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "PATIENCE", 0.01)
    held, let_go = asyncio.Event(), asyncio.Event()

    async def holding(unit: Unit) -> int:
        held.set()
        await let_go.wait()
        return await saying("one")(unit)

    first = asyncio.create_task(database.turn(holding))
    await held.wait()
    with pytest.raises(PoolTimeout):
        await database.turn(saying("two"))
    let_go.set()
    await first
    assert await said(database) == ["one"]


async def test_whoever_waits_for_a_line_that_is_lost_gets_another(database: Database) -> None:
    held, let_go = asyncio.Event(), asyncio.Event()

    async def losing(unit: Unit) -> int:
        mine = await saying("one")(unit)
        held.set()
        await let_go.wait()
        async with database.engine.connect() as other:
            await other.exec_driver_sql(f"SELECT pg_terminate_backend({mine})")
        return await saying("one more")(unit)

    first = asyncio.create_task(database.turn(losing))
    await held.wait()
    second = asyncio.create_task(database.turn(saying("two")))
    await asyncio.sleep(0)
    let_go.set()
    with pytest.raises(Exception, match=r"."):
        await first
    await second
    assert await said(database) == ["two"]


async def test_a_line_that_opens_only_by_half_is_hung_up_and_leaves_its_room(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves: list[AsyncConnection] = []

    async def failing(connection: AsyncConnection) -> None:
        halves.append(connection)
        raise Broke

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(AsyncConnection, "get_raw_connection", failing)
        with pytest.raises(Broke):
            await database.turn(saying("one"))
    assert [half.closed for half in halves] == [True]
    await database.turn(saying("two"))
    assert await said(database) == ["two"]
