"""Coming together: bringing somebody, a team, and passing a place on to whoever agrees to take it."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.attendance import TooManyTries
from bot.domain.enrolment import COMING
from bot.domain.linking import NoSuchCode, code_of
from bot.domain.parties import (
    COMPANIONS,
    NAME_LENGTH,
    Ask,
    Brought,
    Invitation,
    Invited,
    NoRoom,
    NotThere,
    Offered,
    Queued,
    Swapped,
    Team,
    TeamKind,
    TooMany,
)
from bot.talk import (
    Intent,
    Joined,
    Link,
    Named,
    Option,
    Span,
    Talk,
    Words,
    _,
    lines,
    ngettext,
    script,
)
from handlers.answers import count, no_such_code, paired_code, words
from handlers.cards import title

MINE = Link(_("My sign-ups"), Intent("my"))
TEAMS = Link(_("My teams"), Intent("team"))
GONE = _("You have no such sign-up.")
NO_SEAT = _("No seat is left beside those that you have.")

KIND: dict[TeamKind, Words] = {
    TeamKind.FAMILY: _("A family"),
    TeamKind.FRIENDS: _("Friends"),
    TeamKind.SCHOOL: _("School or university"),
    TeamKind.EMPLOYER: _("Workplace"),
    TeamKind.RESIDENTS: _("Neighbours"),
}


@script("together", title=_("coming together"))
async def together(talk: Talk, desk: Desk, number: int) -> None:
    """What else can be done with a seat of mine: companions, my team, passing it on, exchanging it."""
    mine = await desk.enrolment.booking(number)
    if mine is None or mine.stand not in COMING or mine.starts <= talk.now:
        return talk.say(GONE, MINE)
    here = (str(number),)
    bringing = await desk.parties.companions(number)
    talk.say(
        lines(
            title(mine),
            Span(mine.starts, mine.ends),
            ngettext("{n} companion comes with you.", "{n} companions come with you.", bringing) if bringing else None,
        ),
        Link(_("Bring somebody without a chat"), Intent("companions", here)),
        Link(_("Bring my team"), Intent("bringteam", here)),
        Link(_("Let somebody take my place"), Intent("passon", (*here, Ask.HANDOVER))),
        Link(_("Exchange it for another shift"), Intent("passon", (*here, Ask.SWAP))),
        Link(_("Invite friends who have a chat"), Intent("share", (str(mine.activity),))),
    )


@script("companions", title=_("bringing somebody"))
async def companions(talk: Talk, desk: Desk, number: int) -> None:
    """How many grown-ups come along; each takes a seat, none is named."""
    mine = await desk.enrolment.booking(number)
    if mine is None or mine.stand not in COMING or mine.starts <= talk.now:
        return talk.say(GONE, MINE)
    question = _(
        "How many grown-ups come with you, from 0 to {n}? Each takes a seat beside yours; I keep the number and no "
        "names. Whoever is under 18 signs up in a chat of their own, with their guardian.",
        n=COMPANIONS,
    )
    wanted = await talk.ask("companions", question, count(0, COMPANIONS))
    match await desk.parties.bring(number, wanted):
        case Brought(0):
            talk.say(_("You come alone now."), MINE)
        case Brought(several):
            talk.say(ngettext("{n} seat is kept beside yours.", "{n} seats are kept beside yours.", several), MINE)
        case NoRoom(free):
            left = ngettext("Only {n} seat is left.", "Only {n} seats are left.", free) if free else NO_SEAT
            talk.say(left, Link(_("Bring somebody without a chat"), Intent("companions", (str(number),))))
        case _:
            talk.say(GONE, MINE)


# --- Teams ------------------------------------------------------------------------------------------------------------


@script(
    "team",
    words=["team", "teams", "my teams", "团队", "我的团队", _("My teams")],
    title=_("my teams"),
    takes_rest=True,
)
async def team(talk: Talk, desk: Desk, code: str = "") -> None:
    """My teams; with a code, joining one."""
    wanted = code_of(code)
    if wanted is not None:
        return await enter(talk, desk, wanted)
    if code:
        return talk.say(_("There is no team with that code."), TEAMS)
    mine = await desk.parties.teams()
    links = [Link(line(one), Intent("teamcard", (str(one.id),))) for one in mine]
    text = _("Your teams:") if mine else _("You are in no team yet. Whoever leads one has a code: send “team” with it.")
    await talk.browse("list", text, [*links, Link(_("Start a team"), Intent("newteam"))])


def line(one: Team) -> Words:
    """A team in one line."""
    size = ngettext("{n} member", "{n} members", one.members)
    return Joined((one.name, KIND[one.kind], size), " · ")


async def enter(talk: Talk, desk: Desk, code: str) -> None:
    """Joining a team, after one question."""
    found = await desk.parties.look(code)
    if found is None:
        return talk.say(_("There is no team with that code."), TEAMS)
    question = lines(
        line(found),
        _("Join this team? Its leader can then propose activities to you; each time you decide yourself."),
    )
    if not await talk.confirm("sure", question):
        return talk.say(_("Nothing was changed."), TEAMS)
    match await desk.parties.enter(code):
        case Team(id_, name):
            talk.undoable(Intent("quitteam", (str(id_),)))
            talk.say(_("You are in the team {name}.", name=name), TEAMS)
        case TooMany():
            talk.say(_("That team is full."), TEAMS)
        case _:
            talk.say(_("There is no team with that code."), TEAMS)


@script("newteam", title=_("starting a team"))
async def newteam(talk: Talk, desk: Desk) -> None:
    """A kind and a name; then a code to pass around."""
    kind = await talk.choose("kind", _("What kind of team is it?"), [Option(one, KIND[one], one) for one in TeamKind])
    name = await talk.ask("name", _("What is it called?"), words(2, NAME_LENGTH))
    made = await desk.parties.found(name, TeamKind(kind))
    talk.say(card(made, desk), TEAMS)


@script("teamcard", title=_("a team"))
async def teamcard(talk: Talk, desk: Desk, number: int) -> None:
    """One team of mine: how others join it, and the way out."""
    mine = next((one for one in await desk.parties.teams() if one.id == number), None)
    if mine is None:
        return talk.say(_("You are in no such team."), TEAMS)
    out = _("Dissolve the team") if mine.leads else _("Leave the team")
    talk.say(card(mine, desk), Link(out, Intent("quitteam", (str(number),))), TEAMS)


def card(one: Team, desk: Desk) -> Words:
    """A team and how others join it: whoever opens the link is asked first."""
    link = Intent("team", (one.code,)).link
    opened = [address.format(link=link) for address in desk.city.doors.values()]
    return lines(
        line(one),
        _("Others join by sending me “team {code}”, or by a link:", code=one.code)
        if opened
        else _("Others join by sending me “team {code}”.", code=one.code),
        *opened,
        _("To take part, sign up yourself and ask your team from there: each member decides alone.")
        if one.leads
        else None,
    )


@script("quitteam", title=_("leaving a team"))
async def quitteam(talk: Talk, desk: Desk, number: int) -> None:
    """Leaving a team; where I lead it, it is no more."""
    mine = next((one for one in await desk.parties.teams() if one.id == number), None)
    if mine is None:
        return talk.say(_("You are in no such team."), TEAMS)
    question = _("Dissolve the team {name}?", name=mine.name) if mine.leads else _("Leave {name}?", name=mine.name)
    if not await talk.confirm("sure", question):
        return talk.say(_("Nothing was changed."), TEAMS)
    await desk.parties.quit(number)
    talk.say(_("Done. Sign-ups stay as they are."), TEAMS)


@script("bringteam", title=_("bringing my team"))
async def bringteam(talk: Talk, desk: Desk, number: int) -> None:
    """Propose my shift to my team: every member is asked in their own chat."""
    led = [one for one in await desk.parties.teams() if one.leads]
    if not led:
        return talk.say(_("You lead no team yet."), Link(_("Start a team"), Intent("newteam")))
    mine = await desk.enrolment.booking(number)
    if mine is None or mine.stand not in COMING or mine.starts <= talk.now:
        return talk.say(GONE, MINE)
    chosen = led[0]
    if len(led) > 1:
        chosen = await talk.choose("team", _("Which team?"), [Option(str(one.id), line(one), one) for one in led])
    question = _(
        "Ask everybody in {name} to come to {title}, {when}? Each member decides alone.",
        name=chosen.name, title=title(mine), when=Span(mine.starts, mine.ends),
    )  # fmt: skip
    if not await talk.confirm("sure", question):
        return talk.say(_("Nothing was changed."), MINE)
    match await desk.parties.invite(number, chosen.id):
        case Invited(0):
            talk.say(_("There is nobody left to ask: they are in already, or have said no."), MINE)
        case Invited(several, held, until):
            asked = ngettext("{n} member is asked.", "{n} members are asked.", several)
            kept = (
                _("A seat is held for each until {until}.", until=until)
                if held
                else _("There are not enough seats for all: whoever says yes takes a free one or queues.")
            )
            talk.say(lines(asked, kept), MINE)
        case _:
            talk.say(GONE, MINE)


@script("uninvited", title=_("saying no"))
async def uninvited(talk: Talk, desk: Desk, number: int) -> None:
    """A no with one tap; it is remembered."""
    match await desk.parties.refuse(number):
        case Invitation():
            talk.say(_("Thank you for answering. I will not ask you about this again."))
        case _:
            talk.say(_("That question is over already."), MINE)


# --- Passing a place on -----------------------------------------------------------------------------------------------


@script("passon", title=_("passing a place on"))
async def passon(talk: Talk, desk: Desk, number: int, kind: str = Ask.HANDOVER) -> None:
    """A code for whoever is to have my place; until they take it, it is mine."""
    if kind not in (Ask.HANDOVER, Ask.SWAP):
        return talk.say(GONE, MINE)
    match await desk.parties.offer(number, Ask(kind)):
        case Offered(code, until):
            what = (
                _("Whoever is to take your place sends me “take {code}” until {until}.", code=code, until=until)
                if kind == Ask.HANDOVER
                else _(
                    "Whoever has another shift of this activity sends me “take {code}” until {until}, and you "
                    "exchange.",
                    code=code,
                    until=until,
                )
            )
            talk.say(lines(what, _("Until they agree, your place stays yours.")), MINE)
        case Queued(0):
            talk.say(_("Others come with you. Come alone first, then pass your place on."), MINE)
        case Queued(waiting):
            talk.say(
                ngettext(
                    "{n} person waits for a seat there, so it goes to the head of the queue if you give it up.",
                    "{n} people wait for a seat there, so it goes to the head of the queue if you give it up.",
                    waiting,
                ),
                Link(_("Give up my seat"), Intent("leave", (str(number),))),
            )
        case _:
            talk.say(_("That place cannot be passed on any more."), MINE)


CODE = _("The code has 8 letters and digits, like K7PM 3QRX.")


@script(
    "take",
    words=["take", "接替", "接手", _("Take somebody's place, by a code")],
    title=_("taking somebody's place"), takes_rest=True,
)
async def take(talk: Talk, desk: Desk, code: str = "") -> None:
    """The code of somebody's place: sign up for it, or give one of mine for it."""
    code = code_of(code) or await talk.ask("code", _("What is the code of the place?"), paired_code(CODE))
    asked = await desk.parties.with_code(code)
    match asked:
        case TooManyTries() | NoSuchCode():
            return talk.say(no_such_code(asked), MINE)
        case Invitation(ask=Ask.SWAP):
            return await swap(talk, desk, asked)
    question = _(
        "Somebody wants to pass their place to you: {title}, {when}. Take it?",
        title=title(asked), when=Span(asked.starts, asked.ends),
    )  # fmt: skip
    if not await talk.confirm("sure", question):
        return talk.say(_("Nothing was changed."))
    if not await desk.parties.take(asked):
        return talk.say(_("That question is over already."), MINE)
    talk.say(
        _("It waits for you until {until}. Sign up, and it is yours.", until=asked.until),
        Link(_("Sign up"), Intent("join", (str(asked.activity), str(asked.shift)))),
    )


async def swap(talk: Talk, desk: Desk, asked: Invitation) -> None:
    """My place for theirs, in one moment."""
    mine = await desk.parties.swappable(asked)
    if not mine:
        return talk.say(_("You have no seat in another shift of that activity."), MINE)
    chosen = mine[0]
    if len(mine) > 1:
        options = [Option(str(one.id), Span(one.starts, one.ends), one) for one in mine]
        chosen = await talk.choose("mine", _("Which of your shifts do you give?"), options)
    question = _(
        "{title}: give {mine} and take {theirs}?",
        title=title(asked), mine=Span(chosen.starts, chosen.ends), theirs=Span(asked.starts, asked.ends),
    )  # fmt: skip
    if not await talk.confirm("sure", question):
        return talk.say(_("Nothing was changed."), MINE)
    match await desk.parties.swap(asked, chosen.id):
        case Swapped(name, english, starts, ends):
            swapped = _("Exchanged: {title}, {when}.", title=Named(name, english), when=Span(starts, ends))
            talk.say(swapped, MINE)
        case NotThere():
            talk.say(_("That question is over already."), MINE)
        case _:
            talk.say(_("One of you cannot be in the other's shift. Nothing was changed."), MINE)
