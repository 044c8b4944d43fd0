"""Letting people in: a list by number, yes or no to those that are named, and both sides know."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from bot.desk.admission import DECLINED, Asking, Decided
from bot.desk.desk import Desk
from bot.domain.reliability import LIMIT
from bot.domain.writing import fold
from bot.talk import Incoming, Intent, Joined, Link, Named, Option, Talk, Unclear, Words, _, lines, ngettext, script
from handlers.answers import words
from handlers.lookedafter import NOT_YOURS, ORGANISE

SAID: dict[str, Words] = {
    "enough": _("There are enough people already"),
    "skills": _("Other skills are needed"),
    "conditions": _("The conditions are not met"),
    "other": _("Another reason"),
}
"""Why an organiser declines, in the words that the other side reads."""


@script("letin", title=_("letting people in"))
async def letin(talk: Talk, desk: Desk, activity: int) -> None:
    """Whom to let in, by numbers like “1 3 5”; whoever is let in although it overlaps needs a reason."""
    asking = await desk.admission.asking(activity)
    if not asking:
        return talk.say(_("Nobody waits for your yes."), Link(_("Manage"), Intent("manage", (str(activity),))))
    list_ = lines(
        _("They ask to come:"),
        *(line(place, one) for place, one in enumerate(asking, 1)),
        "",
        _("Whom do you mean? Send their numbers, like 1 3 5, or: all"),
    )
    chosen = await talk.ask("who", list_, numbers(asking))
    named = [one for one in asking if one.enrolment in chosen]
    verdict = await talk.choose(
        "verdict",
        _("{names}: let in, or decline?", names=Joined(tuple(one.name or "—" for one in named), ", ")),
        [Option("yes", _("Let in"), True), Option("no", _("Decline, and say why"), False)],
    )
    ids = [one.enrolment for one in named]
    if not verdict:
        reasons = [Option(code, SAID[code], code) for code in DECLINED]
        reason = await talk.choose("reason", _("Why? They will read it."), reasons)
        return decided(talk, activity, await desk.admission.decline(activity, ids, reason))
    why = ""
    if any(one.clashes for one in named):
        question = _("For some of them it overlaps with something they joined. Why shall they come all the same?")
        why = await talk.ask("why", question, words(4, 200))
    decided(talk, activity, await desk.admission.admit(activity, ids, why))


def line(place: int, one: Asking) -> Words:
    """Somebody who asks, with what the organiser should know."""
    marks: list[Words] = [f"{place}. {one.name or '—'}"]
    if one.role[0]:
        marks.append(Named(*one.role))
    marks += [f"{each['asked']} {each['said']}" for each in one.answers]
    if one.clashes:
        marks.append(_("overlaps with another sign-up of theirs"))
    if one.broken >= LIMIT:
        marks.append(_("did not come several times"))
    return Joined(tuple(marks), " · ")


ALL = frozenset({"all", "everybody", "everyone", "全部", "所有", "所有人", "都"})


class Numbered(Protocol):
    """One line of a numbered list of sign-ups."""

    @property
    def enrolment(self) -> int:
        """The sign-up's number."""
        ...


def numbers(asking: Sequence[Numbered]) -> Callable[[Incoming], list[int]]:
    """A reader of numbers of a list: `1 3 5`, `1,3`, `1、3`, `all`. Options would take its digits."""

    def read(answer: Incoming) -> list[int]:
        if fold(answer.text or "").strip() in ALL:
            return [one.enrolment for one in asking]
        places = [int(one) for one in re.findall(r"\d{1,4}", fold(answer.text or ""))]
        if not places or not all(1 <= one <= len(asking) for one in places):
            raise Unclear(_("Please send numbers from 1 to {n}, like 1 3.", n=len(asking)))
        return [asking[one - 1].enrolment for one in dict.fromkeys(places)]

    return read


def decided(talk: Talk, activity: int, outcome: object) -> None:
    """What came of it."""
    match outcome:
        case Decided(_card, seated, waiting, declined):
            talk.say(
                lines(
                    ngettext("{n} person has a seat now.", "{n} people have a seat now.", seated) if seated else None,
                    ngettext("{n} person is in the queue.", "{n} people are in the queue.", waiting)
                    if waiting
                    else None,
                    ngettext("{n} person was declined.", "{n} people were declined.", declined) if declined else None,
                    _("I tell them.") if seated or waiting or declined else _("Nothing was changed."),
                ),
                Link(_("Manage"), Intent("manage", (str(activity),))),
            )
        case _:
            talk.say(NOT_YOURS, ORGANISE)
