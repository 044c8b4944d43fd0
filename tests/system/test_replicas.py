"""Three replicas of the real program on one PostgreSQL behind a balancer: killed, restarted one by one, migrated."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from storage import migrate, slots
from storage.inbox import kept_reply
from storage.tables.delivery import State, fanout, outbox
from storage.tables.messages import brought, inbox
from storage.tables.people import identity
from tests.conversations.campaign_kit import crowd, desk_of, drafted, organiser, sent
from tests.conversations.kit import Chat, Town
from tests.postgres import Postgres
from tests.promises.crowd import Count, count
from tests.standins.telegram import bring
from tests.system.balancer import Balancer
from tests.system.load import ByTelegram, ByWeChat, Load
from tests.system.people import OnTelegram, joins
from tests.system.seeding import publish
from tests.system.serving import START, TELEGRAM_SECRET, Doors, Serving, surroundings, until
from tests.system.test_killed import as_they_were_told, missing, pick

Serves = Callable[..., Serving]
pytestmark = [pytest.mark.durable, pytest.mark.postgres, pytest.mark.timeout(600)]

REPLICAS = 3
SEATS = 15
READERS, RATE = 120, 12.0
"""Of a campaign, and messages a second that its account may send: it outlasts what is done to the replicas."""
TAKEOVER = 10.0
"""Seconds, on a machine however busy; the lease of a machine that is gone for good runs out after fifteen."""


@pytest.fixture
def engine() -> str:
    """Several replicas need PostgreSQL."""
    return "postgresql"


@pytest.fixture
async def replicas(serves: Serves, doors: Doors) -> AsyncIterator[Balancer]:
    """Three that serve, behind one address."""
    settings = doors.settings("webhook") | {"TELEGRAM_RATE": str(RATE)}
    processes = [serves(**settings) for _replica in range(REPLICAS)]
    for one in processes:  # one after another: a busy machine has two cores
        await one.start()
    async with Balancer(processes) as balancer:
        yield balancer


async def begins_a_campaign(
    town: Town, doors: Doors, many: int = READERS, picture: bytes | None = None
) -> None:
    """Confirmed a while ago, so that nothing of it waits for the undo any more."""
    town.at = datetime.now(UTC) - timedelta(seconds=90)
    olga = await organiser(town, Chat(town, "web", "olga"))
    await crowd(town, many)
    for one in await readers(town):
        doors.telegram.person(one, "en")
    kept = await drafted(town, olga)
    if picture is not None:
        async with desk_of(town, olga) as desk:
            await desk.illustrate(kept.campaign.id, picture)
    await sent(town, olga, kept)


async def holder(town: Town, replicas: Balancer) -> Serving | None:
    """Who speaks for Telegram's account."""
    async with town.database.read() as unit:
        owner = (await slots.held(unit)).get("telegram", ("", 0))[0]
    return next((one for one in replicas.replicas if f":{one.pid}:" in owner), None)


async def readers(town: Town) -> list[int]:
    """Their numbers on Telegram."""
    async with town.database.read() as unit:
        rows = await unit.run(select(identity.c.external).where(identity.c.external.like("7000%")))
    return [int(one) for one in rows.scalars()]


async def reached(town: Town, doors: Doors) -> dict[int, int]:
    """How often each reader of the campaign was written to."""
    return {one: doors.telegram.delivered[one] for one in await readers(town)}


async def outcomes(town: Town) -> Counter[State]:
    async with town.database.read() as unit:
        rows = await unit.run(select(outbox.c.state).join(fanout).where(fanout.c.kind == "campaign"))
    return Counter(State(one) for one in rows.scalars())


async def comes(happened: Callable[[], Any], seconds: float, what: str) -> None:
    """Wait for something that must be asked for."""
    end, found = time.monotonic() + seconds, await happened()
    while not found:
        assert time.monotonic() < end, f"it did not happen: {what}"
        await asyncio.sleep(0.1)
        found = await happened()


# --- Killed, and restarted one by one --------------------------------------------------------------------------------


async def test_of_three_replicas_the_sender_is_killed_and_all_are_restarted_and_nothing_is_lost_or_doubled(
    town: Town, doors: Doors, replicas: Balancer, capsys: pytest.CaptureFixture[str]
) -> None:
    activity = await publish(town, "Reading to children", SEATS, timedelta(days=3))
    load = Load(replicas, f"join-{activity}")
    platform = await doors.platform(replicas)
    load.begin(lambda number: ByTelegram(replicas, doors.telegram, number), 2)
    load.begin(lambda number: ByWeChat(replicas, platform, number), 2)
    await begins_a_campaign(town, doors)

    async def has_reached(many: int) -> bool:
        return sum((await reached(town, doors)).values()) >= many

    await comes(lambda: has_reached(READERS // 6), 60, "the campaign leaves")
    dead = await holder(town, replicas)
    assert dead is not None
    await dead.kill()
    killed, left = time.monotonic(), sum((await reached(town, doors)).values())

    async def is_taken_over() -> bool:
        now = await holder(town, replicas)
        return now is not None and now is not dead

    await comes(is_taken_over, TAKEOVER, "another replica speaks")
    taken_over = time.monotonic() - killed
    await comes(lambda: has_reached(left + 5), 60, "the campaign goes on")
    await dead.start()
    for one in replicas.replicas:
        if one is not dead:
            one.signal(signal.SIGTERM)
            assert await one.ended(START) == 0
            await one.start()
    await until(lambda: len(load.signed) >= SEATS, 120)
    await load.stop()

    assert await missing(town, load) == []
    assert await count(town, 1, []) == Count()
    await as_they_were_told(town, load)
    assert set(replicas.taken) == set(range(REPLICAS)), "each of them answered"

    async def is_through() -> bool:
        states = await outcomes(town)
        return not states[State.PENDING] + states[State.SENDING]

    await comes(is_through, 60, "the campaign is through")
    states, times = await outcomes(town), await reached(town, doors)
    assert len(times) == READERS
    assert max(times.values()) == 1, "nobody was written to twice"
    assert sum(states.values()) == states[State.SENT] + states[State.UNCERTAIN] == READERS, states
    assert sum(not one for one in times.values()) <= states[State.UNCERTAIN] <= RATE, "whom it missed is listed"
    await the_same_to_all_at_once(load, replicas, platform)
    assert await count(town, 1, []) == Count(), "what was delivered again changed nothing"
    with capsys.disabled():
        print(f"\nsender killed: taken over after {taken_over:.1f} s")
        print(f"{len(load.acknowledged)} acknowledged, {replicas.broken} cut off, {states[State.UNCERTAIN]} uncertain")


async def the_same_to_all_at_once(load: Load, replicas: Balancer, platform: Any) -> None:
    """The last message of somebody on WeChat, to every replica in the same moment: the same words from each."""
    signed = next(one for one in pick(load.signed) if isinstance(one.way, ByWeChat))
    assert isinstance(signed.way, ByWeChat)
    way, message = signed.way, signed.messages[-1]
    told = way.shown[str(message)]
    before = Counter(replicas.taken)
    again = [ByWeChat(replicas, platform, 0) for _replica in range(REPLICAS)]
    for one in again:
        one.openid = way.openid
    assert all(await asyncio.gather(*(one.deliver(message) for one in again)))
    assert {one.shown[str(message)] for one in again} == {told}
    assert sum((replicas.taken - before).values()) == len(replicas.taken - before) == REPLICAS


# --- One person on several replicas ----------------------------------------------------------------------------------


async def test_a_person_whose_messages_come_to_several_replicas_is_talked_to_as_by_one(
    town: Town, doors: Doors, replicas: Balancer
) -> None:
    """Telegram brings the next update of a chat when the one before it was taken: so the order is the platform's.

    Whoever brings two at once, as WeChat may, is answered in one of the two orders, never in between.
    """
    number = await publish(town, "Planting trees", 5, timedelta(days=3))
    in_order = OnTelegram(replicas, doors.telegram, 4242)
    assert "You are in" in await joins(in_order, f"join-{number}")
    assert len([one for one in replicas.taken.values() if one]) == REPLICAS

    platform = await doors.platform(replicas)
    for place in range(8):
        way = ByWeChat(replicas, platform, place)
        words = way.words(f"join-{number}")
        for _message in range(3):  # the language, the link, the consent: now the name is asked
            assert await way.deliver(next(words))
        both = [
            {"MsgType": "text", "Content": name, "MsgId": platform.message_id(), "CreateTime": str(int(time.time()))}
            for name in ("Ann Lee", "Bob Lee")
        ]
        random.shuffle(both)
        assert all(await asyncio.gather(*(way.deliver(one) for one in both)))
        one, other = (way.shown[str(message)] for message in both)
        assert one != other, "the second was heard as the answer to what the first led to"
        assert sum("phone" in text for text in (one, other)) >= 1, (one, other)
    async with town.database.read() as unit:
        keys = list((await unit.run(select(inbox.c.key).where(inbox.c.door == "wechat"))).scalars())
    assert len(keys) == len(set(keys)) == 8 * 5


async def to_all_at_once(replicas: Balancer, update: Any) -> int:
    """An update to every replica in the same moment, and again wherever it was turned away; how often that was."""
    left, away = list(replicas.replicas), 0
    async with asyncio.timeout(60):
        while left:
            answers = await asyncio.gather(
                *(bring(f"{one.address}/telegram", update, TELEGRAM_SECRET) for one in left)
            )
            assert {status for status, _headers in answers} <= {200, 503}
            left = [one for one, (status, _headers) in zip(left, answers, strict=True) if status == 503]
            away += len(left)
            await asyncio.sleep(0.1)
    return away


async def test_an_update_that_comes_to_all_replicas_at_once_has_one_effect_and_one_answer(
    town: Town, doors: Doors, replicas: Balancer, capsys: pytest.CaptureFixture[str]
) -> None:
    # Each replica that did not know that another answers brought the reply too: three times the same words.
    number = await publish(town, "Planting trees", 9, timedelta(days=3))
    people = [OnTelegram(replicas, doors.telegram, 4242 + place) for place in range(4)]
    away = 0
    for one in people:
        way = ByTelegram(replicas, doors.telegram, one.hand.person.id)
        for update in way.words(f"join-{number}"):
            away += await to_all_at_once(replicas, update)
            assert len(one.heard) == len(set(one.heard)), one.heard
        assert "You are in" in one.heard[-1]
    assert await count(town, number, []) == Count()
    assert len(set(map(tuple, (one.heard for one in people)))) == 1, "each was told the same at each step"
    async with town.database.read() as unit:
        keys = list((await unit.run(select(inbox.c.key).where(inbox.c.door == "telegram"))).scalars())
        replies = [await kept_reply(unit, "telegram", key) for key in keys]
        brought_ones = set((await unit.run(select(brought.c.key).where(brought.c.door == "telegram"))).scalars())
    assert len(replies) == len(people) * 5
    assert set(keys) <= brought_ones
    assert sum(len(one.pages) for one in replies) == sum(len(one.heard) for one in people), "each page came once"
    with capsys.disabled():
        print(f"\n{len(replies)} updates to {REPLICAS} replicas at once, turned away {away} times")


WITHOUT_ASKING = """\
from datetime import timedelta
from bot import turn
from bot.cli import main

async def unsaid(self, door, keys):
    pass

turn.BRINGING, turn.Turns.told = timedelta(0), unsaid
main()
"""
"""The program with the guard taken out: no replica knows what another has brought."""


async def test_replicas_that_do_not_ask_bring_the_same_answer_twice(town: Town, doors: Doors, serves: Serves) -> None:
    """The control."""
    processes = [serves(**doors.settings("webhook", only="telegram")) for _replica in range(2)]
    for one in processes:
        one.program = ("-c", WITHOUT_ASKING, "serve")
        await one.start()
    async with Balancer(processes) as replicas:
        ann = OnTelegram(replicas, doors.telegram, 4242)
        await to_all_at_once(replicas, ann.hand.starts())
        assert len(ann.heard) > len(set(ann.heard)), ann.heard


# --- Migrations ------------------------------------------------------------------------------------------------------


async def test_migrations_and_a_start_at_once_go_one_after_another(
    postgres: Postgres, tmp_path: Path, serves: Serves
) -> None:
    name = f"moved_{random.randrange(16**8):08x}"
    url = postgres.create(name)
    try:
        await migrated_by_two(url, Serving(url, tmp_path))
    finally:
        postgres.drop(name)


async def migrated_by_two(url: str, serving: Serving) -> None:
    """Everybody comes while another migration is under way; then it ends."""
    other = await asyncpg.connect(url.replace("+asyncpg", ""))
    await other.execute("SELECT pg_advisory_lock($1)", migrate.LOCK)

    async def waiting(many: int) -> bool:
        held_up = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return bool(await other.fetchval(held_up) == many)

    migrations = [
        subprocess.Popen(
            [sys.executable, "-m", "bot", "migrate"], cwd=serving.folder, env=surroundings(url),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _process in range(2)
    ]  # fmt: skip
    try:
        await comes(lambda: waiting(2), 60, "both wait")
        starting = asyncio.create_task(serving.start())
        await comes(lambda: waiting(3), 60, "the start waits too")
        await other.execute("SELECT pg_advisory_unlock($1)", migrate.LOCK)
        await starting
        told = sorted([await asyncio.to_thread(one.communicate) for one in migrations])
        assert [one.returncode for one in migrations] == [0, 0], told
        assert [text.strip() for text, _error in told] == [
            f"At {migrate.head()} already.", f"nothing → {migrate.head()}"
        ]  # fmt: skip
        assert await serving.stop() == 0
    finally:
        serving.end()
        for one in migrations:
            one.kill()
            one.wait(10)
            assert one.stdout is not None
            one.stdout.close()
        await other.close()
