"""Pictures of ours by their addresses: for a door whose platform cannot open them, and so must be brought them.

What their pages give is asked of the pages' own drawing: nothing is fetched, no visitor's allowance is used, and no
other address is known here, so none that works once can be used up.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

Draw = Callable[[Mapping[str, str], Mapping[str, str]], Awaitable[bytes | None]]
"""What the path names and what the query says in; None: no such picture, or not for whoever asks."""

_NAMED = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[^{}]*\})+))?\}")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A kind of picture: its path as a route has it, and how it is drawn."""

    path: str
    draw: Draw


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
