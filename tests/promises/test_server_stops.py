"""PostgreSQL stops at once under turns, or the wire to it tears at a COMMIT: nobody can know whether it happened.

The platform brings again what was not acknowledged; the message's key says whether it had been done. `pg_ctl stop -m
immediate` is what a power cut is to PostgreSQL: nothing is flushed that was not, and the start recovers from its log.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from bot.domain.enrolment import Stand
from bot.talk import Incoming
from bot.talk.door import Overloaded
from storage import people, prepared, turns
from storage.database import LINES, Database
from storage.tables.enrolment import audit
from tests.conversations.kit import MONDAY, SECRECY, Chat, Town
from tests.operating.conftest import build
from tests.postgres import Postgres
from tests.promises.answered import Acknowledged, missing, signing_up, standing, told
from tests.promises.crowd import Count, count
from tests.promises.wire import Tear, Wire
from tests.promises.worker import kept_apart, never_seen

pytestmark = [pytest.mark.durable, pytest.mark.postgres, pytest.mark.timeout(600)]

SOAK = os.environ.get("MENKOU_SOAK") == "1"
STOPS = 20 if SOAK else 2
ENDS = 60 if SOAK else 12
END_THE_OTHERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = 'menkou' AND pid <> pg_backend_pid()
    AND datname = current_database()
"""
PEOPLE = 400 if SOAK else 40
LANES = 8
"""People who talk at the same time."""
SEATS = 15
SEED = 20261125
SATURDAY = MONDAY + timedelta(days=5)
AGAIN = 0.02
"""Seconds after which a platform brings again what was not acknowledged."""
PATIENCE = 30
"""Seconds for anything that is waited for here, on a machine that has other things to do."""
UNDER_LOAD = 0.15
"""Seconds for which people are answered before the server stops."""


@pytest.fixture
def city_url(durable_postgres: Postgres) -> Iterator[str]:
    """An empty city on a server that flushes."""
    name = f"stops_{secrets.token_hex(6)}"
    yield durable_postgres.create(name, template=durable_postgres.template("stops", build))
    durable_postgres.drop(name)


class Load:
    """People who sign up one after another in some lanes, and their platforms, which bring everything again."""

    def __init__(self, town: Town, activity: int) -> None:
        self.town, self.activity = town, activity
        self.acknowledged: list[Acknowledged] = []
        self.sent_away = 0
        self._enough = asyncio.Event()
        self._one_more = asyncio.Condition()

    async def comes(self, people: int) -> None:
        """At least so many, and on until it is enough."""
        numbers = iter(range(10_000))

        async def lane() -> None:
            while (number := next(numbers)) < people or not self._enough.is_set():
                for message in signing_up(self.activity, number):
                    await self._deliver(message)

        await asyncio.gather(*(lane() for _lane in range(LANES)))

    async def acknowledges(self, more: int) -> None:
        """Wait for so many."""
        wanted = len(self.acknowledged) + more
        async with self._one_more, asyncio.timeout(PATIENCE):
            await self._one_more.wait_for(lambda: len(self.acknowledged) >= wanted)

    def is_enough(self) -> None:
        self._enough.set()

    async def _deliver(self, message: Incoming) -> None:
        while True:
            try:
                reply = await self.town.turns.take(message)
            except Overloaded:
                self.sent_away += 1
                await asyncio.sleep(AGAIN)
                continue
            pages = [page.to_json() for page in reply.pages]
            self.acknowledged.append(Acknowledged(message, pages, reply.replayed))
            async with self._one_more:
                self._one_more.notify_all()
            return

    async def is_as_it_was_told(self) -> None:
        """By the rows: nothing missing, nothing twice, and everybody stands as they heard."""
        acks = self.acknowledged
        assert len({one.message.key for one in acks}) == len(acks)
        assert await missing(self.town, acks) == []
        assert told(acks, "Something broke") == set(), "a message was given up that was not at fault"
        assert await count(self.town, 1, []) == Count()
        seated, waiting = told(acks, "You are in"), told(acks, "in the queue")
        assert len(seated) == SEATS
        assert seated == await standing(self.town, Stand.JOINED)
        assert waiting == await standing(self.town, Stand.WAITING)


async def load_of(town: Town) -> Load:
    return Load(town, await town.publishes(Chat(town, "web", "Olga"), "Reading to children", SATURDAY, seats=SEATS))


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


# --- Torn at COMMIT ------------------------------------------------------------------------------------------------


@pytest.fixture
async def wire(durable_postgres: Postgres) -> AsyncIterator[tuple[Wire, Path]]:
    assert durable_postgres.own is not None
    strung = Wire(durable_postgres.own.folder)
    with TemporaryDirectory(prefix="menkou-wire-") as folder:
        async with strung.strung(Path(folder)):
            yield strung, Path(folder)


@pytest.fixture
async def far(
    town: Town, wire: tuple[Wire, Path], city_url: str, durable_postgres: Postgres
) -> AsyncIterator[tuple[Town, Wire]]:
    """A town with the wire between itself and its database. `town` is the same city, by another way."""
    strung, folder = wire
    assert durable_postgres.own is not None
    url = city_url.replace(str(durable_postgres.own.folder), str(folder))
    assert url != city_url
    there = await asyncio.to_thread(lambda: Town(Database(url, SECRECY)))
    yield there, strung
    await there.database.close()


async def confirming(town: Town) -> Incoming:
    """Ann's last “yes”; she has answered everything before."""
    await load_of(town)
    ann = Chat(town, "wechat", "Ann")
    await ann.opens("join", 1)
    await ann.introduces_itself()
    return ann.incoming(text="yes")


async def turns_of(town: Town, message: Incoming) -> int:
    """How many turns the conversation of whoever sent it has had."""
    async with town.database.write() as unit:
        met = await people.meet(unit, message.address.door, message.address.id, "en", town.at)
    return met.session.turn


async def joined(town: Town) -> int:
    """How often the log says so."""
    async with town.database.read() as unit:
        return len(list(await unit.run(select(audit.c.id).where(audit.c.deed == "join"))))


@pytest.mark.parametrize("tear", ["before", "after"])
async def test_a_commit_of_which_nobody_knows_is_settled_by_the_messages_key(
    far: tuple[Town, Wire], tear: Tear
) -> None:
    town, wire = far
    message = await confirming(town)
    before = await turns_of(town, message)
    wire.tears = iter([tear, ""])
    with pytest.raises(Overloaded):
        await town.turns.take(message)
    assert wire.torn == {tear: 1}
    assert await joined(town) == (1 if tear == "after" else 0)
    again = await town.turns.take(message)
    assert again.replayed == (tear == "after")
    assert "You are in" in again.pages[0].text
    assert (await joined(town), await turns_of(town, message)) == (1, before + 1)
    assert await count(town, 1, []) == Count()


async def test_control_without_the_key_the_message_is_done_a_second_time(
    far: tuple[Town, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    town, wire = far
    message = await confirming(town)
    before = await turns_of(town, message)
    monkeypatch.setattr(turns, "begin", never_seen)
    monkeypatch.setattr(turns, "close", kept_apart)
    wire.tears = iter(["after", ""])
    with pytest.raises(Overloaded):
        await town.turns.take(message)
    again = await town.turns.take(message)
    assert "You are in" not in again.pages[0].text, "they were never told"
    assert await turns_of(town, message) == before + 2


async def test_under_load_every_torn_commit_is_settled(
    far: tuple[Town, Wire], capsys: pytest.CaptureFixture[str]
) -> None:
    town, wire = far
    load = await load_of(town)
    chance = Random(SEED)

    def tears() -> Iterator[Tear]:
        while True:
            yield chance.choices(("", "before", "after"), (8, 1, 1))[0]  # type: ignore[misc]

    wire.tears = tears()
    load.is_enough()
    await load.comes(PEOPLE)
    replayed = sum(one.replayed for one in load.acknowledged)
    with capsys.disabled():
        print(f"\n{wire.torn['before']} torn before, {wire.torn['after']} after, {replayed} settled by key", end=" ")
    assert wire.torn["before"] > PEOPLE / 8 < wire.torn["after"], f"seed {SEED}"
    assert 0 < replayed <= wire.torn["after"], "of some the kept reply was torn as well"
    await load.is_as_it_was_told()
