"""SQLite's looks in threads that only read: a whole look crosses over once, where each of its statements did."""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from storage.together import Work, driven, within

T = TypeVar("T")

AT_ONCE = 4
"""Looks beside each other: a long one keeps no sender waiting."""


class Looking:
    """Runs work that changes nothing, each on one consistent state, without waiting for a writer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: deque[Connection] = deque()
        """The last one used at the end: it has the most at hand."""
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="looks")

    async def do(self, work: Work[T]) -> T:
        """Look, and come back with what was seen. Raises what it raised; whoever gives up leaves nothing open."""
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, self._look, work)

    def _look(self, work: Work[T]) -> T:
        """In a thread."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._engine.connect()
        try:
            with within(connection, "BEGIN", "ROLLBACK"):
                seen = driven(work(connection))
        except (DBAPIError, sqlite3.Error):
            # Whatever state this connection is in: the next look begins with another one.
            connection.invalidate()
            connection.close()
            raise
        except BaseException:
            self._idle.append(connection)
            raise
        self._idle.append(connection)
        return seen

    async def close(self) -> None:
        """Finish what was begun, close the connections and end the threads."""
        await asyncio.to_thread(self._hang_up)

    def _hang_up(self) -> None:
        self._threads.shutdown()
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()
