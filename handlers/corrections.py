"""For who recorded: what an activity's presences counted, correcting one with a reason, and agreeing as the second."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo

from bot.desk.desk import Desk
from bot.domain.activities import NotAllowed
from bot.domain.corrections import LONGEST, SHORTEST, Corrected, Correction, NeedsSecond, NothingChanged, Values
from bot.domain.records import Record
from bot.domain.when import read_span
from bot.talk import Day, Incoming, Intent, Joined, Link, Option, Span, Talk, Unclear, View, Words, _, lines, script
from handlers.answers import words
from handlers.cards import line as activity_line
from handlers.disputes import about_record
from handlers.hours import as_hours, entry
from handlers.lookedafter import ORGANISE
from handlers.presence import zero

NOTHING_TO_AGREE = _("There is no such correction for you to agree to.")
NOT_YOURS = _("There is no such record among those you look after.")

_POINTED = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{2})(?![\d.])", re.ASCII)
"""A time as some write it: 11.30."""


@script("minutes", words=["minutes", "记录更正", "活动时长"], title=_("the records of an activity"))
async def minutes(talk: Talk, desk: Desk, activity: int = 0) -> None:
    """What an activity's presences counted; each leads to its correction."""
    if not activity:
        lately = await desk.corrections.activities()
        if not lately:
            return talk.say(_("There is no activity of yours that has begun lately."), ORGANISE)
        ways = [Link(activity_line(one, desk), Intent("minutes", (str(one.id),))) for one in lately]
        return await talk.browse("which", _("Which activity?"), ways)
    found = await desk.corrections.records(activity)
    if isinstance(found, NotAllowed):
        return talk.say(_("Nothing is recorded there that you look after."), ORGANISE)
    ways = [Link(Joined((name, worth(one)), " · "), Intent("amend", (str(one.id),))) for one, name in found]
    await talk.browse("list", _("What was counted; choose a record to correct it:"), ways)


def worth(one: Record) -> Words:
    """From when to when, how much, how it was proven."""
    if one.why:
        return zero(one.why, one.minutes)
    span = Span(one.starts, one.ends or one.starts)
    return Joined((span, _("{hours} h", hours=as_hours(one.minutes)), one.grade), " · ")


@script("amend", words=["amend", "更正时长"], title=_("correcting a record"))
async def amend(talk: Talk, desk: Desk, record: int = 0, matter: int = 0) -> None:
    """From when to when were they there, and why is it changed; then the volunteer is told."""
    if not record:
        return talk.go(Intent("minutes"))
    found = await desk.corrections.record(record)
    if isinstance(found, NotAllowed):
        return talk.say(NOT_YOURS, ORGANISE)
    times = await talk.ask(
        "times",
        lines(
            entry(found),
            None if found.why else worth(found),
            _("From when to when were they there? Like 9:00-11:30."),
        ),
        hours_on(found.starts, desk.city.zone),
        options=[Option("absent", _("They were not there"), ["", ""])],
    )
    question = lines(understood(times), _("Why? The volunteer will read it, and it stays."))
    why = await talk.ask("why", question, words(SHORTEST, LONGEST))
    starts, ends = (datetime.fromisoformat(one) if one else None for one in times)
    match await desk.corrections.correct(record, starts, ends, why, matter):
        case Corrected(_record, before, after):
            talk.say(
                lines(_("It is corrected, and the volunteer is told."), change(before, after)),
                Link(_("The records of this activity"), Intent("minutes", (str(found.activity),))),
            )
        case NeedsSecond(_number, after):
            talk.say(
                lines(
                    _("That is much, so a second person has to agree: of your organisation, or of the centre above."),
                    value(after),
                    _("They find it under “matters”. Until then nothing is changed."),
                ),
                ORGANISE,
            )
        case NothingChanged():
            talk.say(_("The record says that already."), ORGANISE)
        case _:
            talk.say(NOT_YOURS, ORGANISE)


def hours_on(day: datetime, zone: tzinfo) -> Callable[[Incoming], list[str]]:
    """Reads two times of the day of a record, as they are read everywhere: “早上8点半到下午1点半” too."""

    def read(answer: Incoming) -> list[str]:
        midnight = day.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        span = read_span(_POINTED.sub(r"\1:\2", answer.text or ""), midnight, zone)
        if span is None:
            raise Unclear(_("I need both times, like 9:00-11:30."))
        return [at.isoformat() for at in span]

    return read


def understood(times: Sequence[str]) -> Words:
    """What was understood, to be seen before it is written."""
    if not times[0]:
        return _("They were not there")
    return Span(datetime.fromisoformat(times[0]), datetime.fromisoformat(times[1]))


def value(one: Values) -> Words:
    """What a record says."""
    if one.why:
        return zero(one.why, one.minutes)
    return Joined((Span(one.starts, one.ends), _("{hours} h", hours=as_hours(one.minutes))), " · ")


def change(before: Values, after: Values) -> Words:
    """From what to what."""
    return Joined((value(before), value(after)), " → ")


@script("agree", title=_("agreeing to a correction"))
async def agree(talk: Talk, desk: Desk, number: int) -> None:
    """The second person: what would be changed, by whose reason; yes or no."""
    found = await desk.corrections.to_agree(number)
    if isinstance(found, NotAllowed):
        return talk.say(NOTHING_TO_AGREE, Link(_("What waits for me"), Intent("matters")))
    one, about = found
    text = lines(
        entry(about), change(one.before, one.after), _("Reason: {words}", words=one.words), _("Do you agree?")
    )
    yes = await talk.confirm("sure", text, _("Agree"), _("Refuse"))
    match await desk.corrections.agree(number, yes):
        case Corrected(_record, before, after):
            talk.say(lines(_("It is corrected, and the volunteer is told."), change(before, after)))
        case Correction():
            talk.say(_("It was refused; the record stays as it is."))
        case _:
            talk.say(NOTHING_TO_AGREE)


def history(corrections: list[Correction]) -> list[Words]:
    """What a record said before, oldest first; refused corrections too."""
    told: list[Words] = []
    for one in corrections:
        state = {"done": _("corrected"), "waiting": _("a correction waits for a second person")}.get(
            one.state, _("a correction was refused")
        )
        parts = Joined((Day(one.asked), state, change(one.before, one.after)), " · ")
        told.append(_("{said}: “{words}”", said=parts, words=one.words) if one.words else parts)
    return told


@script("history", title=_("what a record said before"))
async def past(talk: Talk, desk: Desk, record: int) -> None:
    """Every correction of a record, for its owner and for who looks after it."""
    found = await desk.corrections.history(record)
    back = Link(_("The record"), Intent("record", (str(record),)))
    if not found:
        return talk.say(_("This record was never corrected."), back)
    talk.say(lines(_("What it said before:"), *history(found)), back)


def news(told: Mapping[str, str]) -> View:
    """The notice to whose record it is."""
    text = _(
        "Your record was corrected: {hours} h before, {now} h now.",
        hours=as_hours(int(told["before"])),
        now=as_hours(int(told["after"])),
    )
    ways = (
        Link(_("Why"), Intent("history", (told["record"],))),
        Link(_("It is wrong"), Intent("dispute", (told["record"],))),
    )
    return View(lines(about_record(told), text), ways)
