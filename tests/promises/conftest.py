"""A city with the real schema for each test, on both databases, and people who stand at its desk."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.database import Database
from tests.conversations.kit import SECRECY, Town
from tests.operating.conftest import build, sqlite_at_head
from tests.postgres import Postgres
from tests.promises.crowd import Crowd, Process

__all__ = ["sqlite_at_head"]


@contextmanager
def empty_city(engine: str, request: pytest.FixtureRequest, path: Path) -> Iterator[str]:
    """The URL of an empty city as `menkou migrate` leaves it."""
    if engine == "sqlite":
        file = path / "city.db"
        shutil.copy(request.getfixturevalue("sqlite_at_head"), file)
        yield f"sqlite+aiosqlite:///{file}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"promise_{secrets.token_hex(6)}"
    try:
        yield server.create(name, template=server.template("head", build))
    finally:
        server.drop(name)


@pytest.fixture
def city_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty city."""
    with empty_city(engine, request, tmp_path) as url:
        yield url


@pytest.fixture
def durable_city_url(durable_postgres: Postgres) -> Iterator[str]:
    """An empty city on a server that flushes."""
    name = f"durable_{secrets.token_hex(6)}"
    yield durable_postgres.create(name, template=durable_postgres.template("head", build))
    durable_postgres.drop(name)


@pytest.fixture
def founded(city_url: str) -> Town:
    """Founded outside the event loop, as in a process that serves."""
    return Town(Database(city_url, SECRECY))


@pytest.fixture
async def town(founded: Town) -> AsyncIterator[Town]:
    yield founded
    await ends(founded)


async def ends(town: Town) -> None:
    """All its connections are given back."""
    for sender in town.senders:
        await sender.lease.release()  # its sign of life is a connection of its own
    await town.database.close()


@pytest.fixture(scope="session")
def processes() -> Iterator[list[Process]]:
    """Started once: to load the program takes longer than most tests."""
    started = [Process() for _process in range(4)]
    for one in started:
        one.ready()
    yield started
    for one in started:
        one.close()


@pytest.fixture
def crowd(town: Town, city_url: str, processes: list[Process]) -> Iterator[Crowd]:
    """People at several processes of the same city."""
    gathered = Crowd(town, city_url, processes)
    yield gathered
    gathered.close()
