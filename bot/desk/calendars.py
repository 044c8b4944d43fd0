"""Calendars: one activity by a link, one's own sign-ups by a secret address that can be taken back."""

from __future__ import annotations

from datetime import datetime

from bot.desk.city import City
from bot.desk.subject import Subject
from bot.domain.calendars import KEPT, Feed
from storage import audit, calendars
from storage.database import Database


class Calendars(Subject):
    """My calendar."""

    async def address(self) -> str:
        """The path of my feed; whoever holds it sees my sign-ups."""
        return self._path(await calendars.serial(self.unit, self.me.id, self.now))

    async def renew(self) -> str:
        """Another address; the ones before it are worthless at once."""
        path = self._path(await calendars.renew(self.unit, self.me.id, self.now))
        await audit.log(self.unit, self.now, self.me.id, "calendar", f"person:{self.me.id}", None, "new address")
        return path

    def _path(self, serial: int) -> str:
        return f"/calendar/{self.me.number}/{self.city.secrecy.signature(_feed(self.me.number, serial))}.ics"

    def of_activity(self, activity: int) -> str:
        """The path of an activity's entry."""
        return f"/activity/{activity}.ics?k={self.city.secrecy.signature(_activity(activity))}"


async def feed(database: Database, city: City, number: str, key: str, now: datetime) -> Feed | None:
    """The sign-ups of whoever gave this address out; None: it is no address, or it was taken back."""
    async with database.read() as unit:
        owner = await calendars.owner(unit, number)
        if owner is None or not city.secrecy.signed(_feed(number, owner[1]), key):
            return None
        return Feed(await calendars.entries(unit, owner[0], now - KEPT), owner[2])


async def activity_entry(database: Database, city: City, activity: int, key: str) -> Feed | None:
    """The entry of an activity, for whoever was given its link."""
    if not city.secrecy.signed(_activity(activity), key):
        return None
    async with database.read() as unit:
        entries = await calendars.of_activity(unit, activity)
    return Feed(entries, "") if entries else None


def _feed(number: str, serial: int) -> str:
    return f"calendar:{number}:{serial}"


def _activity(activity: int) -> str:
    return f"calendar:activity:{activity}"
