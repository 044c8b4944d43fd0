"""Being there: check in with the eight digits or the QR on the wall, check out, and see what it counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from bot.desk.desk import Desk
from bot.domain.attendance import (
    AlreadyThere,
    CheckedIn,
    CheckedOut,
    NothingNow,
    NotSignedUp,
    StillElsewhere,
    TooEarly,
    TooLateToTell,
    TooManyTries,
    WrongCode,
    Zero,
)
from bot.domain.enrolment import Stand
from bot.talk import Clock, Intent, Link, Named, Option, Talk, Text, Words, _, lines, ngettext, script
from handlers.answers import check_in_code
from handlers.cards import title
from handlers.stars import step_reached


def hears_code(text: str, now: datetime) -> Sequence[str] | None:
    """Eight digits, with spaces or without; a day like 2027-05-31 is none."""
    if re.fullmatch(r"\s*\d{4}([-·])\d\d\1\d\d\s*", text):
        return None
    bare = re.sub(r"[\s\-·]", "", text)
    return ("0", str(int(bare)).zfill(8)) if len(bare) == 8 and bare.isdecimal() else None


@script("checkin", words=["checkin", "check in", "签到", _("Check in")], title=_("checking in"), hears=hears_code)
async def checkin(talk: Talk, desk: Desk, activity: int = 0, code: str = "") -> None:
    """The code by QR or link, or asked for."""
    if not code:
        not_now = await desk.attendance.expected()
        if not_now is not None:
            return said(talk, not_now)
        code = await talk.ask("code", _("What are the 8 digits on the organiser's screen?"), check_in_code)
    outcome = await desk.attendance.check_in(code, activity or None)
    if isinstance(outcome, StillElsewhere):
        question = _("You are still checked in: {title}. Leave there first, as of now?", title=title(outcome))
        if not await talk.confirm("ending", question, _("Yes, I have left there"), _("No")):
            return talk.say(_("Nothing was changed."), Link(_("Check out"), Intent("checkout")))
        outcome = await desk.attendance.check_in(code, activity or None, ending=True)
    match outcome:
        case CheckedIn(_title, _english, at, late, enrolment):
            talk.undoable(Intent("notin", (str(enrolment),)))
            thanks = (
                ngettext("You are {n} minute late; never mind.", "You are {n} minutes late; never mind.", late)
                if late
                else None
            )
            talk.say(
                lines(
                    _("Checked in at {at}: {title}. Thank you for coming!", at=Clock(at), title=title(outcome)), thanks
                ),
                Link(_("Check out"), Intent("checkout")),
                *(await show_place(desk, enrolment)),
            )
        case AlreadyThere():
            said(talk, outcome, (str(activity), code) if activity else ())
        case _:
            said(talk, outcome)


async def show_place(desk: Desk, enrolment: int) -> Sequence[Link]:
    """The way to a second evidence, where there is a place to compare with."""
    if await desk.attendance.around(enrolment) is None:
        return ()
    return (Link(_("Show that I am there"), Intent("there", (str(enrolment),))),)


@script("checkout", words=["checkout", "check out", "签退", _("Check out")], title=_("checking out"))
async def checkout(talk: Talk, desk: Desk, activity: int = 0, code: str = "") -> None:
    """With the code on the wall, or on one's own word."""
    here = await desk.attendance.to_check_out()
    if here is None:
        return said(talk, NothingNow(None))
    if not code:
        code = await talk.ask(
            "code",
            _(
                "Leaving {title}? Send the 8 digits on the screen: then your hours do not rest on your word alone.",
                title=title(here),
            ),
            check_in_code,
            options=[Option("own", _("No screen here"), "")],
        )
    outcome = await desk.attendance.check_out(code or None)
    match outcome:
        case CheckedOut(_title, _english, at, minutes, why, enrolment):
            talk.undoable(Intent("notout", (str(enrolment),)))
            worth = round(minutes / 60, 1)
            step = step_reached(await desk.stars.step()) if minutes else None
            counted: Words = (
                zero(why, minutes)
                if why
                else ngettext(
                    "{hours} hour was counted.", "{hours} hours were counted.", 1 if worth == 1 else 2, hours=worth
                )
            )
            talk.say(
                lines(_("Checked out at {at}. Thank you!", at=Clock(at)), counted, step),
                Link(_("My hours"), Intent("hours")),
                *((Link(_("That is wrong"), Intent("dispute")),) if why else ()),
            )
        case WrongCode():
            said(talk, outcome, again=Link(_("Check out"), Intent("checkout")))
        case _:
            said(talk, outcome)


CHECK_IN = Link(_("Check in"), Intent("checkin"))


def said(talk: Talk, outcome: object, leaving: tuple[str, ...] = (), again: Link = CHECK_IN) -> None:
    """Why there is nothing to check into or out of."""
    match outcome:
        case AlreadyThere(at):
            talk.say(_("You checked in at {at}.", at=Clock(at)), Link(_("Check out"), Intent("checkout", leaving)))
        case NotSignedUp():
            talk.say(
                _(
                    "You have no sign-up that is on now. If you have just come along, show your own code to whoever "
                    "leads: they can add you."
                ),
                Link(_("My own code"), Intent("mycode")),
                Link(_("My sign-ups"), Intent("my")),
            )
        case WrongCode(0):
            talk.say(_("That code does not fit. Please wait ten minutes, or ask the organiser to check you in."))
        case WrongCode(left):
            talk.say(
                ngettext(
                    "That code does not fit: it changes every 15 seconds. Look again; {n} try is left.",
                    "That code does not fit: it changes every 15 seconds. Look again; {n} tries are left.",
                    left,
                ),
                again,
            )
        case TooManyTries(until):
            talk.say(_("There were too many wrong codes. You can try again at {until}.", until=Clock(until)))
        case TooLateToTell(enrolment):
            # It ended a while ago: as of now would be the planned hours as a gift to whoever went early.
            talk.go(Intent("claim", (str(enrolment),)))
        case TooEarly(opens, chinese, english):
            name = Named(chinese, english)
            talk.say(
                _("Check-in for {title} opens {when}.", title=name, when=opens), Link(_("My sign-ups"), Intent("my"))
            )
        case _:
            talk.say(_("There is nothing to check in or out of now."), Link(_("My sign-ups"), Intent("my")))


def zero(why: Zero, minutes: int = 0) -> Words:
    """Why a record counts nothing, or, by a day's cap, only these minutes."""
    match why.rule:
        case "cap":
            hours = {"counted": minutes, "spent": why.present, "cap": why.needed}
            values = {name: round(spent / 60, 1) for name, spent in hours.items()}
            return _("{counted} of {spent} h count: a day counts at most {cap} h.", **values)
        case "short":
            present, needed = round(why.present * 100), round(why.needed * 100)
            return _("0 h: present {present} % of {needed} % needed.", present=present, needed=needed)
        case "forgotten":
            return _("0 h: there was no check-out.")
        case "double":
            return _("0 h: this time had been counted already.")
    return ZEROS[why.rule]


ZEROS: dict[str, Text] = {
    "rounded": _("0 h: less than the rules round down to."),
    "training": _("0 h of service: training is kept apart."),
    "duty": _("0 h: paid or school duty is no service."),
    "giving": _("0 h: giving money or things is no service."),
    "travel": _("0 h: the way there and back is no service."),
    "absent": _("0 h: who recorded says that you were not there."),
}


@script("notin", silent=True)
async def notin(talk: Talk, desk: Desk, number: int) -> None:
    """Undo of a check-in."""
    if await desk.attendance.undo_check_in(number):
        own = await desk.enrolment.booking(number)
        if own is None or own.stand == Stand.CANCELLED:
            mine = Link(_("My sign-ups"), Intent("my"))
            return talk.say(_("Thank you for telling me. It is taken back, and you are not signed up there."), mine)
        return talk.say(_("Your check-in was taken back."), Link(_("Check in"), Intent("checkin")))
    talk.say(_("There is nothing left to undo: that works for ten minutes after a change."))


@script("notout", silent=True)
async def notout(talk: Talk, desk: Desk, number: int) -> None:
    """Undo of a check-out."""
    if await desk.attendance.undo_check_out(number):
        return talk.say(
            _("Your check-out was taken back: you are still here."), Link(_("Check out"), Intent("checkout"))
        )
    talk.say(_("There is nothing left to undo: that works for ten minutes after a change."))
