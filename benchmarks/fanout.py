"""Rows a second of a fan-out, in chunks with their pauses and as fast as it can, beside one bare INSERT … SELECT."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from sqlalchemy import select, text, update

from benchmarks import crowd
from bot.delivery.pace import Times
from bot.delivery.planner import Planner
from storage.database import Unit
from storage.tables.people import identity, person
from tests.delivery.kit import SmallCity

BARE = text(
    "INSERT INTO outbox (fanout, person, account, lane, due, expires) "
    "SELECT 1, id, 'telegram', 9, 1, 2 FROM person WHERE id >= 2"
)
"""Into the same table with the same indexes: no chunks, no cursor, no segment, no opt-outs, nobody's best door."""


@dataclass(frozen=True)
class Made:
    """Rows a second."""

    bare: float
    chunked: float
    paced: float
    """With the pauses that leave others their turn."""


def measure(people: int) -> dict[str, Made]:
    """On both databases."""
    with crowd.places("fanout") as urls:
        return {name: asyncio.run(_measure(url, people)) for name, url in urls.items()}


def beside(people: int, seconds: float) -> tuple[float, float]:
    """Milliseconds (p99) of small turns on SQLite, alone and beside a fan-out in its pauses."""
    with crowd.places("beside") as urls:
        return asyncio.run(_beside(urls["SQLite"], people, seconds))


async def _beside(url: str, people: int, seconds: float) -> tuple[float, float]:
    city = await crowd.found(url, people)
    try:
        alone = await _turns(city, seconds)
        await city.announces()
        planner = Planner(city.database, Times(city.clock.city), ["telegram"], rates={"telegram": people / 600 + 1})
        making = asyncio.create_task(planner.expand(chunks=people))
        together = await _turns(city, seconds)
        making.cancel()
        return alone, together
    finally:
        await city.close()


async def _turns(city: SmallCity, seconds: float) -> float:
    """A hundred a second: each reads somebody and writes something down, as a turn does."""

    async def turn(unit: Unit) -> None:
        await unit.run(select(identity).where(identity.c.person == 2))
        await unit.run(update(person).where(person.c.id == 2).values(seen=city.clock.now))

    took: list[float] = []
    until = time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        await city.database.turn(turn)
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.01)
    return sorted(took)[int(0.99 * len(took))] * 1e3


async def _measure(url: str, people: int) -> Made:
    city = await crowd.found(url, people)
    try:
        await city.announces()
        began = time.perf_counter()
        async with city.database.write() as unit:
            await unit.run(BARE)
        bare = people / (time.perf_counter() - began)
        await _clear(city)
        began = time.perf_counter()
        await crowd.announce(city, 2)
        chunked = people / (time.perf_counter() - began)
        await _clear(city)
        await city.announces(revision=3)
        # Never too far ahead, so that it makes them all in one go.
        planner = Planner(city.database, Times(city.clock.city), ["telegram"], rates={"telegram": people / 600 + 1})
        began = time.perf_counter()
        made = await planner.expand(chunks=people)
        return Made(bare, chunked, made / (time.perf_counter() - began))
    finally:
        await city.close()


async def _clear(city: SmallCity) -> None:
    async with city.database.write() as unit:
        await unit.run(text("DELETE FROM outbox"))
        await unit.run(text("UPDATE fanout SET state = 4"))
    if city.database.dialect == "postgresql":
        async with city.database.engine.connect() as bare:
            await (await bare.execution_options(isolation_level="AUTOCOMMIT")).execute(text("VACUUM outbox"))


