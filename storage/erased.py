"""Who was erased, as fingerprints that outlive the database: a backup from before brings nobody back.

A fingerprint is a keyed hash of a volunteer number or of an address. Without the city's secret key it tells nothing,
and with it nobody is found who is not there again.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import inspect, select

from storage import snapshot
from storage.database import Database, Unit
from storage.tables.kinds import from_milliseconds, to_milliseconds
from storage.tables.people import identity, person
from storage.tables.privacy import erased

NAME = "erased.txt"
"""The list's file: beside a SQLite database, else in `var/`. One fingerprint a line and its moment."""

CHUNK = 5_000
"""People compared at once."""

Listed = Mapping[str, datetime]
"""Fingerprint → when it was erased."""


def list_of(database: Database, otherwise: Path) -> Path:
    """Where the list lies: beside the database's file, or in a folder where the database has none."""
    file = snapshot.file_of(database)
    return (file.parent if file else otherwise) / NAME


def _of_number(unit: Unit, number: str) -> str:
    return unit.secrecy.index(f"erased:person:{number}")


def _of_address(unit: Unit, door: str, external: str) -> str:
    return unit.secrecy.index(f"erased:address:{door}:{external}")


async def note_people(unit: Unit, ids: Sequence[int], now: datetime) -> None:
    """Remember that these people are erased; before they lose the numbers by which a backup knows them."""
    rows = list(await unit.run(select(person.c.number).where(person.c.id.in_(ids))))
    await keep(unit, {_of_number(unit, row.number): now for row in rows})


async def note_address(unit: Unit, door: str, external: str, now: datetime) -> None:
    """Remember that an address is erased."""
    await keep(unit, {_of_address(unit, door, external): now})


async def keep(unit: Unit, listed: Listed) -> None:
    """Enter these into the list; what stands there stays."""
    for fingerprint, at in listed.items():
        await unit.run(unit.insert(erased).values(fingerprint=fingerprint, at=at).on_conflict_do_nothing())


async def people(unit: Unit, listed: Listed) -> list[int]:
    """People who are there although they were erased."""
    found: list[int] = []
    last = 0
    while True:
        rows = select(person.c.id, person.c.number).where(person.c.id > last).order_by(person.c.id).limit(CHUNK)
        chunk = list(await unit.run(rows))
        if not chunk:
            return found
        found += [row.id for row in chunk if _of_number(unit, row.number) in listed]
        last = chunk[-1].id
        await asyncio.sleep(0)


async def addresses(unit: Unit, listed: Listed) -> list[int]:
    """Addresses that are there although they were erased; whoever wrote since then has come back by themselves."""
    found: list[int] = []
    last = 0
    while True:
        chunk = list(
            await unit.run(select(identity).where(identity.c.id > last).order_by(identity.c.id).limit(CHUNK))
        )
        if not chunk:
            return found
        for row in chunk:
            at = listed.get(_of_address(unit, row.door, row.external))
            if at is not None and (row.inbound is None or row.inbound <= at):
                found.append(row.id)
        last = chunk[-1].id
        await asyncio.sleep(0)


async def listed(database: Database, file: Path) -> dict[str, datetime]:
    """All that the file and the database know of, also a database without tables."""
    known = await asyncio.to_thread(_read, file)
    async with database.read() as unit:
        if await unit.connection.run_sync(lambda sync: inspect(sync).has_table(erased.name)):
            known |= {row.fingerprint: row.at for row in await unit.run(select(erased))}
    return known


async def save(database: Database, file: Path) -> None:
    """Bring the file up to date; it is never shortened, whatever the database has forgotten."""
    known = await listed(database, file)
    await asyncio.to_thread(_write, file, known)


def _read(file: Path) -> dict[str, datetime]:
    if not file.exists():
        return {}
    lines = (line.split() for line in file.read_text(encoding="ascii").splitlines())
    return {part[0]: from_milliseconds(int(part[1])) for part in lines if len(part) == 2 and part[1].isdecimal()}


def _write(file: Path, known: Listed) -> None:
    """Whole or not at all, on disk before the old one goes."""
    lines = "".join(f"{name} {to_milliseconds(at.astimezone(UTC))}\n" for name, at in sorted(known.items()))
    if not lines or (file.exists() and file.read_text(encoding="ascii") == lines):
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: another replica of this machine may be writing the same list.
    new = file.with_name(f"{file.name}.{secrets.token_hex(4)}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
        out.write(lines)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
