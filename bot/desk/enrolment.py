"""Taking a seat, standing in the queue, giving a place back; the head of the queue moves up in the same transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.desk.agreements import Agreements
from bot.desk.claims import claim
from bot.desk.gates import GATES, Refusal, free_then, overlapping
from bot.desk.offers import hand_on
from bot.desk.subject import Subject
from bot.domain.agreements import Acceptance
from bot.domain.campaigns import awake
from bot.domain.enrolment import (
    COMING,
    HELD,
    SEATED,
    Asked,
    Booking,
    Closed,
    Joined,
    Left,
    NotIn,
    Stand,
    Waitlisted,
    move,
)
from bot.domain.guardians import Band, band
from bot.domain.reliability import WITHIN, may_have_to_ask, minutes_late, must_ask
from bot.domain.reminders import USUAL, first
from storage import activities, admission, audit, enrolment, fanouts, joining, reminders, wishes
from storage.admission import Answers
from storage.tables.delivery import Lane
from storage.wishes import Seen, Wish

JoinOutcome = Joined | Waitlisted | Asked | Refusal

PAST = timedelta(hours=2)
"""How long an activity stays in “my” list after its end: its check-out is still possible."""


class Enrolment(Subject):
    """My seats."""

    async def join(
        self, shift: int, answers: Answers = (), in_spite: bool = False, accepted: Acceptance | None = None
    ) -> JoinOutcome:
        """Take a seat in a shift, or a place in its queue; or ask the organiser, where it is for them to decide.

        `in_spite`: although it overlaps with something I joined; `accepted`: the agreement that I accept with it.
        """
        if self.unit.locks_rows and not in_spite:
            told = await self._join_at_once(shift, answers, accepted)
            if told is not None:
                return told
        elif accepted is not None:
            await self._agreements.accept(accepted)
        await enrolment.lock_shift(self.unit, shift)
        wish = await wishes.wish(self.unit, shift, self.me.id, self.now)
        if wish is None:
            return Closed()
        for gate in GATES if not in_spite else [one for one in GATES if one is not free_then]:
            refusal = await gate(self, wish)
            if refusal is not None:
                return refusal
        why = "clash" if in_spite else "approval" if wish.approval else "record" if await self._must_ask(wish) else ""
        if wish.invited and not why:
            await claim(self, wish)
        id_, seated = await enrolment.seat(self.unit, shift, self.me.id, self.now, admitted=not why)
        if why:
            if answers:
                await admission.keep_answers(self.unit, id_, answers)
            await self._ask_organisers(wish)
            return Asked(id_, why)
        return await self._let_in(wish, id_, seated, answers)

    async def _ask_organisers(self, wish: Wish) -> None:
        """They hear that somebody waits for their answer, once for each shift and hour."""
        card = await activities.card(self.unit, wish.activity)
        if card is not None:
            await fanouts.plan(
                self.unit,
                kind="asking",
                source=wish.shift,
                offset=int(self.now.timestamp()) // 3600,
                lane=Lane.PERSONAL,
                segment={"organisers": card.organisation, "about": wish.shift},
                not_before=self.now,
                expires=wish.starts,
            )

    async def would_queue(self, shift: int) -> bool:
        """Of a full shift: is no seat in it held for me?"""
        wish = await wishes.wish(self.unit, shift, self.me.id, self.now)
        return wish is None or not wish.invited

    async def _join_at_once(
        self, shift: int, answers: Answers, accepted: Acceptance | None
    ) -> Joined | Waitlisted | None:
        """As most people join: nothing is asked of them that more would have to be read for. What I accept is kept.

        None: it is to be decided behind the lock, whatever it comes to.
        """
        seen = await self._seen(shift, accepted)
        if seen is None or not seen.plain or band(self.me.born, self.now) is not Band.ADULT:
            return None
        for gate in GATES:
            if await gate(self, seen.wish) is not None:
                return None
        made = await joining.join(self.unit, seen, self.me.id, self.now)
        return None if made is None else await self._let_in(seen.wish, *made, answers)

    async def _seen(self, shift: int, accepted: Acceptance | None) -> Seen | None:
        """What I wish. A text that somebody has accepted before me is kept by the same look."""
        if accepted is not None:
            seen = await wishes.see(self.unit, shift, self.me.id, self.now, (accepted, self.me.door))
            if seen is not None and seen.wish.accepted:
                await self._agreements.log(accepted, self.me.id)
                return seen
            await self._agreements.accept(accepted)
        return await wishes.see(self.unit, shift, self.me.id, self.now)

    async def _let_in(self, wish: Wish, id_: int, seated: bool, answers: Answers) -> Joined | Waitlisted:
        if answers:
            await admission.keep_answers(self.unit, id_, answers)
        if seated:
            chosen = await reminders.chosen(self.unit, [wish.activity]) if wish.reminds else {}
            befores = chosen.get(wish.activity, USUAL)
            return Joined(id_, first(wish.starts, self.now, befores, self._awake), wish.insured)
        row = await enrolment.own(self.unit, self.me.id, wish.shift)
        return Waitlisted(id_, await enrolment.position(self.unit, wish.shift, row.queue))

    @property
    def _agreements(self) -> Agreements:
        return self.beside(Agreements)

    def _awake(self, at: datetime) -> datetime:
        return awake(at, self.city.zone, self.me.quiet or self.city.quiet)

    async def _must_ask(self, wish: Wish) -> bool:
        since = self.now - WITHIN
        return may_have_to_ask(wish.broken) and must_ask(await admission.broken(self.unit, self.me.id, since))

    async def leave(self, id_: int, reason: str | None = None) -> Left | NotIn:
        """Give a seat or a place in the queue back. A freed seat goes to the head of the queue, who is told."""
        booking = await enrolment.booking(self.unit, id_, self.me.id)
        if booking is None:
            return NotIn()
        await enrolment.lock_shift(self.unit, booking.shift)
        booking = await enrolment.booking(self.unit, id_, self.me.id)
        if booking is None or booking.stand not in HELD or booking.starts <= self.now:
            return NotIn()
        after = move(booking.stand, Stand.CANCELLED)
        await enrolment.end(self.unit, id_, booking.stand, self.now, "self", reason, self.late(booking))
        await audit.log(self.unit, self.now, self.me.id, "leave", f"enrolment:{id_}", booking.stand, after)
        if booking.stand not in SEATED:
            return Left(booking, promoted=False)
        await enrolment.give_back(self.unit, booking.shift, 1 + booking.guests)
        handed = await hand_on(self.unit, self.city, booking.shift, booking.starts, self.now)
        return Left(booking, promoted=handed > 0)

    def late(self, booking: Booking) -> int | None:
        """Minutes after the deadline at which a seat would be given up now; None: in time, or nothing was promised."""
        if booking.stand not in COMING or booking.joined is None or not booking.promised:
            return None
        return minutes_late(booking.starts, booking.leave_before, booking.joined, self.now)

    async def mine(self) -> list[Booking]:
        """My live sign-ups, soonest first. A queue is over when the shift begins."""
        live = await enrolment.bookings(self.unit, self.me.id, self.now - PAST)
        return [one for one in live if one.starts > self.now or one.stand not in (Stand.WAITING, Stand.OFFERED)]

    async def booking(self, id_: int) -> Booking | None:
        """One of my sign-ups."""
        return await enrolment.booking(self.unit, id_, self.me.id)

    async def called_off(self, id_: int) -> Booking | None:
        """A sign-up of mine whose activity the organiser called off."""
        return await enrolment.called_off(self.unit, id_, self.me.id)

    async def place_in_queue(self, booking: Booking) -> int:
        """1 for the head; 0 for those with a seat."""
        if booking.stand != Stand.WAITING:
            return 0
        return await enrolment.position(self.unit, booking.shift, booking.queue)

    async def still_coming(self, id_: int) -> Booking | None:
        """“Still coming?” was answered with yes. None: there is no such seat of mine."""
        booking = await enrolment.booking(self.unit, id_, self.me.id)
        if booking is None or booking.stand not in COMING:
            return None
        if booking.stand == Stand.JOINED:
            after = move(Stand.JOINED, Stand.CONFIRMED)
            await enrolment.set_stand(self.unit, id_, booking.stand, after, self.now)
            await audit.log(self.unit, self.now, self.me.id, "confirm", f"enrolment:{id_}", booking.stand, after)
        return booking

    async def elsewhere_then(self, booking: Booking) -> Booking | None:
        """Another seat of mine at these hours: an organiser moved one of the two onto the other."""
        return await overlapping(self, booking.starts, booking.ends, booking.shift)
