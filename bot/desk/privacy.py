"""My data: what is held, the export by an address that works once, correcting, withdrawing, erasing with a week to
take it back; and the ticks that carry erasures out."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from bot.desk.city import City
from bot.desk.enrolment import Enrolment
from bot.desk.guardians import Guardians
from bot.desk.proofs import renamed
from bot.desk.subject import Subject
from bot.domain.documents import PURPOSE as DOCUMENT
from bot.domain.documents import number_as_shown
from bot.domain.enrolment import HELD
from bot.domain.people import Person
from bot.domain.privacy import (
    ERASES_ON_LEAVING,
    TAKEAWAY,
    UNDO,
    Held,
    Marked,
    NothingHeld,
    Takeaway,
    Withdrawn,
)
from storage import (
    attendance,
    audit,
    documents,
    enrolment,
    erased,
    erasing,
    holdings,
    linking,
    people,
    privacy,
    takeaways,
    timers,
)
from storage.database import Database, Unit
from storage.takeaways import What

RESTORED = "restore"
"""The door of an erasure that a backup had undone."""


class Privacy(Subject):
    """My own data."""

    async def held(self) -> Held:
        """What is stored about me, over all my chats."""
        ids = await holdings.same(self.unit, self.me.id)
        name, phone = (await people.personal(self.unit, self.city.secrecy, [self.me.id])).get(self.me.id, ("", ""))
        minutes, presences = await attendance.total(self.unit, self.me.id)
        counts = {
            table: await privacy.count(self.unit, ids, table)
            for table in (
                "enrolment", "subscription", "membership", "inbox", "letter", "agreement", "guardianship",
                "team_member",
            )
        }
        return Held(
            number=self.me.number,
            since=await privacy.since(self.unit, self.me.id),
            doors=tuple(door for _id, door, _there in await holdings.addresses(self.unit, ids)),
            name=self.called(name),
            phone=self.phone(phone) if phone else "",
            consented=await privacy.consented(self.unit, ids),
            born=self.me.born,
            sign_ups=counts["enrolment"],
            presences=presences,
            minutes=minutes,
            subscriptions=counts["subscription"],
            posts=counts["membership"],
            messages=counts["inbox"],
            letters=counts["letter"],
            agreements=counts["agreement"],
            guardianships=counts["guardianship"],
            teams=counts["team_member"],
            documents=tuple(
                number_as_shown(number, self.me.door) for _of, number in await documents.given(self.unit, ids)
            ),
            consents=tuple(await privacy.consents(self.unit, ids)),
        )

    async def correct(self, *, name: str | None = None, phone: str | None = None) -> bool:
        """Put my name or my phone number right. False: none is stored, because I never agreed to it."""
        if not self.me.consented:
            return False
        kept = (await people.personal(self.unit, self.city.secrecy, [self.me.id]))[self.me.id]
        await people.keep_personal(
            self.unit, self.city.secrecy, self.me.id, name or kept[0], kept[1] if phone is None else phone
        )
        await self._log("correct", "name" if name else "phone")
        if name:
            await renamed(self.unit, self.me.id, name, self.now)
        return True

    async def take(self) -> Takeaway:
        """Fresh addresses of an export of everything; each works once, for a day, and the ones before them no more."""
        tokens = [secrets.token_hex(16) for _form in ("json", "xlsx")]
        await takeaways.offer(self.unit, What.EXPORT, self.me.id, tokens, self.now, TAKEAWAY)
        await self._log("take", "export")
        return Takeaway(f"/mydata/{tokens[0]}", f"/mydata/{tokens[1]}.xlsx")

    async def coming(self) -> int:
        """Sign-ups of mine that would be given up."""
        return len(await self._to_give_up())

    async def withdraw(self) -> Withdrawn | NothingHeld:
        """Take my consent back: name, phone and year of birth go at once, and with them the seats that need them."""
        if not self.me.consented:
            return NothingHeld()
        given_up = await self._give_up()
        await self.beside(Guardians).release_all()
        ids = await holdings.same(self.unit, self.me.id)
        await privacy.withdraw(self.unit, ids, self.now)
        await privacy.clear_personal(self.unit, ids)
        await documents.erase(self.unit, ids)
        await linking.forget_before(self.unit, ids)
        await self._log("withdraw", "consent")
        self.me.consented, self.me.born = False, None
        return Withdrawn(given_up)

    async def withdraw_one(self, purpose: str) -> bool:
        """Take back what I agreed to for one purpose, and what was stored for it goes. False: I had not agreed."""
        ids = await holdings.same(self.unit, self.me.id)
        if not await privacy.withdraw(self.unit, ids, self.now, purpose):
            return False
        if purpose == DOCUMENT:
            await documents.erase(self.unit, ids)
        await self._log("withdraw", purpose)
        return True

    async def erase(self) -> Marked:
        """Be forgotten in a week. Until then nothing reaches me but the way back."""
        due = self.now + UNDO
        await erasing.mark(self.unit, self.me.id, self.me.door, self.now, due)
        await self._log("erase", "marked")
        self.me.erasing = due
        return Marked(due)

    async def keep(self) -> bool:
        """Take the erasure back. False: there was none."""
        if self.me.erasing is None:
            return False
        await erasing.unmark(self.unit, self.me.id, self.now)
        await self._log("erase", "undone")
        self.me.erasing = None
        return True

    async def left(self, external: str) -> None:
        """I unfollowed: where the platform demands it, what we have from there is erased in a week, unless I return."""
        if self.me.door in ERASES_ON_LEAVING:
            await erasing.mark_address(self.unit, self.me.door, external, self.now, self.now + UNDO)

    async def _to_give_up(self) -> list[int]:
        mine = await enrolment.bookings(self.unit, self.me.id, self.now)
        return [one.id for one in mine if one.stand in HELD and one.starts > self.now]

    async def _give_up(self) -> int:
        seats = self.beside(Enrolment)
        ids = await self._to_give_up()
        for id_ in ids:
            await seats.leave(id_)
        return len(ids)

    async def _log(self, deed: str, after: str) -> None:
        await audit.log(self.unit, self.now, self.me.id, deed, f"person:{self.me.id}", None, after)


async def carry_out(unit: Unit, city: City, now: datetime) -> int:
    """Carry out the erasures whose week is over; seats still held go to the queues. Returns how many."""
    ripe = await erasing.due(unit, now)
    for one in ripe:
        whole: int | None = one.person
        if one.identity is not None:
            whole = await erasing.erase_address(unit, one.identity, now)
        if whole is not None:
            await _erase(unit, city, whole, now)
        await erasing.finish(unit, one.id, now)
        await audit.log(unit, now, None, "erase", f"person:{one.person}", "marked", "done")
    return len(ripe)


async def _erase(unit: Unit, city: City, id_: int, now: datetime) -> None:
    who: Person | None = await people.lock(unit, id_)
    if who is not None:
        await Privacy(unit, who, now, city)._give_up()
        await Guardians(unit, who, now, city).release_all()
        await erasing.erase_person(unit, id_, now)


async def erase_again(database: Database, city: City, listed: erased.Listed, now: datetime) -> int:
    """After an older backup was put back: whoever had been erased since it was made is erased again.

    Returns how many people and addresses that were.
    """
    if not listed:
        return 0
    async with database.write() as unit:
        await erased.keep(unit, listed)
        back = await erased.people(unit, listed)
        for id_ in back:
            await _erase(unit, city, id_, now)
        alone = await erased.addresses(unit, listed)
        for id_ in alone:
            whole = await erasing.erase_address(unit, id_, now)
            if whole is not None:
                await _erase(unit, city, whole, now)
                back.append(whole)
        for id_ in back:
            await erasing.mark_done(unit, id_, RESTORED, now)
            await audit.log(unit, now, None, "erase", f"person:{id_}", "restored", "done")
    await erasing.scrub(database, now)
    return len({*back}) + len(alone)


async def tick(database: Database, city: City, now: datetime) -> int:
    """Erase what is due, settle links that cannot be undone any more, and scrub."""
    async with database.write() as unit:
        done = await carry_out(unit, city, now)
        await linking.settle(unit, now)
    await erasing.scrub(database, now)
    return done


async def forget(database: Database, now: datetime) -> int:
    """Drop what no timer keeps any longer. Returns how many rows that were."""
    return await timers.forget(database, now)


async def exported(database: Database, city: City, token: str, now: datetime) -> dict[str, Any] | None:
    """The export behind an address, once; None for an address that is unknown, old or used."""
    async with database.write() as unit:
        found = await takeaways.use(unit, What.EXPORT, token, now)
        if found is None:
            return None
        taken = await privacy.export(unit, found[0])
    left_out = [{"field": f"{table}.{column}", "why": why} for (table, column), why in privacy.LEFT_OUT.items()]
    return {"made": now.isoformat(), "time_zone": str(city.zone), "data": taken, "left_out": left_out}
