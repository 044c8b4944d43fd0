"""Slow, large and malicious requests end soon and hold up nobody; an orderly stop finishes what it has begun."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aiohttp.web_urldispatcher import UrlMappingMatchInfo

from bot import logs, server
from bot.server import BODY_LIMIT, Deadlines, Server

QUICK = Deadlines(header=0.3, body=0.3, keepalive=0.4, look=0.05, stop=1.0)

Serve = Callable[..., Awaitable[tuple[Server, str]]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server with a route that answers with its body's length."""
    running: list[Server] = []

    async def length(request: web.Request) -> web.Response:
        return web.json_response({"length": len(await request.read())})

    async def start(
        deadlines: Deadlines = QUICK,
        steady: Callable[[], float] = time.monotonic,
        **routes: Callable[[web.Request], Awaitable[web.Response]],
    ) -> tuple[Server, str]:
        application = server.create(deadlines, {"/picture": 4 * BODY_LIMIT})
        application.router.add_route("*", "/length/{secret}", length)
        application.router.add_route("*", "/picture", length)
        for name, handler in routes.items():
            application.router.add_route("*", f"/{name}", handler)
        one = Server(application, deadlines=deadlines, steady=steady)
        running.append(one)
        return one, await one.start()

    yield start
    for one in running:
        await one.stop()


async def connect(one: Server, begin: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
    writer.write(begin)
    await writer.drain()
    return reader, writer


async def drip(writer: asyncio.StreamWriter, drop: bytes) -> None:
    """A byte now and then, for as long as the server lets us."""
    try:
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.05)
    except ConnectionError:
        return
    finally:
        writer.close()


async def slow(one: Server, count: int) -> list[asyncio.Task[None]]:
    """Half of them slow in the headers, half in the body; each drips so that it never looks dead."""

    async def begin(number: int) -> asyncio.Task[None]:
        if number % 2:
            begun, drop = b"POST /length/x HTTP/1.1\r\nHost: a\r\nX-Slow: ", b"x"
        else:
            begun, drop = b"POST /length/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n", b"y"
        _, writer = await connect(one, begun)
        return asyncio.create_task(drip(writer, drop))

    return await asyncio.gather(*map(begin, range(count)))


async def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    for _ in range(round(seconds / 0.02)):
        if true():
            break
        await asyncio.sleep(0.02)
    return true()


async def test_two_hundred_slow_connections_are_gone_while_others_are_served(serve: Serve) -> None:
    # Long enough that on a busy machine, too, the last has come before the first is gone.
    one, address = await serve(replace(QUICK, header=2.0, body=2.0, keepalive=60.0))
    tasks = await slow(one, 200)
    assert one.connections == 200
    waits = []
    async with aiohttp.ClientSession() as client:
        while one.connections > 1 and len(waits) < 100:
            began = time.monotonic()
            async with client.post(f"{address}/length/x", data=b"hello") as answer:
                assert await answer.json() == {"length": 5}
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.05)
        assert one.connections <= 1
    assert sorted(waits)[len(waits) // 2] < 0.1
    await asyncio.wait_for(asyncio.gather(*tasks), 5)


async def test_without_deadlines_they_would_all_stay(serve: Serve) -> None:
    """Control of the test above."""
    never = replace(QUICK, header=60, body=60, keepalive=60)
    one, _ = await serve(never)
    tasks = await slow(one, 40)
    assert not await wait_until(lambda: one.connections < 40, 0.7)
    for task in tasks:
        task.cancel()


async def test_a_slow_body_is_told_so(serve: Serve) -> None:
    one, _ = await serve()
    reader, writer = await connect(one, b"POST /length/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nxx")
    assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_a_silent_connection_is_closed(serve: Serve) -> None:
    one, _ = await serve()
    reader, writer = await connect(one, b"")
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 3) == b""
    assert await wait_until(lambda: one.connections == 0, 1)
    writer.close()


async def test_a_second_request_may_not_drip_its_headers_either(serve: Serve) -> None:
    one, _ = await serve()
    reader, writer = await connect(one, b"GET /length/x HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"200" in await reader.readline()
    task = asyncio.create_task(drip(writer, b"G"))
    assert await wait_until(lambda: one.connections == 0, 3)
    task.cancel()


async def test_a_connection_in_steady_use_is_kept(serve: Serve) -> None:
    """Short requests, never under way when somebody looks: such a connection used to be cut after a while."""
    now = 0.0
    one, address = await serve(replace(QUICK, look=3600, keepalive=15.0), lambda: now)
    async with aiohttp.ClientSession() as client:
        for _request in range(8):
            async with client.get(f"{address}/length/x") as answer:
                assert await answer.json() == {"length": 0}
            now += 5
            assert one.reap() == 0
        now += 16
        assert one.reap() == 1


async def test_a_long_answer_is_not_cut_off(serve: Serve) -> None:
    """Server-sent events and slow turns: a request that is being answered is not an idle connection."""
    entered, go, clock = asyncio.Event(), asyncio.Event(), [0.0]

    async def events(request: web.Request) -> web.Response:
        entered.set()
        await go.wait()
        return web.Response(text="late")

    one, address = await serve(steady=lambda: clock[0], events=events)
    async with aiohttp.ClientSession() as client:
        asked = asyncio.create_task(client.get(f"{address}/events"))
        await entered.wait()
        for _ in range(3):
            clock[0] += 1000
            assert one.reap() == 0
        go.set()
        assert await (await asked).text() == "late"
        await asyncio.sleep(0)
        one.reap()
        clock[0] += 1000
        assert one.reap() == 1


# --- Size ---


@pytest.mark.parametrize("size", [0, 1, BODY_LIMIT - 1, BODY_LIMIT])
async def test_what_fits_is_taken(serve: Serve, size: int) -> None:
    _, address = await serve()
    async with aiohttp.ClientSession() as client, client.post(f"{address}/length/x", data=b"x" * size) as answer:
        assert await answer.json() == {"length": size}


async def test_a_body_that_is_too_large_is_refused_at_its_declaration(serve: Serve) -> None:
    one, _ = await serve()
    reader, writer = await connect(one, b"POST /length/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


@pytest.mark.parametrize(("size", "status"), [(4 * BODY_LIMIT, 200), (4 * BODY_LIMIT + 1, 413)])
async def test_a_route_may_take_more_and_no_more_than_that(serve: Serve, size: int, status: int) -> None:
    _, address = await serve()
    async with aiohttp.ClientSession() as client, client.post(f"{address}/picture", data=b"x" * size) as answer:
        assert answer.status == status
        assert status != 200 or await answer.json() == {"length": size}


async def test_a_body_without_a_declared_length_is_refused_when_it_grows_too_large(serve: Serve) -> None:
    one, _ = await serve()
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    begin = b"POST /length/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    reader, writer = await connect(one, begin + chunk * 5)
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_a_gzip_bomb_is_refused_before_it_is_unpacked(serve: Serve) -> None:
    _, address = await serve()
    bomb = await asyncio.to_thread(gzip.compress, b"\0" * 30_000_000)
    assert len(bomb) < BODY_LIMIT
    headers = {"Content-Encoding": "gzip"}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{address}/length/x", data=bomb, headers=headers) as answer,
    ):
        assert answer.status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    ],
)
async def test_a_body_that_cannot_be_read_is_the_clients_fault(serve: Serve, body: bytes) -> None:
    one, _ = await serve()
    reader, writer = await connect(one, b"POST /length/x HTTP/1.1\r\nHost: a\r\n" + body)
    assert (await asyncio.wait_for(reader.readline(), 2)).startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    writer.close()


async def test_what_cannot_be_parsed_is_not_quoted_in_the_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    one, _ = await serve()
    for rubbish in (b"hush-hush\r\n\r\n", b"GET / HTTP/1.1\r\nhush hush\r\n\r\n", b"\x16\x03\x01hush-hush\r\n\r\n"):
        reader, writer = await connect(one, rubbish)
        await asyncio.wait_for(reader.read(), 2)
        writer.close()
    assert "hush" not in caplog.text


async def test_aiohttp_alone_would_quote_it(
    serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control of the test above."""
    monkeypatch.setattr(logging.getLogger("aiohttp.server"), "filters", [])
    one, _ = await serve()
    reader, writer = await connect(one, b"GET / HTTP/1.1\r\nhush hush\r\n\r\n")
    await asyncio.wait_for(reader.read(), 2)
    writer.close()
    assert "hush" in caplog.text


async def test_headers_that_are_too_long_are_refused(serve: Serve) -> None:
    one, _ = await serve()
    reader, writer = await connect(one, b"GET /length/x HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000 + b"\r\n\r\n")
    assert (await reader.readline()).startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    writer.close()


# --- An orderly stop ---


async def test_what_is_under_way_finishes_and_nothing_new_is_accepted(serve: Serve) -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    async def turn(request: web.Request) -> web.Response:
        entered.set()
        await go.wait()
        return web.Response(text="answered")

    one, address = await serve(turn=turn)
    async with aiohttp.ClientSession() as client:
        asked = asyncio.create_task(client.get(f"{address}/turn"))
        await entered.wait()
        stopping = asyncio.create_task(one.stop())
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", one.port)
        go.set()
        answer = await asked
        assert await answer.text() == "answered"
        await stopping


async def test_a_request_that_never_ends_does_not_hold_up_the_stop(serve: Serve) -> None:
    entered = asyncio.Event()

    async def stuck(request: web.Request) -> web.Response:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError

    one, _ = await serve(stuck=stuck)
    _, writer = await connect(one, b"GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n")
    await entered.wait()
    await slow(one, 10)
    began = time.monotonic()
    await one.stop()
    assert time.monotonic() - began < QUICK.stop + 0.3
    assert one.connections == 0
    writer.close()


async def test_sigterm_is_heard_and_leaves_no_handler_behind() -> None:
    waiting = asyncio.create_task(server.until_stopped())
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(waiting, 1)
    assert not asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)


async def test_a_taken_port_is_told(serve: Serve) -> None:
    one, _ = await serve()
    with pytest.raises(OSError, match="in use"):
        await Server(server.create(), port=one.port).start()


# --- Access log ---


async def test_the_access_log_names_the_route_and_not_the_address(serve: Serve) -> None:
    out = io.StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions)
    logs.configure(stream=out)
    try:
        _, address = await serve()
        async with aiohttp.ClientSession() as client:
            for path in ("/length/hush-hush?token=hush-hush", "/nowhere/hush-hush?a=hush-hush"):
                async with client.get(address + path):
                    pass
    finally:
        root.handlers[:], root.level, logging.raiseExceptions = before
        logging.captureWarnings(False)
    written = out.getvalue()
    assert "hush-hush" not in written
    first, second = (json.loads(line) for line in written.splitlines() if '"request"' in line)
    assert (first["route"], first["status"], first["method"]) == ("/length/{secret}", 200, "GET")
    assert (second["route"], second["status"]) == ("(none)", 404)


@pytest.mark.parametrize(("status", "records"), [(200, 0), (401, 1), (503, 1)])
def test_what_a_platform_brings_is_recorded_as_its_turn_and_as_a_request_only_when_refused(
    status: int, records: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(server, "log", SimpleNamespace(info=lambda _event, **fields: told.append(fields["route"])))

    async def taken(_request: web.Request) -> web.Response:
        return web.Response()

    route = web.Application().router.add_post("/telegram", taken)
    request = make_mocked_request("POST", "/telegram")
    request._match_info = UrlMappingMatchInfo({}, route)
    server.AccessLog(logging.getLogger("a"), "").log(request, web.Response(status=status), 0.0)
    assert told == ["/telegram"] * records
