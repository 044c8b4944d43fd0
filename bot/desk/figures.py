"""The city's public figures: counted by a tick for everybody, never for one who asks."""

from __future__ import annotations

import asyncio
from datetime import datetime

from bot.desk.city import City
from bot.desk.subject import Subject
from bot.domain import figures as rules
from bot.domain.figures import Figures
from storage import figures
from storage.database import Database


class PublicFigures(Subject):
    """What everybody may know of the city."""

    def latest(self) -> Figures | None:
        """As they were last counted; None: not yet."""
        return self.city.board.figures

    @property
    def page(self) -> str:
        """Where all of them stand, from the public address on."""
        return "/city"


async def count(database: Database, city: City, now: datetime) -> Figures:
    """Count them anew, and hang them out.

    One look: it keeps nobody from writing, and holds one reading connection while it lasts.
    """
    of = rules.periods(now, city.zone)
    async with database.read() as unit:
        tallies = await figures.count(unit, of)
    for district in city.places.districts:
        tallies.part("districts", str(district.code))
    city.board.figures = told = await asyncio.to_thread(rules.told, tallies, of)
    return told
