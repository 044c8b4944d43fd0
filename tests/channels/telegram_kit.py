"""What the Telegram tests share: a clock, a listener that keeps replies, the door before a stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import structlog
from aiohttp import web

from bot.channels.telegram.api import TelegramApi
from bot.channels.telegram.door import Pictures, TelegramDoor, none_of_ours
from bot.channels.telegram.intake import Intake
from bot.channels.telegram.updates import Reader
from bot.channels.telegram.webhook import BODY_LIMIT, PATH, hearing, telegram_routes
from bot.lanes import Lanes
from bot.talk.door import Overloaded
from bot.talk.incoming import Incoming
from bot.talk.view import Button, Page, Reply
from tests.standins.telegram import TOKEN, Hand, TelegramStandIn

SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret"
SCRIPTS = ("join", "find", "checkin", "hours", "menu", "start")
NOW = datetime.fromtimestamp(1795400100, UTC)
BY_LANE = True
"""Has the webhook a lane before its route, as in `menkou serve`?"""


class ManualTime:
    """Seconds that pass only when a test says so, or when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waited: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds


def echo(incoming: Incoming) -> Reply:
    """Says what it heard."""
    heard = incoming.text or incoming.pick or (incoming.intent and incoming.intent.link) or "?"
    return Reply((Page(f"got {heard}", (Button(1, "Yes", "17.1"), Button(2, "Join", "join-42"))),))


@dataclass
class KeptReplies:
    """A listener as the turn is: the same key gets the same reply, and its effect happens once."""

    answer: Callable[[Incoming], Reply] = echo
    wait: Callable[[Incoming], Awaitable[None]] | None = None
    overloaded: int = 0
    """So many calls are turned away."""
    elsewhere: Literal["", "told", "perhaps"] = ""
    """What is known of a reply that is kept: has another replica brought it?"""
    broken: int = 0
    """In so many calls the database is away."""
    effects: list[Incoming] = field(default_factory=list)
    kept: dict[str, Reply] = field(default_factory=dict)
    brought_later: list[str] = field(default_factory=list)
    said_before: list[int] = field(default_factory=list)
    buried: list[tuple[str, str, str, str]] = field(default_factory=list)

    async def take(self, incoming: Incoming) -> Reply:
        if self.overloaded:
            self.overloaded -= 1
            raise Overloaded
        if self.broken:
            self.broken -= 1
            raise OSError("no database")
        if incoming.key in self.kept:
            return Reply(self.kept[incoming.key].pages, replayed=True, elsewhere=self.elsewhere)
        if self.wait:
            await self.wait(incoming)
        self.effects.append(incoming)
        self.kept[incoming.key] = self.answer(incoming)
        return self.kept[incoming.key]

    async def later(self, incoming: Incoming, said: int = 0) -> None:
        self.brought_later.append(incoming.key)
        self.said_before.append(said)

    async def bury(self, door: str, key: str, raw: str, why: str) -> None:
        assert all(known[1] != key for known in self.buried), "the inbox keeps a key once; this would be no new row"
        self.buried.append((door, key, raw, why))

    @property
    def texts(self) -> list[str | None]:
        return [one.text for one in self.effects]


@dataclass
class Served:
    """The door as the app builds it, before a stand-in."""

    standin: TelegramStandIn
    hand: Hand
    api: TelegramApi
    door: TelegramDoor
    intake: Intake
    listener: KeptReplies
    time: ManualTime
    logged: list[Any]
    url: str = ""


def reader() -> Reader:
    return Reader(lambda: NOW, SCRIPTS)


@asynccontextmanager
async def door_before(
    listener: KeptReplies | None = None, *, limit: float = 30.0, pictures: Pictures = none_of_ours, **standin: Any
) -> AsyncIterator[Served]:
    """`limit`: seconds of one call."""
    listener, time = listener or KeptReplies(), ManualTime()
    # Also because structlog's own way of showing an exception reads files, which a loop must not do.
    with structlog.testing.capture_logs() as logged:
        async with _before(listener, time, limit, pictures, standin, logged) as served:
            yield served
    assert TOKEN not in str(logged), "whatever is tested, the token is in no log"


@asynccontextmanager
async def _before(
    listener: KeptReplies,
    time: ManualTime,
    limit: float,
    pictures: Pictures,
    standin: dict[str, Any],
    logged: list[Any],
) -> AsyncIterator[Served]:
    async with TelegramStandIn(clock=time, **standin) as platform:
        api = TelegramApi(TOKEN, platform.base, limit=limit)
        door = TelegramDoor(api, steady=time, pictures=pictures)
        intake = Intake(api, door, reader(), listener, steady=time, pause=time.pause)
        try:
            yield Served(platform, Hand(platform), api, door, intake, listener, time, logged)
        finally:
            await api.close()


@asynccontextmanager
async def webhook_before(
    listener: KeptReplies | None = None, *, secret: str = SECRET, **standin: Any
) -> AsyncIterator[Served]:
    """With the webhook on a free port, and set at the stand-in."""
    async with door_before(listener, **standin) as served:
        app, hear = web.Application(), hearing(served.intake, secret)
        app.add_routes(telegram_routes(hear))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        if BY_LANE and runner.server is not None:
            Lanes({PATH: hear}, BODY_LIMIT).open(runner.server)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/telegram"
        await served.api.set_webhook(served.url, secret)
        try:
            yield served
        finally:
            await served.intake.finish(1.0)
            await runner.cleanup()
