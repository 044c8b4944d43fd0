"""Rows a second of a fan-out as the planner makes it, beside one bare INSERT … SELECT of the same rows."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from dataclasses import dataclass

from sqlalchemy import TextClause, select, text, update

from benchmarks import crowd
from bot.delivery.pace import Times
from bot.delivery.planner import Planner
from storage.database import Unit
from storage.tables.people import identity, person
from tests.delivery.kit import SmallCity

BARE = text(
    "INSERT INTO outbox (fanout, person, account, lane, due, expires) "
    "SELECT 1, subscription.person, identity.door, 9, 1, 2 "
    "FROM subscription JOIN identity ON identity.person = subscription.person "
    "WHERE subscription.topic = 'kind' AND subscription.value = 'green' AND identity.open"
)
"""The same rows in the same table with the same indexes, on disk at the end: whoever is subscribed, at their door.

No chunks, no cursor, nobody who refused or opted out, no choice among several doors: nobody here has two.
"""

COPIED = text(
    "INSERT INTO outbox (fanout, person, account, lane, due, expires) "
    "SELECT 1, id, 'telegram', 9, 1, 2 FROM person WHERE id >= 2"
)
"""What writing alone costs: it asks neither who is meant nor where they are reached."""


@dataclass(frozen=True)
class Made:
    """Rows a second."""

    bare: float
    copied: float
    planned: float
    """By the planner, as on a machine where nobody else wants anything."""


def measure(people: int, rounds: int) -> dict[str, Made]:
    """On both databases: medians over rounds in turns."""
    with crowd.places("fanout") as urls:
        return {name: asyncio.run(_measure(url, people, rounds)) for name, url in urls.items()}


def beside(people: int, seconds: float) -> tuple[float, float]:
    """Milliseconds (p99) of small turns on SQLite, alone and beside fan-outs, one after another."""
    with crowd.places("beside") as urls:
        return asyncio.run(_beside(urls["SQLite"], people, seconds))


async def _beside(url: str, people: int, seconds: float) -> tuple[float, float]:
    city = await crowd.found(url, people)
    try:
        alone = await _turns(city, seconds)
        making = asyncio.create_task(_make_all_the_time(city, people))
        together = await _turns(city, seconds)
        making.cancel()
        return alone, together
    finally:
        await city.close()


async def _make_all_the_time(city: SmallCity, people: int) -> None:
    planner = _planner(city, people)
    for revision in itertools.count(1):
        await city.announces(revision=revision)
        await planner.expand(chunks=people)


def _planner(city: SmallCity, people: int) -> Planner:
    """Its account is so fast that the rows are never too far ahead of their sending."""
    return Planner(city.database, Times(city.clock.city), ["telegram"], rates={"telegram": people / 600 + 1})


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


async def _measure(url: str, people: int, rounds: int) -> Made:
    city = await crowd.found(url, people)
    try:
        await city.announces()
        await _clear(city)
        found: dict[str, list[float]] = {"bare": [], "copied": [], "planned": []}
        for round_ in range(rounds):
            found["bare"].append(people / await _run(city, BARE))
            await _clear(city)
            found["copied"].append(people / await _run(city, COPIED))
            await _clear(city)
            await city.announces(revision=2 + round_)
            began = time.perf_counter()
            made = await _planner(city, people).expand(chunks=people)
            found["planned"].append(made / (time.perf_counter() - began))
            await _clear(city)
        return Made(**{way: statistics.median(rates) for way, rates in found.items()})
    finally:
        await city.close()


async def _run(city: SmallCity, statement: TextClause) -> float:
    """Seconds until it is on disk."""
    began = time.perf_counter()
    async with city.database.write() as unit:
        await unit.run(statement)
    return time.perf_counter() - began


async def _clear(city: SmallCity) -> None:
    async with city.database.write() as unit:
        await unit.run(text("DELETE FROM outbox"))
        await unit.run(text("UPDATE fanout SET state = 4"))
    if city.database.dialect == "postgresql":
        async with city.database.engine.connect() as bare:
            await (await bare.execution_options(isolation_level="AUTOCOMMIT")).execute(text("VACUUM outbox"))


