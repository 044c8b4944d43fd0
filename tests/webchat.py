"""Doubles for the web chat's tests: letters in memory, and a small city that answers by a script.

`serve` starts the chat, the wall and the demonstration's bar on a free port of this machine; the script that takes
pictures may use it as the tests do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.channels.entrance import Entrance
from bot.channels.web import Letter, WebDoor, Who, hint
from bot.channels.web import routes as channel_routes
from bot.pages import campaign, chat, demo, wall
from bot.pages.site import Site
from bot.talk.door import Overloaded
from bot.talk.incoming import Incoming
from bot.talk.view import Button, Page, Reply
from bot.talk.wording import Named, Wording

BEIJING = ZoneInfo("Asia/Shanghai")
TITLE = Named("门口 · 北京志愿服务", "Menkou · Beijing volunteering")


@dataclass
class Letters:
    """A letterbox in memory, as strict as the one in the database: numbers without gaps, one letter for each key."""

    kept: dict[str, list[Letter]] = field(default_factory=dict)

    async def append(self, address_id: str, key: str, who: Who, body: dict[str, Any], at: datetime) -> int:
        letters = self.kept.setdefault(address_id, [])
        for letter in letters:
            if letter.key == key:
                return letter.sequence
        letters.append(Letter(len(letters) + 1, key, who, dict(body), at))
        return len(letters)

    async def since(self, address_id: str, after: int) -> list[Letter]:
        return [letter for letter in self.kept.get(address_id, []) if letter.sequence > after]

    async def before(self, address_id: str, sequence: int | None, count: int) -> list[Letter]:
        return [one for one in self.kept.get(address_id, []) if sequence is None or one.sequence < sequence][-count:]


Script = Callable[[Incoming], tuple[Page, ...]]


@dataclass
class ScriptedCity:
    """A listener with the promise of the real one: the same key has one effect and gets the same reply."""

    script: Script
    effects: list[Incoming] = field(default_factory=list)
    replies: dict[str, Reply] = field(default_factory=dict)
    overloaded: int = 0
    """How many messages to send away first."""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared: answers wait."""
    buried: list[str] = field(default_factory=list)
    languages: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.open.set()

    async def take(self, incoming: Incoming) -> Reply:
        if self.overloaded:
            self.overloaded -= 1
            raise Overloaded
        if incoming.key not in self.replies:
            self.effects.append(incoming)
            if incoming.intent and incoming.intent.script == "language":
                self.languages[incoming.address.id] = incoming.intent.arguments[0]
            self.replies[incoming.key] = Reply(self.script(incoming))
        await self.open.wait()
        return self.replies[incoming.key]

    async def later(self, incoming: Incoming) -> None:
        raise AssertionError("the web chat keeps its replies as letters")

    async def bury(self, door: str, key: str, raw: str, why: str) -> None:
        self.buried.append(key)


def echo(incoming: Incoming) -> tuple[Page, ...]:
    """Says back what arrived."""
    if incoming.intent:
        return (Page(f"intent {incoming.intent.link}"),)
    if incoming.place:
        return (Page(f"place {incoming.place.latitude:.3f} {incoming.place.longitude:.3f}"),)
    return (Page(f"heard {incoming.pick or incoming.text}"),)


async def nothing(_number: int, _key: str) -> bytes | None:
    """No picture."""
    return None


async def no_list(_token: str) -> bytes | None:
    """No list."""
    return None


@dataclass
class WebChat:
    """Everything that a test of the web chat may want to touch."""

    listener: ScriptedCity
    letters: Letters = field(default_factory=Letters)
    now: datetime = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
    personas: dict[str, str] | None = None
    entrance: Entrance = field(default_factory=Entrance)
    people: tuple[demo.Persona, ...] = ()
    wall_facts: wall.Wall | None = None
    campaign_facts: campaign.Facts | None = None
    campaign_picture: campaign.Drawing = nothing
    campaign_list: campaign.Listing = no_list
    elder: bool = False
    due: list[timedelta] = field(default_factory=list)
    on_move: Callable[[], Awaitable[None]] | None = None
    poll: float = 0.1

    def __post_init__(self) -> None:
        self.site = Site(BEIJING)
        self.door = WebDoor(self.letters, lambda: self.now)
        if self.personas is not None:
            self.entrance = Entrance(persona=self.personas.get)

    async def reader(self, address_id: str, language: str | None) -> Wording:
        return Wording(self.listener.languages.get(address_id) or language or "zh_CN", BEIJING, elder=self.elder)

    async def advance(self, span: timedelta) -> datetime:
        self.now += span
        if self.on_move:
            await self.on_move()
        return self.now

    async def advance_to_next(self) -> datetime | None:
        return await self.advance(self.due.pop(0)) if self.due else None

    def app(self) -> web.Application:
        self.door.closing = False
        app = web.Application()
        self.site.attach(app)
        app.add_routes(channel_routes(self.door, self.listener, self.entrance, self.reader, poll=self.poll))
        demonstration = None
        if self.personas is not None:
            demonstration = demo.Demonstration(self.people, lambda: self.now, self.advance, self.advance_to_next)
            app.add_routes(demo.routes(self.site, demonstration, self.entrance.check_origin))
        app.add_routes(
            chat.routes(self.site, self.entrance, self.reader, hint, title=TITLE, demonstration=demonstration)
        )
        if self.wall_facts is not None:
            app.add_routes(wall.routes(self.site, self.wall_facts))
        if self.campaign_facts is not None:
            app.add_routes(campaign.routes(self.site, self.campaign_facts, self.campaign_picture, self.campaign_list))

        async def close(_: web.Application) -> None:
            self.door.close()

        app.on_shutdown.append(close)
        return app


@asynccontextmanager
async def serve(app: web.Application, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """The application's address on this machine, until the block ends."""
    runner = web.AppRunner(app, shutdown_timeout=2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, reuse_address=True)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server)
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


def choices(turn: int, *labels: str) -> tuple[Button, ...]:
    """Answers to an open question, numbered from 1."""
    return tuple(Button(index, label, f"{turn}.{index}") for index, label in enumerate(labels, 1))
