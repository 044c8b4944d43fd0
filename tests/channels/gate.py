"""Turns that end when a test says so."""

from __future__ import annotations

import asyncio

from bot.talk.incoming import Incoming


class Gate:
    """Lets turns through when it is opened."""

    def __init__(self, text: str | None = None) -> None:
        """`text`: of those that are held up; None: all are."""
        self.open = asyncio.Event()
        self.entered = asyncio.Event()
        self._text = text

    async def __call__(self, incoming: Incoming) -> None:
        if self._text in (None, incoming.text):
            self.entered.set()
            await self.open.wait()
