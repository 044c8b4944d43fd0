"""Seconds until a segment's plan of routes is there: every second person on WeChat, in and outside their windows."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from sqlalchemy import text, update

from benchmarks import crowd
from bot.desk.city import City
from bot.desk.desk import Desk
from bot.domain.forecast import Means
from bot.domain.people import Person
from bot.domain.quotas import MASS_BY_KIND, WECHAT
from bot.domain.reach import Offers, Way
from storage.tables.people import identity
from tests.delivery.kit import SECRECY, SHANGHAI

SEGMENT = {"subscribers": [["kind", "green"]]}
MEANS = Means({"telegram": 28.0, "wechat": 5.0}, Offers(mass=True), {**WECHAT, Way.MASS: MASS_BY_KIND["service"]})


def measure(people: int) -> dict[str, tuple[float, int]]:
    """On both databases: seconds, and routes in the plan."""
    with crowd.places("planner") as urls:
        return {name: asyncio.run(_measure(url, people)) for name, url in urls.items()}


async def _measure(url: str, people: int) -> tuple[float, int]:
    city = await crowd.found(url, people)
    try:
        async with city.database.write() as unit:
            await unit.run(update(identity).where(identity.c.id % 2 == 0).values(door="wechat"))
            until = city.clock.now + timedelta(hours=20)
            windowed = identity.c.id % 8 == 0
            await unit.run(update(identity).where(windowed).values(window_until=until, window_left=5))
            # As autovacuum does in time: without statistics PostgreSQL takes a million people for a few.
            await unit.run(text("ANALYZE"))
        began = time.perf_counter()
        async with city.database.read() as unit:
            desk = Desk(unit, Person(1, "V0", "en"), city.clock.now, City(SHANGHAI, SECRECY, means=MEANS))
            plan = await desk.reach.plan_of_routes(SEGMENT)
        took = time.perf_counter() - began
        assert plan.people == people
        return took, len(plan.legs)
    finally:
        await city.close()
