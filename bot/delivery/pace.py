"""How fast an account may speak: a bucket of tokens for the account, a gap for each chat, and the clocks they go by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Times:
    """The clocks of a sender, each for what it is right for."""

    city: Clock
    """What is due and what is too late; a demonstration may move it. Aware, UTC."""
    wall: Callable[[], float] = time.time
    """Seconds since 1970 on the machine: leases and what a 429 asks for, which other processes must understand."""
    steady: Callable[[], float] = time.monotonic
    """Seconds that never jump: pace."""
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Pace:
    """What one account may do: messages a second, messages a second in one chat (0: any), calls at once at most."""

    rate: float
    per_chat: float = 0.0
    most_in_flight: int = 64
    latency: float = 0.15
    """Seconds that a call is taken to last until some have been measured."""


PACES: Mapping[str, Pace] = {
    # Bots FAQ: about 30 a second over all chats, 1 a second in one chat. At 28 a 30/s limit answered no 429 at all.
    "telegram": Pace(rate=28.0, per_chat=1.0),
    # No figure is published for customer messages beyond 500,000 a day, which 5 a second is well below.
    "wechat": Pace(rate=5.0),
    "web": Pace(rate=500.0),
    "terminal": Pace(rate=500.0),
}


def pace_of(door: str, telegram_rate: float | None = None) -> Pace:
    """The pace of a door; the operator may set Telegram's (`TELEGRAM_RATE`)."""
    pace = PACES.get(door, Pace(rate=20.0))
    if door == "telegram" and telegram_rate:
        return Pace(telegram_rate, pace.per_chat, pace.most_in_flight, pace.latency)
    return pace


class Bucket:
    """Tokens that come in at a steady rate; one sender an account, so this is the account's limit itself."""

    def __init__(self, rate: float, steady: Callable[[], float]) -> None:
        self.rate = rate
        # In any one second at most rate + burst leave: 29.4 of Telegram's 30 at 28 a second.
        self.burst = max(1.0, rate * 0.05)
        self._steady = steady
        self._tokens = self.burst
        self._at = steady()

    def _fill(self) -> None:
        now = self._steady()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now

    def ready(self) -> int:
        """How many may leave now."""
        self._fill()
        # A hair's breadth: what was waited for is there, whatever rounding says.
        return int(self._tokens + 1e-6)

    def take(self, tokens: int = 1) -> None:
        """They have left."""
        self._fill()
        self._tokens -= tokens

    def wait(self) -> float:
        """Seconds until one may leave."""
        self._fill()
        return max(0.0, (1.0 - self._tokens) / self.rate)


class ChatGaps:
    """When each chat may hear from us again."""

    def __init__(self, per_chat: float, steady: Callable[[], float]) -> None:
        self._gap = 1.0 / per_chat if per_chat else 0.0
        self._steady = steady
        self._until: dict[str, float] = {}

    def reserve(self, chat: str) -> float:
        """Seconds until this chat's next place; 0: now, and the place is taken."""
        if not self._gap:
            return 0.0
        now = self._steady()
        wait = max(0.0, self._until.get(chat, 0.0) - now)
        if not wait:
            self._until[chat] = now + self._gap
            if len(self._until) > 10_000:
                self._until = {other: until for other, until in self._until.items() if until > now}
        return wait

    def forget(self, chat: str) -> None:
        """The place was not used."""
        self._until.pop(chat, None)

    @property
    def gap(self) -> float:
        """Seconds between two messages in one chat."""
        return self._gap
