"""What has become due: reminders derived from what is true, intentions expanded into messages, late ones dropped."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

import structlog

from bot.delivery.pace import Times
from storage import fanouts, retention
from storage.database import Database
from storage.fanouts import Expanded

log = structlog.get_logger("menkou.planner")

BREATH = 0.01
"""Seconds between two chunks: on SQLite everybody else's small writes go first."""

ALONE = 0.005
"""Seconds that a chunk may keep SQLite's one writer from everybody else."""

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
        made = 0
        for _chunk in range(chunks):
            step = await self._expand()
            if step is None:
                break
            made += step.made
            if not step.done:
                await self._times.pause(BREATH)
        return made

    async def _expand(self) -> Expanded | None:
        now = self._times.city()
        async with self._database.read() as unit:
            number = await fanouts.next_to_expand(unit, now, rates=self._rates)
        if number is None:
            return None
        async with self._database.write() as unit:
            began = self._times.steady()
            step = await fanouts.expand(unit, now, self._chunk, self._doors, number=number)
            self._fit(self._times.steady() - began)
            return step

    def _fit(self, took: float) -> None:
        """On SQLite as many rows as can be made without keeping a turn waiting; on PostgreSQL nobody waits."""
        if self._database.dialect == "sqlite":
            largest = fanouts.CHUNK["sqlite"]
            share = self._chunk // 2 if took > ALONE else self._chunk * 2 if took < ALONE / 2 else self._chunk
            self._chunk = min(largest, max(SMALLEST, share))

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
