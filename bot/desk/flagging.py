"""Which presences of an activity its organiser should look at one by one, and why."""

from __future__ import annotations

from collections.abc import Mapping

from bot.desk.city import City
from bot.domain.activities import Activity
from bot.domain.flags import Flag, flags, seen
from storage import evidence, people
from storage.database import Unit


async def flagged(unit: Unit, city: City, card: Activity, signed_up: Mapping[int, int]) -> dict[int, tuple[Flag, ...]]:
    """By sign-up; `signed_up`: everybody's, sign-up → person, because each is compared with all the others."""
    proven = await evidence.of_many(unit, sorted(signed_up))
    phones = await people.phone_marks(unit, sorted({signed_up[one] for one in proven}))
    presences = [seen(one, phones.get(signed_up[one], ""), pieces) for one, pieces in proven.items()]
    return flags(presences, city.rules.on(card.starts.astimezone(city.zone).date()))
