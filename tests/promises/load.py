"""People who sign up one after another in some lanes, and their platforms, which bring everything again."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

from sqlalchemy import select

from bot.domain.enrolment import Stand
from bot.talk import Incoming
from bot.talk.door import Overloaded
from storage.tables.enrolment import audit
from tests.conversations.kit import MONDAY, Chat, Town
from tests.promises.answered import Acknowledged, missing, signing_up, standing, told
from tests.promises.crowd import Count, count

SOAK = os.environ.get("MENKOU_SOAK") == "1"
LANES = 8
"""People who talk at the same time."""
SEATS = 15
SATURDAY = MONDAY + timedelta(days=5)
AGAIN = 0.02
"""Seconds after which a platform brings again what was not acknowledged."""
PATIENCE = 30
"""Seconds for anything that is waited for here, on a machine that has other things to do."""


class Load:
    """People who sign up one after another in some lanes, and their platforms, which bring everything again."""

    def __init__(self, town: Town, activity: int, seats: int) -> None:
        self.town, self.activity, self.seats = town, activity, seats
        self.acknowledged: list[Acknowledged] = []
        self.sent_away = 0
        self._enough = asyncio.Event()
        self._one_more = asyncio.Condition()

    async def comes(self, people: int) -> None:
        """At least so many, and on until it is enough."""
        numbers = iter(range(10_000))

        async def lane() -> None:
            while (number := next(numbers)) < people or not self._enough.is_set():
                for message in signing_up(self.activity, number):
                    await self.deliver(message)

        await asyncio.gather(*(lane() for _lane in range(LANES)))

    async def acknowledges(self, more: int) -> None:
        """Wait for so many."""
        wanted = len(self.acknowledged) + more
        async with self._one_more, asyncio.timeout(PATIENCE):
            await self._one_more.wait_for(lambda: len(self.acknowledged) >= wanted)

    def is_enough(self) -> None:
        self._enough.set()

    async def deliver(self, message: Incoming) -> None:
        """Bring it until it is acknowledged."""
        while True:
            try:
                reply = await self.town.turns.take(message)
            except Overloaded:
                self.sent_away += 1
                await asyncio.sleep(AGAIN)
                continue
            pages = [page.to_json() for page in reply.pages]
            self.acknowledged.append(Acknowledged(message, pages, reply.replayed))
            async with self._one_more:
                self._one_more.notify_all()
            return

    async def is_as_it_was_told(self) -> None:
        """By the rows: nothing missing, nothing twice, and everybody stands as they heard."""
        acks = self.acknowledged
        assert len({one.message.key for one in acks}) == len(acks)
        assert await missing(self.town, acks) == []
        assert told(acks, "Something broke") == set(), "a message was given up that was not at fault"
        assert await count(self.town, 1, []) == Count()
        seated, waiting = told(acks, "You are in"), told(acks, "in the queue")
        assert len(seated) == min(self.seats, len(seated | waiting))
        assert seated == await standing(self.town, Stand.JOINED)
        assert waiting == await standing(self.town, Stand.WAITING)


async def load_of(town: Town, seats: int = SEATS) -> Load:
    """Nobody yet, and an activity with so many seats."""
    activity = await town.publishes(Chat(town, "web", "Olga"), "Reading to children", SATURDAY, seats=seats)
    return Load(town, activity, seats)


async def joined(town: Town) -> int:
    """How often the log says so."""
    async with town.database.read() as unit:
        return len(list(await unit.run(select(audit.c.id).where(audit.c.deed == "join"))))
