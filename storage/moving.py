"""A city from one database into another: SQLite to PostgreSQL when one machine is outgrown, or back.

It goes through a portable backup beside the source, so that it is the same well-trodden way; afterwards every table of
the target is read again and compared with what was taken.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from storage import backup, migrate, slots
from storage.backup import BadBackup, Told
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Moved:
    """What arrived: each table with its rows, the same in both databases to the last value."""

    tables: tuple[tuple[str, int], ...]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(rows for _table, rows in self.tables)


async def move(
    source: Database, target: Database, folder: Path, told: Told = lambda _, __: None, wall: float | None = None
) -> Moved:
    """Move a city; the source stays as it is. Nobody may be served meanwhile, and the target must be empty.

    `folder`: for two files on the way, as large as backups, that only their owner can read; they are gone afterwards.
    `wall`: seconds since 1970, by which leases count. Raises BadBackup, migrate.NotReady.
    """
    found = await migrate.current(source)
    if found not in (None, migrate.head()):
        raise BadBackup(f"The city stands at revision {found}: run `menkou migrate` first.")
    await _rests(source, time.time() if wall is None else wall)
    if full := await backup.occupied(target):
        raise BadBackup(f"The other database is not empty ({', '.join(full[:3])} has rows). Name an empty one.")
    taken, arrived = folder / "moving.zip", folder / "moved.zip"
    await asyncio.to_thread(_clear, taken, arrived)
    try:
        out = await backup.dump(source, taken, told=told)
        await backup.restore(target, taken, told=told)
        compare(out, await backup.dump(target, arrived, told=told))
        await _rests(source, time.time() if wall is None else wall)
    finally:
        await asyncio.to_thread(_clear, taken, arrived)
    return Moved(tuple((part.name, part.rows) for part in out.tables))


def _clear(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def compare(out: backup.Manifest, found: backup.Manifest) -> None:
    """Is every table there with every row and every value? Raises BadBackup, naming the tables that differ."""
    arrived = {part.name: part for part in found.tables}
    differ = [part.name for part in out.tables if arrived.get(part.name) != part]
    if differ or len(arrived) != len(out.tables):
        named = ", ".join(differ) or "tables that were not there before"
        raise BadBackup(f"What arrived is not what was taken ({named}). The source is as it was; empty the target.")


async def _rests(source: Database, wall: float) -> None:
    """A city that is served while it is moved would lose what is said meanwhile."""
    async with source.read() as unit:
        held = await slots.held(unit)
    if any(owner and until > wall * 1000 for owner, until in held.values()):
        raise BadBackup("Menkou is serving this city. Stop it, wait fifteen seconds, and move it then.")
