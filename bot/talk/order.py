"""What must wait for its like: one at a time by key, in the order in which they came; others go on beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from types import TracebackType


class Order:
    """Turnstiles by key (a person's address, a chat); those through which nobody wants to go are forgotten."""

    def __init__(self) -> None:
        self._places: dict[Hashable, _Turnstile] = {}

    def of(self, key: Hashable) -> _Turnstile:
        """`async with order.of(key)`: alone with this key inside."""
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = _Turnstile(self._places, key)
        return found

    def __len__(self) -> int:
        """Keys that somebody holds or waits for."""
        return len(self._places)


class _Turnstile:
    """Written out, not by `asynccontextmanager`: that alone cost a tenth of a webhook call."""

    __slots__ = ("_key", "_lock", "_places", "_waiting")

    def __init__(self, places: dict[Hashable, _Turnstile], key: Hashable) -> None:
        self._places = places
        self._key = key
        self._lock = asyncio.Lock()
        self._waiting = 0

    async def __aenter__(self) -> None:
        self._waiting += 1
        try:
            await self._lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        self._leave()

    def _leave(self) -> None:
        self._waiting -= 1
        if not self._waiting:
            del self._places[self._key]
