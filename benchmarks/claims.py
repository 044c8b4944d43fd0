"""Rows a second through look, claim and record, beside the same statements by the bare driver."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from dataclasses import dataclass

import asyncpg
from sqlalchemy.engine import make_url

from benchmarks import crowd
from storage import outbox, slots, waiting
from storage.outbox import Result
from storage.tables.delivery import State
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
        ours = await _ours(city, rows)
        await crowd.announce(city, 2)
        await _tidy(url)
        if city.database.dialect == "sqlite":
            bare = await asyncio.to_thread(_sqlite, url, rows)
        else:
            bare = await _pg(url, rows)
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
        async with database.read() as unit:
            messages = await waiting.peek(unit, "telegram", now, BATCH)
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
    "SELECT id, attempt FROM outbox WHERE account = 'telegram' AND lane = 9 AND state = 0 AND id > {} "
    "ORDER BY id LIMIT 500"
)
"""From behind the last row of the page before: else PostgreSQL sorts all that waits for each page, or walks through all
that is finished, whichever its statistics of the moment make look cheaper."""
FENCE = "EXISTS (SELECT 1 FROM sender_slot WHERE account = 'telegram' AND epoch = 1)"


def _sqlite(url: str, rows: int) -> tuple[float, float]:
    """The same statements in one thread."""
    file = sqlite3.connect(str(make_url(url).database), isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "secure_delete=ON"):
        file.execute(f"PRAGMA {pragma}")
    watch, done, last = Watch(), 0, 0
    while done < rows:
        found = file.execute(PEEK.format("?"), (last,)).fetchall()
        last = found[-1][0]
        file.execute("BEGIN IMMEDIATE")
        file.execute(
            "UPDATE outbox SET state = 1, attempt = attempt + 1, epoch = 1 WHERE state = 0 "
            f"AND id IN (SELECT value FROM json_each(?)) AND {FENCE} RETURNING id, attempt",
            (json.dumps([id_ for id_, _attempt in found]),),
        ).fetchall()
        file.execute("COMMIT")
        file.execute("BEGIN IMMEDIATE")
        file.executemany(
            "UPDATE outbox SET state = 2, receipt = '1', done = 1 "
            "WHERE id = ? AND epoch = 1 AND attempt = ? AND state = 1",
            [(id_, attempt + 1) for id_, attempt in found],
        )
        file.execute("COMMIT")
        done += len(found)
    measured = watch.read(rows)
    file.close()
    return measured


async def _pg(url: str, rows: int) -> tuple[float, float]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    watch, done, last = Watch(), 0, 0
    while done < rows:
        found = await connection.fetch(PEEK.format("$1"), last)
        last = found[-1]["id"]
        async with connection.transaction():
            await connection.fetch(
                "UPDATE outbox SET state = 1, attempt = attempt + 1, epoch = 1 WHERE state = 0 "
                f"AND id = ANY($1::bigint[]) AND {FENCE} RETURNING id, attempt",
                [row["id"] for row in found],
            )
        async with connection.transaction():
            await connection.executemany(
                "UPDATE outbox SET state = 2, receipt = '1', done = 1 "
                "WHERE id = $1 AND epoch = 1 AND attempt = $2 AND state = 1",
                [(row["id"], row["attempt"] + 1) for row in found],
            )
        done += len(found)
    measured = watch.read(rows)
    await connection.close()
    return measured
