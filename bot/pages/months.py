"""The picture of hours by month, by its signed address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.pages.pictures import Drawn

Chart = Callable[[str, str, int, str], Awaitable[bytes | None]]
"""Volunteer number, language, total in minutes, signature; None: not for whoever asks."""


def drawn(chart: Chart) -> Drawn:
    """One picture; nothing on it names anybody."""

    async def draw(named: Mapping[str, str], said: Mapping[str, str]) -> bytes | None:
        total = said.get("t", "")
        if not total.isdecimal() or len(total) > 9:
            return None
        return await chart(named["number"], said.get("l", ""), int(total), said.get("k", ""))

    return Drawn("/months/{number}.png", draw, kept=3600)


def routes(chart: Chart) -> list[web.RouteDef]:
    """Its address."""
    return [drawn(chart).route()]
