"""My sign-ups: the list, one of them, giving it up, and the answer to “still coming?”."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.attendance import OPENS
from bot.domain.enrolment import COMING, HELD, SEATED, Booking, Clashed, Left, Stand
from bot.domain.guardians import Wished
from bot.domain.parties import Invitation
from bot.domain.reliability import GRACE, REASONS, deadline
from bot.talk import Intent, Joined, Link, Option, Span, Talk, Words, _, lines, ngettext, script
from handlers.cards import called_off, map_link, title
from handlers.documents import asked_for
from handlers.presence import show_place


@script(
    "my",
    words=["my", "我的", "我的报名", "我报名了什么", "取消报名", "my sign-ups", _("My sign-ups")],
    title=_("my sign-ups"),
)
async def my(talk: Talk, desk: Desk) -> None:
    """What I joined, wait for or am asked to, soonest first."""
    mine = await desk.enrolment.mine()
    wishes, asked = await desk.guardians.wishes(), await desk.parties.asked()
    if not mine and not wishes and not asked:
        return talk.say(_("You have no sign-ups ahead."), Link(_("Find activities"), Intent("find")))
    links = [Link(await entry(one, desk), Intent("booking", (str(one.id),))) for one in mine]
    links += [Link(wish(one), Intent("activity", (str(one.activity),))) for one in wishes]
    links += [Link(question(one), Intent("activity", (str(one.activity),))) for one in asked]
    await talk.browse("list", _("Your sign-ups:"), links)


def wish(one: Wished) -> Words:
    """What waits for a guardian's answer, in one line."""
    return Joined((title(one), one.starts, _("your guardian has not answered yet")), " · ")


def question(one: Invitation) -> Words:
    """What somebody is asked to come to, in one line: the message that asked may be far up by now."""
    return Joined((title(one), one.starts, _("you are asked until {until}", until=one.until)), " · ")


async def entry(booking: Booking, desk: Desk) -> Words:
    """One sign-up in one line."""
    return Joined((title(booking), booking.starts, await standing(booking, desk)), " · ")


async def standing(booking: Booking, desk: Desk) -> Words:
    """Where a sign-up stands, in words."""
    if booking.stand == Stand.WAITING and not booking.admitted:
        return _("the organiser has not decided yet")
    if booking.stand == Stand.WAITING:
        return _("number {n} in the queue", n=await desk.enrolment.place_in_queue(booking))
    if booking.until is not None:
        return _("a seat is held for you until {until}", until=booking.until)
    return {
        Stand.JOINED: _("you have a seat"),
        Stand.CONFIRMED: _("you have a seat and are coming"),
        Stand.ARRIVED: _("checked in"),
        Stand.LEFT: _("checked out"),
    }.get(booking.stand, _("over"))


@script("booking", title=_("my sign-up"))
async def booking(talk: Talk, desk: Desk, number: int) -> None:
    """One sign-up of mine and what can be done with it."""
    mine = await desk.enrolment.booking(number)
    if mine is None:
        return await no_such(talk, desk, number)
    card = await desk.activities.card(mine.activity)
    links = []
    if mine.stand == Stand.OFFERED:
        links += taking(number)
    if mine.stand in COMING and mine.starts > talk.now:
        links.append(Link(_("Give up my seat"), Intent("leave", (str(number),))))
    if mine.stand == Stand.WAITING:
        links.append(Link(_("Leave the queue"), Intent("leave", (str(number),))))
    if mine.stand in COMING:
        if mine.starts - OPENS <= talk.now:
            links.append(Link(_("Check in"), Intent("checkin")))
        if mine.starts > talk.now:
            links.append(Link(_("Bring others, or pass it on"), Intent("together", (str(number),))))
        links += await asked_for(desk, number)
    if mine.stand == Stand.ARRIVED:
        links += [Link(_("Check out"), Intent("checkout")), *(await show_place(desk, number))]
    talk.say(
        lines(
            title(mine),
            Span(mine.starts, mine.ends),
            mine.address,
            await standing(mine, desk),
            ngettext("{n} seat beside yours is kept.", "{n} seats beside yours are kept.", mine.guests)
            if mine.guests
            else None,
        ),
        *links,
        Link(_("The activity"), Intent("activity", (str(mine.activity),))),
        *(map_link(card.latitude, card.longitude, card.title) if card else ()),
    )


async def no_such(talk: Talk, desk: Desk, number: int) -> None:
    """Why there is nothing behind a button: the activity was called off, or it is no sign-up of theirs."""
    over = await desk.enrolment.called_off(number)
    if over is None:
        return talk.say(_("You have no such sign-up."), MINE)
    talk.say(called_off(over), Link(_("Find activities"), Intent("find")))


def taking(number: int) -> list[Link]:
    """The two answers to a seat that is held."""
    return [
        Link(_("Yes, I take it"), Intent("accept", (str(number),))),
        Link(_("No, let it go on"), Intent("decline", (str(number),))),
    ]


@script("leave", title=_("giving up a seat"))
async def leave(talk: Talk, desk: Desk, number: int) -> None:
    """Giving a seat or a place in the queue back: what it means is said before it is done. Why is asked of whoever had
    the seat for a while."""
    mine = await desk.enrolment.booking(number)
    if mine is None:
        return await no_such(talk, desk, number)
    if mine.stand not in HELD or mine.starts <= talk.now:
        return talk.say(_("That cannot be given up any more."), Link(_("My sign-ups"), Intent("my")))
    question: Words = _("Give up {title}, {when}?", title=title(mine), when=Span(mine.starts, mine.ends))
    question = lines(
        question,
        ngettext(
            "The {n} seat beside yours is given up too.", "The {n} seats beside yours are given up too.", mine.guests
        )
        if mine.guests
        else None,
        too_late(mine) if desk.enrolment.late(mine) else None,
    )
    if not await talk.confirm("sure", question, _("Yes, give it up"), _("No, I am coming")):
        return talk.say(_("Good, your place stays yours."))
    reason = None
    if mine.stand in SEATED and talk.now - (mine.joined or talk.now) > GRACE:
        reason = await talk.choose("why", _("May the organiser know why?"), reasons())
    given_up(talk, await desk.enrolment.leave(number, reason))


@script("accept")
async def accept(talk: Talk, desk: Desk, number: int) -> None:
    """A seat that is held, taken with one tap."""
    match await desk.offers.accept(number):
        case Booking() as mine:
            talk.undoable(Intent("leave", (str(number),)))
            talk.say(
                _("The seat is yours: {title}, {when}.", title=title(mine), when=Span(mine.starts, mine.ends)), MINE
            )
        case Clashed(other):
            talk.say(
                _("That overlaps with {title}, which you joined. Give that up first, or let this seat go on.",
                  title=title(other)),
                MINE,
                Link(_("No, let it go on"), Intent("decline", (str(number),))),
            )  # fmt: skip
        case _ if await desk.enrolment.called_off(number):
            await no_such(talk, desk, number)
        case _:
            talk.say(_("That seat is not held for you any more."), MINE)


@script("decline")
async def decline(talk: Talk, desk: Desk, number: int) -> None:
    """A seat that is held, left to the next with one tap; a seat that is mine by now is given up with a question."""
    mine = await desk.enrolment.booking(number)
    if mine is None or mine.stand != Stand.OFFERED:
        return talk.go(Intent("leave", (str(number),)))
    given_up(talk, await desk.enrolment.leave(number))


MINE = Link(_("My sign-ups"), Intent("my"))


def given_up(talk: Talk, outcome: object) -> None:
    """What came of giving a place back."""
    match outcome:
        case Left(mine, promoted):
            again = Intent("join", (str(mine.activity),))
            talk.undoable(again)
            thanks = (
                _("Thank you for telling me. Your seat goes to the next in the queue.")
                if promoted
                else _("Thank you for telling me.")
            )
            talk.say(thanks, Link(_("Sign up again"), again))
        case _:
            talk.say(_("That cannot be given up any more."), MINE)


def too_late(mine: Booking) -> Words:
    """What giving a seat up means after the deadline."""
    return _(
        "The time for that ended {when}. It will be noted as given up late; after several of these an organiser "
        "decides about your next sign-ups.",
        when=deadline(mine.starts, mine.leave_before, mine.joined or mine.starts),
    )


REASON: dict[str, Words] = {
    "work": _("Work or school"),
    "family": _("Family"),
    "journey": _("I cannot get there"),
    "other": _("Something else"),
    "unsaid": _("I would rather not say"),
}
"""Why somebody cannot come, in their words; no more than the organiser needs."""


def reasons() -> list[Option]:
    """The reasons to choose from."""
    return [Option(code, REASON[code], code) for code in REASONS]


@script("coming")
async def coming(talk: Talk, desk: Desk, number: int) -> None:
    """“Still coming?” answered with one tap."""
    mine = await desk.enrolment.still_coming(number)
    if mine is None:
        return await no_such(talk, desk, number)
    if mine.starts <= talk.now:
        return talk.say(_("It has begun. Please check in there."), Link(_("Check in"), Intent("checkin")))
    good = _("Good, see you {when} at {address}.", when=mine.starts, address=mine.address)
    other = await desk.enrolment.elsewhere_then(mine)
    if other is None:
        return talk.say(good)
    talk.say(
        lines(good, _("At that time you also have a seat in {title}: can you be at both?", title=title(other))),
        Link(title(other), Intent("booking", (str(other.id),))),
        Link(title(mine), Intent("booking", (str(mine.id),))),
    )
