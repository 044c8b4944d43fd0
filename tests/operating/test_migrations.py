"""The schema goes up and down on both databases, with data in it, and is the one that the code believes in."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, inspect, text
from sqlalchemy.exc import IntegrityError

from storage import migrate, snapshot
from storage.database import Database, _write_ahead
from storage.migrate import NotReady
from storage.tables import metadata
from tests.operating.conftest import NOW, contents, fill
from tests.operating.differences import differences


async def test_the_tables_in_the_code_and_in_the_database_are_the_same(database: Database) -> None:
    assert await differences(database) == []


async def test_a_difference_between_code_and_database_is_found(database: Database) -> None:
    """Control of the test above: one column that no revision makes."""
    extra = Column("forgotten", Integer)
    metadata.tables["person"].append_column(extra)
    try:
        assert any("forgotten" in line for line in await differences(database))
    finally:
        metadata.tables["person"]._columns.remove(extra)


async def test_it_goes_up_and_down_and_up_with_data_in_it(empty: Database) -> None:
    up = await migrate.upgrade(empty)
    assert (up.before, up.after) == (None, migrate.head())
    await fill(empty)
    before = await contents(empty)
    assert all(before.values())
    assert not (await migrate.upgrade(empty)).changed
    assert await contents(empty) == before
    down = await migrate.downgrade(empty, "base")
    assert down.after is None
    async with empty.read() as unit:
        tables = await unit.connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    assert tables <= {migrate.VERSIONS}
    await migrate.upgrade(empty)
    await fill(empty)
    assert await contents(empty) == before


async def test_what_is_marked_in_the_inbox_as_brought_goes_into_a_table_of_its_own_and_back(empty: Database) -> None:
    """Revision 0035, with what stood there before it."""
    await migrate.upgrade(empty, "0034")
    async with empty.write() as unit:
        for number, told in enumerate(("true", "false", "NULL")):
            kept = f"('telegram', '{number}', 'ann', {1000 + number}, 0, {told})"
            await unit.run(text(f"INSERT INTO inbox (door, key, external, at, state, told) VALUES {kept}"))
    await migrate.upgrade(empty, "0035")
    assert await rows(empty, "SELECT door, key, at FROM brought") == [("telegram", "0", 1000)]
    assert await rows(empty, "SELECT key, at FROM inbox ORDER BY key") == [("0", 1000), ("1", 1001), ("2", 1002)]
    async with empty.write() as unit:
        # Brought since; the reply before a message was forgotten; and of a message that is forgotten.
        later = "('telegram', '1', 2000), ('telegram', '2', 1), ('telegram', '3', 2000)"
        await unit.run(text(f"INSERT INTO brought (door, key, at) VALUES {later}"))
    await migrate.downgrade(empty, "0034")
    assert await rows(empty, "SELECT key, at FROM inbox WHERE told ORDER BY key") == [("0", 1000), ("1", 1001)]
    assert await rows(empty, "SELECT key, at FROM inbox WHERE told IS NULL") == [("2", 1002)]
    async with empty.read() as unit:
        assert "brought" not in await unit.connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await migrate.upgrade(empty)
    assert await rows(empty, "SELECT key, at FROM brought ORDER BY key") == [("0", 1000), ("1", 1001)]


async def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    """What a statement finds."""
    async with database.read() as unit:
        return [tuple(row) for row in await unit.run(text(statement))]


async def test_the_constraints_of_the_tables_are_in_the_database(database: Database) -> None:
    await fill(database)
    for wrong in (
        "UPDATE shift SET taken = capacity + 1",
        "UPDATE enrolment SET person = 999",
        "UPDATE enrolment SET queue = 1, shift = 1",
        "UPDATE person SET number = NULL",
    ):
        with pytest.raises(IntegrityError):
            async with database.write() as unit:
                await unit.run(text(wrong))


async def test_a_migration_that_breaks_leaves_nothing_behind(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = await asyncio.to_thread(lambda: migrate.scripts().get_revision(migrate.head()).module)  # reads files
    whole = begin.upgrade

    def breaks() -> None:
        whole()
        raise ZeroDivisionError

    monkeypatch.setattr(begin, "upgrade", breaks)
    with pytest.raises(ZeroDivisionError):
        await migrate.upgrade(empty)
    assert await migrate.current(empty) is None
    monkeypatch.undo()
    assert (await migrate.upgrade(empty)).changed


async def test_two_programs_that_migrate_at_once_do_it_once(empty: Database) -> None:
    other = await asyncio.to_thread(Database, empty.url)
    try:
        found = await asyncio.gather(migrate.upgrade(empty), migrate.upgrade(other))
    finally:
        await other.close()
    assert sorted(done.changed for done in found) == [False, True]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[sqlite3.Connection]]:
    """Two programs that have a new SQLite file open, one of which has begun to make tables."""
    with ExitStack() as stack:
        both = [stack.enter_context(closing(sqlite3.connect(tmp_path / "new.sqlite3", 0))) for _program in range(2)]
        for one in both:
            one.isolation_level = None
        both[0].execute("CREATE TABLE made (id)")
        both[0].execute("BEGIN IMMEDIATE")
        yield both


def test_whoever_opens_a_new_file_waits_for_another_who_writes_to_it(two: list[sqlite3.Connection]) -> None:
    writing, opening = two
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        opening.execute("PRAGMA journal_mode=WAL")  # the control: SQLite itself refuses on the spot
    asked = []

    class Cursor:
        def execute(self, statement: str) -> None:
            asked.append(statement)
            if statement == "BEGIN IMMEDIATE":
                writing.execute("COMMIT")
            opening.execute(statement)

    _write_ahead(Cursor())
    assert asked == ["PRAGMA journal_mode=WAL", "BEGIN IMMEDIATE", "ROLLBACK", "PRAGMA journal_mode=WAL"]
    assert opening.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_whoever_opens_a_file_that_somebody_keeps_is_refused_in_the_end(two: list[sqlite3.Connection]) -> None:
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        _write_ahead(two[1].cursor())


async def test_foreign_keys_are_on_again_after_a_migration(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.write() as unit:
            await unit.run(text("INSERT INTO conversation (person, session) VALUES (999, '{}')"))


async def test_a_database_of_a_newer_program_is_refused(database: Database) -> None:
    async with database.write() as unit:
        await unit.run(text(f"UPDATE {migrate.VERSIONS} SET version_num = '9999'"))
    with pytest.raises(NotReady, match="9999"):
        await migrate.upgrade(database)


async def test_tables_of_unknown_origin_are_refused(empty: Database) -> None:
    async with empty.write() as unit:
        await unit.connection.run_sync(metadata.create_all)
    with pytest.raises(NotReady, match="no revision"):
        await migrate.upgrade(empty)


# --- At start ---


async def test_sqlite_is_made_ready_by_itself_and_postgresql_by_the_operator(empty: Database) -> None:
    if empty.dialect == "sqlite":
        done = await migrate.prepare(empty)
        assert done.changed
        assert done.copy is None
    else:
        with pytest.raises(NotReady, match="menkou migrate"):
            await migrate.prepare(empty)
        await migrate.upgrade(empty)
    assert not (await migrate.prepare(empty)).changed


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_an_older_sqlite_database_is_copied_before_it_is_changed(
    database: Database, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(database)
    monkeypatch.setattr(migrate, "head", lambda: "9999")
    done = await migrate.prepare(database, NOW)
    assert done.copy is not None
    assert done.copy.name == f"menkou-{migrate.scripts().get_current_head()}-20261128-013000.db"
    assert done.copy.parent.name == "backups"
    assert done.copy.stat().st_mode & 0o777 == 0o600
    kept = await asyncio.to_thread(Database, f"sqlite+aiosqlite:///{done.copy}")
    try:
        assert await contents(kept) == await contents(database)
    finally:
        await kept.close()


# --- The copy of a SQLite file ---


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_copy_made_while_serving_is_whole_and_sound(database: Database, engine: str, tmp_path: Path) -> None:
    await fill(database)
    stop = asyncio.Event()

    async def serve() -> int:
        """Pairs of rows that only ever exist together."""
        made = 0
        while not stop.is_set():
            async with database.write() as unit:
                for side in ("left", "right"):
                    await unit.run(text(f"INSERT INTO token (name, value) VALUES ('{side}{made}', '')"))
            made += 1
        return made

    serving = asyncio.create_task(serve())
    for number in range(5):
        await snapshot.copy(database, tmp_path / f"copy{number}.db")
    stop.set()
    assert await serving > 0
    for number in range(5):
        copied = tmp_path / f"copy{number}.db"
        assert not copied.with_name(copied.name + "-wal").exists()
        with closing(sqlite3.connect(copied)) as found:
            assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            pairs = found.execute("SELECT sum(name LIKE 'left%'), sum(name LIKE 'right%') FROM token").fetchone()
        assert pairs[0] == pairs[1]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_copying_the_bare_file_would_miss_what_was_said_last(
    database: Database, engine: str, tmp_path: Path
) -> None:
    """Control: why the online backup is used."""
    await fill(database)
    source = snapshot.file_of(database)
    assert source is not None
    bare = tmp_path / "bare.db"
    bare.write_bytes(source.read_bytes())
    with closing(sqlite3.connect(bare)) as found:
        tables = found.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        rows = found.execute("SELECT count(*) FROM person").fetchone()[0] if tables else 0
    assert rows < 3


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_copy_never_replaces_a_file(database: Database, engine: str, tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    there.write_text("precious")
    with pytest.raises(FileExistsError):
        await snapshot.copy(database, there)
    assert there.read_text() == "precious"


def test_revisions_are_known_by_the_names_of_their_files() -> None:
    walked = [one.revision for one in migrate.scripts().walk_revisions()]
    assert migrate.known() == set(walked)
    assert migrate.head() == walked[0] == migrate.scripts().get_current_head()


STARTED = """
import asyncio, sys
from storage import migrate
from storage.database import Database, _write_ahead

async def start():
    database = Database(sys.argv[1])
    await migrate.prepare(database)
    await database.close()

asyncio.run(start())
print("alembic" in sys.modules)
"""


def test_a_start_on_the_newest_schema_does_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'city.db'}"
    first, second = (
        subprocess.run([sys.executable, "-c", STARTED, url], capture_output=True, text=True, check=True).stdout.strip()
        for _start in range(2)
    )
    assert (first, second) == ("True", "False")
