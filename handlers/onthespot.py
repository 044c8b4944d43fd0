"""On the spot: my own code for the leader to read, a code that was read, and somebody added who was not on the roll."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.desk.newcomers import Added, Newcomer, StandsThere
from bot.desk.rolls import Answer
from bot.domain.activities import NotAllowed
from bot.domain.agreements import NeedsAgreement
from bot.domain.attendance import TooManyTries
from bot.domain.enrolment import Clashed, TooYoung
from bot.domain.guardians import GuardianAsked, GuardianRefused
from bot.domain.people import ALPHABET, Person
from bot.domain.roles import Deed
from bot.domain.roll import AlreadySo, Mark, Rolled
from bot.domain.skills import NeedsSkill
from bot.domain.squads import NoLead
from bot.talk import Clock, Incoming, Intent, Joined, Link, Picture, Talk, Unclear, Words, _, lines, ngettext, script
from handlers.cards import title
from handlers.lookedafter import NOT_YOURS, ORGANISE
from handlers.roll import NOBODYS_CODE, NONE_ON, done, of_which, on_now
from handlers.skills import skill_name

UNKNOWN_AGE = _(
    "I do not know how old they are. Add only somebody who is 18 or older: whoever is younger needs their guardian's "
    "yes first."
)


@script(
    "mycode",
    words=["mycode", "my code", "我的码", "个人码", _("My own code, for the leader")],
    title=_("your own code"),
)
async def mycode(talk: Talk, desk: Desk) -> None:
    """A QR and six digits for the leader, good for some minutes."""
    code = desk.newcomers.mine()
    talk.say(
        lines(
            _("Show this to whoever leads, or say: {digits}", digits=f"{code.digits[:3]} {code.digits[3:]}"),
            _("Your volunteer number is {number}.", number=code.number),
            _("Good until {at}.", at=Clock(code.until)),
        ),
        Link(_("A new one"), Intent("mycode")),
        picture=Picture(f"/mycode/{code.number}/{code.token}.png", _("Your own code, for the leader to scan")),
    )


@script("present", silent=True)
async def present(talk: Talk, desk: Desk, number: str, token: str) -> None:
    """The leader has scanned somebody's own code: they are here; who is not on the roll can be added."""
    on = await desk.rolls.on_now(talk.now)
    if not on:
        return talk.say(NONE_ON, ORGANISE)
    who = await desk.newcomers.reads(number, token)
    if not isinstance(who, Person):
        return talk.say(refused(who))
    activity = await of_which(talk, desk, await desk.newcomers.with_seats(on, [who.id], talk.now) or on)
    titles = {one.id: title(one) for one in on}
    await brought(talk, desk, activity, who, shown=True, where=titles[activity] if len(on) > 1 else None)


@script("walkin", words=["walkin", "walk in", "现场补报", "补报"], title=_("adding somebody on the spot"))
async def walkin(talk: Talk, desk: Desk, activity: int = 0, number: str = "") -> None:
    """Somebody who came without a seat, by their volunteer number."""
    which = activity or await on_now(talk, desk, talk.now)
    if not isinstance(which, int):
        return talk.say(which, ORGANISE)
    if await desk.organising.allowed(which, Deed.ROLL) is None:
        # Before the number: whether somebody has it is told only to who takes the roll.
        return talk.say(NOT_YOURS, ORGANISE)
    if not number:
        question = _("What is their volunteer number? It stands under “my code” in their chat, like V23456789A.")
        number = await talk.ask("number", question, volunteer_number)
    who = await desk.newcomers.person(number)
    if not isinstance(who, Person):
        return talk.say(refused(who))
    await brought(talk, desk, which, who, shown=False)


async def brought(
    talk: Talk, desk: Desk, activity: int, who: Person, *, shown: bool, where: Words | None = None
) -> None:
    """Somebody stands before the leader: marked when they are on the roll, else added after one question.

    `where` is said with what was done, for a leader who could have meant another activity.
    """
    found = await desk.newcomers.look(activity, who)
    lift = False
    if isinstance(found, Newcomer):
        lift = not found.free
        free = ngettext("{n} seat is free.", "{n} seats are free.", found.free)
        full = _("Every seat is taken ({n}): one more will be put up, and it is written down.", n=found.shift.capacity)
        question = lines(
            title(found.activity),
            _("Add {name}, who has no seat here?", name=found.name),
            full if lift else free,
            None if found.person.consented or found.person.born else UNKNOWN_AGE,
        )
        if not await talk.confirm("sure", question, _("One seat more") if lift else _("Add"), _("No")):
            return talk.say(_("Nothing was changed."), ORGANISE)
    outcome = await desk.newcomers.add(activity, who, shown, lift)
    manage = Link(_("Manage"), Intent("manage", (str(activity),)))
    match outcome:
        case Answer(_number, _name, AlreadySo(Mark.HERE, _at)):
            leaving = _("When they leave, say “{number} left”.", number=outcome.number)
            talk.say(lines(where, done(outcome), leaving), manage)
        case Answer():
            talk.say(lines(where, done(outcome)), manage)
        case Added(_activity, name, lifted):
            more = _("The shift has one seat more now.") if lifted else None
            talk.say(lines(where, _("{name} is added and here.", name=name), more), manage)
        case _:
            talk.say(refused(outcome), manage)


def refused(outcome: object) -> Words:
    """Why nobody was added."""
    match outcome:
        case TooManyTries(until):
            return _("There were too many wrong codes. You can try again at {until}.", until=Clock(until))
        case StandsThere():
            return _("They are still checked in: {title}. They must leave there first.", title=title(outcome))
        case TooYoung(minimum):
            return _(
                "One must be {n} for that, and I do not know their age: they have to sign up themselves.", n=minimum
            )
        case GuardianAsked(0):
            return _(
                "They are under 18 and have no guardian here yet. Ask them to send “guardian” in their own chat and to "
                "choose that they are the younger one: it shows a code for the guardian. With the guardian's yes you "
                "can add them; until then they cannot take part."
            )
        case GuardianAsked():
            return _(
                "They are under 18. I have asked their guardian in their own chat just now: as soon as there is a yes, "
                "add them again. Until then they cannot take part."
            )
        case GuardianRefused():
            return _("Their guardian said no to this activity: they cannot take part in it.")
        case NeedsSkill(codes):
            needed = Joined(tuple(skill_name(one) for one in codes), ", ")
            return _("This role needs {skills}, proven and in date: they cannot take it.", skills=needed)
        case NoLead(skill):
            return _("There is nobody with {skill} here to lead one more.", skill=skill_name(skill))
        case Clashed(other):
            return _("They are signed up elsewhere at these hours: {title}.", title=title(other))
        case NeedsAgreement():
            return _("An agreement is due: they have to sign up themselves and accept it.")
        case Newcomer():
            return _("The last seat has just been taken. Please try once more.")
        case NotAllowed():
            return NOT_YOURS
        case Rolled():
            return _("They are on the roll already.")
        case _:
            return NOBODYS_CODE


def volunteer_number(answer: Incoming) -> str:
    """A volunteer number, however it is grouped."""
    bare = "".join(sign for sign in answer.text or "" if sign not in " -·\u3000").upper()
    if len(bare) != 10 or bare[0] != "V" or not set(bare[1:]) <= set(ALPHABET):
        raise Unclear(_("A volunteer number is V and nine signs, like V23456789A."))
    return bare
