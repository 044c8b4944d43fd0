"""The web server, hardened: aiohttp itself waits for a slow client's headers and body for as long as it takes."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web_protocol import RequestHandler

from bot.lanes import Call, Hear, Lanes

log = structlog.get_logger("menkou.server")

BODY_LIMIT = 64 * 1024
"""Bytes of a request's body, unpacked. WeChat's and Telegram's messages are below 10 KiB."""

HEADER_LIMIT = 8190
"""Bytes of one header line, and of the first line."""

BACKLOG = 512
"""Connections that may wait to be accepted."""

METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds."""

    header: float = 10.0
    """From a connection's begin to the end of its first request's headers, and between the bytes of later ones."""
    body: float = 5.0
    """For a whole body."""
    large_body: float = 30.0
    """For one of a route that takes more: a picture by a telephone in a cellar."""
    keepalive: float = 15.0
    """That a connection may stay open without a request."""
    look: float = 1.0
    """Between two looks at the open connections."""
    stop: float = 15.0
    """For an orderly stop, all in all."""


class AccessLog(AbstractAccessLogger):
    """One record a request: the route's pattern instead of the address, which may carry a secret or a signature."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Called by aiohttp; `time` is in seconds."""
        route = "(none)"
        # A request that could not even be parsed was matched with no route, and `match_info` would raise.
        matched = request._match_info if isinstance(request, web.Request) else None
        if isinstance(request, Call):
            route = request.path
        elif matched is not None and (resource := matched.route.resource) is not None:
            route = resource.canonical
        if route in QUIET_ROUTES and response.status < 400:
            return
        log.info(
            "request",
            method=request.method if request.method in METHODS else "(other)",
            route=route,
            status=response.status,
            milliseconds=round(time * 1000),
        )


def _is_ours(record: logging.LogRecord) -> bool:
    """What cannot be parsed is the client's fault and in the access log as 400; its bytes belong into no log."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


logging.getLogger("aiohttp.server").addFilter(_is_ours)

METHODS = METHODS_WITH_BODY | {"GET", "HEAD", "OPTIONS"}

QUIET_ROUTES = frozenset(
    {"/healthz", "/readyz", "/metrics", "/static/{digest}/{name}", "/telegram", "/wechat"}
)
"""Asked all the time; only what goes wrong there is news. What a platform brings has a record of its turn."""


def create(deadlines: Deadlines | None = None, larger: Mapping[str, int] | None = None) -> web.Application:
    """An application that refuses bodies over 64 KiB (413) and those that take too long (408), before any handler.

    `larger`: routes that take more, and how many bytes.
    """
    reads = read_body(deadlines or Deadlines(), larger or {})
    return web.Application(client_max_size=BODY_LIMIT, middlewares=[reads])


def read_body(deadlines: Deadlines, larger: Mapping[str, int]) -> Middleware:
    """A middleware that reads the whole body, so that no handler waits for a slow one."""

    @web.middleware
    async def read(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.can_read_body:
            limit = larger.get(_route(request))
            if limit is not None:
                request = request.clone(client_max_size=limit)
            if request.content_length is not None and request.content_length > request.client_max_size:
                raise web.HTTPRequestEntityTooLarge(request.client_max_size, request.content_length)
            try:
                if request.content.is_eof():  # mostly it came with the headers, and nothing is waited for
                    await request.read()
                else:
                    async with asyncio.timeout(deadlines.body if limit is None else deadlines.large_body):
                        await request.read()
            except TimeoutError:
                raise web.HTTPRequestTimeout from None
            except web.RequestPayloadError:
                # A length that is not kept, or a packing that does not unpack.
                raise web.HTTPBadRequest from None
        return await handler(request)

    return read


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


def take(host: str, port: int) -> socket.socket:
    """Take an address before anything is wired, so that links can name the port that 0 became. Raises OSError.

    Nobody can connect yet: whoever comes before Menkou is ready is refused at once, not left waiting.
    """
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if os.name == "posix":  # elsewhere it would let another program take the address too
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host, port))
    except BaseException:
        one.close()
        raise
    return one


class Server:
    """An application on one address, from `start` to `stop`."""

    def __init__(
        self,
        application: web.Application,
        host: str = "127.0.0.1",
        port: int = 0,
        deadlines: Deadlines | None = None,
        steady: Callable[[], float] = time.monotonic,
        taken: socket.socket | None = None,
        hearers: Mapping[str, Hear] | None = None,
    ) -> None:
        """`taken`: the address, where it was taken already. `hearers`: by path, who hears what a platform brings."""
        self.deadlines = deadlines or Deadlines()
        self.host = host
        self.port = port
        """The port that was asked for; after `start` the one that was taken."""
        self._steady = steady
        self._taken = taken
        self._lanes = Lanes(hearers or {}, BODY_LIMIT)
        self._runner = web.AppRunner(
            application,
            access_log_class=AccessLog,
            keepalive_timeout=self.deadlines.keepalive,
            max_line_size=HEADER_LIMIT,
            max_field_size=HEADER_LIMIT,
            # Read on after an answer that came before the body's end (413), so that the client sees it; not for long.
            lingering_time=min(2.0, self.deadlines.body),
            # It waits up to twice this long: for handlers to end, and again after it has cancelled them.
            shutdown_timeout=self.deadlines.stop * 0.45,
        )
        self._idle_since: dict[RequestHandler, tuple[int, float]] = {}
        self._reaper: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Listen; returns the address. Raises OSError when the port is taken."""
        await self._runner.setup()
        if self._runner.server is not None:
            self._lanes.open(self._runner.server)
        site: web.BaseSite
        if self._taken is not None:
            site = web.SockSite(self._runner, self._taken, backlog=BACKLOG)
        else:
            site = web.TCPSite(self._runner, self.host, self.port, backlog=BACKLOG)
        try:
            await site.start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self.port = int(self._runner.addresses[0][1])
        self._reaper = asyncio.create_task(self._reap(), name="connections")
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{shown}:{self.port}"

    async def stop(self) -> None:
        """Accept nothing more, let requests under way finish, close; never longer than the stop deadline."""
        try:
            async with asyncio.timeout(self.deadlines.stop):
                await self._runner.cleanup()
        except TimeoutError:
            log.warning("requests were cut off", after=self.deadlines.stop)
        finally:
            if self._reaper is not None:
                self._reaper.cancel()
                with suppress(asyncio.CancelledError):
                    await self._reaper
                self._reaper = None

    @property
    def connections(self) -> int:
        """Open ones."""
        return len(self._runner.server.connections) if self._runner.server is not None else 0

    async def _reap(self) -> None:
        """Close connections on which no request is being answered and no whole header has come for too long.

        aiohttp's own keep-alive timer counts anew with each answered request and its handling of the first is not
        promised; this look holds for every connection.
        """
        while True:
            await asyncio.sleep(self.deadlines.look)
            self.reap()

    def reap(self) -> int:
        """One look; returns how many connections were closed."""
        server, now, closed = self._runner.server, self._steady(), 0
        idle: dict[RequestHandler, tuple[int, float]] = {}
        for connection in server.connections if server is not None else ():
            if _is_answering(connection):
                continue
            # What was asked and answered between two looks is no idleness: a proxy's connection would be cut in use.
            answered = connection._request_count
            before, since = self._idle_since.get(connection, (answered, now))
            since = since if before == answered else now
            # The first request has the header's time; a connection that was of use may rest a little longer.
            patience = self.deadlines.keepalive if answered else self.deadlines.header
            if now - since < patience:
                idle[connection] = (answered, since)
                continue
            transport = connection.transport
            connection.force_close()
            if isinstance(transport, asyncio.Transport):
                transport.abort()
            closed += 1
        self._idle_since = idle
        if closed:
            log.info("slow connections closed", count=closed)
        return closed


def _is_answering(connection: RequestHandler) -> bool:
    """Is a request with whole headers being answered (or its body read, which has a deadline of its own)?"""
    return connection._request_in_progress or bool(connection._messages)


async def until_stopped(stop: asyncio.Event | None = None) -> None:
    """Wait for SIGTERM or SIGINT (a second one ends the process at once), or for the event."""
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    heard = []

    def hear(number: signal.Signals) -> None:
        log.info("stopping", signal=number.name)
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        # Windows has no such handlers; Ctrl-C ends the loop there.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, hear, number)
            heard.append(number)
    try:
        await stop.wait()
    finally:
        for number in heard:
            loop.remove_signal_handler(number)
