"""What makes a process ready, and the figures it shows: the checks and metrics that the pages are given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from bot.meters import Meters
from storage import condition, migrate
from storage.database import Database

AGE = 60.0
"""Seconds that an urgent message may have been due, untried, before this process is not what people should talk to."""

Clock = Callable[[], datetime]


def checks(database: Database, clock: Clock) -> Mapping[str, Callable[[], Awaitable[str]]]:
    """By name; each is empty when all is well."""

    async def answers() -> str:
        async with database.read() as unit:
            await condition.ping(unit)
        return ""

    async def migrated() -> str:
        found, newest = await migrate.current(database), migrate.head()
        return "" if found == newest else f"at {found or 'nothing'}, needs {newest}"

    async def sends() -> str:
        async with database.read() as unit:
            found = await condition.look(unit, clock())
        return "" if found.untried_age < AGE else f"the oldest message has been due for {found.untried_age:.0f} s"

    return {"database": answers, "migrations": migrated, "outbox": sends}


def figures(meters: Meters, database: Database, clock: Clock) -> Callable[[], Awaitable[bytes]]:
    """Prometheus' text, with the database's condition as it is now; without it when the database does not answer."""

    async def written() -> bytes:
        try:
            async with asyncio.timeout(2.0), database.read() as unit:
                meters.told(await condition.look(unit, clock()))
            meters.reached(True)
        except Exception:  # noqa: BLE001 - whatever a driver raises: that it cannot be reached is the figure
            meters.reached(False)
        return meters.written()

    return written
