"""Senders in processes of their own, to be killed, frozen and stopped: one line of JSON on standard input starts one.

The modules are loaded once and each sender is forked from there, so that a test may kill many. The variants that have a
guard taken out are controls: with them the tests must fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import structlog
from sqlalchemy import Insert, Update, delete, select, update

from bot.delivery.decisions import City
from bot.delivery.pace import Pace, Times
from bot.delivery.sender import Sender
from bot.delivery.slot import Lease
from bot.talk.door import Delivered, NotSent, Outcome, Uncertain
from bot.talk.view import Page
from storage import fanouts
from storage.database import Database, Unit
from storage.outbox import Result
from storage.prepared import Parameters, Prepared
from storage.tables.delivery import State, outbox
from tests.delivery.kit import SECRECY, SHANGHAI, SHOWS, TEN, word


class LineDoor:
    """Speaks to the stand-in platform over one connection, a line a call; tells truly what it knows."""

    name = "telegram"
    capabilities = SHOWS

    def __init__(self, port: int) -> None:
        self._port = port
        self._writer: asyncio.StreamWriter | None = None
        self._answers: dict[int, asyncio.Future[int]] = {}
        self._numbers = itertools.count()
        self._opening = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        try:
            writer = await self._opened()
        except OSError as error:
            return NotSent(type(error).__name__)
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        writer.write(json.dumps([number, os.getpid(), to, page.text]).encode() + b"\n")
        try:
            return Delivered(str(await self._answers[number]))
        except ConnectionError as error:
            return Uncertain(type(error).__name__)
        finally:
            self._answers.pop(number, None)

    async def _opened(self) -> asyncio.StreamWriter:
        async with self._opening:
            if self._writer is None:
                reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
                self._reading = asyncio.create_task(self._read(reader))
        return self._writer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            number, message = json.loads(line)
            self._answers[number].set_result(message)
        for answer in list(self._answers.values()):
            answer.set_exception(ConnectionResetError())


class WithoutWriteAhead(Sender):
    """Calls first and writes afterwards, as senders do that were never killed."""

    async def _claim(self, batch: Sequence[Any]) -> dict[int, int]:
        return {one.waiting.id: one.waiting.attempt + 1 for one in batch}

    async def _write(self, unit: Unit, results: Sequence[Result]) -> None:
        ids = [result.id for result in results]
        await unit.run(update(outbox).where(outbox.c.id.in_(ids)).values(state=State.SENT))


class Endless(Lease):
    """Never looks again whether it has run out."""

    @property
    def holds(self) -> bool:
        return self.epoch > 0


class WithoutFence(Sender):
    """Trusts what it saw before it was frozen: neither the lease nor the slot's number is looked at again."""

    def __init__(self, *parts: Any, lease: float, **more: Any) -> None:
        super().__init__(*parts, lease=lease, **more)
        self.lease = Endless(self._database, self.account, self._times, calling=self._calling.keys(), seconds=lease)

    def _may_go_on(self, peeked: float) -> bool:
        return not self._stopping

    async def _claim(self, batch: Sequence[Any]) -> dict[int, int]:
        async with self._database.write() as unit:
            ids = [one.waiting.id for one in batch]
            await unit.run(
                update(outbox).where(outbox.c.id.in_(ids)).values(state=State.SENDING, epoch=self.lease.epoch)
            )
        return {one.waiting.id: one.waiting.attempt + 1 for one in batch}


VARIANTS = {"": Sender, "no write-ahead": WithoutWriteAhead, "no fence": WithoutFence}


async def work(order: dict[str, Any]) -> None:
    """Send until the end, or until SIGTERM."""
    began = time.monotonic()
    times = Times(lambda: TEN + timedelta(seconds=time.monotonic() - began))
    pace = Pace(rate=order["rate"], most_in_flight=order["in_flight"], latency=0.05)
    database = Database(order["database"], SECRECY, pool=4)
    door = LineDoor(order["platform"])
    made = VARIANTS[order["variant"]]
    sender = made(database, door, word, times, City(SHANGHAI, "en"), pace=pace, lease=order["lease"])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    running = asyncio.create_task(sender.run())
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await stop.wait()
        await sender.lease.recover()
    await sender.stop()
    await running
    await database.close()


# --- Fan-out, killed at its edges ----------------------------------------------------------------------------------


class Mortal:
    """A unit that ends its process behind a statement of one kind; `commit` is behind all of them."""

    def __init__(self, unit: Unit, edge: str) -> None:
        self._unit = unit
        self._edge = edge

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit, name)

    async def run(self, statement: Any, parameters: Any = None) -> Any:
        return self._behind(statement, await self._unit.run(statement, parameters))

    async def run_once(self, statement: Prepared, parameters: Parameters) -> Any:
        return self._behind(statement, await self._unit.run_once(statement, parameters))

    def _behind(self, statement: Any, result: Any) -> Any:
        ran = statement.statement if isinstance(statement, Prepared) else statement
        if self._edge == "rows" and isinstance(ran, Insert):
            die()
        if self._edge == "cursor" and isinstance(ran, Update):
            die()
        return result


def die() -> None:
    """As by `kill -9`: nothing is closed, nothing is said."""
    os.kill(os.getpid(), signal.SIGKILL)


async def expand(order: dict[str, Any]) -> None:
    """Make one chunk and die at its edge; without the guard the cursor is moved in a transaction of its own."""
    database = Database(order["database"], SECRECY, pool=2)
    if order["variant"] == "cursor apart":
        async with database.write() as unit:
            step = await fanouts.expand(unit, TEN, chunk=order["chunk"])
            if step is not None:
                await unit.run(delete(outbox).where(outbox.c.id.in_(_newest(step.made))))
        if order["edge"] == "rows":
            die()
        raise AssertionError("the control is killed between the cursor and the rows")
    async with database.write() as unit:
        await fanouts.expand(cast(Unit, Mortal(unit, order["edge"])), TEN, chunk=order["chunk"])
    die()


def _newest(count: int) -> Any:
    return select(outbox.c.id).order_by(outbox.c.id.desc()).limit(count)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once, nobody waits for them
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.dup2(2, 1)
            order = json.loads(line)
            asyncio.run(expand(order) if "edge" in order else work(order))
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
