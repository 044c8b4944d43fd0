"""Agreements in writing: asked for where the rules demand one, shown whole, accepted, and read again later."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.activities import Activity
from bot.domain.agreements import VERSION, Acceptance, Condition, Due, Terms
from bot.domain.guardians import Band, band
from bot.talk import Date, Intent, Joined, Link, Named, Option, Talk, Words, _, lines, script
from handlers.cards import kind_name, organiser, title, when, where

WHY: dict[Condition, Words] = {
    Condition.RISK: _("the service carries a higher risk"),
    Condition.MONTH: _("it goes on for a month or longer"),
    Condition.EVENT: _("it is a large event"),
    Condition.AWAY: _("it takes place outside the city"),
    Condition.VISITORS: _("people from outside the mainland take part"),
    Condition.ASKED: _("one side asked for it"),
    Condition.LAW: _("the rules for this kind of service say so"),
}


def document(card: Activity, terms: Terms, desk: Desk) -> Words:
    """The agreement itself. It names no volunteer: who accepted it is kept beside it."""
    return lines(
        _("Agreement on voluntary service, version {version}", version=VERSION),
        _("Between {organiser} and the volunteer who accepts it.", organiser=organiser(card)),
        Joined((title(card), kind_name(card.kind)), " · "),
        when(card),
        where(card, desk),
        _("Risks: {text}", text=terms.risks) if terms.risks else None,
        _("Insurance: policy {number}", number=terms.insurance) if terms.insurance else None,
        _(
            "The organiser explains the work and its risks, trains and protects the volunteer, records the hours truly "
            "and keeps personal data to itself."
        ),
        _("The volunteer serves without pay, keeps to what was explained, and says in time when they cannot come."),
        _("Either side can end it at any time; giving the seat back ends it."),
    )


async def due_of(talk: Talk, desk: Desk, card: Activity) -> Due | None:
    """The agreement that they must accept before a sign-up; whoever is under age accepts nothing, their guardian does.
    """
    return None if under_age(talk, desk) else await desk.agreements.due(card)


async def sure(talk: Talk, desk: Desk, card: Activity, due: Due | None, question: Words) -> bool:
    """The last question before a sign-up: where an agreement is due, accepting it is the yes.

    Under a name of its own: a yes to the plain question is no yes to a text that was not shown.
    """
    if due is None:
        return await talk.confirm("sure", question)
    whole = lines(question, *asked(card, due, desk))
    return await talk.confirm("agreement", whole, _("I accept, sign me up"), _("No"))


def asked(card: Activity, due: Due, desk: Desk) -> list[Words]:
    """Why an agreement is due, and the whole text."""
    why = Joined(tuple(WHY[one] for one in due.conditions), "; ")
    return [_("This needs a written agreement: {why}.", why=why), "", document(card, due.terms, desk)]


def accepted(talk: Talk, desk: Desk, card: Activity, due: Due | None) -> Acceptance | None:
    """The text as it was read, now that every question is answered; None if none was due, or not to them."""
    return None if due is None or under_age(talk, desk) else as_read(talk, desk, card, due)


def as_read(talk: Talk, desk: Desk, card: Activity, due: Due) -> Acceptance:
    """The agreement in the words in which they read it."""
    return Acceptance(card.id, talk.wording(document(card, due.terms, desk)), due.conditions)


def under_age(talk: Talk, desk: Desk) -> bool:
    """Is it the guardian who agrees for them?"""
    return band(desk.me.born or talk.answered("born"), talk.now) is not Band.ADULT


@script("agreement", words=["agreement", "agreements", "协议", "我的协议", _("Agreements")], title=_("agreements"))
async def agreement(talk: Talk, desk: Desk, activity: int = 0) -> None:
    """What I agreed to; for one activity, its agreement, which anybody may ask for."""
    card = await desk.activities.card(activity) if activity else None
    if card is None or under_age(talk, desk):
        return talk.say(await signed(desk))
    reasons = [
        Option(Condition.ASKED, _("I would like one")),
        Option(Condition.VISITORS, _("I come from outside the mainland")),
    ]
    terms = await desk.agreements.terms(activity)
    question = lines(document(card, terms, desk), "", _("Anybody may ask for a written agreement. Why do you?"))
    reason = await talk.choose("why", question, reasons)
    due = await desk.agreements.due(card, (reason,))
    if due is None:
        return talk.say(_("You have accepted this agreement already."), Link(_("Agreements"), Intent("agreement")))
    question = lines(*asked(card, due, desk), "", _("Do you accept it?"))
    if not await talk.confirm("agreement", question, _("I accept"), _("No")):
        return talk.say(_("Nothing was agreed."))
    await desk.agreements.accept(as_read(talk, desk, card, due))
    talk.say(_("Accepted by both sides, and kept as you read it."), Link(_("Agreements"), Intent("agreement")))


async def signed(desk: Desk) -> Words:
    """My agreements under each other, newest first."""
    mine = await desk.agreements.mine()
    if not mine:
        return _("You have not accepted any written agreement. I ask when an activity needs one.")
    parts: list[Words] = []
    for one in mine[:3]:
        name = Named(one.title, one.english)
        parts += [_("{title}, accepted on {day}:", title=name, day=Date(one.accepted)), one.text, ""]
    return lines(*parts[:-1])
