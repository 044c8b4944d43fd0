"""Files behind an address that works once: a look shows a button, and only pressing it uses the address up.

Chats look at the addresses in their messages too, for a preview or against fraud, and do it with a GET like anybody's:
a file that a GET hands out would be gone before its owner came, and a copy of it would be with the platform.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.pages.site import Site
from bot.talk.wording import Text, _

Take = Callable[[web.Request], Awaitable[web.Response]]

TOKEN = "{token:[0-9a-f]{32}}"  # noqa: S105 - the form of one, not one
"""In a path: 128 bits, unguessable."""

WORDS: dict[str, Text] = {
    "title": _("Your file"),
    "advice": _("This address works once, and not before you press the button. Whoever presses it has the file."),
    "button": _("Fetch the file"),
}


def once(site: Site, path: str, take: Take) -> list[web.RouteDef]:
    """The page with the button, and what the button does. A HEAD, as link checkers send it, is refused."""

    async def show(request: web.Request) -> web.Response:
        return site.page("once.html", site.wording(request), words=WORDS)

    return [web.get(path, show, allow_head=False), web.post(path, take)]
