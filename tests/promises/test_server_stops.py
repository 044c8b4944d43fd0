"""PostgreSQL stops at once under turns, or an administrator ends its connections: nothing acknowledged is lost.

The platform brings again what was not acknowledged; the message's key says whether it had been done. `pg_ctl stop -m
immediate` is what a power cut is to PostgreSQL: nothing is flushed that was not, and the start recovers from its log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from bot.talk import Incoming
from bot.talk.door import Overloaded
from storage import prepared, turns
from storage.database import LINES
from storage.flushes import Disk, Flushes
from tests.conversations.kit import Chat, Town
from tests.postgres import Postgres
from tests.promises.load import LANES, SATURDAY, SEATS, SOAK, joined, load_of

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


# --- Let go before it is on disk ---------------------------------------------------------------------------------


@pytest.fixture
async def lazy(durable_postgres: Postgres, city_url: str) -> AsyncIterator[None]:
    """The server writes by itself, what nobody waits for, only every ten seconds."""
    other = await asyncpg.connect(city_url.replace("+asyncpg", ""))
    await other.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
    await other.execute("SELECT pg_reload_conf()")
    yield
    await other.close()
    other = await asyncpg.connect(city_url.replace("+asyncpg", ""))
    await other.execute("ALTER SYSTEM RESET wal_writer_delay")
    await other.execute("SELECT pg_reload_conf()")
    await other.close()


async def confirms(town: Town, seats: int) -> Incoming:
    """Ann's last “yes” to one of so many seats."""
    activity = await town.publishes(Chat(town, "web", "Olga"), "Reading to children", SATURDAY, seats=seats)
    ann = Chat(town, "wechat", "Ann")
    await ann.opens("join", activity)
    await ann.introduces_itself()
    return ann.incoming(text="yes")


async def stops_and_starts(server: Postgres) -> None:
    await asyncio.to_thread(server.crash)
    await asyncio.to_thread(server.start)


@pytest.mark.parametrize("flushes", [True, False], ids=["sound", "control"])
@pytest.mark.parametrize("seats", [LINES, SEATS], ids=["decided", "foreseen"])
async def test_a_seat_that_others_waited_for_is_on_disk_when_it_is_answered(
    town: Town, durable_postgres: Postgres, lazy: None, monkeypatch: pytest.MonkeyPatch, seats: int, flushes: bool
) -> None:
    if not flushes:
        monkeypatch.setattr(prepared, "ON_DISK", "SELECT 1")
        monkeypatch.setattr(prepared, "LET_GO", (*prepared.LET_GO[:-1], "SELECT 1"))
    message = await confirms(town, seats)
    assert "You are in" in (await town.turns.take(message)).pages[0].text
    await stops_and_starts(durable_postgres)
    assert await joined(town) == flushes


@pytest.mark.parametrize("flushes", [True, False], ids=["sound", "control"])
async def test_so_is_one_whose_disk_was_waited_for_together_with_others(
    town: Town, durable_postgres: Postgres, lazy: None, monkeypatch: pytest.MonkeyPatch, flushes: bool
) -> None:
    if not flushes:
        monkeypatch.setattr(prepared.OnPostgreSQL, "flush", at_once)
    message = await confirms(town, SEATS)
    over = asyncio.Event()
    other = asyncio.create_task(town.database.turn(lambda _unit: over.wait()))
    await asyncio.sleep(0)  # somebody else is at work
    assert "You are in" in (await town.turns.take(message)).pages[0].text
    await asyncio.to_thread(durable_postgres.crash)
    over.set()
    with pytest.raises(DBAPIError):
        await other
    await asyncio.to_thread(durable_postgres.start)
    assert await joined(town) == flushes


@pytest.mark.parametrize("remembers", [True, False], ids=["sound", "control"])
async def test_a_server_that_was_started_again_meanwhile_does_not_flush_what_it_had_lost(
    town: Town, durable_postgres: Postgres, lazy: None, monkeypatch: pytest.MonkeyPatch, remembers: bool
) -> None:
    committed, started = asyncio.Event(), asyncio.Event()
    sound = Flushes.reach

    async def reach(flushes: Flushes, disk: Disk) -> None:
        committed.set()
        await started.wait()
        now = await flushes.disk()
        assert now is not None
        await sound(flushes, disk if remembers else now)

    monkeypatch.setattr(Flushes, "reach", reach)
    message = await confirms(town, SEATS)
    over = asyncio.Event()
    other = asyncio.create_task(town.database.turn(lambda _unit: over.wait()))
    await asyncio.sleep(0)  # somebody else is at work
    answer = asyncio.create_task(town.turns.take(message))
    await committed.wait()
    await stops_and_starts(durable_postgres)
    over.set()
    with pytest.raises(DBAPIError):
        await other
    started.set()
    if remembers:
        with pytest.raises(Overloaded):
            await answer
    else:
        assert "You are in" in (await answer).pages[0].text
    assert not await joined(town)


async def at_once(_driver: prepared.OnPostgreSQL) -> None:
    """A flush that does not wait for the disk."""


@pytest.mark.parametrize("locks", [True, False], ids=["sound", "control"])
async def test_so_is_one_that_another_replica_let_go_when_its_answer_is_given_again(
    town: Town, durable_postgres: Postgres, lazy: None, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    message = await confirms(town, SEATS)
    with monkeypatch.context() as between:
        between.setattr(prepared, "LET_GO", (*prepared.LET_GO[:-1], "SELECT 1"))
        await town.turns.take(message)  # stands for the other replica, which still waits for its disk
    if not locks:
        only_looks: Any = turns._BEGIN.statement
        only_looks = only_looks.with_only_columns(*only_looks.selected_columns, maintain_column_froms=True)
        only_looks._for_update_arg = None
        monkeypatch.setattr(turns, "_BEGIN", prepared.Prepared(only_looks))
    assert (await town.turns.take(message)).replayed
    await stops_and_starts(durable_postgres)
    assert await joined(town) == locks
