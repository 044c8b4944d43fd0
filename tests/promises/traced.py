"""A process whose every write is looked at: it answers people's last “yes” and writes down whom it has answered.

In between it makes the rows of an announcement to everybody, which are not flushed by themselves.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from typing import Any

import structlog
from sqlalchemy import Engine, event

from bot.desk.city import City
from bot.talk import Address, Incoming
from bot.talk.router import Router
from bot.turn import Turns
from handlers.scripts import SCRIPTS
from storage import fanouts
from storage.database import Database
from tests.conversations.kit import BEIJING, DOORS, MONDAY, SECRECY

LANES = 6
"""People who are answered at the same time; some of their turns share a commit."""


def last_word(number: int) -> Incoming:
    """Of somebody who has answered all questions but the last."""
    return Incoming(somebody(number), f"{number}:last", MONDAY, text="yes", language="en")


def somebody(number: int) -> Address:
    """Known at one of the doors."""
    return Address(("web", "wechat", "telegram")[number % 3], f"somebody-{number}")


def weaken(synchronous: str) -> None:
    """Control: connections that flush less than ours do."""
    sound = Database._set_up

    def set_up(engine: Engine, begin: str) -> None:
        sound(engine, begin)

        @event.listens_for(engine, "connect")
        def opened(connection: Any, _: Any) -> None:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA synchronous={synchronous}")
            cursor.close()

    Database._set_up = staticmethod(set_up)  # type: ignore[method-assign]


async def announce(database: Database) -> None:
    """What was planned to be said to everybody, a few rows at a time."""
    while await database.aside(lambda unit: fanouts.expand(unit, MONDAY, chunk=3)):
        pass


async def answer(file: str, acknowledged: str, people: int, announces: bool) -> None:
    """Everybody, each acknowledged when their turn is over and not a moment before."""
    database = await asyncio.to_thread(Database, f"sqlite+aiosqlite:///{file}", SECRECY)
    city = City(BEIJING, SECRECY, "http://city.test", "en")
    turns = Turns(database, Router(SCRIPTS), city, DOORS, lambda: MONDAY)
    line = os.open(acknowledged, os.O_WRONLY | os.O_APPEND)

    async def lane(numbers: Iterator[int]) -> None:
        for number in numbers:
            reply = await turns.take(last_word(number))
            seated = "You are in" in reply.pages[0].text
            os.write(line, f"{number} {'seated' if seated else 'waiting'}\n".encode())

    everybody = iter(range(people))
    beside = [announce(database)] if announces else []
    await asyncio.gather(*(lane(everybody) for _lane in range(LANES)), *beside)
    await database.close()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    _, city_file, line_file, count, how = sys.argv
    if how != "FULL":
        weaken(how)
    # Chunks switch between flushing and not: a control that never flushes goes without them.
    asyncio.run(answer(city_file, line_file, int(count), announces=how == "FULL"))
