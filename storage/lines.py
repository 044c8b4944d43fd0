"""PostgreSQL's connections that turns keep at hand: SQLAlchemy's pool takes 50 µs to give one and take it back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.prepared import OnPostgreSQL

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that a turn waits for a line, as long as anything else waits for a connection."""


@dataclass(frozen=True, slots=True)
class Line:
    """One connection: asyncpg's own, and SQLAlchemy's around it, which is told to commit by itself.

    The transaction is begun and ended on asyncpg's; what SQLAlchemy runs meanwhile is within it.
    """

    connection: AsyncConnection
    bare: Any
    driver: OnPostgreSQL


class Lines:
    """So many lines, opened when they are needed, the last used first: what the server has at hand for it is warm."""

    def __init__(self, engine: AsyncEngine, most: int) -> None:
        """`engine` opens them; its pool must have room for as many."""
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._free = asyncio.Semaphore(most)
        self._idle: list[Line] = []

    async def transact(self, work: Callable[[Line], Coroutine[Any, Any, T]]) -> T:
        """Do it in a transaction of its own, and come back when that is committed. Raises PoolTimeout."""
        await self._turn_comes()
        try:
            line = await self._whole()
            try:
                await line.driver.command("BEGIN")
                value = await work(line)
                await line.driver.command("COMMIT")
                if line.connection.in_transaction():  # SQLAlchemy's word for having been used
                    await line.connection.rollback()
            except BaseException:
                await self._undo(line)
                raise
            self._idle.append(line)
            return value
        finally:
            self._free.release()

    async def _turn_comes(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._free.acquire()
        except TimeoutError:
            raise PoolTimeout("no connection was free in time") from None

    async def _whole(self) -> Line:
        """A line that stands; those that the server closed since they were used are thrown away."""
        while self._idle:
            line = self._idle.pop()
            if not line.bare.is_closed():
                return line
            await self._hang_up(line)
        connection = await self._engine.connect()
        bare: Any = (await connection.get_raw_connection()).driver_connection
        return Line(connection, bare, OnPostgreSQL(bare, connection.dialect))

    async def _undo(self, line: Line) -> None:
        """Undo what was done. A line that is lost is undone by the server, and nobody gets it again."""
        try:
            await line.driver.command("ROLLBACK")
            await line.connection.rollback()
        except Exception:  # noqa: BLE001
            await self._hang_up(line)
        else:
            self._idle.append(line)

    async def _hang_up(self, line: Line) -> None:
        await line.connection.invalidate()
        await line.connection.close()

    async def close(self) -> None:
        """Hang up."""
        while self._idle:
            await self._idle.pop().connection.close()
        await self._engine.dispose()
