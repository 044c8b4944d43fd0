"""The gate for whoever is under age: their guardian's yes to this very shift."""

from __future__ import annotations

from bot.desk.subject import Subject
from bot.desk.telling import tell
from bot.domain.guardians import PERMITS, Answer, Band, GuardianAsked, GuardianRefused, band
from bot.domain.kinds import kind
from storage import agreements, guardians
from storage.wishes import Wish


async def permitted(asker: Subject, wish: Wish) -> GuardianAsked | GuardianRefused | None:
    """Whoever is under age needs their guardian's yes; who has not asked yet asks with this."""
    if not await under_age(asker):
        return None
    before = await guardians.answer_for(asker.unit, asker.me.id, wish.shift)
    if before is not None and before[1] in PERMITS:
        return None
    if before is not None and before[1] is not Answer.ASKED:
        return GuardianRefused()
    number = await guardians.ask(asker.unit, asker.me.id, wish.shift, asker.now)
    mine = (await guardians.guardians_of(asker.unit, [asker.me.id])).get(asker.me.id, [])
    terms = await agreements.of(asker.unit, wish.activity)
    words = {"risk": kind(wish.kind).risk, "risks": terms.risks, "insurance": terms.insurance}
    until = wish.starts if wish.starts > asker.now else wish.ends
    for place, guardian in enumerate(mine):
        await tell(asker, guardian, "permission", number, wish.shift, until, place, **words)
    return GuardianAsked(len(mine))


async def under_age(asker: Subject) -> bool:
    """By their year of birth. Of a child nothing is kept before the guardian has agreed, not even the year; that they
    showed a guardian's code is known."""
    if band(asker.me.born, asker.now) is not Band.ADULT:
        return True
    unknown = asker.me.born is None and not asker.me.consented
    return unknown and await guardians.said_young(asker.unit, asker.me.id)


async def permits(asker: Subject, wish: Wish) -> bool:
    """Has a guardian agreed to this very shift?"""
    answered = await guardians.answer_for(asker.unit, asker.me.id, wish.shift)
    return answered is not None and answered[1] in PERMITS
