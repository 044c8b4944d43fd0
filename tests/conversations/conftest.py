"""A town for each test, on both databases; a chat for each door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy

from storage.database import Database
from storage.tables import metadata
from tests.conversations.kit import DOORS, SECRECY, Chat, Town
from tests.postgres import Postgres


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with every table and nothing in it, to be copied: making the tables takes 50 ms a test."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    return path


async def _fill(url: str) -> None:
    database = Database(url)
    async with database.write() as unit:
        await unit.connection.run_sync(metadata.create_all)
    await database.close()


@pytest.fixture
def city_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path, empty_sqlite: Path) -> Iterator[str]:
    """A fresh database with tables."""
    if engine == "sqlite":
        path = tmp_path / "town.db"
        path.write_bytes(empty_sqlite.read_bytes())
        yield f"sqlite+aiosqlite:///{path}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"town_{request.node.nodeid.__hash__() & 0xFFFFFFFFFF:x}"
    url = server.create(name, template=server.template("tables", _fill))
    try:
        yield url
    finally:
        server.drop(name)


@pytest.fixture
def founded(city_url: str) -> Town:
    """Founded outside the event loop: files are read at the start, as in a process that serves."""
    return Town(Database(city_url, SECRECY))


@pytest.fixture
async def town(founded: Town) -> AsyncIterator[Town]:
    """Whatever its story was, no name went to a platform abroad."""
    yield founded
    abroad = await founded.told_abroad()
    for sender in founded.senders:
        await sender.lease.release()  # its sign of life is a connection of its own
    await founded.database.close()
    assert not abroad


@pytest.fixture(params=sorted(DOORS))
def door(request: pytest.FixtureRequest) -> str:
    """Each door in turn."""
    return str(request.param)


@pytest.fixture
def chat(town: Town, door: str) -> Callable[..., Chat]:
    """Somebody at the door."""

    def opened(name: str, language: str = "en") -> Chat:
        return Chat(town, door, name, language)

    return opened
