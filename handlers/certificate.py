"""A certificate of my hours in two or three questions; checking a number that somebody holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from bot.desk.desk import Desk
from bot.desk.proofs import Held
from bot.domain.proofs import (
    Certificate,
    Checked,
    Issued,
    Issuer,
    Look,
    MayNotIssue,
    Nameless,
    Period,
    Recorder,
    grouped,
    read_number,
    read_period,
)
from bot.talk import (
    Incoming,
    Intent,
    Joined,
    Link,
    Named,
    Option,
    Picture,
    Talk,
    Text,
    Unclear,
    View,
    WebLink,
    Words,
    _,
    lines,
    ngettext,
    script,
)

ALL = 0
"""Every organisation: one certificate of each, because only who recorded certifies."""


def hears_number(text: str, now: datetime) -> Sequence[str] | None:
    """A certificate's number, and a name to compare if one stands after it."""
    found = read_number(text)
    return (found.number, found.rest) if found else None


@script(
    "certificate",
    words=["certificate", "证明", "志愿服务证明", "开证明", _("Certificate")],
    title=_("a certificate of your hours"),
)
async def certificate(talk: Talk, desk: Desk) -> None:
    """Which organisation, which period, is the name right; then the picture and the PDF."""
    known = await desk.proofs.recorders()
    recorders = [one for one in known if one.minutes]
    asked = in_question(sum(one.asked for one in known))
    if not recorders and known:
        nothing = lines(_("There is nothing to certify now."), asked)
        return talk.say(nothing, Link(_("My hours"), Intent("hours")), OLDER)
    if not recorders:
        return talk.say(
            _("There is nothing to certify yet: no hours have been counted."),
            Link(_("My hours"), Intent("hours")),
            Link(_("Find activities"), Intent("find")),
        )
    wanted = recorders
    if len(recorders) > 1:
        options = [Option(str(one.issuer.id), of(one), one.issuer.id) for one in recorders]
        everyone = Option("all", ngettext("All: {n} certificate", "All: {n} certificates", len(recorders)), ALL)
        question = lines(_("Which organisation's records? Who recorded the hours certifies them."), asked)
        chosen = await talk.choose("organisation", question, [everyone, *options], also=[OLDER])
        wanted = [one for one in recorders if chosen in (ALL, one.issuer.id)]
    periods = desk.proofs.periods(wanted)
    ready = [
        Option(name, period_name(name, one), [one.since.isoformat(), one.until.isoformat()])
        for name, one in periods.items()
    ]
    question = lines(
        None if len(recorders) > 1 else asked,
        _("For which period? You can also send days or months, like 2026-03 to 2026-08."),
    )
    also = [OLDER] if len(recorders) == 1 else []
    days = await talk.ask("period", question, period_reader(desk.proofs.today), options=ready, also=also)
    period = Period(date.fromisoformat(days[0]), date.fromisoformat(days[1]))
    worth = [(one, await desk.proofs.minutes(one.issuer.id, period)) for one in wanted]
    worth = [(one, minutes) for one, minutes in worth if minutes]
    if not worth:
        return talk.say(_("Nothing was counted in that period."), Link(_("Certificate"), Intent("certificate")), OLDER)
    look = lines(
        _("Name on it: {name}", name=await desk.proofs.name()),
        span(period),
        *(Joined((issuer_name(one.issuer), by_grade(minutes)), " · ") for one, minutes in worth),
        "",
        _("Issue it?"),
    )
    if not await talk.confirm("sure", look, _("Issue it"), _("Not now")):
        return talk.say(_("Nothing was issued."))
    for one, _minutes in worth:
        said(talk, desk, await desk.proofs.issue(one.issuer.id, period))


OLDER = Link(_("My certificates"), Intent("certificates"))


def in_question(minutes: int) -> Words | None:
    """What is not certified yet."""
    if not minutes:
        return None
    return _("{hours} more are asked about, and certified once that is settled.", hours=as_hours(minutes))


def of(recorder: Recorder) -> Words:
    """An organisation and what it recorded of me."""
    return Joined((issuer_name(recorder.issuer), as_hours(recorder.minutes)), " · ")


def period_name(name: str, period: Period) -> Words:
    """A usual period, by its name and days."""
    named = {
        "all": _("Everything until today"),
        "year": _("This year"),
        "school": _("This school year"),
    }.get(name, _("Last year"))
    return _("{name}: {span}", name=named, span=span(period))


def span(period: Period) -> Text:
    """From a day to a day."""
    return _("{since} to {until}", since=period.since, until=period.until)


def period_reader(today: date) -> Callable[[Incoming], list[str]]:
    """Reads a year, months or days."""

    def read(answer: Incoming) -> list[str]:
        found = read_period(answer.text or "", today)
        if found is None:
            raise Unclear(_("Please send a year, months or days, like 2026 or 2026-03 to 2026-08; not in the future."))
        return [found.since.isoformat(), found.until.isoformat()]

    return read


def issuer_name(issuer: Issuer) -> Named:
    """Who certifies."""
    return Named(issuer.name, issuer.english)


def as_hours(minutes: int) -> Text:
    """Minutes as hours with one decimal."""
    return _("{hours} h", hours=round(minutes / 60, 1))


def by_grade(minutes: Mapping[str, int]) -> Words:
    """The total, and how it was proven."""
    parts = [_("{grade} {hours} h", grade=grade, hours=round(part / 60, 1)) for grade, part in minutes.items()]
    return _("{total} ({parts})", total=as_hours(sum(minutes.values())), parts=Joined(tuple(parts), " + "))


def said(talk: Talk, desk: Desk, outcome: object) -> None:
    """A certificate, or why there is none."""
    match outcome:
        case Issued(one, anew):
            first = (
                _("Here is your certificate.") if anew else _("You have this certificate already; here it is again.")
            )
            shown(talk, desk, one, first)
        case MayNotIssue(issuer):
            text = _("{issuer} may not issue certificates at present. Your hours stay.", issuer=issuer_name(issuer))
            talk.say(text, Link(_("My hours"), Intent("hours")))
        case Nameless():
            talk.say(_("I have no name of yours to put on it. It is asked when you sign up for an activity."))
        case _:
            talk.say(_("Nothing was counted in that period."), Link(_("Certificate"), Intent("certificate")))


def shown(
    talk: Talk, desk: Desk, one: Certificate, first: Words, *more: Words, links: Sequence[Link] = ()
) -> None:
    """One valid certificate: the picture, the PDF, and what can be told to whoever wants to check it."""
    papers = desk.proofs.papers(one.number)
    talk.say(
        lines(
            first,
            issuer_name(one.issuer),
            span(one.period),
            by_grade(one.minutes),
            _("No. {number}", number=grouped(one.number)),
            *more,
        ),
        WebLink(_("PDF for print"), papers.pdf),
        *links,
        picture=Picture(papers.png, _("Anybody can check it by the code on it, or by sending me its number.")),
    )


@script(
    "certificates",
    words=["certificates", "我的证明", "my certificates", _("My certificates")],
    title=_("your certificates"),
)
async def certificates(talk: Talk, desk: Desk) -> None:
    """What was certified of me, newest first."""
    mine = await desk.proofs.mine()
    if not mine:
        return talk.say(_("You have no certificate yet."), Link(_("Get a certificate"), Intent("certificate")))
    links = [Link(entry(one), Intent("mycertificate", (one.number,))) for one in mine]
    await talk.browse("list", _("Your certificates, newest first:"), links)


def entry(one: Certificate) -> Words:
    """One certificate in one line."""
    worth = as_hours(sum(one.minutes.values()))
    parts: list[Words] = [issuer_name(one.issuer), worth, span(one.period)]
    return Joined((*parts, _("withdrawn")) if not one.valid else tuple(parts), " · ")


@script("mycertificate", title=_("your certificate"))
async def mycertificate(talk: Talk, desk: Desk, number: str) -> None:
    """One of mine again, and who asked about it."""
    held = await desk.proofs.held(number)
    if held is None:
        return talk.say(_("You have no such certificate."), OLDER)
    one = held.certificate
    more = [Link(_("All who asked"), Intent("whoasked", (number,)))] if held.checks > len(held.last) else []
    if not one.valid:
        return talk.say(
            lines(
                _(
                    "This certificate was withdrawn on {day}: {reason}.",
                    day=day(one.withdrawn, desk),
                    reason=reason(one.reason),
                ),
                issuer_name(one.issuer),
                span(one.period),
                by_grade(one.minutes),
                asked(held),
            ),
            Link(_("Get a certificate"), Intent("certificate")),
            *more,
        )
    shown(talk, desk, one, _("Your certificate:"), asked(held), links=more)


def day(at: datetime | None, desk: Desk) -> date | None:
    """The day in the city, with its year: a certificate is read years later."""
    return at.astimezone(desk.city.zone).date() if at else None


def asked(held: Held) -> Words:
    """Who asked: how often, and who last."""
    if not held.checks:
        return _("Nobody has checked it yet.")
    often = ngettext(
        "It was checked {n} time, newest first:", "It was checked {n} times, newest first:", held.checks
    )
    return lines(often, *map(look, held.last))


def look(one: Look) -> Words:
    """One check in one line."""
    if not one.known:
        return _("{when} · somebody who did not have to say who they are", when=one.at)
    who: Words = one.name or _("somebody in a chat, without a name")
    if one.organisation:
        return _("{when} · {who}, {organisation}", when=one.at, who=who, organisation=Named(*one.organisation))
    return _("{when} · {who}", when=one.at, who=who)


LOOKS = 10
"""Checks in one message."""


@script("whoasked", title=_("who checked your certificate"))
async def whoasked(talk: Talk, desk: Desk, number: str, after: int = 0) -> None:
    """Everybody who asked about one of mine, newest first, ten at a time."""
    found = await desk.proofs.looks(number, after, LOOKS + 1)
    if found is None:
        return talk.say(_("You have no such certificate."), OLDER)
    if not found:
        return talk.say(_("Nobody has checked it yet.") if not after else _("Nobody else has checked it."), OLDER)
    back = Link(_("My certificate"), Intent("mycertificate", (number,)))
    further = [Link(_("More"), Intent("whoasked", (number, str(after + LOOKS))))] if len(found) > LOOKS else []
    talk.say(lines(_("It was checked, newest first:"), *map(look, found[:LOOKS])), *further, back)


@script(
    "proof",
    words=["proof", "check a certificate", "核验", "验证", "查证明", "核验证明", _("Check a certificate")],
    title=_("checking a certificate"),
    hears=hears_number,
    takes_rest=True,
)
async def proof(talk: Talk, desk: Desk, number: str = "", name: str = "") -> None:
    """Valid, withdrawn or unknown; the name masked unless the right one was typed after the number."""
    found = read_number(f"{number} {name}")
    if found is None:
        typed = await talk.ask("number", _("What is the number on the certificate?"), certificate_number)
        found = read_number(f"{typed[0]} {typed[1]}")
    assert found is not None
    if not found.sound:
        return talk.say(
            lines(
                _("No. {number}", number=grouped(found.number)),
                _("Unknown: this number was mistyped. Please compare it letter by letter."),
            )
        )
    mine = await desk.proofs.held(found.number)
    ways: list[Link] = [Link(_("My certificate"), Intent("mycertificate", (found.number,)))] if mine else []
    if await desk.proofs.looked_after(found.number):
        ways.append(Link(_("Withdraw it"), Intent("withdrawproof", (found.number,))))
    talk.say(verdict(await desk.proofs.check(found.number, found.rest), desk), *ways)


def certificate_number(answer: Incoming) -> list[str]:
    """A number, and what stands after it."""
    found = read_number(answer.text or "")
    if found is None:
        raise Unclear(
            _("It has 28 letters and digits in seven groups, like K7QF-2M0X-…, beside the code on the sheet.")
        )
    return [found.number, found.rest]


def verdict(found: Checked, desk: Desk) -> Words:
    """What a check says."""
    if found.issuer is None or found.period is None or found.minutes is None:
        return lines(
            _("No. {number}", number=grouped(found.number)),
            _("Unknown: no certificate has this number."),
        )
    state: Words = _("Valid.")
    if found.state != "valid":
        state = _(
            "Withdrawn on {day}: {reason}. It proves nothing.",
            day=day(found.withdrawn, desk),
            reason=reason(found.reason),
        )
    compare: Words = {
        None: _("To compare the name, send the number with the whole name after it."),
        True: _("The name you sent is the one on it."),
        False: _("The name you sent is not the one on it."),
    }[found.match]
    return lines(
        _("No. {number}", number=grouped(found.number)),
        state,
        _("Issuer: {issuer}", issuer=issuer_name(found.issuer)),
        _("Name: {name}", name=found.name),
        _("Period: {span}", span=span(found.period)),
        _("Hours: {hours}", hours=by_grade(found.minutes)),
        _("Issued: {when}", when=day(found.issued, desk)),
        compare,
    )


def reason(code: str) -> Text:
    """Why a certificate was withdrawn."""
    return {
        "corrected": _("a record was corrected"),
        "name": _("the name was wrong"),
        "mistake": _("issued by mistake"),
    }.get(code, _("the hours were not served"))


def withdrawn(said: Mapping[str, str]) -> View:
    """The notice that a certificate was taken back, and where the right one is."""
    text = _(
        "{issuer} has withdrawn your certificate No. {number}: {reason}. It proves nothing any more.",
        issuer=Named(said["issuer"], said["english"]),
        number=grouped(said["number"]),
        reason=reason(said["reason"]),
    )
    instead = said.get("instead", "")
    if not instead:
        return View(text, (OLDER,))
    anew = Link(_("The new certificate"), Intent("mycertificate", (instead,)))
    return View(lines(text, _("A right one was issued in its place.")), (anew,))
