"""A process of the city that is there to be killed; the test is its platform, and repeats what is not acknowledged.

It is forked from one that has the program loaded already: to load it takes longer than all that such a process lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import structlog

from bot.desk.city import City
from bot.talk import Incoming
from bot.talk.door import Overloaded
from bot.talk.router import Router
from bot.turn import Turns
from handlers.scripts import SCRIPTS
from storage.database import Database
from tests.conversations.kit import BEIJING, DOORS, MONDAY, SECRECY
from tests.promises.answered import Acknowledged, Pages

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])

Told = tuple[str, Pages | None, bool]
"""Over the line: a message's key, its reply (None: come again), and whether the reply was kept from an earlier life."""
WARM = 8
"""Answers after which a process has its connections and its statements, and does nothing but turns."""
PATIENCE = 30.0
"""Seconds for anything that is waited for here, on a machine that has other things to do."""


# --- In the process ------------------------------------------------------------------------------------------------


def live(line: Connection, url: str, acknowledges_first: bool) -> None:
    """Answer what comes over the line, until it is closed or all ends suddenly."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    asyncio.run(_serve(line, url, acknowledges_first))


async def _serve(line: Connection, url: str, acknowledges_first: bool) -> None:
    database = Database(url, SECRECY)
    city = City(BEIJING, SECRECY, "http://city.test", "en")
    turns = Turns(database, Router(SCRIPTS), city, DOORS, lambda: MONDAY)
    loop, closed = asyncio.get_running_loop(), asyncio.Event()
    under_way: set[asyncio.Task[None]] = set()

    async def answer(message: Incoming) -> None:
        if acknowledges_first:
            line.send((message.key, [], False))
        try:
            reply = await turns.take(message)
            told: Told = message.key, [page.to_json() for page in reply.pages], reply.replayed
        except Overloaded:
            told = message.key, None, False
        if not acknowledges_first:
            line.send(told)

    def hears() -> None:
        if (message := line.recv()) is None:
            loop.remove_reader(line.fileno())
            closed.set()
            return
        task = asyncio.create_task(answer(message))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    loop.add_reader(line.fileno(), hears)
    await closed.wait()
    await asyncio.gather(*under_way)
    await database.close()


# --- Outside -------------------------------------------------------------------------------------------------------


class Mortal:
    """One process after another; what the dead one left unanswered is brought to the next."""

    def __init__(self, url: str, *, acknowledges_first: bool = False) -> None:
        self.url, self.acknowledges_first = url, acknowledges_first
        self.acknowledged: list[Acknowledged] = []
        self.deliveries = 0
        self._waiting: dict[str, tuple[Incoming, asyncio.Future[Pages]]] = {}
        self._process: Any = None
        self._line: Connection | None = None
        self._warm, self._fell_silent = asyncio.Event(), asyncio.Event()
        self._answers = 0

    def begins(self) -> None:
        """Start one."""
        self._answers = 0
        self._warm.clear()
        self._fell_silent.clear()
        self._line, theirs = FORKS.Pipe()
        self._process = FORKS.Process(target=live, args=(theirs, self.url, self.acknowledges_first), daemon=True)
        self._process.start()
        theirs.close()
        asyncio.get_running_loop().add_reader(self._line.fileno(), self._hears)
        for message, _answer in self._waiting.values():
            self._bring(message)

    async def deliver(self, message: Incoming) -> Pages:
        """Bring a message, to as many processes as it takes; what it was acknowledged with."""
        answer: asyncio.Future[Pages] = asyncio.get_running_loop().create_future()
        self._waiting[message.key] = message, answer
        self._bring(message)
        return await answer

    async def is_killed(self, after: float) -> None:
        """Let it live for so many seconds once it is warm, then not a moment longer."""
        async with asyncio.timeout(PATIENCE):
            await self._warm.wait()
            await asyncio.sleep(after)
            self._process.kill()
            # What it had acknowledged before is still on its way to us.
            await self._fell_silent.wait()
        self._process.join()
        assert self._process.exitcode == -signal.SIGKILL

    async def ends(self) -> None:
        """In order, when everything is answered."""
        assert self._line is not None
        self._line.send(None)
        async with asyncio.timeout(PATIENCE):
            await self._fell_silent.wait()
        self._process.join()
        assert self._process.exitcode == 0

    def _bring(self, message: Incoming) -> None:
        self.deliveries += 1
        if self._line is not None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._line.send(message)

    def _hears(self) -> None:
        assert self._line is not None
        try:
            key, pages, replayed = self._line.recv()
        except (EOFError, ConnectionResetError):
            asyncio.get_running_loop().remove_reader(self._line.fileno())
            self._line.close()
            self._line = None
            self._fell_silent.set()
            return
        message, answer = self._waiting[key]
        if pages is None:
            self._bring(message)
            return
        del self._waiting[key]
        self.acknowledged.append(Acknowledged(message, pages, replayed))
        answer.set_result(pages)
        self._answers += 1
        if self._answers >= WARM:
            self._warm.set()


def acknowledged(processes: Sequence[Mortal]) -> list[Acknowledged]:
    """By all of them."""
    return [one for process in processes for one in process.acknowledged]
