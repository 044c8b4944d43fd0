"""What a platform brings all day: from the parser straight to whoever hears it, and the answer in one write.

aiohttp's routes, middlewares, requests and responses are made for pages; a call that is answered by a status alone
needs none of them. Only a call that came whole and in the plainest form goes this way, every other one through the
application, where the same hearer stands behind a route. Docs: docs/decisions/35-a-lane-for-what-platforms-bring.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from http import HTTPStatus

from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

Hear = Callable[[Mapping[str, str], bytes], Awaitable[tuple[int, int]]]
"""Headers and body in; the status out, and the seconds after which to come again (0: nothing is said of that)."""


class Call(web.BaseRequest):
    """A call that goes by a lane."""


class Lanes:
    """Paths with somebody who hears what comes there."""

    def __init__(self, hearers: Mapping[str, Hear], limit: int) -> None:
        """`limit`: bytes of a body."""
        self._hearers = hearers
        self._limit = limit

    def open(self, server: web.Server) -> None:
        """Stand before the application of a server that has no connections yet."""
        self._request, self._answer = server.request_factory, server.request_handler
        server.request_factory, server.request_handler = self._made, self._answered

    def _made(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        if message.path in self._hearers and _is_plain(message) and payload.is_eof():
            return Call(message, payload, protocol, writer, task, asyncio.get_running_loop())
        return self._request(message, payload, protocol, writer, task)

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        if type(request) is not Call:
            return await self._answer(request)
        body = request.content.read_nowait()
        if len(body) > self._limit:
            return _said(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, 0)
        return _said(*await self._hearers[request.path](request.headers, body))


def _is_plain(message: RawRequestMessage) -> bool:
    return (
        message.method == "POST"
        and message.version == HttpVersion11
        and message.compression is None
        and not (message.should_close or message.upgrade or message.chunked)
        and "Expect" not in message.headers
    )


class Said(web.StreamResponse):
    """A status and nothing else; one object for everybody who hears it."""

    def __init__(self, status: int, wait: int) -> None:
        super().__init__(status=status)
        again = f"Retry-After: {wait}\r\n" if wait else ""
        self._line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Length: 0\r\n{again}Date: "

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write it. Raises ConnectionError."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError
        transport.write(f"{self._line}{rfc822_formatted_time()}\r\n\r\n".encode())
        await request.writer.drain()  # whoever does not read is not answered any further

    async def write_eof(self, data: bytes = b"") -> None:
        """It was written whole."""

    @property
    def keep_alive(self) -> bool:
        """A call that wants the connection closed does not go by a lane."""
        return True


_said = lru_cache(maxsize=32)(Said)
