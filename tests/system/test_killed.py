"""kill -9 and SIGTERM under load: what was acknowledged is there, what is repeated gets the kept reply."""

from __future__ import annotations

import asyncio
import random
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from storage.tables.messages import inbox, letter
from tests.conversations.kit import Town
from tests.promises.crowd import Count, count
from tests.system.load import Broken, ByBrowser, ByTelegram, ByWeChat, Load, Signed
from tests.system.people import Browser, OnTelegram
from tests.system.seeding import publish
from tests.system.serving import STOP, Doors, Serving, held, until

Serves = Callable[..., Serving]
pytestmark = [pytest.mark.durable, pytest.mark.timeout(300)]

SEATS = 15
READY = 10.0
"""Seconds of the processor that a start may take: those of the clock depend on what else the machine does."""


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    ) as one:
        yield one


async def kept(town: Town) -> set[tuple[str, str]]:
    """The inbox, by door and key; of the web chat's keys the part that the page made."""
    async with town.database.read() as unit:
        rows = list(await unit.run(select(inbox.c.door, inbox.c.key)))
    return {(row.door, row.key.rpartition(":")[2] if row.door == "web" else row.key) for row in rows}


async def missing(town: Town, load: Load) -> list[tuple[str, str]]:
    """Acknowledged, and not there."""
    there = await kept(town)
    return [one for one in load.acknowledged if one not in there]


@pytest.mark.parametrize(("engine", "door", "kills"), [
    pytest.param("sqlite", "telegram", 2),
    pytest.param("postgresql", "wechat", 8, marks=pytest.mark.postgres),
])  # fmt: skip
async def test_killed_again_and_again_under_load_nothing_acknowledged_is_missing(
    town: Town, doors: Doors, serves: Serves, session: aiohttp.ClientSession, engine: str, door: str, kills: int,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    activity = await publish(town, "Reading to children", SEATS, timedelta(days=3))
    serving = serves(**doors.settings("webhook", only=door))
    await serving.start()
    load = Load(serving, f"join-{activity}")
    load.begin(lambda _number: ByBrowser(serving, session), 6)
    if door == "telegram":
        load.begin(lambda number: ByTelegram(serving, doors.telegram, number), 4)
    else:
        platform = await doors.platform(serving)
        load.begin(lambda number: ByWeChat(serving, platform, number), 4)
    chance = random.Random()
    for _kill in range(kills):
        enough = len(load.acknowledged) + chance.randrange(10, 60)
        await until(lambda: len(load.acknowledged) >= enough)  # noqa: B023 - awaited in this round
        await asyncio.sleep(chance.random() * 0.05)
        await serving.kill()
        await serving.start()
    await until(lambda: len(load.signed) >= SEATS)  # on a slow machine the kills may come before so many have signed up
    await load.stop()

    assert await missing(town, load) == []
    acks = len(load.acknowledged)
    assert load.deliveries > acks, "no kill hit a message under way: the test proves nothing"
    assert await count(town, 1, []) == Count()
    assert len(load.signed) >= SEATS
    await as_they_were_told(town, load)
    for one in pick(load.signed):
        await gets_the_same_again(one)
    assert await count(town, 1, []) == Count(), "what was delivered again changed nothing"
    assert max(serving.cost) < READY
    with capsys.disabled():
        spent = ", ".join(f"{a:.1f} ({b:.1f})" for a, b in zip(serving.started, serving.cost, strict=True))
        print(f"\n{engine}, {door}: {kills} kills, {acks} acknowledged, {load.deliveries} deliveries")
        print(f"ready after {spent} seconds (of the processor)")


def pick(signed: list[Signed]) -> list[Signed]:
    """One of each door."""
    return list({one.way.door: one for one in signed}.values())


async def as_they_were_told(town: Town, load: Load) -> None:
    """Everybody was told one outcome, once on the page; as many have a seat as there are."""
    outcomes = Counter[str]()
    for one in load.signed:
        told = [text for text in await one.way.told() if "You are in" in text or "you are number" in text]
        # A reply that a kill kept from being recorded as said is said again, in the same words.
        assert len(set(told)) == 1, told
        assert len(told) == 1 or one.way.door == "telegram"
        outcomes["joined" if "You are in" in told[0] else "waiting"] += 1
    # How many sign up before the kills end is chance; a slow machine may see fewer of them than there are seats.
    seated = min(SEATS, len(load.signed))
    assert outcomes == +Counter({"joined": seated, "waiting": len(load.signed) - seated})


async def gets_the_same_again(signed: Signed) -> None:
    """The last message once more."""
    before = await signed.way.told()
    assert await signed.way.deliver(signed.messages[-1])
    after = await signed.way.told()
    assert after[-1] == before[-1]
    # The page keeps each answer once; Telegram says it again to whoever the restarted process does not know.
    assert len(after) - len(before) in ((0, 1) if signed.way.door == "telegram" else (0,))


ANSWERS_FIRST = """\
import asyncio
from bot import turn
from bot.cli import main
from bot.talk.view import Reply
taken, tasks = turn.Turns.take, []
async def take(self, incoming):
    tasks.append(asyncio.ensure_future(taken(self, incoming)))
    return Reply(())
turn.Turns.take = take
main()
"""
"""The program with the guard taken out: it acknowledges, and commits a moment later."""


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_program_that_acknowledges_before_it_commits_loses_what_was_acknowledged(
    town: Town, serves: Serves, session: aiohttp.ClientSession, engine: str
) -> None:
    """The control."""
    activity = await publish(town, "Reading to children", SEATS, timedelta(days=3))
    serving = serves()
    serving.program = ("-c", ANSWERS_FIRST, "serve")
    await serving.start()
    load = Load(serving, f"join-{activity}")
    load.begin(lambda _number: ByBrowser(serving, session), 12)
    lost: list[Any] = []
    for _kill in range(5):
        enough = len(load.acknowledged) + 60
        await until(lambda: len(load.acknowledged) >= enough)  # noqa: B023 - awaited in this round
        await serving.kill()
        lost = await missing(town, load)
        await serving.start()
        if lost:
            break
    await load.stop()
    assert lost


# --- An orderly stop -----------------------------------------------------------------------------------------------


@dataclass
class Stopped:
    """What became of messages that were under way through several doors when a signal came."""

    code: int
    posts: list[Any]
    telegram: list[Any]
    wechat: Any
    heard: list[str]
    """By Telegram."""


async def stop_in_the_middle(
    town: Town, doors: Doors, serves: Serves, session: aiohttp.ClientSession, how: signal.Signals
) -> Stopped:
    """While the database is held, so that every turn is in the middle."""
    # Telegram on one of the two databases: to load its library takes longer than all else here.
    bot = town.database.dialect == "sqlite" and how is signal.SIGTERM
    serving = serves(**doors.settings("webhook", only="" if bot else "wechat"))
    await serving.start()
    # PostgreSQL gives ten connections to a process: more turns than that wait for one, and the figures would too.
    browsers = [Browser(serving, session) for _browser in range(30 if town.database.dialect == "sqlite" else 6)]
    telegram, platform = OnTelegram(serving, doors.telegram, 4242), await doors.platform(serving)
    for one in browsers:
        await one.opens()
    async with held(serving.database_url):
        sent: list[Coroutine[Any, Any, Any]] = [
            *(one.posts(one.key(), link="start") for one in browsers),
            platform.person().says("hello"),
            *([telegram.brings(telegram.hand.starts())] if bot else []),
        ]
        under_way = [asyncio.create_task(one) for one in sent]
        waiting = f"menkou_inbox_waiting {len(sent)}.0"
        await until_true(lambda: serving.get("/metrics"), waiting)
        serving.signal(how)
        if how is signal.SIGTERM:
            await until(lambda: bool(re.search('"event": ?"stopping"', serving.log.read_text())))
        else:
            await serving.ended()
    answers = await asyncio.gather(*under_way, return_exceptions=True)
    posts, (wechat, *told) = answers[: len(browsers)], answers[len(browsers) :]
    return Stopped(await serving.ended(STOP), posts, told, wechat, telegram.heard)


async def until_true(ask: Callable[[], Coroutine[Any, Any, str]], line: str) -> None:
    """Ask until the answer has this line."""
    async with asyncio.timeout(15):
        found = await ask()
        while line not in found.splitlines():
            await asyncio.sleep(0.02)
            found = await ask()


async def test_at_an_orderly_stop_every_turn_under_way_is_answered(
    town: Town, doors: Doors, serves: Serves, session: aiohttp.ClientSession
) -> None:
    stopped = await stop_in_the_middle(town, doors, serves, session, signal.SIGTERM)
    assert stopped.code == 0
    assert set(stopped.posts) == {200}
    assert set(stopped.telegram) <= {200}
    assert all("Menkou" in text for text in stopped.heard)
    assert len(stopped.heard) == len(stopped.telegram)
    assert "门口" in stopped.wechat.text
    assert len(await kept(town)) == len(stopped.posts) + len(stopped.telegram) + 1
    async with town.database.read() as unit:
        letters = list(await unit.run(select(letter.c.address).where(letter.c.who == "them")))
    assert len({one.address for one in letters}) == len(letters) == len(stopped.posts)


async def test_when_it_is_killed_instead_nothing_under_way_is_answered(
    town: Town, doors: Doors, serves: Serves, session: aiohttp.ClientSession
) -> None:
    """The control."""
    stopped = await stop_in_the_middle(town, doors, serves, session, signal.SIGKILL)
    assert stopped.code == -signal.SIGKILL
    assert all(isinstance(one, Broken) for one in stopped.posts)
    assert stopped.wechat.kind == "unavailable"
    assert await kept(town) == set()
