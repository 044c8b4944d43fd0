"""What is shown of a campaign at an address: how far it is, the list of its messages, its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.desk.campaign_messages import perhaps, progress_of
from bot.desk.campaigns import Campaigns
from bot.desk.city import City
from bot.domain.campaigns import Progress, Told
from bot.domain.people import masked
from storage import campaigns, people, takeaways
from storage.database import Database
from storage.tables.delivery import State
from storage.tables.kinds import from_milliseconds
from storage.takeaways import What

LISTED = 20_000
"""Lines of a list, what did not arrive first: more of them no table program likes, and no person reads."""

OPENED = 2_000
"""Names that are opened with one statement."""


async def page_of(database: Database, city: City, number: int, key: str) -> Progress | None:
    """What the page of a campaign shows to whoever holds its signed address."""
    if not city.secrecy.signed(f"campaign:{number}", key):
        return None
    async with database.read() as unit:
        one = await campaigns.find(unit, number)
        if one is None:
            return None
        found = await progress_of(unit, city, one)
        # Its address may be passed on: names are masked whoever opens it.
        named = [masked(name) for name in await perhaps(unit, city, number)] if found.uncertain else []
        return replace(found, perhaps=named)


async def listed(database: Database, city: City, token: str, now: datetime) -> tuple[str, Sequence[Told]] | None:
    """The messages of a campaign behind an address, once, and the language of whoever asked for them; None for an
    address that is unknown, old or used.

    An address carries no right: whoever asked for it must still hold a post that may see it.
    """
    async with database.write() as unit:
        found = await takeaways.use(unit, What.CAMPAIGN, token, now)
        who = await people.find(unit, found[0]) if found else None
        if found is None or who is None or await Campaigns(unit, who, now, city).allowed(found[1]) is None:
            return None
    async with database.read() as unit:
        rows = await campaigns.messages(unit, found[1], LISTED)
        names: dict[int, str] = {}
        ids = sorted({row.person for row in rows})
        for start in range(0, len(ids), OPENED):
            opened = await people.personal(unit, city.secrecy, ids[start : start + OPENED])
            names |= {number: masked(name) for number, (name, _phone) in opened.items()}
    told = [
        Told(
            names.get(row.person, ""), row.offset, State(row.state).name.lower(), row.reason or "", row.account or "",
            from_milliseconds(row.done) if row.done else None,
        )
        for row in rows
    ]  # fmt: skip
    return who.language, told


async def picture_of(database: Database, city: City, number: int, key: str) -> bytes | None:
    """The picture of a campaign, for whoever was sent its signed address."""
    if not city.secrecy.signed(f"campaign:{number}:picture", key):
        return None
    async with database.read() as unit:
        return await campaigns.picture(unit, number)
