"""Made-up cities: the same seed makes the same one, and what is in it agrees with itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from bot.city.clock import MovableClock
from bot.city.demo import NAMES, PERSONAS, fill_demo
from bot.city.fill import fill
from bot.desk.city import City
from bot.desk.desk import Desk
from bot.domain.activities import TITLE_LENGTH
from bot.domain.people import Person
from bot.domain.records import free_time
from storage import bulk, people
from storage.database import Database
from storage.secrecy import Secrecy
from storage.tables import metadata
from storage.tables.activities import activity
from storage.tables.enrolment import enrolment, record
from storage.tables.people import person

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SECRECY = Secrecy("a key that only the made-up cities use")
CITY = City(ZoneInfo("Asia/Shanghai"), SECRECY)
DISTRICTS = {one.code for one in CITY.places.districts}


@pytest.fixture
def opened(database_url: str) -> Database:
    return Database(database_url, SECRECY)


@pytest.fixture
async def database(opened: Database) -> AsyncIterator[Database]:
    async with opened.write() as unit:
        await unit.connection.run_sync(metadata.create_all)
    yield opened
    await opened.close()


async def test_the_demonstration_city_has_what_it_promises_and_agrees_with_itself(database: Database) -> None:
    made = await fill_demo(database, CITY, NOW)
    assert (made.counts["organisation"], made.counts["person"]) == (60, 2_000)
    async with database.read() as unit:
        ahead = select(func.count()).where(activity.c.starts > NOW, activity.c.starts < NOW + timedelta(days=22))
        assert (await unit.run(ahead)).scalar_one() == 300
        assert await bulk.oversold(unit) == 0
        doubled = select(enrolment.c.shift).group_by(enrolment.c.shift, enrolment.c.queue).having(func.count() > 1)
        assert (await unit.run(doubled)).first() is None
        lengths = [row.title for row in await unit.run(select(activity.c.title))]
        assert max(map(len, lengths)) <= TITLE_LENGTH
        districts = {row.district for row in await unit.run(select(activity.c.district).distinct())}
        assert districts == DISTRICTS
        box = select(
            func.min(activity.c.latitude), func.max(activity.c.latitude), func.min(activity.c.longitude),
            func.max(activity.c.longitude),
        )  # fmt: skip
        south, north, west, east = (await unit.run(box)).one()
        assert (39.4 < south < north < 41.1)
        assert (115.4 < west < east < 117.6)
        waiting = select(func.count()).where(enrolment.c.state == "waiting")
        assert (await unit.run(waiting)).scalar_one() > 10
        zeros = select(func.count()).where(record.c.minutes == 0)
        assert (await unit.run(zeros)).scalar_one() > 10


async def test_nobody_is_in_two_places_and_no_minute_counts_twice(database: Database) -> None:
    await fill_demo(database, CITY, NOW)
    async with database.read() as unit:
        rows = list(await unit.run(select(record).where(record.c.minutes > 0).order_by(record.c.starts)))
    taken: dict[int, list[tuple[datetime, datetime]]] = {}
    for row in rows:
        mine = taken.setdefault(row.person, [])
        assert free_time((row.starts, row.ends), mine) == [(row.starts, row.ends)]
        mine.append((row.starts, row.ends))


async def test_everybody_whom_one_can_be_finds_what_is_promised(database: Database) -> None:
    await fill_demo(database, CITY, NOW)
    async with database.write() as unit:
        lin = await people.at_address(unit, "web", "lin")
        assert lin == await people.at_address(unit, "terminal", "lin")
        assert lin is not None
        desk = Desk(unit, Person(lin, "", "en"), NOW, CITY)
        ledger = await desk.records.ledger()
        assert 110 <= ledger.total / 60 <= 125
        assert len(ledger.months) >= 5
        assert [
            booking.starts - NOW < timedelta(hours=h)
            for booking, h in zip(await desk.enrolment.mine(), (1, 27), strict=True)
        ]
        assert await desk.attendance.expected() is None
        moment = await bulk.next_moment(unit, sorted(NAMES), NOW)
        assert moment is not None
        assert timedelta() < moment - NOW < timedelta(hours=3)
        for name in ("zhao", "centre"):
            who = await people.at_address(unit, "web", name)
            assert who is not None
            assert await Desk(unit, Person(who, "", "en"), NOW, CITY).organising.activities()
        assert await people.at_address(unit, "web", "mei") is None
        found = await Desk(unit, Person(lin, "", "zh_CN"), NOW, CITY).activities.search("周末海淀有什么活动")
        assert found.activities
        assert not found.dropped
    assert {one.name for one in PERSONAS} == NAMES


async def rows_of(database: Database) -> list[tuple[object, ...]]:
    async with database.read() as unit:
        plain = [person.c.id, person.c.number, person.c.district, person.c.born]
        mine = [tuple(row) for row in await unit.run(select(*plain).order_by(person.c.id))]
        theirs = select(activity.c.id, activity.c.title, activity.c.starts, activity.c.latitude).order_by(activity.c.id)
        signed = select(enrolment.c.shift, enrolment.c.person, enrolment.c.queue, enrolment.c.state)
        mine += [tuple(row) for row in await unit.run(theirs)]
        return mine + [tuple(row) for row in await unit.run(signed.order_by(enrolment.c.id))]


async def test_the_same_seed_makes_the_same_city_and_another_one_another(database: Database) -> None:
    made: list[list[tuple[object, ...]]] = []
    for seed in (1, 1, 2):
        async with database.write() as unit:
            for table in reversed(metadata.sorted_tables):
                await unit.run(table.delete())
        counts = await fill(database, CITY, 200, 60, NOW, lambda *_told: None, seed)
        assert counts["person"] == 200
        assert counts["activity"] == 60
        made.append(await rows_of(database))
    assert made[0] == made[1]
    assert made[0] != made[2]


async def test_after_a_filling_people_and_activities_can_still_be_added(database: Database) -> None:
    """PostgreSQL counts its own numbers: left behind the made ones, the next person would collide."""
    await fill(database, CITY, 50, 20, NOW, lambda *_told: None)
    async with database.write() as unit:
        met = await people.meet(unit, "web", "somebody new", "en", NOW)
        assert met.person.id == 51
        assert await bulk.oversold(unit) == 0


def test_the_clock_moves_on_and_never_back() -> None:
    clock = MovableClock(lambda: NOW)
    assert clock.advance(timedelta(hours=1)) == NOW + timedelta(hours=1)
    clock.advance_to(NOW)
    assert clock() == NOW + timedelta(hours=1)
    clock.advance_to(NOW + timedelta(hours=2))
    assert clock() == NOW + timedelta(hours=2, seconds=1)
    with pytest.raises(ValueError, match="forward"):
        clock.advance(timedelta(seconds=-1))
