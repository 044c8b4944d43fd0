"""How far a campaign is: a bar and its figures, drawn anew while it runs; and the picture of its messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.pages.once import TOKEN, once
from bot.pages.pictures import Drawn
from bot.pages.site import Site
from bot.pages.tables import table
from bot.talk.wording import Text, Wording, Words, _, ngettext


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """What the page shows at this moment. People are counts; masked names only of whom it perhaps reached."""

    title: Words
    standing: Words
    why: Words | None
    """Why it rests."""
    over: bool
    """Nothing changes any more."""
    share: float
    """Of its messages, how many are settled, from 0 to 1."""
    people: int
    sent: int
    waiting: int
    failed: int
    uncertain: int
    spared: int
    delays: Sequence[tuple[Words, int]]
    """What those that wait for more than their turn wait for."""
    refusals: Sequence[tuple[Words, int]]
    """Why the platforms refused what they refused, most first."""
    omissions: Sequence[tuple[Words, int]]
    """Why the rules left out what they left out."""
    perhaps: Sequence[str]
    """Whom nobody knows whether it reached: masked names, the first of them."""
    unnamed: int
    """How many more."""
    joined: int | None
    """Signed up afterwards; None: its button opens no activity."""
    next: datetime | None


Facts = Callable[[int, str], Awaitable[CampaignFacts | None]]
"""Campaign and signature in; None when there is no such campaign, or the signature is not its own."""

Drawing = Callable[[int, str], Awaitable[bytes | None]]
"""The same for its picture."""

Listing = Callable[[str], Awaitable[bytes | None]]
"""The address's token in, the list of a campaign's messages as a file out, once."""

WORDS: dict[str, Text] = {
    "title": _("How far it is"),
    "delays": _("Waiting, and for what"),
    "refusals": _("Refused, and why"),
    "perhaps": _("Whom it perhaps reached"),
    "omissions": _("Left out by rule, and why"),
    "lost": _("No connection. These are the last figures."),
}


NUMBER = "/campaign/{campaign:[0-9]{1,15}}"


def drawn(drawing: Drawing) -> Drawn:
    """The picture."""

    async def draw(named: Mapping[str, str], said: Mapping[str, str]) -> bytes | None:
        return await drawing(int(named["campaign"]), said.get("k", ""))

    # Its address is its right and its content never changes while it is sent; platforms fetch it many times.
    return Drawn(f"{NUMBER}/picture", draw, kept=3600)


def routes(site: Site, facts: Facts, drawing: Drawing, listing: Listing) -> list[web.RouteDef]:
    """The page, its figures as JSON, the picture, and the list."""

    async def found(request: web.Request) -> CampaignFacts:
        one = await facts(int(request.match_info["campaign"]), request.query.get("k", ""))
        if one is None:
            raise web.HTTPNotFound
        return one

    async def show(request: web.Request) -> web.Response:
        one, wording = await found(request), site.wording(request)
        return site.page("campaign.html", wording, title=one.title, words=WORDS, state=state(one, wording))

    async def now(request: web.Request) -> web.Response:
        return web.json_response(state(await found(request), site.wording(request)))

    async def take_list(request: web.Request) -> web.Response:
        return table(await listing(request.match_info["token"]), "campaign")

    return [
        web.get(NUMBER, show),
        web.get(f"{NUMBER}.json", now),
        drawn(drawing).route(),
        *once(site, f"/campaign/list/{TOKEN}.xlsx", take_list),
    ]


def state(one: CampaignFacts, wording: Wording) -> dict[str, Any]:
    """The figures in words of the reader, as the page draws them."""
    percent = int(one.share * 100)
    rows: list[tuple[Words, Words]] = [
        (_("People"), str(one.people)),
        (_("Sent"), str(one.sent)),
        (_("Waiting"), str(one.waiting)),
        *([(_("Refused by the platform"), str(one.failed))] if one.failed else []),
        *([(_("Perhaps arrived"), str(one.uncertain))] if one.uncertain else []),
        *([(_("Left out by rule"), str(one.spared))] if one.spared else []),
        *([(_("Signed up afterwards"), str(one.joined))] if one.joined is not None else []),
        *([(_("Next message"), one.next)] if one.next else []),
    ]
    return {
        "standing": wording(one.standing),
        "why": wording(one.why) if one.why else "",
        "over": one.over,
        "percent": percent,
        "done": wording(_("{n} % settled", n=percent)),
        "rows": [[wording(name), wording(value)] for name, value in rows],
        "delays": [[wording(why), str(count)] for why, count in one.delays],
        "refusals": [[wording(why), str(count)] for why, count in one.refusals],
        "perhaps": [[name, ""] for name in one.perhaps] + _more(one, wording),
        "omissions": [[wording(why), str(count)] for why, count in one.omissions],
    }


def _more(one: CampaignFacts, wording: Wording) -> list[list[str]]:
    return [[wording(ngettext("and {n} more", "and {n} more", one.unnamed)), ""]] if one.unnamed else []
