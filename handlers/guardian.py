"""Guardians: a code from the child's chat typed in the guardian's, then a yes, a yes with company or a no for each
activity, which can be taken back."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.activities import Activity
from bot.domain.attendance import TooManyTries
from bot.domain.enrolment import Joined as Seated
from bot.domain.enrolment import Left, TooYoung, Waitlisted
from bot.domain.guardians import (
    ANSWERS,
    CHILD_BELOW,
    PERMITS,
    Answer,
    Band,
    MayCome,
    MustBeOfAge,
    NotMine,
    Permission,
    Released,
    Taken,
    Ward,
    band,
)
from bot.domain.kinds import kind
from bot.domain.linking import NoSuchCode, code_of
from bot.domain.people import ABROAD
from bot.talk import (
    Intent,
    Joined,
    Link,
    Option,
    Span,
    Talk,
    Words,
    _,
    lines,
    ngettext,
    script,
)
from handlers.agreement import accepted, asked
from handlers.answers import no_such_code, paired_code, person_name, year_of_birth
from handlers.cards import title, where
from handlers.introduction import Met, introduce, introduced
from handlers.terms import shown

RISK: dict[str, Words] = {
    "low": _("Risk of this kind of service: low"),
    "medium": _("Risk of this kind of service: medium"),
    "high": _("Risk of this kind of service: high"),
}

CHILDREN = Link(_("My children"), Intent("children"))

ANSWER: dict[Answer, Words] = {
    Answer.AGREED: _("I agree"),
    Answer.ACCOMPANIED: _("I agree and come along"),
    Answer.REFUSED: _("No, not this one"),
    Answer.WITHDRAWN: _("I take my yes back"),
}


# --- The child's side -------------------------------------------------------------------------------------------------


async def call(talk: Talk, desk: Desk, card: Activity, shift: int) -> None:
    """Under 14, and no guardian yet: a code for them, and nothing else."""
    if card.minimum_age >= CHILD_BELOW:
        text = _("This activity is for people from {n} years on. Send “find” for others.", n=card.minimum_age)
        return talk.say(text)
    code = await desk.guardians.show_code(shift)
    talk.say(
        lines(_("Your mother, father or guardian decides. Until then I keep nothing about you."), *way(code)),
    )


async def show(talk: Talk, desk: Desk) -> None:
    """From 14 on, and no guardian yet: a code for them; the wish waits."""
    talk.say(lines(_("Your mother, father or guardian has to agree first."), *way(await desk.guardians.show_code())))


@script("myguardian", title=_("a code for your guardian"))
async def myguardian(talk: Talk, desk: Desk) -> None:
    """Whoever is under age shows their guardian a code, also without an activity that could still be joined."""
    if desk.me.consented and band(desk.me.born, talk.now) is Band.ADULT:
        return talk.say(_("Whoever is of age decides for themselves."))
    await show(talk, desk)


def way(code: str) -> list[Words]:
    """What the guardian does with the code."""
    return [
        _("Code for them: {code}", code=f"{code[:4]} {code[4:]}"),
        _("They write to me in their own chat, within 24 hours: “guardian {code}”.", code=code),
    ]


# --- The guardian's side ----------------------------------------------------------------------------------------------


CODE = _("The code has 8 letters and digits, like K7PM 3QRX. Your child's chat shows it.")


@script(
    "guardian",
    words=["guardian", "监护", "监护人", _("Become a guardian, by a code")],
    title=_("becoming a guardian"),
    takes_rest=True,
)
async def guardian(talk: Talk, desk: Desk, code: str = "") -> None:
    """The code, what is kept of the child and why, a yes: from then on the guardian is asked for each activity."""
    if not code_of(code):
        mine = Link(_("I am the one under 18"), Intent("myguardian"))
        question = _("What is the code that your child's chat shows?")
        code = await talk.ask("code", question, paired_code(CODE), also=[mine])
    code = code_of(code) or ""
    ward = await desk.guardians.look(code)
    if not isinstance(ward, Ward):
        return talk.say(*no_ward(ward))
    met = await introduced(talk, desk)
    if met is Met.DECLINED:
        return talk.say(_("All right, nothing was changed."))
    if met is Met.CHILD or talk.answered("consent") == Band.YOUTH:
        return talk.say(_("A guardian is 18 or older."))
    born = ward.born or await talk.ask(
        "child_born", _("In which year was your child born?"), year_of_birth(talk.now)
    )  # fmt: skip
    age = band(born, talk.now)
    if age is Band.ADULT:
        return talk.say(_("Whoever is of age decides for themselves."))
    name = ""
    if age is Band.CHILD and not ward.name and talk.incoming.address.door not in ABROAD:
        name = await talk.ask("child_name", _("What is your child's name, for the organiser's list?"), person_name)
    if not await talk.confirm("sure", notice(ward, age), _("I am the guardian and agree"), _("No")):
        return talk.say(_("All right, nothing was changed."))
    await introduce(talk, desk)
    match await desk.guardians.take(code, born, name):
        case Taken(waiting):
            talk.say(
                lines(
                    _("You decide for your child now: I ask you before every activity."),
                    ngettext("{n} wish waits for your answer.", "{n} wishes wait for your answer.", len(waiting))
                    if waiting
                    else None,
                ),
                *(Link(_("Answer: {title}", title=title(one)), Intent("permit", (str(one.id),))) for one in waiting),
                CHILDREN,
            )
        case _:
            talk.say(_("That code is too old. Please ask for a new one."))


def no_ward(found: object) -> tuple[Words]:
    """Why there is nobody to decide for."""
    match found:
        case TooManyTries() | NoSuchCode():
            return (no_such_code(found),)
        case MustBeOfAge():
            return (_("A guardian is 18 or older."),)
    return (_("That code is too old. Please ask for a new one."),)


def notice(ward: Ward, age: Band) -> Words:
    """What a guardian agrees to: one text for children, another from 14 on."""
    who = _("You are the mother, father or guardian of volunteer {number}?", number=ward.number)
    always = _(
        "I ask you before every activity, with its risk, time and place. You can take back a yes, or all of this, "
        "at any time: send “children”."
    )
    if age is Band.CHILD:
        kept = _(
            "For a child I keep only the name and year that you give, the sign-ups and the hours; encrypted, for the "
            "organiser of what you agreed to, and nobody else. Your own phone is the one they call."
        )
    else:
        kept = _("From 14 on your child agrees to what is kept about them; you agree to what they take part in.")
    return lines(who, kept, always)


@script("children", words=["children", "my children", "我的孩子", "孩子", _("My children")], title=_("my children"))
async def children(talk: Talk, desk: Desk) -> None:
    """Whom I decide for, what is asked and what I agreed to."""
    mine = await desk.guardians.children()
    if not mine:
        return talk.say(
            _("You decide for nobody yet. Your child's chat shows a code; send me “guardian” with it."),
            Link(_("I am the one under 18"), Intent("myguardian")),
        )
    whose = {one.person: one.name or one.number for one in mine} if len(mine) > 1 else {}
    links = [
        Link(entry(one, whose.get(one.child, "")), Intent("permit", (str(one.id),)))
        for one in await desk.guardians.permissions()
    ]
    links += [
        Link(_("Stop deciding for {name}", name=one.name or one.number), Intent("unguard", (one.number,)))
        for one in mine
    ]
    names = Joined(tuple(one.name or one.number for one in mine), ", ")
    await talk.browse("list", _("You decide for: {names}", names=names), links)


def entry(one: Permission, whose: str) -> Words:
    """What is decided about, in one line; `whose`: where there are several children, the one that it is for."""
    named: tuple[Words, ...] = (whose,) if whose else ()
    return Joined((*named, title(one), one.starts, standing(one)), " · ")


def standing(one: Permission) -> Words:
    """How something was answered so far."""
    return {
        Answer.ASKED: _("waits for your answer"),
        Answer.AGREED: _("you agreed"),
        Answer.ACCOMPANIED: _("you come along"),
        Answer.REFUSED: _("you said no"),
        Answer.WITHDRAWN: _("you took your yes back"),
    }[one.answer]


@script("permit", title=_("answering for my child"))
async def permit(talk: Talk, desk: Desk, number: int, said: str = "") -> None:
    """The activity with its risk, time and place; agree, come along, refuse, or take it back."""
    wish = await desk.guardians.permission(number)
    card = await desk.activities.card(wish.activity) if wish else None
    if wish is None or card is None:
        return talk.say(_("There is nothing to decide here any more."), CHILDREN)
    options = [Option(one, ANSWER[one]) for one in ANSWER if one in ANSWERS[wish.answer]]
    due = await desk.agreements.due(card, person=wish.child)
    if said not in {one.key for one in options} or (due is not None and Answer(said) in PERMITS):
        terms = await desk.agreements.terms(card.id)
        text = lines(
            _("{name} would like to take part:", name=wish.name or _("Your child")),
            title(wish),
            Span(wish.starts, wish.ends),
            where(card, desk),
            RISK[kind(card.kind).risk],
            *(asked(card, due, desk) if due else shown(terms)),
            _("So far: {answer}.", answer=standing(wish)) if wish.answer is not Answer.ASKED else None,
            _("What do you say?"),
        )
        said = await talk.choose("answer", text, options)
    if Answer(said) in PERMITS and (agreed := accepted(talk, desk, card, due)) is not None:
        await desk.agreements.accept(agreed, wish.child)
    talk.say(*outcome(await desk.guardians.answer(number, Answer(said))), CHILDREN)


def outcome(came: object) -> tuple[Words]:
    """What came of an answer, for the guardian."""
    match came:
        case Seated():
            return (_("Your child has a seat, and knows that you agreed. You can take it back at any time."),)
        case Waitlisted(_enrolment, position):
            return (_("Your child is number {n} in the queue, and knows that you agreed.", n=position),)
        case MayCome():
            return (_("Noted. It has begun: whoever leads there can add your child now."),)
        case Left():
            return (_("Your child's seat was given back. I have told them that it was your decision."),)
        case TooYoung(minimum):
            return (_("This activity is for people from {n} years on. Send “find” for others.", n=minimum),)
        case NotMine():
            return (_("There is nothing to decide here any more."),)
    return (_("Noted. I have told your child."),)


@script("unguard", title=_("no longer deciding for my child"))
async def unguard(talk: Talk, desk: Desk, number: str) -> None:
    """Everything that I agreed to ends, after one question."""
    ward = next((one for one in await desk.guardians.children() if one.number == number), None)
    if ward is None:
        return talk.say(_("You decide for nobody with that number."), CHILDREN)
    question = _(
        "Decide for {name} no more? What you agreed to ends, coming seats are given back, and what you let me keep of "
        "a child under 14 is erased, unless another guardian is there.",
        name=ward.name or ward.number,
    )
    if not await talk.confirm("sure", question, _("Yes, end it"), _("No")):
        return talk.say(_("All right, nothing was changed."), CHILDREN)
    match await desk.guardians.release(ward.person):
        case Released(given_up):
            gone = ngettext("{n} sign-up was given up.", "{n} sign-ups were given up.", given_up) if given_up else None
            talk.say(lines(_("It has ended."), gone))
        case _:
            talk.say(_("You decide for nobody with that number."), CHILDREN)
