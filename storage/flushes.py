"""PostgreSQL's disk, for whoever committed without it: one flush serves all who did since the one before.

A turn that is alone commits with a flush of its own. Where others are at work, each commits without, lets go of its
line, and is answered when a flush that was asked for after its commit has come back: whatever stands before it in the
server's log is on disk with it. That holds for one life of the server. So the connection that flushes was there before
the commit, and is never replaced behind its back: a server that stopped at once in between has lost what was committed,
and would flush for a new connection all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

LINGER = 0.004
"""Seconds for which a flush waits for others to commit before it, where some are about to."""


class Disk(Protocol):
    """A connection of one life of the server."""

    @property
    def is_lost(self) -> bool:
        """Has it ended?"""

    async def flush(self) -> None:
        """Come back when all that is committed is on disk. Raises where it has ended."""

    async def close(self) -> None:
        """Hang up."""


@dataclass(slots=True)
class _Behind:
    """Somebody who has committed."""

    disk: Disk
    reached: asyncio.Future[None]


class Flushes:
    """Waits for the disk together."""

    def __init__(self, connect: Callable[[], Awaitable[Disk]], expects: Callable[[], bool]) -> None:
        """`expects`: is anybody about to commit?"""
        self._connect = connect
        self._expects = expects
        self._disk: Disk | None = None
        self._connecting = asyncio.Lock()
        self._behind: list[_Behind] = []
        """Whoever committed since the last flush began."""
        self._rounds: asyncio.Task[None] | None = None
        self._nobody_comes = asyncio.Event()

    @property
    def are_waited_for(self) -> bool:
        """Will one begin anyway?"""
        return bool(self._behind)

    async def disk(self) -> Disk | None:
        """What is to be flushed later; to be asked for before a commit. None: it cannot be had, so that whoever commits
        has to wait for the disk alone."""
        async with self._connecting:
            if self._disk is not None and self._disk.is_lost:
                lost, self._disk = self._disk, None
                await lost.close()
            if self._disk is None:
                try:
                    self._disk = await self._connect()
                except Exception as none:  # noqa: BLE001 - whatever keeps us from one more connection
                    log.warning("no connection for the disk", error=type(none).__name__)
            return self._disk

    async def reach(self, disk: Disk) -> None:
        """Come back when all that is committed by now is on it. Raises what the flush raised: it may be, or not."""
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._behind.append(_Behind(disk, reached))
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._run(), name="flushes")
        await reached

    def nobody_comes(self) -> None:
        """Nobody is about to commit any more."""
        self._nobody_comes.set()

    async def _run(self) -> None:
        while self._behind:
            if self._expects():
                await self._linger()
            served, self._behind = self._behind, []
            try:
                for disk in dict.fromkeys(one.disk for one in served):
                    await self._flush(disk, [one.reached for one in served if one.disk is disk])
            finally:
                for one in served:
                    one.reached.cancel()  # nobody is left waiting where we are told to stop

    @staticmethod
    async def _flush(disk: Disk, served: list[asyncio.Future[None]]) -> None:
        failed: Exception | None = None
        try:
            await disk.flush()
        except Exception as error:  # noqa: BLE001 - each of them hears it
            failed = error
        for one in served:
            if one.done():
                continue  # whoever it was has been told to stop
            if failed is None:
                one.set_result(None)
            else:
                one.set_exception(failed)

    async def _linger(self) -> None:
        self._nobody_comes.clear()
        try:
            async with asyncio.timeout(LINGER):
                await self._nobody_comes.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Finish what was asked for, and hang up."""
        if self._rounds is not None:
            await asyncio.wait({self._rounds})
        if self._disk is not None:
            await self._disk.close()
