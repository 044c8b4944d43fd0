"""My sign-ups: the list, one of them, giving it up, and the answer to “still coming?”."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.enrolment import Booking, Left, Stand
from bot.talk import Intent, Joined, Link, Span, Talk, Words, _, lines, script
from handlers.cards import map_link, title


@script("my", words=["my", "我的", "我的报名", "我报名了什么", "取消报名", "my sign-ups"], title=_("my sign-ups"))
async def my(talk: Talk, desk: Desk) -> None:
    """What I joined or wait for, soonest first."""
    mine = await desk.enrolment.mine()
    if not mine:
        return talk.say(_("You have not signed up for anything yet."), Link(_("Find activities"), Intent("find")))
    links = [Link(await entry(one, desk), Intent("booking", (str(one.id),))) for one in mine]
    await talk.browse("list", _("Your sign-ups:"), links)


async def entry(booking: Booking, desk: Desk) -> Words:
    """One sign-up in one line."""
    return Joined((title(booking), booking.starts, await standing(booking, desk)), " · ")


async def standing(booking: Booking, desk: Desk) -> Words:
    """Where a sign-up stands, in words."""
    if booking.stand == Stand.WAITING:
        return _("number {n} in the queue", n=await desk.enrolment.place_in_queue(booking))
    return {
        Stand.JOINED: _("you have a seat"),
        Stand.ARRIVED: _("checked in"),
        Stand.LEFT: _("checked out"),
    }.get(booking.stand, _("over"))


@script("booking", title=_("my sign-up"))
async def booking(talk: Talk, desk: Desk, number: int) -> None:
    """One sign-up of mine and what can be done with it."""
    mine = await desk.enrolment.booking(number)
    if mine is None:
        return talk.say(_("You have no such sign-up."), Link(_("My sign-ups"), Intent("my")))
    card = await desk.activities.card(mine.activity)
    links = []
    if mine.stand == Stand.JOINED and mine.starts > talk.now:
        links.append(Link(_("Give up my seat"), Intent("leave", (str(number),))))
    if mine.stand == Stand.WAITING:
        links.append(Link(_("Leave the queue"), Intent("leave", (str(number),))))
    if mine.stand == Stand.JOINED:
        links.append(Link(_("Check in"), Intent("checkin")))
    if mine.stand == Stand.ARRIVED:
        links.append(Link(_("Check out"), Intent("checkout")))
    talk.say(
        lines(title(mine), Span(mine.starts, mine.ends), mine.address, await standing(mine, desk)),
        *links,
        Link(_("The activity"), Intent("activity", (str(mine.activity),))),
        *(map_link(card.latitude, card.longitude, card.title) if card else ()),
    )


@script("leave", title=_("giving up a seat"))
async def leave(talk: Talk, desk: Desk, number: int) -> None:
    """Giving a seat or a place in the queue back, after one question."""
    mine = await desk.enrolment.booking(number)
    if mine is None or mine.stand not in (Stand.JOINED, Stand.WAITING) or mine.starts <= talk.now:
        return talk.say(_("That cannot be given up any more."), Link(_("My sign-ups"), Intent("my")))
    question = _("Give up {title}, {when}?", title=title(mine), when=Span(mine.starts, mine.ends))
    if not await talk.confirm("sure", question, _("Yes, give it up"), _("No, I am coming")):
        return talk.say(_("Good, your place stays yours."))
    match await desk.enrolment.leave(number):
        case Left(_booking, promoted):
            talk.undoable(Intent("join", (str(mine.activity),)))
            thanks = (
                _("Thank you for telling me. Your seat went to the next in the queue.")
                if promoted
                else _("Thank you for telling me.")
            )
            talk.say(thanks, Link(_("Sign up again"), Intent("join", (str(mine.activity),))))
        case _:
            talk.say(_("That cannot be given up any more."), Link(_("My sign-ups"), Intent("my")))


@script("coming")
async def coming(talk: Talk, desk: Desk, number: int) -> None:
    """“Still coming?” answered with one tap."""
    mine = await desk.enrolment.still_coming(number)
    if mine is None:
        return talk.say(_("You have no such sign-up."), Link(_("My sign-ups"), Intent("my")))
    talk.say(_("Good, see you {when} at {address}.", when=mine.starts, address=mine.address))
