"""A sign of life: a lock of a session of one's own, which PostgreSQL frees within milliseconds of the process's end.

A hint that saves the rest of a dead holder's lease, no more: behind a pooler of connections there is none, and nothing
rests on it.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import asyncpg

from storage.database import SIGNS_OF_LIFE, Database

PATIENCE = 2.0
"""Seconds that the hint may cost whoever waits for it, at each step."""

_LOCK = "SELECT pg_try_advisory_lock($1, $2)"
_MINE = """SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND objid = $2
AND objsubid = 2 AND granted AND pid = pg_backend_pid())"""


class Presence:
    """One lock under a number of our own, held by one connection outside the pool for as long as that lives."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._number = secrets.randbelow(2**31 - 1) + 1
        self._connection: Any = None
        self._is_pooled = False
        self._asking = asyncio.Lock()

    @property
    def is_lost(self) -> bool:
        """Has the connection ended under us? Others will take us for dead."""
        return self._connection is not None and bool(self._connection.is_closed())

    async def keep(self) -> int:
        """Have the lock, again if its connection was lost. Returns its number; 0: others cannot see us by it."""
        async with self._asking:
            if self._is_pooled:
                return 0
            try:
                if self.is_lost:
                    self._drop()
                return self._number if await self._lock() else 0
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                self._drop()
                return 0

    async def _lock(self) -> bool:
        if self._connection is not None:
            if await self._connection.fetchval(_MINE, SIGNS_OF_LIFE, self._number):
                return True
            # The statement came out at another session than the last one: a pooler stands between.
            self._is_pooled = True
            self._drop()
            return False
        self._connection = await self._database.session(PATIENCE)
        if self._connection is None:
            return False
        return bool(await self._connection.fetchval(_LOCK, SIGNS_OF_LIFE, self._number))

    async def end(self) -> None:
        """Let go."""
        async with self._asking:
            connection, self._connection = self._connection, None
            if connection is not None and not connection.is_closed():
                try:
                    await connection.close(timeout=PATIENCE)
                except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                    connection.terminate()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
