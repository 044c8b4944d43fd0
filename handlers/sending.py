"""Sending to many: one campaign as it stands, a test, the typed confirmation, the second person, pause and stop."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from bot.desk.campaigns import Mailing
from bot.desk.desk import Desk
from bot.domain.campaigns import (
    UNDO,
    WEEKLY,
    Asked,
    Campaign,
    Changed,
    Miscounted,
    NobodyMeant,
    Sent,
    Standing,
    Timing,
    Unwritable,
    may_use_mass,
    more_than_allowed,
)
from bot.domain.writing import fold
from bot.talk import (
    UNDO_TIME,
    Incoming,
    Intent,
    Joined,
    Link,
    Named,
    Option,
    Picture,
    Talk,
    Text,
    Unclear,
    WebLink,
    Words,
    _,
    lines,
    ngettext,
    script,
)
from handlers import whom
from handlers.answers import words
from handlers.campaign import MINE, NO_SUCH, ORGANISERS_ONLY, WRITTEN, unwritable
from handlers.cards import line
from handlers.mailings import in_either
from handlers.reports import STANDINGS, in_numbers, why
from handlers.routes import by_mass, routes


@script("campaigns", words=["campaigns", "我的群发", "my campaigns"], title=_("your campaigns"))
async def campaigns(talk: Talk, desk: Desk) -> None:
    """What waits for my yes; what I wrote to many, and what was written for whom I speak for, the latest first."""
    if not await desk.campaigns.voices():
        return talk.say(ORGANISERS_ONLY)
    mine = await desk.campaigns.mine()
    waiting = await desk.campaigns.waiting()
    shown = [*waiting, *(one for one in mine if one not in waiting)]
    links = [Link(in_one_line(one), Intent("mailing", (str(one.id),))) for one in shown]
    links.insert(0, Link(_("Write to many"), Intent("campaign")))
    await talk.browse("list", _("Your campaigns:") if shown else _("You have not written to many yet."), links)


def in_one_line(one: Campaign) -> Words:
    """A campaign in one line of a list."""
    said = in_either(one.texts[0])
    return Joined((Named(_head(said.chinese), _head(said.english)), one.created, STANDINGS[one.standing]), " · ")


def _head(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:19]}…"


# --- One campaign ----------------------------------------------------------------------------------------------------


@script("mailing", title=_("a campaign"))
async def mailing(talk: Talk, desk: Desk, number: int) -> None:
    """One campaign as it stands, with what I may do to it."""
    found = await desk.campaigns.look(number)
    if not isinstance(found, Mailing):
        return talk.say(NO_SUCH, MINE)
    one = found.campaign
    talk.say(
        lines(
            *await as_written(desk, found),
            "",
            STANDINGS[one.standing],
            why(one),
            *(in_numbers(found.progress) if found.progress else ()),
        ),
        *ways(found, in_time(one, talk)),
        *await page(desk, found),
        *([Link(_("The list of its messages"), Intent("mailinglist", (str(number),)))] if found.progress else []),
        MINE,
        picture=Picture(path, _("With this picture.")) if (path := desk.campaigns.picture(one)) else None,
    )


async def page(desk: Desk, found: Mailing) -> list[WebLink]:
    """The way to its bar, once it has begun."""
    path = await desk.campaigns.page(found.campaign.id) if found.progress else None
    return [WebLink(_("Follow it on a page"), path)] if isinstance(path, str) else []


@script("mailinglist", title=_("the list of a campaign"))
async def mailinglist(talk: Talk, desk: Desk, number: int) -> None:
    """What became of each message, as a table; names masked."""
    path = await desk.campaigns.take_list(number)
    if not isinstance(path, str):
        return talk.say(NO_SUCH, MINE)
    talk.say(
        _("Here is the list: names are masked. The address works once, for an hour."),
        WebLink(_("Take the list"), path),
        look(number),
    )


async def as_written(desk: Desk, found: Mailing) -> list[Words]:
    """Its words, whom it means, what its button opens, when it leaves: what a second person must read."""
    one = found.campaign
    card = await desk.activities.card(one.activity) if one.activity else None
    return [
        *texts(one.texts),
        "",
        *await whom.in_words(desk, one.audience),
        ngettext("{n} person", "{n} people", found.people),
        *((_("Its button opens: {activity}", activity=line(card, desk)),) if card else ()),
        leaves(one.timing, len(one.texts)),
        *(
            (_("Nobody gets more than {n} such messages in seven days: whoever has had them misses the others.",
               n=WEEKLY),)
            if more_than_allowed(one.timing, len(one.texts))
            else ()
        ),
        *((_("One of WeChat's mass messages tells whom nothing else reaches."),) if one.mass else ()),
    ]


def texts(all_: Sequence[object]) -> list[Words]:
    """Each message in each of its languages."""
    shown: list[Words] = []
    for place, one in enumerate(all_, 1):
        assert isinstance(one, dict)
        mark = f"{place}. " if len(all_) > 1 else ""
        shown += [f"{mark}{one[language]}" for language, _name in WRITTEN if one.get(language)]
    return shown


def leaves(timing: Timing, messages: int) -> Words:
    """When its messages leave."""
    if timing.mode == "before":
        times = Joined(tuple(before(offset) for offset in timing.offsets), ", ")
        return _("Before the start: {times}", times=times)
    if timing.at is None:
        return _("As soon as it is sent")
    if timing.mode == "at":
        return _("At {at}", at=timing.at)
    return ngettext("From {at}, {n} day", "From {at}, one a day for {n} days", messages, at=timing.at)


def before(offset: int) -> Text:
    """How long before the start."""
    hours = -offset // 60
    return ngettext("{n} hour", "{n} hours", hours) if hours % 24 else ngettext("{n} day", "{n} days", hours // 24)


def in_time(one: Campaign, talk: Talk) -> bool:
    """Can “send” still be taken back before anything leaves?"""
    return one.started is not None and talk.now < one.started + UNDO


def ways(found: Mailing, takes_back: bool) -> list[Link]:
    """What may be done to it as it stands."""
    one, number = found.campaign, (str(found.campaign.id),)
    stop = Intent("mailingstop", number)
    match one.standing:
        case Standing.DRAFT if found.mine:
            return [
                Link(_("Test: send it to me alone"), Intent("mailingtest", number)),
                Link(_("Change"), Intent("mailingchange", number)),
                Link(_("Change or remove the picture") if one.pictured else _("Add a picture"),
                     Intent("mailingpicture", number)),
                Link(_("Send"), Intent("mailingsend", number)),
                Link(_("Throw it away"), stop),
            ]
        case Standing.ASKED if found.decides:
            return [
                Link(_("Agree"), Intent("mailingagree", number)),
                Link(_("Decline"), Intent("mailingdecline", number)),
            ]
        case Standing.ASKED:
            return [Link(_("Take it back"), stop)]
        case Standing.RUNNING if takes_back:
            return [Link(_("Take it back"), stop)]
        case Standing.RUNNING:
            return [Link(_("Pause"), Intent("mailingpause", number)), Link(_("Stop"), stop)]
        case Standing.PAUSED:
            return [Link(_("Let it go on"), Intent("mailinggoon", number)), Link(_("Stop"), stop)]
    return [anew(one.id)] if found.again else []


def anew(number: int) -> Link:
    """The way to a new draft with the words of one that reached nobody."""
    return Link(_("Change or send again"), Intent("mailingagain", (str(number),)))


def look(number: int) -> Link:
    """The way back to it."""
    return Link(_("The campaign"), Intent("mailing", (str(number),)))


# --- Test and send ---------------------------------------------------------------------------------------------------


@script("mailingtest", title=_("a test"))
async def mailingtest(talk: Talk, desk: Desk, number: int) -> None:
    """Each of its messages to me alone."""
    found = await desk.campaigns.look(number)
    if not isinstance(found, Mailing):
        return talk.say(NO_SUCH, MINE)
    for step in range(len(found.campaign.texts)):
        await desk.campaigns.test(number, step)
    talk.say(_("It comes to you alone, in a moment."), look(number))


@script("mailingsend", title=_("sending a campaign"))
async def mailingsend(talk: Talk, desk: Desk, number: int) -> None:
    """How it would reach them and until when; then “send” with the number of people, typed."""
    found = await desk.campaigns.look(number)
    if not isinstance(found, Mailing) or not found.mine or found.campaign.standing is not Standing.DRAFT:
        return settled_already(talk, found)
    if not found.people:
        return talk.say(_("Nobody fits these conditions now."), look(number))
    change = Link(_("Change"), Intent("mailingchange", (str(number),)))
    if hindered := await desk.campaigns.hindrance(found.campaign):
        return talk.say(unwritable(hindered), change, look(number))
    plan = await desk.campaigns.routes(found.campaign)
    mass = may_use_mass(found.campaign) and await by_mass(talk, plan)
    question = lines(
        ngettext("{n} person would get it:", "{n} people would get it:", found.people),
        *routes(plan, mass),
        "",
        _("Type “send {n}” to send it.", n=found.people),
    )
    typed = await talk.ask("typed", question, confirmed(found.people))
    match await desk.campaigns.send(number, typed, mass):
        case Sent(_number, people, first):
            talk.undoable(Intent("mailingstop", (str(number),)))
            talk.say(
                lines(
                    ngettext("On its way to {n} person.", "On its way to {n} people.", people),
                    until_then(first, talk.now),
                ),
                Link(_("Take it back"), Intent("mailingstop", (str(number),))),
                look(number),
            )
        case Asked(_number, people, asked):
            talk.undoable(Intent("mailingstop", (str(number),)))
            talk.say(second(people, asked), look(number))
        case Miscounted(people):
            now = ngettext("It is {n} person now.", "It is {n} people now.", people)
            again = Link(_("Send"), Intent("mailingsend", (str(number),)))
            talk.say(lines(now, _("Nothing was sent.")), again, look(number))
        case NobodyMeant():
            talk.say(_("Nobody fits these conditions now."), look(number))
        case Unwritable(reason):
            talk.say(unwritable(reason), change, look(number))
        case _:
            talk.say(NO_SUCH, MINE)


def until_then(first: datetime, now: datetime) -> Text:
    """How it is taken back before anything leaves: the word is forgotten before a first message of tomorrow."""
    if first <= now + UNDO_TIME:
        return _("The first leaves {at}. Until then “undo” takes it back.", at=first)
    return _("The first leaves {at}. Until then you can take it back here or under “my campaigns”.", at=first)


def second(people: int, asked: int) -> Words:
    """A second person must agree first."""
    asks = (
        ngettext("I have asked {n} person.", "I have asked {n} people.", asked)
        if asked
        else _("Nobody there can agree yet: the centre above you can appoint somebody.")
    )
    need = ngettext(
        "{n} person is meant: a second person must agree first.",
        "{n} people are meant: a second person must agree first.",
        people,
    )
    return lines(need, asks)


_SEND = re.compile(r"(?:send|发送|发出)\s*(?:to\s*)?(\d{1,9}|\d{1,3}(?:,\d{3})+)\s*(?:people|persons?|人|个人)?[.。!]?")


def confirmed(people: int) -> Callable[[Incoming], int]:
    """The number in `send 812`, `发送 812`; a bare number or a yes is not enough."""

    def read(answer: Incoming) -> int:
        found = _SEND.fullmatch(" ".join(fold(answer.text or "").split()))
        if not found:
            raise Unclear(_("Only “send {n}” sends it; “cancel” leaves it as it is.", n=people))
        return int(found[1].replace(",", ""))

    return read


# --- The second person -----------------------------------------------------------------------------------------------


@script("mailingagree", title=_("agreeing to a campaign"))
async def mailingagree(talk: Talk, desk: Desk, number: int) -> None:
    """The whole of it with its plan; one yes, and it is on its way."""
    found = await desk.campaigns.look(number)
    if not isinstance(found, Mailing) or not found.decides:
        return settled_already(talk, found)
    plan = await desk.campaigns.routes(found.campaign)
    planned = routes(plan, found.campaign.mass)
    read = lines(*await as_written(desk, found), "", *planned, "", _("Do you agree that it is sent?"))
    if not await talk.confirm("sure", read, _("I agree"), _("Not now")):
        return talk.say(_("Nothing was sent."), look(number))
    moved(talk, await desk.campaigns.decide(number, agreed=True), _("Agreed. Its author is told."))


@script("mailingdecline", title=_("declining a campaign"))
async def mailingdecline(talk: Talk, desk: Desk, number: int) -> None:
    """Not like this, and why."""
    found = await desk.campaigns.look(number)
    if not isinstance(found, Mailing) or not found.decides:
        return settled_already(talk, found)
    nothing = [Option("nothing", _("I would rather not say"), "")]
    reason = await talk.ask("why", _("Why not? Its author will read it."), words(2, 200), options=nothing)
    moved(talk, await desk.campaigns.decide(number, agreed=False, reason=reason), _("Declined. Its author is told."))


def settled_already(talk: Talk, found: object) -> None:
    """Somebody was faster, or pressed twice: how it stands now says more than a refusal. To others it is not there."""
    if isinstance(found, Mailing) and found.campaign.standing not in (Standing.DRAFT, Standing.ASKED):
        return talk.go(Intent("mailing", (str(found.campaign.id),)))
    return talk.say(NO_SUCH, MINE)


# --- Pause and stop --------------------------------------------------------------------------------------------------


@script("mailingpause", title=_("pausing a campaign"))
async def mailingpause(talk: Talk, desk: Desk, number: int) -> None:
    """At once, without a question."""
    moved(talk, await desk.campaigns.pause(number), _("It rests. Nothing more leaves until you let it go on."))


@script("mailinggoon", title=_("going on with a campaign"))
async def mailinggoon(talk: Talk, desk: Desk, number: int) -> None:
    """From where it was."""
    moved(talk, await desk.campaigns.resume(number), _("It goes on where it was."))


@script("mailingstop", title=_("stopping a campaign"))
async def mailingstop(talk: Talk, desk: Desk, number: int) -> None:
    """For good. Without a question while nothing has left, which is the undo of “send”."""
    found = await desk.campaigns.look(number)
    if not isinstance(found, Mailing):
        return talk.say(NO_SUCH, MINE)
    begun = found.progress is not None and not in_time(found.campaign, talk)
    question = _("Stop it for good? You can also let it rest, and go on later.")
    if begun and not await talk.confirm("sure", question, _("Stop it for good"), _("No")):
        return talk.say(_("Nothing was changed."), look(number))
    if begun:
        return moved(talk, await desk.campaigns.stop(number), _("Stopped. Nothing more of it is sent."))
    again = [anew(number)] if found.mine else []
    return moved(talk, await desk.campaigns.stop(number), _("Taken back. Nothing was sent."), *again)


def moved(talk: Talk, outcome: object, text: Text, *ways: Link) -> None:
    """What came of a move."""
    match outcome:
        case Changed(one):
            talk.say(text, *ways, look(one.id))
        case _:
            talk.say(_("That is no longer possible."), MINE)
