"""Jobs a second of two job queues on the same PostgreSQL, doing nothing: what our own table is measured against."""

from __future__ import annotations

import asyncio
import logging
import time
from importlib.util import find_spec

import asyncpg

from tests.postgres import server as postgres_server

AT_ONCE = 10
"""Jobs beside each other, and in a batch where there is such a thing: the libraries' defaults or near them."""


def measure(jobs: int) -> dict[str, float | None]:
    """By library; None: it is not installed here. They run a job again whose worker died; ours tells which message is
    uncertain.
    """
    libraries = {"procrastinate": _procrastinate, "pgqueuer": _pgqueuer}
    logging.disable(logging.CRITICAL)
    try:
        with postgres_server(durable=True) as running:
            return {
                name: asyncio.run(drain(_bare(running.create(name)), jobs)) if find_spec(name) else None
                for name, drain in libraries.items()
            }
    finally:
        logging.disable(logging.NOTSET)


def _bare(url: str) -> str:
    return url.replace("+asyncpg", "")


async def _procrastinate(url: str, jobs: int) -> float:
    from procrastinate import App, PsycopgConnector
    from procrastinate.types import JSONValue

    app = App(connector=PsycopgConnector(conninfo=url))

    @app.task(name="nothing")
    async def nothing(person: int) -> None:
        """Do nothing with somebody."""

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        people: list[dict[str, JSONValue]] = [{"person": number} for number in range(jobs)]
        await nothing.batch_defer_async(*people)
        began = time.perf_counter()
        await app.run_worker_async(wait=False, concurrency=AT_ONCE, install_signal_handlers=False)
        return jobs / (time.perf_counter() - began)


async def _pgqueuer(url: str, jobs: int) -> float:
    from pgqueuer import AsyncpgDriver, PgQueuer, Queries
    from pgqueuer.types import QueueExecutionMode

    connection = await asyncpg.connect(url)
    driver = AsyncpgDriver(connection)
    queries = Queries(driver)
    await queries.install()
    queue = PgQueuer(driver)

    @queue.entrypoint("nothing")
    async def nothing(_job: object) -> None:
        """Do nothing."""

    await queries.enqueue(["nothing"] * jobs, [None] * jobs, [0] * jobs)
    began = time.perf_counter()
    await queue.run(batch_size=AT_ONCE, mode=QueueExecutionMode.drain)
    seconds = time.perf_counter() - began
    await connection.close()
    return jobs / seconds
