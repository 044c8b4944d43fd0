"""One's own data as a file, JSON or a table, by an address from the chat that works once."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.pages.once import TOKEN, once
from bot.pages.site import Site
from bot.pages.tables import table

Export = Callable[[str], Awaitable[dict[str, Any] | None]]
"""The address's token in; everything of its owner out, once. None: unknown, old, or used."""

Insured = Callable[[str], Awaitable[bytes | None]]
"""The address's token in, an insurer's list as a file out, once."""

Table = Callable[[dict[str, Any]], Awaitable[bytes]]
"""The export in, an .xlsx file out."""


def routes(site: Site, export: Export, as_table: Table, insured: Insured) -> list[web.RouteDef]:
    """The address in both forms, and an insurer's."""

    async def taken_by(request: web.Request) -> dict[str, Any]:
        taken = await export(request.match_info["token"])
        if taken is None:
            raise web.HTTPNotFound
        return taken

    async def take(request: web.Request) -> web.Response:
        taken = await taken_by(request)
        return web.Response(
            body=json.dumps(taken, ensure_ascii=False, indent=1).encode(),
            content_type="application/json",
            charset="utf-8",
            headers={"Content-Disposition": 'attachment; filename="menkou-my-data.json"'},
        )

    async def take_table(request: web.Request) -> web.Response:
        return table(await as_table(await taken_by(request)), "my-data")

    async def take_insured(request: web.Request) -> web.Response:
        return table(await insured(request.match_info["token"]), "insured")

    return [
        *once(site, f"/insured/{TOKEN}.xlsx", take_insured),
        *once(site, f"/mydata/{TOKEN}.xlsx", take_table),
        *once(site, f"/mydata/{TOKEN}", take),
    ]
