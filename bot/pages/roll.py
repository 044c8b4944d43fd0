"""The roll on a leader's phone: a tap for each who comes or goes, kept on the phone while there is no network."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from bot.domain.roll import NONCES_AT_ONCE, Mark, NotMarked, Outcome, Tick
from bot.pages.site import STATIC, Site
from bot.talk.wording import Span, Text, Wording, Words, _


@dataclass(frozen=True, slots=True)
class Line:
    """One person on the roll. `stand`: expected, here, left or closed (nothing can be said any more)."""

    enrolment: int
    number: int
    name: str
    stand: str
    at: datetime | None
    mine: bool
    """It is the leader: nobody calls their own name."""


@dataclass(frozen=True, slots=True)
class RollFacts:
    """What a leader's page shows."""

    title: Words
    starts: datetime
    ends: datetime
    lines: Sequence[Line]
    now: datetime
    wording: Wording
    """The leader's own."""


Look = Callable[[int, str, str], Awaitable[RollFacts | None]]
"""Activity, volunteer number and signature in; None when that leader has no roll to take there now."""

Take = Callable[
    [int, str, str, Callable[[datetime], Sequence[Tick]]], Awaitable[tuple[Mapping[str, Outcome], RollFacts] | None]
]
"""The same, and what makes ticks of the phone's clock when it is told what time it really is."""

WORDS: dict[str, Text] = {
    "here": _("Here"),
    "left": _("Gone"),
    "expected": _("not here yet"),
    "since": _("here since {at}"),
    "gone": _("gone at {at}"),
    "closed": _("closed"),
    "mine": _("you: check in with the code"),
    "saved": _("Everything is saved."),
    "waiting": _("{n} marks wait on this phone. They are sent when there is network; you can go on."),
    "count": _("{here} here, {expected} still expected"),
    "refused": _("{name}: {why}"),
    "over": _("This roll is closed. The names have been taken off this phone."),
    "lost": _("{n} marks came too late. Please tell the organiser whom they were for."),
    "unknown": _("nobody has that number"),
    "seat": _("has no seat"),
    "self": _("is you: please check in with the code"),
    "early": _("too early: check-in has not opened"),
    "late": _("too late for that"),
    "absent": _("has not arrived"),
    "future": _("that moment is still to come"),
}

TAPS = frozenset({Mark.HERE, Mark.LEFT, Mark.BACK})
"""What a finger can say; the other marks are words of a chat."""

_NONCE = re.compile(r"[0-9a-f]{32}\Z")
_NUMBER = re.compile(r"[0-9]{1,9}\Z", re.ASCII)


def routes(site: Site, look: Look, take: Take) -> list[web.RouteDef]:
    """The page, what it sends, and the worker that lets it open without network."""

    def asked(request: web.Request) -> tuple[int, str, str]:
        number = request.match_info["activity"]
        if not _NUMBER.match(number):
            raise web.HTTPNotFound
        return int(number), request.query.get("v", ""), request.query.get("k", "")

    async def show(request: web.Request) -> web.Response:
        found = await look(*asked(request))
        if found is None:
            raise web.HTTPNotFound
        return site.page(
            "roll.html",
            found.wording,
            title=found.title,
            when=Span(found.starts, found.ends),
            words=WORDS,
            script={name: found.wording(words) for name, words in _templates().items()},
            roll=_roll(found),
            batch=NONCES_AT_ONCE,
            zone=str(site.zone),
        )

    async def ticks(request: web.Request) -> web.Response:
        taken = await take(*asked(request), _reader(await request.text()))
        if taken is None:
            raise web.HTTPNotFound
        done, found = taken
        why = {nonce: _why(outcome) for nonce, outcome in done.items()}
        return web.json_response({"done": why, "roll": _roll(found)})

    async def worker(request: web.Request) -> web.Response:
        return web.Response(body=STATIC["roll-worker.js"][1], content_type="text/javascript", charset="utf-8")

    return [
        web.get("/roll/worker.js", worker),
        web.get("/roll/{activity}", show),
        web.post("/roll/{activity}/ticks", ticks),
    ]


def _reader(body: str) -> Callable[[datetime], Sequence[Tick]]:
    """Ticks as the phone sent them; their times are set right by what the phone's own clock says now.

    Raises HTTPBadRequest for what our page never sends.
    """
    try:
        sent = json.loads(body)
        told = datetime.fromtimestamp(sent["sent"] / 1000, UTC)
        ticks = [
            (str(one["nonce"]), int(one["id"]), Mark(one["mark"]), datetime.fromtimestamp(one["at"] / 1000, UTC))
            for one in sent["ticks"]
        ]
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        raise web.HTTPBadRequest from None
    sound = all(_NONCE.match(nonce) and mark in TAPS for nonce, _id, mark, _at in ticks)
    if len(ticks) > NONCES_AT_ONCE or not sound:
        raise web.HTTPBadRequest

    def read(now: datetime) -> Sequence[Tick]:
        wrong = now - told
        return [Tick(nonce, id_, mark, _moment(at, wrong)) for nonce, id_, mark, at in ticks]

    return read


def _moment(at: datetime, wrong: timedelta) -> datetime:
    try:
        return at + wrong
    except OverflowError:
        raise web.HTTPBadRequest from None


def _why(outcome: Outcome) -> str:
    """Empty: it is written down; else the word for why not."""
    if not isinstance(outcome, NotMarked):
        return ""
    return "late" if outcome.why == "over" else outcome.why


def _roll(found: RollFacts) -> dict[str, Any]:
    people = [
        {
            "id": one.enrolment, "number": one.number, "name": one.name, "stand": one.stand, "mine": one.mine,
            "at": found.wording.clock(one.at) if one.at else "",
        }
        for one in found.lines
    ]  # fmt: skip
    return {"now": round(found.now.timestamp() * 1000), "people": people}


def _templates() -> dict[str, Text]:
    """Sentences whose values the page's script fills in: they stay marks."""
    marks = {name: "{" + name + "}" for name in ("at", "n", "here", "expected", "name", "why")}
    return {name: Text(words.msgid, marks) for name, words in WORDS.items()}
