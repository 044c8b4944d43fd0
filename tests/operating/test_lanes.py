"""What a platform brings all day goes by a lane; whatever is not of the plainest form goes through the application."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from bot import lanes, server
from bot.lanes import Hear, Said
from bot.server import BODY_LIMIT, Server

PLAIN = b"POST /bring HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b"
LANE, ROUTE = "by the lane", "by the route"


def plain(body: bytes) -> bytes:
    """A call as a platform makes it."""
    return PLAIN % (len(body), body)


class Ears:
    """Hears, and says the status that a body asks for."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.came = asyncio.Event()

    async def hear(self, headers: Mapping[str, str], body: bytes) -> tuple[int, int]:
        self.heard.append(body)
        self.came.set()
        await self.goes_on.wait()
        if body == b"break":
            raise ZeroDivisionError
        return (503, 7) if body == b"busy" else (200, 0)


@asynccontextmanager
async def serving(ears: Ears, hear: Hear | None = None) -> AsyncIterator[Server]:
    """A server whose route says that it was the one."""

    async def route(request: web.Request) -> web.Response:
        status, wait = await ears.hear(request.headers, await request.read())
        return web.Response(status=status, headers={"X-Way": ROUTE, **({"Retry-After": str(wait)} if wait else {})})

    application = server.create()
    application.router.add_post("/bring", route)
    one = Server(application, hearers={"/bring": hear or ears.hear})
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


async def said(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """One answer: status, headers."""
    async with asyncio.timeout(5):
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = dict(line.split(": ", 1) for line in lines)
        await reader.readexactly(int(headers.get("Content-Length", 0)))
    return int(first.split()[1]), headers


async def ask(one: Server, *pieces: bytes) -> tuple[int, str]:
    """Status, and which way it went."""
    reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
    for number, piece in enumerate(pieces):
        await asyncio.sleep(0.02 * bool(number))
        writer.write(piece)
    status, headers = await said(reader)
    writer.close()
    return status, headers.get("X-Way", LANE)


async def test_a_plain_call_goes_by_the_lane_and_its_answer_is_a_status_alone() -> None:
    ears = Ears()
    async with serving(ears) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(plain(b"hello"))
        status, headers = await said(reader)
        assert (status, set(headers), headers["Content-Length"]) == (200, {"Content-Length", "Date"}, "0")
        writer.write(plain(b"busy"))
        status, headers = await said(reader)
        assert (status, headers["Retry-After"]) == (503, "7")
        assert ears.heard == [b"hello", b"busy"]
        writer.close()


UNUSUAL: dict[str, tuple[bytes, ...]] = {
    "in two pieces": (plain(b"hello")[:-3], plain(b"hello")[-3:]),
    "chunked": (b"POST /bring HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",),
    "for the last time": (plain(b"hello").replace(b"Host: a", b"Host: a\r\nConnection: close"),),
    "by an old client": (plain(b"hello").replace(b"HTTP/1.1", b"HTTP/1.0"),),
    "packed": (PLAIN.replace(b"Host: a", b"Host: a\r\nContent-Encoding: gzip") % (
        len(gzip.compress(b"hello", mtime=0)), gzip.compress(b"hello", mtime=0),
    ),),
    "to a longer address": (plain(b"hello").replace(b"/bring", b"/bring?a=1"),),
    "to a whole address": (plain(b"hello").replace(b"/bring", b"http://a/bring"),),
}  # fmt: skip


@pytest.mark.parametrize("how", UNUSUAL)
async def test_a_call_of_another_form_is_heard_by_the_route(how: str) -> None:
    ears = Ears()
    async with serving(ears) as one:
        assert await ask(one, *UNUSUAL[how]) == (200, ROUTE)
        assert ears.heard == [b"hello"]


async def test_without_a_look_at_its_form_a_connection_that_was_to_be_closed_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes, "_is_plain", lambda _message: True)
    async with serving(Ears()) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(UNUSUAL["for the last time"][0])
        assert (await said(reader))[0] == 200
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.1)
        writer.close()


async def test_another_method_or_path_is_the_applications() -> None:
    ears = Ears()
    async with serving(ears) as one:
        assert (await ask(one, plain(b"hello").replace(b"POST", b"PUT")))[0] == 405
        assert (await ask(one, plain(b"hello").replace(b"/bring", b"/brings")))[0] == 404
        assert not ears.heard


async def test_of_a_body_that_is_too_long_nothing_is_heard() -> None:
    ears = Ears()
    async with serving(ears) as one:
        assert (await ask(one, plain(b"x" * (BODY_LIMIT + 1))))[0] == 413
        assert (await ask(one, plain(b"x" * BODY_LIMIT)))[0] == 200
        assert [len(body) for body in ears.heard] == [BODY_LIMIT]


async def test_calls_on_one_connection_are_answered_in_the_order_in_which_they_came() -> None:
    ears = Ears()
    async with serving(ears) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(b"".join(plain(body) for body in (b"1", b"busy", b"3")))
        assert [(await said(reader))[0] for _one in range(3)] == [200, 503, 200]
        assert ears.heard == [b"1", b"busy", b"3"]
        writer.close()


async def test_a_hearer_that_breaks_is_a_fault_of_ours_and_stops_nobody_else() -> None:
    ears = Ears()
    async with serving(ears) as one:
        assert (await ask(one, plain(b"break")))[0] == 500
        assert await ask(one, plain(b"hello")) == (200, LANE)


async def test_whoever_has_gone_meanwhile_stops_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    ears = Ears()
    ears.goes_on.clear()
    async with serving(ears) as one:
        _reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(plain(b"hello"))
        await asyncio.wait_for(ears.came.wait(), 5)
        writer.transport.abort()
        await asyncio.sleep(0.05)
        ears.goes_on.set()
        assert await ask(one, plain(b"hello")) == (200, LANE)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_an_orderly_stop_lets_a_call_end() -> None:
    ears = Ears()
    ears.goes_on.clear()
    async with serving(ears) as one:
        asking = asyncio.create_task(ask(one, plain(b"hello")))
        await asyncio.wait_for(ears.came.wait(), 5)
        stopping = asyncio.create_task(one.stop())
        await asyncio.sleep(0.05)
        assert not stopping.done()
        ears.goes_on.set()
        assert await asking == (200, LANE)
        await stopping


async def test_a_connection_on_which_a_call_is_heard_is_not_idle() -> None:
    ears = Ears()
    ears.goes_on.clear()
    now = [0.0]
    async with serving(ears) as one:
        one._steady = lambda: now[0]
        asking = asyncio.create_task(ask(one, plain(b"hello")))
        await asyncio.wait_for(ears.came.wait(), 5)
        one.reap()
        now[0] += 1000.0
        assert one.reap() == 0
        ears.goes_on.set()
        assert await asking == (200, LANE)


@pytest.mark.parametrize("reads", [True, False])
async def test_whoever_does_not_read_is_not_answered_any_further(reads: bool) -> None:
    written, may_go_on = list[bytes](), asyncio.Event()
    if reads:
        may_go_on.set()
    transport = SimpleNamespace(write=written.append, is_closing=lambda: False)
    request: Any = SimpleNamespace(transport=transport, writer=SimpleNamespace(drain=may_go_on.wait))
    answering = asyncio.create_task(Said(200, 0).prepare(request))
    await asyncio.sleep(0.02)
    assert answering.done() is reads
    may_go_on.set()
    await answering
    assert len(written) == 1


@pytest.mark.parametrize(("body", "records"), [(b"hello", 0), (b"busy", 1)])
async def test_only_a_call_that_was_refused_is_recorded(
    body: bytes, records: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int]] = []
    note = SimpleNamespace(info=lambda _event, **fields: told.append((fields["route"], fields["status"])))
    monkeypatch.setattr(server, "log", note)
    monkeypatch.setattr(server, "QUIET_ROUTES", frozenset({"/bring"}))
    async with serving(Ears()) as one:
        await ask(one, plain(body))
    assert told == [("/bring", 503)] * records

