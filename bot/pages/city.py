"""The city's public figures: one page for everybody, and the same as open data.

What both say was counted by a tick; a look here asks nothing of the database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.domain.figures import ENOUGH, SPANS, Figure, Figures, Row, together
from bot.domain.kinds import KINDS
from bot.domain.places import Gazetteer
from bot.pages.proof import GRADES
from bot.pages.site import Site
from bot.pages.visitors import Bucket, visitor
from bot.talk.wording import LANGUAGES, Joined, Month, Named, Text, Wording, Words, _, ngettext

Ask = Callable[[], Awaitable[Figures | None]]
"""The latest figures; None: there are none, and the database is away."""

VERSION = 1
"""Of the open data: a field that is added leaves it, one that changes its meaning raises it."""

LICENCE = "CC-BY-4.0"
"""By its SPDX name: anybody may use the figures who says where they are from."""

KEPT = "public, max-age=60"

NAMES = {"zh_CN": "中文", "en": "English"}

WORDS: dict[str, Text] = {
    "title": _("Volunteering in figures"),
    "people": _("People"),
    "hours": _("Hours counted"),
    "activities": _("Activities"),
    "organisations": _("Organisations"),
    "figure": _("Figure"),
    "span": _("Which time?"),
    "proven": _("How the hours were proven"),
    "districts": _("By district"),
    "kinds": _("By kind of service"),
    "hours_short": _("Hours"),
    "hidden": _("not shown"),
    "none": _("No hours have been counted yet. The first appear here the day after they were served."),
    "made": _("What these figures are made of"),
    "rules": _("Only what was counted by the rules: time on the spot, and neither travel nor training."),
    "once": _("A minute of somebody's time counts once, whoever they served with; somebody in two chats is one."),
    "held": _("Activities are those that were held, organisations those that held them."),
    "notice": _("New records are on public notice first, and may still change."),
    "open": _("The same figures for programs:"),
    "licence": _("Anybody may use them who says where they are from (CC BY 4.0)."),
    "language": _("Language"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the whole on the page: what it is called, its figures, and its share of the largest in percent."""

    name: Words
    figure: Figure
    share: float


def routes(site: Site, figures: Ask, places: Gazetteer, bucket: Bucket | None = None) -> list[web.RouteDef]:
    """The page and the open data."""
    looks = bucket or Bucket()

    async def latest(request: web.Request) -> Figures:
        if not looks.take(visitor(request)):
            raise web.HTTPTooManyRequests(headers={"Retry-After": "10"})
        found = await figures()
        if found is None:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "30"})
        return found

    async def show(request: web.Request) -> web.Response:
        found = await latest(request)
        asked = request.query.get("lang", "")
        wording = Wording(asked, site.zone) if asked in LANGUAGES else site.wording(request)
        span = request.query.get("of", "")
        page = site.page("city.html", wording, **_page(found, places, span if span in SPANS else "year", asked))
        page.headers["Vary"] = "Accept-Language"
        return _kept(request, page)

    async def give(request: web.Request) -> web.Response:
        answer = web.json_response(as_data(await latest(request), places), dumps=_written)
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return _kept(request, answer)

    return [web.get("/city", show), web.get("/city.json", give)]


def _written(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1)


def _kept(request: web.Request, answer: web.Response) -> web.Response:
    """With its fingerprint; without its body for whoever has it already."""
    assert isinstance(answer.body, bytes)
    answer.etag = hashlib.sha256(answer.body).hexdigest()[:32]
    answer.headers["Cache-Control"] = KEPT
    known = request.if_none_match or ()
    if any(one.value in ("*", answer.etag.value) for one in known if answer.etag is not None):
        same = web.Response(status=304, headers=answer.headers)
        for name in ("Content-Type", "Content-Length"):
            same.headers.popall(name, None)
        return same
    return answer


# --- The page -------------------------------------------------------------------------------------------------------


def _page(found: Figures, places: Gazetteer, span: str, language: str) -> dict[str, Any]:
    """What the template is given."""

    def named(code: str) -> Named:
        place = places.place(int(code))
        return Named(place.name, place.english)

    kinds = {one.code: Named(one.chinese, one.english) for one in KINDS}
    tables = found.tables
    return {
        "words": WORDS,
        "title": WORDS["title"],
        "whose": Named(places.city.name, places.city.english),
        "until": _("Counted until the end of {day}.", day=_last_day(found)),
        "coming": ngettext("{n} activity is on or coming up.", "{n} activities are on or coming up.", found.coming),
        "is_empty": found.whole["all"].people == 0,
        "heads": [(_name(found, one), _since(found, one)) for one in SPANS],
        "whole": [(WORDS[what], [_cell(found.whole[one], what) for one in SPANS]) for what in _FIGURES],
        "spans": [(_name(found, one), address(one, language), one == span) for one in SPANS],
        "languages": [(NAMES[one], one.replace("_", "-"), address(span, one)) for one in LANGUAGES],
        "of": _name(found, span),
        "grades": _grades(found, span),
        "provisional": _provisional(tables["notice"], span),
        "sections": [
            (WORDS["districts"], _lines(tables["districts"], span, named)),
            (WORDS["kinds"], _lines(tables["kinds"], span, kinds.__getitem__)),
        ],
        "hours": hours,
        "few": _(
            "Not shown: where fewer than {n} people were, and what would tell of so few by subtraction.", n=ENOUGH
        ),
    }


def address(span: str, language: str = "") -> str:
    """The page of a span, in a language where one was chosen."""
    return "/city?" + urlencode({"of": span} | ({"lang": language} if language else {}))


_FIGURES = ("people", "hours", "activities", "organisations")


def _cell(figure: Figure, what: str) -> str | None:
    """A figure in digits; None: not shown."""
    if what == "hours":
        return None if figure.minutes is None else hours(figure.minutes)
    found: int | None = getattr(figure, what)
    return None if found is None else f"{found:,}"


def hours(minutes: int) -> str:
    """Hours in digits, with one decimal while they are few."""
    return f"{minutes / 60:,.1f}" if 0 < minutes < 600 else f"{minutes / 60:,.0f}"


def _last_day(found: Figures) -> Any:
    return (found.periods.until - timedelta(days=1)).date()


def _begins(found: Figures, span: str) -> datetime | None:
    return {"month": found.periods.month, "year": found.periods.year, "all": found.first}[span]


def _name(found: Figures, span: str) -> Words:
    """What a span is called."""
    if span == "month":
        return Month(found.periods.month.date())
    return _("Year {year}", year=found.periods.year.year) if span == "year" else _("In all")


def _since(found: Figures, span: str) -> Words:
    begins = _begins(found, span)
    return _("since {day}", day=begins.astimezone(found.periods.until.tzinfo).date()) if begins else ""


def _lines(table: Mapping[str, Row], span: str, named: Callable[[str], Words]) -> list[Line]:
    """A table's lines, those of most hours first; what is not shown comes last."""
    rows = {code: row[span] for code, row in table.items()}
    codes = sorted(rows, key=lambda code: (rows[code].is_hidden, -(rows[code].minutes or 0), code))
    most = max((one.minutes or 0 for one in rows.values()), default=0) or 1
    return [Line(named(code), rows[code], _share(rows[code].minutes or 0, most)) for code in codes]


def _grades(found: Figures, span: str) -> list[tuple[Words, int, float]]:
    """Name, minutes and share of each grade; those that are not shown singly as one, which is of enough people."""
    table = {code: row[span] for code, row in sorted(found.tables["grades"].items())}
    total, rest = found.whole[span].minutes, together(found.whole, found.tables["grades"], span)
    if not total or rest is None:
        return []
    lines: list[tuple[Words, int]] = [
        (GRADES[code], one.minutes) for code, one in table.items() if one.minutes is not None
    ]
    if rest:
        letters = Joined(tuple(code for code, one in table.items() if one.is_hidden), ", ")
        lines.append((_("{grades} together", grades=letters), rest))
    return [(name, minutes, _share(minutes, total)) for name, minutes in lines]


def _share(minutes: int, of: int) -> float:
    return round(100 * minutes / of, 1)


def _provisional(notice: Mapping[str, Row], span: str) -> Text | None:
    minutes = notice["open"][span].minutes if "open" in notice else None
    return _("{hours} h of it is on public notice and not final yet.", hours=hours(minutes)) if minutes else None


# --- Open data ------------------------------------------------------------------------------------------------------


def as_data(found: Figures, places: Gazetteer) -> dict[str, Any]:
    """The figures for programs; `docs/open-data.md` says what each field means."""
    kinds = {one.code: (one.chinese, one.english) for one in KINDS}
    names: dict[str, Callable[[str], dict[str, str]]] = {
        "districts": lambda code: _both(places.place(int(code)).name, places.place(int(code)).english),
        "kinds": lambda code: _both(*kinds[code]),
    }
    return {
        "version": VERSION,
        "licence": LICENCE,
        "city": {"code": str(places.city.code), **_both(places.city.name, places.city.english)},
        "until": found.periods.until.isoformat(),
        "since": {span: begins.isoformat() if (begins := _begins(found, span)) else None for span in SPANS},
        "fewest_people": ENOUGH,
        "activities_coming": found.coming,
        "whole": _spans(found.whole),
    } | {
        name: [
            {"code": code, **(names[name](code) if name in names else {}), **_spans(row, name in names)}
            for code, row in sorted(table.items())
        ]
        for name, table in found.tables.items()
    }


def _both(chinese: str, english: str) -> dict[str, str]:
    return {"name": chinese, "english": english}


def _spans(row: Row, of_activities: bool = True) -> dict[str, Any]:
    return {
        span: {"people": one.people, "minutes": one.minutes, "hidden": one.is_hidden}
        | ({"activities": one.activities, "organisations": one.organisations} if of_activities else {})
        for span, one in row.items()
    }
