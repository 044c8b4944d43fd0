"""SQLite's log carried over into its file, in a thread of its own: otherwise it is a commit that does it, whoever's.

The rows of a campaign are a thousand pages in no time, and whoever's commit came upon them had to carry them over, with
everybody waiting behind it. Docs: docs/decisions/31-chunks-are-not-flushed.md.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

CARRY_OVER = "PRAGMA wal_checkpoint(PASSIVE)"
"""Waits for nobody and lets everybody write meanwhile. What it carries over is on disk first, in the log."""


class Checkpoints:
    """Carries over when it is asked, one time after another; asking while it does so has it look once more."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._asked = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoints")

    def ask(self) -> None:
        """Have carried over what is in the log by now; nobody waits for it."""
        if not self._asked:
            self._asked = True
            self._thread.submit(self._carry_over)

    def _carry_over(self) -> None:
        self._asked = False
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            bare: Any = self._connection.connection.driver_connection
            bare.execute(CARRY_OVER).fetchone()
        except (sqlite3.Error, SQLAlchemyError):
            # The file is away, full or locked: whoever writes hears it, and a commit carries over what we do not.
            self._hang_up()

    async def close(self) -> None:
        """Finish what was asked, close the connection and end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._hang_up)
        self._thread.shutdown()

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
