"""A network that a test spoils: it stands before a server of this machine and does to each request what it is told.

One small TCP proxy. What a client sends in one piece counts as a request, as it is on this machine.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import repeat
from typing import Literal
from urllib.parse import urlsplit

Weather = Literal["fair", "slow", "lost", "deaf", "torn", "hole"]
"""What becomes of a request and its answer: both pass; both pass late; the connection is reset before the server hears
of it; the server does it and the connection is reset before the answer; after a part of the answer; nothing passes and
nothing is ever said."""

LATE = 0.02
PART = 20
"""Bytes of an answer that is torn: in the middle of its first line, and where that is told, of its status."""


class Network:
    """Between a client and one server; `weather` says what comes next, for ever if it is a `repeat`."""

    def __init__(self, server: str) -> None:
        there = urlsplit(server)
        assert there.hostname
        assert there.port
        self._server = there.hostname, there.port
        self.weather: Iterator[Weather] = repeat("fair")
        self.on_hole: Callable[[], None] = lambda: None
        """Told when a request falls into one."""
        self.had: Counter[Weather] = Counter()
        self.base = ""
        self._under_way: set[asyncio.Task[None]] = set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(*self._server)
        try:
            while request := await reader.read(65_536):
                now = next(self.weather)
                self.had[now] += 1
                if now == "hole":
                    self.on_hole()
                    await asyncio.Event().wait()
                if now == "lost":
                    return _reset(writer)
                if now == "slow":
                    await asyncio.sleep(LATE)
                to_server.write(request)
                answer = await from_server.read(65_536)
                if now == "slow":
                    await asyncio.sleep(LATE)
                if now == "deaf" or not answer:
                    return _reset(writer)
                writer.write(answer[:PART] if now == "torn" else answer)
                await writer.drain()
                if now == "torn":
                    writer.close()
                    return None
        except ConnectionError:
            return None
        finally:
            to_server.close()
            writer.close()

    @asynccontextmanager
    async def up(self) -> AsyncIterator[Network]:
        """Reachable at `base`, as the server is at its own."""

        async def comes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            with suppress(asyncio.CancelledError):
                await self._carry(reader, writer)

        listening = await asyncio.start_server(comes, "127.0.0.1", 0)
        self.base = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield self
        await asyncio.sleep(LATE)  # whom the backlog still holds is let in first, so that he is put out too
        listening.close()
        await self.cut()

    async def cut(self) -> None:
        """Whatever is under way ends here."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)


def changing(choose: Callable[[], Weather]) -> Iterator[Weather]:
    """Other weather for each request."""
    while True:
        yield choose()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST, not FIN: what was written on the way is thrown away."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
