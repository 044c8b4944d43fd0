"""What the subjects of the desk have in common: a transaction, a person, a moment, a city."""

from __future__ import annotations

from datetime import datetime

from bot.desk.city import City
from bot.domain.people import Person
from storage.database import Unit


class Subject:
    """One subject of the desk, for one person in one transaction."""

    def __init__(self, unit: Unit, me: Person, now: datetime, city: City) -> None:
        self.unit = unit
        self.me = me
        self.now = now
        self.city = city
