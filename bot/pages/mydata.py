"""One's own data as a file, JSON or a table, by an address from the chat that works once."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Export = Callable[[str], Awaitable[dict[str, Any] | None]]
"""The address's token in; everything of its owner out, once. None: unknown, old, or used."""

Insured = Callable[[str], Awaitable[bytes | None]]
"""The address's token in, an insurer's list as a file out, once."""

Table = Callable[[dict[str, Any]], Awaitable[bytes]]
"""The export in, an .xlsx file out."""

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_TOKEN = re.compile(r"[0-9a-f]{32}\Z")


def routes(export: Export, table: Table, insured: Insured) -> list[web.RouteDef]:
    """The address in both forms. A HEAD, as link checkers send it, is refused: it must not use the address up."""

    async def taken_by(request: web.Request) -> dict[str, Any]:
        token = request.match_info["token"]
        taken = await export(token) if _TOKEN.match(token) else None
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
        return web.Response(
            body=await table(await taken_by(request)),
            content_type=XLSX,
            headers={"Content-Disposition": 'attachment; filename="menkou-my-data.xlsx"'},
        )

    async def take_insured(request: web.Request) -> web.Response:
        token = request.match_info["token"]
        body = await insured(token) if _TOKEN.match(token) else None
        if body is None:
            raise web.HTTPNotFound
        disposition = {"Content-Disposition": 'attachment; filename="menkou-insured.xlsx"'}
        return web.Response(body=body, content_type=XLSX, headers=disposition)

    return [
        web.get("/insured/{token}.xlsx", take_insured, allow_head=False),
        web.get("/mydata/{token}.xlsx", take_table, allow_head=False),
        web.get("/mydata/{token}", take, allow_head=False),
    ]
