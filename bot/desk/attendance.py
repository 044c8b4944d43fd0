"""Being there: the rotating code typed, scanned or opened as a link; arriving, leaving, and what it counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.desk.presences import Presences, seat_of
from bot.desk.subject import Subject
from bot.domain.attendance import (
    ACTIVITY_TRIES,
    ACTIVITY_TRIES_WITHIN,
    CHECKOUT_CLOSES,
    OPENS,
    OWN_WORD,
    TRIES,
    TRIES_WITHIN,
    AlreadyThere,
    CheckedIn,
    CheckedOut,
    NothingNow,
    NotSignedUp,
    StillElsewhere,
    TooEarly,
    TooLateToTell,
    TooManyTries,
    WrongCode,
    step_of,
    window,
)
from bot.domain.enrolment import COMING, Booking, Stand
from bot.domain.evidence import AT_THE_PLACE, Evidence, Part, Proof, standing
from bot.domain.fence import Fence, Nearness, fence
from storage import activities, attendance, enrolment, evidence, fanouts
from storage.tables.delivery import Lane

TOKEN_LENGTH = 16
"""Characters of the scanned code: 80 bits. The typed one has 8 digits."""

CheckInOutcome = (
    CheckedIn | AlreadyThere | StillElsewhere | WrongCode | TooManyTries | TooEarly | NothingNow | NotSignedUp
)
CheckOutOutcome = CheckedOut | AlreadyThere | TooLateToTell | WrongCode | TooManyTries | NothingNow


class Attendance(Subject):
    """My presences."""

    async def expected(self) -> CheckInOutcome | None:
        """Is there anything to check into now? None: yes, a code is all that is needed."""
        mine = await self._bookings(*COMING, Stand.ARRIVED)
        on = [one for one in mine if window(one.starts, one.ends, self.now) == "open"]
        if any(one.stand in COMING for one in on):
            return None
        if on:
            return AlreadyThere((await attendance.presence(self.unit, on[0].id)).arrived)
        coming = [one for one in mine if one.starts > self.now]
        if not coming:
            return NothingNow(None)
        return TooEarly(coming[0].starts - OPENS, coming[0].title, coming[0].english)

    async def check_in(self, code: str, activity: int | None = None, ending: bool = False) -> CheckInOutcome:
        """Arrive with a code. Wrong, old and another activity's all give the same answer; whoever has no sign-up that
        is on hears so, whatever the code is.

        `ending`: what I am still checked in at is left with it.
        """
        wait = await self._must_wait()
        if wait:
            return wait
        mine = await self._bookings(*COMING, Stand.ARRIVED)
        open_now = [one for one in mine if window(one.starts, one.ends, self.now) == "open"]
        if not open_now:
            return NotSignedUp()
        fitting = await self._fitting(code, open_now, activity)
        if isinstance(fitting, TooManyTries):
            return fitting
        if fitting is None:
            return await self._wrong(open_now)
        booking, step = fitting
        kind = Proof.LINK if len(code) == TOKEN_LENGTH else Proof.CODE
        elsewhere = self._elsewhere(mine, booking)
        if booking.stand not in COMING:
            return await self._there_before(booking, kind, step)
        if elsewhere and not ending:
            return StillElsewhere(elsewhere.title, elsewhere.english, elsewhere.id)
        if elsewhere:
            await self._leave(elsewhere, Proof.OWN, None)
        return await self._arrive(booking, kind, step)

    async def _there_before(self, booking: Booking, kind: Proof, step: int) -> AlreadyThere:
        """A first code after the leader's word is the other side of it; a second code adds nothing."""
        holds = standing(await evidence.of(self.unit, booking.id))
        if not any(one.kind in AT_THE_PLACE for one in holds):
            said = self._presences
            await said.add(seat_of(booking, self.me.id), said.piece(kind, Part.ARRIVAL, step=step))
        return AlreadyThere((await attendance.presence(self.unit, booking.id)).arrived)

    def _elsewhere(self, mine: Sequence[Booking], here: Booking) -> Booking | None:
        """Where I am checked in that has not ended."""
        others = (one for one in mine if one.stand == Stand.ARRIVED and one.id != here.id and self.now < one.ends)
        return next(others, None)

    async def _arrive(self, booking: Booking, kind: Proof, step: int) -> CheckedIn | AlreadyThere:
        said = self._presences
        if not await said.arrive(
            seat_of(booking, self.me.id), self.now, said.piece(kind, Part.ARRIVAL, step=step)
        ):
            return AlreadyThere((await attendance.presence(self.unit, booking.id)).arrived)
        late = max(int((self.now - booking.starts).total_seconds() // 60), 0)
        return CheckedIn(booking.title, booking.english, self.now, late, booking.id)

    async def to_check_out(self) -> Booking | None:
        """Where I am checked in now."""
        arrived = await self._bookings(Stand.ARRIVED)
        return arrived[0] if arrived else None

    async def check_out(self, code: str | None) -> CheckOutOutcome:
        """Leave: with the code on the wall, or on my own word until shortly after the end."""
        here = await self.to_check_out()
        if here is None:
            return NothingNow(None)
        if code is None:
            if self.now > here.ends + OWN_WORD:
                return TooLateToTell(here.id)
            return await self._leave(here, Proof.OWN, None)
        wait = await self._must_wait()
        if wait:
            return wait
        fitting = await self._fitting(code, [here], None)
        if isinstance(fitting, TooManyTries):
            return fitting
        if fitting is None:
            return await self._wrong([here])
        return await self._leave(here, Proof.CODE, fitting[1])

    async def _leave(self, here: Booking, kind: Proof, step: int | None) -> CheckedOut | NothingNow:
        said = self._presences
        piece = said.piece(kind, Part.DEPARTURE, step=step)
        counted = await said.leave(seat_of(here, self.me.id), self.now, piece)
        if counted is None:
            return NothingNow(None)
        return CheckedOut(here.title, here.english, self.now, counted.minutes, counted.why, here.id)

    async def undo_check_in(self, id_: int) -> bool:
        """Take an arrival back, within ten minutes."""
        return await self._undo(id_, Stand.ARRIVED, Part.ARRIVAL)

    async def undo_check_out(self, id_: int) -> bool:
        """Take a departure back, within ten minutes; its record goes with it."""
        return await self._undo(id_, Stand.LEFT, Part.DEPARTURE)

    async def _undo(self, id_: int, before: Stand, part: Part) -> bool:
        booking = await enrolment.booking(self.unit, id_, self.me.id)
        if booking is None or booking.stand != before:
            return False
        presence = await attendance.presence(self.unit, id_)
        latest = presence.left or presence.arrived
        if self.now - latest > timedelta(minutes=10):
            return False
        return await self._presences.take_back(seat_of(booking, self.me.id), part)

    async def _bookings(self, *stands: Stand) -> list[Booking]:
        mine = await enrolment.bookings(self.unit, self.me.id, self.now - CHECKOUT_CLOSES)
        return [one for one in mine if one.stand in stands]

    @property
    def _presences(self) -> Presences:
        return self.beside(Presences)

    async def around(self, id_: int) -> Fence | None:
        """The fence around where I am checked in. None: I am not, it has none, or my place is known already."""
        booking = await enrolment.booking(self.unit, id_, self.me.id)
        if booking is None or booking.stand != Stand.ARRIVED or self.now >= booking.ends:
            return None
        if any(one.kind == Proof.PLACE for one in standing(await evidence.of(self.unit, id_))):
            return None
        card = await activities.card(self.unit, booking.activity)
        return fence(card.kind, card.latitude, card.longitude) if card else None

    async def show_place(self, id_: int, near: Nearness) -> bool:
        """Keep how near I was. False: I am not checked in there."""
        booking = await enrolment.booking(self.unit, id_, self.me.id)
        if booking is None or booking.stand != Stand.ARRIVED:
            return False
        said = self._presences
        one = said.piece(Proof.PLACE, Part.ARRIVAL, band=near.band, accuracy=near.accuracy)
        await said.add(seat_of(booking, self.me.id), one)
        return True

    async def proven(self, record: int) -> list[Evidence]:
        """How one of my records was proven, piece by piece."""
        return standing(await evidence.of_record(self.unit, record, self.me.id))

    async def _must_wait(self) -> TooManyTries | None:
        """Five wrong codes in ten minutes: wait."""
        tries = await attendance.wrong_codes(self.unit, self.now - TRIES_WITHIN, person=self.me.id)
        return TooManyTries(tries[-TRIES] + TRIES_WITHIN) if len(tries) >= TRIES else None

    async def _fitting(
        self, code: str, candidates: Sequence[Booking], activity: int | None
    ) -> tuple[Booking, int] | TooManyTries | None:
        """The sign-up whose code this is, and the code's step. Typed codes are closed while somebody guesses there."""
        for one in candidates:
            if activity is not None and one.activity != activity:
                continue
            if len(code) != TOKEN_LENGTH:
                since = self.now - ACTIVITY_TRIES_WITHIN
                tries = await attendance.wrong_codes(self.unit, since, activity_id=one.activity)
                if len(tries) >= ACTIVITY_TRIES:
                    return TooManyTries(tries[0] + ACTIVITY_TRIES_WITHIN)
            secret = await activities.secret(self.unit, self.city.secrecy, one.activity)
            step = step_of(secret, one.activity, code, self.now) if secret else None
            if step is not None:
                return one, step
        return None

    async def _wrong(self, candidates: Sequence[Booking]) -> WrongCode:
        await attendance.note_wrong_code(self.unit, self.me.id, [one.activity for one in candidates], self.now)
        for one in candidates:
            if await self._is_guessed_at(one.activity):
                await self._warn(one)
        tries = await attendance.wrong_codes(self.unit, self.now - TRIES_WITHIN, person=self.me.id)
        return WrongCode(max(TRIES - len(tries), 0))

    async def _is_guessed_at(self, activity: int) -> bool:
        """Are typed codes closed here, because of too many wrong ones?"""
        tries = await attendance.wrong_codes(self.unit, self.now - ACTIVITY_TRIES_WITHIN, activity_id=activity)
        return len(tries) >= ACTIVITY_TRIES

    async def _warn(self, there: Booking) -> None:
        """The organisers hear that typed codes are closed, once for each shift and hour."""
        card = await activities.card(self.unit, there.activity)
        if card is not None:
            await fanouts.plan(
                self.unit,
                kind="guessed",
                source=there.shift,
                offset=int(self.now.timestamp()) // 3600,
                lane=Lane.CHANGE,
                segment={"organisers": card.organisation, "about": there.shift},
                not_before=self.now,
                expires=there.ends,
            )


def code_of(text: str) -> str | None:
    """A code as it was typed or scanned: 8 digits (spaces and hyphens do not matter) or 16 letters and digits."""
    bare = "".join(character for character in text if character not in " -·\u3000")
    if len(bare) == 8 and bare.isdecimal():
        return str(int(bare)).zfill(8)
    if len(bare) == TOKEN_LENGTH and bare.isascii() and bare.isalnum():
        return bare.upper()
    return None
