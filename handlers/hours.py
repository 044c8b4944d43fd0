"""My hours: the total, the months, and the state of each record with the reason where it counts nothing."""

from __future__ import annotations

from datetime import date

from bot.desk.desk import Desk
from bot.domain.records import Record
from bot.talk import Day, Intent, Joined, Link, Month, Talk, Words, _, lines, ngettext, script
from handlers.cards import title
from handlers.presence import zero
from handlers.proven import GRADES

LATEST = 5


@script("hours", words=["hours", "时长", "我的时长", "my hours", "志愿时长"])
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
    months = [
        _("{month}: {hours} h", month=Month(date.fromisoformat(f"{month}-01")), hours=as_hours(minutes))
        for month, minutes in ledger.months[:6]
    ]
    talk.say(
        lines(total, *months, "", *(entry(record) for record in ledger.records)),
        Link(_("All records"), Intent("records")),
        Link(_("Find activities"), Intent("find")),
    )


@script("records", words=["records", "记录", "服务记录"], title=_("my records"))
async def records(talk: Talk, desk: Desk) -> None:
    """Every record, newest first; each opens its activity."""
    ledger = await desk.records.ledger(50)
    if not ledger.records:
        return talk.say(_("No hours yet. Your first activity counts from check-in to check-out."))
    links = [Link(entry(record), Intent("record", (str(record.id),))) for record in ledger.records]
    await talk.browse("list", _("Your records, newest first:"), links)


@script("record", title=_("a record"))
async def record(talk: Talk, desk: Desk, number: int) -> None:
    """One record: what was counted, how it was proven, and why nothing where it is nothing."""
    found = next((one for one in (await desk.records.ledger(1000)).records if one.id == number), None)
    if found is None:
        return talk.say(_("You have no such record."), Link(_("My hours"), Intent("hours")))
    talk.say(
        lines(
            title(found),
            Day(found.starts),
            _("{hours} h", hours=as_hours(found.minutes)),
            zero(found.why) if found.why else GRADES[found.grade],
        ),
        Link(_("How it was proven"), Intent("proven", (str(number),))),
        Link(_("My hours"), Intent("hours")),
    )


def entry(record: Record) -> Words:
    """One record in one line."""
    worth = zero(record.why) if record.why else _("{hours} h", hours=as_hours(record.minutes))
    return Joined((Day(record.starts), title(record), worth), " · ")


def as_hours(minutes: int) -> float:
    """Minutes as hours with one decimal."""
    return round(minutes / 60, 1)
