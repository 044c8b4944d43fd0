"""A call that blocks the event loop fails the test it happens in, if our own code leads to it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import pytest
from blockbuster import BlockBuster, BlockingError

import bot

OURS = str(bot.__file__)


def act(code: str, file: str, **names: object) -> None:
    """Run code as if it stood in that file."""
    compiled: CodeType = compile(code, file, "exec")
    exec(compiled, names)


BLOCKING = {
    "sleeping": "time.sleep(0.001)",
    "reading a file": "path.read_text()",
    "SQLite in the loop's own thread": "sqlite3.connect(':memory:').execute('SELECT 1')",
}


@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
@pytest.mark.parametrize("code", BLOCKING.values(), ids=BLOCKING)
async def test_our_code_may_not_block_the_loop(code: str, tmp_path: Path) -> None:
    with pytest.raises(BlockingError):
        act(code, OURS, time=time, path=Path(__file__), sqlite3=sqlite3)


async def test_without_the_watch_the_same_call_passes(watch_over_blocking: BlockBuster) -> None:
    watch_over_blocking.deactivate()
    try:
        act("time.sleep(0.001)", OURS, time=time)
    finally:
        # The names that the fixture took out stay out.
        for name, call in watch_over_blocking.functions.items():
            if not name.startswith("threading."):
                call.activate()


async def test_what_only_a_test_does_may_block() -> None:
    act("time.sleep(0.001)", __file__, time=time)


def test_outside_the_loop_our_code_may_wait() -> None:
    act("time.sleep(0.001)", OURS, time=time)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Urumqi"])
async def test_what_is_read_once_may_be_read_in_the_loop(zone: str) -> None:
    from zoneinfo import ZoneInfo

    reads: list[Callable[[], object]] = [lambda: ZoneInfo.no_cache(zone)]
    act("for read in reads: read()", OURS, reads=reads)


async def test_databases_answer_beside_the_watch(database_url: str) -> None:
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar() == 1
    finally:
        await engine.dispose()
