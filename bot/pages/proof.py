"""The public check of a certificate: valid, withdrawn or unknown; and its papers for whoever holds the signed
address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import tzinfo

from aiohttp import web

from bot.domain.proofs import Checked, grouped, read_number
from bot.pages.pictures import Drawn
from bot.pages.site import Site
from bot.pages.tables import table
from bot.pages.visitors import Bucket, visitor
from bot.talk.wording import Named, Text, Wording, _, ngettext

NAME_LENGTH = 80

Check = Callable[[str, str], Awaitable[Checked]]
"""Number and typed name in."""

Paper = Callable[[str, str, str], Awaitable[bytes | None]]
"""Number, signature and kind (pdf or png) in; None: no such certificate, withdrawn, or not its signature."""

Register = Callable[[int, str, str], Awaitable[bytes | None]]
"""Organisation, volunteer number and signature in; the issuer's register as a file out, or None."""

STATES: dict[str, tuple[Text, Text]] = {
    "valid": (_("Valid"), _("This certificate was issued and stands.")),
    "withdrawn": (_("Withdrawn"), _("The issuer has taken this certificate back. It proves nothing.")),
    "unknown": (_("Unknown"), _("No certificate has this number. Please compare it letter by letter.")),
}

REASONS: dict[str, Text] = {
    "corrected": _("a record was corrected"),
    "name": _("the name was wrong"),
    "mistake": _("issued by mistake"),
    "untrue": _("the hours were not served"),
}

GRADES: dict[str, Text] = {
    "A": _("A: proven from both sides"),
    "B": _("B: proven from one side"),
    "C": _("C: claimed and approved"),
    "D": _("D: entered without evidence"),
}

WORDS: dict[str, Text] = {
    "title": _("Check of a certificate"),
    "number": _("Certificate number"),
    "name": _("Name"),
    "issuer": _("Issuer"),
    "period": _("Period"),
    "hours": _("Hours of service"),
    "issued": _("Date of issue"),
    "compare": _("Name on the sheet"),
    "button": _("Compare"),
    "right": _("The name you typed is the one on the certificate."),
    "wrong": _("The name you typed is not the one on the certificate."),
    "told": _("The holder sees that somebody checked, and on which day; not who."),
}

TYPES = {"pdf": "application/pdf", "png": "image/png"}


def drawn(paper: Paper) -> Drawn:
    """The sheet as a picture."""

    async def draw(named: Mapping[str, str], said: Mapping[str, str]) -> bytes | None:
        return await paper(named["number"], said.get("k", ""), "png")

    return Drawn("/proof/{number}.png", draw)


def routes(
    site: Site, check: Check, paper: Paper, bucket: Bucket | None = None, register: Register | None = None
) -> list[web.RouteDef]:
    """The page, the comparison of a name, the two papers, and the issuer's register."""
    looks = bucket or Bucket()

    def limited(request: web.Request) -> None:
        if not looks.take(visitor(request)):
            raise web.HTTPTooManyRequests(headers={"Retry-After": "10"})

    async def shown(request: web.Request, name: str) -> web.Response:
        typed = request.match_info["number"]
        read = read_number(typed)
        number = read.number if read else ""
        found = await check(number, name)
        wording = site.wording(request)
        title, advice = STATES[found.state]
        return site.page(
            "proof.html",
            wording,
            words=WORDS,
            state=found.state,
            title=title,
            advice=advice,
            number=grouped(number) if number else typed[:40],
            action=f"/proof/{number}",
            rows=rows(found, wording, site.zone),
            match=found.match,
        )

    async def show(request: web.Request) -> web.Response:
        limited(request)
        return await shown(request, "")

    async def compare(request: web.Request) -> web.Response:
        limited(request)
        name = (await request.post()).get("name", "")
        return await shown(request, name[:NAME_LENGTH] if isinstance(name, str) else "")

    async def give(request: web.Request) -> web.Response:
        limited(request)
        kind = request.match_info["kind"]
        body = await paper(request.match_info["number"], request.query.get("k", ""), kind)
        if body is None:
            raise web.HTTPNotFound
        return web.Response(body=body, content_type=TYPES[kind], headers={"Content-Disposition": "inline"})

    async def give_register(request: web.Request) -> web.Response:
        limited(request)
        number, key = request.query.get("by", ""), request.query.get("k", "")
        body = await register(int(request.match_info["organisation"]), number, key) if register else None
        return table(body, "register")

    return [
        web.get("/register/{organisation:[0-9]{1,15}}.xlsx", give_register, allow_head=False),
        web.get("/proof/{number}.{kind:pdf|png}", give),
        # A HEAD is no look: it would be counted for the holder, and shows nothing.
        web.get("/proof/{number}", show, allow_head=False),
        web.post("/proof/{number}", compare),
    ]


def rows(found: Checked, wording: Wording, zone: tzinfo) -> list[tuple[Text, list[str]]]:
    """What the page tells: the same rows for every number, with a dash where there is nothing to tell."""
    told: dict[str, list[str]] = {}
    if found.issuer and found.period and found.issued:
        issuer, period = found.issuer, found.period
        total = sum((found.minutes or {}).values())
        grades = [f"{wording(GRADES[grade])} · {minutes / 60:.1f}" for grade, minutes in (found.minutes or {}).items()]
        told = {
            "name": [found.name],
            "issuer": [wording(Named(issuer.name, issuer.english))],
            "period": [wording(_("{since} to {until}", since=period.since, until=period.until))],
            "hours": [f"{total / 60:.1f} {wording(ngettext('hour', 'hours', 1 if total == 60 else 2))}", *grades],
            "issued": [wording(found.issued.astimezone(zone).date())],
        }
    listed = [(WORDS[name], told.get(name, ["—"])) for name in ("name", "issuer", "period", "hours", "issued")]
    withdrawn = [wording(_("never"))] if found.issued else ["—"]
    if found.withdrawn is not None:
        day = wording(found.withdrawn.astimezone(zone).date())
        withdrawn = [f"{day} · {wording(REASONS.get(found.reason, REASONS['untrue']))}"]
    return [*listed, (STATES["withdrawn"][0], withdrawn)]
