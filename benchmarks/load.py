"""The far end: sends requests over kept connections, as fast as they are answered or at a given rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

CONNECTIONS = 64
"""Telegram brings up to 100 updates at once; 64 keep one process busy."""

REST = 5.0
"""Seconds for which a connection may rest before it is used again: servers close those that rest long."""

SILENCE = 60.0
"""Seconds without an answer after which a run is given up."""

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


async def busy(port: int, stories: Iterator[Story], seconds: float, connections: int = CONNECTIONS) -> Measured:
    """Closed loop: every connection sends its next request when the last was answered, for so long."""
    measured = Measured()
    until = time.perf_counter() + seconds

    async def keep_asking() -> None:
        connection = await _Connection.open(port)
        try:
            for story in stories:
                for request in story:
                    sent = time.perf_counter()
                    if sent >= until:
                        return
                    await connection.ask(request)
                    measured.latencies.append(time.perf_counter() - sent)
        finally:
            connection.close()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _number in range(connections):
            group.create_task(keep_asking())
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
