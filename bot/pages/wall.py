"""The wall: what a projector shows at an activity, a check-in code that is worthless half a minute later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.pages.qr import draw
from bot.pages.site import Site
from bot.talk.wording import LANGUAGES, Span, Text, Wording, Words, _

STEP = 15
"""Seconds that one code is shown. The one before it is still taken (RFC 6238 5.2), so a code lives twice as long."""


@dataclass(frozen=True, slots=True)
class WallFacts:
    """What the wall shows at this moment. People are a count, never a name."""

    title: Words
    starts: datetime
    ends: datetime
    code: str
    """Eight digits."""
    qr: str
    """The check-in link that the QR code holds."""
    seconds_left: float
    """Until the next code."""
    arrived: int
    registered: int


Wall = Callable[[int, str], Awaitable[WallFacts | None]]
"""Activity and signature in; None when there is no such activity, the signature is not its own, or its time is over."""

WORDS: dict[str, Text] = {
    "scan": _("Scan to check in"),
    "type": _("or type this code in the chat"),
    "next": _("New code in {seconds} s"),
    "arrived": _("have arrived"),
    "of": _("of {registered} registered"),
    "lost": _("No connection. This code is still good for {seconds} s."),
    "old": _("This code is too old. A new one comes when the connection is back."),
    "over": _("Check-in is closed. Thank you all."),
}


def routes(site: Site, wall: Wall) -> list[web.RouteDef]:
    """The wall's page, and what it asks for each second."""
    languages = [Wording(site.language, site.zone)]
    languages += [Wording(other, site.zone) for other in LANGUAGES if other != site.language]

    async def facts(request: web.Request) -> WallFacts:
        number, key = request.match_info["activity"], request.query.get("k", "")
        # As many digits as the database's key can hold; anything else is the same "not here" as a wrong signature.
        found = await wall(int(number), key) if number.isascii() and number.isdigit() and len(number) < 10 else None
        if found is None:
            raise web.HTTPNotFound
        return found

    async def show(request: web.Request) -> web.Response:
        found = await facts(request)
        return site.page(
            "wall.html",
            languages[0],
            other=languages[1],
            words=WORDS,
            title=found.title,
            when=Span(found.starts, found.ends),
            script={name: [wording(words) for wording in languages] for name, words in _templates().items()},
            state=_state(found),
            step=STEP,
        )

    async def now(request: web.Request) -> web.Response:
        return web.json_response(_state(await facts(request)))

    return [web.get("/wall/{activity}", show), web.get("/wall/{activity}/now", now)]


def _templates() -> dict[str, Text]:
    """Sentences whose number the page's script fills in: the number stays a mark for it."""
    return {
        name: Text(words.msgid, {"seconds": "{seconds}", "registered": "{registered}"}) for name, words in WORDS.items()
    }


def _state(found: WallFacts) -> dict[str, Any]:
    drawing = draw(found.qr)
    return {
        "code": found.code,
        "left": round(found.seconds_left, 2),
        "qr": {"size": drawing.size, "path": drawing.path},
        "arrived": found.arrived,
        "registered": found.registered,
    }
