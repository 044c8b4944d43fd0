"""What nothing else shows: my claims, and the organiser's word on them, on presences, and on hours entered by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.desk.flagging import flagged
from bot.desk.gates import agreed, of_age, skilled
from bot.desk.newcomers import Newcomers
from bot.desk.organising import Organising
from bot.desk.permitted import permits, under_age
from bot.desk.presences import Presences, Seat
from bot.desk.rolls import Rolls
from bot.desk.subject import Subject
from bot.desk.telling import tell
from bot.domain.activities import Activity, NotAllowed, Shift
from bot.domain.claims import WITHIN, Claim, Claimed, Decided, Missing
from bot.domain.enrolment import COMING, SEATED, Stand
from bot.domain.evidence import Evidence, Part, Proof, sample, standing
from bot.domain.flags import Flag
from bot.domain.people import Person
from bot.domain.roles import Deed
from bot.domain.roll import Rolled
from storage import activities, audit, claims, enrolment, evidence, roll, wishes

UNSEEN = COMING | {Stand.ABSENT, Stand.WAITING, Stand.CANCELLED}
"""Where a sign-up of somebody stands of whom nobody has said that they came."""

TELL_WITHIN = timedelta(days=14)
"""How long a decision waits for somebody who cannot be reached."""


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Presences that wait for the organiser's word; those to be looked at one by one are apart. By number: name."""

    activity: Activity
    plain: dict[int, str]
    looked_at: dict[int, str]
    why: dict[int, tuple[Flag, ...]]
    """Of those to be looked at."""


@dataclass(frozen=True, slots=True)
class Entered:
    """Hours that were entered without evidence: by person what became of it (`done`, or why not), and how many were
    drawn for the audit."""

    activity: Activity
    outcomes: Sequence[tuple[str, str]]
    drawn: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One line that an organiser enters."""

    number: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Ready:
    """A line against which nothing speaks."""

    number: str
    person: Person
    shift: Shift
    starts: datetime
    ends: datetime


class Vouching(Subject):
    """My claims, and what I may decide on."""

    async def missing(self) -> list[Missing]:
        """My sign-ups of which nothing counted and something can still be claimed."""
        return await claims.missing(self.unit, self.me.id, self.now - WITHIN, self.now)

    async def claim(self, enrolment_id: int, starts: datetime, ends: datetime, what: str, photo: str) -> Claimed | None:
        """Say what I did. None: it is not missing (any more), or the times do not lie in the shift."""
        one = next((each for each in await self.missing() if each.enrolment == enrolment_id), None)
        if one is None or not (one.arrived or one.starts) <= starts < ends <= one.ends:
            return None
        id_ = await claims.make(self.unit, enrolment_id, self.me.id, starts, ends, what, photo or None, self.now)
        await audit.log(self.unit, self.now, self.me.id, "claim", f"enrolment:{enrolment_id}", None, "open")
        return Claimed(id_)

    async def mine(self, id_: int) -> Claim | None:
        """One of my claims."""
        found = await claims.find(self.unit, id_)
        return found if found and found.person == self.me.id else None

    # --- The organiser's word --------------------------------------------------------------------------------------

    async def waiting(self) -> list[Claim]:
        """Claims that I may decide on, with names."""
        mine = await self._organising.activities(since=self.now - WITHIN - timedelta(days=1))
        cards = {one.id: one for one in mine if await self._organising.allowed(one.id, Deed.CONFIRM)}
        found = await claims.waiting(self.unit, sorted(cards))
        return [await self._named(one, cards[one.activity]) for one in found if one.person != self.me.id]

    async def to_decide(self, id_: int) -> Claim | None:
        """A claim that I may decide on; nobody decides on their own."""
        found = await claims.find(self.unit, id_)
        card = await self._organising.allowed(found.activity, Deed.CONFIRM) if found else None
        if found is None or card is None or found.state != "open" or found.person == self.me.id:
            return None
        return await self._named(found, card)

    async def _named(self, one: Claim, card: Activity) -> Claim:
        names = await self.beside(Rolls).named(card, [one.person])
        return replace(one, name=names.get(one.person, ""))

    async def decide(self, id_: int, approve: bool, reason: str = "") -> Decided | NotAllowed:
        """Say yes, and it counts with grade C; or no, with a reason. Its owner is told."""
        found = await self.to_decide(id_)
        state = "approved" if approve else "declined"
        if found is None or not await claims.decide(self.unit, id_, state, self.me.id, reason or None, self.now):
            return NotAllowed()
        await audit.log(self.unit, self.now, self.me.id, "decide", f"claim:{id_}", "open", state)
        minutes = await self._approved(found) if approve else 0
        await tell(self, found.person, "claim", id_, found.shift, self.now + TELL_WITHIN, state=state)
        return Decided(found, minutes)

    async def _approved(self, one: Claim) -> int:
        photo = await claims.photo_of(self.unit, one.id)
        said = Evidence(Proof.CLAIM, Part.WHOLE, self.now, one.person, photo=photo)
        word = self._said.piece(Proof.CONFIRMED, Part.WHOLE)
        seat = Seat(one.enrolment, one.person, one.stand, one.shift_starts, one.shift_ends)
        if one.stand in COMING | {Stand.ABSENT}:
            await self._said.arrive(seat, one.starts, said)
            counted = await self._said.leave(replace(seat, stand=Stand.ARRIVED), one.ends, word)
        elif one.stand == Stand.ARRIVED:
            counted = await self._said.leave(seat, one.ends, said, word)
        else:
            counted = await self._said.count(seat, one.ends, said, word)
        return counted.minutes if counted else 0

    async def unconfirmed(self, activity: int) -> Unconfirmed | NotAllowed:
        """Presences of an activity that my word would lift."""
        card = await self._organising.allowed(activity, Deed.CONFIRM)
        if card is None:
            return NotAllowed()
        lines, everybody = await self._liftable(activity)
        why = await flagged(self.unit, self.city, card, everybody)
        names = await self.beside(Rolls).named(card, [one.person for one in lines])
        plain: dict[int, str] = {}
        apart: dict[int, str] = {}
        for one in lines:
            (apart if one.enrolment in why else plain)[one.number] = names.get(one.person, "")
        reasons = {one.number: why[one.enrolment] for one in lines if one.enrolment in why}
        return Unconfirmed(card, plain, apart, reasons)

    async def _liftable(self, activity: int) -> tuple[list[Rolled], dict[int, int]]:
        """Lines of the roll that my word would lift, and everybody's sign-ups with whose they are."""
        candidates = set(await claims.unproven(self.unit, activity))
        proven = await evidence.of_many(self.unit, sorted(candidates))
        unsaid = {id_ for id_, pieces in proven.items() if not _vouched_last(pieces)}
        whole = await roll.roll(self.unit, activity)
        lines = [one for one in whole if one.enrolment in unsaid and one.person != self.me.id]
        return lines, {one.enrolment: one.person for one in whole}

    async def confirm(self, activity: int, number: int | None = None) -> int | NotAllowed:
        """Give my word for one presence, or for all that need no look of their own. Returns for how many."""
        found = await self.unconfirmed(activity)
        if isinstance(found, NotAllowed):
            return found
        numbers = set(found.plain) if number is None else {number} & (set(found.plain) | set(found.looked_at))
        lines = [one for one in (await self._liftable(activity))[0] if one.number in numbers]
        for one in lines:
            seat = Seat(one.enrolment, one.person, one.stand, one.starts, one.ends)
            await self._said.add(seat, self._said.piece(Proof.CONFIRMED, Part.WHOLE))
        return len(lines)

    async def may_enter(self, activity: int) -> Activity | None:
        """An activity that has begun and whose hours I may enter by hand."""
        card = await self._organising.allowed(activity, Deed.CONFIRM)
        return card if card and card.state == "open" and card.starts <= self.now else None

    async def enter(self, activity: int, entries: Sequence[Entry]) -> Entered | NotAllowed:
        """Write down hours of which nothing shows that they were: grade D, a share of them drawn for the audit."""
        card = await self.may_enter(activity)
        if card is None:
            return NotAllowed()
        ready: dict[int, Ready] = {}
        outcomes = [(one.number, await self._look(card, one, ready)) for one in entries]
        batch = self.city.secrecy.signature(f"batch:{activity}:{self.me.id}:{self.now.timestamp()}")
        # Drawn among what can be entered: beside lines that cannot, none would hide.
        drawn = sample(batch, len(ready))
        done = {each.number: await self._enter(activity, each, place in drawn)
                for place, each in enumerate(ready.values())}  # fmt: skip
        entered = [place for place, each in enumerate(ready.values()) if done[each.number] == "done"]
        told = [(number, became or done[number]) for number, became in outcomes]
        return Entered(card, told, len(drawn.intersection(entered)))

    async def _look(self, card: Activity, one: Entry, ready: dict[int, Ready]) -> str:
        """Why it cannot be entered; nothing: it is among those that are ready now, one a person."""
        who = await self.beside(Newcomers).person(one.number)
        shift = next((each for each in card.shifts if each.starts <= one.starts < one.ends <= each.ends), None)
        if not isinstance(who, Person):
            return "unknown"
        if who.id == self.me.id:
            return "self"
        if shift is None or one.ends > self.now:
            return "times"
        refused = await self._refused(who, shift)
        if refused:
            return refused
        own = await enrolment.own(self.unit, who.id, shift.id)
        if who.id in ready or (own is not None and own.state not in UNSEEN):
            return "already"
        ready[who.id] = Ready(one.number, who, shift, one.starts, one.ends)
        return ""

    async def _enter(self, activity: int, one: Ready, drawn: bool) -> str:
        seat = await self._seat_for(one.person, activity, one.shift)
        if seat is None:
            return "already"
        first = self._said.piece(Proof.BULK, Part.ARRIVAL, one.starts, sampled=drawn)
        await self._said.arrive(seat, one.starts, first)
        last = self._said.piece(Proof.BULK, Part.DEPARTURE, one.ends, sampled=drawn)
        await self._said.leave(replace(seat, stand=Stand.ARRIVED), one.ends, last)
        return "done"

    async def _refused(self, who: Person, shift: Shift) -> str:
        """Who had no seat meets the gates that a seat would have had; nobody is asked afterwards."""
        asker = Subject(self.unit, who, self.now, self.city)
        wish = await wishes.wish(self.unit, shift.id, who.id, self.now)
        if wish is None or wish.mine in SEATED:
            return ""
        if await under_age(asker) and not await permits(asker, wish):
            return "guardian"
        for word, gate in (("age", of_age), ("skill", skilled), ("agreement", agreed)):
            if await gate(asker, wish) is not None:
                return word
        return ""

    async def _seat_for(self, who: Person, activity: int, shift: Shift) -> Seat | None:
        """Their seat, or one more that is put up for them and stands in the log. None: their presence is known."""
        await enrolment.lock_shift(self.unit, shift.id)
        own = await enrolment.own(self.unit, who.id, shift.id)
        if own is not None and own.state in COMING | {Stand.ABSENT}:
            return Seat(own.id, who.id, Stand(own.state), shift.starts, shift.ends)
        if own is not None and own.state not in (Stand.WAITING, Stand.CANCELLED):
            return None
        card = await activities.card(self.unit, activity)
        fresh = next(one for one in card.shifts if one.id == shift.id) if card else shift
        if not fresh.free:
            await self._organising.lift(fresh)
        id_, _seated = await enrolment.seat(self.unit, shift.id, who.id, self.now)
        return Seat(id_, who.id, Stand.JOINED, shift.starts, shift.ends)

    @property
    def _organising(self) -> Organising:
        return self.beside(Organising)

    @property
    def _said(self) -> Presences:
        return self.beside(Presences)


def _vouched_last(pieces: Sequence[Evidence]) -> bool:
    """Has the organiser given their word for what stands, with nothing told since?"""
    holds = standing(pieces)
    return bool(holds) and holds[-1].kind == Proof.CONFIRMED
