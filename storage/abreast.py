"""PostgreSQL's turns abreast: each in a transaction of its own while few are at work, else in batches.

Whoever comes while `AT_WORK` transactions are under way waits for the first of them to be committed, and goes then with
all who waited meanwhile (`storage.batch`). Nobody is answered before the commit that holds their turn is on disk.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog

from storage.batch import Batch, Done, Member, Work
from storage.lines import Lines
from storage.prepared import Unforeseen

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

log = structlog.get_logger(__name__)

AT_WORK = 3
"""Transactions of turns beside each other, before others wait for company: while one is at the server, Python is at
another. With two or four, fewer turns a second are done on two cores."""

MOST = 16
"""Turns in one transaction at most: the first of them waits for the last, about half a millisecond each."""

PATIENCE = 0.05
"""Seconds for which somebody waits for company at most: whoever is slow holds nobody up."""

Leave = Callable[[], None]
"""Gives a place among those at work back; twice is once."""


class Alone(Protocol[T_co]):
    """A turn in a transaction of its own."""

    def __call__(self, committed: Leave | None = None) -> Awaitable[T_co]:
        """`committed` is called when that is done, before it is on disk."""


@dataclass(frozen=True, slots=True)
class _GoAlone:
    """It is to be done alone; with a place among those at work, or without."""

    leave: Leave | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A turn that waits for company."""

    work: Work
    context: contextvars.Context
    outcome: asyncio.Future[Done | _GoAlone]


class Abreast:
    """Decides which turns share a transaction."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._at_work = 0
        self._waiting: deque[_Waiting] = deque()
        self._patience: asyncio.TimerHandle | None = None
        self._batches: set[asyncio.Task[None]] = set()

    async def do(self, alone: Alone[T], work: Callable[[Member], Coroutine[Any, Any, T]]) -> T:
        """Do it, and come back when it is on disk. Both are the same turn: `work` as one of a batch, `alone` by itself,
        from the beginning where it could not stay. Raises what `alone` raises, and PoolTimeout."""
        if self._waiting or self._at_work >= AT_WORK:
            went = await self._wait(work)
            if isinstance(went, Done):
                value: T = went.value
                return value
            leave = went.leave
        else:
            leave = self._take_place()
        try:
            return await alone(leave)
        finally:
            if leave is not None:
                leave()

    async def _wait(self, work: Work) -> Done | _GoAlone:
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Done | _GoAlone] = loop.create_future()
        self._waiting.append(_Waiting(work, contextvars.copy_context(), outcome))
        if self._patience is None:
            self._patience = loop.call_later(PATIENCE, self._wait_no_longer)
        try:
            return await outcome
        except asyncio.CancelledError:
            if outcome.done() and not outcome.cancelled():
                went = outcome.result()
                if isinstance(went, _GoAlone) and went.leave is not None:
                    went.leave()  # it came as we were told to stop
            raise

    def _take_place(self) -> Leave:
        self._at_work += 1
        has_it = True

        def leave() -> None:
            nonlocal has_it
            if has_it:
                has_it = False
                self._at_work -= 1
                self._go_on()

        return leave

    def _go_on(self) -> None:
        """Somebody is done: the next may begin."""
        if self._at_work < AT_WORK:
            self._begin()
        if not self._waiting and self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _wait_no_longer(self) -> None:
        self._patience = None
        self._begin()
        if self._waiting:
            self._patience = asyncio.get_running_loop().call_later(PATIENCE, self._wait_no_longer)

    def _begin(self) -> None:
        several: list[_Waiting] = []
        while self._waiting and len(several) < MOST:
            one = self._waiting.popleft()
            if not one.outcome.done():  # somebody waits for it still
                several.append(one)
        if len(several) == 1:
            several[0].outcome.set_result(_GoAlone(self._take_place()))
        elif several:
            task = asyncio.create_task(self._together(several, self._take_place()), name="turns")
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)

    async def _together(self, several: Sequence[_Waiting], leave: Leave) -> None:
        went: Sequence[Done | None] = [None] * len(several)
        batch = Batch((one.work, one.context) for one in several)
        try:
            went = await self._lines.transact(batch.walk, leave)
        except asyncio.CancelledError:
            for one in several:
                one.outcome.cancel()
            raise
        except Exception as failed:  # noqa: BLE001 - each hears it: now, or alone
            if not batch.has_begun:  # there is no connection to be had: by itself nobody would get one either
                _tell(several, failed)
            elif not isinstance(failed, Unforeseen):
                log.warning("turns go alone", turns=len(several), error=type(failed).__name__)
        finally:
            leave()
            for one, done in zip(several, went, strict=True):
                if not one.outcome.done():
                    one.outcome.set_result(_GoAlone() if done is None else done)

    async def close(self) -> None:
        """Finish what was begun."""
        if self._batches:
            await asyncio.wait(self._batches)


def _tell(several: Sequence[_Waiting], failed: Exception) -> None:
    for one in several:
        if not one.outcome.done():
            one.outcome.set_exception(failed)
