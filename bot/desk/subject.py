"""What the subjects of the desk have in common: a transaction, a person, a moment, a city."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from bot.desk.city import City
from bot.domain.guardians import MASKED_DOORS
from bot.domain.people import Person
from storage import guardians
from storage.database import Unit


class Subject:
    """One subject of the desk, for one person in one transaction."""

    def __init__(self, unit: Unit, me: Person, now: datetime, city: City) -> None:
        self.unit = unit
        self.me = me
        self.now = now
        self.city = city

    async def hidden(self, ids: Collection[int]) -> set[int]:
        """Who of these is named to nobody through my door: nobody under age, where its servers stand abroad."""
        if self.me.door not in MASKED_DOORS:
            return set()
        return await guardians.under_age(self.unit, sorted(set(ids)), self.now)
