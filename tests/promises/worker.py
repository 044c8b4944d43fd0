"""One process of the city, for the promises: each line of JSON on standard input is an order, each answer one line.

The variants that have a guard taken out are controls: with them the tests must fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from bot.desk.city import City
from bot.desk.desk import Desk
from bot.domain.enrolment import Joined, Stand, Waitlisted
from bot.domain.people import Person
from bot.talk import Address, Incoming
from bot.talk.router import Router
from bot.turn import Turns
from handlers.scripts import SCRIPTS
from storage import enrolment, people, turns
from storage.database import Database, Unit
from storage.inbox import Message
from storage.tables.activities import shift
from storage.tables.enrolment import enrolment as signed_up
from tests.conversations.kit import BEIJING, DOORS, SECRECY
from tests.promises.guards import never_foreseen, unlocked_together

AT_ONCE = 16
"""Joins that one process has under way."""

Join = Callable[[Database, int, int, datetime], Awaitable[str]]


async def join(database: Database, shift_id: int, person: int, now: datetime) -> str:
    """By the desk, in a transaction as a turn has it. Returns what was answered."""

    async def turn(unit: Unit) -> object:
        desk = Desk(unit, Person(person, "", "en"), now, City(BEIJING, SECRECY, "http://city.test", "en"))
        return await desk.enrolment.join(shift_id)

    outcome: object = None
    while outcome is None:
        # Another process may keep SQLite's one writer for longer than we wait: the platform is told to come again.
        with contextlib.suppress(OperationalError):
            outcome = await database.turn(turn, shares=True)
    match outcome:
        case Joined():
            return "joined"
        case Waitlisted():
            return "waiting"
    return type(outcome).__name__.lower()


async def join_by_counting(database: Database, shift_id: int, person: int, now: datetime) -> str:
    """Control: look how many there are, then insert."""
    async with AsyncExitStack() as stack:
        looking = writing = await _unit(stack, database, only_looks=database.dialect == "sqlite")
        seated = await _ask(looking, select(func.count()).where(*_of(shift_id), signed_up.c.state == Stand.JOINED))
        last = await _ask(looking, select(func.coalesce(func.max(signed_up.c.queue), 0)).where(*_of(shift_id)))
        capacity = await _ask(looking, select(shift.c.capacity).where(shift.c.id == shift_id))
        state = Stand.JOINED if seated < capacity else Stand.WAITING
        if database.dialect == "sqlite":
            writing = await _unit(stack, database, only_looks=False)
        row = {"shift": shift_id, "person": person, "queue": last + 1, "state": state, "joined": now, "changed": now}
        await writing.run(signed_up.insert().values(row))
    return str(state)


async def _unit(stack: AsyncExitStack, database: Database, only_looks: bool) -> Unit:
    return await stack.enter_async_context(database.read() if only_looks else database.write())


async def _ask(unit: Unit, question: Any) -> int:
    return int((await unit.run(question)).scalar_one())


def _of(shift_id: int) -> list[Any]:
    return [signed_up.c.shift == shift_id]


JOINS: dict[str, Join] = {"desk": join, "counting": join_by_counting}


async def let_join(database: Database, order: dict[str, Any]) -> dict[str, Any]:
    """People join one after another in a few lanes. Each answer with the moments of asking and of being answered."""
    waiting, answers = iter(order["people"]), []
    now = datetime.fromisoformat(order["now"])
    asked = JOINS[order["by"]]

    async def lane() -> None:
        for person in waiting:
            began = time.monotonic()
            answer = await asked(database, order["shift"], person, now)
            answers.append([person, answer, began, time.monotonic()])

    await asyncio.gather(*(lane() for _lane in range(AT_ONCE)))
    return {"answers": answers}


async def take(turns: Turns, order: dict[str, Any]) -> dict[str, Any]:
    """The same message, as often as it is told."""
    incoming = Incoming(
        Address(order["door"], order["who"]), order["key"], datetime.fromisoformat(order["now"]), text=order["text"]
    )
    await asyncio.sleep(max(0.0, order["when"] - time.monotonic()))
    replies = await asyncio.gather(*(turns.take(incoming) for _delivery in range(order["times"])))
    return {"replies": [[one.replayed, [page.to_json() for page in one.pages]] for one in replies]}


async def never_seen(unit: Unit, message: Message, language: str, now: datetime) -> people.Met:
    """Control: every delivery is a new message."""
    return await people.meet(unit, message.door, message.external, language, now)


async def kept_apart(unit: Unit, met: people.Met, message: Message, *rest: Any) -> None:
    """Control: and its key is there as often as it comes."""
    await SOUND[-1](unit, met, message._replace(key=f"{message.key} {secrets.token_hex(4)}"), *rest)


SOUND = (enrolment.lock_shift, enrolment.lock_foreseen, turns.begin, turns.close)


class Open:
    """The city as this process has it open."""

    def __init__(self, url: str, guards_off: list[str]) -> None:
        enrolment.lock_shift, enrolment.lock_foreseen, turns.begin, turns.close = SOUND
        if "lock" in guards_off:
            enrolment.lock_shift, enrolment.lock_foreseen = unlocked_together, never_foreseen
        if "inbox" in guards_off:
            turns.begin, turns.close = never_seen, kept_apart
        self.database = Database(url, SECRECY)
        city = City(BEIJING, SECRECY, "http://city.test", "en")
        self.now = datetime.now(BEIJING)
        self.turns = Turns(self.database, Router(SCRIPTS), city, DOORS, lambda: self.now)


async def work() -> None:
    """Obey until the input ends."""
    city: Open | None = None
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        answer: dict[str, Any] = {}
        if "open" in order:
            city = Open(order["open"], order["guards_off"])
        elif city is not None and "close" in order:
            await city.database.close()
        elif city is not None:
            city.now = datetime.fromisoformat(order["now"])
            answer = await (let_join(city.database, order) if "people" in order else take(city.turns, order))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    asyncio.run(work())
