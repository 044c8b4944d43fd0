"""A sign of life: a lock of a session of one's own, which PostgreSQL frees within milliseconds of the process's end.

A hint that saves the rest of a dead holder's lease, no more: behind a pooler of connections there is none, and nothing
rests on it.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import SIGNS_OF_LIFE, Database, has_sign

PATIENCE = 2.0
"""Seconds that the hint may cost whoever waits for it."""


class Presence:
    """One lock under a number of our own, held by one connection outside the pool for as long as that lives."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._number = secrets.randbelow(2**31 - 1) + 1
        self._connection: AsyncConnection | None = None
        self._bare: Any = None
        self._is_pooled = False
        self._asking = asyncio.Lock()

    @property
    def is_lost(self) -> bool:
        """Has the connection ended under us? Others will take us for dead."""
        return self._connection is not None and bool(self._bare.is_closed())

    async def keep(self) -> int:
        """Have the lock, again if its connection was lost. Returns its number; 0: others cannot see us by it."""
        async with self._asking:
            if self._is_pooled:
                return 0
            try:
                async with asyncio.timeout(PATIENCE):
                    if self.is_lost:
                        await self._drop()
                    return self._number if await self._lock() else 0
            except (DBAPIError, OSError, TimeoutError):
                await self._drop()
                return 0

    async def _lock(self) -> bool:
        if self._connection is not None:
            mine = select(has_sign(cast(self._number, Integer), func.pg_backend_pid()))
            if await self._connection.scalar(mine):
                return True
            # The statement came out at another session than the last one: a pooler stands between.
            self._is_pooled = True
            await self._drop()
            return False
        self._connection = await self._database.session()
        if self._connection is None:
            return False
        self._bare = (await self._connection.get_raw_connection()).driver_connection
        return bool(await self._connection.scalar(select(func.pg_try_advisory_lock(SIGNS_OF_LIFE, self._number))))

    async def end(self) -> None:
        """Let go."""
        async with self._asking:
            await self._drop()

    async def _drop(self) -> None:
        connection, self._connection, self._bare = self._connection, None, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()
