"""A freed seat and the queue: held for the head as an offer, taken, let go, or run out and handed on."""

from __future__ import annotations

from datetime import datetime

from bot.desk import gates
from bot.desk.city import City
from bot.desk.subject import Subject
from bot.domain.enrolment import Booking, Clashed, NotIn, Stand, move
from bot.domain.offers import LAPSES, answer_until
from storage import audit, enrolment, fanouts, offers, squads
from storage.database import Database, Unit
from storage.tables.delivery import Lane


class Offers(Subject):
    """Seats that are held for me."""

    async def accept(self, id_: int) -> Booking | Clashed | NotIn:
        """Yes: the seat is mine. As long as nobody handed it on, a late yes is a yes."""
        held = await enrolment.booking(self.unit, id_, self.me.id)
        if held is None:
            return NotIn()
        await enrolment.lock_shift(self.unit, held.shift)
        row = await enrolment.own(self.unit, self.me.id, held.shift)
        # `why`: the organiser let them in although it overlaps.
        other = row.why is None and await gates.overlapping(self, held.starts, held.ends, held.shift)
        if other:
            return Clashed(other)
        if held.starts <= self.now or not await enrolment.accept(self.unit, id_, self.now):
            return NotIn()
        after = move(Stand.OFFERED, Stand.JOINED)
        await audit.log(self.unit, self.now, self.me.id, "accept", f"enrolment:{id_}", Stand.OFFERED, after)
        return held


async def hand_on(
    unit: Unit, city: City, shift: int, starts: datetime, now: datetime, at_once: bool = False
) -> int:
    """Every free seat goes to the head of the queue: as an offer, or at once where nobody could answer in time.

    `at_once`: they have just been let in, which they are told. Returns how many were handed on. The shift is locked
    by the caller.
    """
    until, handed = None if at_once else answer_until(starts, now, city.zone, city.quiet), 0
    day = starts.astimezone(city.zone).date()
    while await squads.may_hand_on(unit, shift, day) and (head := await offers.take_for_head(unit, shift)) is not None:
        after = move(Stand.WAITING, Stand.JOINED if until is None else Stand.OFFERED)
        await offers.place(unit, head.id, after, until, now, promised=at_once)
        deed = "promote" if until is None else "offer"
        await audit.log(unit, now, None, deed, f"enrolment:{head.id}", Stand.WAITING, after)
        handed += 1
        if at_once:
            continue
        await fanouts.plan(
            unit,
            kind="promotion" if until is None else "offer",
            source=head.id,
            revision=head.offers + 1,
            # An offer can wait until the morning, its window does; a seat that was given cannot.
            lane=Lane.CHANGE if until is None else Lane.REMINDER,
            segment={"enrolment": head.id},
            words={"until": until.isoformat()} if until else None,
            not_before=now,
            expires=until or starts,
        )
    return handed


async def renew(unit: Unit, city: City, shift: int, starts: datetime, now: datetime) -> None:
    """The hours or the place have changed: what was on offer is offered anew, as it is now."""
    for one in await offers.open_on(unit, shift):
        after = move(Stand.OFFERED, Stand.WAITING)
        await offers.stand_back(unit, one.id, shift, now)
        await audit.log(unit, now, None, "renew", f"enrolment:{one.id}", Stand.OFFERED, after)
    await hand_on(unit, city, shift, starts, now)


async def lapse(database: Database, city: City, now: datetime) -> int:
    """Offers that ran out go to the next; twice, or by two replicas at once, is once. Returns how many ran out."""
    async with database.read() as unit:
        shifts = await offers.run_out(unit, now)
    count = 0
    for one in shifts:  # a transaction each: nobody waits for a shift that is not theirs
        async with database.write() as unit:
            count += await _lapse(unit, city, one.id, one.starts, now)
    return count


async def _lapse(unit: Unit, city: City, shift: int, starts: datetime, now: datetime) -> int:
    await enrolment.lock_shift(unit, shift)
    over = await offers.open_on(unit, shift, now)
    for one in over:
        lapses = one.lapses + 1
        after = move(Stand.OFFERED, Stand.WAITING if lapses < LAPSES else Stand.CANCELLED)
        if after == Stand.WAITING:
            await offers.queue_again(unit, one.id, shift, lapses, now)
        else:
            await enrolment.end(unit, one.id, Stand.OFFERED, now, "rule")
            await enrolment.give_back(unit, shift)
        await audit.log(unit, now, None, "lapse", f"enrolment:{one.id}", Stand.OFFERED, after)
    await hand_on(unit, city, shift, starts, now)
    for one in over:  # whoever was alone in the queue has the next offer already, and hears of that
        await fanouts.plan(
            unit,
            kind="lapse",
            source=one.id,
            revision=one.offers,
            lane=Lane.REMINDER,
            segment={"enrolment": one.id},
            not_before=now,
            expires=starts,
        )
    return len(over)
