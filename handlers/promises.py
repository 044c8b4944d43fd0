"""Promises that were not kept: what counts and what follows, a reason for each, and an organiser who excuses."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.enrolment import Stand
from bot.domain.reliability import LIMIT, NO_SHOW, TOO_LATE, WITHIN, Broken, weight
from bot.talk import Intent, Joined, Link, Talk, Words, _, lines, ngettext, script
from handlers.admission import numbers
from handlers.cards import title
from handlers.lookedafter import NOT_YOURS, ORGANISE
from handlers.my import REASON, reasons


@script("promises", words=["promises", "守约", "守约记录", "爽约", _("Kept promises")], title=_("kept promises"))
async def promises(talk: Talk, desk: Desk) -> None:
    """What counts against me, why, and the rule; a reason can be given for each."""
    mine = await desk.promises.mine()
    rule = _(
        "Not coming without a word counts {absent}, giving up after the deadline {late}, for {days} days; excused "
        "counts nothing. From {limit} on an organiser decides about each new sign-up.",
        absent=NO_SHOW,
        late=TOO_LATE,
        days=WITHIN.days,
        limit=LIMIT,
    )
    if not mine:
        return talk.say(lines(_("You kept every promise. Thank you!"), rule))
    counted = _("Yours count {n} now.", n=weight(mine))
    links = [Link(line(one), Intent("explain", (str(one.enrolment),))) for one in mine]
    await talk.browse("list", lines(rule, counted, _("Is one of them wrong, or was there a reason? Choose it.")), links)


def line(one: Broken) -> Words:
    """One promise in one line."""
    how = {Stand.ABSENT: _("did not come"), Stand.EXCUSED: _("was excused")}.get(one.stand, _("given up late"))
    return Joined((title(one), one.starts, how), " · ")


@script("explain", title=_("a reason"))
async def explain(talk: Talk, desk: Desk, number: int) -> None:
    """Why I could not come; the organiser reads it and can excuse me."""
    one = next((one for one in await desk.promises.mine() if one.enrolment == number), None)
    if one is None or not one.weight:
        return talk.say(_("Nothing of that counts against you."))
    reason = await talk.choose("why", lines(line(one), _("What was the reason?")), reasons())
    await desk.promises.explain(number, reason)
    talk.say(_("Thank you. The organiser sees it and can excuse you."), Link(_("Back"), Intent("promises")))


@script("excuse", title=_("excusing people"))
async def excuse(talk: Talk, desk: Desk, activity: int) -> None:
    """For organisers: who did not come, with their reasons; those who are named are excused."""
    missing = await desk.promises.missing(activity)
    manage = Link(_("Manage"), Intent("manage", (str(activity),)))
    if not missing:
        return talk.say(_("Nobody was missing, or they are excused."), manage)
    list_: list[Words] = []
    for place, one in enumerate(missing, 1):
        how = _("did not come") if one.stand == Stand.ABSENT else _("given up late")
        marks: list[Words] = [f"{place}. {one.name or '—'}", how]
        if one.reason in REASON:
            marks.append(REASON[one.reason])
        list_.append(Joined(tuple(marks), " · "))
    question = lines(*list_, "", _("Whom do you excuse? Send their numbers, like 1 3 5, or: all"))
    chosen = await talk.ask("who", question, numbers(missing))
    match await desk.promises.excuse(activity, chosen):
        case int() as count:
            talk.say(ngettext("{n} person is excused.", "{n} people are excused.", count), manage)
        case _:
            talk.say(NOT_YOURS, ORGANISE)
