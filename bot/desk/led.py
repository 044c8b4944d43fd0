"""The gate of a 1+N shift: one more person only where there is a professional for them."""

from __future__ import annotations

from bot.desk.subject import Subject
from bot.domain.skills import missing
from bot.domain.squads import NoLead
from storage import skills, squads
from storage.wishes import Wish


async def led(asker: Subject, wish: Wish) -> NoLead | None:
    """Whoever has the skill always passes; the others as long as there are enough who have it."""
    if not wish.squad:
        return None
    day = wish.starts.astimezone(asker.city.zone).date()
    squad = await squads.of(asker.unit, wish.shift, day)
    if squad is None or squad.takes():
        return None
    if not missing([squad.skill], await skills.of(asker.unit, asker.me.id), day):
        return None
    return NoLead(squad.skill, squad.per)
