"""What the WeChat tests share: an account, a listener that keeps replies, and the webhook on a free port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from bot.channels.wechat.envelope import Envelope
from bot.channels.wechat.messages import Finished, Granted, Reader
from bot.channels.wechat.webhook import WeChatWebhook
from bot.talk.incoming import Incoming
from bot.talk.view import Page, Reply
from bot.talk.wording import catalogue
from tests.leap import leap
from tests.standins.wechat import Answered, ManualClock, Platform, Seal, WeChatApiStandIn

APP_ID = "wx0123456789abcdef"
TOKEN = "menkoutoken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
AES_KEY_PREVIOUS = "0" * 43
SCRIPTS = ("join", "find", "checkin", "hours", "start")
PATIENCE, CUT = 60.0, 240.0
"""Seconds of the webhook, and those after which the platform cuts: no machine is so busy, and where patience shall end
the clock jumps."""
catalogue("zh_CN")  # read beforehand, as wherever turns are taken


def envelope(clock: ManualClock, **changed: Any) -> Envelope:
    given: dict[str, Any] = {"app_id": APP_ID, "token": TOKEN, "aes_key": AES_KEY, **changed}
    return Envelope(clock=at(clock), **given)


def at(clock: ManualClock) -> Callable[[], datetime]:
    return lambda: datetime.fromtimestamp(clock(), UTC)


def reader() -> Reader:
    return Reader(public_url="https://city.example", scripts=SCRIPTS)


@dataclass
class KeptReplies:
    """A listener as the turn is: the same key gets the same reply, and its effect happens once."""

    answer: Callable[[Incoming], Reply] = lambda incoming: Reply((Page(f"got {incoming.text}"),))
    wait: Callable[[Incoming], Awaitable[None]] | None = None
    effects: list[Incoming] = field(default_factory=list)
    kept: dict[str, Reply] = field(default_factory=dict)
    brought_later: list[str] = field(default_factory=list)
    buried: list[tuple[str, str, str, str]] = field(default_factory=list)

    async def take(self, incoming: Incoming) -> Reply:
        if incoming.key in self.kept:
            return Reply(self.kept[incoming.key].pages, replayed=True)
        if self.wait:
            await self.wait(incoming)
        self.effects.append(incoming)
        self.kept[incoming.key] = self.answer(incoming)
        return self.kept[incoming.key]

    async def later(self, incoming: Incoming, said: int = 0) -> None:
        self.brought_later.append(incoming.key)

    async def bury(self, door: str, key: str, raw: str, why: str) -> None:
        self.buried.append((door, key, raw, why))


@dataclass
class Served:
    """A running webhook and the platform that pushes to it."""

    platform: Platform
    api: WeChatApiStandIn
    listener: KeptReplies
    webhook: WeChatWebhook
    clock: ManualClock
    url: str
    grants: list[tuple[str, str, bool]]
    finished: list[Finished]


@asynccontextmanager
async def serve(
    listener: KeptReplies | None = None,
    *,
    patience: float = PATIENCE,
    seconds: float = CUT,
    safe: bool = True,
    aes_key: str = AES_KEY,
    plaintext: bool = False,
) -> AsyncIterator[Served]:
    """The webhook as the app would run it; `seconds` is when the platform cuts."""
    clock, listener = ManualClock(), listener or KeptReplies()
    grants: list[tuple[str, str, bool]] = []
    finished: list[Finished] = []

    async def on_grant(granted: Granted) -> None:
        grants.append((granted.openid, granted.template_id, granted.accepted))

    async def on_finished(job: Finished) -> None:
        finished.append(job)

    webhook = WeChatWebhook(
        envelope(clock, aes_key_previous=AES_KEY_PREVIOUS, plaintext=plaintext),
        reader(),
        listener,
        at(clock),
        on_grant=on_grant,
        on_finished=on_finished,
        patience=patience,
    )
    app = web.Application()
    app.add_routes(webhook.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/wechat"
    api = WeChatApiStandIn(APP_ID, clock=clock)
    seal = Seal(TOKEN, aes_key, APP_ID)
    platform = Platform(url, seal, api, clock=clock, safe=safe, seconds=seconds, passed=clock.advance)
    try:
        async with platform:
            yield Served(platform, api, listener, webhook, clock, url, grants, finished)
    finally:
        await webhook.drain(1.0)
        await runner.cleanup()


async def answered_too_late(push: Coroutine[Any, Any, Answered], under_way: asyncio.Event) -> Answered:
    """What somebody sees whose turn, once it is under way, takes longer than the webhook has patience."""
    pushed = asyncio.create_task(push)
    await under_way.wait()
    leap(PATIENCE + 1)
    return await pushed


class MemoryShelf:
    """A shelf for tests; real ones are in the database."""

    def __init__(self, kept: tuple[str, datetime] | None = None) -> None:
        self.kept = kept
        self._lock = asyncio.Lock()

    async def load(self) -> tuple[str, datetime] | None:
        return self.kept

    async def save(self, token: str, expires: datetime) -> None:
        assert timedelta(0) < expires - datetime(2020, 1, 1, tzinfo=UTC)
        self.kept = (token, expires)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        async with self._lock:
            yield
