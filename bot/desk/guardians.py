"""Deciding for whoever is under age: the code that joins a child's chat to the guardian's, and their answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from bot.desk.enrolment import Enrolment
from bot.desk.subject import Subject
from bot.desk.telling import tell
from bot.domain.attendance import TooManyTries
from bot.domain.enrolment import Left
from bot.domain.guardians import (
    ANSWERS,
    CODE_LASTS,
    PERMITS,
    Answer,
    Band,
    GuardianRefused,
    MayCome,
    MustBeOfAge,
    NotMine,
    Permission,
    Permitted,
    Released,
    Taken,
    Ward,
    Wished,
    band,
)
from bot.domain.linking import TRIES, TRIES_WITHIN, NoSuchCode, new_code
from storage import activities, audit, guardians, linking, people, privacy

Child = TypeVar("Child", Ward, Permission)
"""What names a child."""


class Guardians(Subject):
    """My children, or my guardian."""

    # --- The child's side ---------------------------------------------------------------------------------------------

    async def show_code(self, shift: int | None = None) -> str:
        """A fresh code for my guardian; the wish to join waits with it. Nothing else of me is kept."""
        if shift is not None:
            await guardians.ask(self.unit, self.me.id, shift, self.now)
        code = new_code()
        await guardians.keep_code(self.unit, self.me.id, code, self.now, self.now + CODE_LASTS)
        return code

    async def wishes(self) -> list[Wished]:
        """What I wish to join and my guardian has not answered yet; nothing for whoever is of age."""
        young = not self.me.consented or band(self.me.born, self.now) is not Band.ADULT
        return await guardians.wished(self.unit, self.me.id, self.now) if young else []

    # --- The guardian's side ------------------------------------------------------------------------------------------

    async def look(self, code: str) -> Ward | NoSuchCode | TooManyTries | MustBeOfAge:
        """Whose code this is. A wrong one counts as a try."""
        if band(self.me.born, self.now) is not Band.ADULT:
            return MustBeOfAge()
        tried = await linking.tries(self.unit, self.me.id, self.now - TRIES_WITHIN)
        if len(tried) >= TRIES:
            return TooManyTries(tried[-TRIES] + TRIES_WITHIN)
        child = await guardians.shower(self.unit, code, self.now)
        if child is None or child == self.me.id:
            await linking.note_try(self.unit, self.me.id, self.now)
            return NoSuchCode(TRIES - len(tried) - 1)
        return await guardians.ward(self.unit, child)

    async def take(self, code: str, born: int | None, name: str) -> Taken | NotMine:
        """I am the guardian of whoever shows this code, and agree to what is kept of them."""
        child = await guardians.shower(self.unit, code, self.now)
        if child is None or child == self.me.id or not self.me.consented:
            return NotMine()
        await linking.lock(self.unit, [self.me.id, child])
        ward = await guardians.ward(self.unit, child)
        await guardians.use_code(self.unit, child)
        await guardians.take(self.unit, self.me.id, child, self.me.door, self.now)
        if ward.born is None and born is not None:
            await people.change(self.unit, child, born=born)
            await people.keep_personal(self.unit, self.city.secrecy, child, name, "")
        await self._log("guardian", f"person:{child}", None, f"person:{self.me.id}")
        return Taken(tuple(await guardians.coming(self.unit, self.me.id, self.now, child)))

    async def children(self) -> list[Ward]:
        """Whom I decide for."""
        return [self._named(one) for one in await guardians.wards_of(self.unit, self.me.id)]

    async def permissions(self) -> list[Permission]:
        """What I decide about, soonest first."""
        return [self._named(one) for one in await guardians.coming(self.unit, self.me.id, self.now)]

    def _named(self, one: Child) -> Child:
        return replace(one, name=self.called(one.name))

    async def permission(self, id_: int) -> Permission | None:
        """One thing that I decide about, while it is not over."""
        found = await guardians.asked_of(self.unit, self.me.id, id_, self.now)
        return self._named(found) if found else None

    async def answer(self, id_: int, answer: Answer) -> object:
        """Agree, come along, refuse, or take it back. Returns what came of the child's sign-up; NotMine: not mine.

        A yes signs the child up in the same transaction, a no gives the seat back; the child is told.
        """
        asked = await self.permission(id_)
        if asked is None or answer not in ANSWERS[asked.answer]:
            return NotMine()
        place = await guardians.answer(self.unit, id_, asked.answer, answer, self.me.id, self.me.door, self.now)
        if place is None:
            return NotMine()
        await self._log("permit", f"permission:{id_}", asked.answer, answer)
        outcome = await self._follow(asked, answer)
        words = {"answer": str(answer), "outcome": type(outcome).__name__}
        until = asked.starts if asked.starts > self.now else asked.ends
        await tell(self, asked.child, "permitted", id_, asked.shift, until, place, **words)
        return outcome

    async def _follow(self, asked: Permission, answer: Answer) -> object:
        """What the answer does to the child's sign-up."""
        child = await people.find(self.unit, asked.child)
        if child is None:
            return NotMine()
        seats = Enrolment(self.unit, child, self.now, self.city)
        if answer in PERMITS and asked.starts <= self.now:
            return MayCome()
        if answer in PERMITS:
            card = await activities.card(self.unit, asked.activity)
            return Permitted() if card and card.questions else await seats.join(asked.shift)
        mine = await guardians.held(self.unit, asked.child, asked.shift)
        return await seats.leave(mine) if mine is not None else GuardianRefused()

    async def release(self, child: int) -> Released | NotMine:
        """I decide for this child no more: what I agreed to ends. Under 14 everything personal of them goes, unless
        another guardian is there."""
        for_it = await guardians.coming(self.unit, self.me.id, self.now, child)
        ward = next((one for one in await self.children() if one.person == child), None)
        if ward is None:
            return NotMine()
        given_up = 0
        others = [one for one in (await guardians.guardians_of(self.unit, [child]))[child] if one != self.me.id]
        for one in for_it if not others else ():
            if one.answer in PERMITS:
                given_up += isinstance(await self.answer(one.id, Answer.WITHDRAWN), Left)
        await guardians.release(self.unit, self.me.id, child, self.now)
        if not others and band(ward.born, self.now) is Band.CHILD:
            await privacy.withdraw(self.unit, [child], self.now)
            await privacy.clear_personal(self.unit, [child])
        await self._log("guardian", f"person:{child}", f"person:{self.me.id}", None)
        return Released(given_up)

    async def release_all(self) -> None:
        """I decide for nobody any more: my name and phone go, and nobody could call me about a child."""
        for ward in await self.children():
            await self.release(ward.person)

    async def _log(self, deed: str, target: str, before: str | None, after: str | None) -> None:
        await audit.log(self.unit, self.now, self.me.id, deed, target, before, after)
