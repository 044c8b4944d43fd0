"""Pictures of ours by their addresses: as pages of their own, and for a door whose platform cannot open them.

Such a door must be brought them. What their pages give is asked of the pages' own drawing: nothing is fetched, no
visitor's allowance is used, and no other address is known here, so none that works once can be used up.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import web

Draw = Callable[[Mapping[str, str], Mapping[str, str]], Awaitable[bytes | None]]
"""What the path names and what the query says in; None: no such picture, or not for whoever asks."""

_NAMED = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[^{}]*\})+))?\}")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A kind of picture: its path as a route has it, and how it is drawn."""

    path: str
    draw: Draw
    kept: int = 0
    """Seconds for which whoever has fetched it may show it again without asking."""

    def route(self) -> web.RouteDef:
        """Its page: the picture and nothing else."""
        headers = {"Cache-Control": f"private, max-age={self.kept}"} if self.kept else None

        async def show(request: web.Request) -> web.Response:
            body = await self.draw(request.match_info, request.query)
            kind = sniffed(body) if body else ""
            if not kind:
                raise web.HTTPNotFound
            return web.Response(body=body, content_type=kind, headers=headers)

        return web.get(self.path, show)


class Gallery:
    """All of them under one public address."""

    def __init__(self, home: str, kinds: Iterable[Drawn]) -> None:
        self._home = home
        self._kinds = [(_pattern(one.path), one.draw) for one in kinds]

    async def picture(self, address: str) -> bytes | None:
        """The picture at an address of ours; None for every other address, and for what is neither PNG nor JPEG."""
        if not address.startswith(f"{self._home}/"):
            return None
        path, _, query = address[len(self._home) :].partition("?")
        for pattern, draw in self._kinds:
            if found := pattern.fullmatch(path):
                body = await draw(found.groupdict(), dict(parse_qsl(query)))
                return body if body and sniffed(body) else None
        return None


def sniffed(picture: bytes) -> str:
    """What a picture is by its first bytes, whatever anybody said it was; empty: neither PNG nor JPEG."""
    if picture.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    return "image/jpeg" if picture.startswith(b"\xff\xd8\xff") else ""


def _pattern(path: str) -> re.Pattern[str]:
    """What a route's path takes."""
    whole, end = "", 0
    for one in _NAMED.finditer(path):
        whole += f"{re.escape(path[end : one.start()])}(?P<{one[1]}>{one[2] or '[^{}/]+'})"
        end = one.end()
    return re.compile(whole + re.escape(path[end:]))
