"""The poster of an activity by its signed address: a PDF to print, a picture for the chat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from aiohttp import web

from bot.pages.pictures import Drawn

Kind = Literal["pdf", "png"]

Sheet = Callable[[int, str, Kind], Awaitable[bytes | None]]
"""Activity, signature and kind in; None: no such activity, not its signature, or nothing to hang up any more."""

NUMBER = "/poster/{activity:[0-9]{1,15}}"


def drawn(sheet: Sheet) -> Drawn:
    """The picture: it names nobody, and stands at every door anyway."""

    async def draw(named: Mapping[str, str], said: Mapping[str, str]) -> bytes | None:
        return await sheet(int(named["activity"]), said.get("k", ""), "png")

    return Drawn(f"{NUMBER}.png", draw)


def routes(sheet: Sheet) -> list[web.RouteDef]:
    """Both forms of it."""
    picture = drawn(sheet)

    def given(body: bytes | None, kind: str) -> web.Response:
        if body is None:
            raise web.HTTPNotFound
        return web.Response(body=body, content_type=kind, headers={"Content-Disposition": "inline"})

    async def show(request: web.Request) -> web.Response:
        return given(await picture.draw(request.match_info, request.query), "image/png")

    async def give(request: web.Request) -> web.Response:
        body = await sheet(int(request.match_info["activity"]), request.query.get("k", ""), "pdf")
        return given(body, "application/pdf")

    return [web.get(picture.path, show), web.get(f"{NUMBER}.pdf", give)]
