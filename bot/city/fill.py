"""A synthetic city of any size, for trials and load: made in slices, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.city.maker import Held, Maker
from bot.city.stories import GROUPS, street_groups
from bot.desk.city import City
from bot.domain.enrolment import Stand
from storage import bulk
from storage.database import Database

SLICE = 5_000
"""People, or activities and sign-ups, that one transaction makes with all that belongs to them."""

PER_PERSON = 4.0
"""Sign-ups over the whole time, on average."""
MOST = 120
"""Seats taken in one activity at most."""

FIRST, LAST = -120, 30
"""Days from now over which activities are spread: four in five are past."""

Told = Callable[[str, int, int], None]
"""What is being made, how far, of how much."""


async def fill(
    database: Database, city: City, volunteers: int, activities: int, now: datetime, told: Told, seed: int = 1
) -> dict[str, int]:
    """Fill an empty city. Returns how many rows each table has.

    No log of moves is written, because nobody moved, and no reminder is due for what begins within the first day.
    """
    maker = Maker(city, now, seed)
    maker.organisations(GROUPS)
    maker.organisations(street_groups(city.places))
    await _write(database, maker)
    while maker.people < volunteers:
        for _one in range(min(SLICE, volunteers - maker.people)):
            maker.volunteer()
        await _write(database, maker)
        told("volunteers", maker.people, volunteers)
    maker.appoints_organisers()
    people = Rotation(maker, volunteers, activities)
    for place in range(activities):
        day = maker.today + timedelta(days=FIRST + (LAST - FIRST) * place // activities)
        held = maker.holds(day) or maker.holds(day, "community")
        if held is None:
            raise AssertionError("every district has a room for the community")
        people.come(held)
        maker.closes(held)
        if len(maker.rows["activity"]) + len(maker.rows["enrolment"]) >= SLICE or place == activities - 1:
            await _write(database, maker)
            told("activities", place + 1, activities)
    async with database.write() as unit:
        await bulk.remind_as_before(unit, now)
        await bulk.settle(unit)
        return await bulk.census(unit)


class Rotation:
    """Whose turn it is: everybody once before anybody again. Activities are made in the order of their days, so that
    weeks lie between two turns, and nobody is in two places although nothing is remembered of anybody."""

    def __init__(self, maker: Maker, people: int, activities: int) -> None:
        self._maker = maker
        self._people = people
        self._each = PER_PERSON * people / activities
        self._turn = 0

    def come(self, held: Held) -> None:
        """Seats taken; one activity in eight has fewer than people who want one, and those wait while it is ahead."""
        maker, random = self._maker, self._maker.random
        wanted = min(int(self._each * random.uniform(0.5, 1.5) + random.random()), MOST, self._people)
        crowded = wanted > 3 and random.random() < 0.125
        held.capacity = wanted - 2 if crowded else max(held.capacity, wanted)
        for _one in range(wanted):
            # In order of their numbers: what an index keeps by person is then written page by page, and not all over.
            self._turn = self._turn % self._people + 1
            person = self._turn
            if held.free:
                maker.takes_part(person, held)
            elif held.starts > maker.now:
                maker.signs_up(person, held, Stand.WAITING)


async def _write(database: Database, maker: Maker) -> None:
    rows = maker.taken_rows()
    async with database.write() as unit:
        for table in bulk.TABLES:
            await bulk.insert_rows(unit, table, rows[table])
