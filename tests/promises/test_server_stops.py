"""PostgreSQL stops at once under turns, or an administrator ends its connections: nothing acknowledged is lost.

The platform brings again what was not acknowledged; the message's key says whether it had been done. `pg_ctl stop -m
immediate` is what a power cut is to PostgreSQL: nothing is flushed that was not, and the start recovers from its log.
"""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.conversations.kit import Town
from tests.postgres import Postgres
from tests.promises.load import LANES, SEATS, SOAK, load_of

pytestmark = [pytest.mark.durable, pytest.mark.postgres, pytest.mark.timeout(600)]

STOPS = 20 if SOAK else 2
ENDS = 60 if SOAK else 12
END_THE_OTHERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = 'menkou' AND pid <> pg_backend_pid()
    AND datname = current_database()
"""
UNDER_LOAD = 0.15
"""Seconds for which people are answered before the server stops."""


@pytest.fixture
def city_url(durable_city_url: str) -> str:
    """Of a server that flushes."""
    return durable_city_url


async def test_a_server_that_stops_at_once_has_after_its_start_whatever_was_acknowledged(
    town: Town, durable_postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    load = await load_of(town)
    async with asyncio.TaskGroup() as under_way:
        under_way.create_task(load.comes(3 * SEATS))
        for _stop in range(STOPS):
            await load.acknowledges(2 * LANES)
            await asyncio.sleep(UNDER_LOAD)
            await asyncio.to_thread(durable_postgres.crash)
            await asyncio.sleep(UNDER_LOAD)
            await asyncio.to_thread(durable_postgres.start)
        load.is_enough()
    replayed = sum(one.replayed for one in load.acknowledged)
    with capsys.disabled():
        print(f"\n{STOPS} stops, {len(load.acknowledged)} acknowledged, {load.sent_away} times sent away,", end=" ")
        print(f"{replayed} committed and not acknowledged", end=" ")
    assert load.sent_away >= STOPS, "no stop hit a message under way: the test proves nothing"
    await load.is_as_it_was_told()


async def test_connections_that_the_server_ends_again_and_again_lose_nothing_acknowledged(
    town: Town, city_url: str
) -> None:
    """As an administrator ends them, or a failover: in the middle of whatever each was doing."""
    load = await load_of(town)
    other = await asyncpg.connect(city_url.replace("+asyncpg", ""))
    async with asyncio.TaskGroup() as under_way:
        under_way.create_task(load.comes(3 * SEATS))
        for _time in range(ENDS):
            await load.acknowledges(LANES)
            ended = await other.fetchval(END_THE_OTHERS)
            assert ended, "nobody was connected"
        load.is_enough()
    await other.close()
    assert load.sent_away >= ENDS / 2, "hardly any hit a message under way: the test proves little"
    await load.is_as_it_was_told()
