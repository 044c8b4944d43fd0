"""Calendars by their addresses: one activity, and somebody's own sign-ups for the calendar that they use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

Feed = Callable[[str, str], Awaitable[bytes | None]]
"""Volunteer number and signature in, an .ics file out; None: not for whoever asks."""

Activity = Callable[[int, str], Awaitable[bytes | None]]
"""The same of one activity."""


def routes(feed: Feed, activity: Activity) -> list[web.RouteDef]:
    """Nothing is kept on the way: an address that was taken back must answer nobody."""

    async def give_feed(request: web.Request) -> web.Response:
        return _file(await feed(request.match_info["number"], request.match_info["key"]), "menkou.ics")

    async def give_activity(request: web.Request) -> web.Response:
        number = request.match_info["number"]
        return _file(await activity(int(number), request.query.get("k", "")), f"menkou-{number}.ics")

    return [
        web.get("/calendar/{number:[0-9A-Z]{4,16}}/{key:[0-9a-f]{20}}.ics", give_feed),
        web.get(r"/activity/{number:\d{1,12}}.ics", give_activity),
    ]


def _file(body: bytes | None, name: str) -> web.Response:
    if body is None:
        raise web.HTTPNotFound
    headers = {"Content-Disposition": f'inline; filename="{name}"', "X-Robots-Tag": "noindex"}
    return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers=headers)
