"""Promises that were not kept: mine, with my reason; and, for an organiser, whom to excuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.desk.organising import Organising
from bot.desk.subject import Subject
from bot.domain.activities import NotAllowed
from bot.domain.enrolment import Stand, move
from bot.domain.reliability import WITHIN, Broken
from bot.domain.roles import Deed
from storage import admission, audit, people


@dataclass(frozen=True, slots=True)
class Missing:
    """Somebody who did not come, or gave their seat up too late."""

    enrolment: int
    name: str
    stand: Stand
    reason: str
    """Why, where they said so."""


class Promises(Subject):
    """What was promised and not kept."""

    async def mine(self) -> list[Broken]:
        """My own, newest first."""
        return await admission.broken(self.unit, self.me.id, self.now - WITHIN)

    async def explain(self, id_: int, reason: str) -> bool:
        """Why I could not come, for the organiser to excuse. False: there is no such promise of mine."""
        if id_ not in {one.enrolment for one in await self.mine() if one.weight}:
            return False
        await admission.give_reason(self.unit, id_, reason)
        await audit.log(self.unit, self.now, self.me.id, "explain", f"enrolment:{id_}", None, reason)
        return True

    async def missing(self, activity: int) -> Sequence[Missing]:
        """Whose promises to this activity were not kept; those who gave a reason first."""
        card = await self._organising.allowed(activity, Deed.CHANGE)
        if card is None:
            return ()
        rows = await admission.missing(self.unit, activity)
        whole = await self._organising.is_own(card)
        names = await people.personal(self.unit, self.city.secrecy, [row.person for row in rows])
        found = []
        for row in rows:
            name = names.get(row.person, ("", ""))[0]
            found.append(Missing(row.id, self.called(name, whole), Stand(row.state), row.reason or ""))
        return sorted(found, key=lambda one: not one.reason)

    async def excuse(self, activity: int, ids: Sequence[int]) -> int | NotAllowed:
        """It counts nothing any more. Returns how many were excused."""
        excused = [one for one in await self.missing(activity) if one.enrolment in ids]
        if not excused:
            return NotAllowed()
        for one in excused:
            after = move(Stand.ABSENT, Stand.EXCUSED) if one.stand == Stand.ABSENT else Stand.CANCELLED
            await admission.excuse(self.unit, one.enrolment, after, self.now)
            await audit.log(self.unit, self.now, self.me.id, "excuse", f"enrolment:{one.enrolment}", one.stand, after)
        return len(excused)

    @property
    def _organising(self) -> Organising:
        return self.beside(Organising)
