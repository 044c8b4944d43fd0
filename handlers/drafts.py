"""An activity before it is open: its look, its conditions one by one, opened to the city or thrown away."""

from __future__ import annotations

from datetime import datetime

from bot.desk.desk import Desk
from bot.domain.activities import CAPACITY_LIMIT, Activity, Shift, Unfit, deadline_fits
from bot.domain.questions import MOST
from bot.domain.skills import SKILLS
from bot.talk import Intent, Joined, Link, Option, Span, Talk, Words, _, lines, ngettext, script
from handlers.answers import count, hours, words
from handlers.cards import conditions, kind_name, needs, role, title, where
from handlers.lookedafter import NOT_YOURS, ORGANISE
from handlers.organise import opened, unfit
from handlers.questions import made
from handlers.skills import skill_name
from handlers.terms import shown

ROLE_LENGTH = 40
OLDEST_MINIMUM = 70
DAYS = (0, 2, 12, 24, 48, 72)
"""Hours before the start that are offered as the deadline for giving a seat back."""


@script("draft", title=_("a draft"))
async def draft(talk: Talk, desk: Desk, activity: int) -> None:
    """A draft as it stands, and all that can be done with it."""
    card = await desk.drafts.draft(activity)
    if card is None:
        return not_yours(talk)
    number = (str(activity),)
    stated = await desk.agreements.terms(activity)
    talk.say(
        lines(
            _("Draft, not open yet:"),
            title(card),
            kind_name(card.kind),
            Span(card.starts, card.ends),
            where(card, desk),
            *(stretch(one, card) for one in card.shifts),
            card.about or None,
            *shown(stated),
            *conditions(card),
        ),
        Link(_("Publish"), Intent("open", number)),
        Link(_("Add a role or shift"), Intent("role", number)),
        *((Link(_("Take a role or shift out"), Intent("unrole", number)),) if len(card.shifts) > 1 else ()),
        *ways(card),
        Link(_("Another time"), Intent("retime", number)),
        Link(_("Throw it away"), Intent("discard", number)),
    )  # fmt: skip


def stretch(shift: Shift, card: Activity) -> Words:
    """A role or shift in one line."""
    parts: list[Words] = [role(shift)] if shift.role else []
    if (shift.starts, shift.ends) != (card.starts, card.ends):
        parts.append(Span(shift.starts, shift.ends))
    parts.append(ngettext("{n} seat", "{n} seats", shift.capacity))
    if shift.minimum_age > card.minimum_age:
        parts.append(_("from {n} years on", n=shift.minimum_age))
    parts += needs(shift)
    return Joined(tuple(parts), " · ")


@script("open")
async def open_(talk: Talk, desk: Desk, activity: int) -> None:
    """Open a draft to the city."""
    match await desk.drafts.open(activity):
        case Activity() as card:
            opened(talk, activity, title(card))
        case Unfit(why):
            talk.say(unfit(why), back(activity))
        case _:
            not_yours(talk)


@script("joining", title=_("the conditions of joining"))
async def joining(talk: Talk, desk: Desk, activity: int) -> None:
    """What can be changed of an open activity's conditions."""
    card = await desk.drafts.changeable(activity)
    if card is None:
        return not_yours(talk)
    if card.state == "draft":
        return talk.go(Intent("draft", (str(activity),)))
    talk.say(
        lines(title(card), *conditions(card), _("What you change holds for whoever signs up from now on.")),
        *ways(card),
        Link(_("Manage"), Intent("manage", (str(activity),))),
    )


def ways(card: Activity) -> list[Link]:
    """Approval, questions, the deadline."""
    number = (str(card.id),)
    approval_ = _("Whoever comes first has a seat") if card.approval else _("I let people in myself")
    found = [Link(approval_, Intent("approval", number))]
    if len(card.questions) < MOST:
        found.append(Link(_("Ask something at sign-up"), Intent("question", number)))
    if card.questions:
        found.append(Link(_("Ask something less"), Intent("unquestion", number)))
    return [*found, Link(_("Until when people may give up"), Intent("deadline", number))]


def changed(talk: Talk, card: Activity) -> None:
    """Back to the draft, or to the open activity's conditions."""
    talk.go(Intent("draft" if card.state == "draft" else "joining", (str(card.id),)))


@script("approval", title=_("the conditions of joining"))
async def approval(talk: Talk, desk: Desk, activity: int) -> None:
    """Open sign-up or my own yes to each: switched; of an open activity after one question."""
    card = await desk.drafts.changeable(activity)
    if card is None:
        return not_yours(talk)
    if card.state == "open":
        sure = (
            _("Shall whoever comes first have a seat from now on? Who asked before still waits for your answer.")
            if card.approval
            else _("Will you let people in yourself from now on? Who has a place keeps it.")
        )
        if not await talk.confirm("sure", sure):
            return changed(talk, card)
    await desk.drafts.set_approval(activity, not card.approval)
    changed(talk, card)


@script("deadline", title=_("until when people may give up"))
async def deadline(talk: Talk, desk: Desk, activity: int) -> None:
    """The last moment for giving a seat back without consequence."""
    card = await desk.drafts.changeable(activity)
    if card is None:
        return not_yours(talk)
    options = [
        Option(str(one), ngettext("{n} hour before", "{n} hours before", one) if one else _("Until the start"), one)
        for one in DAYS
        if deadline_fits(card, 60 * one, talk.now)
    ]
    chosen = await talk.choose("hours", _("Until when may people give their seat back without consequence?"), options)
    await desk.drafts.set_deadline(activity, 60 * chosen)
    changed(talk, card)


@script("question", title=_("a question of your own"))
async def question(talk: Talk, desk: Desk, activity: int) -> None:
    """One more question to everybody who signs up."""
    card = await desk.drafts.changeable(activity)
    if card is None:
        return not_yours(talk)
    new = await made(talk)
    await desk.drafts.ask(activity, new)
    changed(talk, card)


@script("unquestion", title=_("a question of your own"))
async def unquestion(talk: Talk, desk: Desk, activity: int) -> None:
    """One question less."""
    card = await desk.drafts.changeable(activity)
    if card is None or not card.questions:
        return not_yours(talk)
    options = [Option(one.text, one.text, place) for place, one in enumerate(card.questions)]
    place = await talk.choose("which", _("Which question goes?"), options)
    await desk.drafts.unask(activity, place)
    changed(talk, card)


@script("role", title=_("a role or shift"))
async def role_(talk: Talk, desk: Desk, activity: int) -> None:
    """One more role or shift: its name, hours, seats, age."""
    card = await desk.drafts.draft(activity)
    if card is None:
        return not_yours(talk)
    name = await talk.ask("name", _("What do they do? For example: guide, first aid."), words(1, ROLE_LENGTH))
    whole = [Option("whole", _("The whole time"), [card.starts.isoformat(), card.ends.isoformat()])]
    span = await talk.ask("hours", _("From when to when?"), hours(talk.now, desk.city.zone, card.starts), options=whole)
    seats = await talk.ask("seats", _("How many people?"), count(1, CAPACITY_LIMIT))
    any_age = [Option("any", _("No more than the activity asks"), 0)]
    age = await talk.ask("age", _("From how many years on?"), count(1, OLDEST_MINIMUM), options=any_age)
    nothing = Option("none", _("Nothing to prove"), "")
    skills = [nothing, *(Option(one.code, skill_name(one.code), one.code) for one in SKILLS)]
    skill = await talk.choose("skill", _("Must they have proven something?"), skills)
    starts, ends = (datetime.fromisoformat(one) for one in span)
    new = Shift(0, starts, ends, seats, 0, role=name, minimum_age=age, needs=(skill,) if skill else ())
    match await desk.drafts.add_shift(activity, new):
        case Unfit(why):
            talk.say(unfit(why), back(activity))
        case _:
            talk.go(Intent("draft", (str(activity),)))


@script("unrole", title=_("a role or shift"))
async def unrole(talk: Talk, desk: Desk, activity: int) -> None:
    """One role or shift less."""
    card = await desk.drafts.draft(activity)
    if card is None or len(card.shifts) < 2:
        return not_yours(talk)
    options = [Option(str(one.id), stretch(one, card), one.id) for one in card.shifts]
    shift = await talk.choose("which", _("Which one goes?"), options)
    await desk.drafts.drop_shift(activity, shift)
    talk.go(Intent("draft", (str(activity),)))


@script("retime", title=_("moving an activity"))
async def retime(talk: Talk, desk: Desk, activity: int) -> None:
    """Other hours for a draft; its roles and shifts move along."""
    card = await desk.drafts.draft(activity)
    if card is None:
        return not_yours(talk)
    question = _("When shall {title} be? Like “Sat 9:00-11:30”.", title=title(card))
    span = await talk.ask("hours", question, hours(talk.now, desk.city.zone, card.starts))
    match await desk.drafts.retime(activity, datetime.fromisoformat(span[0]), datetime.fromisoformat(span[1])):
        case Unfit(why):
            talk.say(unfit(why), back(activity))
        case _:
            talk.go(Intent("draft", (str(activity),)))


@script("discard", title=_("throwing a draft away"))
async def discard(talk: Talk, desk: Desk, activity: int) -> None:
    """Thrown away after one question."""
    card = await desk.drafts.draft(activity)
    if card is None:
        return not_yours(talk)
    if not await talk.confirm("sure", _("Throw the draft {title} away?", title=title(card))):
        return talk.say(_("Nothing was changed."), back(activity))
    await desk.drafts.discard(activity)
    talk.say(_("It is gone."), ORGANISE)


def back(activity: int) -> Link:
    """The way back to the draft."""
    return Link(_("The draft"), Intent("draft", (str(activity),)))


def not_yours(talk: Talk) -> None:
    """The same answer for what is not there, not theirs, and open already."""
    talk.say(NOT_YOURS, ORGANISE)
