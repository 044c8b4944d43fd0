"""The far end: sends requests over kept connections, as fast as they are answered or at a given rate."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

CONNECTIONS = 64
"""Telegram brings up to 100 updates at once; 64 keep one process busy."""

REST = 5.0
"""Seconds for which a connection may rest before it is used again: servers close those that rest long."""

SILENCE = 60.0
"""Seconds without an answer after which a run is given up."""

_LENGTH = re.compile(rb"\r\n(?i:content-length): *(\d+)")

Story = Sequence[bytes]
"""Whole requests of one person, each sent when the one before was answered."""


class Refused(RuntimeError):
    """An answer other than 200: nothing that is measured after it would be true."""


@dataclass
class Measured:
    """What came of one run."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Seconds, one an answer; at a given rate from the moment at which the request was due."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Seconds within which this share (0 to 1) was answered."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def post(path: str, body: bytes, **headers: str) -> bytes:
    """A whole POST request."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection:
    """One connection: a request, its answer, the next."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.used = time.perf_counter()

    @classmethod
    async def open(cls, port: int) -> _Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes) -> bytes:
        self._writer.write(request)
        async with asyncio.timeout(SILENCE):
            head = await self._reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise Refused(head.partition(b"\r\n")[0].decode())
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            body = await self._reader.readexactly(length) if length else b""
        self.used = time.perf_counter()
        return body

    def close(self) -> None:
        self._writer.close()


class _Caller(asyncio.Protocol):
    """One connection that sends its next request as soon as the last was answered, without a task that wakes for it:
    what the far end takes of the machine, whatever is measured lacks."""

    def __init__(self, stories: Iterator[Story], until: float, latencies: list[float]) -> None:
        self._stories, self._until, self._latencies = stories, until, latencies
        self._requests: Iterator[bytes] = iter(())
        self._heard = b""
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """An answer, or a part of it."""
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or (length is not None and len(body) < int(length[1])):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._end(Refused(head.partition(b"\r\n")[0].decode()))
            return
        self._heard = b""
        self._latencies.append(time.perf_counter() - self._sent)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server hung up."""
        self._end(exc or ConnectionResetError())

    def _ask(self) -> None:
        self._sent = time.perf_counter()
        request = self._next() if self._sent < self._until else None
        if request is None:
            self._end()
        else:
            self._transport.write(request)

    def _next(self) -> bytes | None:
        while (request := next(self._requests, None)) is None:
            story = next(self._stories, None)
            if story is None:
                return None
            self._requests = iter(story)
        return request

    def _end(self, wrong: Exception | None = None) -> None:
        if self.done.done():
            return
        if wrong is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(wrong)
        self._transport.close()


async def busy(port: int, stories: Iterator[Story], seconds: float, connections: int = CONNECTIONS) -> Measured:
    """Closed loop: every connection sends its next request when the last was answered, for so long. Raises Refused,
    OSError, TimeoutError."""
    measured = Measured()
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    callers = [_Caller(stories, began + seconds, measured.latencies) for _number in range(connections)]
    async with asyncio.timeout(seconds + SILENCE):
        for caller in callers:
            await loop.create_connection(lambda caller=caller: caller, "127.0.0.1", port)  # type: ignore[misc]
        await asyncio.gather(*(caller.done for caller in callers))
    measured.seconds = time.perf_counter() - began
    return measured


async def steady(port: int, requests: Iterable[bytes], rate: float, answers: list[bytes] | None = None) -> Measured:
    """Open loop: requests come at this rate whether or not the ones before were answered."""
    measured = Measured()
    free: list[_Connection] = []
    began = time.perf_counter()

    async def ask(due: float, request: bytes) -> None:
        rested = time.perf_counter() - REST
        while free and free[0].used < rested:
            free.pop(0).close()
        connection = free.pop() if free else await _Connection.open(port)
        answer = await connection.ask(request)
        measured.latencies.append(time.perf_counter() - due)
        free.append(connection)
        if answers is not None:
            answers.append(answer)

    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(requests):
            due = began + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            group.create_task(ask(due, request))
    measured.seconds = time.perf_counter() - began
    for connection in free:
        connection.close()
    return measured
