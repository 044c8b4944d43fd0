"""Calling for cover: matching people asked in small rounds until the seats are filled; and the tick that asks them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.desk.city import City
from bot.desk.organising import Organising
from bot.desk.subject import Subject
from bot.desk.telling import tell
from bot.domain.activities import NotAllowed
from bot.domain.covers import LAST, Call, Calling, pause, round_size, too_late
from bot.domain.parties import Ask
from bot.domain.people import Person
from bot.domain.reach import quiet_until
from bot.domain.roles import Deed
from storage import audit, covers, enrolment, parties, squads
from storage.database import Database, Unit

MENKOU = Person(0, "", "")
"""Who asks when a shift calls by itself."""


class Covers(Subject):
    """Calls for what I look after."""

    async def call(self, shift: int) -> Call | NotAllowed:
        """How the call for a shift stands, and how many people it could still ask."""
        what = await covers.subject(self.unit, shift)
        if what is None or not await self._organising.allowed(what.activity, Deed.COVER):
            return NotAllowed()
        day = what.starts.astimezone(self.city.zone).date()
        asked, refused = await covers.answers(self.unit, shift, (Ask.COVER,))
        missing = what.capacity - what.taken if what.open == "open" and not too_late(what.starts, self.now) else 0
        return Call(
            shift, what.starts, what.ends, missing, Calling(what.state or Calling.OFF), bool(what.automatic),
            what.rounds or 0, asked, refused, await covers.fitting(self.unit, what, self.now, day),
        )  # fmt: skip

    async def start(self, shift: int) -> Call | NotAllowed:
        """Ask the first people now."""
        found = await self.call(shift)
        if isinstance(found, NotAllowed) or not found.missing:
            return NotAllowed()
        await covers.start(self.unit, shift, self.me.id, self.now)
        await self._log(shift, found.state, Calling.RUNNING)
        return found

    async def stop(self, shift: int) -> Call | NotAllowed:
        """Ask nobody any more."""
        found = await self.call(shift)
        if isinstance(found, NotAllowed):
            return found
        if await covers.end(self.unit, shift, Calling.STOPPED, self.now):
            await self._log(shift, found.state, Calling.STOPPED)
        return found

    async def by_itself(self, shift: int, on: bool) -> Call | NotAllowed:
        """Call by itself from a day before the start, if it is short then; or do not."""
        found = await self.call(shift)
        if isinstance(found, NotAllowed):
            return found
        await covers.set_automatic(self.unit, shift, on, self.me.id, self.now)
        await self._log(shift, None, "automatic" if on else "by hand")
        return found

    async def _log(self, shift: int, before: str | None, after: str) -> None:
        await audit.log(self.unit, self.now, self.me.id, "cover", f"shift:{shift}", before, after)

    @property
    def _organising(self) -> Organising:
        return self.beside(Organising)


async def tick(database: Database, city: City, now: datetime) -> int:
    """Start what is to call by itself, and ask the next people; twice, or by two replicas at once, is once.

    Returns how many people were asked.
    """
    async with database.read() as unit:
        short, due = await covers.short(unit, now), await covers.due(unit, now)
    asked = 0
    for shift in short:
        async with database.write() as unit:
            await enrolment.lock_shift(unit, shift)
            if shift in await covers.short(unit, now):
                await covers.start(unit, shift, None, now)
                await audit.log(unit, now, None, "cover", f"shift:{shift}", None, Calling.RUNNING)
                asked += await ask_next(unit, city, shift, now)
    for one in due:
        async with database.write() as unit:
            await enrolment.lock_shift(unit, one.shift)
            asked += await ask_next(unit, city, one.shift, now, Ask(one.kind))
    return asked


async def ask_next(unit: Unit, city: City, shift: int, now: datetime, kind: Ask = Ask.COVER) -> int:
    """One round, unless it was asked just now, it is filled, too late, or night. Returns how many were asked."""
    if (shift, kind) not in {(one.shift, one.kind) for one in await covers.due(unit, now)}:
        return 0
    what = await covers.subject(unit, shift, kind)
    day = what.starts.astimezone(city.zone).date()
    missing = what.capacity - what.taken
    if kind is Ask.LEAD:
        squad = await squads.of(unit, shift, day)
        missing = squad.lacking if squad else 0
    if missing <= 0 or what.open != "open" or too_late(what.starts, now):
        return await _ended(unit, city, what, kind, Calling.FILLED if missing <= 0 else Calling.OVER, now)
    morning = quiet_until(now.astimezone(city.zone), *city.quiet)
    if morning is not None:
        await covers.go_on(unit, shift, morning.astimezone(UTC), 0, kind)
        return 0
    people = await covers.least_asked(unit, what, now, day, round_size(missing))
    if not people:
        return await _ended(unit, city, what, kind, Calling.OVER, now)
    by = Subject(unit, MENKOU, now, city)
    for person in people:
        number = await parties.ask(unit, kind, shift, now, what.starts - LAST, person=person)
        await tell(by, person, str(kind), number, shift, what.starts - LAST, skill=what.lead or "")
    await covers.go_on(unit, shift, now + pause(what.starts, now), 1, kind)
    await audit.log(unit, now, None, str(kind), f"shift:{shift}", None, f"{len(people)} asked")
    return len(people)


async def _ended(unit: Unit, city: City, what: Any, kind: Ask, state: Calling, now: datetime) -> int:
    """The call has done what it could; whoever started it hears how it ended."""
    await covers.end(unit, what.id, state, now, kind)
    await audit.log(unit, now, None, str(kind), f"shift:{what.id}", Calling.RUNNING, state)
    if what.created_by is not None:
        by = Subject(unit, MENKOU, now, city)
        words = {"outcome": str(state), "skill": what.lead or ""}
        await tell(by, what.created_by, "covered", what.id, what.id, what.starts, what.rounds, **words)
    return 0
