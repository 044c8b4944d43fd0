"""Arriving and leaving, whoever says so: the move, the times, the evidence, and the record that follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.desk import counting
from bot.desk.offers import hand_on
from bot.desk.subject import Subject
from bot.domain.enrolment import Booking, Stand, before_arrival, move
from bot.domain.evidence import Evidence, Part, Proof, grade
from bot.domain.records import Counted
from storage import attendance, audit, enrolment, evidence, matters


@dataclass(frozen=True, slots=True)
class Seat:
    """A sign-up and whose it is: what must be known to move it."""

    enrolment: int
    person: int
    stand: Stand
    starts: datetime
    ends: datetime
    on_the_spot: bool = False
    """It was made in this moment, by whoever leads: if they were not there after all, nothing of it stays."""


def seat_of(booking: Booking, person: int) -> Seat:
    """A person's own sign-up as a seat."""
    return Seat(booking.id, person, booking.stand, booking.starts, booking.ends)


class Presences(Subject):
    """`me` says it: the person themselves, or who leads. Moves are conditional, so that two who say it at once have one
    effect."""

    def piece(self, kind: Proof, part: Part, at: datetime | None = None, **more: int | str | bool | None) -> Evidence:
        """A piece of evidence that I give, now unless another moment is named."""
        return Evidence(kind, part, at or self.now, self.me.id, **more)  # type: ignore[arg-type]  # its fields by name

    async def arrive(self, seat: Seat, at: datetime, *pieces: Evidence) -> bool:
        """They are there. False: somebody was faster."""
        if not await self.move(seat, Stand.ARRIVED, "arrive"):
            return False
        stood = Stand.CANCELLED if seat.on_the_spot else seat.stand
        await attendance.arrive(self.unit, seat.enrolment, seat.person, at, pieces[0].kind, stood)
        for one in pieces:
            await evidence.add(self.unit, seat.enrolment, one)
        return True

    async def leave(self, seat: Seat, at: datetime, *pieces: Evidence) -> Counted | None:
        """They have left; the minutes are counted. None: somebody was faster."""
        if not await self.move(seat, Stand.LEFT, "check out"):
            return None
        return await self.count(seat, at, *pieces)

    async def count(self, seat: Seat, left: datetime, *pieces: Evidence) -> Counted:
        """Write down when they left and how that is known, and make the record; one that was closed by rule says from
        now on what this is worth."""
        presence = await attendance.presence(self.unit, seat.enrolment)
        shift = (seat.starts, seat.ends)
        counted = await counting.worth(
            self.unit, self.city, seat.enrolment, seat.person, presence.arrived, left, shift
        )
        await attendance.leave(self.unit, seat.enrolment, left, pieces[0].kind)
        for one in pieces:
            await evidence.add(self.unit, seat.enrolment, one)
        closed = await attendance.record_of(self.unit, seat.enrolment)
        if closed is not None:
            await attendance.set_worth(self.unit, closed, counted)
            await evidence.regrade(self.unit, seat.enrolment)
            await audit.log(self.unit, self.now, self.me.id, "settle", f"record:{closed}", "0", str(counted.minutes))
            return counted
        proven = grade(await evidence.of(self.unit, seat.enrolment))
        await counting.keep(self.unit, self.city, seat.enrolment, counted, proven, self.now)
        return counted

    async def add(self, seat: Seat, one: Evidence) -> None:
        """One more piece; the record's grade follows."""
        await evidence.add(self.unit, seat.enrolment, one)
        await audit.log(self.unit, self.now, self.me.id, "prove", f"enrolment:{seat.enrolment}", None, one.kind)
        changed = await evidence.regrade(self.unit, seat.enrolment)
        if changed:
            await audit.log(self.unit, self.now, self.me.id, "grade", f"enrolment:{seat.enrolment}", *changed)

    async def take_back(self, seat: Seat, part: Part, nonce: str | None = None) -> bool:
        """What was said of the arrival, or of the departure, does not hold: the sign-up stands where it stood."""
        if part == Part.DEPARTURE and await matters.is_asked_about(self.unit, seat.enrolment):
            return False  # a record that somebody asks about is corrected, never taken away
        stood = (await attendance.presence(self.unit, seat.enrolment)).stood
        after = before_arrival(stood) if part == Part.ARRIVAL else Stand.ARRIVED
        if not await self.move(seat, after, "undo"):
            return False
        await evidence.add(self.unit, seat.enrolment, self.piece(Proof.TAKEN_BACK, part, nonce=nonce))
        if part == Part.DEPARTURE:
            await attendance.drop_record(self.unit, seat.enrolment)
            await attendance.unleave(self.unit, seat.enrolment)
        elif stood == Stand.CANCELLED:
            await self._give_back(seat, after)
        return True

    async def _give_back(self, seat: Seat, stand: Stand) -> None:
        """They never signed up: a seat of theirs would make them absent."""
        shift = await enrolment.shift_of(self.unit, seat.enrolment)
        assert shift is not None
        await enrolment.lock_shift(self.unit, shift)
        by = "self" if seat.person == self.me.id else "organiser"
        move(stand, Stand.CANCELLED)
        if await enrolment.end(self.unit, seat.enrolment, stand, self.now, by):
            target = f"enrolment:{seat.enrolment}"
            await audit.log(self.unit, self.now, self.me.id, "undo", target, stand, Stand.CANCELLED)
            await enrolment.give_back(self.unit, shift)
            if self.now < seat.starts:
                await hand_on(self.unit, self.city, shift, seat.starts, self.now)

    async def move(self, seat: Seat, after: Stand, deed: str) -> bool:
        """Move the sign-up if it still stands where it was seen. Raises IllegalMove."""
        move(seat.stand, after)
        if not await enrolment.set_stand(self.unit, seat.enrolment, seat.stand, after, self.now):
            return False
        await audit.log(
            self.unit, self.now, self.me.id, deed, f"enrolment:{seat.enrolment}", seat.stand, after
        )
        return True
