"""Coming together: companions, my teams, and passing my place to somebody who agrees."""

from __future__ import annotations

from datetime import datetime

from bot.desk.city import City
from bot.desk.enrolment import Enrolment
from bot.desk.offers import hand_on
from bot.desk.subject import Subject
from bot.desk.telling import tell
from bot.domain.attendance import TooManyTries
from bot.domain.enrolment import COMING, Booking, Joined, Stand, move
from bot.domain.linking import TRIES, TRIES_WITHIN, NoSuchCode, new_code
from bot.domain.offers import SHORTEST, answer_until
from bot.domain.parties import (
    COMPANIONS,
    MEMBERS,
    Ask,
    Brought,
    Invitation,
    Invited,
    NoRoom,
    NoSwap,
    NotThere,
    Offered,
    Queued,
    Reply,
    Swapped,
    Team,
    TeamKind,
    TooMany,
    passes_until,
)
from storage import audit, enrolment, linking, parties, people
from storage.database import Database, Unit


class Undone(Exception):
    """One half of an exchange cannot be; the other is undone with it."""


class Parties(Subject):
    """Those who come with me."""

    # --- Companions ---------------------------------------------------------------------------------------------------

    async def companions(self, id_: int) -> int:
        """How many I bring."""
        return (await parties.beside(self.unit, id_))[0]

    async def bring(self, id_: int, companions: int) -> Brought | NoRoom | NotThere:
        """Bring so many people without an account, instead of as many as before; each takes a seat."""
        mine = await self._seat(id_)
        if mine is None or not 0 <= companions <= COMPANIONS:
            return NotThere()
        before = await self.companions(id_)
        if not await parties.take_seats(self.unit, id_, mine.shift, companions - before):
            return NoRoom(await parties.free_seats(self.unit, mine.shift))
        await self._log("bring", f"enrolment:{id_}", str(before), str(companions))
        await hand_on(self.unit, self.city, mine.shift, mine.starts, self.now)
        return Brought(companions)

    async def _seat(self, id_: int) -> Booking | None:
        """A seat of mine that has not begun, its shift locked."""
        mine = await enrolment.booking(self.unit, id_, self.me.id)
        if mine is None:
            return None
        await enrolment.lock_shift(self.unit, mine.shift)
        mine = await enrolment.booking(self.unit, id_, self.me.id)
        return mine if mine and mine.stand in COMING and mine.starts > self.now else None

    # --- Teams --------------------------------------------------------------------------------------------------------

    async def teams(self) -> list[Team]:
        """The teams that I am in."""
        return await parties.teams_of(self.unit, self.me.id)

    async def found(self, name: str, kind: TeamKind) -> Team:
        """A team that I lead."""
        number = await parties.found(self.unit, name, kind, new_code(), self.me.id, self.now)
        await self._log("found", f"team:{number}", None, str(kind))
        return next(one for one in await self.teams() if one.id == number)

    async def look(self, code: str) -> Team | None:
        """The team with this code."""
        return await parties.by_code(self.unit, code, self.me.id)

    async def enter(self, code: str) -> Team | TooMany | NotThere:
        """Join a team: from now on its leader may propose activities to me, and I say yes or no to each."""
        team = await self.look(code)
        if team is None:
            return NotThere()
        if team.members >= MEMBERS:
            return TooMany()
        if await parties.enter(self.unit, team.id, self.me.id, self.now):
            await self._log("enter", f"team:{team.id}", None, f"person:{self.me.id}")
        return team

    async def quit(self, team: int) -> bool:
        """Leave a team; where I lead it, it is no more."""
        mine = next((one for one in await self.teams() if one.id == team), None)
        if mine is None:
            return False
        if mine.leads:
            await parties.dissolve(self.unit, team, self.now)
        else:
            await parties.quit_(self.unit, team, self.me.id)
        await self._log("quit", f"team:{team}", f"person:{self.me.id}", None)
        return True

    async def invite(self, id_: int, team: int) -> Invited | NotThere:
        """Propose the shift that I have a seat in to my team. A seat is held for each member until they answer, if
        there are enough for all; nobody is signed up before their own yes."""
        mine = await self._seat(id_)
        led = next((one for one in await self.teams() if one.id == team and one.leads), None)
        if mine is None or led is None:
            return NotThere()
        asked = await parties.to_ask(self.unit, team, mine.shift, self.me.id)
        held = bool(asked) and await parties.take_seats(self.unit, id_, mine.shift, len(asked))
        until = answer_until(mine.starts, self.now, self.city.zone, self.city.quiet)
        until = until or min(self.now + SHORTEST, mine.starts)
        for person in asked:
            number = await parties.ask(
                self.unit, Ask.TEAM, mine.shift, self.now, until if held else mine.starts,
                person=person, inviter=self.me.id, enrolment_id=id_, team_id=team, held=held,
            )  # fmt: skip
            till = until.isoformat() if held else ""
            await tell(self, person, "invitation", number, mine.shift, mine.starts, until=till)
        await self._log("invite", f"enrolment:{id_}", None, str(len(asked)))
        return Invited(len(asked), held, until)

    async def invitation(self, id_: int) -> Invitation | None:
        """An open question to me."""
        return await parties.asked_of(self.unit, self.me.id, id_)

    async def asked(self) -> list[Invitation]:
        """Everything that I was asked to come to and have not answered."""
        return await parties.open_to(self.unit, self.me.id, self.now)

    async def refuse(self, id_: int) -> Invitation | NotThere:
        """No. It is remembered: nobody asks me about this again."""
        asked = await self.invitation(id_)
        if asked is None:
            return NotThere()
        await enrolment.lock_shift(self.unit, asked.shift)
        if not await parties.answer(self.unit, id_, Reply.REFUSED, self.now):
            return NotThere()
        await self._log("refuse", f"invitation:{id_}", Reply.OPEN, Reply.REFUSED)
        if asked.ask is Ask.TEAM and asked.held and asked.enrolment:
            await _let_go(self.unit, self.city, asked.enrolment, asked.shift, asked.starts, self.now)
        return asked

    # --- Passing a place on -------------------------------------------------------------------------------------------

    async def offer(self, id_: int, kind: Ask) -> Offered | Queued | NotThere:
        """A code by which somebody takes my place, or exchanges theirs for it. My place is mine until they do."""
        mine = await self._seat(id_)
        until = passes_until(mine.starts, self.now) if mine else None
        if mine is None or until is None or kind not in (Ask.HANDOVER, Ask.SWAP):
            return NotThere()
        queue = await parties.waiting(self.unit, mine.shift)
        if kind is Ask.HANDOVER and (queue or sum(await parties.beside(self.unit, id_))):
            return Queued(queue)
        code = new_code()
        await parties.withdraw(self.unit, id_, (Ask.HANDOVER, Ask.SWAP), self.now)
        number = await parties.ask(
            self.unit, kind, mine.shift, self.now, until, inviter=self.me.id, enrolment_id=id_, held=True, code=code
        )
        await self._log(str(kind), f"enrolment:{id_}", None, f"invitation:{number}")
        return Offered(code, until)

    async def with_code(self, code: str) -> Invitation | NoSuchCode | TooManyTries:
        """The place behind a code. A wrong one counts as a try."""
        tried = await linking.tries(self.unit, self.me.id, self.now - TRIES_WITHIN)
        if len(tried) >= TRIES:
            return TooManyTries(tried[-TRIES] + TRIES_WITHIN)
        found = await parties.with_code(self.unit, code, self.me.id, self.now)
        if found is None:
            await linking.note_try(self.unit, self.me.id, self.now)
            return NoSuchCode(TRIES - len(tried) - 1)
        return found

    async def take(self, asked: Invitation) -> bool:
        """I take the place: from now on it waits for me and for nobody else. Signing up makes it mine."""
        return await parties.bind(self.unit, asked.id, self.me.id)

    async def swappable(self, asked: Invitation) -> list[Booking]:
        """My seats in other shifts of the same activity."""
        mine = await enrolment.bookings(self.unit, self.me.id, self.now)
        return [
            one for one in mine
            if one.activity == asked.activity and one.shift != asked.shift and one.stand in COMING
            and one.starts > self.now
        ]  # fmt: skip

    async def swap(self, asked: Invitation, id_: int) -> Swapped | NoSwap | NotThere:
        """Exchange my place for theirs: both change in one moment, or neither does."""
        mine = next((one for one in await self.swappable(asked) if one.id == id_), None)
        owner = await parties.inviter_of(self.unit, asked.id)
        other = await people.find(self.unit, owner) if owner is not None else None
        if mine is None or other is None or asked.enrolment is None:
            return NotThere()
        for shift in sorted((mine.shift, asked.shift)):
            await enrolment.lock_shift(self.unit, shift)
        theirs = await enrolment.booking(self.unit, asked.enrolment, other.id)
        if theirs is None or theirs.stand not in COMING or not await parties.bind(self.unit, asked.id, self.me.id):
            return NotThere()
        try:
            async with self.unit.savepoint():
                await self._exchange(mine, theirs, Enrolment(self.unit, other, self.now, self.city))
        except Undone:
            return NoSwap()
        await parties.answer(self.unit, asked.id, Reply.ACCEPTED, self.now)
        await tell(self, other.id, "swapped", asked.id, mine.shift, mine.starts)
        return Swapped(theirs.title, theirs.english, theirs.starts, theirs.ends)

    async def _exchange(self, mine: Booking, theirs: Booking, other: Enrolment) -> None:
        for one in (mine, theirs):
            if sum(await parties.beside(self.unit, one.id)):
                raise Undone
            await enrolment.end(self.unit, one.id, one.stand, self.now, "self", "swapped")
            await enrolment.give_back(self.unit, one.shift)
            await self._log("swap", f"enrolment:{one.id}", one.stand, move(one.stand, Stand.CANCELLED))
        me = self.beside(Enrolment)
        for who, shift in ((me, theirs.shift), (other, mine.shift)):
            if not isinstance(await who.join(shift), Joined):
                raise Undone

    async def _log(self, deed: str, target: str, before: str | None, after: str | None) -> None:
        await audit.log(self.unit, self.now, self.me.id, deed, target, before, after)


async def _let_go(unit: Unit, city: City, place: int, shift: int, starts: datetime, now: datetime) -> None:
    """A seat that was held beside the leader's is free, and goes to the head of the queue."""
    if await parties.release_held(unit, place):
        await enrolment.give_back(unit, shift)
        await hand_on(unit, city, shift, starts, now)


async def lapse(database: Database, city: City, now: datetime) -> int:
    """Questions that nobody answered in time are over, and seats that were held for them go on; twice is once."""
    async with database.read() as unit:
        over = await parties.run_out(unit, now)
    for one in over:
        async with database.write() as unit:
            await enrolment.lock_shift(unit, one.shift)
            if not await parties.answer(unit, one.id, Reply.OVER, now):
                continue
            await audit.log(unit, now, None, "lapse", f"invitation:{one.id}", Reply.OPEN, Reply.OVER)
            if one.kind == Ask.TEAM and one.held:
                await _let_go(unit, city, one.enrolment, one.shift, one.starts, now)
    return len(over)
