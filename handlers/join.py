"""Joining an activity: pick a shift, leave a number, confirm; get a seat, a place in the queue, or the reason
why not."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.activities import Activity
from bot.domain.enrolment import AlreadyIn, Clashed, Joined, TooYoung, Waitlisted
from bot.domain.guardians import GuardianAsked, GuardianRefused
from bot.talk import Intent, Link, Span, Talk, _, script
from handlers import guardian
from handlers.agreement import accept, sure
from handlers.cards import offer, title
from handlers.introduction import Met, introduce, introduced

MINE = Link(_("My sign-ups"), Intent("my"))


@script("join", words=["join", "报名", "我要报名"], title=_("signing up"))
async def join(talk: Talk, desk: Desk, activity: int = 0, shift: int = 0) -> None:
    """Joined, waiting, or the reason why not. Without an activity: find one first."""
    if not activity:
        return talk.go(Intent("find"))
    card = await desk.activities.card(activity)
    shifts = [one for one in card.open_shifts(talk.now) if shift in (0, one.id)] if card else []
    if card is None or not shifts:
        return talk.say(_("That activity takes no more people. Send “find” to see what is on."))
    chosen = shifts[0]
    if len(shifts) > 1:
        question = _("Which shift of {title} suits you?", title=title(card))
        chosen = await talk.choose("shift", question, [offer(one) for one in shifts])
    match await introduced(talk, desk, card.minimum_age):
        case Met.DECLINED:
            return talk.say(_("All right. You can look around without it; send “find”."))
        case Met.CHILD:
            return await guardian.call(talk, desk, card, chosen.id)
    question = _("Join {title}, {when}?", title=title(card), when=Span(chosen.starts, chosen.ends))
    if not await sure(talk, desk, card, question):
        return talk.say(_("Nothing was booked."))
    twin = await introduce(talk, desk)
    await accept(talk, desk, card)
    await said(talk, desk, card, await desk.enrolment.join(chosen.id), twin)


async def said(talk: Talk, desk: Desk, card: Activity, outcome: object, twin: tuple[Link, ...] = ()) -> None:
    """What came of it: a seat, a place in the queue, or the reason why not."""
    match outcome:
        case Joined(enrolment, reminder):
            talk.undoable(Intent("leave", (str(enrolment),)))
            when = _("I will remind you {when}.", when=reminder) if reminder else _("It begins soon: see you there.")
            talk.say(_("You are in: {title}. {then}", title=title(card), then=when), MINE, *twin)
        case Waitlisted(_enrolment, position):
            talk.say(
                _("It is full; you are number {n} in the queue. I will write when a seat is yours.", n=position), *twin
            )
        case AlreadyIn():
            talk.say(_("You already have a place in this shift."), MINE)
        case Clashed(other):
            talk.say(_("That overlaps with {title}, which you joined.", title=title(other)), MINE)
        case GuardianAsked(0):
            await guardian.show(talk, desk)
        case GuardianAsked():
            talk.say(_("I have asked your guardian, and tell you as soon as they have answered."), MINE)
        case GuardianRefused():
            talk.say(_("Your guardian said no to this one. They can change that in their own chat."))
        case TooYoung(minimum):
            talk.say(_("This activity is for people from {n} years on. Send “find” for others.", n=minimum))
        case _:
            talk.say(_("That activity takes no more people. Send “find” to see what is on."))
