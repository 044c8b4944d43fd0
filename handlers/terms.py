"""An activity's terms, by its organiser: what could happen, what covers its volunteers, why an agreement is due."""

from __future__ import annotations

from dataclasses import replace

from bot.desk.desk import Desk
from bot.domain.activities import Unfit
from bot.domain.agreements import POLICY_LENGTH, RISKS_LENGTH, STATED, Condition, Terms, is_policy, uninsured
from bot.domain.roles import Deed
from bot.talk import Incoming, Intent, Joined, Link, Option, Talk, Unclear, Words, _, lines, script
from handlers.agreement import WHY
from handlers.answers import words
from handlers.cards import title
from handlers.lookedafter import NOT_YOURS, ORGANISE


async def covered(talk: Talk, service: str) -> Terms:
    """Two more questions where a kind of service has risk: it does not open without the answers."""
    if not uninsured(service, "", ""):
        return Terms()
    risks = await talk.ask(
        "risks", _("This kind of service has risks. What could happen, and what do you do against it?"),
        words(4, RISKS_LENGTH),
    )  # fmt: skip
    question = _("What is the number of the insurance policy? An activity of this kind cannot open without one.")
    return Terms(await talk.ask("insurance", question, policy_number), risks)


def policy_number(answer: Incoming) -> str:
    """The number of a policy, as it is written on it."""
    text = words(4, POLICY_LENGTH)(answer)
    if not is_policy(text):
        raise Unclear(
            _("That is not the number of a policy: it has digits. If there is none yet, send “cancel”."), close=True
        )
    return text


@script("terms", title=_("the terms of an activity"))
async def terms(talk: Talk, desk: Desk, activity: int) -> None:
    """Risks, insurance, and the reasons for an agreement that only the organiser can know."""
    card = await desk.organising.allowed(activity, Deed.CHANGE)
    if card is None or card.state != "open":
        return talk.say(NOT_YOURS, ORGANISE)
    stated = await desk.agreements.terms(activity)
    options = [
        Option("cover", _("Risks and insurance")),
        *(
            Option(one, _("No agreement because {why}", why=WHY[one]) if one in stated.conditions
                   else _("Agreement because {why}", why=WHY[one]))
            for one in STATED
        ),
    ]  # fmt: skip
    what = await talk.choose("what", lines(title(card), *shown(stated), _("What do you want to state?")), options)
    if what == "cover":
        risks = await talk.ask("risks", _("What could happen, and what do you do against it?"), words(4, RISKS_LENGTH))
        policy = await talk.ask("insurance", _("What is the number of the insurance policy?"), policy_number)
        stated = replace(stated, insurance=policy, risks=risks)
    else:
        stated = replace(stated, conditions=stated.conditions ^ {Condition(what)})
    match await desk.agreements.state(activity, stated):
        case Terms():
            talk.say(_("It is stated."), Link(_("Manage"), Intent("manage", (str(activity),))))
        case Unfit():
            talk.say(_("A service with risks needs its risks and the number of its insurance policy first."))
        case _:
            talk.say(NOT_YOURS, ORGANISE)


def shown(stated: Terms) -> list[Words | None]:
    """What is stated so far."""
    why = Joined(tuple(WHY[one] for one in STATED if one in stated.conditions), "; ")
    return [
        _("Risks: {text}", text=stated.risks) if stated.risks else None,
        _("Insurance: policy {number}", number=stated.insurance) if stated.insurance else None,
        _("Agreement because {why}", why=why) if stated.conditions else None,
    ]
