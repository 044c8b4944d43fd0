"""Rows a second through look, claim and record, beside the least that does the job by the bare driver.

Both ways: the same table with all its indexes, as many rows, pages of 500, two commits a page, each flushed to disk,
and Python's looks for garbage as they are in a server (bot/memory.py).
The bare one finds what is due (with whom it is for), marks it as being sent behind the slot's number, and marks what
was claimed with its receipt and moment. It does not look whether an intention was paused or stopped, has one lane and
one campaign, reads no intention, and knows no pages, routes, reasons, late receipts or second attempts: ours does.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from dataclasses import dataclass

import asyncpg
from sqlalchemy.engine import make_url

from benchmarks import crowd
from bot.memory import settled
from storage import outbox, slots, waiting
from storage.outbox import Result
from storage.tables.delivery import State
from storage.tables.kinds import to_milliseconds
from tests.delivery.kit import SmallCity

BATCH = 500
"""Half a second of an account that sends 1,000 a second."""


@dataclass(frozen=True)
class Through:
    """Rows a second, and microseconds of this process' processor time for each row."""

    bare: float
    ours: float
    bare_cpu: float
    ours_cpu: float


class Watch:
    """Measures from its making on."""

    def __init__(self) -> None:
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def read(self, rows: int) -> tuple[float, float]:
        """(rows a second, microseconds of processor time a row)."""
        spent = time.process_time() - self._cpu
        return rows / (time.perf_counter() - self._began), spent / rows * 1e6


def measure(rows: int) -> dict[str, Through]:
    """On both databases; each way has so many rows of its own."""
    with crowd.places("claims") as urls:
        return {name: asyncio.run(_measure(url, rows)) for name, url in urls.items()}


async def _measure(url: str, rows: int) -> Through:
    city = await crowd.found(url, rows)
    try:
        await crowd.announce(city)
        await _tidy(url)
        with settled():
            ours = await _ours(city, rows)
        await crowd.announce(city, 2)
        await _tidy(url)
        with settled():
            if city.database.dialect == "sqlite":
                bare = await asyncio.to_thread(_sqlite, url, rows, to_milliseconds(city.clock.now))
            else:
                bare = await _pg(url, rows, to_milliseconds(city.clock.now))
        return Through(bare[0], ours[0], bare[1], ours[1])
    finally:
        await city.close()


async def _tidy(url: str) -> None:
    """PostgreSQL counts and clears up when it pleases: in the middle of one way or the other."""
    if url.startswith("postgresql"):
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute("VACUUM ANALYZE outbox")
        await connection.close()


async def _ours(city: SmallCity, rows: int) -> tuple[float, float]:
    """As the sender does it: a look, the write-ahead in a transaction of its own, the results in another."""
    database, now = city.database, city.clock.now
    async with database.write() as unit:
        slot = await slots.take(unit, "telegram", "benchmark", 1, 10**12)
        assert slot is not None
    watch, done = Watch(), 0
    while done < rows:
        messages = await database.look(lambda unit: waiting.peek(unit, "telegram", now, BATCH))
        ids = [one.id for one in messages]
        claimed = await database.turn(lambda unit: outbox.claim(unit, "telegram", slot.epoch, ids))  # noqa: B023
        results = [
            Result(one.id, slot.epoch, claimed[one.id], one.person, State.SENT, "telegram", one.due, receipt="1")
            for one in messages
        ]
        await database.turn(lambda unit: outbox.record(unit, results, now))  # noqa: B023
        done += len(results)
    return watch.read(rows)


PEEK = (
    "SELECT id, person, attempt, due FROM outbox WHERE account = 'telegram' AND lane = 9 AND state = 0 "
    "AND due <= {} AND (due, id) > ({}, {}) ORDER BY due, id LIMIT 500"
)
"""What is due, in the order of its index, from behind the last row of the page before. By `id` alone either database
sorts all that waits for each page, or walks through all that is finished."""
CLAIM = (
    "UPDATE outbox SET state = 1, attempt = attempt + 1, epoch = 1 WHERE state = 0 AND {} "
    "AND EXISTS (SELECT 1 FROM sender_slot WHERE account = 'telegram' AND epoch = 1) RETURNING id, attempt"
)
MARK = "UPDATE outbox SET state = 2, receipt = {}, done = {} WHERE id = {} AND epoch = 1 AND attempt = {} AND state = 1"
FINISHED = "SELECT count(*) FROM outbox WHERE state = 2 AND fanout = 2 AND receipt = '1'"


def _sqlite(url: str, rows: int, now: int) -> tuple[float, float]:
    """In one thread, on a connection set up like ours; with eight times its cache."""
    file = sqlite3.connect(str(make_url(url).database), isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "secure_delete=ON"):
        file.execute(f"PRAGMA {pragma}")
    watch, done, last = Watch(), 0, (0, 0)
    while done < rows:
        found = file.execute(PEEK.format("?", "?", "?"), (now, *last)).fetchall()
        last = found[-1][3], found[-1][0]
        ids = json.dumps([id_ for id_, _person, _attempt, _due in found])
        file.execute("BEGIN IMMEDIATE")
        claimed = file.execute(CLAIM.format("id IN (SELECT value FROM json_each(?))"), (ids,)).fetchall()
        file.execute("COMMIT")
        file.execute("BEGIN IMMEDIATE")
        file.executemany(MARK.format("?", "?", "?", "?"), [("1", now, id_, attempt) for id_, attempt in claimed])
        file.execute("COMMIT")
        done += len(claimed)
    measured = watch.read(rows)
    (finished,) = file.execute(FINISHED).fetchone()
    assert finished == rows
    file.close()
    return measured


async def _pg(url: str, rows: int, now: int) -> tuple[float, float]:
    """On one connection; asyncpg prepares each statement once and sends the marks of a page in one journey."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    watch, done, last = Watch(), 0, (0, 0)
    while done < rows:
        found = await connection.fetch(PEEK.format("$1", "$2", "$3"), now, *last)
        last = found[-1]["due"], found[-1]["id"]
        async with connection.transaction():
            ids = [row["id"] for row in found]
            claimed = await connection.fetch(CLAIM.format("id = ANY($1::bigint[])"), ids)
        async with connection.transaction():
            marks = [("1", now, row["id"], row["attempt"]) for row in claimed]
            await connection.executemany(MARK.format("$1", "$2", "$3", "$4"), marks)
        done += len(claimed)
    measured = watch.read(rows)
    assert await connection.fetchval(FINISHED) == rows
    await connection.close()
    return measured
