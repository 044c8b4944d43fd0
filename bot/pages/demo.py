"""The demonstration city's bar above the chat: its clock, which a visitor may move on, and whom one can be."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from bot.pages.site import Site
from bot.talk.wording import LANGUAGES, Wording, Words

FURTHEST = timedelta(days=31)
"""The clock is moved by at most this much at once; never back, for what was said cannot be unsaid."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody of the demonstration city whom a visitor can be."""

    name: str
    label: Words
    about: Words = ""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What the bar needs of the city, given by the application and only in the demonstration."""

    personas: Sequence[Persona]
    now: Callable[[], datetime]
    advance: Callable[[timedelta], Awaitable[datetime]]
    """Move the clock on, let everything that came due happen, and return the new time."""
    advance_to_next: Callable[[], Awaitable[datetime | None]]
    """The same to the moment of the next message that Menkou will begin; None when there is none."""


def routes(site: Site, demonstration: Demonstration, check_origin: Callable[[web.Request], None]) -> list[web.RouteDef]:
    """`/demo/clock`: GET tells the time, POST `{"advance": seconds}` or `{"to": "next"}` moves it on."""

    def tell(request: web.Request, at: datetime, *, moved: bool) -> web.Response:
        wished = request.query.get("language")
        wording = Wording(wished, site.zone) if wished in LANGUAGES else site.wording(request)
        return web.json_response({"now": at.isoformat(), "text": wording(at), "moved": moved})

    async def read(request: web.Request) -> web.Response:
        return tell(request, demonstration.now(), moved=False)

    async def move(request: web.Request) -> web.Response:
        check_origin(request)
        try:
            wish = json.loads(await request.read()) if request.content_type == "application/json" else None
        except ValueError as unreadable:
            raise web.HTTPBadRequest from unreadable
        match wish:
            case {"to": "next"}:
                at = await demonstration.advance_to_next()
                return tell(request, at or demonstration.now(), moved=at is not None)
            case {"advance": int(seconds)} if 0 < seconds <= FURTHEST.total_seconds():
                return tell(request, await demonstration.advance(timedelta(seconds=seconds)), moved=True)
        raise web.HTTPBadRequest

    return [web.get("/demo/clock", read), web.post("/demo/clock", move)]
