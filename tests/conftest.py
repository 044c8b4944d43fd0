"""What every test shares: a database of its own on both engines, the watch over blocking calls, Hypothesis' profiles.

Fixtures of one subject live beside its tests; what is here is about none.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from storage.database import Database
from storage.tables import metadata
from tests import postgres as real_postgres
from tests.keys import SECRECY

IN_CI = os.environ.get("MENKOU_CI") == "1"
ENGINES = [pytest.param("sqlite"), pytest.param("postgresql", marks=pytest.mark.postgres)]

# In CI a run is the same every time: what it says about a change is about the change. Elsewhere it looks at new cases.
hypothesis.settings.register_profile("ci", derandomize=True, print_blob=True, deadline=None, database=None)
hypothesis.settings.register_profile("explore", print_blob=True, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if IN_CI else "explore"))


def pytest_report_header(config: pytest.Config) -> list[str]:
    return [f"PostgreSQL for tests: {real_postgres.describe()}"]


# --- Databases -----------------------------------------------------------------------------------------------------


def fail_or_skip(reason: str) -> None:
    """A test that cannot run here: in CI that is a failure, never a silent gap."""
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres() -> Iterator[real_postgres.Postgres]:
    """The session's PostgreSQL server; fast, not durable."""
    yield from _serve(durable=False)


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[real_postgres.Postgres]:
    """A PostgreSQL server that flushes to disk, for tests that kill it (`crash`, then `start`)."""
    yield from _serve(durable=True)


def _serve(*, durable: bool) -> Iterator[real_postgres.Postgres]:
    try:
        real_postgres.find_binaries()
    except real_postgres.ServerMissing as missing:
        if durable or not os.environ.get(real_postgres.SETTING):
            fail_or_skip(str(missing))
    with real_postgres.server(durable=durable) as server:
        yield server


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """`sqlite`, then `postgresql`: whatever builds on it runs once on each."""
    return str(request.param)


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh, empty database."""
    if engine == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'menkou.sqlite3'}"
        return
    # Asked for only now: a run on SQLite alone starts no server.
    server: real_postgres.Postgres = request.getfixturevalue("postgres")
    database = f"test_{secrets.token_hex(6)}"
    try:
        yield server.create(database)
    finally:
        server.drop(database)


@pytest.fixture
def opened(database_url: str) -> Database:
    """The city's database without a table. Opened outside the event loop: that looks for the file's folder."""
    return Database(database_url, SECRECY)


@pytest.fixture
async def database(opened: Database) -> AsyncIterator[Database]:
    """The city's database with all tables and nothing in them."""
    async with opened.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield opened
    await opened.close()


# --- Blocking calls ------------------------------------------------------------------------------------------------

READ_ONCE = {
    # Read once in a process and kept from then on; a server has read them before its first request.
    "zoneinfo/_common.py": {"load_tzdata", "load_data"},
    "zoneinfo/_tzpath.py": {"find_tzfile"},
    "babel/localedata.py": {"load", "exists", "locale_identifiers"},
    "babel/core.py": {"get_global"},
    "jinja2/loaders.py": {"get_source", "load"},
    "<frozen importlib._bootstrap>": {"_find_and_load"},
    # A new connection to PostgreSQL looks for ~/.pgpass.
    "asyncpg/connect_utils.py": {"_parse_connect_arguments"},
    # The lines of a traceback that is being written down.
    "linecache.py": {"updatecache", "checkcache"},
}


@pytest.fixture(scope="session", autouse=True)
def watch_over_blocking() -> Iterator[BlockBuster]:
    """A call of ours that blocks the event loop (file, socket, sleep, SQLite outside its thread) fails the test."""
    # Only what our own code leads to is looked at: pytest, the browser's driver and the stand-ins may block.
    with blockbuster_ctx(["bot", "handlers", "storage"]) as watch:
        for name in ("threading.Lock.acquire", "threading.Lock.acquire_lock"):
            # Whether a lock is held for a microsecond by another thread is chance, and a test must not turn on it.
            watch.functions[name].deactivate()
        # Read once in a process and kept from then on; a server has read them before its first request.
        for call in watch.functions.values():
            for file, functions in READ_ONCE.items():
                call.can_block_in(file, functions)
        yield watch
