"""A synthetic city of any size, for trials and load: made in slices, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.city.maker import Maker
from bot.desk.city import City
from storage import bulk
from storage.database import Database

SLICE = 5_000
"""People or activities that one transaction makes."""

Told = Callable[[str, int, int], None]
"""What is being made, how far, of how much."""


async def fill(
    database: Database, city: City, volunteers: int, activities: int, now: datetime, told: Told, seed: int = 1
) -> dict[str, int]:
    """Fill an empty city. Returns how many rows each table has."""
    maker = Maker(city, now, seed)
    maker.organisations(max(16, min(10_000, activities // 50)))
    people: list[int] = []
    await _write(database, maker)
    while len(people) < volunteers:
        people += [maker.volunteer() for _one in range(min(SLICE, volunteers - len(people)))]
        await _write(database, maker)
        told("volunteers", len(people), volunteers)
    for done in range(0, activities, SLICE // 10):
        for _one in range(min(SLICE // 10, activities - done)):
            held = maker.holds((-180, 21))
            some = [people[maker.random.randrange(len(people))] for _pick in range(min(80, 4 * held.seats))]
            if held.ends < now:
                maker.was_held(held, list(dict.fromkeys(some)))
            elif held.starts > now:
                maker.fills(held, list(dict.fromkeys(some)), maker.random.uniform(0.0, 1.0), queue=3)
        await _write(database, maker)
        told("activities", min(done + SLICE // 10, activities), activities)
    async with database.write() as unit:
        await bulk.settle_counters(unit)
        return await bulk.census(unit)


async def _write(database: Database, maker: Maker) -> None:
    rows = maker.taken_rows()
    async with database.write() as unit:
        for table in bulk.TABLES:
            await bulk.insert_rows(unit, table, rows[table])
