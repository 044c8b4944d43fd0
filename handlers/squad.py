"""1+N, by the organiser: which proven professional a shift needs, and for how many people."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.roles import Deed
from bot.domain.skills import SKILLS
from bot.domain.squads import PER, Squad
from bot.talk import Intent, Link, Option, Talk, Words, _, lines, script
from handlers.answers import count
from handlers.cards import title
from handlers.lookedafter import NOT_YOURS, which_shift
from handlers.skills import skill_name

NONE = "none"


@script("squad", title=_("professionals of a shift"))
async def squad(talk: Talk, desk: Desk, activity: int) -> None:
    """A shift, a skill, a number; then those with the skill are called until one is there."""
    found = await which_shift(talk, desk, activity, Deed.CHANGE)
    if found is None:
        return None
    card, chosen = found
    now = await desk.squads.of(chosen.id)
    options = [Option(one.code, skill_name(one.code), one.code) for one in SKILLS]
    nobody = [Option(NONE, _("No professional is needed"))] if now else []
    question = lines(
        title(card), standing(now) if now else None, _("Which proven professional must lead the others?")
    )  # fmt: skip
    skill = await talk.choose("skill", question, [*nobody, *options])
    manage = Link(_("Manage"), Intent("manage", (str(activity),)))
    if skill == NONE:
        await desk.squads.release(chosen.id)
        return talk.say(_("No professional is needed any more."), manage)
    asked = _("How many people may one of them lead, from {least} to {most}?", least=PER[0], most=PER[-1])
    per = await talk.ask("per", asked, count(PER[0], PER[-1]))
    match await desk.squads.demand(chosen.id, skill, per):
        case Squad() as made:
            calling = _("I am asking people who have proven it.") if made.lacking else None
            talk.say(lines(standing(made), calling), manage)
        case _:
            talk.say(NOT_YOURS, manage)


def standing(one: Squad) -> Words:
    """What a shift demands, and who is coming."""
    return _(
        "{skill}: one for {per} people; {leads} are coming, for {others} others.",
        skill=skill_name(one.skill),
        per=one.per,
        leads=one.leads,
        others=one.others,
    )
