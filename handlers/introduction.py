"""Before the first sign-up: what is stored and why, agreed to; then a name, a number, and an age where one is
asked for."""

from __future__ import annotations

from enum import StrEnum

from bot.desk.desk import Desk
from bot.domain.enrolment import ASKED_FROM
from bot.domain.guardians import Band, band
from bot.domain.people import ABROAD
from bot.talk import Intent, Link, Option, Talk, _
from handlers.answers import person_name, phone_number, year_of_birth


class Met(StrEnum):
    """What came of the introduction."""

    READY = "ready"
    DECLINED = "declined"
    CHILD = "child"
    """Under 14: nothing is asked and nothing kept before the guardian has agreed."""


async def introduced(talk: Talk, desk: Desk, minimum_age: int = 0) -> Met:
    """Ask what is still missing of a person; nothing is stored before the last question of the script is answered."""
    born = desk.me.born
    if not desk.me.consented:
        who = await consent(talk)
        if who in (Met.DECLINED, Met.CHILD):
            return Met(who)
        if who == Band.YOUTH and born is None:
            born = await talk.ask("born", _("In which year were you born?"), year_of_birth(talk.now))
        if band(born, talk.now) is Band.CHILD:
            return Met.CHILD
        if band(born, talk.now) is Band.ADULT or talk.incoming.address.door not in ABROAD:
            await talk.ask("name", _("What is your name?"), person_name)
            await talk.ask("phone", _("Which phone number can the organiser call?"), phone_number, wants="phone")
    if minimum_age >= ASKED_FROM and born is None:
        question = _("This activity is for people from {n} years on. In which year were you born?", n=minimum_age)
        await talk.ask("born", question, year_of_birth(talk.now))
    return Met.READY


async def consent(talk: Talk) -> str:
    """What is stored and why, and who agrees: of age, from 14 on, or a child, who cannot."""
    answer: str = await talk.choose(
        "consent",
        _(
            "To sign up I need your name and phone number. They are stored encrypted; only the organiser of "
            "an activity"
            " that you join can see them, to reach you about it. You can have them erased at any time. Do "
            "you agree?"
        ),
        [
            Option(Band.ADULT, _("I agree, and I am 18 or older")),
            Option(Band.YOUTH, _("I am 14 to 17 and agree")),
            Option(Met.CHILD, _("I am younger than 14")),
            Option(Met.DECLINED, _("No, thank you")),
        ],
        yes=Band.ADULT,
        no=Met.DECLINED,
    )
    return answer


async def introduce(talk: Talk, desk: Desk) -> tuple[Link, ...]:
    """Store what `introduced` asked, now that every question is answered. Returns the offer to link another chat, if
    somebody gave the same phone number there: never done by itself, a number may be a family's, or mistyped."""
    first = not desk.me.consented
    if first:
        await desk.people.introduce(talk.answered("name") or "", talk.answered("phone") or "")
    if desk.me.born is None and talk.answered("born"):
        await desk.people.remember_birth(talk.answered("born"))
    return (Link(_("I use another chat too"), Intent("link")),) if first and await desk.people.shares_phone() else ()
