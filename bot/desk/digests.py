"""The weekly letter: wanted, ended, and the tick that plans it once for all who want it at the same hour."""

from __future__ import annotations

from datetime import datetime

from bot.desk.city import City
from bot.desk.subject import Subject
from bot.domain.digests import COVERS, HOURS, KEEPS, due
from storage import audit, digests, fanouts
from storage.database import Database
from storage.tables.delivery import Lane
from storage.tables.kinds import to_milliseconds


class Digests(Subject):
    """My weekly letter."""

    async def when(self) -> tuple[int, int] | None:
        """Weekday and hour; None: I get none."""
        return await digests.of(self.unit, self.me.id)

    async def want(self, weekday: int, hour: int) -> bool:
        """A letter a week, then. False: at no such hour."""
        if weekday not in range(7) or hour not in HOURS:
            return False
        await digests.want(self.unit, self.me.id, weekday, hour, self.now)
        await audit.log(self.unit, self.now, self.me.id, "digest", f"person:{self.me.id}", None, f"{weekday} {hour}")
        return True

    async def end(self) -> bool:
        """No more; also one that is on its way. False: I had none."""
        ended = await digests.end(self.unit, self.me.id)
        if ended:
            await audit.log(self.unit, self.now, self.me.id, "digest", f"person:{self.me.id}", "on", "off")
        return ended


async def tick(database: Database, city: City, now: datetime) -> int:
    """Plan the letters whose hour has come; twice is once. Returns how many issues were planned."""
    planned = 0
    for slot in due(now, city.zone):
        async with database.read() as unit:
            source, issue = slot.source, slot.issue(city.zone)
            if not await digests.wanted(unit, slot.weekday, slot.hour):
                continue
            if await fanouts.is_planned(unit, "digest", source, issue):
                continue
        span = {"since": to_milliseconds(slot.at - COVERS), "until": to_milliseconds(slot.at)}
        async with database.write() as unit:
            number = await fanouts.plan(
                unit,
                kind="digest",
                source=source,
                revision=issue,
                lane=Lane.PERSONAL,
                segment={"digest": [slot.weekday, slot.hour], **span},
                not_before=slot.at,
                expires=slot.at + KEEPS,
            )
        planned += number is not None
    return planned
