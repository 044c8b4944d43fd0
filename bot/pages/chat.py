"""The web chat's page: one template, one stylesheet, one script, all our own."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import urlencode

from aiohttp import web

from bot.pages.demo import Demonstration
from bot.pages.site import Site
from bot.talk.wording import Text, Wording, Words, _

Reader = Callable[[str, str | None], Awaitable[Wording]]
"""Address id and the browser's language hint in, the reader's wording out."""

ENTRIES = uuid.UUID("9c2b9b0e-6c0b-5c44-9a0a-5f0d1d5a5a11")
"""Names the keys of first contacts: a page that is opened twice at once greets once."""

WORDS: dict[str, Text] = {
    "you": _("You"),
    "talk": _("Conversation"),
    "write": _("Write a message"),
    "send": _("Send"),
    "menu": _("Menu"),
    "share": _("Share my place"),
    "photo": _("Send a picture"),
    "photographed": _("A picture"),
    "unpictured": _("Your browser cannot read this as a picture. A JPEG or PNG works."),
    "earlier": _("Show earlier messages"),
    "below": _("New messages below"),
    "online": _("Online"),
    "connecting": _("Connecting …"),
    "offline": _("No connection. What you write will be sent when it is back."),
    "busy": _("Very busy. Your message is waiting."),
    "refused": _("This could not be sent."),
    "opened": _("Opened a link"),
    "place": _("My place (to about {metres} m)"),
    "cookie": _("This chat needs one cookie to know you again. Please allow it for this page."),
    "finding": _("Looking for your place …"),
    "place_denied": _("Your browser does not tell your place. You can allow it in its settings, or type a district."),
    "place_unknown": _("Your place could not be found. You can type a district instead."),
    "map": _("Open in a map"),
    "picture": _("Picture; opens large"),
    "typing": _("Menkou is writing"),
    "script": _("This page needs JavaScript, all of it from this city itself."),
    "demo": _("Demonstration city"),
    "hour": _("+1 h"),
    "day": _("+1 day"),
    "next": _("Next reminder"),
    "nothing": _("Nothing is waiting to be sent."),
    "persona": _("Switch person"),
    "clock": _("The city's clock"),
}

LANGUAGE_NAMES = {"zh_CN": "中文", "en": "English"}


class Entrance(Protocol):
    """Who may come in and who they are, as the web door knows it."""

    def admit(self, request: web.Request, persona: str | None = None) -> tuple[str, str]:
        """Address id and cookie of the visitor. Raises HTTPForbidden or HTTPNotFound for who may not."""

    def remember(self, response: web.StreamResponse, cookie: str) -> None:
        """Set the cookie."""


def routes(
    site: Site,
    entrance: Entrance,
    reader: Reader,
    hint: Callable[[web.Request], str | None],
    *,
    title: Words,
    demonstration: Demonstration | None = None,
) -> list[web.RouteDef]:
    """`GET /chat`; `?as=NAME` takes a persona of the demonstration, `?go=join-42` hands a link over once."""

    async def show(request: web.Request) -> web.StreamResponse:
        wish = request.query.get("as")
        address_id, cookie = entrance.admit(request, wish)
        known = cookie in request.cookies.values()
        go = request.query.get("go", "")
        if wish is not None:
            onward = "/chat" + (f"?{urlencode({'go': go})}" if go else "")
            arrived = web.Response(status=303, headers={"Location": onward})
            entrance.remember(arrived, cookie)
            return arrived
        if not known and request.headers.get("Sec-Fetch-Site") == "cross-site" and "here" not in request.query:
            # A link on somebody else's page: the browser holds a strict cookie back until we have sent it here
            # ourselves. Taking the visitor for a new one now would cut them off from their conversation.
            again = "/chat?" + urlencode({**({"go": go} if go else {}), "here": "1"})
            return site.page("again.html", site.wording(request), again=again)
        wording = await reader(address_id, hint(request))
        others = {code: name for code, name in LANGUAGE_NAMES.items() if code != wording.language}
        page = site.page(
            "chat.html",
            wording,
            title=title,
            words=WORDS,
            others=others,
            demonstration=demonstration,
            script={
                "start": str(uuid.uuid5(ENTRIES, address_id)),
                "go": go[:64],
                "zone": str(site.zone),
                "language": wording.language,
                "elder": wording.elder,
                "words": {name: wording(words) for name, words in _templates().items()},
                "name": wording(title),
            },
        )
        entrance.remember(page, cookie)
        return page

    return [web.get("/chat", show)]


def _templates() -> dict[str, Text]:
    """Sentences for the page's script; a number that it fills in stays a mark."""
    return {name: Text(words.msgid, {"metres": "{metres}"}) for name, words in WORDS.items()}
