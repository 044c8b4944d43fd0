"""Taking a seat, standing in the queue, giving a place back; the head of the queue moves up in the same transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.desk.subject import Subject
from bot.domain.agreements import Condition, NeedsAgreement, conditions
from bot.domain.enrolment import (
    AlreadyIn,
    Booking,
    Clashed,
    Closed,
    Joined,
    Left,
    NotIn,
    Stand,
    TooYoung,
    Waitlisted,
    clash,
    move,
    old_enough,
)
from bot.domain.reach import first_reminder
from storage import agreements, audit, enrolment, fanouts
from storage.enrolment import Wish
from storage.tables.delivery import Lane

JoinOutcome = Joined | Waitlisted | AlreadyIn | Clashed | Closed | TooYoung | NeedsAgreement

PAST = timedelta(hours=2)
"""How long an activity stays in “my” list after its end: its check-out is still possible."""


class Enrolment(Subject):
    """My seats."""

    async def join(self, shift: int) -> JoinOutcome:
        """Take a seat in a shift, or a place in its queue."""
        await enrolment.lock_shift(self.unit, shift)
        wish = await enrolment.wish(self.unit, shift)
        if wish is None or wish.state != "open" or wish.starts <= self.now:
            return Closed()
        if not old_enough(self.me.born, wish.minimum_age, self.now):
            return TooYoung(wish.minimum_age)
        mine = await enrolment.own(self.unit, self.me.id, shift)
        if mine is not None and mine.state != Stand.CANCELLED:
            return AlreadyIn(Stand(mine.state))
        unsigned = await self._unsigned(wish)
        if unsigned:
            return NeedsAgreement(unsigned)
        other = clash(wish.starts, wish.ends, await self.mine(), shift)
        if other is not None:
            return Clashed(other)
        id_, seated = await enrolment.seat(self.unit, shift, self.me.id, self.now)
        if seated:
            return Joined(id_, first_reminder(wish.starts, self.now))
        row = await enrolment.own(self.unit, self.me.id, shift)
        return Waitlisted(id_, await enrolment.position(self.unit, shift, row.queue))

    async def _unsigned(self, wish: Wish) -> tuple[Condition, ...]:
        """Why an agreement is due that I have not accepted; nothing if none is, or I have."""
        due = conditions(wish.kind, wish.activity_starts, wish.activity_ends, wish.capacity, wish.conditions)
        return () if not due or await agreements.accepted(self.unit, wish.activity, self.me.id) else due

    async def leave(self, id_: int) -> Left | NotIn:
        """Give a seat or a place in the queue back. A freed seat goes to the head of the queue, who is told."""
        booking = await enrolment.booking(self.unit, id_, self.me.id)
        if booking is None:
            return NotIn()
        await enrolment.lock_shift(self.unit, booking.shift)
        booking = await enrolment.booking(self.unit, id_, self.me.id)
        if booking is None or booking.stand not in (Stand.WAITING, Stand.JOINED) or booking.starts <= self.now:
            return NotIn()
        after = move(booking.stand, Stand.CANCELLED)
        await enrolment.set_stand(self.unit, id_, booking.stand, after, self.now)
        await audit.log(self.unit, self.now, self.me.id, "leave", f"enrolment:{id_}", booking.stand, after)
        promoted = booking.stand == Stand.JOINED and await self._promote(booking.shift, booking.starts)
        return Left(booking, bool(promoted))

    async def _promote(self, shift: int, starts: datetime) -> bool:
        """Give the freed seat to the head of the queue and plan the message that says so."""
        head = await enrolment.give_back(self.unit, shift)
        if head is None:
            return False
        await enrolment.set_stand(self.unit, head, Stand.WAITING, move(Stand.WAITING, Stand.JOINED), self.now)
        await audit.log(self.unit, self.now, None, "promote", f"enrolment:{head}", Stand.WAITING, Stand.JOINED)
        await fanouts.plan(
            self.unit,
            kind="promotion",
            source=head,
            revision=await enrolment.queue_number(self.unit, head),
            lane=Lane.CHANGE,
            segment={"enrolment": head},
            not_before=self.now,
            expires=starts,
        )
        return True

    async def mine(self) -> list[Booking]:
        """My live sign-ups, soonest first."""
        return await enrolment.bookings(self.unit, self.me.id, self.now - PAST)

    async def booking(self, id_: int) -> Booking | None:
        """One of my sign-ups."""
        return await enrolment.booking(self.unit, id_, self.me.id)

    async def place_in_queue(self, booking: Booking) -> int:
        """1 for the head; 0 for those with a seat."""
        if booking.stand != Stand.WAITING:
            return 0
        return await enrolment.position(self.unit, booking.shift, booking.queue)

    async def still_coming(self, id_: int) -> Booking | None:
        """“Still coming?” was answered with yes. None: there is no such sign-up of mine."""
        booking = await enrolment.booking(self.unit, id_, self.me.id)
        if booking is None or booking.stand != Stand.JOINED:
            return None
        await enrolment.answer_coming(self.unit, id_, True)
        return booking
