"""Connections are kept, counted and given back; nobody hears another one's answer, and nothing is said twice."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvloop

from bot.channels import wire as wires
from bot.channels.wire import Heard, Unanswered, Unreached, Wire
from tests.channels.rude import PLAIN, SOON, Peer, Rude, always, called, once, silent, tried
from tests.leap import leap

# --- One after the other ---------------------------------------------------------------------------------------------


async def test_a_connection_is_kept() -> None:
    async with called(always(PLAIN)) as (server, call):
        for number in range(5):
            await call(b"%d" % number)
        assert server.connections == 1
        assert server.heard == [b"0", b"1", b"2", b"3", b"4"]


async def test_two_at_once_have_two_connections_and_never_one_behind_the_other() -> None:
    open_ = asyncio.Event()

    async def play(peer: Peer) -> None:
        while True:
            body = await peer.request()
            await open_.wait()
            await peer.says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async with called(play) as (server, call):
        calls = [asyncio.create_task(call(b"%03d" % number)) for number in range(20)]
        await server.has_heard(20)
        open_.set()
        answers = await asyncio.gather(*calls)
        assert [one.body for one in answers] == [b"%03d" % number for number in range(20)]
        assert server.connections == 20
        await call()
        assert server.connections == 20


async def test_a_connection_that_the_server_closes_after_an_answer_is_not_used_again() -> None:
    async with called(always(PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))) as (server, call):
        assert [(await call()).status for _ in range(3)] == [200] * 3
        assert (server.connections, len(server.heard)) == (3, 3)


async def test_what_is_said_without_being_asked_answers_nobody() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.says(PLAIN)
        await asyncio.sleep(0.01)
        await peer.says(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await peer.is_left()

    for pause in (0.02, 0.0):  # the loop has read it, or not yet
        async with called(play) as (server, call):
            assert (await call()).status == 200
            await asyncio.sleep(0.01)
            await asyncio.sleep(pause)
            assert (await call()).status == 200
            assert (server.connections, len(server.heard)) == (2, 2)


@pytest.mark.parametrize("more", [b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", PLAIN[:10]])
async def test_two_answers_to_one_request_are_the_last_ones_of_a_connection(more: bytes) -> None:
    async with called(always(PLAIN + more)) as (server, call):
        assert (await call()).status == 200
        assert (await call()).status == 200
        assert server.connections == 2


# --- A connection that was closed meanwhile --------------------------------------------------------------------------


@asynccontextmanager
async def closing() -> AsyncIterator[tuple[Wire, socket.socket, socket.socket]]:
    """A wire with one connection that waits, the other end of it, and who listens; no loop stands between."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        wire, loop = Wire(f"http://127.0.0.1:{listener.getsockname()[1]}"), asyncio.get_running_loop()
        first = asyncio.create_task(wire.post(wire.head("/"), b"first", 2.0))
        served, _address = await loop.sock_accept(listener)
        served.setblocking(False)
        await loop.sock_recv(served, 1000)
        await loop.sock_sendall(served, PLAIN)
        assert (await first).status == 200
        with served:
            yield wire, served, listener
        await wire.close()


async def test_a_connection_that_was_closed_before_a_byte_was_written_is_not_used() -> None:
    """Nothing was sent by it, so the call goes by a new one."""
    async with closing() as (wire, served, listener):
        served.close()  # and the loop has had no time to hear of it
        second = asyncio.create_task(wire.post(wire.head("/"), b"second", 2.0))
        again, _address = await asyncio.get_running_loop().sock_accept(listener)
        with again:
            again.setblocking(False)
            assert b"second" in await asyncio.get_running_loop().sock_recv(again, 1000)
            await asyncio.get_running_loop().sock_sendall(again, PLAIN)
            assert (await second).status == 200


@pytest.mark.skipif(not hasattr(select, "poll"), reason="this system has no way to look")
async def test_without_a_look_at_it_nobody_would_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control."""
    monkeypatch.setattr(wires._Connection, "is_fit", True)
    async with closing() as (wire, served, _listener):
        served.close()
        with pytest.raises(Unanswered):
            await wire.post(wire.head("/"), b"second", 2.0)


async def test_a_connection_that_is_closed_after_our_bytes_went_out_leaves_it_open_and_nothing_goes_again() -> None:
    async with closing() as (wire, served, listener):
        loop = asyncio.get_running_loop()
        second = asyncio.create_task(wire.post(wire.head("/"), b"second", 2.0))
        assert b"second" in await loop.sock_recv(served, 1000)
        served.close()
        with pytest.raises(Unanswered, match="closed"):
            await second
        with pytest.raises(BlockingIOError):
            listener.accept()


async def refused_early(wire: Wire, served: socket.socket, listener: socket.socket) -> bool:
    """A server answers when it has read the beginning of a large body. Does it hear the next call at its end?"""
    loop = asyncio.get_running_loop()
    first = asyncio.create_task(wire.post(wire.head("/"), bytes(32 * 1024 * 1024), 2.0))
    await loop.sock_recv(served, 1000)
    await loop.sock_sendall(served, PLAIN)
    assert (await first).status == 200
    with suppress(Unanswered):
        await wire.post(wire.head("/"), b"second", SOON)
    with suppress(BlockingIOError):
        listener.accept()[0].close()
        return False
    return True


async def test_what_is_left_of_a_request_that_was_answered_early_does_not_run_into_the_next() -> None:
    """A picture that is too large is refused before it has gone whole."""
    async with closing() as (wire, served, listener):
        assert not await refused_early(wire, served, listener)


async def test_it_would_if_nobody_looked_whether_all_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control."""
    monkeypatch.setattr(wires._Connection, "is_written", True)
    async with closing() as (wire, served, listener):
        assert await refused_early(wire, served, listener)


async def test_a_connection_that_waits_too_long_is_closed() -> None:
    left = asyncio.Event()

    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.says(PLAIN)
        await peer.is_left()
        left.set()

    async with called(play) as (server, call):
        await call()
        leap(wires.KEPT + 30.0)  # the watch looks when this call had to be over
        await asyncio.wait_for(left.wait(), 2.0)
        await call()
        assert server.connections == 2


# --- Whoever gives up ------------------------------------------------------------------------------------------------


async def late(peer: Peer) -> None:
    """Answers with what it was asked, a little later."""
    while True:
        body = await peer.request()
        await asyncio.sleep(0.02)
        await peer.says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def given_up(call: Callable[..., Awaitable[Heard]], server: Rude) -> Heard:
    """A call that nobody waits for any more, and the next one's answer."""
    first = asyncio.create_task(call(b"first"))
    await server.has_heard()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    return await call(b"second")


async def test_the_answer_to_a_call_that_was_given_up_is_nobody_elses() -> None:
    async with called(late) as (server, call):
        assert (await given_up(call, server)).body == b"second"
        assert server.connections == 2


async def test_if_its_connection_were_kept_the_next_call_would_hear_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control."""

    def end(self: Any, _why: str) -> None:
        self._asked = None
        self._wire.free(self)

    async with called(late) as (server, call):
        with monkeypatch.context() as patched:
            patched.setattr(wires._Connection, "end", end)
            assert (await given_up(call, server)).body == b"first"


async def test_who_is_given_up_just_when_it_was_answered_harms_nobody() -> None:
    async with called(always(PLAIN)) as (server, call):
        for time in range(40):
            task = asyncio.create_task(call())
            await server.has_heard(2 * time + 1)
            for _round in range(time % 4):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert (await call()).status == 200
        assert server.connections <= 41


# --- Places ----------------------------------------------------------------------------------------------------------


async def test_no_more_are_open_than_may_be() -> None:
    async with called(late, at_once=3) as (server, call):
        answers = await asyncio.gather(*(call(b"%d" % number) for number in range(12)))
        assert [one.body for one in answers] == [b"%d" % number for number in range(12)]
        assert server.connections == 3


async def test_whoever_gets_no_place_has_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "CONNECT_LIMIT", 0.02)
    async with called(silent, at_once=1) as (server, call):
        first = asyncio.create_task(tried(call, b"first", SOON))
        await server.has_heard()
        with pytest.raises(Unreached, match="no connection became free"):
            await call(b"second")
        await first
        assert server.heard == [b"first"]


async def test_a_place_comes_back_whatever_happens() -> None:
    async with called(once(b"garbage\r\n\r\n"), at_once=1) as (_server, call):
        for _time in range(3):
            assert await tried(call) == ("not HTTP", 0)


async def test_ten_thousand_calls_leave_nothing_behind() -> None:
    async with called(always(PLAIN), at_once=8) as (server, call):
        await asyncio.gather(*(call() for _ in range(2_000)))
        wire = call.wire  # type: ignore[attr-defined]
        assert len(wire._all) == len(wire._kept) == server.connections == 8


# --- No connection ---------------------------------------------------------------------------------------------------


async def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        wire = Wire(f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(Unreached, match="ConnectionRefusedError"):
            await wire.post(wire.head("/"), b"{}", 2.0)
        await wire.close()


async def test_a_name_that_nobody_has() -> None:
    wire = Wire("http://menkou.invalid")
    with pytest.raises(Unreached, match="gaierror"):
        await wire.post(wire.head("/"), b"{}", 2.0)
    await wire.close()


async def test_an_address_that_leads_nowhere_stops_nobody_while_another_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with called(always(PLAIN)) as (server, call):
        wire, loop = call.wire, asyncio.get_running_loop()  # type: ignore[attr-defined]
        asked: list[str] = []

        async def looked_up(host: str, port: int, **_how: Any) -> list[tuple[Any, ...]]:
            asked.append(host)
            await asyncio.sleep(0)
            family, kind = socket.AF_INET, socket.SOCK_STREAM
            return [(family, kind, 6, "", (address, port)) for address in ("127.0.0.77", "127.0.0.1")]

        monkeypatch.setattr(loop, "getaddrinfo", looked_up)
        await asyncio.gather(*(call() for _ in range(5)))
        assert server.connections == 5
        assert asked == ["127.0.0.1"], "once for all"
        assert wire._known_until > loop.time()


async def test_after_the_end_nothing_is_called() -> None:
    async with called(silent) as (server, call):
        under_way = asyncio.create_task(tried(call))
        await server.has_heard()
        await call.wire.close()  # type: ignore[attr-defined]
        assert await under_way == ("we hung up", 0)
        with pytest.raises(Unreached, match="we hung up"):
            await call()
        assert len(server.heard) == 1


# --- On the loop that a server has -----------------------------------------------------------------------------------


def test_on_uvloop_a_connection_that_was_closed_before_a_byte_was_written_is_not_used() -> None:
    uvloop.run(test_a_connection_that_was_closed_before_a_byte_was_written_is_not_used())


def test_on_uvloop_places_hold_and_nobody_hears_anothers_answer() -> None:
    async def everything() -> None:
        await test_no_more_are_open_than_may_be()
        await test_the_answer_to_a_call_that_was_given_up_is_nobody_elses()

    uvloop.run(everything())
