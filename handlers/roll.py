"""Who is there? Answered in one message, like “1 2 5 here” or “3 left”; what was done is said line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.desk.desk import Desk
from bot.desk.newcomers import Newcomer, NoSuchCode
from bot.desk.organising import Roster
from bot.desk.rolls import Answer, Called
from bot.domain.activities import Activity
from bot.domain.attendance import TooManyTries
from bot.domain.enrolment import Stand
from bot.domain.people import Person
from bot.domain.roll import AlreadySo, Call, Mark, Marked, NotMarked, Outcome, Rolled, read_calls
from bot.talk import (
    BadLink,
    Clock,
    Incoming,
    Intent,
    Joined,
    Link,
    Option,
    Talk,
    Text,
    Unclear,
    Words,
    _,
    lines,
    ngettext,
    script,
)
from handlers.cards import line, title
from handlers.lookedafter import NOT_YOURS, ORGANISE
from handlers.organise import listed

NOBODY = "0"
"""In a link: no number of the roll."""

NONE_ON = _("No activity whose roll you take is on now.")
NOBODYS_CODE = _("That is nobody's code now. Ask them to send “my code” and to show the new one.")

AT_MOST = 40
"""Lines that are answered one by one; of a longer call only what was not done, and a count of the rest."""


def hears_roll(text: str, _now: datetime) -> Sequence[str] | None:
    """A roll-call, of whichever activity is on."""
    return ("0", text) if read_calls(text) else None


@script("roll", words=["roll", "点名"], title=_("the roll-call"), hears=hears_roll)
async def roll(talk: Talk, desk: Desk, activity: int = 0, said: str = "") -> None:
    """Of which activity, who, and what was done."""
    at = min(talk.incoming.at, talk.now)
    which = activity or await on_now(talk, desk, at, read_calls(said) or ())
    if not isinstance(which, int):
        return talk.say(which, ORGANISE)
    if not said:
        found = await desk.organising.roster(which)
        if not isinstance(found, Roster):
            return talk.say(NOT_YOURS, ORGANISE)
        seated = sorted((one for one in found.people if one.stand != Stand.WAITING), key=lambda one: one.number)
        question = lines(
            title(found.activity),
            *(listed(one.number, one) for one in seated),
            _("Who is there? Answer like “1 2 5 here”, “all here”, “all here except 3”, “3 left” or “3 not here”."),
        )
        said = await talk.ask("who", question, roll_call)
    calls = read_calls(said) or []
    match await desk.rolls.call(which, [one for one in calls if one.numbers or one.all], at):
        case Called(card, answers):
            named, ways = await named_otherwise(desk, which, calls)
            if any(isinstance(one.outcome, Marked) for one in answers):
                talk.undoable(taking_back(which, answers))
            talk.say(
                lines(title(card), *(answered(answers) if answers or not named else []), *named),
                *ways,
                Link(_("Roster"), Intent("roster", (str(card.id),))),
                Link(_("Manage"), Intent("manage", (str(card.id),))),
            )
        case _:
            talk.say(NOT_YOURS, ORGANISE)


def taking_back(activity: int, answers: Sequence[Answer]) -> Intent | None:
    """What undoes a call: those who came have not come, those who left are still here. None: nothing was changed, or
    more than a link can name."""
    changed = {mark: [one.number for one in answers if isinstance(one.outcome, Marked) and one.outcome.mark == mark]
               for mark in (Mark.HERE, Mark.LEFT)}  # fmt: skip
    came, left = ("_".join(map(str, numbers)) or NOBODY for numbers in changed.values())
    back = Intent("unroll", (str(activity), came, left))
    try:
        return back if back.link and (came, left) != (NOBODY, NOBODY) else None
    except BadLink:
        return None


@script("unroll", silent=True)
async def unroll(talk: Talk, desk: Desk, activity: int, came: str, left: str) -> None:
    """Undo of a call."""
    said = ((Mark.STILL, left), (Mark.NEVER, came))
    calls = [Call(mark, tuple(map(int, numbers.split("_")))) for mark, numbers in said if numbers != NOBODY]
    match await desk.rolls.call(activity, calls, talk.now):
        case Called(card, answers):
            talk.say(lines(title(card), *answered(answers)), Link(_("The roll-call"), Intent("roll", (str(card.id),))))
        case _:
            talk.say(NOT_YOURS, ORGANISE)


async def on_now(talk: Talk, desk: Desk, at: datetime, calls: Sequence[Call] = ()) -> int | Text:
    """The activity that is on, and that the calls can be for; asked where there are several. Words: there is none."""
    on: Sequence[Activity] = await desk.rolls.on_now(at)
    if not on:
        return NONE_ON
    meant = await desk.newcomers.meant(on, calls, at) if calls and len(on) > 1 else on
    match meant:
        case TooManyTries(until):
            return _("There were too many wrong codes. You can try again at {until}.", until=Clock(until))
        case NoSuchCode():
            return NOBODYS_CODE
        case _:
            return await of_which(talk, desk, meant)


async def of_which(talk: Talk, desk: Desk, on: Sequence[Activity]) -> int:
    """One of these activities; asked where there are several."""
    if len(on) == 1:
        return on[0].id
    options = [Option(str(one.id), line(one, desk), one.id) for one in on]
    chosen: int = await talk.choose("which", _("The roll of which activity?"), options)
    return chosen


async def named_otherwise(desk: Desk, activity: int, calls: Sequence[Call]) -> tuple[list[Words], list[Link]]:
    """Of those who were called by their own code or their volunteer number: what was done, and what could be."""
    said: list[Words] = []
    ways: list[Link] = []
    for call in calls:
        if (call.codes or call.people) and call.mark != Mark.HERE:
            said.append(_("By code or volunteer number I can only write down that somebody is here."))
            continue
        for code in call.codes:
            line_ = await desk.newcomers.by_digits(activity, code)
            found = await desk.newcomers.mark(activity, line_, shown=True) if isinstance(line_, Rolled) else None
            said.append(done(found) if found else Joined((code, _("no code of anybody here now")), ": "))
        for number in call.people:
            who = await desk.newcomers.person(number)
            place = await desk.newcomers.look(activity, who) if isinstance(who, Person) else who
            if isinstance(place, Rolled):
                said.append(done(await desk.newcomers.mark(activity, place, shown=False)))
            elif isinstance(place, Newcomer):
                said.append(Joined((number, _("is not on the roll")), ": "))
                label = _("Add {number} on the spot", number=number)
                ways.append(Link(label, Intent("walkin", (str(activity), number))))
            else:
                said.append(Joined((number, _("nobody has that number")), ": "))
    return said, ways


def roll_call(answer: Incoming) -> str:
    """A roll-call as it was typed."""
    text = answer.text or ""
    if read_calls(text) is None:
        raise Unclear(_("Please name numbers and what is with them: “1 2 5 here”, “all here”, “3 left”."))
    return text


def answered(answers: Sequence[Answer]) -> list[Words]:
    """What was done, line by line; of many only what was not."""
    if not answers:
        return [_("There was nobody of whom that could be said.")]
    if len(answers) <= AT_MOST:
        return [done(one) for one in answers]
    failed = [one for one in answers if isinstance(one.outcome, NotMarked)]
    well = len(answers) - len(failed)
    return [ngettext("{n} person: done.", "{n} people: done.", well), *(done(one) for one in failed[:AT_MOST])]


def done(one: Answer) -> Words:
    """One line: number, name, what was done."""
    name = (one.name,) if one.name else ()
    return Joined((f"{one.number}.", *name, became(one.outcome)), " ")


NOT: dict[str, Text] = {
    "unknown": _("nobody has that number"),
    "seat": _("has no seat"),
    "self": _("is you: please check in with the code"),
    "early": _("too early: check-in has not opened"),
    "over": _("too late for that"),
    "absent": _("has not arrived"),
    "future": _("that moment is still to come"),
    "asked": _("somebody asks about the record: please correct it instead"),
}


def became(outcome: Outcome) -> Words:
    """What became of one mark."""
    match outcome:
        case Marked(Mark.HERE, at):
            return _("here, {at}", at=Clock(at))
        case Marked(Mark.LEFT, at):
            return _("left, {at}", at=Clock(at))
        case Marked(Mark.STILL, at):
            return _("still here, since {at}", at=Clock(at))
        case Marked(_, _):
            return _("taken back")
        case AlreadySo(Mark.LEFT, at):
            return _("had left already, {at}", at=Clock(at))
        case AlreadySo(_, at):
            return _("was here already, since {at}", at=Clock(at))
        case NotMarked(why):
            return NOT[why]
