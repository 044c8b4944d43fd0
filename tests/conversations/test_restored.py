"""An older backup is put back: whoever was erased since it was made is erased again, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from bot.desk import privacy as ticks
from storage import backup, erased, migrate, people
from storage.database import Database
from storage.tables.enrolment import enrolment
from storage.tables.people import identity, person
from tests.conversations.kit import MONDAY, SECRECY, Chat, Town

FAR = MONDAY + timedelta(days=20)
NAME = "Ann Canaryfeather"

Open = Callable[..., Chat]


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[Database]:
    """Another machine's empty database."""
    empty = await asyncio.to_thread(Database, f"sqlite+aiosqlite:///{tmp_path / 'elsewhere' / 'menkou.db'}", SECRECY)
    yield empty
    await empty.close()


async def backed_up(town: Town, tmp_path: Path) -> Path:
    """A backup of this moment."""
    async with town.database.write() as unit:
        await unit.run(text(f"CREATE TABLE {migrate.VERSIONS} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        await unit.run(text(f"INSERT INTO {migrate.VERSIONS} VALUES ('{await asyncio.to_thread(migrate.head)}')"))
    await backup.dump(town.database, tmp_path / "city.zip", town.at)
    return tmp_path / "city.zip"


async def settled(town: Town, chat: Open) -> tuple[Chat, Chat, Chat]:
    """Ann has the only seat, Bob waits, Cara has nothing to do with it."""
    activity = await town.publishes(chat("Olga"), "Planting trees", FAR, seats=1)
    ann, bob, cara = chat("Ann"), chat("Bob"), chat("Cara")
    for who, name, phone in ((ann, NAME, "13800138000"), (bob, "Bob Otherperson", "13912345678")):
        await who.opens("join", activity)
        for said in ("yes", name, phone, "yes"):
            await who.says(said)
    await cara.says("menu")
    return ann, bob, cara


async def erases(town: Town, chat: Chat) -> None:
    await chat.says("erase")
    await chat.picks("Yes, erase")
    await chat.picks("Yes, erase for good")
    town.at += timedelta(days=7, minutes=1)
    await ticks.tick(town.database, town.city, town.at)


async def names(database: Database) -> set[str]:
    async with database.read() as unit:
        ids = list((await unit.run(select(person.c.id))).scalars())
        return {name for name, _phone in (await people.personal(unit, SECRECY, ids)).values() if name}


async def stands(database: Database) -> list[str]:
    async with database.read() as unit:
        return list((await unit.run(select(enrolment.c.state).order_by(enrolment.c.queue))).scalars())


async def test_an_older_backup_brings_nobody_back(
    town: Town, chat: Open, tmp_path: Path, elsewhere: Database
) -> None:
    ann, bob, _cara = await settled(town, chat)
    file = await backed_up(town, tmp_path)
    await erases(town, ann)
    kept = tmp_path / erased.NAME
    await erased.save(town.database, kept)
    assert NAME not in kept.read_text()
    listed = await erased.listed(elsewhere, kept)
    await backup.restore(elsewhere, file)
    assert NAME in await names(elsewhere)  # control: without the list she is back
    assert await stands(elsewhere) == ["joined", "waiting"]
    assert await ticks.erase_again(elsewhere, town.city, listed, town.at) == 1
    assert await names(elsewhere) == {"Bob Otherperson"}
    assert await stands(elsewhere) == ["cancelled", "offered"]
    async with elsewhere.read() as unit:
        there = set((await unit.run(select(identity.c.external))).scalars())
    assert ann.name not in there
    assert bob.name in there
    assert await ticks.erase_again(elsewhere, town.city, listed, town.at) == 0


async def test_a_backup_put_over_the_city_does_so_neither(town: Town, chat: Open, tmp_path: Path) -> None:
    """No file at all: the list stands in the database that is about to be replaced."""
    ann, _bob, _cara = await settled(town, chat)
    file = await backed_up(town, tmp_path)
    await erases(town, ann)
    listed = await erased.listed(town.database, tmp_path / "none.txt")
    await backup.restore(town.database, file, force=True)
    assert NAME in await names(town.database)  # control
    await ticks.erase_again(town.database, town.city, listed, town.at)
    assert await names(town.database) == {"Bob Otherperson"}


@pytest.mark.parametrize("door", ["wechat"])
async def test_an_unfollowed_address_stays_away_unless_its_owner_came_back(
    town: Town, chat: Open, tmp_path: Path, elsewhere: Database, door: str
) -> None:
    _ann, _bob, cara = await settled(town, chat)
    file = await backed_up(town, tmp_path)
    await cara.opens("gone")
    town.at += timedelta(days=7, minutes=1)
    await ticks.tick(town.database, town.city, town.at)
    listed = await erased.listed(town.database, tmp_path / "none.txt")
    town.at += timedelta(days=1)
    await cara.says("menu")
    later = tmp_path / "later.zip"
    await backup.dump(town.database, later, town.at)
    await backup.restore(elsewhere, file)
    assert await ticks.erase_again(elsewhere, town.city, listed, town.at) >= 1
    async with elsewhere.read() as unit:
        assert await people.at_address(unit, "wechat", cara.name) is None
    await backup.restore(elsewhere, later, force=True)
    assert await ticks.erase_again(elsewhere, town.city, listed, town.at) == 0
    async with elsewhere.read() as unit:
        assert await people.at_address(unit, "wechat", cara.name) is not None


async def test_the_list_is_never_shortened(town: Town, tmp_path: Path) -> None:
    kept = tmp_path / erased.NAME
    kept.write_text("0123456789abcdef0123456789abcdef 1700000000000\n")
    async with town.database.write() as unit:
        await erased.keep(unit, {"f" * 32: town.at})
    await erased.save(town.database, kept)
    assert [line.split()[0] for line in kept.read_text().splitlines()] == ["0123456789abcdef0123456789abcdef", "f" * 32]
    assert kept.stat().st_mode & 0o077 == 0
