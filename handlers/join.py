"""Joining an activity: pick a shift, answer what is asked, confirm; get a seat, a place in the queue, or the reason
why not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.desk.desk import Desk
from bot.domain.activities import Activity, Shift
from bot.domain.enrolment import AlreadyIn, Asked, Clashed, Joined, TooYoung, Waitlisted
from bot.domain.guardians import GuardianAsked, GuardianRefused
from bot.domain.skills import NeedsSkill
from bot.domain.squads import NoLead
from bot.talk import Intent, Link, Span, Talk, Text, WebLink, Words, _, lines, script
from bot.talk import Joined as Listing
from handlers import guardian
from handlers.agreement import accepted, due_of, sure
from handlers.cards import offer, role, title
from handlers.documents import asked_for
from handlers.introduction import Met, introduce, introduced
from handlers.questions import answered
from handlers.skills import skill_name

MINE = Link(_("My sign-ups"), Intent("my"))


@script("join", words=["join", "报名", "我要报名"], title=_("signing up"))
async def join(talk: Talk, desk: Desk, activity: int = 0, shift: int = 0, in_spite: int = 0) -> None:
    """A shift, what is missing of the person, the organiser's questions, yes. Without an activity: find one first.

    `in_spite=1`: although it overlaps with something they joined; then the organiser decides.
    """
    if not activity:
        return talk.go(Intent("find"))
    card = await desk.activities.card(activity)
    shifts = [one for one in card.open_shifts(talk.now) if shift in (0, one.id)] if card else []
    if card is None or not shifts:
        return talk.say(CLOSED)
    chosen = shifts[0]
    if len(shifts) > 1:
        question = (
            _("{title}: where would you like to help?", title=title(card))
            if any(one.role for one in shifts)
            else _("Which shift of {title} suits you?", title=title(card))
        )
        chosen = await talk.choose("shift", question, [offer(one) for one in shifts])
    lacking = await desk.skills.lacking(chosen)
    if lacking is not None:  # before anything is asked of whoever cannot have the role
        return needs_skill(talk, card, lacking.codes, lacking.shown)
    match await introduced(talk, desk, max(card.minimum_age, chosen.minimum_age)):
        case Met.DECLINED:
            return talk.say(_("All right. You can look around without it; send “find”."))
        case Met.CHILD:
            return await guardian.call(talk, desk, card, chosen.id)
    answers = await answered(talk, card)
    due = await due_of(talk, desk, card)
    full = not chosen.free and await desk.enrolment.would_queue(chosen.id)
    if not await sure(talk, desk, card, due, asked(card, chosen, bool(in_spite), full)):
        return talk.say(_("Nothing was booked."))
    twin = await introduce(talk, desk)
    outcome = await desk.enrolment.join(chosen.id, answers, bool(in_spite), accepted(talk, desk, card, due))
    await told(talk, desk, (card, chosen), outcome, twin)


CLOSED = _("That activity takes no more people. Send “find” to see what is on.")


def asked(card: Activity, shift: Shift, in_spite: bool, full: bool) -> Words:
    """The last question."""
    name, when = title(card), Span(shift.starts, shift.ends)
    if in_spite:
        return _("Ask the organiser to let you into {title}, {when}, although it overlaps?", title=name, when=when)
    if card.approval:
        return _("Join {title}, {when}, if the organiser lets you in?", title=name, when=when)
    if full:
        return _("{title}, {when}, is full. Join the queue?", title=name, when=when)
    if shift.role:
        return _("Join {title} ({role}), {when}?", title=name, role=role(shift), when=when)
    return _("Join {title}, {when}?", title=name, when=when)


async def told(
    talk: Talk, desk: Desk, wished: tuple[Activity, Shift], outcome: object, twin: tuple[Link, ...] = ()
) -> None:
    """What came of it: a seat, a place in the queue, or the reason why not."""
    card, shift = wished
    match outcome:
        case Joined(enrolment, reminder, insured):
            talk.undoable(Intent("leave", (str(enrolment),)))
            page = desk.reach.asking("reminder")
            then = await promised(desk, reminder, page)
            allow = (WebLink(_("Allow a reminder on WeChat"), page),) if page else ()
            more = await asked_for(desk, enrolment) if insured else ()
            talk.say(_("You are in: {title}. {then}", title=title(card), then=then), MINE, *allow, *twin, *more)
        case Waitlisted(_enrolment, position):
            talk.say(
                _("It is full; you are number {n} in the queue. I will write when a seat is yours.", n=position), *twin
            )
        case Asked(enrolment, why):
            talk.undoable(Intent("leave", (str(enrolment),)))
            talk.say(asking(why), MINE, *twin)
        case AlreadyIn():
            talk.say(_("You already have a place in this shift."), MINE)
        case Clashed(other):
            in_spite = Intent("join", (str(card.id), str(shift.id), "1"))
            talk.say(
                _("That overlaps with {title}, which you joined.", title=title(other)),
                MINE,
                Link(_("Ask the organiser all the same"), in_spite),
            )
        case NoLead(skill, per):
            talk.say(
                _(
                    "This needs a professional ({skill}) for every {n} people, and there is none for you yet. I am "
                    "asking; please try again later.",
                    skill=skill_name(skill),
                    n=per,
                )
            )
        case GuardianAsked(0):
            await guardian.show(talk, desk)
        case GuardianAsked():
            talk.say(_("I have asked your guardian, and tell you as soon as they have answered."), MINE)
        case GuardianRefused():
            talk.say(_("Your guardian said no to this one. They can change that in their own chat."))
        case NeedsSkill(codes):
            needs_skill(talk, card, codes)
        case TooYoung(minimum):
            talk.say(_("This activity is for people from {n} years on. Send “find” for others.", n=minimum))
        case _:
            talk.say(CLOSED)


async def promised(desk: Desk, reminder: datetime | None, page: str) -> Text:
    """The reminder; where WeChat will not let it through, what makes it come. `page`: where they can allow one."""
    if reminder is None:
        return _("It begins soon: see you there.")
    if await desk.reach.can_tell("reminder", reminder):
        return _("I will remind you {when}.", when=reminder)
    if page:
        return _(
            "WeChat lets me write first for two days only: allow a reminder here, and it comes {when}.", when=reminder
        )
    return _("WeChat lets me write first for two days only, so please note the time: a reminder may not reach you.")


def needs_skill(talk: Talk, card: Activity, codes: Sequence[str], shown: bool = False) -> None:
    """What must be proven first, and the way to do it; `shown`: a proof was sent and nobody has looked at it yet."""
    names = Listing(tuple(skill_name(one) for one in codes), ", ")
    needed = _("This role needs {skills}, proven and in date on that day.", skills=names)
    if shown:
        text = lines(needed, _("Your proof has not been looked at yet. I will write as soon as it has."))
        return talk.say(text, Link(_("My skills"), Intent("skills")))
    talk.say(needed, Link(_("Prove it"), Intent("newskill", (codes[0], str(card.organisation)))))


def asking(why: str) -> Words:
    """The organiser decides; why that is so."""
    if why == "record":
        return _(
            "Because of several promises that were not kept the organiser decides about this sign-up. I will write "
            "as soon as they have; send “promises” to see which ones count."
        )
    return _("I have asked the organiser. I will write as soon as they have decided.")
