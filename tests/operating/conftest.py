"""What the tests of operating share: databases, rows in every table, and a city at the newest revision."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Date, Float, Integer, LargeBinary, Table

from storage import migrate
from storage.database import Database
from storage.secrecy import Secrecy
from storage.tables import metadata
from storage.tables.kinds import Json, Moment
from tests.postgres import Postgres, apart

SECRECY = Secrecy("a key that only the tests of operating use")

NOW = datetime(2026, 11, 28, 1, 30, tzinfo=UTC)


@pytest.fixture
def opened(database_url: str) -> Database:
    """Opened outside the event loop: that looks for the file's folder."""
    return Database(database_url, SECRECY)


@pytest.fixture
async def empty(opened: Database) -> AsyncIterator[Database]:
    """A database without a table."""
    yield opened
    await opened.close()


async def build(url: str) -> None:
    """Bring an empty database to the newest revision."""
    database = await asyncio.to_thread(Database, url)
    await migrate.upgrade(database)
    await database.close()


@pytest.fixture(scope="session")
def sqlite_at_head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at the newest revision, to be copied: making it anew takes a third of a second."""
    file = tmp_path_factory.mktemp("head") / "head.sqlite3"
    apart(lambda: build(f"sqlite+aiosqlite:///{file}"))
    return file


@pytest.fixture
def migrated(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Opened outside the event loop, at the newest revision."""
    if engine == "sqlite":
        file = tmp_path / "menkou.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_at_head"), file)
        yield Database(f"sqlite+aiosqlite:///{file}", SECRECY)
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"test_{secrets.token_hex(6)}"
    try:
        yield Database(server.create(name, template=server.template("head", build)), SECRECY)
    finally:
        server.drop(name)


@pytest.fixture
async def database(migrated: Database) -> AsyncIterator[Database]:
    """A database at the newest revision, without a row."""
    yield migrated
    await migrated.close()


def row(table: Table, number: int) -> dict[str, Any]:
    """A row that fills every column, different for every number; parents have the same number."""
    values: dict[str, Any] = {}
    for column in table.columns:
        kind = column.type
        if column.foreign_keys or (column.primary_key and isinstance(kind, Integer)):
            values[column.name] = number
        elif isinstance(kind, Moment):
            values[column.name] = NOW + timedelta(minutes=number)
        elif isinstance(kind, Json):
            values[column.name] = {"说": [number, "“好”\n", None]}
        elif isinstance(kind, LargeBinary):
            values[column.name] = bytes([0, 255, number, 10])
        elif isinstance(kind, Boolean):
            values[column.name] = number % 2 == 0
        elif isinstance(kind, Date):
            values[column.name] = date(2026, 11, 1 + number)
        elif isinstance(kind, Float):
            values[column.name] = 116.391276543 + number / 7
        elif column.name in ("taken", "state") and isinstance(kind, Integer):
            values[column.name] = 0
        elif isinstance(kind, Integer):
            values[column.name] = number
        else:
            values[column.name] = f"𠮷{number}"[: getattr(kind, "length", None) or 9]
    return values


async def fill(database: Database, rows: int = 3) -> None:
    """Put rows into every table; nullable columns of the last are empty."""
    async with database.write() as unit:
        for table in metadata.sorted_tables:
            for number in range(1, rows + 1):
                values = row(table, number)
                if number == rows:
                    values |= {c.name: None for c in table.columns if c.nullable}
                await unit.run(table.insert().values(values))


async def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    async with database.read() as unit:
        return {
            table.name: sorted((tuple(found) for found in await unit.run(table.select())), key=repr)
            for table in metadata.sorted_tables
        }


@pytest.fixture
async def others(postgres: Postgres, tmp_path: Path) -> AsyncIterator[dict[str, Database]]:
    """An empty database of either kind, to move a city into."""
    postgres.create("moved")
    found = {
        "sqlite": await asyncio.to_thread(Database, f"sqlite+aiosqlite:///{tmp_path / 'moved.db'}"),
        "postgresql": Database(postgres.url("moved")),
    }
    yield found
    for database in found.values():
        await database.close()
    await asyncio.to_thread(postgres.drop, "moved")
