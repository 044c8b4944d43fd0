"""One's own data as a file, by an address from the chat that works once."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Export = Callable[[str], Awaitable[dict[str, Any] | None]]
"""The address's token in; everything of its owner out, once. None: unknown, old, or used."""

_TOKEN = re.compile(r"[0-9a-f]{32}\Z")


def routes(export: Export) -> list[web.RouteDef]:
    """The one address. A HEAD, as link checkers send it, is refused: it must not use the address up."""

    async def take(request: web.Request) -> web.Response:
        token = request.match_info["token"]
        taken = await export(token) if _TOKEN.match(token) else None
        if taken is None:
            raise web.HTTPNotFound
        return web.Response(
            body=json.dumps(taken, ensure_ascii=False, indent=1).encode(),
            content_type="application/json",
            charset="utf-8",
            headers={"Content-Disposition": 'attachment; filename="menkou-my-data.json"'},
        )

    return [web.get("/mydata/{token}", take, allow_head=False)]
