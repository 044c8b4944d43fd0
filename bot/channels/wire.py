"""Plain HTTP to one server, kept alive: it is told by POST, and the truth comes back about what was not answered.

A narrow way beside aiohttp's client for what is called thousands of times; aiohttp parses the answers. One request at a
time on a connection, nothing is followed, nothing is sent again. Docs: docs/decisions/37-calls-over-our-own-wire.md.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from socket import SOCK_STREAM
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from aiohappyeyeballs import start_connection
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpResponseParser, RawResponseMessage

AT_ONCE = 200
"""Connections. More than the fastest account has places for: otherwise they and not its pace would bound it."""
CONNECT_LIMIT = 3.0
"""Seconds to a connection: as long as there is none, nothing was sent."""
KEPT = 15.0
"""Seconds for which a connection waits for its next call. Servers keep theirs longer (nginx: 75), so it is rarely
closed at the other end in the moment in which we write."""
KNOWN = 10.0
"""Seconds for which a server's addresses are believed."""
SECOND_TRY = 0.25
"""Seconds after which the next address is tried beside the first, which may lead nowhere (RFC 8305)."""
HEAD_LIMIT = 16 * 1024
"""Bytes before an answer's body."""
ANSWER_LIMIT = 1024 * 1024
"""Bytes of an answer's body; what we ask for has some hundred."""


class Unreached(Exception):
    """Nothing was written, so nothing can have been done; the text says why."""


class Unanswered(Exception):
    """It was written and no whole answer came; the text says why. `status`: what the answer began with, or 0."""

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Heard:
    """A whole answer."""

    status: int
    body: bytes
    retry_after: str
    """What the server says of the next try, as it says it."""


class Wire:
    """One server's connections. No address is in what it raises: it may hold a secret."""

    def __init__(self, base: str, *, at_once: int = AT_ONCE, tls: ssl.SSLContext | None = None) -> None:
        """`base`: scheme, name, port. `tls`: whom to believe who the server is; the system's authorities by default."""
        parts = urlsplit(base)
        secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or (443 if secure else 80)
        self._tls = (tls or _authorities()) if secure else None
        self._named = _named(parts.netloc)
        self._places = asyncio.Semaphore(at_once)
        self._all: set[_Connection] = set()
        self._kept: list[_Connection] = []
        """Those that wait for a call, used last at the end."""
        self._watch: asyncio.Handle | None = None
        self._watched = 0.0
        """Until when. Not asked of the handle: where that is no time at all, uvloop's does not know."""
        self._closed = False
        self._resolving = asyncio.Lock()
        self._addresses: list[tuple[Any, ...]] = []
        self._known_until = 0.0

    def head(self, path: str, kind: str = "application/json") -> bytes:
        """All of a request to this path that never changes, with a body of this kind."""
        line = b"POST %b HTTP/1.1\r\n" % quote(path, safe="/:%").encode()
        return line + self._named + b"Content-Type: %b\r\nContent-Length: " % kind.encode()

    async def post(self, head: bytes, body: bytes, limit: float) -> Heard:
        """One call, in at most `limit` seconds. Raises Unreached, Unanswered."""
        until = asyncio.get_running_loop().time() + limit
        if self._places.locked():
            await self._place(min(limit, CONNECT_LIMIT))
        else:
            await self._places.acquire()
        try:
            connection = self._waiting() or await self._connected(until)
            return await connection.ask(b"%b%d\r\n\r\n%b" % (head, len(body), body), until)
        finally:
            self._places.release()

    async def close(self) -> None:
        """Close the connections, for good."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
        for connection in list(self._all):
            connection.end("we hung up")
        await asyncio.sleep(0)  # a connection is gone when its loop has come round

    async def _place(self, limit: float) -> None:
        try:
            async with asyncio.timeout(limit):
                await self._places.acquire()
        except TimeoutError:
            raise Unreached("no connection became free") from None

    def _waiting(self) -> _Connection | None:
        """One that waits, and that nobody has closed meanwhile."""
        while self._kept:
            connection = self._kept.pop()
            if connection.is_fit:
                return connection
            connection.end("closed while it waited")
        return None

    async def _connected(self, until: float) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(min(until, loop.time() + CONNECT_LIMIT)):
                socket = await start_connection(await self._resolved(), happy_eyeballs_delay=SECOND_TRY, loop=loop)
                _transport, connection = await loop.create_connection(
                    lambda: _Connection(self, loop), sock=socket, ssl=self._tls,
                    server_hostname=self._host if self._tls else None,
                )  # fmt: skip
        except (OSError, UnicodeError) as wrong:  # TimeoutError and what TLS refuses are OSErrors
            self._known_until = 0.0
            raise Unreached(type(wrong).__name__) from None
        if self._closed:
            connection.end("we hung up")
            raise Unreached("we hung up")
        return connection

    async def _resolved(self) -> list[tuple[Any, ...]]:
        """The server's addresses, looked up once for all who want a connection just now."""
        loop = asyncio.get_running_loop()
        async with self._resolving:
            if loop.time() >= self._known_until:
                self._addresses = list(await loop.getaddrinfo(self._host, self._port, type=SOCK_STREAM))
                self._known_until = loop.time() + KNOWN
        return self._addresses

    # --- What its connections say ------------------------------------------------------------------------------------

    def opened(self, connection: _Connection) -> None:
        """It is there."""
        self._all.add(connection)

    def lost(self, connection: _Connection) -> None:
        """It is gone."""
        self._all.discard(connection)

    def free(self, connection: _Connection) -> None:
        """Its answer has come whole, and it may be asked again."""
        self._kept.append(connection)

    def watch(self, until: float) -> None:
        """End what lasts longer. One watch for all connections: hardly any call ever does."""
        if self._watch is not None:
            if self._watched <= until:
                return
            self._watch.cancel()
        self._watched = until
        self._watch = asyncio.get_running_loop().call_at(until, self._end_overdue)

    def _end_overdue(self) -> None:
        self._watch = None
        now = asyncio.get_running_loop().time()
        for connection in [one for one in self._all if one.until <= now]:
            connection.end("too late")
        self._kept = [one for one in self._kept if one.until > now]
        if waiting := [one.until for one in self._all if one.until > now]:
            self.watch(min(waiting))


@cache
def _authorities() -> ssl.SSLContext:
    """Whom this machine believes."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _named(netloc: str) -> bytes:
    """The lines of a request that say whom it is for, and by whom where the address says that."""
    access, _, host = netloc.rpartition("@")
    lines = b"Host: %b\r\nUser-Agent: Menkou\r\n" % host.encode("idna")
    return lines + b"Authorization: Basic %b\r\n" % b64encode(unquote(access).encode()) if access else lines


class _Connection(BaseProtocol):
    """One connection: a request, its answer, the next request."""

    __slots__ = ("_asked", "_before", "_body", "_head", "_parsed", "_ready", "_wire", "until")

    def __init__(self, wire: Wire, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._wire = wire
        self._asked: asyncio.Future[Heard] | None = None
        """Who waits for the answer; nobody while the connection waits for a request."""
        # It tells us to pause when twice this much of a body has come.
        self._parsed = HttpResponseParser(self, loop, ANSWER_LIMIT // 2, read_until_eof=True, auto_decompress=False)
        self._head: RawResponseMessage | None = None
        self._body: StreamReader | None = None
        self._before = 0
        """Bytes that have come before the answer's head was whole."""
        self._ready: select.poll | None = None
        """Tells whether something has come that the loop has not read yet."""
        self.until = 0.0
        """By the loop's clock: until when an answer must have come, or until when it waits for a call."""

    @property
    def is_fit(self) -> bool:
        """Can it be asked? What has come while nobody asked is its end, or nothing that we wait for."""
        if self.transport is None or self.transport.is_closing():
            return False
        return self._ready is None or not self._ready.poll(0)

    @property
    def is_written(self) -> bool:
        """Has all of the request gone? What is left when its answer comes would run into the next one."""
        return self.transport is not None and not self.transport.get_write_buffer_size()

    async def ask(self, request: bytes, until: float) -> Heard:
        """Write it and wait. Raises Unreached, Unanswered."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise Unreached("closed before it was asked")
        asked: asyncio.Future[Heard] = self._loop.create_future()
        self._asked = asked
        self._head = self._body = None
        self._before = 0
        self.until = until
        self._wire.watch(until)
        transport.write(request)
        try:
            return await asked
        finally:
            if self._asked is asked:  # nobody waits any more, so its answer must find nobody else
                self.end("given up")

    def end(self, why: str) -> None:
        """Close it, at once; who waits hears why."""
        asked, self._asked = self._asked, None
        if asked is not None and not asked.done():
            asked.set_exception(Unanswered(why, self._head.code if self._head else 0))
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The server is there."""
        super().connection_made(transport)
        self.until = self._loop.time() + CONNECT_LIMIT
        if hasattr(select, "poll"):  # Windows has none; there an end is seen when the loop comes to it
            self._ready = select.poll()
            self._ready.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self._wire.opened(self)

    def data_received(self, data: bytes) -> None:
        """A piece of an answer."""
        if self._asked is None:
            self.end("it spoke without being asked")
            return
        before = self._body.total_bytes if self._body is not None else None
        try:
            messages, upgraded, rest = self._parsed.feed_data(data)
        except Exception:  # noqa: BLE001 - whatever the parser raises, it could not read it; its text holds what came
            self.end("not HTTP")
            return
        for head, body in messages:
            if self._head is not None:
                rest = data  # two answers to one request
            elif head.code >= 200:  # what comes before is no answer yet
                self._head, self._body = head, body
        if self._head is None or self._body is None:
            self._before += len(data)
            if upgraded or self._before > HEAD_LIMIT:
                self.end("not HTTP" if upgraded else "its head is too long")
        elif len(data) > HEAD_LIMIT and messages and _length(self._head) > HEAD_LIMIT:
            self.end("its head is too long")
        elif self._body.exception() is not None:
            self.end("not HTTP")
        elif self._body.is_eof():
            fit = not (rest or upgraded or self._head.should_close) and _ends(data, self._head, self._body, before)
            self._finish(self._head, self._body, fit=fit)

    def pause_reading(self) -> None:
        """More has come than an answer of ours may have."""
        self.end("too long")

    def resume_reading(self, resume_parser: bool = True) -> None:
        """There is room again; nothing was held back."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is gone: an answer without a length ends here, every other breaks off."""
        super().connection_lost(exc)
        self._wire.lost(self)
        head, body = self._head, self._body
        if self._asked is not None and head is not None and body is not None and exc is None:
            with suppress(Exception):  # what has a length lacks something
                self._parsed.feed_eof()
                if body.is_eof() and body.exception() is None:
                    self._finish(head, body, fit=False)
        self.end("cut short" if self._head else "closed")

    def _finish(self, head: RawResponseMessage, body: StreamReader, *, fit: bool) -> None:
        """The answer is whole."""
        asked, self._asked = self._asked, None
        if asked is None:
            return  # it was too long, and has been ended
        heard = Heard(head.code, body.read_nowait(), head.headers.get("Retry-After", ""))
        if fit and self.is_written:
            self.until = self._loop.time() + KEPT
            self._wire.free(self)
        else:
            self.end("")
        if not asked.done():
            asked.set_result(heard)


def _ends(data: bytes, head: RawResponseMessage, body: StreamReader, before: int | None) -> bool:
    """Does this last piece end with the answer? What the parser has begun to read behind it would be the next one's.

    `before`: how much of the body had come before this piece; None: its head had not. In doubt: no.
    """
    if head.chunked:
        return data.endswith(b"\r\n\r\n")
    if before is None:
        return data.find(b"\r\n\r\n") + 4 + body.total_bytes == len(data)
    return body.total_bytes - before == len(data)


def _length(head: RawResponseMessage) -> int:
    """Bytes of an answer's head, its first line aside."""
    return sum(len(name) + len(value) + 4 for name, value in head.raw_headers)
