"""kill -9 in the middle of turns, again and again: whatever was acknowledged is there, with the reply that was given.

With `MENKOU_SOAK=1` a hundred kills on each database; by default ten. `tests/system/test_killed.py` kills the whole
program with its doors.
"""

from __future__ import annotations

import asyncio
import os
import random
from datetime import timedelta
from itertools import count as numbers

import pytest
from sqlalchemy import select

from bot.domain.enrolment import Stand
from storage.tables.messages import inbox
from tests.conversations.kit import MONDAY, Chat, Town
from tests.promises.answered import missing, signing_up, standing, told
from tests.promises.crowd import Count, count
from tests.promises.mortal import Mortal, acknowledged

pytestmark = [pytest.mark.durable, pytest.mark.timeout(600)]

KILLS = 100 if os.environ.get("MENKOU_SOAK") == "1" else 10
PROCESSES = {"sqlite": 1, "postgresql": 2}
"""As a city may be served."""
LANES = 8
"""People who talk to one process at the same time."""
SEATS = 15
SATURDAY = MONDAY + timedelta(days=5)


class Load:
    """People who sign up one after another in the lanes of some processes."""

    def __init__(self, town: Town, activity: int, processes: list[Mortal]) -> None:
        self.town, self.activity, self.processes = town, activity, processes
        self._enough = False
        self._numbers = numbers()
        for one in processes:
            one.begins()
        self._lanes = [asyncio.create_task(self._lane(one)) for one in processes for _lane in range(LANES)]

    async def _lane(self, process: Mortal) -> None:
        # On a slow machine the kills may be over before there are more people than seats.
        while (number := next(self._numbers)) < 3 * SEATS or not self._enough:
            for message in signing_up(self.activity, number):
                await process.deliver(message)

    async def is_killed(self, kills: int) -> None:
        """So many times in all, each process 50 to 200 ms after it is warm."""

        async def again_and_again(process: Mortal, times: int) -> None:
            for _time in range(times):
                await process.is_killed(after=random.uniform(0.05, 0.2))
                process.begins()

        share = kills // len(self.processes)
        await asyncio.gather(*(again_and_again(one, share) for one in self.processes))

    async def ends(self) -> None:
        """Whoever has begun comes to the end of it."""
        self._enough = True
        await asyncio.gather(*self._lanes)
        await asyncio.gather(*(one.ends() for one in self.processes))


async def under_kills(town: Town, url: str, kills: int, *, acknowledges_first: bool = False) -> list[Mortal]:
    """The processes, when all is over."""
    activity = await town.publishes(Chat(town, "web", "Olga"), "Reading to children", SATURDAY, seats=SEATS)
    processes = [Mortal(url, acknowledges_first=acknowledges_first) for _one in range(PROCESSES[town.database.dialect])]
    load = Load(town, activity, processes)
    await load.is_killed(kills)
    await load.ends()
    return processes


async def test_killed_in_the_middle_of_turns_nothing_acknowledged_is_missing(
    town: Town, city_url: str, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    processes = await under_kills(town, city_url, KILLS)
    acks, deliveries = acknowledged(processes), sum(one.deliveries for one in processes)
    with capsys.disabled():
        print(f"\n{engine}: {KILLS} kills, {len(acks)} acknowledged, {deliveries} deliveries,", end=" ")
        print(f"{sum(one.replayed for one in acks)} killed between commit and acknowledgement", end=" ")
    assert deliveries > len(acks) + KILLS, "no kill hit a message under way: the test proves nothing"
    assert await missing(town, acks) == []
    assert await count(town, 1, []) == Count()
    seated, waiting = told(acks, "You are in"), told(acks, "in the queue")
    assert len(seated) == SEATS
    assert seated == await standing(town, Stand.JOINED)
    assert waiting == await standing(town, Stand.WAITING)


async def test_a_process_that_acknowledges_before_it_commits_loses_what_was_acknowledged(
    town: Town, city_url: str
) -> None:
    """The control."""
    processes = await under_kills(town, city_url, 4, acknowledges_first=True)
    async with town.database.read() as unit:
        there = {(row.door, row.key) for row in await unit.run(select(inbox.c.door, inbox.c.key))}
    acks = acknowledged(processes)
    assert [one for one in acks if (one.message.address.door, one.message.key) not in there]
