"""The account's access token: one fetch for all who wait, a minimum between fetches, and a breaker against storms.

Measured without these: 32 callers at a cold start fetched 4,923 tokens in 10 s and sent nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

SPARE = timedelta(minutes=5)
"""The platform renews this long before the end; old and new are valid meanwhile. Page api_getstableaccesstoken."""
FETCH_INTERVAL = timedelta(seconds=10)
"""Least time between two fetches: a token that dies faster is no fault that fetching mends."""
FORCE_INTERVAL = timedelta(seconds=30)
FORCES = 20
"""Forced refreshes that the platform allows: 20 a day, 30 s apart."""
PAUSES = (30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds that the breaker stays open: after the first failure, the second …"""

log = logging.getLogger(__name__)


class TokenShelf(Protocol):
    """Where the token is kept so that all replicas share it."""

    async def load(self) -> tuple[str, datetime] | None:
        """The kept token and when it ends (UTC), or nothing."""

    async def save(self, token: str, expires: datetime) -> None:
        """Keep this one."""

    def alone(self) -> AbstractAsyncContextManager[None]:
        """While inside, no other replica fetches; waits for one that does."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What `stable_token` answered."""

    token: str = field(repr=False)
    seconds: int
    """How long it is valid, at most 7,200."""


class Unavailable(Exception):
    """There is no token now: the breaker is open. `after`: seconds until a next attempt makes sense."""

    def __init__(self, reason: str, after: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class FetchFailed(Exception):
    """`stable_token` gave no token; the text says why, without secrets."""


class StableToken:
    """The one token of an account, for every caller in this process."""

    def __init__(
        self,
        fetch: Callable[[bool], Awaitable[Fetched]],
        shelf: TokenShelf,
        clock: Callable[[], datetime],
    ) -> None:
        """`fetch(force)` asks the platform and raises FetchFailed. `clock` gives UTC."""
        self._fetch = fetch
        self._shelf = shelf
        self._clock = clock
        self._flight = asyncio.Lock()
        self._token = ""
        self._expires: datetime | None = None
        self._fetched_at: datetime | None = None
        self._forced: list[datetime] = []
        self._open_until: datetime | None = None
        self._failures = 0
        self.trouble = ""
        """Why there is no token, for doctor and the log; empty while all is well."""

    def __repr__(self) -> str:
        return f"StableToken(expires={self._expires}, trouble={self.trouble!r})"

    async def current(self) -> str:
        """A token that should work. Raises Unavailable."""
        if not self._lasts(SPARE):
            async with self._flight:
                self._check_breaker()
                return self._token if self._lasts(SPARE) else await self._renew()
        self._check_breaker()
        return self._token

    async def replace(self, failed: str, reason: str) -> str:
        """A token other than the one that was just refused; fetches only if nobody has yet. Raises Unavailable."""
        async with self._flight:
            self._check_breaker()
            if self._lasts() and self._token != failed:
                return self._token
            return await self._renew(failed, reason)

    def distrust(self, reason: str) -> Unavailable:
        """Asking helps nobody now: stop for a while, and say so to the caller. Many at once count as one failure."""
        now = self._clock()
        if self._open_until is None or now >= self._open_until:
            pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
            self._failures += 1
            self._open_until = now + timedelta(seconds=pause)
            self.trouble = reason
            log.error("no WeChat token for %d s: %s", pause, reason)
        return Unavailable(self.trouble, (self._open_until - now).total_seconds())

    def trust(self) -> None:
        """A call with the token succeeded: forget earlier trouble."""
        if self._failures:
            self._failures, self._open_until, self.trouble = 0, None, ""

    def _lasts(self, spare: timedelta = timedelta(seconds=10)) -> bool:
        return bool(self._token) and self._expires is not None and self._clock() < self._expires - spare

    def _check_breaker(self) -> None:
        now = self._clock()
        if self._open_until and now < self._open_until:
            raise Unavailable(self.trouble, (self._open_until - now).total_seconds())

    async def _renew(self, failed: str = "", reason: str = "") -> str:
        async with self._shelf.alone():
            kept = await self._shelf.load()
            if kept and kept[0] != failed and self._clock() < kept[1] - SPARE:
                self._token, self._expires = kept
                return self._token
            return await self._fetch_new(failed, reason)

    async def _fetch_new(self, failed: str, reason: str) -> str:
        now = self._clock()
        works = self._lasts() and self._token != failed
        if self._fetched_at and now - self._fetched_at < FETCH_INTERVAL:
            if works:  # its last minutes: the platform has not made the next one yet
                return self._token
            raise self.distrust(f"a token that was fetched a moment ago is of no use: {reason or 'it is over already'}")
        self._fetched_at = now
        try:
            got = await self._fetch(False)
            if got.token == failed:
                # The stable endpoint repeats its token while it thinks that it is valid; only force gets another.
                self._allow_force(now)
                got = await self._fetch(True)
        except FetchFailed as wrong:
            if works:
                return self._token
            raise self.distrust(str(wrong)) from wrong
        self._token, self._expires = got.token, now + timedelta(seconds=got.seconds)
        await self._shelf.save(self._token, self._expires)
        return self._token

    def _allow_force(self, now: datetime) -> None:
        self._forced = [at for at in self._forced if now - at < timedelta(days=1)]
        if len(self._forced) >= FORCES or (self._forced and now - self._forced[-1] < FORCE_INTERVAL):
            raise FetchFailed("forced refreshes of today are used up, or the last was less than 30 s ago")
        self._forced.append(now)
