"""A backup holds everything, is checked before it is believed, and goes back into either database."""

from __future__ import annotations

import asyncio
import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from storage import backup, migrate
from storage.backup import BadBackup
from storage.database import Database, Unit
from storage.secrecy import Secrecy
from storage.tables.people import person
from tests.operating.conftest import NOW, contents, fill, row
from tests.operating.differences import differences
from tests.postgres import apart


@pytest.fixture
async def full(database: Database) -> Database:
    await fill(database)
    return database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "city.zip"


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
async def test_a_city_moves_whole_to_either_database(
    full: Database, others: dict[str, Database], target: str, file: Path
) -> None:
    made = await backup.dump(full, file, NOW)
    assert made.rows == 3 * len(made.tables)
    assert made.revision == migrate.head()
    await backup.restore(others[target], file)
    assert await contents(others[target]) == await contents(full)
    assert await differences(others[target]) == []


async def test_the_next_row_after_a_restore_gets_a_new_number(full: Database, file: Path) -> None:
    await backup.dump(full, file)
    await backup.restore(full, file, force=True)
    values = row(person, 9)
    del values["id"]
    async with full.write() as unit:
        made = await unit.run(insert(person).values(values).returning(person.c.id))
        assert made.scalar_one() == 4


@pytest.mark.postgres
async def test_a_city_that_arrived_on_postgresql_is_planned_for_as_large_as_it_is(
    full: Database, others: dict[str, Database], file: Path
) -> None:
    await backup.dump(full, file)
    await backup.restore(others["postgresql"], file)
    async with others["postgresql"].read() as unit:
        known = await unit.run(text("SELECT reltuples FROM pg_class WHERE relname = 'person'"))
        assert known.scalar_one() == 3


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """For how long the transactions that fetch and put back a table may pause."""
    found: set[str] = set()

    def asking(work: Callable[..., Any]) -> Callable[..., Any]:
        async def ask(unit: Unit, *given: Any) -> Any:
            if unit.dialect == "postgresql":
                shown = await unit.run(text("SHOW idle_in_transaction_session_timeout"))
                found.add(shown.scalar_one())
            return await work(unit, *given)

        return ask

    for name in ("_dump_table", "_load_table"):
        monkeypatch.setattr(backup, name, asking(getattr(backup, name)))
    return found


@pytest.mark.postgres
async def test_neither_a_backup_nor_a_restore_is_ended_because_a_disk_is_slow(
    full: Database, others: dict[str, Database], file: Path, tmp_path: Path, allowed: set[str]
) -> None:
    """On a busy machine the server ended a move in its middle; the operator read that the database did not answer."""
    await backup.dump(full, file)
    await backup.restore(others["postgresql"], file)
    await backup.dump(others["postgresql"], tmp_path / "again.zip")
    assert allowed == {"0"}
    async with others["postgresql"].read() as unit:
        assert (await unit.run(text("SHOW idle_in_transaction_session_timeout"))).scalar_one() == "10s"


@pytest.mark.postgres
async def test_without_its_time_a_restore_would_be_ended_after_ten_seconds(
    full: Database, others: dict[str, Database], file: Path, allowed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control."""
    await backup.dump(full, file)
    allowed.clear()
    monkeypatch.setattr(Unit, "take_time", lambda self: asyncio.sleep(0))
    await backup.restore(others["postgresql"], file)
    assert allowed == {"10s"}


async def test_sealed_fields_stay_sealed_and_open_after_the_move(
    full: Database, others: dict[str, Database], file: Path
) -> None:
    secrecy = Secrecy("k" * 40)
    sealed = secrecy.seal("王小明", "person:1:name")
    async with full.write() as unit:
        await unit.run(update(person).where(person.c.id == 1).values(name=sealed))
    await backup.dump(full, file)
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            assert "王小明".encode() not in archive.read(name)
    await backup.restore(others["postgresql"], file)
    async with others["postgresql"].read() as unit:
        found = (await unit.run(select(person.c.name).where(person.c.id == 1))).scalar_one()
    assert found == sealed
    assert secrecy.open(found, "person:1:name") == "王小明"


def meanwhile(url: str) -> backup.Told:
    """While one table is written, somebody adds a row to it and to a table that comes later."""
    done = []

    async def add() -> None:
        database = await asyncio.to_thread(Database, url)
        async with database.write() as unit:
            await unit.run(text("INSERT INTO sender_slot (account) VALUES ('late')"))
            await unit.run(text("INSERT INTO token (name, value) VALUES ('late', '')"))
        await database.close()

    def told(table: str, _rows: int) -> None:
        if table == "sender_slot" and not done:
            done.append(apart(add))

    return told


async def test_a_backup_shows_one_moment_while_the_city_serves(full: Database, file: Path) -> None:
    manifest = await backup.dump(full, file, told=meanwhile(full.url))
    rows = {part.name: part.rows for part in manifest.tables}
    assert rows["token"] == rows["sender_slot"] == 3
    async with full.read() as unit:
        assert (await unit.run(text("SELECT count(*) FROM token"))).scalar_one() == 4


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_without_a_snapshot_the_tables_would_show_two_moments(
    full: Database, file: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control of the test above."""

    async def moves_on(_unit: Unit) -> None:
        pass

    monkeypatch.setattr(Unit, "stand_still", moves_on)
    manifest = await backup.dump(full, file, told=meanwhile(full.url))
    rows = {part.name: part.rows for part in manifest.tables}
    assert (rows["sender_slot"], rows["token"]) == (3, 4)


async def test_only_its_owner_can_read_a_backup(full: Database, file: Path) -> None:
    await backup.dump(full, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.glob("city*")] == ["city.zip"]


async def test_a_backup_never_replaces_a_file(full: Database, file: Path) -> None:
    file.write_text("precious")
    with pytest.raises(FileExistsError):
        await backup.dump(full, file)
    assert file.read_text() == "precious"


async def test_a_dump_that_breaks_leaves_no_file(full: Database, file: Path) -> None:
    def breaks(_table: str, _rows: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await backup.dump(full, file, told=breaks)
    assert list(file.parent.glob("city*")) == []


async def test_a_database_without_a_city_gives_no_backup(empty: Database, file: Path) -> None:
    with pytest.raises(BadBackup, match="no city"):
        await backup.dump(empty, file)


# --- Check ---


def spoil(file: Path, name: str, change: object) -> None:
    """Write the zip anew with one part changed: its own check sums are right again."""
    with zipfile.ZipFile(file) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    assert callable(change)
    parts[name] = change(parts[name])
    with zipfile.ZipFile(file, "w") as archive:
        for part, content in parts.items():
            if content is not None:
                archive.writestr(part, content)


def other_manifest(**changes: object) -> object:
    return lambda content: json.dumps(json.loads(content) | changes)


@pytest.mark.parametrize(
    ("part", "change", "says"),
    [
        ("person.jsonl", lambda content: content.replace(b"1", b"2", 1), "was changed"),
        ("person.jsonl", lambda content: content.split(b"\n", 1)[1], "2 rows"),
        ("person.jsonl", lambda content: content[:-1], "middle of a row"),
        ("person.jsonl", lambda _: None, "not those"),
        ("manifest.json", lambda _: None, "no manifest"),
        ("manifest.json", lambda _: b"{}", "no manifest"),
        ("manifest.json", lambda _: b"\xff", "no manifest"),
        ("manifest.json", other_manifest(format=2), "format 2"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_backup_that_was_changed_is_refused_before_anything_is_touched(
    full: Database, file: Path, part: str, change: object, says: str, engine: str
) -> None:
    await backup.dump(full, file)
    await asyncio.to_thread(spoil, file, part, change)
    before = await contents(full)
    with pytest.raises(BadBackup, match=says):
        await backup.verify(file)
    with pytest.raises(BadBackup, match=says):
        await backup.restore(full, file, force=True)
    assert await contents(full) == before


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_damaged_file_is_refused(full: Database, file: Path, engine: str) -> None:
    await backup.dump(full, file)
    whole = file.read_bytes()
    for damaged in (b"", b"hello", whole[: len(whole) // 2], whole[:-1], whole[:200] + b"\0" * 50 + whole[250:]):
        file.write_bytes(damaged)
        with pytest.raises(BadBackup):
            await backup.verify(file)
    file.unlink()
    with pytest.raises(BadBackup, match="no such file"):
        await backup.verify(file)


async def test_checking_writes_nothing(full: Database, file: Path) -> None:
    await backup.dump(full, file)
    before = (await contents(full), file.read_bytes())
    assert (await backup.verify(file)).rows == 3 * len((await backup.verify(file)).tables)
    assert (await contents(full), file.read_bytes()) == before


# --- Back ---


async def test_a_database_with_rows_is_not_overwritten_unless_forced(full: Database, file: Path) -> None:
    await backup.dump(full, file)
    before = await contents(full)
    async with full.write() as unit:
        await unit.run(text("UPDATE person SET number = 'changed' WHERE id = 1"))
    changed = await contents(full)
    with pytest.raises(BadBackup, match="--force"):
        await backup.restore(full, file)
    assert await contents(full) == changed
    await backup.restore(full, file, force=True)
    assert await contents(full) == before


async def test_a_restore_that_breaks_leaves_the_database_as_it_was(full: Database, file: Path) -> None:
    """The file is sound by its own checksums; a row in it breaks a constraint."""
    await backup.dump(full, file)

    with zipfile.ZipFile(file) as archive:
        content = archive.read("outbox.jsonl").replace(b"[1,1,", b"[1,77,", 1)
        manifest = json.loads(archive.read("manifest.json"))
    next(part for part in manifest["tables"] if part["name"] == "outbox")["sha256"] = hashlib.sha256(
        content
    ).hexdigest()
    await asyncio.to_thread(spoil, file, "outbox.jsonl", lambda _: content)
    await asyncio.to_thread(spoil, file, "manifest.json", lambda _: json.dumps(manifest))
    await backup.verify(file)
    before = await contents(full)
    with pytest.raises(Exception, match=r"(?i)foreign"):
        await backup.restore(full, file, force=True)
    assert await contents(full) == before


async def test_a_backup_of_a_newer_program_is_refused(full: Database, file: Path) -> None:
    await backup.dump(full, file)
    await asyncio.to_thread(spoil, file, "manifest.json", other_manifest(revision="9999"))
    with pytest.raises(BadBackup, match="9999"):
        await backup.restore(full, file, force=True)


async def test_more_rows_than_a_chunk_come_back_in_full(database: Database, file: Path) -> None:
    rows = backup.CHUNK * 2 + 1
    async with database.write() as unit:
        await unit.run(person.insert(), [row(person, 1) | {"id": n, "number": f"n{n}"} for n in range(1, rows + 1)])
    told: list[int] = []
    await backup.dump(database, file, told=lambda _, n: told.append(n))
    await backup.restore(database, file, force=True)
    assert told == [backup.CHUNK, backup.CHUNK * 2, rows]
    async with database.read() as unit:
        assert (await unit.run(select(func.count()).select_from(person))).scalar_one() == rows
