"""Joining an activity: pick a shift, leave a number, confirm; get a seat, a place in the queue, or the reason
why not."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.enrolment import AlreadyIn, Clashed, Joined, TooYoung, Waitlisted
from bot.talk import Intent, Link, Span, Talk, _, script
from handlers.agreement import accept, sure
from handlers.cards import offer, title
from handlers.introduction import introduce, introduced

MINE = Link(_("My sign-ups"), Intent("my"))


@script("join", words=["join", "报名", "我要报名"], title=_("signing up"))
async def join(talk: Talk, desk: Desk, activity: int = 0) -> None:
    """Six outcomes: joined, waiting, already in, clash, too young, closed. Without an activity: find one first."""
    if not activity:
        return talk.go(Intent("find"))
    card = await desk.activities.card(activity)
    if card is None or not card.open_shifts(talk.now):
        return talk.say(_("That activity takes no more people. Send “find” to see what is on."))
    shifts = card.open_shifts(talk.now)
    shift = shifts[0]
    if len(shifts) > 1:
        question = _("Which shift of {title} suits you?", title=title(card))
        shift = await talk.choose("shift", question, [offer(one) for one in shifts])
    if not await introduced(talk, desk, card.minimum_age):
        return talk.say(_("All right. You can look around without it; send “find”."))
    question = _("Join {title}, {when}?", title=title(card), when=Span(shift.starts, shift.ends))
    if not await sure(talk, desk, card, question):
        return talk.say(_("Nothing was booked."))
    twin = await introduce(talk, desk)
    await accept(talk, desk, card)
    match await desk.enrolment.join(shift.id):
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
        case TooYoung(minimum):
            talk.say(_("This activity is for people from {n} years on. Send “find” for others.", n=minimum))
        case _:
            talk.say(_("That activity takes no more people. Send “find” to see what is on."))
