"""Waiting for what must happen: seen, not guessed from the time that went by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlalchemy import text

from storage.database import Unit

_WAITS = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
)


async def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait, looking often, until something holds. Fails when it does not in `seconds`."""
    step = 0.01
    for _look in range(int(seconds / step)):
        if holds():
            return
        await asyncio.sleep(step)
    raise AssertionError(f"did not come to hold in {seconds:g} s")


async def somebody_waits_for(unit: Unit, otherwise: Callable[[], bool] = bool, seconds: float = 30.0) -> None:
    """Wait until PostgreSQL makes somebody wait for the end of this transaction, or until `otherwise` holds.

    On SQLite everybody who writes does. Raises TimeoutError.
    """
    async with asyncio.timeout(seconds):
        while unit.locks_rows and not (otherwise() or (await unit.run(_WAITS)).scalar_one()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
