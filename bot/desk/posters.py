"""Posters: the signed addresses of an activity's sheet for whoever looks after it, and what whoever holds them gets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.desk.city import City
from bot.desk.organising import Organising
from bot.desk.subject import Subject
from bot.domain.activities import Activity, NotAllowed
from bot.domain.posters import NothingToHangUp, nothing_to_hang_up
from bot.domain.roles import Deed
from storage import activities
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Sheets:
    """A poster as paths below the public address."""

    activity: Activity
    pdf: str
    png: str


class Posters(Subject):
    """What I may hang up."""

    async def sheets(self, activity: int) -> Sheets | NothingToHangUp | NotAllowed:
        """The poster of an activity whose wall I may show. Its address is a new one whenever it is asked for: a
        platform that keeps pictures by their address must not show how the activity was."""
        card = await self.beside(Organising).allowed(activity, Deed.WALL)
        if card is None:
            return NotAllowed()
        nothing = nothing_to_hang_up(card, self.now)
        if nothing is not None:
            return nothing
        held = f"v={int(self.now.timestamp())}&k={self.city.secrecy.signature(f'poster:{activity}')}"
        return Sheets(card, f"/poster/{activity}.pdf?{held}", f"/poster/{activity}.png?{held}")


async def posted(database: Database, city: City, activity: int, key: str, now: datetime) -> Activity | None:
    """The activity of a poster as it is now, or None: no such activity, not its signature, nothing to hang up."""
    if not city.secrecy.signed(f"poster:{activity}", key):
        return None
    async with database.read() as unit:
        card = await activities.card(unit, activity)
    return card if card is not None and nothing_to_hang_up(card, now) is None else None
