"""Who waits for a transaction that a test holds open: seen at the server, not guessed from the time that went by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlalchemy import text

from storage.database import Unit

_WAITS = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
)


async def somebody_waits_for(unit: Unit, otherwise: Callable[[], bool] = bool, seconds: float = 30.0) -> None:
    """Wait until PostgreSQL makes somebody wait for the end of this transaction, or until `otherwise` holds.

    On SQLite everybody who writes does. Raises TimeoutError.
    """
    async with asyncio.timeout(seconds):
        while unit.locks_rows and not (otherwise() or (await unit.run(_WAITS)).scalar_one()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
