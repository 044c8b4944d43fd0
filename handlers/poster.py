"""“海报”, “poster”: a sheet to print and hang up for an activity that I look after, as a picture and as a PDF."""

from __future__ import annotations

from datetime import datetime

from bot.desk.desk import Desk
from bot.desk.posters import Sheets
from bot.domain.activities import Activity, Shift
from bot.domain.posters import FEW, NothingToHangUp, times
from bot.domain.roles import Deed
from bot.domain.writing import for_readers
from bot.talk import Day, Intent, Joined, Link, Named, Picture, Span, Talk, WebLink, Words, _, lines, script
from handlers.cards import needs, role, title
from handlers.lookedafter import NOT_YOURS, ORGANISE, which_activity

PRINT = _("Poster to print")


def account(name: str) -> Words:
    """The official account to send the words to, by its name where the city said it."""
    return _("WeChat official account: {name}", name=name) if name else _("WeChat official account")


@script("poster", words=["poster", "海报", "打印海报", PRINT], title=_("a poster"))
async def poster(talk: Talk, desk: Desk, activity: int = 0) -> None:
    """The poster of an activity, or why there is none and what helps."""
    if not activity:
        return await which_activity(talk, desk, "poster", _("A poster for which activity?"))
    number = (str(activity),)
    match await desk.posters.sheets(activity):
        case Sheets(card, pdf, png):
            talk.say(
                lines(
                    _("The poster for {title}: one sheet of A4, to print and hang up.", title=title(card)),
                    _("Should you change the time or the place, ask for a new one."),
                ),
                WebLink(_("PDF for print"), pdf),
                Link(_("Manage"), Intent("manage", number)),
                picture=Picture(png, _("Whoever scans the code on it comes to this very activity.")),
            )
        case NothingToHangUp("draft"):
            talk.go(Intent("draft", number))  # it tells its organiser that it is not open, and others nothing
        case NothingToHangUp("nowhere"):
            may_say = await desk.organising.allowed(activity, Deed.CHANGE)
            talk.say(
                _("A poster must say where to come, and this activity has no address yet."),
                *((Link(_("Another place"), Intent("relocate", number)),) if may_say else ()),
                Link(_("Manage"), Intent("manage", number)),
            )
        case NothingToHangUp(why):
            called_off = _("It was called off: there is nothing to hang up any more.")
            begun = _("It has begun, so nobody can sign up any more: a poster would come too late.")
            talk.say(called_off if why == "cancelled" else begun, Link(_("Manage"), Intent("manage", number)))
        case _:
            talk.say(NOT_YOURS, ORGANISE)


def hours(card: Activity, now: datetime) -> list[Words]:
    """Each time that is still to come where they are few, else from which day to which."""
    ahead = times(card, now)
    if len(ahead) <= FEW:
        return [Span(*one) for one in ahead]
    first, last = ahead[0][0], max(end for _start, end in ahead)
    return [_("Several times"), Joined((Day(first), Day(last)), " – ")]


def asked(card: Activity, now: datetime) -> list[Words]:
    """What is asked of those who come, role by role where there are several. No free places: a poster hangs longer."""
    roles = {(one.role, one.minimum_age, tuple(one.needs)): one for one in card.open_shifts(now)}
    found: list[Words] = [_("For people from {n} years on", n=card.minimum_age)] if card.minimum_age else []
    bare = [role(one) for one in roles.values() if one.role and not beyond(one, card)]
    found += [Joined(tuple(bare), " · ")] if bare else []
    found += [Joined((*named(one), *more), " · ") for one in roles.values() if (more := beyond(one, card))]
    if card.approval:
        found.append(_("The organiser lets people in."))
    return [*found, Named(*for_readers(card.about))] if card.about else found


def named(shift: Shift) -> list[Words]:
    """A role's name, where it has one."""
    return [role(shift)] if shift.role else []


def beyond(shift: Shift, card: Activity) -> list[Words]:
    """What a role asks for beside what the activity does."""
    older = [_("from {n} years on", n=shift.minimum_age)] if shift.minimum_age > card.minimum_age else []
    return [*older, *needs(shift)]
