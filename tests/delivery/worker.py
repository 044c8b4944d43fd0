"""Senders in processes of their own, to be killed, frozen and stopped: one line of JSON on standard input starts one.

The modules are loaded once and each sender is forked from there, so that a test may kill many. The variants that have a
guard taken out are controls: with them the tests must fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import aiohttp
import structlog
from sqlalchemy import update

from bot.delivery.decisions import City
from bot.delivery.pace import Pace, Times
from bot.delivery.sender import Sender
from bot.delivery.slot import Lease
from bot.talk.door import Delivered, NotSent, Outcome, Uncertain
from bot.talk.view import Page
from storage.database import Database
from storage.outbox import Result
from storage.tables.delivery import State, outbox
from tests.delivery.kit import SECRECY, SHANGHAI, SHOWS, TEN, word


class HttpDoor:
    """Posts to the stand-in platform; tells truly what it knows."""

    name = "telegram"
    capabilities = SHOWS

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self._address = address

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        try:
            said = {"to": to, "text": page.text, "by": os.getpid()}
            async with self._session.post(self._address, json=said) as answer:
                body = await answer.json()
        except aiohttp.ClientConnectorError as error:
            return NotSent(type(error).__name__)
        except (aiohttp.ClientError, TimeoutError) as error:
            return Uncertain(type(error).__name__)
        return Delivered(str(body["message_id"]))


class WithoutWriteAhead(Sender):
    """Calls first and writes afterwards, as senders do that were never killed."""

    async def _claim(self, batch: Sequence[Any]) -> dict[int, int]:
        return {one.waiting.id: one.waiting.attempt + 1 for one in batch}

    async def _write(self, results: Sequence[Result]) -> None:
        async with self._database.write() as unit:
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
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        door = HttpDoor(session, order["platform"])
        sender = VARIANTS[order["variant"]](
            database, door, word, times, City(SHANGHAI, "en"), pace=pace, lease=order["lease"]
        )
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


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once, nobody waits for them
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.dup2(2, 1)
            asyncio.run(work(json.loads(line)))
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
