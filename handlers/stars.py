"""My stars and how to apply for one; what a centre decides; what stands in public notice and can be objected to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.desk.desk import Desk
from bot.domain.stars import OBJECTIONS, Application, Applied, Standing, UnderWay, Way
from bot.talk import Day, Intent, Joined, Link, Option, Talk, Text, View, Words, _, lines, ngettext, script
from handlers.certificate import as_hours

WORDS = ["stars", "star", "apply for a star", "星级", "我的星级", "评星", "申请星级"]


@script("stars", words=[*WORDS, _("My stars")], title=_("your stars"))
async def stars(talk: Talk, desk: Desk) -> None:
    """What I have, what is under way, what the next one needs."""
    stand = await desk.stars.standing()
    links = [Link(_("Apply for it"), Intent("applystar"))] if stand.may else []
    if await desk.stars.to_decide():
        links.append(Link(_("Stars to decide about"), Intent("starcases")))
    talk.say(
        lines(
            _("You have {stars}.", stars=count(stand.granted)) if stand.granted else _("You have no star yet."),
            _("Counted so far: {hours}.", hours=as_hours(stand.minutes)),
            in_notice(stand),
            refused_before(stand),
            under_way(stand.open) if stand.open else coming(stand),
        ),
        *links,
        Link(_("Stars in public notice"), Intent("starnotices")),
        Link(_("My hours"), Intent("hours")),
    )


def count(level: int) -> Text:
    """One star, two stars."""
    return ngettext("{n} star", "{n} stars", level)


def in_notice(stand: Standing) -> Words | None:
    """What does not count for a star yet."""
    if not stand.provisional:
        return None
    hours = as_hours(stand.provisional)
    return _(
        "{hours} more are still in public notice or asked about; they count for a star once that is over.", hours=hours
    )


def refused_before(stand: Standing) -> Words | None:
    """Why the last application was refused; the message that said so is long gone."""
    if stand.refused is None:
        return None
    stars = count(stand.refused.level)
    return _("{stars}: refused, because {reason}.", stars=stars, reason=refusal(stand.refused.reason))


def coming(stand: Standing) -> Words | None:
    """What the next one needs."""
    if stand.may:
        return _("Your hours are enough for {stars}. You can apply now.", stars=count(stand.may))
    if not stand.missing:
        return None
    return _(
        "{hours} more, and you can apply for {stars}.",
        hours=as_hours(stand.missing),
        stars=count(stand.granted + 1),
    )


def until(one: Application) -> Day | None:
    """The last day of the notice."""
    return Day(one.until) if one.until else None


def under_way(one: Application) -> Words:
    """Where an application stands."""
    stars, citys = count(one.level), one.rules.is_the_citys(one.level)
    if one.way == Way.NOTICE and not one.objections:
        return _("{stars}: in public notice until {day}.", stars=stars, day=until(one))
    if one.way == Way.NOTICE and citys:
        return _("{stars}: somebody objected; the city's own office is looking at it.", stars=stars)
    if one.way == Way.NOTICE:
        return _("{stars}: somebody objected; the centre of your place is looking at it.", stars=stars)
    if citys:
        return _("{stars}: you applied; the city's own office is looking at it.", stars=stars)
    return _("{stars}: you applied; the centre of your place is looking at it.", stars=stars)


@script("applystar", title=_("applying for a star"))
async def applystar(talk: Talk, desk: Desk) -> None:
    """One question, then it lies with the centre."""
    stand = await desk.stars.standing()
    if stand.may:
        question = lines(_("Apply for {stars}?", stars=count(stand.may)), what_follows(stand))
        if not await talk.confirm("sure", question, _("Yes, apply"), _("Not now")):
            return talk.say(_("Good, nothing was applied for."))
    match await desk.stars.apply():
        case Applied(level):
            text: Words = _("Applied for {stars}. I will tell you what comes of it.", stars=count(level))
        case UnderWay(one):
            text = under_way(one)
        case _:
            text = coming(await desk.stars.standing()) or _("There is no further star.")
    talk.say(text, Link(_("My stars"), Intent("stars")))


def what_follows(stand: Standing) -> Text:
    """Who looks at it, and what everybody will read."""
    if stand.rules.is_the_citys(stand.may):
        return ngettext(
            "The city's own office looks at it; then your volunteer number and the first sign of your name stand in "
            "public notice for {n} day.",
            "The city's own office looks at it; then your volunteer number and the first sign of your name stand in "
            "public notice for {n} days.",
            stand.rules.notice.days,
        )
    return ngettext(
        "Your place's centre looks at it; then your volunteer number and the first sign of your name stand in "
        "public notice for {n} day.",
        "Your place's centre looks at it; then your volunteer number and the first sign of your name stand in "
        "public notice for {n} days.",
        stand.rules.notice.days,
    )


# --- A centre decides -------------------------------------------------------------------------------------------------

NONE_OF_YOURS = _("There is no application that you decide about.")


@script("starcases", words=["star cases", "星级审核"], title=_("stars to decide about"))
async def starcases(talk: Talk, desk: Desk) -> None:
    """Applications of my place, and notices that somebody objected to."""
    waiting = await desk.stars.to_decide()
    if not waiting:
        return talk.say(NONE_OF_YOURS, Link(_("Menu"), Intent("menu")))
    links = [Link(entry(one), Intent("starcase", (str(one.id),))) for one in waiting]
    await talk.browse("list", _("These wait for you:"), links)


def entry(one: Application) -> Words:
    """One application in one line."""
    parts: list[Words] = [count(one.level), one.number, one.name, as_hours(one.minutes)]
    if one.objections:
        parts.append(ngettext("{n} objection", "{n} objections", one.objections))
    return Joined(tuple(part for part in parts if part), " · ")


@script("starcase", title=_("a star to decide about"))
async def starcase(talk: Talk, desk: Desk, number: int) -> None:
    """Open the notice, or refuse with a reason."""
    found = await desk.stars.case(number)
    if found is None:
        return talk.say(NONE_OF_YOURS, Link(_("Stars to decide about"), Intent("starcases")))
    one, against = found
    grounds = await desk.stars.grounds(one)
    yes = [Option("yes", _("Open the public notice"), "yes")] if one.way == Way.APPLIED else []
    if against:
        yes = [Option("yes", _("There is nothing in the objections"), "yes")]
    how = await talk.choose(
        "how",
        lines(entry(one), *(objection(code) for code in against), _("What do you decide?")),
        [
            *yes,
            *(Option(code, _("Refuse: {reason}", reason=refusal(code)), code) for code in grounds),
            Option("later", _("Later"), "later"),
        ],
    )
    if how == "later":
        return talk.say(_("Nothing was changed."))
    done = await desk.stars.approve(number) if how == "yes" else await desk.stars.refuse(number, how)
    if done is None:
        text: Words = _(
            "That is not possible now: the hours are not enough, some of them are asked about, or somebody decided "
            "before you."
        )
    elif done.way == Way.REFUSED:
        text = _("It is refused; the volunteer reads the reason.")
    elif one.way == Way.NOTICE:
        text = _("Nothing in it, then. It is granted by itself once its public notice is over.")
    else:
        text = _("It is in public notice until {day}; then it is granted by itself.", day=until(done))
    talk.say(text, Link(_("Stars to decide about"), Intent("starcases")))


def refusal(code: str) -> Text:
    """Why a star is refused."""
    return {
        "hours": _("the hours are not enough any more"),
        "doubt": _("a record is in doubt"),
    }.get(code, _("the volunteer no longer wants it"))


def objection(code: str) -> Text:
    """What somebody says against one."""
    return {
        "untrue": _("Objection: the hours were not served."),
        "double": _("Objection: hours were counted twice."),
    }.get(code, _("Objection: another reason, to be heard."))


# --- Public notice ----------------------------------------------------------------------------------------------------


@script("starnotices", words=["star notices", "星级公示"], title=_("stars in public notice"))
async def starnotices(talk: Talk, desk: Desk) -> None:
    """Everybody can read them."""
    found = await desk.stars.notices()
    if not found:
        return talk.say(_("No star is in public notice now."), Link(_("My stars"), Intent("stars")))
    links = [Link(entry(one), Intent("starnotice", (str(one.id),))) for one in found]
    await talk.browse("list", _("In public notice; whoever knows better can object:"), links)


@script("starnotice", title=_("a star in public notice"))
async def starnotice(talk: Talk, desk: Desk, number: int) -> None:
    """Object, with a reason."""
    one = await desk.stars.notice(number)
    if one is None:
        return talk.say(_("That notice is over."), Link(_("Stars in public notice"), Intent("starnotices")))
    what = await talk.choose(
        "what",
        lines(entry(one), _("In notice until {day}. Do you object?", day=until(one))),
        [*(Option(code, objection(code), code) for code in OBJECTIONS), Option("no", _("No"), "no")],
    )
    if what == "no":
        return talk.say(_("Good."), Link(_("Stars in public notice"), Intent("starnotices")))
    if await desk.stars.object_to(number, what):
        return talk.say(_("Thank you. The centre looks at it before anything is granted; nobody reads who you are."))
    talk.say(_("You cannot object to this one: it is your own, or you did already."))


def step_reached(hours: int) -> Words | None:
    """A small step, said once in a life."""
    return {
        5: _("Your first 5 hours. Somebody's week was easier because of them."),
        10: _("10 hours by now: you know your way around. Thank you!"),
        20: _("20 hours! Half a working week, given away."),
        50: _("50 hours! Halfway to your first star."),
    }.get(hours)


def step(said: Mapping[str, str]) -> View:
    """The notice that it was reached."""
    return View(lines(step_reached(int(said["hours"]))), (Link(_("My hours"), Intent("hours")),))


WAITS_FOR_A_CENTRE: Mapping[str, Text] = {
    "applied": _("Somebody applies for a star: you decide whether its public notice opens."),
    "objected": _("Somebody objects to a star in public notice: nothing is granted until you have looked."),
}


def news(said: Mapping[str, str]) -> View:
    """The notice of an application: to a centre that it waits, to whoever applied where it stands."""
    if said["way"] in WAITS_FOR_A_CENTRE:
        return View(WAITS_FOR_A_CENTRE[said["way"]], (Link(_("Stars to decide about"), Intent("starcases")),))
    stars = count(int(said["level"]))
    last = Day(datetime.fromisoformat(said["until"])) if said["until"] else None
    why = refusal(said["reason"])
    way: Words = {
        Way.NOTICE: _("{stars}: in public notice until {day}.", stars=stars, day=last),
        Way.GRANTED: _("{stars}: granted! The city thanks you.", stars=stars),
    }.get(Way(said["way"]), _("{stars}: refused, because {reason}.", stars=stars, reason=why))
    return View(lines(way), (Link(_("My stars"), Intent("stars")),))
