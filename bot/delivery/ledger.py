"""What the platform still lets an account call: read before a decision, counted in the write-ahead's transaction."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import structlog

from bot.domain.forecast import Left
from bot.domain.quotas import Limit, ends
from bot.domain.reach import Way
from storage import quotas
from storage.database import Unit

log = structlog.get_logger("menkou.sender")

MINUTE = 60.0
SLOWER = 0.8
"""Of what the platform took in the minute in which it said that it was too much."""


class Ledger:
    """The limits of one account, by way. Its numbers are the database's; only what a minute allows is in memory."""

    def __init__(self, account: str, limits: Mapping[Way, Limit], steady: Callable[[], float]) -> None:
        self._account = account
        self._limits = limits
        self._steady = steady
        self._left: dict[str, Left] = {}
        self._calls: defaultdict[Way, deque[float]] = defaultdict(deque)
        self._a_minute = {way: limit.a_minute for way, limit in limits.items() if limit.a_minute}
        self._taken: Counter[Way] = Counter()
        self._pauses: list[tuple[Limit, datetime]] = []

    @property
    def is_free(self) -> bool:
        """Is nothing counted here?"""
        return not self._limits

    async def look(self, unit: Unit, now: datetime) -> None:
        """Read what is left now; what was taken and not called since is free again."""
        self._taken.clear()
        if self._limits:
            self._left = await quotas.left(unit, self._account, self._limits.values(), now)

    def closed(self, now: datetime) -> dict[Way, datetime]:
        """The ways by which nothing may leave now, and when each opens again."""
        if not self._limits:
            return {}
        return {way: self._opening(way, limit, now) for way, limit in self._limits.items() if not self._free(way)}

    def _free(self, way: Way) -> bool:
        left = self._left.get(self._limits[way].api)
        return (left is None or left.left > 0) and self._minute_left(way) > 0

    def _minute_left(self, way: Way) -> int:
        allowed = self._a_minute.get(way)
        if allowed is None:
            return 1
        calls = self._calls[way]
        while calls and self._is_old(way):
            calls.popleft()
        return allowed - len(calls) - self._taken[way]

    def _opening(self, way: Way, limit: Limit, now: datetime) -> datetime:
        left = self._left.get(limit.api)
        if left is not None and left.left <= 0:
            return left.opens or ends(limit, now)
        oldest = self._calls[way][0] if self._calls[way] else self._steady()
        return now + timedelta(seconds=max(1.0, oldest + MINUTE - self._steady()))

    def take(self, way: Way) -> bool:
        """Count one of what was left when it was looked at; False: there is none."""
        if way not in self._limits:
            return True
        if not self._free(way):
            return False
        self._taken[way] += 1
        limit = self._limits[way]
        if left := self._left.get(limit.api):
            self._left[limit.api] = Left(limit, left.left - 1, left.allowed)
        return True

    async def spend(self, unit: Unit, ways: Iterable[Way], now: datetime) -> None:
        """Count calls that are about to be made."""
        if not self._limits:
            return
        counted = Counter(way for way in ways if way in self._limits)
        for way, calls in counted.items():
            self._calls[way].extend([self._steady()] * calls)
            while self._calls[way] and self._is_old(way):
                self._calls[way].popleft()
        await quotas.spend(unit, self._account, {self._limits[way]: calls for way, calls in counted.items()}, now)

    def _is_old(self, way: Way) -> bool:
        return self._steady() - self._calls[way][0] >= MINUTE

    def pause(self, way: Way, seconds: float, now: datetime) -> None:
        """The platform said that it was too much: nothing by this way for so long, and slower after a minute."""
        limit = self._limits.get(way)
        if limit is None:
            return
        self._pauses.append((limit, now + timedelta(seconds=seconds)))
        if seconds <= MINUTE and self._calls[way]:
            self._calls[way].pop()  # it was not counted there
            self._a_minute[way] = max(1, int(len(self._calls[way]) * SLOWER))
        log.error("quota.exceeded", account=self._account, api=limit.api, seconds=round(seconds))

    async def record(self, unit: Unit, now: datetime) -> None:
        """Write pauses down: a successor obeys them too."""
        pauses, self._pauses = self._pauses, []
        for limit, until in pauses:
            await quotas.pause(unit, self._account, limit, until, now)
