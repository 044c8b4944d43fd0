"""The demonstration city's clock: the machine's time, moved on by whoever plays with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class MovableClock:
    """Tells the city's time; `advance` moves it on, never back: what was said cannot be unsaid."""

    def __init__(self, real: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._real = real
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """The city's time, in UTC."""
        return self._real() + self._ahead

    def advance(self, by: timedelta) -> datetime:
        """Move on. Raises ValueError for a step back."""
        if by < timedelta():
            raise ValueError("the clock goes forward only")
        self._ahead += by
        return self()

    def advance_to(self, moment: datetime) -> datetime:
        """Move on to just after a moment; one that has passed moves nothing."""
        return self.advance(max(moment - self() + timedelta(seconds=1), timedelta()))
