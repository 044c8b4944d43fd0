"""A loop whose clock jumps: whoever waits for something that never comes is told at once that its time is over.

The calls of a test may then take as long as a busy machine makes them, and what ends by a limit waits for nothing.
"""

from __future__ import annotations

import asyncio

HOUR = 3600.0
"""Seconds; longer than anybody waits."""


def leap(seconds: float = HOUR) -> None:
    """The running loop's clock is so much later from now on. uvloop's cannot be told."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]
