"""By which ways so many people are reached and when each is through: said before anything is sent."""

from __future__ import annotations

from bot.domain.forecast import Leg, RoutePlan
from bot.domain.reach import Way
from bot.talk import Joined, Talk, Text, Words, _, ngettext

DOORS: dict[str, Words] = {
    "telegram": "Telegram",
    "wechat": _("WeChat"),
    "web": _("Web chat"),
    "terminal": _("Terminal"),
}

BY: dict[Way, Text] = {
    Way.CHAT: _("chat message"),
    Way.WINDOW: _("chat message"),
    Way.TEMPLATE: _("WeChat notice"),
    Way.GRANT: _("WeChat notice that was allowed once"),
    Way.MASS: _("mass message"),
}


def routes(plan: RoutePlan, mass: bool) -> list[Words]:
    """The plan, a line for each route. `mass`: one of WeChat's mass messages is used."""
    plan = plan if mass else plan.without_mass()
    told: list[Words] = [route(leg) for leg in plan.legs]
    if plan.waiting:
        told.append(
            ngettext("{n} person: when they next write", "{n} people: when they next write", plan.waiting)
        )
    if plan.unreachable:
        told.append(
            ngettext("{n} person: every chat is closed", "{n} people: every chat is closed", plan.unreachable)
        )
    return told


async def by_mass(talk: Talk, plan: RoutePlan) -> bool:
    """Shall one of WeChat's mass messages tell whom nothing else reaches? Asked only where there is one left."""
    leg = next((one for one in plan.legs if one.way is Way.MASS and one.left), None)
    if leg is None:
        return False
    question = ngettext(
        "{n} person is reached on WeChat by a mass message only; {left} of {of} are left. Use one?",
        "{n} people are reached on WeChat by a mass message only; {left} of {of} are left. Use one?",
        leg.people,
        left=leg.left or 0,
        of=leg.of or 0,
    )
    return await talk.confirm("mass", question, _("Use one"), _("Let them wait until they write"))


def route(leg: Leg) -> Words:
    """One route: how many, by which door, how, and when it is through."""
    people: Words = ngettext("{n} person", "{n} people", leg.people)
    parts = [people, DOORS.get(leg.door, leg.door), BY[leg.way]]
    if leg.way is Way.MASS:
        parts.append(_("{left} of {of} are left", left=leg.left or 0, of=leg.of or 0))
    else:
        parts.append(_("through by {at}", at=leg.ends) if leg.ends else _("not with today's limits"))
    return Joined(tuple(parts), " · ")
