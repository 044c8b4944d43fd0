"""What nothing else shows: “I was there”, the organiser's yes or no, their word, hours entered by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, tzinfo

from bot.desk.desk import Desk
from bot.desk.vouching import Entered, Entry, Unconfirmed
from bot.domain.claims import Claim, Claimed, Decided, Missing
from bot.domain.people import ALPHABET
from bot.domain.when import read_span, read_times
from bot.talk import (
    PHOTO,
    Clock,
    Day,
    Incoming,
    Intent,
    Joined,
    Link,
    Option,
    Span,
    Talk,
    Text,
    Unclear,
    Words,
    _,
    lines,
    ngettext,
    script,
)
from handlers.answers import words
from handlers.cards import title
from handlers.flags import reasons
from handlers.lookedafter import NOT_YOURS, ORGANISE

ENTRIES = 50
"""Lines of one typed list."""

HOURS = Link(_("My hours"), Intent("hours"))


@script("claim", words=["claim", "申报", "补签", _("I was there, and nothing shows it")], title=_("your claim"))
async def claim(talk: Talk, desk: Desk, enrolment: int = 0) -> None:
    """Of which activity, from when to when, what was done, a photo or none; then the organiser decides."""
    missing = await desk.vouching.missing()
    if not missing or (enrolment and enrolment not in {one.enrolment for one in missing}):
        return talk.say(_("There is nothing of yours to claim: nothing is missing, or it waits already."), HOURS)
    if not enrolment:
        options = [Option(str(one.enrolment), of_day(one), one.enrolment) for one in missing]
        enrolment = await talk.choose("which", _("What were you at, and nothing shows it?"), options)
    one = next(each for each in missing if each.enrolment == enrolment)
    starts, ends = await from_and_to(talk, desk, one)
    what = await talk.ask("what", _("What did you do there? A sentence for the organiser."), words(4, 300))
    photo = await talk.ask(
        PHOTO,
        _("A photo of it? I keep only a fingerprint, so that the same one is not used twice; the picture stays yours."),
        photo_key,
        wants="photo",
        options=[Option("none", _("No photo"), "")],
    )
    match await desk.vouching.claim(enrolment, starts, ends, what, photo):
        case Claimed(id_):
            talk.say(
                _("Thank you. The organiser will decide, and I will tell you. Until then it does not count."),
                Link(_("My claim"), Intent("claimed", (str(id_),))),
            )
        case _:
            talk.say(_("Those times do not lie inside the activity."), Link(_("Try again"), Intent("claim")))


def of_day(one: Missing) -> Words:
    """One of the things that are missing, in one line."""
    return Joined((Day(one.starts), title(one)), " · ")


async def from_and_to(talk: Talk, desk: Desk, one: Missing) -> tuple[datetime, datetime]:
    """From when to when; of somebody who checked in only the end is missing."""
    zone = desk.city.zone
    if one.arrived:
        question = _("{title}: you checked in at {at}. When did you leave?", title=title(one), at=Clock(one.arrived))
        end = await talk.ask(
            "until", question, moment(one, zone), options=[Option("end", _("At the end"), one.ends.isoformat())]
        )
        return max(one.arrived, one.starts), datetime.fromisoformat(end)
    question = _("{title}: from when to when were you there? Like “9:00-11:30”.", title=title(one))
    both = one.starts.isoformat(), one.ends.isoformat()
    span = await talk.ask(
        "span", question, hours_of(one, zone), options=[Option("all", Span(one.starts, one.ends), list(both))]
    )
    return datetime.fromisoformat(span[0]), datetime.fromisoformat(span[1])


def hours_of(one: Missing, zone: tzinfo) -> Callable[[Incoming], list[str]]:
    """A reader of two times of the shift's day."""

    def read(answer: Incoming) -> list[str]:
        day = one.starts.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        span = read_span(answer.text or "", day, zone)
        if span is None or not one.starts <= span[0] < span[1] <= one.ends:
            needed = _("I need both times, inside {span}.", span=Span(one.starts, one.ends))
            raise Unclear(needed, close=span is not None)
        return [span[0].isoformat(), span[1].isoformat()]

    return read


def moment(one: Missing, zone: tzinfo) -> Callable[[Incoming], str]:
    """A reader of a time after the check-in and before the end."""

    def read(answer: Incoming) -> str:
        day = one.starts.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        for found in read_times(answer.text or "", day, zone):
            for at in (found.start, found.start + timedelta(hours=12)):
                if (one.arrived or one.starts) < at <= one.ends:
                    return at.isoformat()
        raise Unclear(_("I need one time, inside {span}.", span=Span(one.arrived or one.starts, one.ends)))

    return read


def photo_key(answer: Incoming) -> str:
    """A picture's key at its platform."""
    if answer.photo is None:
        raise Unclear(_("Please send a picture, or choose that there is none."))
    return answer.photo.key


STATES: dict[str, Text] = {
    "open": _("It waits for the organiser."),
    "approved": _("Approved: it counts with grade C."),
    "declined": _("Declined."),
}


@script("claimed", title=_("your claim"))
async def claimed(talk: Talk, desk: Desk, number: int) -> None:
    """One of my claims and what came of it."""
    one = await desk.vouching.mine(number)
    if one is None:
        return talk.say(_("You have no such claim."), HOURS)
    why = _("The organiser's reason: {reason}", reason=one.reason) if one.reason else None
    talk.say(lines(title(one), Span(one.starts, one.ends), one.what, STATES[one.state], why), HOURS)


@script("claims", words=["claims", "审核申报", "待审申报"], title=_("claims to decide"))
async def claims(talk: Talk, desk: Desk) -> None:
    """Claims that wait for me."""
    waiting = await desk.vouching.waiting()
    if not waiting:
        return talk.say(_("No claim waits for you."), ORGANISE)
    links = [Link(Joined((one.name or "—", title(one)), " · "), Intent("decide", (str(one.id),))) for one in waiting]
    await talk.browse("list", _("Claims that wait for you, oldest first:"), links)


@script("decide", title=_("a claim"))
async def decide(talk: Talk, desk: Desk, number: int) -> None:
    """One claim: yes, or no with a reason."""
    one = await desk.vouching.to_decide(number)
    if one is None:
        return talk.say(_("There is no such claim to decide."), ORGANISE)
    options = [Option("yes", _("Approve"), True), Option("no", _("Decline"), False)]
    yes = await talk.choose("sure", told(one), options)
    reason = "" if yes else await talk.ask("why", _("Why not? They will read it."), words(3, 200))
    match await desk.vouching.decide(number, yes, reason):
        case Decided(_claim, minutes):
            counted = _("It counts {hours} h, with grade C.", hours=round(minutes / 60, 1)) if yes else None
            talk.say(lines(_("Done; they will be told."), counted), Link(_("Claims"), Intent("claims")))
        case _:
            talk.say(_("There is no such claim to decide."), ORGANISE)


def told(one: Claim) -> Words:
    """A claim as the organiser reads it."""
    photo = _("With a photo, which they can show you.") if one.photo else _("Without a photo.")
    if one.before:
        photo = _("Careful: the same photo came with another claim.")
    return lines(one.name or "—", title(one), Span(one.starts, one.ends), one.what, photo)


@script("vouch", title=_("confirming who was there"))
async def vouch(talk: Talk, desk: Desk, activity: int) -> None:
    """My word for all whom nothing speaks against; the others one by one."""
    found = await desk.vouching.unconfirmed(activity)
    if not isinstance(found, Unconfirmed):
        return talk.say(NOT_YOURS, ORGANISE)
    if not found.plain and not found.looked_at:
        return talk.say(_("Nobody waits for your word here."), Link(_("Manage"), Intent("manage", (str(activity),))))
    apart = []
    for number, name in found.looked_at.items():
        label = _("Confirm {name} all the same", name=f"{number}. {name}")
        apart.append(Link(label, Intent("vouchfor", (str(activity), str(number)))))
    question = lines(
        title(found.activity),
        *(f"{number}. {name or '—'}" for number, name in found.plain.items()),
        _("Look at these one by one:") if apart else None,
        *(Joined((f"{number}. {found.looked_at[number] or '—'}", reasons(why)), ": ")
          for number, why in found.why.items()),
        (_("Do you confirm that the others were there?") if apart else _("Do you confirm that these were there?"))
        if found.plain
        else None,
    )  # fmt: skip
    if not found.plain:
        return talk.say(question, *apart)
    options = [Option("yes", _("I confirm"), True), Option("no", _("No"), False)]
    if not await talk.choose("sure", question, options, also=apart):
        return talk.say(_("Nothing was changed."), ORGANISE)
    confirmed(talk, await desk.vouching.confirm(activity))


@script("vouchfor", title=_("confirming who was there"))
async def vouchfor(talk: Talk, desk: Desk, activity: int, number: int) -> None:
    """My word for one who needs a look."""
    confirmed(talk, await desk.vouching.confirm(activity, number))


def confirmed(talk: Talk, outcome: object) -> None:
    """For how many."""
    if not isinstance(outcome, int):
        return talk.say(NOT_YOURS, ORGANISE)
    talk.say(ngettext("Confirmed: {n} person.", "Confirmed: {n} people.", outcome), ORGANISE)


@script("enter", title=_("entering hours by hand"))
async def enter(talk: Talk, desk: Desk, activity: int) -> None:
    """A typed list of volunteer numbers and times; looked at once more, then written down as what it is."""
    card = await desk.vouching.may_enter(activity)
    if card is None:
        return talk.say(NOT_YOURS, ORGANISE)
    question = lines(
        title(card),
        Span(card.starts, card.ends),
        _("One line for each: the volunteer number, and the times if not all of it, like V23456789A 9:00-11:00."),
    )
    listed = await talk.ask("list", question, entries(card.starts, card.ends, desk.city.zone))
    sure = lines(
        ngettext("{n} entry.", "{n} entries.", len(listed)),
        _("Nothing shows these hours: they get grade D, for all to see, and some are drawn for the audit. Enter them?"),
    )
    if not await talk.confirm("sure", sure, _("Enter"), _("No")):
        return talk.say(_("Nothing was changed."), ORGANISE)
    made = [Entry(number, datetime.fromisoformat(start), datetime.fromisoformat(end)) for number, start, end in listed]
    match await desk.vouching.enter(activity, made):
        case Entered(_card, outcomes, drawn):
            talk.say(lines(*entered(outcomes), _("Drawn for the audit: {n}.", n=drawn)), ORGANISE)
        case _:
            talk.say(NOT_YOURS, ORGANISE)


BECAME: dict[str, Text] = {
    "done": _("entered, grade D"),
    "unknown": _("nobody has that number"),
    "self": _("is you: somebody else has to enter your hours"),
    "times": _("those times are not inside the activity, or still to come"),
    "guardian": _("their guardian did not agree to it: whoever is under age takes part only with that"),
    "age": _("they are younger than it asks for, or nobody knows their age"),
    "skill": _("the proof of skill that it asks for is missing"),
    "agreement": _("the agreement that was due was not accepted"),
    "already": _("their presence is known already"),
}


def entered(outcomes: Sequence[tuple[str, str]]) -> list[Words]:
    """Line by line what became of it."""
    return [Joined((number, BECAME[became]), ": ") for number, became in outcomes]


def entries(starts: datetime, ends: datetime, zone: tzinfo) -> Callable[[Incoming], list[list[str]]]:
    """A reader of a list: [number, from, to] for each line."""
    day = starts.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)

    def read(answer: Incoming) -> list[list[str]]:
        found = []
        for said in (answer.text or "").splitlines():
            number, _space, times = said.strip().partition(" ")
            if not number:
                continue
            span = read_span(times, day, zone) if times.strip() else (starts, ends)
            if not re.fullmatch(rf"V[{ALPHABET}]{{9}}", number.upper()) or span is None:
                raise Unclear(_("I cannot read this line: {line}", line=said.strip()[:60]))
            found.append([number.upper(), span[0].isoformat(), span[1].isoformat()])
        if not 1 <= len(found) <= ENTRIES:
            raise Unclear(_("Please send from 1 to {n} lines.", n=ENTRIES))
        return found

    return read
