"""My hours: the total, by month, kind, organisation and proof; each record, with the reason where it counts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from bot.desk.desk import Desk
from bot.domain.records import Ledger, Record
from bot.talk import Day, Intent, Joined, Link, Month, Named, Span, Talk, Words, _, lines, ngettext, script
from handlers.cards import kind_name, title
from handlers.presence import zero
from handlers.proven import GRADES

LATEST = 5
MOST = 3
"""Kinds and organisations that are named; the others are counted. Every grade is named:
what was entered by hand never hides."""


@script("hours", words=["hours", "时长", "我的时长", "my hours", "志愿时长", _("My hours")])
async def hours(talk: Talk, desk: Desk) -> None:
    """Total and months first, then the latest records."""
    ledger = await desk.records.ledger(LATEST)
    if not ledger.present:
        return talk.say(
            _("No hours yet. Your first activity counts from check-in to check-out."),
            Link(_("Find activities"), Intent("find")),
        )
    worth = as_hours(ledger.total)
    spent = ngettext("{hours} hour", "{hours} hours", 1 if worth == 1 else 2, hours=worth)
    total = ngettext("{spent} over {n} activity.", "{spent} over {n} activities.", ledger.present, spent=spent)
    latest = (entry(record) for record in ledger.records)
    talk.say(
        lines(total, *apart(ledger), *months(ledger), *split(ledger), "", *latest),
        Link(_("All records"), Intent("records")),
        Link(_("As a picture"), Intent("chart")),
        Link(_("Something is wrong"), Intent("dispute")),
        Link(_("Find activities"), Intent("find")),
    )


def apart(ledger: Ledger) -> list[Words]:
    """What of the total is not final, and what is not in it."""
    parts: list[Words] = []
    if ledger.provisional:
        parts.append(_("{hours} h of it is on public notice and not final yet.", hours=as_hours(ledger.provisional)))
    if ledger.training:
        parts.append(_("Training, kept apart: {hours} h", hours=as_hours(ledger.training)))
    return parts


def months(ledger: Ledger) -> list[Words]:
    """The latest months."""
    return [
        _("{month}: {hours} h", month=Month(date.fromisoformat(f"{month}-01")), hours=as_hours(minutes))
        for month, minutes in ledger.months[:6]
    ]


def split(ledger: Ledger) -> list[Words]:
    """The total by kind, by organisation and by how it was proven, most first."""
    if not ledger.total:
        return []
    kinds = [part(kind_name(code), minutes) for code, minutes in ledger.kinds.items()]
    organisations = [part(Named(*names), minutes) for names, minutes in ledger.organisations.items()]
    grades = [part(grade, minutes) for grade, minutes in ledger.grades.items()]
    return [
        _("By kind: {parts}", parts=few(kinds)),
        _("By organisation: {parts}", parts=few(organisations)),
        _("By proof: {parts}", parts=Joined(tuple(grades), " · ")),
    ]


def part(name: Words, minutes: int) -> Words:
    """A share of the total."""
    return _("{name} {hours} h", name=name, hours=as_hours(minutes))


def few(parts: Sequence[Words]) -> Words:
    """The first of them, and how many there are beside."""
    shown = tuple(parts[:MOST])
    left = len(parts) - len(shown)
    return Joined((*shown, ngettext("{n} more", "{n} more", left)) if left else shown, " · ")


@script("records", words=["records", "记录", "服务记录"], title=_("my records"))
async def records(talk: Talk, desk: Desk) -> None:
    """Every record, newest first; each opens its activity."""
    latest = await desk.records.latest(50)
    if not latest:
        return talk.say(_("No hours yet. Your first activity counts from check-in to check-out."))
    links = [Link(entry(record), Intent("record", (str(record.id),))) for record in latest]
    await talk.browse("list", _("Your records, newest first:"), links)


@script("record", title=_("a record"))
async def record(talk: Talk, desk: Desk, number: int) -> None:
    """One record: what was counted, how it was proven, and why nothing where it is nothing."""
    found = await desk.records.mine(number)
    if found is None:
        return talk.say(_("You have no such record."), Link(_("My hours"), Intent("hours")))
    about = await desk.matters.of(number)
    asked = [Link(what_is_asked(one.id, len(about)), Intent("matter", (str(one.id),))) for one in about]
    wrong = Link(_("It is wrong"), Intent("dispute", (str(number),)))
    ways = [*asked, *([] if await desk.matters.open_dispute(number) else [wrong])]
    if found.why and found.why.rule == "forgotten":
        ends = [one for one in await desk.vouching.missing() if one.arrived == found.starts]
        ways[:0] = [Link(_("Tell when I left"), Intent("claim", (str(one.enrolment),))) for one in ends]
    talk.say(
        lines(
            title(found),
            Span(found.starts, found.ends) if found.ends and found.ends > found.starts else Day(found.starts),
            None if found.why and not found.minutes else _("{hours} h", hours=as_hours(found.minutes)),
            shared(desk.records.elsewhere(found)),
            zero(found.why, found.minutes) if found.why else None,
            GRADES[found.grade] if found.minutes else None,
            *facts(found, talk.now, desk.records.rules_of(found)),
        ),
        Link(_("How it was proven"), Intent("proven", (str(number),))),
        *ways,
        Link(_("What it said before"), Intent("history", (str(number),))),
        Link(_("My hours"), Intent("hours")),
    )


def what_is_asked(number: int, of: int) -> Words:
    """One of the things that are asked about a record."""
    asked = _("What is asked about it")
    return Joined((asked, _("No. {number}", number=number)), " · ") if of > 1 else asked


def shared(minutes: int) -> Words | None:
    """What of its time counts in another record."""
    if not minutes:
        return None
    return _("{hours} h of this time count in another record.", hours=as_hours(minutes))


def facts(found: Record, now: datetime, rules: tuple[str, str]) -> list[Words]:
    """When it is final, what is covered beside it, and by which rules it was counted."""
    parts: list[Words] = []
    if found.training:
        parts.append(_("Training, kept apart: {hours} h", hours=as_hours(found.training)))
    if found.provisional(now) and found.settles:
        parts.append(_("On public notice until {when}.", when=found.settles))
    if found.cover:
        parts.append(_("Covered on the way there and back, not counted: {span}", span=Span(*found.cover)))
    parts.append(_("Counted by the rules “{name}”.", name=Named(*rules)))
    return parts


def entry(record: Record) -> Words:
    """One record in one line."""
    worth = zero(record.why, record.minutes) if record.why else _("{hours} h", hours=as_hours(record.minutes))
    return Joined((Day(record.starts), title(record), worth), " · ")


def as_hours(minutes: int) -> float:
    """Minutes as hours with one decimal."""
    return round(minutes / 60, 1)
