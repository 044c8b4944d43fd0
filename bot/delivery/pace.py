"""How fast an account may speak: a bucket of tokens for the account, a gap for each chat, and the clocks they go by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
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
    """Seconds that a call and the writing down of its result are taken to last until some have been measured."""
    per_group: float = 0.0
    """Messages a second in one group, where it may be spoken to less often than a person (0: as often)."""
    long_text: int = 0
    """Characters from which on a text counts as two messages in its chat, from twice as many as three … (0: never)."""


PACES: Mapping[str, Pace] = {
    # Bots FAQ: about 30 a second over all chats, 1 a second in one chat, 20 a minute in a group. At 28 a 30/s limit
    # answered no 429 at all. Texts of more than about 500 characters meet the limit sooner (tdlib/td#1236).
    "telegram": Pace(rate=28.0, per_chat=1.0, per_group=20 / 60, long_text=500),
    # No figure is published for customer messages beyond 500,000 a day, which 5 a second is well below.
    "wechat": Pace(rate=5.0),
    "web": Pace(rate=500.0),
    "terminal": Pace(rate=500.0),
}


FREE_RATE = 30.0
"""Messages a second that a bot may send to all chats together without paying. Bots FAQ."""

PAID_IN_FLIGHT = 160
"""Calls at once at most beyond the free rate: 1,000 a second at a latency of 0.15 s."""


def pace_of(door: str, telegram_rate: float | None = None) -> Pace:
    """The pace of a door; the operator may set Telegram's (`TELEGRAM_RATE`)."""
    pace = PACES.get(door, Pace(rate=20.0))
    if door == "telegram" and telegram_rate:
        most = pace.most_in_flight if telegram_rate <= FREE_RATE else PAID_IN_FLIGHT
        return replace(pace, rate=telegram_rate, most_in_flight=most)
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

    def wait(self, tokens: int = 1) -> float:
        """Seconds until so many may leave, at most those of a burst."""
        self._fill()
        return max(0.0, (min(tokens, self.burst) - self._tokens) / self.rate)


class ChatGaps:
    """When each chat may hear from us again."""

    def __init__(self, pace: Pace, steady: Callable[[], float]) -> None:
        self._pace = pace
        self._steady = steady
        self._until: dict[str, float] = {}

    def gap(self, chat: str) -> float:
        """Seconds between two messages in this chat. A group's number is below 0."""
        rate = self._pace.per_group if chat.startswith("-") and self._pace.per_group else self._pace.per_chat
        return 1.0 / rate if rate else 0.0

    def reserve(self, chat: str) -> float:
        """Seconds until this chat's next place; 0: now, and the place is taken."""
        gap = self.gap(chat)
        if not gap:
            return 0.0
        now = self._steady()
        wait = max(0.0, self._until.get(chat, 0.0) - now)
        if not wait:
            self._until[chat] = now + gap
            if len(self._until) > 10_000:
                self._until = {other: until for other, until in self._until.items() if until > now}
        return wait

    def stretch(self, chat: str, length: int) -> None:
        """What takes the place that was reserved has so many characters: after a long text there is a longer gap."""
        if chat in self._until and self._pace.long_text:
            self._until[chat] += self.gap(chat) * (length // self._pace.long_text)

    def forget(self, chat: str) -> None:
        """The place was not used."""
        self._until.pop(chat, None)
