"""Before the first sign-up: what is stored and why, agreed to; then a name, a number, and an age where one is
asked for."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.enrolment import ASKED_FROM
from bot.talk import Intent, Link, Talk, _
from handlers.answers import person_name, phone_number, year_of_birth


async def introduced(talk: Talk, desk: Desk, minimum_age: int = 0) -> bool:
    """Ask what is still missing of a person; nothing is stored before the last question of the script is answered.

    False: they did not agree.
    """
    if not desk.me.consented:
        agreed = await talk.confirm(
            "consent",
            _(
                "To sign up I need your name and phone number. They are stored encrypted; only the organiser of "
                "an activity"
                " that you join can see them, to reach you about it. You can have them erased at any time. Do "
                "you agree?"
            ),
            _("I agree"),
            _("No, thank you"),
        )
        if not agreed:
            return False
        await talk.ask("name", _("What is your name?"), person_name)
        await talk.ask("phone", _("Which phone number can the organiser call?"), phone_number, wants="phone")
    if minimum_age >= ASKED_FROM and desk.me.born is None:
        question = _("This activity is for people from {n} years on. In which year were you born?", n=minimum_age)
        await talk.ask("born", question, year_of_birth(talk.now))
    return True


async def introduce(talk: Talk, desk: Desk) -> tuple[Link, ...]:
    """Store what `introduced` asked, now that every question is answered. Returns the offer to link another chat, if
    somebody gave the same phone number there: never done by itself, a number may be a family's, or mistyped."""
    first = not desk.me.consented
    if first:
        await desk.people.introduce(talk.answered("name"), talk.answered("phone"))
    if desk.me.born is None and talk.answered("born"):
        await desk.people.remember_birth(talk.answered("born"))
    return (Link(_("I use another chat too"), Intent("link")),) if first and await desk.people.shares_phone() else ()
