"""The demonstration city's clock: the machine's time, moved on by whoever plays with it."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

MICROSECOND = timedelta(microseconds=1)

SIZE = 8
"""Bytes of the file: how far ahead the city is, in microseconds, the lowest first."""


class MovableClock:
    """Tells the city's time; `advance` moves it on, never back: what was said cannot be unsaid.

    `shared`: a file beside the city's database. All who open it tell one time: the terminal goes on with a city whose
    clock a visitor of its pages moves, and a city that is opened again is as late as it was.
    """

    def __init__(
        self, real: Callable[[], datetime] = lambda: datetime.now(UTC), shared: Path | None = None
    ) -> None:
        self._real = real
        # Memory, not a file that is read: the time is asked for in the event loop, many times a turn.
        self._ahead = bytearray(SIZE) if shared is None else _opened(shared)

    def __call__(self) -> datetime:
        """The city's time, in UTC."""
        return self._real() + int.from_bytes(self._ahead[:], "little") * MICROSECOND

    def advance(self, by: timedelta) -> datetime:
        """Move on. Raises ValueError for a step back."""
        if by < timedelta():
            raise ValueError("the clock goes forward only")
        ahead = int.from_bytes(self._ahead[:], "little") + by // MICROSECOND
        self._ahead[:] = ahead.to_bytes(SIZE, "little")
        return self()

    def advance_to(self, moment: datetime) -> datetime:
        """Move on to just after a moment; one that has passed moves nothing."""
        return self.advance(max(moment - self() + timedelta(seconds=1), timedelta()))


def _opened(file: Path) -> mmap.mmap:
    """The memory of all who open this file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as kept:
        # Nobody is ahead in a file that was not there, or that a full disk left half written.
        if kept.seek(0, 2) != SIZE:
            kept.truncate(0)
            kept.truncate(SIZE)
        return mmap.mmap(kept.fileno(), SIZE)
