"""A platform at the far end, in a process of its own: `python -m benchmarks.platform LATENCY LIMIT` answers as the Bot
API does, after so many seconds, and refuses what goes over the limit of a second. It counts for each chat.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from benchmarks.processes import ROOT, STOP_SECONDS

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHAT = re.compile(rb'chat_id(?:=|": ?)(-?\d+)')
"""In a form, in JSON."""

_SENT = b'{"ok":true,"result":{"message_id":%d,"date":1795400100,"chat":{"id":%b,"type":"private"},"text":"x"}}'
"""A whole message, though short: aiogram takes no less."""


@dataclass(frozen=True)
class Heard:
    """What arrived."""

    calls: int
    refused: int
    """429s."""
    chats: int
    most: int
    """Messages in the chat that got most of them."""
    seconds: float
    """From the first call, or from where it began to count, to the last."""

    @property
    def rate(self) -> float:
        """Messages a second that it took."""
        return (self.calls - self.refused) / self.seconds if self.seconds else 0.0


class Far:
    """Counts and answers."""

    def __init__(self, latency: float, limit: int) -> None:
        self.latency = latency
        self.limit = limit
        self.calls = self.refused = 0
        self.chats: Counter[bytes] = Counter()
        self.first = self.last = 0.0
        self._second: deque[float] = deque()

    def begin(self) -> None:
        """Count from now on: who sent so far has warmed up."""
        self.calls = self.refused = 0
        self.chats.clear()
        self.first = self.last = time.monotonic()

    def take(self, path: bytes, body: bytes) -> bytes:
        """The whole answer to one request."""
        if path.startswith(b"/begin"):
            self.begin()
            return _answer(b"200 OK", b"{}")
        if path.startswith(b"/heard"):
            heard = Heard(
                self.calls, self.refused, len(self.chats), max(self.chats.values(), default=0), self.last - self.first
            )
            return _answer(b"200 OK", json.dumps(heard.__dict__).encode())
        now = self.last = time.monotonic()
        self.first = self.first or now
        self.calls += 1
        if self.limit:
            while self._second and now - self._second[0] >= 1.0:
                self._second.popleft()
            if len(self._second) >= self.limit:
                self.refused += 1
                refusal = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 1"}
                told = json.dumps(refusal | {"parameters": {"retry_after": 1}}).encode()
                return _answer(b"429 Too Many Requests", told)
            self._second.append(now)
        found = _CHAT.search(body)
        chat = found[1] if found else b"0"
        self.chats[chat] += 1
        return _answer(b"200 OK", _SENT % (self.calls, chat))


def _answer(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


class _Connection(asyncio.Protocol):
    def __init__(self, far: Far) -> None:
        self._far = far
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._read[:end])
            found = _LENGTH.search(head)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._read) < whole:
                return
            answer = self._far.take(head.split(b" ", 2)[1], bytes(self._read[end + 4 : whole]))
            del self._read[:whole]
            assert self._transport is not None
            if self._far.latency:
                asyncio.get_running_loop().call_later(self._far.latency, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def _serve(latency: float, limit: int) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    far = Far(latency, limit)
    server = await loop.create_server(lambda: _Connection(far), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)

    def wait() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, daemon=True).start()
    await stop.wait()
    server.close()


@contextmanager
def platform(latency: float = 0.0, limit: int = 0) -> Iterator[int]:
    """Its port, for as long as the block lasts. `limit`: messages a second; 0: any."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.platform", str(latency), str(limit)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(STOP_SECONDS)
        process.stdout.close()


def begin(port: int) -> None:
    """Have it count from now on."""
    urllib.request.urlopen(f"http://127.0.0.1:{port}/begin").close()


def heard(port: int) -> Heard:
    """What it counted so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/heard") as answer:
        return Heard(**json.load(answer))


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(float(sys.argv[1]), int(sys.argv[2])))
