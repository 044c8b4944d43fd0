"""At kills, freezes and stops: never silently lost, never silently doubled; and what breaks without the guards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import DBAPIError

from bot.delivery.pace import Times
from bot.delivery.slot import Lease
from storage import fanouts, outbox_reports
from storage.tables.delivery import State, fanout, sender_slot
from storage.tables.delivery import outbox as messages
from storage.tables.people import subscription
from tests.delivery.kit import SmallCity
from tests.waiting import until

ROOT = Path(__file__).parents[2]
MANY = range(2, 20_002)
SOME = range(2, 1_002)
KILLS = 12
IN_FLIGHT = 16
PATIENCE = 120.0
"""Seconds for what takes ten on a machine that does nothing else."""
NEVER = 3_600.0
"""Seconds of a lease that no test waits for: whoever goes on before has seen that the holder is dead."""


@dataclass
class Platform:
    """Counts what arrives, for each recipient; answers after a moment, as a network does."""

    port: int = 0
    texts: dict[str, list[str]] = field(default_factory=dict)
    by: list[tuple[int, str]] = field(default_factory=list)
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        self.open.add(writer)
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                number, pid, to, text = json.loads(line)
                self.texts.setdefault(to, []).append(text)
                self.by.append((pid, to))
                loop.call_later(0.01, self._answer, writer, number, len(self.by))
        writer.close()
        self.open.discard(writer)

    @staticmethod
    def _answer(writer: asyncio.StreamWriter, number: int, message: int) -> None:
        if not writer.is_closing():
            writer.write(f"[{number}, {message}]\n".encode())

    def calls_of(self, pid: int) -> list[str]:
        return [to for by, to in self.by if by == pid]


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    stand_in = Platform()
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", 0)
    stand_in.port = server.sockets[0].getsockname()[1]
    yield stand_in
    server.close()
    for writer in stand_in.open:  # of workers that were killed: on a busy machine the end has not come yet
        writer.transport.abort()
    await asyncio.sleep(0.02)


class Nursery:
    """Starts senders in processes of their own."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.delivery.worker"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._parent.stdout is not None
        assert self._parent.stdout.readline() == "ready\n"
        self.alive: set[int] = set()

    def start(self, city: SmallCity, platform: Platform, variant: str = "", lease: float = 15.0) -> int:
        return self._fork({
            "database": city.url, "platform": platform.port, "variant": variant, "lease": lease,
            "rate": 4000, "in_flight": IN_FLIGHT,
        })  # fmt: skip

    def expand(self, city: SmallCity, edge: str, chunk: int, variant: str = "") -> int:
        return self._fork({"database": city.url, "edge": edge, "chunk": chunk, "variant": variant})

    def _fork(self, order: dict[str, Any]) -> int:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        print(json.dumps(order), file=self._parent.stdin, flush=True)
        pid = int(self._parent.stdout.readline())
        self.alive.add(pid)
        return pid

    def signal(self, pid: int, what: signal.Signals) -> None:
        os.kill(pid, what)
        if what is signal.SIGKILL:
            self.alive.discard(pid)

    def ended(self, pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            self.alive.discard(pid)
            return True
        return False

    def end_all(self) -> None:
        for pid in list(self.alive):
            if not self.ended(pid):
                self.signal(pid, signal.SIGKILL)

    def close(self) -> None:
        self.end_all()
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait(10)
        self._parent.stdout.close()


@pytest.fixture(scope="module")
def loaded() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def nursery(loaded: Nursery) -> Iterator[Nursery]:
    yield loaded
    loaded.end_all()


async def fill(city: SmallCity, reminders: bool, people: range = SOME) -> None:
    """A message to each: announcements, half of them reminders where asked for."""
    await city.shift(1, city.clock.now + timedelta(hours=24))
    await city.crowd(people)
    half = len(people) // 2 if reminders else 0
    if half:
        await city.joins(people[:half], 1)
        async with city.database.write() as unit:
            await unit.run(delete(subscription).where(subscription.c.person < people[half]))
    await city.announces()
    planner = city.planner()
    await planner.tick()
    await planner.expand()
    assert await alive_rows(city) == len(people)


async def alive_rows(city: SmallCity) -> int:
    async with city.database.read() as unit:
        waits = select(func.count()).select_from(messages).where(messages.c.state.in_((0, 1)))
        return int((await unit.run(waits)).scalar_one())


async def all_settled(city: SmallCity) -> None:
    for _look in range(int(PATIENCE * 10)):
        if not await alive_rows(city):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(await city.states())


@dataclass
class Account:
    """What a run left: by recipient, from the platform's count and our own rows."""

    lost: list[str]
    doubled: list[str]
    uncertain: set[int]
    listed: set[int]


async def reckon(city: SmallCity, platform: Platform) -> Account:
    """Silently lost: it never arrived and no row says so. Silently doubled: it arrived twice and no row says so."""
    lost, doubled, uncertain = [], [], set()
    for row in await city.rows():
        to = f"telegram-{row.person}"
        arrived = platform.texts.get(to, [])
        state = State(row.state)
        if state is State.UNCERTAIN or row.repeated:
            uncertain.add(row.id)
        if not arrived and state is not State.UNCERTAIN:
            lost.append(to)
        told = row.repeated and len(arrived) == 2 and arrived[1].startswith("again: ")
        if len(arrived) > 1 and not told:
            doubled.append(to)
    async with city.database.read() as unit:
        listed = {told.id for told in await outbox_reports.list_uncertain(unit)}
    return Account(lost, doubled, uncertain, listed)


async def kill_while_sending(
    city: SmallCity, platform: Platform, nursery: Nursery, variant: str, kills: int, apart: int
) -> None:
    """`apart`: messages from one kill to the next, and from none to all of them more."""
    chance = random.Random(platform.port)  # what matters is that the moments differ
    for _kill in range(kills):
        pid = nursery.start(city, platform, variant, lease=NEVER)
        enough = len(platform.by) + chance.randrange(5, apart)
        await until(lambda: len(platform.by) >= enough, PATIENCE)  # noqa: B023 - awaited in this round
        nursery.signal(pid, signal.SIGKILL)
        await until(lambda: nursery.ended(pid))  # noqa: B023 - awaited in this round
    nursery.start(city, platform, variant, lease=NEVER)
    await all_settled(city)


async def epoch_of(city: SmallCity) -> int:
    async with city.database.read() as unit:
        return int((await unit.run(select(sender_slot.c.epoch))).scalar_one())


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
async def test_killed_on_another_machine_it_is_followed_long_before_its_lease_is_over(
    city: SmallCity, platform: Platform, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine: its process cannot be seen from here, its session at the database can."""
    monkeypatch.setattr("bot.delivery.slot.is_gone", lambda _owner: False)
    await fill(city, reminders=False)
    pid = nursery.start(city, platform, lease=NEVER)
    await until(lambda: len(platform.by) >= 50, PATIENCE)
    clock = Times(city.clock.city)
    follower = Lease(city.database, "telegram", clock, calling=(), seconds=NEVER)
    assert not await follower.hold()
    nursery.signal(pid, signal.SIGKILL)
    for _look in range(int(PATIENCE * 10)):
        if await follower.hold():
            break
        await asyncio.sleep(0.1)
    assert follower.holds
    await follower.release()


@pytest.mark.slow
@pytest.mark.durable
@pytest.mark.timeout(300)
async def test_killed_twelve_times_in_twenty_thousand_sends_nothing_is_silently_lost_or_doubled(
    city: SmallCity, platform: Platform, nursery: Nursery
) -> None:
    await fill(city, reminders=True, people=MANY)
    await kill_while_sending(city, platform, nursery, "", KILLS, 1_500)
    account = await reckon(city, platform)
    assert account.lost == []
    assert account.doubled == []
    assert len(account.uncertain) <= KILLS * IN_FLIGHT
    assert account.listed == account.uncertain
    assert account.uncertain, "no kill hit a call in flight: the test proves nothing"
    # Each went on at its first look, with hours of the dead one's lease left, and kept the slot to its end.
    assert await epoch_of(city) == KILLS + 1


@pytest.mark.durable
async def test_without_the_write_ahead_a_kill_doubles_in_silence(
    city: SmallCity, platform: Platform, nursery: Nursery
) -> None:
    """The control."""
    await fill(city, reminders=False)
    await kill_while_sending(city, platform, nursery, "no write-ahead", kills=3, apart=120)
    account = await reckon(city, platform)
    assert account.doubled
    assert not account.listed


@pytest.mark.durable
async def test_a_stop_under_load_leaves_nothing_uncertain(
    city: SmallCity, platform: Platform, nursery: Nursery
) -> None:
    await fill(city, reminders=True)
    for _stop in range(2):
        pid = nursery.start(city, platform)
        enough = len(platform.by) + 100
        await until(lambda: len(platform.by) >= enough)  # noqa: B023 - awaited in this round
        nursery.signal(pid, signal.SIGTERM)
        await until(lambda: nursery.ended(pid))  # noqa: B023 - awaited in this round
        states = await city.states()
        assert set(states) == {State.PENDING, State.SENT}
        assert states[State.SENT] == len(platform.by)
    assert Counter(len(texts) for texts in platform.texts.values()) == {1: len(platform.by)}


async def freeze(city: SmallCity, nursery: Nursery, pid: int) -> None:
    """Freeze it outside its transactions: inside one the database itself makes everybody wait, until it ends it."""
    for _try in range(50):
        nursery.signal(pid, signal.SIGSTOP)
        await asyncio.sleep(0.05)  # what it had written into its sockets has arrived
        if await writable(city):
            return
        nursery.signal(pid, signal.SIGCONT)
        await asyncio.sleep(0.003)
    raise AssertionError("it was always inside a transaction")


async def writable(city: SmallCity) -> bool:
    """Does nobody hold a lock that a takeover needs?"""
    if city.database.dialect == "sqlite":
        file = sqlite3.connect(city.url.split("///", 1)[1], timeout=0, isolation_level=None)
        try:
            file.execute("BEGIN IMMEDIATE")
            file.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
        finally:
            file.close()
        return True
    try:
        async with city.database.write() as unit:
            await unit.run(select(sender_slot).with_for_update(nowait=True))
            await unit.run(select(messages.c.id).with_for_update(nowait=True))
    except DBAPIError:
        return False
    return True


async def freeze_and_thaw(city: SmallCity, platform: Platform, nursery: Nursery, variant: str) -> tuple[Account, Any]:
    """One sender freezes, another takes over and sends, the first wakes up. And the calls of the first since then."""
    await fill(city, reminders=False, people=SOME[:600])
    first = nursery.start(city, platform, variant, lease=0.5)
    await until(lambda: len(platform.by) >= 60)
    await freeze(city, nursery, first)
    before = set(platform.calls_of(first))
    second = nursery.start(city, platform)
    await until(lambda: len(platform.calls_of(second)) >= 300)
    nursery.signal(first, signal.SIGCONT)
    await all_settled(city)

    def since() -> list[str]:
        return [to for to in platform.calls_of(first) if to not in before]

    # The first one has the time to bring in its late receipts; without its guard, to do harm.
    for _look in range(int(PATIENCE * 10)):
        await asyncio.sleep(0.1)
        if len(since()) > IN_FLIGHT if variant else not (await city.states()).get(State.UNCERTAIN):
            break
    return await reckon(city, platform), since()


@pytest.mark.durable
async def test_a_frozen_sender_that_wakes_after_its_lease_doubles_nothing(
    city: SmallCity, platform: Platform, nursery: Nursery
) -> None:
    account, since = await freeze_and_thaw(city, platform, nursery, "")
    assert account.lost == []
    assert account.doubled == []
    assert account.uncertain == set()
    # At most what it was in the middle of: on disk as being called by it and by nobody else.
    assert len(since) <= IN_FLIGHT


@pytest.mark.durable
async def test_without_the_fence_a_frozen_sender_wakes_and_doubles(
    city: SmallCity, platform: Platform, nursery: Nursery
) -> None:
    """The control."""
    account, since = await freeze_and_thaw(city, platform, nursery, "no fence")
    assert account.doubled
    assert len(since) > IN_FLIGHT


# --- Fan-out -------------------------------------------------------------------------------------------------------

CHUNK = 50
SEGMENT = range(2, 302)


async def made(city: SmallCity) -> list[int]:
    async with city.database.read() as unit:
        return list((await unit.run(select(messages.c.person).order_by(messages.c.person))).scalars())


async def expand_and_die(city: SmallCity, nursery: Nursery, edge: str, variant: str = "") -> None:
    pid = nursery.expand(city, edge, CHUNK, variant)
    await until(lambda: nursery.ended(pid))


@pytest.mark.durable
async def test_killed_at_every_edge_of_every_chunk_a_fan_out_makes_a_row_for_each_of_its_people(
    city: SmallCity, nursery: Nursery
) -> None:
    await city.shift(1, city.clock.now + timedelta(days=3))
    await city.crowd(SEGMENT)
    await city.announces()
    for chunk in range(len(SEGMENT) // CHUNK + 1):
        for edge in ("rows", "cursor", "commit"):
            before = await made(city)
            await expand_and_die(city, nursery, edge)
            assert len(await made(city)) - len(before) in ((0,) if edge != "commit" else (0, CHUNK))
        if chunk == 2:  # whoever comes to the segment when it is half made is not chased
            await city.crowd(range(1_000, 1_010))
    assert await made(city) == list(SEGMENT)
    async with city.database.write() as unit:
        assert (await unit.run(select(fanout.c.made))).scalar_one() == len(SEGMENT)
        assert await fanouts.expand(unit, city.clock.now, chunk=CHUNK) is None


@pytest.mark.durable
async def test_with_its_cursor_in_a_transaction_of_its_own_a_fan_out_that_is_killed_loses_people(
    city: SmallCity, nursery: Nursery
) -> None:
    """The control."""
    await city.shift(1, city.clock.now + timedelta(days=3))
    await city.crowd(SEGMENT)
    await city.announces()
    await expand_and_die(city, nursery, "rows", "cursor apart")
    await city.planner().expand()
    assert len(await made(city)) == len(SEGMENT) - CHUNK
