"""What is agreed in writing: an activity's terms, what is due before I join, and what I accepted."""

from __future__ import annotations

from collections.abc import Sequence

from bot.desk.organising import Organising
from bot.desk.subject import Subject
from bot.domain.activities import Activity, NotAllowed, Unfit
from bot.domain.agreements import Acceptance, Accepted, Due, Terms, conditions, uninsured, with_mine
from bot.domain.roles import Deed
from storage import agreements, audit


class Agreements(Subject):
    """My agreements, and the terms of what I look after."""

    async def terms(self, activity: int) -> Terms:
        """What the organiser states of an activity."""
        return await agreements.of(self.unit, activity)

    async def due(self, card: Activity, mine: Sequence[str] = (), person: int | None = None) -> Due | None:
        """What must be accepted before joining. None: nothing, or it has been.

        `mine`: conditions that hold for me only; `person`: the minor whom I accept it for.
        """
        terms, accepted = card.terms, card.accepted
        if terms is None or person is not None:
            terms, accepted = await agreements.stands(self.unit, card.id, person or self.me.id, person is not None)
        seats = max((shift.capacity for shift in card.shifts), default=0)
        why = with_mine(conditions(card.kind, card.starts, card.ends, seats, terms.conditions), mine)
        return Due(why, terms) if why and not accepted else None

    async def accept(self, accepted: Acceptance, person: int | None = None) -> None:
        """I accept this text, for myself or for the minor whose guardian I am."""
        for_whom = person or self.me.id
        await agreements.accept(self.unit, accepted, for_whom, self.me.id, self.me.door, self.now)
        await self.log(accepted, for_whom)

    async def log(self, accepted: Acceptance, person: int) -> None:
        """That I accepted it for them is a move."""
        target = f"activity:{accepted.activity}"
        await audit.log(self.unit, self.now, self.me.id, "agree", target, None, f"person:{person}")

    async def mine(self) -> list[Accepted]:
        """What I have agreed to, newest first."""
        return await agreements.mine(self.unit, self.me.id)

    async def state(self, activity: int, terms: Terms) -> Terms | NotAllowed | Unfit:
        """State the terms of an activity that I look after."""
        card = await self._organising.allowed(activity, Deed.CHANGE)
        if card is None:
            return NotAllowed()
        if uninsured(card.kind, terms.insurance, terms.risks):
            return Unfit("uninsured")
        await agreements.state(self.unit, activity, terms, self.me.id, self.now)
        await audit.log(
            self.unit, self.now, self.me.id, "terms", f"activity:{activity}", None, ",".join(sorted(terms.conditions))
        )
        return terms

    @property
    def _organising(self) -> Organising:
        return self.beside(Organising)
