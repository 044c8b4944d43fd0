"""What has become due: reminders derived from what is true, intentions expanded into messages, late ones dropped."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

import structlog

from bot.delivery.pace import Times
from storage import fanouts, retention
from storage.database import Database, Unit
from storage.fanouts import Expanded

log = structlog.get_logger("menkou.planner")

BREATH = 0.01
"""Seconds that others have between two sweeps, and between two chunks where they waited: on SQLite they go first."""

ALONE = 0.005
"""Seconds that a chunk may keep SQLite's one writer from everybody else."""

WAITED_FOR = 0.002
"""The same where somebody waits: to whoever came in the middle the disk's time for both is added."""

SMALLEST = 200
"""Rows of a chunk, however slow the machine is."""

KEPT = timedelta(days=7)
"""How long a finished message stays in the hot table."""


class Planner:
    """Every method is a tick: it reads the truth from the database and may run twice, late, or on several replicas."""

    def __init__(
        self,
        database: Database,
        times: Times,
        doors: Collection[str] = (),
        kept: timedelta = KEPT,
        rates: Mapping[str, float] | None = None,
    ) -> None:
        """`doors`: those that this city can send through; a person's address there comes first.

        `rates`: messages a second that each of them can send.
        """
        self._database = database
        self._times = times
        self._doors = tuple(sorted(doors))
        self._kept = kept
        self._rates = dict(rates or {})
        self._chunk = fanouts.CHUNK[database.dialect]
        self._enough: dict[int, int] = {}
        """Rows with which a campaign is far enough ahead, by its number."""

    async def tick(self) -> int:
        """Plan the reminders that are due. Returns how many intentions were made."""
        now = self._times.city()
        async with self._database.read() as unit:
            if not await fanouts.reminders_missing(unit, now):
                return 0
        async with self._database.write() as unit:
            return await fanouts.derive(unit, now)

    async def expand(self, chunks: int = 1_000) -> int:
        """Make the messages of all intentions whose time has come, chunk by chunk. Returns how many were made."""
        made, left = 0, chunks
        while left and await self._look_ahead():
            before = left
            while left and (step := await self._expand()) is not None:
                made, left = made + step.made, left - 1
                if self._database.is_wanted:
                    await self._times.pause(BREATH)
            if left == before:
                break  # another replica makes them just now
        return made

    async def _expand(self) -> Expanded | None:
        now = self._times.city()

        async def chunk(unit: Unit) -> tuple[Expanded | None, float]:
            began = self._times.steady()
            step = await fanouts.expand(unit, now, self._chunk, self._doors, enough=self._enough)
            return step, self._times.steady() - began

        step, took = await self._database.aside(chunk)
        if step is not None:
            self._fit(took, WAITED_FOR if self._database.is_wanted else ALONE)
        return step

    async def _look_ahead(self) -> bool:
        async with self._database.read() as unit:
            return await fanouts.look_ahead(unit, self._times.city(), self._enough, self._rates)

    def _fit(self, took: float, at_most: float) -> None:
        """On SQLite as many rows as can be made in so many seconds; on PostgreSQL nobody waits."""
        if self._database.dialect == "sqlite":
            # Half of the way: one chunk that was slow by chance says little of the next.
            fitting = self._chunk * at_most / max(took, at_most / 4)
            self._chunk = min(fanouts.CHUNK["sqlite"], max(SMALLEST, round((self._chunk + fitting) / 2)))

    async def sweep(self) -> int:
        """Drop waiting messages that came too late, also where nobody sends. Returns how many.

        What a clock that had run ahead dropped before its time waits again.
        """
        await self._put_right()
        dropped = 0
        while True:
            now = self._times.city()
            async with self._database.read() as unit:
                late = await retention.expired(unit, now)
            if not late:
                return dropped
            async with self._database.write() as unit:
                dropped += await retention.drop_late(unit, late, now)
            await self._times.pause(BREATH)

    async def _put_right(self) -> None:
        now = self._times.city()
        async with self._database.read() as unit:
            if not await retention.wrongly_dropped(unit, now):
                return
        async with self._database.write() as unit:
            log.warning("planner.clock_ran_ahead", waiting=await retention.wait_again(unit, now))

    async def retire(self) -> int:
        """Move finished messages out of the hot table when they are old. Returns how many."""
        moved = 0
        while True:
            async with self._database.write() as unit:
                count = await retention.retire(unit, self._times.city() - self._kept)
            moved += count
            if not count:
                return moved
            await self._times.pause(BREATH)
