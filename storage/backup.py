"""A city's data in one portable file: taken from either database while it serves, put back into either.

The file is a zip with one file of JSON lines a table, in the database's plain values, and `manifest.json` with the
schema's revision, the columns, the number of rows and the SHA-256 of every table. Sealed fields stay sealed: without
the city's secret key a backup tells no name and no phone number.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    Date,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    func,
    select,
    text,
)
from sqlalchemy.types import TypeEngine

from storage import migrate
from storage.database import Database, Unit

FORMAT = 1

CHUNK = 1000
"""Rows that are read, written or put back at once: memory stays flat however large the city."""

PARAMETERS = 20_000
"""Values in one INSERT at most; PostgreSQL takes 32,767, SQLite 32,766."""

MANIFEST = "manifest.json"

LINE = 16 * 1024 * 1024
"""Bytes of the longest row that is believed: a damaged file shall not fill the memory."""

Told = Callable[[str, int], None]
"""Called with a table's name and its rows so far, for a progress bar."""


class BadBackup(Exception):
    """The file is not a sound backup, or cannot go where it should; one line for the operator."""


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a backup."""

    name: str
    columns: tuple[tuple[str, str], ...]
    """Name and kind: integer, text, float, boolean, bytes or date."""
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    format: int
    made: str
    revision: str
    tables: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(part.rows for part in self.tables)


# --- Plain values and JSON -----------------------------------------------------------------------------------------

KINDS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (Boolean, "boolean"),
    (Integer, "integer"),
    (Float, "float"),
    (Date, "date"),
    (LargeBinary, "bytes"),
    (String, "text"),
)


def _kind(column: Any) -> str:
    for type_, kind in KINDS:
        if isinstance(column.type, type_):
            return kind
    raise BadBackup(f"{column.table.name}.{column.name} is of a kind that backups do not know: {column.type}")


def _encoders(kinds: Sequence[str]) -> list[Callable[[Any], Any]]:
    known: dict[str, Callable[[Any], Any]] = {
        "bytes": lambda value: base64.b64encode(value).decode("ascii"),
        "date": lambda value: value.isoformat(),
        "boolean": bool,
    }
    return [known.get(kind, lambda value: value) for kind in kinds]


def _decoders(kinds: Sequence[str]) -> list[Callable[[Any], Any]]:
    known: dict[str, Callable[[Any], Any]] = {
        "bytes": lambda value: base64.b64decode(value, validate=True),
        "date": date.fromisoformat,
        "float": float,
    }
    return [known.get(kind, lambda value: value) for kind in kinds]


# --- Out -----------------------------------------------------------------------------------------------------------


async def dump(database: Database, to: Path, now: datetime | None = None, told: Told = lambda _, __: None) -> Manifest:
    """Write every table as it is at one moment to a new file that only its owner can read.

    Nobody waits for it. Raises BadBackup when there is no city in the database, FileExistsError.
    """
    revision = await migrate.current(database)
    if revision is None:
        raise BadBackup("The database holds no city: it has no revision. Nothing was written.")
    unfinished = to.with_name(to.name + ".unfinished")
    archive = await asyncio.to_thread(_create, to, unfinished)
    try:
        parts = []
        async with database.read() as unit:
            await unit.stand_still()
            await unit.take_time()
            for table in await unit.connection.run_sync(_tables):
                parts.append(await _dump_table(unit, table, archive, told))
        made = (now or datetime.now(UTC)).isoformat(timespec="seconds")
        manifest = Manifest(FORMAT, made, revision, tuple(parts))
        await asyncio.to_thread(_finish, archive, manifest, unfinished, to)
    except BaseException:
        await asyncio.to_thread(_abandon, archive, unfinished)
        raise
    return manifest


def _create(to: Path, unfinished: Path) -> zipfile.ZipFile:
    to.parent.mkdir(parents=True, exist_ok=True)
    if to.exists():
        raise FileExistsError(f"{to} is there already")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    return zipfile.ZipFile(os.fdopen(handle, "w+b"), "w", zipfile.ZIP_DEFLATED)


def _finish(archive: zipfile.ZipFile, manifest: Manifest, unfinished: Path, to: Path) -> None:
    """The name appears only when the whole file is on disk: half a backup never looks like one."""
    file = archive.fp
    assert file is not None
    archive.writestr(MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1))
    archive.close()
    file.flush()
    os.fsync(file.fileno())
    file.close()
    os.link(unfinished, to)
    unfinished.unlink()


def _abandon(archive: zipfile.ZipFile, unfinished: Path) -> None:
    file = archive.fp
    archive.close()
    if file is not None:
        file.close()
    unfinished.unlink(missing_ok=True)


def _tables(connection: Connection) -> list[Table]:
    """The tables as they are in the database, parents first: a backup needs no code of their revision."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != migrate.VERSIONS]


async def _dump_table(unit: Unit, table: Table, archive: zipfile.ZipFile, told: Told) -> Part:
    kinds = [_kind(column) for column in table.columns]
    encoders = _encoders(kinds)
    digest = hashlib.sha256()
    rows = 0
    file = await asyncio.to_thread(archive.open, f"{table.name}.jsonl", "w", force_zip64=True)

    def write(chunk: Sequence[Sequence[Any]]) -> None:
        lines = "".join(
            json.dumps(
                [None if value is None else encode(value) for encode, value in zip(encoders, row, strict=True)],
                ensure_ascii=False,
                separators=(",", ":"),
            )
            + "\n"
            for row in chunk
        ).encode("utf-8", "surrogatepass")
        digest.update(lines)
        file.write(lines)

    try:
        # By primary key: a row's parent in the same table was there before it.
        async with unit.connection.stream(_ordered(table)) as result:
            async for chunk in result.partitions(CHUNK):
                await asyncio.to_thread(write, chunk)
                rows += len(chunk)
                told(table.name, rows)
    finally:
        await asyncio.to_thread(file.close)
    columns = tuple(zip(table.columns.keys(), kinds, strict=True))
    return Part(table.name, columns, rows, digest.hexdigest())


def _ordered(table: Table) -> Select[Any]:
    return select(table).order_by(*table.primary_key.columns)


# --- Check ---------------------------------------------------------------------------------------------------------


async def verify(path: Path) -> Manifest:
    """Read the whole file and compare counts and checksums; writes nothing. Raises BadBackup."""
    return await asyncio.to_thread(_verify, path)


def _verify(path: Path) -> Manifest:
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(archive)
            named = {MANIFEST, *(f"{part.name}.jsonl" for part in manifest.tables)}
            if named != set(archive.namelist()):
                raise BadBackup("The backup's parts are not those that its manifest names.")
            for part in manifest.tables:
                digest, rows = hashlib.sha256(), 0
                for line in _lines(archive, part):
                    digest.update(line)
                    rows += 1
                if rows != part.rows:
                    raise BadBackup(f"{part.name} has {rows} rows, its manifest says {part.rows}.")
                if digest.hexdigest() != part.sha256:
                    raise BadBackup(f"{part.name} was changed after the backup was made.")
            return manifest
    except FileNotFoundError:
        raise BadBackup("There is no such file.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as fault:
        raise BadBackup(f"The file is damaged or no backup: {fault}.") from None
    except ValueError:
        raise BadBackup("The file is damaged or no backup: it cannot be read.") from None


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        said = json.loads(archive.read(MANIFEST))
        if said["format"] != FORMAT:
            raise BadBackup(f"The backup is of format {said['format']}, this version of Menkou reads {FORMAT}.")
        parts = tuple(
            Part(
                str(part["name"]),
                tuple((str(name), str(kind)) for name, kind in part["columns"]),
                int(part["rows"]),
                str(part["sha256"]),
            )
            for part in said["tables"]
        )
        return Manifest(FORMAT, str(said["made"]), str(said["revision"]), parts)
    except (KeyError, TypeError, ValueError):
        raise BadBackup("The file is no backup of Menkou: it has no manifest that can be read.") from None


def _lines(archive: zipfile.ZipFile, part: Part) -> Iterator[bytes]:
    with archive.open(f"{part.name}.jsonl") as file:
        while line := file.readline(LINE):
            if not line.endswith(b"\n"):
                raise BadBackup(f"{part.name} ends in the middle of a row.")
            yield line


# --- In ------------------------------------------------------------------------------------------------------------


async def restore(database: Database, path: Path, force: bool = False, told: Told = lambda _, __: None) -> Manifest:
    """Put a backup into a database, and bring that to the newest revision.

    The whole file is checked first; the rows come in one transaction, so a fault leaves the database as it was. A
    database with rows is refused unless `force`, which removes them. Raises BadBackup, migrate.NotReady.
    """
    manifest = await verify(path)
    await asyncio.to_thread(migrate.scripts)  # reads files
    if manifest.revision not in migrate.known():
        raise BadBackup(f"The backup has revision {manifest.revision}; install the newer Menkou that made it.")
    await _make_room(database, manifest.revision, force)
    archive = await asyncio.to_thread(zipfile.ZipFile, path)
    try:
        async with database.write() as unit:
            await unit.take_time()
            if unit.dialect == "sqlite":
                await unit.run(text("PRAGMA defer_foreign_keys = ON"))
            tables = await unit.connection.run_sync(_tables)
            if {table.name for table in tables} != {part.name for part in manifest.tables}:
                raise BadBackup("The backup's tables are not those of its revision.")
            for table in reversed(tables):
                await unit.run(table.delete())
            parts = {part.name: part for part in manifest.tables}
            for table in tables:
                await _load_table(unit, table, parts[table.name], archive, told)
    finally:
        await asyncio.to_thread(archive.close)
    await migrate.upgrade(database)
    async with database.write() as unit:
        await unit.look_over()
    return manifest


async def _make_room(database: Database, revision: str, force: bool) -> None:
    """A database at the backup's revision; its rows stay until the transaction that brings the new ones."""
    full = await occupied(database)
    found = await migrate.current(database)
    if full and not force:
        raise BadBackup(f"The database is not empty ({', '.join(full[:3])} has rows); with --force they are replaced.")
    if found not in (None, revision):
        if full:
            raise BadBackup(
                f"The database has rows of revision {found}, the backup has {revision}: restore into an empty one."
            )
        await migrate.downgrade(database, "base")
    await migrate.upgrade(database, revision)


async def occupied(database: Database) -> list[str]:
    """The tables that have rows."""
    async with database.read() as unit:
        return [table.name for table in await unit.connection.run_sync(_tables) if await _has_rows(unit, table)]


async def _has_rows(unit: Unit, table: Table) -> bool:
    return (await unit.run(select(text("1")).select_from(table).limit(1))).first() is not None


async def _load_table(unit: Unit, table: Table, part: Part, archive: zipfile.ZipFile, told: Told) -> None:
    columns = [name for name, _ in part.columns]
    if set(columns) != set(table.columns.keys()):
        raise BadBackup(f"{part.name} has other columns than this database.")
    decoders = _decoders([kind for _, kind in part.columns])
    step = max(1, min(CHUNK, PARAMETERS // len(columns)))
    lines = _lines(archive, part)
    rows = 0
    while chunk := await asyncio.to_thread(_decode, lines, step, columns, decoders, part.name):
        await unit.run(table.insert(), chunk)
        rows += len(chunk)
        told(part.name, rows)
    count = (await unit.run(select(func.count()).select_from(table))).scalar_one()
    if count != part.rows:
        raise BadBackup(f"{part.name} took {count} of {part.rows} rows.")
    if unit.dialect == "postgresql":
        await _set_sequences(unit, table)


def _decode(
    lines: Iterable[bytes], step: int, columns: Sequence[str], decoders: Sequence[Callable[[Any], Any]], name: str
) -> list[dict[str, Any]]:
    chunk = []
    try:
        for line in lines:
            values = json.loads(line)
            chunk.append(
                {
                    column: None if value is None else decode(value)
                    for column, decode, value in zip(columns, decoders, values, strict=True)
                }
            )
            if len(chunk) == step:
                break
    except (ValueError, TypeError):
        raise BadBackup(f"{name} holds a row that cannot be read.") from None
    return chunk


async def _set_sequences(unit: Unit, table: Table) -> None:
    """PostgreSQL counts rows apart from them; the next one gets the number after the highest."""
    for column in table.primary_key.columns:
        sequence = (
            await unit.run(text("SELECT pg_get_serial_sequence(:t, :c)"), {"t": f'"{table.name}"', "c": column.name})
        ).scalar()
        if sequence:
            highest = (await unit.run(select(func.max(column)))).scalar() or 0
            await unit.run(
                text("SELECT setval(CAST(:s AS regclass), :n, :used)"),
                {"s": sequence, "n": max(highest, 1), "used": highest > 0},
            )
