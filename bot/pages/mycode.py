"""The picture of a person's own code, for the few minutes that it is good."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable, Mapping

import segno
from aiohttp import web

from bot.pages.pictures import Drawn

OwnLink = Callable[[str, str], Awaitable[str | None]]
"""Volunteer number and token in; what the QR holds out, or None when that is not the person's code now."""

_TOKEN = re.compile(r"[0-9a-f]{20}\Z")
_NUMBER = re.compile(r"V[2-9A-Z]{9}\Z")

SCALE = 8
"""Pixels a module: some 300 across, read from a phone held out at arm's length."""


def drawn(own_link: OwnLink) -> Drawn:
    """The QR."""

    async def draw(named: Mapping[str, str], _said: Mapping[str, str]) -> bytes | None:
        number, token = named["number"], named["token"]
        link = await own_link(number, token) if _NUMBER.match(number) and _TOKEN.match(token) else None
        if link is None:
            return None
        picture = io.BytesIO()
        segno.make(link, error="m", micro=False).save(picture, kind="png", scale=SCALE)
        return picture.getvalue()

    return Drawn("/mycode/{number}/{token}.png", draw)


def routes(own_link: OwnLink) -> list[web.RouteDef]:
    """The one address."""
    return [drawn(own_link).route()]
