"""A city moves from one database into another: every row and every value, or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, text, update

from storage import backup, migrate, moving, slots
from storage.backup import BadBackup
from storage.database import Database
from storage.tables.delivery import sender_slot
from storage.tables.people import person
from tests.operating.conftest import NOW, contents, fill
from tests.operating.differences import differences

WALL = NOW.timestamp()


@pytest.fixture
async def city(database: Database) -> Database:
    """A city with rows in every table that nobody serves."""
    await fill(database)
    async with database.write() as unit:
        await unit.run(update(sender_slot).values(lease_until=0))
    return database


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_everything_arrives_and_the_source_stays(
    city: Database, others: dict[str, Database], kind: str, tmp_path: Path
) -> None:
    before = await contents(city)
    moved = await moving.move(city, others[kind], tmp_path, wall=WALL)
    assert await contents(others[kind]) == before == await contents(city)
    assert dict(moved.tables) == {name: len(rows) for name, rows in before.items()}
    assert await differences(others[kind]) == []
    assert not list(tmp_path.glob("mov*.zip")), "what was on the way is gone"


async def test_new_rows_get_new_numbers_where_it_arrived(
    city: Database, others: dict[str, Database], tmp_path: Path
) -> None:
    await moving.move(city, others["postgresql"], tmp_path, wall=WALL)
    async with others["postgresql"].write() as unit:
        made = await unit.run(insert(person).values(number="NEW", created=NOW).returning(person.c.id))
        assert made.scalar_one() == 4


async def test_a_target_with_rows_is_refused_and_left_alone(
    city: Database, others: dict[str, Database], tmp_path: Path
) -> None:
    await moving.move(city, others["sqlite"], tmp_path, wall=WALL)
    async with others["sqlite"].write() as unit:
        await unit.run(update(person).values(number="kept" + person.c.number))
    before = await contents(others["sqlite"])
    with pytest.raises(BadBackup, match="not empty"):
        await moving.move(city, others["sqlite"], tmp_path, wall=WALL)
    assert await contents(others["sqlite"]) == before


async def test_a_city_that_is_served_is_not_moved(
    city: Database, others: dict[str, Database], tmp_path: Path
) -> None:
    async with city.write() as unit:
        await unit.run(update(sender_slot).values(owner="somebody", lease_until=int(WALL * 1000) + 15_000))
        assert await slots.held(unit)
    with pytest.raises(BadBackup, match="serving"):
        await moving.move(city, others["sqlite"], tmp_path, wall=WALL)
    assert await migrate.current(others["sqlite"]) is None
    # The control: the same lease sixteen seconds later.
    await moving.move(city, others["sqlite"], tmp_path, wall=WALL + 16)


async def test_an_older_city_is_brought_up_to_date_first(
    city: Database, others: dict[str, Database], tmp_path: Path
) -> None:
    async with city.write() as unit:
        await unit.run(text(f"UPDATE {migrate.VERSIONS} SET version_num = '0001'"))
    with pytest.raises(BadBackup, match="menkou migrate"):
        await moving.move(city, others["sqlite"], tmp_path, wall=WALL)


async def test_a_value_that_changed_on_the_way_is_found(city: Database, tmp_path: Path) -> None:
    out = await backup.dump(city, tmp_path / "a.zip", NOW)
    moving.compare(out, out)
    async with city.write() as unit:
        await unit.run(update(person).where(person.c.id == 2).values(number="other"))
    found = await backup.dump(city, tmp_path / "b.zip", NOW)
    with pytest.raises(BadBackup, match="person"):
        moving.compare(out, found)
    with pytest.raises(BadBackup, match="not there before"):
        moving.compare(replace(out, tables=out.tables[1:]), out)
