"""Being there: the rotating code typed, scanned or opened as a link; arriving, leaving, and what it counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.desk.subject import Subject
from bot.domain.attendance import (
    ACTIVITY_TRIES,
    ACTIVITY_TRIES_WITHIN,
    CHECKOUT_CLOSES,
    OPENS,
    TRIES,
    TRIES_WITHIN,
    AlreadyThere,
    CheckedIn,
    CheckedOut,
    NothingNow,
    TooEarly,
    TooManyTries,
    WrongCode,
    code_fits,
    window,
)
from bot.domain.enrolment import COMING, Booking, Stand, move
from bot.domain.records import RULES, count
from storage import activities, attendance, audit, enrolment

TOKEN_LENGTH = 16
"""Characters of the scanned code: 80 bits. The typed one has 8 digits."""

CheckInOutcome = CheckedIn | AlreadyThere | WrongCode | TooManyTries | TooEarly | NothingNow
CheckOutOutcome = CheckedOut | AlreadyThere | WrongCode | TooManyTries | NothingNow


class Attendance(Subject):
    """My presences."""

    async def expected(self) -> CheckInOutcome | None:
        """Is there anything to check into now? None: yes, a code is all that is needed."""
        mine = await self._bookings(*COMING, Stand.ARRIVED)
        if any(window(one.starts, one.ends, self.now) == "open" for one in mine):
            return None
        coming = [one for one in mine if one.starts > self.now]
        if not coming:
            return NothingNow(None)
        return TooEarly(coming[0].starts - OPENS, coming[0].title, coming[0].english)

    async def check_in(self, code: str, activity: int | None = None) -> CheckInOutcome:
        """Arrive with a code. Wrong, old, another activity's and not registered all give the same answer."""
        wait = await self._must_wait()
        if wait:
            return wait
        mine = await self._bookings(*COMING, Stand.ARRIVED)
        open_now = [one for one in mine if window(one.starts, one.ends, self.now) == "open"]
        fitting = await self._fitting(code, open_now, activity)
        if isinstance(fitting, TooManyTries):
            return fitting
        if fitting is None:
            return await self._wrong(open_now)
        if fitting.stand == Stand.ARRIVED:
            presence = await attendance.presence(self.unit, fitting.id)
            return AlreadyThere(presence.arrived)
        by = "link" if len(code) == TOKEN_LENGTH else "code"
        await self._move(fitting, Stand.ARRIVED, "arrive")
        await attendance.arrive(self.unit, fitting.id, self.me.id, self.now, by)
        late = max(int((self.now - fitting.starts).total_seconds() // 60), 0)
        return CheckedIn(fitting.title, fitting.english, self.now, late, fitting.id)

    async def to_check_out(self) -> Booking | None:
        """Where I am checked in now."""
        arrived = await self._bookings(Stand.ARRIVED)
        return arrived[0] if arrived else None

    async def check_out(self, code: str | None) -> CheckOutOutcome:
        """Leave: with the code on the wall (two-sided, grade A), or on my own word (one-sided, grade B)."""
        here = await self.to_check_out()
        if here is None:
            return NothingNow(None)
        if code is not None:
            wait = await self._must_wait()
            if wait:
                return wait
            fitting = await self._fitting(code, [here], None)
            if isinstance(fitting, TooManyTries):
                return fitting
            if fitting is None:
                return await self._wrong([here])
        return await self._leave(here, "own" if code is None else "code", "B" if code is None else "A")

    async def _leave(self, here: Booking, by: str, grade: str) -> CheckedOut:
        presence = await attendance.presence(self.unit, here.id)
        counted_before = await attendance.counted_intervals(self.unit, self.me.id, here.starts, here.ends)
        counted = count(presence.arrived, self.now, (here.starts, here.ends), counted_before)
        await self._move(here, Stand.LEFT, "check out")
        await attendance.leave(self.unit, here.id, self.now, by)
        await attendance.keep_record(self.unit, here.id, counted, grade, RULES.name, self.now)
        return CheckedOut(here.title, here.english, self.now, counted.minutes, counted.why, here.id)

    async def undo_check_in(self, id_: int) -> bool:
        """Take an arrival back, within ten minutes."""
        return await self._undo(id_, Stand.ARRIVED, Stand.JOINED)

    async def undo_check_out(self, id_: int) -> bool:
        """Take a departure back, within ten minutes; its record goes with it."""
        if not await self._undo(id_, Stand.LEFT, Stand.ARRIVED):
            return False
        await attendance.drop_record(self.unit, id_)
        await attendance.unleave(self.unit, id_)
        return True

    async def _undo(self, id_: int, before: Stand, after: Stand) -> bool:
        booking = await enrolment.booking(self.unit, id_, self.me.id)
        if booking is None or booking.stand != before:
            return False
        presence = await attendance.presence(self.unit, id_)
        latest = presence.left or presence.arrived
        if self.now - latest > timedelta(minutes=10):
            return False
        await self._move(booking, after, "undo")
        return True

    async def _bookings(self, *stands: Stand) -> list[Booking]:
        mine = await enrolment.bookings(self.unit, self.me.id, self.now - CHECKOUT_CLOSES)
        return [one for one in mine if one.stand in stands]

    async def _move(self, booking: Booking, after: Stand, deed: str) -> None:
        move(booking.stand, after)
        await enrolment.set_stand(self.unit, booking.id, booking.stand, after, self.now)
        await audit.log(self.unit, self.now, self.me.id, deed, f"enrolment:{booking.id}", booking.stand, after)

    async def _must_wait(self) -> TooManyTries | None:
        """Five wrong codes in ten minutes: wait."""
        tries = await attendance.wrong_codes(self.unit, self.now - TRIES_WITHIN, person=self.me.id)
        return TooManyTries(tries[-TRIES] + TRIES_WITHIN) if len(tries) >= TRIES else None

    async def _fitting(
        self, code: str, candidates: Sequence[Booking], activity: int | None
    ) -> Booking | TooManyTries | None:
        """The sign-up whose code this is. Typed codes are closed while somebody guesses at the activity."""
        for one in candidates:
            if activity is not None and one.activity != activity:
                continue
            if len(code) != TOKEN_LENGTH:
                since = self.now - ACTIVITY_TRIES_WITHIN
                tries = await attendance.wrong_codes(self.unit, since, activity_id=one.activity)
                if len(tries) >= ACTIVITY_TRIES:
                    return TooManyTries(tries[0] + ACTIVITY_TRIES_WITHIN)
            secret = await activities.secret(self.unit, self.city.secrecy, one.activity)
            if secret and code_fits(secret, one.activity, code, self.now):
                return one
        return None

    async def _wrong(self, candidates: Sequence[Booking]) -> WrongCode:
        await attendance.note_wrong_code(self.unit, self.me.id, [one.activity for one in candidates], self.now)
        tries = await attendance.wrong_codes(self.unit, self.now - TRIES_WITHIN, person=self.me.id)
        return WrongCode(max(TRIES - len(tries), 0))


def code_of(text: str) -> str | None:
    """A code as it was typed or scanned: 8 digits (spaces and hyphens do not matter) or 16 letters and digits."""
    bare = "".join(character for character in text if character not in " -·\u3000")
    if len(bare) == 8 and bare.isdecimal():
        return str(int(bare)).zfill(8)
    if len(bare) == TOKEN_LENGTH and bare.isascii() and bare.isalnum():
        return bare.upper()
    return None
