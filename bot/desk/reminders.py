"""When the people of an activity are reminded: the organiser's choice."""

from __future__ import annotations

from collections.abc import Sequence

from bot.desk.organising import Organising
from bot.desk.subject import Subject
from bot.domain.activities import NotAllowed
from bot.domain.reminders import USUAL
from bot.domain.roles import Deed
from storage import audit, reminders


class Reminders(Subject):
    """When my activities are reminded of."""

    async def of(self, activity: int) -> Sequence[int]:
        """Minutes before the start, the earliest first."""
        return (await reminders.chosen(self.unit, [activity])).get(activity, USUAL)

    async def choose(self, activity: int, befores: Sequence[int]) -> bool | NotAllowed:
        """Remind at these moments from now on."""
        card = await self.beside(Organising).allowed(activity, Deed.CHANGE)
        if card is None or card.state != "open" or card.starts <= self.now:
            return NotAllowed()
        before = await self.of(activity)
        await reminders.choose(self.unit, activity, befores, self.now)
        what = f"activity:{activity}"
        await audit.log(self.unit, self.now, self.me.id, "remind", what, _written(before), _written(befores))
        return True


def _written(befores: Sequence[int]) -> str:
    return ",".join(str(one) for one in befores)
