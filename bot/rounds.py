"""What a city does by itself besides sending: shifts close, offers lapse, letters are written, old things go.

Each round is idempotent and reads the truth anew, so that several replicas may make it at once, or none for an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from bot.clock import Ticks
from bot.desk import (
    campaign_rounds,
    covers,
    digests,
    figures,
    offers,
    parties,
    privacy,
    skills,
    squads,
    stars,
    watching,
)
from bot.desk.city import City
from bot.desk.records import close_shifts
from bot.settings import FOLDER
from storage import audit, erased
from storage.database import Database

CLOSE_EVERY = 60.0
"""Seconds between looks for shifts that ended two hours ago."""

LAPSE_EVERY = 15.0
"""Seconds between looks for offers of a seat that ran out."""

CAMPAIGNS_EVERY = 1.0
"""Seconds between looks for messages of campaigns whose time has come."""

LETTERS_EVERY = 30.0
"""Seconds between looks for weekly letters and for proofs that run out."""

ERASE_EVERY = 600.0
"""Seconds between looks for erasures whose week is over."""

WATCH_EVERY = 60.0
"""Seconds between looks at new records, and for questions whose clock has run out."""

CHAIN_EVERY = 5.0
"""Seconds between looks for moves that are not chained yet; until then each has its own seal."""

COUNT_EVERY = 900.0
"""Seconds between counts of the public figures; what they are of ends at midnight, and corrections come later."""

FORGET_EVERY = 3600.0
"""Seconds between looks for what has outlived its use."""


class Rounds:
    """One round a method; `join` gives each its tick."""

    def __init__(self, database: Database, city: City, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._city = city
        self._clock = clock

    def join(self, ticks: Ticks) -> None:
        """Make each round in its time."""
        ticks.every("shifts.close", CLOSE_EVERY, self.close_shifts)
        ticks.every("offers.lapse", LAPSE_EVERY, self.lapse_offers)
        ticks.every("campaigns.advance", CAMPAIGNS_EVERY, self.advance_campaigns)
        ticks.every("letters.write", LETTERS_EVERY, self.write_letters)
        ticks.every("privacy.erase", ERASE_EVERY, self.erase)
        ticks.every("ledger.watch", WATCH_EVERY, self.watch_ledger)
        ticks.every("stars.grant", ERASE_EVERY, self.grant_stars)
        ticks.every("audit.chain", CHAIN_EVERY, self.chain_moves)
        ticks.every("figures.count", COUNT_EVERY, self.count_figures)
        ticks.every("privacy.forget", FORGET_EVERY, self.forget)

    async def catch_up(self) -> None:
        """All that people notice, now: after a demonstration's clock was moved."""
        await self.close_shifts()
        await self.watch_ledger()
        await self.lapse_offers()
        await self.advance_campaigns()
        await self.write_letters()
        await self.erase()
        await self.grant_stars()
        await self.count_figures()

    async def close_shifts(self) -> None:
        """Close what ended two hours ago."""
        async with self._database.write() as unit:
            await close_shifts(unit, self._city, self._clock())

    async def lapse_offers(self) -> None:
        """Seats that were held long enough go to the next in the queue."""
        await offers.lapse(self._database, self._city, self._clock())
        await parties.lapse(self._database, self._city, self._clock())
        await squads.tick(self._database, self._city, self._clock())
        await covers.tick(self._database, self._city, self._clock())

    async def watch_ledger(self) -> None:
        """Ask about what two recorded, show what is odd, move on what nobody answered."""
        await watching.tick(self._database, self._city, self._clock())

    async def chain_moves(self) -> None:
        """Chain the moves that were logged since; replicas wait for each other, nobody else waits for them."""
        waiting = await self._database.look(audit.is_waiting)
        while waiting:
            waiting = await self._database.aside(partial(audit.chain, now=self._clock())) == audit.AT_ONCE

    async def count_figures(self) -> None:
        """What the public is told of the city, for this process to tell."""
        await figures.count(self._database, self._city, self._clock())

    async def forget(self) -> None:
        """Drop what has outlived its use."""
        await privacy.forget(self._database, self._clock())

    async def erase(self) -> None:
        """Carry out the erasures whose week is over."""
        await privacy.tick(self._database, self._city, self._clock())
        await erased.save(self._database, erased.list_of(self._database, FOLDER))

    async def grant_stars(self) -> None:
        """Grant what was in notice long enough, and thank for small steps."""
        await stars.tick(self._database, self._city, self._clock())

    async def write_letters(self) -> None:
        """Plan the weekly letters whose hour has come, and warn whose proofs run out."""
        await digests.tick(self._database, self._city, self._clock())
        await skills.tick(self._database, self._city, self._clock())

    async def advance_campaigns(self) -> None:
        """Plan the messages of campaigns whose time has come."""
        await campaign_rounds.advance(self._database, self._city, self._clock())
