"""1+N: the demand of a shift, the gate that holds it, and the tick that freezes a squad, calls and thaws."""

from __future__ import annotations

from datetime import date, datetime

from bot.desk.city import City
from bot.desk.offers import hand_on
from bot.desk.organising import Organising
from bot.desk.subject import Subject
from bot.domain.activities import NotAllowed
from bot.domain.covers import Calling
from bot.domain.enrolment import COMING, Stand
from bot.domain.parties import Ask
from bot.domain.roles import Deed
from bot.domain.squads import PER, Squad
from storage import audit, covers, enrolment, fanouts, squads, wishes
from storage.database import Database, Unit
from storage.tables.delivery import Lane


class Squads(Subject):
    """What my shifts demand."""

    async def of(self, shift: int) -> Squad | None:
        """What a shift demands, and who is coming."""
        wish = await wishes.wish(self.unit, shift, self.me.id, self.now)
        return await squads.of(self.unit, shift, day_of(wish.starts, self.city)) if wish else None

    async def demand(self, shift: int, skill: str, per: int) -> Squad | NotAllowed:
        """One professional for so many people from now on; those with the skill are called until one is there."""
        if per not in PER or not await self._mine(shift):
            return NotAllowed()
        await enrolment.lock_shift(self.unit, shift)
        await squads.demand(self.unit, shift, skill, per)
        await audit.log(self.unit, self.now, self.me.id, "squad", f"shift:{shift}", None, f"{skill} 1+{per}")
        squad = await self.of(shift)
        if squad is None:
            return NotAllowed()
        if squad.lacking:
            await covers.start(self.unit, shift, self.me.id, self.now, Ask.LEAD)
        return squad

    async def release(self, shift: int) -> bool:
        """Demand nobody any more."""
        wish = await wishes.wish(self.unit, shift, self.me.id, self.now)
        if wish is None or not await self._mine(shift):
            return False
        await enrolment.lock_shift(self.unit, shift)
        await squads.release(self.unit, shift)
        await covers.end(self.unit, shift, Calling.STOPPED, self.now, Ask.LEAD)
        await audit.log(self.unit, self.now, self.me.id, "squad", f"shift:{shift}", None, "none")
        await hand_on(self.unit, self.city, shift, wish.starts, self.now)
        return True

    async def _mine(self, shift: int) -> bool:
        what = await covers.subject(self.unit, shift)
        organising = self.beside(Organising)
        return what is not None and await organising.allowed(what.activity, Deed.CHANGE) is not None


def day_of(starts: datetime, city: City) -> date:
    """The day for which a proof must hold."""
    return starts.astimezone(city.zone).date()


async def tick(database: Database, city: City, now: datetime) -> None:
    """Freeze squads whose professional has gone, and thaw those that have one again; twice is once."""
    async with database.read() as unit:
        changed = []
        for one in await squads.to_come(unit, now):
            squad = await squads.of(unit, one.id, day_of(one.starts, city))
            if squad is not None and squad.led == squad.frozen:
                changed.append(one)
    for one in changed:
        async with database.write() as unit:
            await enrolment.lock_shift(unit, one.id)
            squad = await squads.of(unit, one.id, day_of(one.starts, city))
            if squad is not None and squad.led == squad.frozen:
                await _turn(unit, city, squad, one.starts, now)


async def _turn(unit: Unit, city: City, squad: Squad, starts: datetime, now: datetime) -> None:
    """Frozen: everybody with a seat is told, and whoever has the skill is called. Thawed: they are told again."""
    times = await squads.mark(unit, squad.shift, None if squad.led else now)
    await fanouts.plan(
        unit,
        kind="thawed" if squad.led else "frozen",
        source=squad.shift,
        offset=times,
        lane=Lane.CHANGE,
        segment={"shift": squad.shift, "states": sorted(COMING | {Stand.OFFERED})},
        words={"skill": squad.skill},
        not_before=now,
        expires=starts,
    )
    after = "led" if squad.led else "frozen"
    await audit.log(unit, now, None, "squad", f"shift:{squad.shift}", "frozen" if squad.led else "led", after)
    if squad.led:
        await covers.end(unit, squad.shift, Calling.FILLED, now, Ask.LEAD)
        await hand_on(unit, city, squad.shift, starts, now)
        return
    await covers.start(unit, squad.shift, None, now, Ask.LEAD)
    about = await covers.subject(unit, squad.shift)
    await fanouts.plan(
        unit,
        kind="leaderless",
        source=squad.shift,
        offset=times,
        lane=Lane.CHANGE,
        segment={"organisers": about.organisation, "about": squad.shift},
        words={"skill": squad.skill},
        not_before=now,
        expires=starts,
    )
