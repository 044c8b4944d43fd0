"""Document numbers: given by volunteers where an insurance needs them, listed for the organiser's insurer, dropped."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from bot.desk.city import City
from bot.desk.organising import Organising
from bot.desk.subject import Subject
from bot.domain.activities import NotAllowed
from bot.domain.documents import KINDS, PURPOSE, Cover, Insured, Kept, Wanted, number_as_shown
from bot.domain.people import ABROAD, CONSENT_VERSION, masked
from bot.domain.roles import Deed
from storage import audit, documents, people, takeaways
from storage.database import Database
from storage.takeaways import What

FILE_LASTS = timedelta(hours=1)
"""How long the address of an insurer's file works."""

TYPED_WITHIN = timedelta(minutes=30)
"""How far back what was typed is wiped when a number is stored: longer than the question stays open."""


class Documents(Subject):
    """My numbers, and those of the volunteers whom I insure."""

    @property
    def is_abroad(self) -> bool:
        """Do these numbers neither come nor go through the door that I stand at?"""
        return self.me.door in ABROAD

    async def wanted(self, enrolment: int | None = None) -> list[Wanted]:
        """Sign-ups of mine whose insurance needs a number; with what I gave, masked."""
        rows = await documents.wanted(self.unit, self.me.id, self.now, enrolment)
        known = dict(await documents.given(self.unit, [self.me.id])) if rows else {}
        return [
            Wanted(row.id, row.title, row.english, self._shown(known[row.id]) if row.id in known else "")
            for row in rows
        ]

    async def give(self, enrolment: int, kind: str, number: str) -> Kept | None:
        """Store a number with the consent just given. None: nothing of mine needs it, or not through this door."""
        if self.is_abroad or kind not in KINDS or not await documents.wanted(
            self.unit, self.me.id, self.now, enrolment
        ):  # fmt: skip
            return None
        if not await people.agreed(self.unit, self.me.id, PURPOSE):
            await people.give_consent(self.unit, self.me.id, PURPOSE, CONSENT_VERSION, self.me.door, self.now)
        await documents.keep(self.unit, self.me.id, enrolment, kind, number, self.now)
        await documents.forget_typed(self.unit, self.me.id, self.now - TYPED_WITHIN)
        await audit.log(self.unit, self.now, self.me.id, "document", f"enrolment:{enrolment}", None, "given")
        return Kept(self._shown(number))

    # --- The organiser's side ----------------------------------------------------------------------------------------

    def _shown(self, number: str) -> str:
        return number_as_shown(number, self.me.door)

    async def cover(self, activity: int) -> Cover | NotAllowed:
        """Who gave a number so far, names and numbers masked: whole they are in the insurer's file only."""
        card = await self.beside(Organising).allowed(activity, Deed.INSURE)
        if card is None:
            return NotAllowed()
        there, lacking = await documents.covered(self.unit, activity)
        shown = tuple(
            Insured(one.volunteer, masked(one.name), one.kind, self._shown(one.number)) for one in there
        )
        return Cover(card.title, card.english, await documents.needs(self.unit, activity), shown, lacking)

    async def ask(self, activity: int, on: bool) -> bool:
        """Ask this activity's volunteers for their numbers, or no more. False: it is none of mine."""
        if await self.beside(Organising).allowed(activity, Deed.INSURE) is None:
            return False
        await documents.ask(self.unit, activity, on, self.now)
        target = f"activity:{activity}"
        await audit.log(self.unit, self.now, self.me.id, "documents", target, None, "asked" if on else "not asked")
        return True

    async def file(self, activity: int) -> str | None:
        """The path of the insurer's file; it works once, for an hour. None: none of mine, or not through this door."""
        if self.is_abroad or isinstance(await self.cover(activity), NotAllowed):
            return None
        token = secrets.token_hex(16)
        await takeaways.offer(self.unit, What.INSURED, self.me.id, [token], self.now, FILE_LASTS, of=activity)
        await audit.log(self.unit, self.now, self.me.id, "documents", f"activity:{activity}", None, "file")
        return f"/insured/{token}.xlsx"


async def insured(database: Database, city: City, token: str, now: datetime) -> list[Insured] | None:
    """The insurer's list behind an address, once and whole; None for one that is unknown, old or used.

    An address carries no right: whoever asked for it must still be the organiser.
    """
    async with database.write() as unit:
        found = await takeaways.use(unit, What.INSURED, token, now)
        if found is None:
            return None
        who = await people.find(unit, found[0])
        if who is None or await Organising(unit, who, now, city).allowed(found[1], Deed.INSURE) is None:
            return None
        return (await documents.covered(unit, found[1]))[0]
