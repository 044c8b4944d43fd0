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
    if band(asker.me.born, asker.now) is Band.ADULT:
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
    for place, guardian in enumerate(mine):
        await tell(asker, guardian, "permission", number, wish.shift, wish.starts, place, **words)
    return GuardianAsked(len(mine))
