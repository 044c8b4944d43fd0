"""The ticks of one process: a handful of interval jobs in memory, each idempotent, each reading the truth anew.

Never a job a reminder and never a job store: losing this scheduler's memory loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.delivery.planner import Planner
from bot.delivery.sender import Sender
from bot.delivery.slot import LEASE

log = structlog.get_logger("menkou.clock")

Tick = Callable[[], Awaitable[object]]

PLANNER = 2.0
FANOUT = 1.0
RENEW = LEASE / 3
RECOVER = 30.0
SWEEP = 30.0
RETIRE = 3600.0
"""Seconds between two ticks of each: plan what is due, make the rows of campaigns, keep the right to send, take up what
an earlier holder left, drop what came too late, move what is finished out of the hot table."""


class Ticks:
    """Starts and stops the ticks; `every` adds one; `run_once` does all that is due at once."""

    def __init__(self, planner: Planner, senders: Collection[Sender]) -> None:
        self._planner = planner
        self._senders = tuple(senders)
        self._jobs: dict[str, tuple[float, Tick]] = {}
        self._scheduler: AsyncIOScheduler | None = None
        self._under_way: set[asyncio.Task[object]] = set()
        self.every("planner.tick", PLANNER, planner.tick)
        self.every("fanout.step", FANOUT, self._expand)
        self.every("outbox.sweep", SWEEP, planner.sweep)
        self.every("outbox.retire", RETIRE, planner.retire)
        for sender in self._senders:
            self.every(f"lease.renew.{sender.account}", RENEW, sender.lease.renew)
            self.every(f"outbox.recover.{sender.account}", RECOVER, sender.lease.recover)

    def every(self, name: str, seconds: float, tick: Tick) -> None:
        """Add a tick; before `start`. It must be idempotent."""
        self._jobs[name] = (seconds, tick)

    @property
    def names(self) -> tuple[str, ...]:
        """Every tick, in the order in which they were added."""
        return tuple(self._jobs)

    async def once(self, name: str) -> None:
        """One tick now, whatever it raises."""
        await self._jobs[name][1]()

    def start(self) -> None:
        """Begin to tick in the running event loop. The first ticks come within a second."""
        # `misfire_grace_time=None`: the default of one second silently drops a tick after a stall of three.
        late = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=late)
        soon = datetime.now(UTC) + timedelta(seconds=0.2)
        for name, (seconds, tick) in self._jobs.items():
            first = soon + timedelta(seconds=min(seconds, 1.0))
            self._scheduler.add_job(
                self._guarded, "interval", args=(name, tick), seconds=seconds, id=name, next_run_time=first
            )
        self._scheduler.start()

    async def stop(self, seconds: float) -> None:
        """Tick no more; what is under way has so many seconds to end, then it is cut off and its transaction undone."""
        if self._scheduler is None:
            return
        self._scheduler.pause()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)
        self._scheduler.shutdown(wait=False)
        self._scheduler = None

    async def run_once(self) -> int:
        """Plan, expand and send all that is due now: for tests, and after a demonstration's clock was moved.

        Returns how many messages the senders dealt with.
        """
        await self._planner.tick()
        await self._planner.expand()
        await self._planner.sweep()
        dealt = 0
        # A message that one sender hands to another door goes out in the same call.
        while count := sum([await sender.drain() for sender in self._senders]):
            dealt += count
        return dealt

    async def _expand(self) -> None:
        if await self._planner.expand():
            for sender in self._senders:
                sender.nudge()

    async def _guarded(self, name: str, tick: Tick) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            await tick()
        except asyncio.CancelledError:
            log.warning("tick.cut_off", tick=name)  # only `stop` cancels; raised on, the scheduler prints a traceback
        except Exception as error:  # noqa: BLE001 - a tick that failed is tried again at the next; its values stay out of the log
            log.error("tick.failed", tick=name, error=type(error).__name__)
        finally:
            self._under_way.discard(task)
