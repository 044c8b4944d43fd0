"""A server without manners: it says what it is told to, in whatever pieces, and remembers what it heard."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from bot.channels.wire import Heard, Unanswered, Wire

SECRET = "12345:secret"
YES = b'{"ok":true}'
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n" + YES
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\n{"ok"\r\n6\r\n:true}\r\n0\r\nX: y\r\n\r\n'
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\n\r\n" + YES
SOON = 0.1
"""Seconds that a call may take where it is to fail by that."""


class Peer:
    """The server's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: list[bytes]) -> None:
        self._reader = reader
        self._writer = writer
        self._heard = heard

    async def request(self) -> bytes:
        """The next request, whole: its body. Whoever has sent more than one at a time is told off."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        self._heard.append(body)
        return body

    async def anything(self) -> bytes:
        """Whatever has come."""
        return await self._reader.read(10_000)

    async def says(self, *pieces: bytes) -> None:
        """Piece after piece, each on a journey of its own."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0)

    def hangs_up(self) -> None:
        self._writer.close()

    def breaks(self) -> None:
        """A reset instead of an end."""
        bare = self._writer.get_extra_info("socket")
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def is_left(self) -> None:
        """Until the other side has gone."""
        with suppress(ConnectionError):
            assert await self._reader.read() == b"", "it sends one request after the other, never two"


Play = Callable[[Peer], Awaitable[None]]


class Rude:
    """A server that does what it is told."""

    def __init__(self) -> None:
        self.base = ""
        self.heard: list[bytes] = []
        self.connections = 0

    async def has_heard(self, calls: int = 1) -> None:
        """Until so many calls have come."""
        while len(self.heard) < calls:  # noqa: ASYNC110 - a test looks, the server stays as it is
            await asyncio.sleep(0.001)

    def wire(self, **how: Any) -> Wire:
        return Wire(self.base, **how)


@asynccontextmanager
async def rude(play: Play, tls: ssl.SSLContext | None = None, name: str = "127.0.0.1") -> AsyncIterator[Rude]:
    told, tasks = Rude(), set[asyncio.Task[Any]]()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.connections += 1
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await play(Peer(reader, writer, told.heard))
        writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()

    server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=tls)
    told.base = f"{'https' if tls else 'http'}://{name}:{server.sockets[0].getsockname()[1]}"
    try:
        yield told
    finally:
        await asyncio.sleep(0.002)  # who was let in is met before the door is shut
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)


def once(*pieces: bytes) -> Play:
    """One answer, then the end."""

    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.says(*pieces)

    return play


def always(answer: bytes) -> Play:
    """The same answer to every request."""

    async def play(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.says(answer)

    return play


@asynccontextmanager
async def called(play: Play, **how: Any) -> AsyncIterator[tuple[Rude, Callable[..., Awaitable[Heard]]]]:
    """The server and a call of it."""
    async with rude(play) as server:
        wire = server.wire(**how)
        head = wire.head(f"/bot{SECRET}/sendMessage")

        async def call(body: bytes = b"{}", limit: float = 2.0) -> Heard:
            return await wire.post(head, body, limit)

        call.wire = wire  # type: ignore[attr-defined] # for those who look inside
        yield server, call
        await wire.close()


async def tried(call: Callable[..., Awaitable[Heard]], *given: Any) -> Heard | tuple[str, int]:
    """What was heard, or why nothing was, with the status that was."""
    try:
        return await call(*given)
    except Unanswered as wrong:
        return str(wrong), wrong.status


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.is_left()
