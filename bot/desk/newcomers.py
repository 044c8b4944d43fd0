"""Whoever comes without a place on the roll, and whoever shows their own code: added and marked by who leads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.desk.gates import Refusal, agreed, free_then, of_age, skilled
from bot.desk.led import led
from bot.desk.organising import Organising
from bot.desk.permitted import permitted
from bot.desk.presences import Presences, Seat
from bot.desk.rolls import Answer, Rolls
from bot.desk.subject import Subject
from bot.desk.telling import tell
from bot.domain.activities import Activity, NotAllowed, Shift
from bot.domain.attendance import OPENS, TRIES, TRIES_WITHIN, TooManyTries
from bot.domain.enrolment import Stand
from bot.domain.evidence import Part, Proof
from bot.domain.mycode import OwnCode, own_code, own_code_fits
from bot.domain.people import Person
from bot.domain.roles import Deed
from bot.domain.roll import Call, Mark, Rolled, rolls_of
from storage import activities, attendance, enrolment, people, roll, wishes

GATES = (of_age, skilled, free_then, led, permitted, agreed)
"""Who comes on the spot meets the same gates as everybody, but that the activity has begun."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody without a place on the roll. `free`: seats that are left; none: one more must be put up on purpose."""

    activity: Activity
    shift: Shift
    person: Person
    name: str

    @property
    def free(self) -> int:
        """Seats that are left."""
        return self.shift.free


@dataclass(frozen=True, slots=True)
class Added:
    """They have a seat and are there. `lifted`: the shift has one seat more for it."""

    activity: Activity
    name: str
    lifted: bool


@dataclass(frozen=True, slots=True)
class NoSuchCode:
    """Not their code now, or nobody has that number: both sound the same."""


@dataclass(frozen=True, slots=True)
class StandsThere:
    """They are checked in at something else that has not ended."""

    title: str
    english: str


class Newcomers(Subject):
    """People who come to me where I lead."""

    def mine(self) -> OwnCode:
        """My own code, to show to whoever leads."""
        return own_code(self.city.secrecy.signature, self.me.number, self.now)

    async def reads(self, number: str, given: str) -> Person | NoSuchCode | TooManyTries:
        """Whose own code this is."""
        closed = await self._closed()
        if closed is not None:
            return closed
        who = await self._by_number(number)
        if who is None or not own_code_fits(self.city.secrecy.signature, who.number, given, self.now):
            await attendance.note_wrong_code(self.unit, self.me.id, [], self.now)
            return NoSuchCode()
        return who

    async def by_digits(self, activity: int, digits: str) -> Rolled | NoSuchCode | TooManyTries | NotAllowed:
        """Who on the roll shows these six digits now."""
        if await self.beside(Organising).allowed(activity, Deed.ROLL) is None:
            return NotAllowed()
        closed = await self._closed()
        if closed is not None:
            return closed
        lines = await roll.roll(self.unit, activity)
        shown = await self._showing(digits, [one.person for one in lines])
        for one in lines:
            if one.person in shown:
                return one
        await attendance.note_wrong_code(self.unit, self.me.id, [], self.now)
        return NoSuchCode()

    async def meant(
        self, on: Sequence[Activity], calls: Sequence[Call], at: datetime
    ) -> Sequence[Activity] | NoSuchCode | TooManyTries:
        """Of these activities whose rolls I take, those that calls by own code or volunteer number can be for; all of
        them where that tells nothing.

        A code of nobody is told at once: if it were asked about first, one could guess without end.
        """
        if any(one.of_one_roll for one in calls):
            return on
        codes = [code for one in calls for code in one.codes]
        closed = await self._closed() if codes else None
        if closed is not None:
            return closed
        rolls = [await roll.roll(self.unit, one.id) for one in on]
        everybody = [line.person for lines in rolls for line in lines]
        showing = [await self._showing(code, everybody) for code in codes]
        named = [await people.by_number(self.unit, number) for one in calls for number in one.people]
        found = await self.with_seats(on, {who for who in named if who is not None}.union(*showing), at)
        if len(found) != 1 and not all(showing):
            await attendance.note_wrong_code(self.unit, self.me.id, [], self.now)
            return NoSuchCode()
        return found or on

    async def with_seats(self, on: Sequence[Activity], who: Collection[int], at: datetime) -> list[Activity]:
        """Of these activities, those where somebody of these people is awaited, or else has or had a seat."""
        meant = rolls_of({one.id: await roll.roll(self.unit, one.id) for one in on}, who, at)
        return [one for one in on if one.id in meant]

    async def _closed(self) -> TooManyTries | None:
        """I have tried too many wrong codes."""
        tries = await attendance.wrong_codes(self.unit, self.now - TRIES_WITHIN, person=self.me.id)
        return TooManyTries(tries[-TRIES] + TRIES_WITHIN) if len(tries) >= TRIES else None

    async def _showing(self, digits: str, who: Sequence[int]) -> set[int]:
        """Who of these people shows this code now."""
        numbers = await people.numbers(self.unit, who)
        sign = self.city.secrecy.signature
        return {one for one, number in numbers.items() if own_code_fits(sign, number, digits, self.now)}

    async def person(self, number: str) -> Person | NoSuchCode:
        """Whoever has this volunteer number."""
        return await self._by_number(number) or NoSuchCode()

    async def _by_number(self, number: str) -> Person | None:
        id_ = await people.by_number(self.unit, number)
        who = await people.find(self.unit, id_) if id_ is not None else None
        return who if who and who.erasing is None else None

    async def look(self, activity: int, who: Person) -> Newcomer | Rolled | NotAllowed:
        """Their line of the roll, or what they would take a seat of."""
        card = await self.beside(Organising).allowed(activity, Deed.ROLL)
        on = [one for one in card.shifts if one.starts - OPENS <= self.now < one.ends] if card else []
        if card is None or not on or card.state != "open" or who.id == self.me.id:
            return NotAllowed()
        lines = [one for one in await roll.roll(self.unit, activity) if one.person == who.id]
        seated = [one for one in lines if one.stand not in (Stand.WAITING, Stand.OFFERED)]
        if seated:
            return seated[0]
        name = (await self._rolls.named(card, [who.id])).get(who.id, "")
        return Newcomer(card, on[0], who, name or who.number)

    async def mark(self, activity: int, line: Rolled, shown: bool) -> Answer:
        """Somebody on the roll is here: they showed their code, or the leader says so."""
        done = await self._rolls.mark(line, Mark.HERE, self.now, Proof.SHOWN if shown else Proof.ROLL)
        card = await activities.card(self.unit, activity)
        names = await self._rolls.named(card, [line.person]) if card else {}
        return Answer(line.number, names.get(line.person, ""), done)

    async def add(
        self, activity: int, who: Person, shown: bool, lift: bool
    ) -> Added | Answer | Newcomer | StandsThere | Refusal | NotAllowed:
        """Give somebody a seat on the spot and write down that they are here.

        A full shift gets one more seat only on purpose (`lift`), which is in the log.
        """
        found = await self.look(activity, who)
        if isinstance(found, Rolled):
            return await self.mark(activity, found, shown)
        if isinstance(found, NotAllowed):
            return found
        await enrolment.lock_shift(self.unit, found.shift.id)
        found = await self.look(activity, who)  # as it is now that the shift is ours
        if not isinstance(found, Newcomer):
            return NotAllowed()
        if not found.free and not lift:
            return found
        refusal = await self._refusal(found)
        if refusal is not None:
            return refusal
        lifted = not found.free
        if lifted:
            await self.beside(Organising).lift(found.shift)
        await self._seat(found, shown)
        return Added(found.activity, found.name, lifted)

    async def _refusal(self, found: Newcomer) -> StandsThere | Refusal | None:
        asker = Subject(self.unit, found.person, self.now, self.city)
        elsewhere = await enrolment.bookings(self.unit, found.person.id, self.now)
        for one in elsewhere:
            if one.stand == Stand.ARRIVED:
                return StandsThere(one.title, one.english)
        wish = await wishes.wish(self.unit, found.shift.id, found.person.id, self.now)
        for gate in GATES:
            refusal = await gate(asker, wish) if wish else None
            if refusal is not None:
                return refusal
        return None

    async def _seat(self, found: Newcomer, shown: bool) -> None:
        own = await enrolment.own(self.unit, found.person.id, found.shift.id)
        if own is not None and own.state == Stand.OFFERED:
            await enrolment.accept(self.unit, own.id, self.now)
            id_ = own.id
        else:
            id_, _seated = await enrolment.seat(self.unit, found.shift.id, found.person.id, self.now)
        said = self.beside(Presences)
        pieces = [said.piece(Proof.SHOWN, Part.ARRIVAL)] if shown else []
        shift = found.shift
        seat = Seat(id_, found.person.id, Stand.JOINED, shift.starts, shift.ends, on_the_spot=True)
        await said.arrive(seat, self.now, *pieces, said.piece(Proof.WALKIN, Part.ARRIVAL))
        await tell(self, found.person.id, "added", id_, found.shift.id, found.shift.ends)

    @property
    def _rolls(self) -> Rolls:
        return self.beside(Rolls)
