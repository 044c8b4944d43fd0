"""What must wait for its like: one at a time by key, in the order in which they came; others go on beside it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from types import TracebackType

_Queue = deque[asyncio.Future[None]]


class Order:
    """Turnstiles by key (a person's address, a chat); those through which nobody wants to go are forgotten."""

    def __init__(self) -> None:
        self._queues: dict[Hashable, _Queue] = {}
        """Of each key that somebody is inside with: who waits behind them."""

    def of(self, key: Hashable) -> _Turnstile:
        """`async with order.of(key)`: alone with this key inside."""
        return _Turnstile(self._queues, key)

    def __len__(self) -> int:
        """Keys that somebody is inside with."""
        return len(self._queues)


class _Turnstile:
    """One passage. Written out, not by `asynccontextmanager`, which alone cost a tenth of a webhook call, and without a
    lock: mostly nobody is there."""

    __slots__ = ("_key", "_queues")

    def __init__(self, queues: dict[Hashable, _Queue], key: Hashable) -> None:
        self._queues = queues
        self._key = key

    async def __aenter__(self) -> None:
        queue = self._queues.get(self._key)
        if queue is None:
            self._queues[self._key] = deque()
            return
        mine = asyncio.get_running_loop().create_future()
        queue.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # it was our turn already as we were told to stop
                self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        """Let in whoever has waited longest and still waits."""
        queue = self._queues[self._key]
        while queue:
            following = queue.popleft()
            if not following.done():
                following.set_result(None)
                return
        del self._queues[self._key]
