"""What the subjects of the desk have in common: a transaction, a person, a moment, a city."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from bot.desk.city import City
from bot.domain.people import Person, as_shown, phone_as_shown
from storage.database import Unit

Another = TypeVar("Another", bound="Subject")


class Subject:
    """One subject of the desk, for one person in one transaction."""

    def __init__(self, unit: Unit, me: Person, now: datetime, city: City) -> None:
        self.unit = unit
        self.me = me
        self.now = now
        self.city = city

    def beside(self, subject: type[Another]) -> Another:
        """Another subject, for the same person in the same transaction."""
        return subject(self.unit, self.me, self.now, self.city)

    def called(self, name: str, whole: bool = True) -> str:
        """A name as I may see it through my door; every name that a conversation shows comes through here."""
        return as_shown(name, self.me.door, whole)

    def phone(self, phone: str, whole: bool = True) -> str:
        """A telephone number as I may see it through my door."""
        return phone_as_shown(phone, self.me.door, whole)
