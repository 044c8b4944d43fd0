"""What the check-in wall of an activity shows: for whoever holds its signed address, with counts and never names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.desk.city import City
from bot.domain.activities import Activity
from bot.domain.attendance import CHECKOUT_CLOSES, OPENS, Code, code_at
from storage import activities, enrolment
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Wall:
    """The wall at this moment."""

    activity: Activity
    code: Code
    arrived: int
    registered: int


async def wall(database: Database, city: City, activity: int, key: str, now: datetime) -> Wall | None:
    """The wall of an activity, or None: no such activity, not its signature, called off, too early or over."""
    if not city.secrecy.signed(f"wall:{activity}", key):
        return None
    async with database.read() as unit:
        card = await activities.card(unit, activity)
        secret = await activities.secret(unit, city.secrecy, activity)
        if card is None or secret is None or card.state != "open":
            return None
        if not card.starts - 12 * OPENS <= now < card.ends + CHECKOUT_CLOSES:
            return None
        arrived, registered = await enrolment.headcount(unit, activity)
    return Wall(card, code_at(secret, activity, now), arrived, registered)
