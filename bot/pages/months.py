"""The picture of hours by month, by its signed address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

Chart = Callable[[str, str, int, str], Awaitable[bytes | None]]
"""Volunteer number, language, total in minutes, signature; None: not for whoever asks."""


def routes(chart: Chart) -> list[web.RouteDef]:
    """One picture; nothing on it names anybody."""

    async def give(request: web.Request) -> web.Response:
        total = request.query.get("t", "")
        if not total.isdecimal() or len(total) > 9:
            raise web.HTTPNotFound
        asked = request.match_info["number"], request.query.get("l", ""), int(total), request.query.get("k", "")
        body = await chart(*asked)
        if body is None:
            raise web.HTTPNotFound
        return web.Response(body=body, content_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

    return [web.get("/months/{number}.png", give)]
