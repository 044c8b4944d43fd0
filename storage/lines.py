"""PostgreSQL's connections that turns and looks keep at hand: to give one and take it back costs a pool 50 µs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.flushes import Disk, Flushes
from storage.prepared import OnPostgreSQL

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that a turn waits for a line, as long as anything else waits for a connection."""


@dataclass(slots=True, eq=False)
class Line:
    """One connection: asyncpg's own, and SQLAlchemy's around it, which is told to commit by itself.

    The transaction is begun and ended on asyncpg's; what SQLAlchemy runs meanwhile is within it.
    """

    connection: AsyncConnection
    bare: Any
    driver: OnPostgreSQL
    begun: bool = False
    """Its transaction was begun by the commit of the one before."""

    @property
    def is_lost(self) -> bool:
        """Has the server, or the way to it, ended it?"""
        return bool(self.bare.is_closed())

    async def flush(self) -> None:
        """Outside a transaction: come back when all that is committed is on disk."""
        await self.driver.flush()

    async def close(self) -> None:
        """Hang up."""
        if self.is_lost:
            await self.connection.invalidate()
        await self.connection.close()


async def opened(engine: AsyncEngine) -> tuple[AsyncConnection, Any]:
    """A connection with asyncpg's own, which is given back where that cannot be had."""
    connection = await engine.connect()
    try:
        return connection, (await connection.get_raw_connection()).driver_connection
    except BaseException:
        await connection.close()
        raise


class Lines:
    """So many lines, opened when they are needed, the last used first: what the server has at hand for it is warm."""

    def __init__(self, engine: AsyncEngine, most: int) -> None:
        """`engine` opens them, and keeps none itself."""
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._room = most
        self._idle: list[Line] = []
        self._waiting: deque[asyncio.Future[Line | None]] = deque()
        self._to_commit = 0
        self._flushes = Flushes(self._opened, expects=lambda: self._to_commit > 0)

    async def transact(
        self, work: Callable[[Line], Coroutine[Any, Any, T]], committed: Callable[[], None] | None = None
    ) -> T:
        """Do it in a transaction of its own, and come back when that is committed and on disk; `committed` is called
        in between. Raises PoolTimeout."""
        self._to_commit += 1
        try:
            value, disk = await self._committed(work)
        finally:
            self._to_commit -= 1
            if not self._to_commit:
                self._flushes.nobody_comes()
        if committed is not None:
            committed()
        if disk is not None:
            await self._flushes.reach(disk)
        return value

    async def _committed(self, work: Callable[[Line], Coroutine[Any, Any, T]]) -> tuple[T, Disk | None]:
        """What came of it, and the disk that is to have it; None: it has."""
        line = await self._take()
        try:
            if not line.begun:
                await line.driver.begin()
            value = await work(line)
            # Somebody waits: the commit begins their transaction too, and spares them the journey.
            line.begun = bool(self._waiting)
            alone = self._to_commit == 1 and not self._flushes.are_waited_for
            disk = None if alone else await self._flushes.disk()
            await line.driver.commit(line.begun, on_disk=disk is None)
            if line.connection.in_transaction():  # SQLAlchemy's word for having been used
                await line.connection.rollback()
        except BaseException:
            await self._undo(line)
            raise
        await self._give(line)
        return value, disk

    async def look(self, work: Callable[[Line], Coroutine[Any, Any, T]]) -> T:
        """Do what changes nothing, outside a transaction: each statement sees what is committed by then. Raises
        PoolTimeout."""
        line = await self._take()
        try:
            value = await work(line)
            if line.connection.in_transaction():
                await line.connection.rollback()
            if line.begun:  # by the commit of a turn: this look waited for its line
                line.begun = bool(self._waiting)
                await line.driver.commit(line.begun)
        except BaseException:
            await self._undo(line)
            raise
        await self._give(line)
        return value

    async def _take(self) -> Line:
        while self._idle or not self._room:
            line = self._idle.pop() if self._idle else await self._handed_over()
            if line is None:
                break
            if not line.is_lost:
                return line
            await self._hang_up(line)
        return await self._open()

    async def _open(self) -> Line:
        self._room -= 1
        try:
            return await self._opened()
        except BaseException:
            self._make_room()
            raise

    async def _opened(self) -> Line:
        """One more, of nobody's."""
        connection, bare = await opened(self._engine)
        return Line(connection, bare, OnPostgreSQL(bare, connection.dialect))

    async def _handed_over(self) -> Line | None:
        """The next line that is given back; None: there is room for a new one. Raises PoolTimeout."""
        loop = asyncio.get_running_loop()
        coming: asyncio.Future[Line | None] = loop.create_future()
        self._waiting.append(coming)
        patience = loop.call_later(PATIENCE, _disappoint, coming)
        try:
            return await coming
        except asyncio.CancelledError:
            if coming.done() and not coming.cancelled() and (line := coming.result()) is not None:
                await self._give(line)  # it came as we were told to stop
            raise
        finally:
            patience.cancel()

    def _next_waiting(self) -> asyncio.Future[Line | None] | None:
        while self._waiting:
            coming = self._waiting.popleft()
            if not coming.done():
                return coming
        return None

    async def _give(self, line: Line) -> None:
        """To whoever has waited longest, else back to the others."""
        coming = self._next_waiting()
        if coming is not None:
            coming.set_result(line)
        elif line.begun:  # whoever waited has given up
            await self._undo(line)
        else:
            self._idle.append(line)

    async def _undo(self, line: Line) -> None:
        """Undo what was done. A line that is lost is undone by the server, and nobody gets it again."""
        try:
            await line.driver.rollback()
            await line.connection.rollback()
        except Exception:  # noqa: BLE001
            await self._hang_up(line)
        except BaseException:
            line.bare.terminate()
            self._make_room()
            raise
        else:
            line.begun = False
            await self._give(line)

    async def _hang_up(self, line: Line) -> None:
        self._make_room()
        await line.connection.invalidate()
        await line.connection.close()

    def _make_room(self) -> None:
        self._room += 1
        coming = self._next_waiting()
        if coming is not None:
            coming.set_result(None)

    async def close(self) -> None:
        """Hang up."""
        await self._flushes.close()
        while self._idle:
            await self._idle.pop().connection.close()
        await self._engine.dispose()


def _disappoint(coming: asyncio.Future[Any]) -> None:
    if not coming.done():
        coming.set_exception(PoolTimeout("no connection was free in time"))
