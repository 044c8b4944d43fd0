"""How fast, how heavy, how prompt: the sender with the real Telegram door before a platform at the far end.

`python -m benchmarks.sending WHAT ORDER` does one of them in a process of its own and prints what came out as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from statistics import quantiles
from typing import Any

import aiohttp
import psutil  # type: ignore[import-untyped] # it ships no types
import structlog

from benchmarks import crowd
from benchmarks.platform import Heard, begin, heard, platform
from benchmarks.processes import ROOT
from bot.delivery.decisions import City
from bot.delivery.pace import Pace, Times, pace_of
from bot.delivery.sender import Sender
from bot.memory import settled
from bot.talk.wording import catalogue
from storage import fanouts
from storage.database import Database
from storage.tables.delivery import Lane
from tests.delivery.kit import SECRECY, SHANGHAI, TEN, word
from tests.standins.telegram import TOKEN

AT_ONCE = 64
"""Calls beside each other, for the pool and for us."""
UNLIMITED = 10_000.0
"""Messages a second that an account may send: more than anybody here can, the pool included."""
WARMING = 1_000
"""Messages before what is measured: statements are compiled, connections made, models built at their first use."""
LAST = 19_000
"""Somebody far down a campaign."""


@dataclass(frozen=True)
class Sent:
    """What the platform heard of one way of sending, and processor milliseconds of a message."""

    heard: Heard
    cpu: float


def measure(messages: int, latency: float) -> dict[str, Sent]:
    """Everybody once: by a pool that keeps nothing, and by us on each database."""
    with crowd.places("sending") as urls:
        sent = {"pool": _apart("pool", latency, messages=messages)}
        for name, url in urls.items():
            asyncio.run(_fill(url, messages + WARMING))
            sent[name] = _apart("send", latency, url=url, messages=messages, rate=UNLIMITED, warming=WARMING)
        return sent


def broadcaster(messages: int) -> dict[str, float | None]:
    """Messages a second of aiogram-broadcaster with its SQL storage, by database; None: it is not installed here.

    It calls one chat after the other and writes its whole list down after each: the more chats, the slower.
    """
    if not find_spec("aiogram_broadcaster"):
        return {"SQLite": None, "PostgreSQL": None}
    with crowd.places("broadcaster") as urls:
        return {
            name: _apart("broadcaster", 0.0, url=url, messages=messages).heard.rate for name, url in urls.items()
        }


def paced(messages: int, rate: float, limit: int, latency: float = 0.05, warming: int = 0) -> Sent:
    """On SQLite at a rate against a platform's limit."""
    with crowd.places("paced") as urls:
        asyncio.run(_fill(urls["SQLite"], messages + warming))
        return _apart("send", latency, limit, url=urls["SQLite"], messages=messages, rate=rate, warming=warming)


def weigh(waiting: tuple[int, int], messages: int) -> tuple[float, float]:
    """Resident MB after so many messages, with few and with very many others waiting."""
    weights: list[float] = []
    for people in waiting:
        with crowd.places("weigh") as urls:
            asyncio.run(_fill(urls["SQLite"], people))
            with platform() as port:
                told = _run("send", port=port, url=urls["SQLite"], messages=messages, rate=UNLIMITED)
            weights.append(told["resident"])
    return weights[0], weights[1]


def urgent(people: int, seconds: float) -> tuple[float, float, int]:
    """Seconds (p50, p99) from a reminder's moment to its call, and how many, behind a campaign at Telegram's rate."""
    with crowd.places("urgent") as urls, platform(0.05) as port:
        asyncio.run(_fill(urls["SQLite"], people))
        told = _run("urgent", port=port, url=urls["SQLite"], seconds=seconds)
    cuts = quantiles(told["waited"], n=100, method="inclusive")
    return cuts[49], cuts[98], len(told["waited"])


async def _fill(url: str, people: int) -> None:
    city = await crowd.found(url, people)
    await crowd.number_chats(city)
    await crowd.announce(city)
    await city.close()


def _apart(what: str, latency: float, limit: int = 0, **order: Any) -> Sent:
    with platform(latency, limit) as port:
        told = _run(what, port=port, **order)
        return Sent(heard(port), told["cpu"])


def _run(what: str, **order: Any) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.sending", what, json.dumps(order)],
        cwd=ROOT, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(run.stdout)
    return told


# --- In a process of its own ---------------------------------------------------------------------------------------


async def _pool(port: int, messages: int) -> dict[str, Any]:
    """What a program that keeps nothing can do with aiohttp: so many calls at once, each answer read."""

    async def calls(session: aiohttp.ClientSession, numbers: Iterator[int]) -> None:
        for number in numbers:
            form = {"chat_id": str(number), "text": "招募：周六上午颐和园东门植树，还差二十人。"}
            async with session.post(f"http://127.0.0.1:{port}/bot/sendMessage", data=form) as response:
                await response.json()

    async def everybody(session: aiohttp.ClientSession, people: range) -> None:
        numbers = iter(people)
        await asyncio.gather(*(calls(session, numbers) for _one in range(AT_ONCE)))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await everybody(session, range(1, 1 + WARMING))
        await asyncio.to_thread(begin, port)
        cpu = time.process_time()
        await everybody(session, range(1, 1 + messages))
        return {"cpu": (time.process_time() - cpu) / messages * 1e3}


@asynccontextmanager
async def _sender(url: str, port: int, pace: Pace) -> AsyncIterator[tuple[Sender, Database]]:
    """With the real door; it runs until the block ends, and stops in order."""
    from bot.channels.telegram.api import TelegramApi
    from bot.channels.telegram.door import TelegramDoor

    began = datetime.now(UTC)
    times = Times(lambda: TEN + (datetime.now(UTC) - began))
    database = Database(url, SECRECY)
    api = TelegramApi(TOKEN, f"http://127.0.0.1:{port}")
    sender = Sender(database, TelegramDoor(api), word, times, City(SHANGHAI, "en", quiet=None), pace=pace)
    running = asyncio.create_task(sender.run())
    try:
        yield sender, database
    finally:
        await sender.stop()
        await running
        await api.close()
        await database.close()


async def _send(port: int, url: str, messages: int, rate: float, warming: int = 0) -> dict[str, Any]:
    """`warming`: so many are sent before it counts."""
    pace = replace(pace_of("telegram", rate), most_in_flight=AT_ONCE if rate == UNLIMITED else 160, latency=0.05)
    async with _sender(url, port, pace) as (sender, _database):
        await _delivered(sender, warming)
        with settled():  # as `menkou serve` is when it has started
            if warming:
                await asyncio.to_thread(begin, port)
            cpu, before = time.process_time(), sender.outcomes["Delivered"]
            await _delivered(sender, messages + warming)
            spent = time.process_time() - cpu
        messages = sender.outcomes["Delivered"] - before
        resident = psutil.Process().memory_info().rss / 1e6
    return {"cpu": spent / messages * 1e3, "resident": resident}


async def _delivered(sender: Sender, messages: int) -> None:
    while sender.outcomes["Delivered"] < messages:  # noqa: ASYNC110 - a look now and then disturbs least
        await asyncio.sleep(0.02)


async def _broadcaster(port: int, url: str, messages: int) -> dict[str, Any]:
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram_broadcaster import Broadcaster
    from aiogram_broadcaster.contents import TextContent
    from aiogram_broadcaster.storages.sqlalchemy import SQLAlchemyStorage

    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(f"http://127.0.0.1:{port}")))
    storage = SQLAlchemyStorage.from_url(url)
    await storage.startup()
    text = TextContent(text="招募：周六上午颐和园东门植树，还差二十人。")
    mailer = await Broadcaster(bot, storage=storage).create_mailer(chats=range(1, 1 + messages), content=text)
    cpu = time.process_time()
    await mailer.start()
    spent = time.process_time() - cpu
    await storage.shutdown()
    await bot.session.close()
    return {"cpu": spent / messages * 1e3}


async def _urgent(port: int, url: str, seconds: float) -> dict[str, Any]:
    """A reminder to one person every third of a second, as a turn or a tick writes it down; nobody nudges."""
    planned: dict[str, float] = {}
    called: dict[str, float] = {}
    async with _sender(url, port, pace_of("telegram")) as (sender, database):
        send = sender._door.send

        async def noted(to: str, page: Any, key: str) -> Any:
            called[to] = time.perf_counter()
            return await send(to, page, key)

        sender._door.send = noted  # type: ignore[method-assign] # a watch at the door
        began = time.perf_counter()
        for number in range(int(seconds * 3)):
            await asyncio.sleep(max(0.0, began + number / 3 - time.perf_counter()))
            # From the far end of the campaign, which will not come to them for an hour.
            who, now = crowd.FIRST + LAST - number, sender._times.city()
            async with database.write() as unit:
                await fanouts.plan(
                    unit, kind="reminder", source=1, offset=-1440 - number, lane=Lane.REMINDER,
                    segment={"person": who}, not_before=now, expires=now + timedelta(hours=1),
                )  # fmt: skip
            planned[str(who)] = time.perf_counter()
        await asyncio.sleep(2.0)
    return {"waited": [called[who] - moment for who, moment in planned.items() if who in called]}


if __name__ == "__main__":
    import uvloop

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    catalogue("zh_CN")
    ways: dict[str, Callable[..., Coroutine[Any, Any, dict[str, Any]]]] = {
        "pool": _pool, "send": _send, "urgent": _urgent, "broadcaster": _broadcaster
    }  # fmt: skip
    print(json.dumps(uvloop.run(ways[sys.argv[1]](**json.loads(sys.argv[2])))))
