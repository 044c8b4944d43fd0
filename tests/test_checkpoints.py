"""SQLite's log is carried over into its file beside those who write, not by them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from storage import checkpoints
from storage.checkpoints import Checkpoints
from storage.database import Database, Unit
from tests.keys import SECRECY

PAGES = 100
"""Rows, each as long as a page: fewer than would have a commit carry them over."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "city.db"


@pytest.fixture
def opened(file: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{file}", SECRECY)


@pytest.fixture
async def database(opened: Database) -> AsyncIterator[Database]:
    async with opened.write() as unit:
        await unit.run(text("CREATE TABLE made (words TEXT)"))
    yield opened
    await opened.close()


async def make(unit: Unit) -> None:
    for row in range(PAGES):
        await unit.run(text("INSERT INTO made VALUES (:words)"), {"words": f"{row}" + "x" * 4096})


async def made(database: Database) -> int:
    async with database.read() as unit:
        return int((await unit.run(text("SELECT count(*) FROM made"))).scalar_one())


async def carried_over(database: Database) -> None:
    """Whatever was asked for has been done."""
    thread = database._turns._checkpoints._thread  # type: ignore[union-attr] # SQLite's
    await asyncio.get_running_loop().run_in_executor(thread, lambda: None)


async def size(database: Database, file: Path) -> int:
    """Pages that the file holds, when all has been carried over that was asked for."""
    await carried_over(database)
    return (await asyncio.to_thread(file.stat)).st_size // 4096


async def test_what_patient_work_writes_is_in_the_file_without_anybody_having_waited(
    database: Database, file: Path
) -> None:
    await database.aside(make)
    assert await size(database, file) >= PAGES


async def test_without_being_asked_it_stays_in_the_log_for_the_next_who_commits(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(Checkpoints, "ask", lambda self: None)
    await database.aside(make)
    assert await size(database, file) < PAGES


async def test_a_turn_asks_for_nothing(database: Database, file: Path) -> None:
    """It would have the disk flushed twice for each."""
    await database.turn(make)
    assert await size(database, file) < PAGES


async def test_while_somebody_writes_nobody_waits_for_it(database: Database, file: Path) -> None:
    async with database.write() as unit:
        await make(unit)
        database._turns._checkpoints.ask()  # type: ignore[union-attr] # SQLite's
        await carried_over(database)
    assert await made(database) == PAGES


@pytest.mark.parametrize("wrong", ["PRAGMA no such words", "SELECT * FROM nowhere"])
async def test_one_that_fails_is_nobodys_trouble(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setattr(checkpoints, "CARRY_OVER", wrong)
    await database.aside(make)
    await database.aside(make)
    assert await made(database) == 2 * PAGES
    assert await size(database, file) < PAGES


async def test_after_one_that_failed_the_next_does_its_work(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(checkpoints, "CARRY_OVER", "SELECT * FROM nowhere")
        await database.aside(make)
        await carried_over(database)
    await database.aside(make)
    assert await size(database, file) >= 2 * PAGES
