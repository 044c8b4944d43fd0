"""Letting people in: who asks, what they answered, what the organiser should know, yes or no, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.desk.offers import hand_on
from bot.desk.organising import Organising
from bot.desk.subject import Subject
from bot.domain.activities import Activity, NotAllowed
from bot.domain.enrolment import Stand, clash, move
from bot.domain.reliability import WITHIN, weight
from bot.domain.roles import Deed
from storage import admission, audit, enrolment, fanouts, people
from storage.admission import Answers
from storage.tables.delivery import Lane

DECLINED = ("enough", "skills", "conditions", "other")
"""Why an organiser cannot take somebody."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody who asks to be let in. The name and the answers are whole only for the activity's own organiser."""

    enrolment: int
    shift: int
    name: str
    role: tuple[str, str]
    answers: Answers
    clashes: bool
    """It overlaps with another sign-up of theirs."""
    broken: int
    """What their broken promises weigh."""


@dataclass(frozen=True, slots=True)
class Decided:
    """So many were let in, so many of them queue, so many were declined."""

    activity: Activity
    seated: int = 0
    waiting: int = 0
    declined: int = 0


class Admission(Subject):
    """Decisions that my posts allow."""

    async def asking(self, activity: int) -> Sequence[Asking]:
        """Who waits for my yes; nobody where it is not mine to give."""
        card = await self._organising.allowed(activity, Deed.CHANGE)
        if card is None or card.state != "open":
            return ()
        rows = await admission.asking(self.unit, activity)
        whole = await self._organising.is_own(card)
        names = await people.personal(self.unit, self.city.secrecy, [row.person for row in rows])
        return [await self._asking(row, names.get(row.person, ("", ""))[0], whole) for row in rows]

    async def _asking(self, row: Any, name: str, whole: bool) -> Asking:
        theirs = await enrolment.bookings(self.unit, row.person, self.now)
        return Asking(
            row.id,
            row.shift,
            self.called(name, whole),
            (row.role, row.role_english),
            admission.opened(self.unit, row.id, row.answers) if whole else (),
            clash(row.starts, row.ends, theirs, row.shift) is not None,
            weight(await admission.broken(self.unit, row.person, self.now - WITHIN)),
        )

    async def waiting(self, activity: int) -> int:
        """How many wait for my yes; nobody where it is not mine to give."""
        card = await self._organising.allowed(activity, Deed.CHANGE)
        return await admission.asking_count(self.unit, activity) if card and card.state == "open" else 0

    async def admit(self, activity: int, ids: Sequence[int], why: str = "") -> Decided | NotAllowed:
        """Let people in, in the order of their numbers: to a seat while there is one, else to the queue.

        `why` is kept where somebody is let in although it overlaps; without it they are left to ask.
        """
        chosen = await self._chosen(activity, ids)
        if isinstance(chosen, NotAllowed):
            return chosen
        card, asking = chosen
        let_in = [one for one in asking if why or not one.clashes]
        for one in let_in:
            await admission.admit(self.unit, one.enrolment, why if one.clashes else "", self.now)
            await self._log(one, "let in against a clash" if one.clashes else "let in", "admitted")
        for shift in sorted({one.shift for one in let_in}):
            starts = next(one.starts for one in card.shifts if one.id == shift)
            await hand_on(self.unit, self.city, shift, starts, self.now, at_once=True)
        stands = await enrolment.stands(self.unit, [one.enrolment for one in let_in])
        for one in let_in:
            await self._tell(one, str(stands[one.enrolment]), card)
        seated = sum(stand == Stand.JOINED for stand in stands.values())
        return Decided(card, seated, len(stands) - seated)

    async def decline(self, activity: int, ids: Sequence[int], reason: str) -> Decided | NotAllowed:
        """Say no, with a reason."""
        chosen = await self._chosen(activity, ids)
        if isinstance(chosen, NotAllowed):
            return chosen
        card, asking = chosen
        for one in asking:
            after = move(Stand.WAITING, Stand.CANCELLED)
            await enrolment.end(self.unit, one.enrolment, Stand.WAITING, self.now, "organiser", reason)
            await self._log(one, "decline", after)
            await self._tell(one, after, card, reason)
        return Decided(card, declined=len(asking))

    async def _chosen(self, activity: int, ids: Sequence[int]) -> tuple[Activity, list[Asking]] | NotAllowed:
        """Those of them who still ask, with their shifts ours until the end of the transaction."""
        card = await self._organising.allowed(activity, Deed.CHANGE)
        if card is None or card.state != "open":
            return NotAllowed()
        for shift in card.shifts:
            await enrolment.lock_shift(self.unit, shift.id)
        return card, [one for one in await self.asking(activity) if one.enrolment in ids]

    async def _log(self, one: Asking, deed: str, after: str) -> None:
        target = f"enrolment:{one.enrolment}"
        await audit.log(self.unit, self.now, self.me.id, deed, target, Stand.WAITING, after)

    async def _tell(self, one: Asking, stand: str, card: Activity, reason: str = "") -> None:
        await fanouts.plan(
            self.unit,
            kind="admission",
            source=one.enrolment,
            revision=await enrolment.queue_number(self.unit, one.enrolment),
            lane=Lane.REMINDER,
            segment={"enrolment": one.enrolment},
            words={"stand": stand, "reason": reason},
            not_before=self.now,
            expires=card.ends,
        )

    @property
    def _organising(self) -> Organising:
        return self.beside(Organising)
