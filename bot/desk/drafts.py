"""Activities that are not open yet: kept, given conditions, roles and questions, then opened to the city; and the
conditions that can be changed after that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.desk.organising import Organising
from bot.desk.subject import Subject
from bot.domain.activities import Activity, NotAllowed, Plan, Published, Shift, Unfit, check, deadline_fits
from bot.domain.enrolment import COMING
from bot.domain.questions import MOST, Question
from bot.domain.roles import Deed
from storage import agreements, audit, fanouts, publishing
from storage.tables.delivery import Lane

MOST_SHIFTS = 12


class Drafts(Subject):
    """Drafts that my posts allow."""

    async def keep(self, organisation: int, plan: Plan) -> Published | NotAllowed | Unfit:
        """Keep an activity as a draft."""
        return await self._organising.publish(organisation, plan, "draft")

    async def draft(self, activity: int) -> Activity | None:
        """A draft of mine; None for everything else."""
        card = await self._organising.allowed(activity, Deed.PUBLISH)
        return card if card is not None and card.state == "draft" else None

    async def open(self, activity: int) -> Activity | NotAllowed | Unfit:
        """Open it to the city, if every stretch of it can still take place."""
        card = await self.draft(activity)
        if card is None:
            return NotAllowed()
        terms = await agreements.of(self.unit, activity)
        for shift in card.shifts:
            unfit = check(self._plan(card, shift, terms.insurance, terms.risks), self.now)
            if unfit:
                return unfit
        if not await publishing.open_draft(self.unit, activity, self.now):
            return NotAllowed()
        await self._log(activity, "publish", "open")
        return card

    def _plan(self, card: Activity, shift: Shift, insurance: str, risks: str) -> Plan:
        hours = (shift.starts, shift.ends)
        plan = Plan(card.title, card.kind, *hours, card.district, card.address, shift.capacity, card.about)
        return replace(plan, insurance=insurance, risks=risks)

    async def discard(self, activity: int) -> bool:
        """Throw it away."""
        if await self.draft(activity) is None:
            return False
        await publishing.discard(self.unit, activity, self.now)
        await self._log(activity, "discard", "gone")
        return True

    async def changeable(self, activity: int) -> Activity | None:
        """A draft of mine, or an open activity that I may change and that has not begun; None for everything else."""
        draft = await self.draft(activity)
        if draft is not None:
            return draft
        card = await self._organising.allowed(activity, Deed.CHANGE)
        return card if card is not None and card.state == "open" and card.starts > self.now else None

    async def set_approval(self, activity: int, on: bool) -> bool:
        """Do I let people in, or does whoever comes first have a seat? Who is in stays in."""
        card = await self.changeable(activity)
        if card is None:
            return False
        await publishing.set_conditions(self.unit, activity, approval=on)
        await self._log(activity, "condition", "approval" if on else "open to all", card.state)
        return True

    async def set_deadline(self, activity: int, minutes: int) -> bool:
        """Until so many minutes before the start a seat is given back without consequence. Where that is earlier than
        before, whoever has one is told."""
        card = await self.changeable(activity)
        if card is None or not deadline_fits(card, minutes, self.now):
            return False
        await publishing.set_conditions(self.unit, activity, leave_before=minutes)
        await self._log(activity, "condition", f"leave {minutes} before", card.state)
        if card.state == "open" and minutes > card.leave_before:
            await self._tell_deadline(card, minutes)
        return True

    async def _tell_deadline(self, card: Activity, minutes: int) -> None:
        for shift in card.shifts:
            await fanouts.plan(
                self.unit,
                kind="deadline",
                source=shift.id,
                offset=int(self.now.timestamp()) // 60,
                lane=Lane.CHANGE,
                segment={"shift": shift.id, "states": sorted(COMING)},
                words={"minutes": str(minutes)},
                not_before=self.now,
                expires=shift.starts,
                created_by=self.me.id,
            )

    async def ask(self, activity: int, question: Question) -> bool:
        """One more question of my own, to whoever signs up from now on. False: there are enough, or it is not mine."""
        card = await self.changeable(activity)
        if card is None or len(card.questions) >= MOST:
            return False
        await self._set_questions(card, [*card.questions, question])
        return True

    async def unask(self, activity: int, place: int) -> bool:
        """One question less."""
        card = await self.changeable(activity)
        if card is None or not 0 <= place < len(card.questions):
            return False
        await self._set_questions(card, [one for at, one in enumerate(card.questions) if at != place])
        return True

    async def _set_questions(self, card: Activity, questions: Sequence[Question]) -> None:
        await publishing.set_conditions(self.unit, card.id, questions=questions)
        await self._log(card.id, "condition", f"{len(questions)} questions", card.state)

    async def add_shift(self, activity: int, new: Shift) -> bool | Unfit:
        """One more role or stretch, with its own seats and gates."""
        card = await self.draft(activity)
        if card is None or len(card.shifts) >= MOST_SHIFTS:
            return False
        terms = await agreements.of(self.unit, activity)
        unfit = check(self._plan(card, new, terms.insurance, terms.risks), self.now)
        if unfit:
            return unfit
        number = await publishing.add_shift(self.unit, activity, new)
        await self._log(activity, "condition", f"shift:{number}")
        return True

    async def drop_shift(self, activity: int, shift: int) -> bool:
        """One role or stretch less; one must stay."""
        card = await self.draft(activity)
        if card is None or len(card.shifts) < 2 or shift not in {one.id for one in card.shifts}:
            return False
        await publishing.drop_shift(self.unit, shift)
        await self._log(activity, "condition", f"without shift:{shift}")
        return True

    async def retime(self, activity: int, starts: datetime, ends: datetime) -> bool | Unfit:
        """Other hours, before anybody has heard of it."""
        card = await self.draft(activity)
        if card is None:
            return False
        terms = await agreements.of(self.unit, activity)
        unfit = check(self._plan(card, Shift(0, starts, ends, 1, 0), terms.insurance, terms.risks), self.now)
        if unfit:
            return unfit
        await publishing.reschedule(self.unit, activity, starts, ends, self.now)
        await self._log(activity, "condition", "hours")
        return True

    async def _log(self, activity: int, deed: str, after: str, before: str = "draft") -> None:
        await audit.log(self.unit, self.now, self.me.id, deed, f"activity:{activity}", before, after)

    @property
    def _organising(self) -> Organising:
        return self.beside(Organising)
