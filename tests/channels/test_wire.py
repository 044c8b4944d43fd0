"""Our own wire: what is known of a call, whatever the server at the other end does, and that nothing is said twice."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import struct
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.channels import wire as wires
from bot.channels.wire import Heard, Unanswered, Unreached, Wire

SECRET = "12345:secret"
YES = b'{"ok":true}'
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n" + YES
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\n{\"ok\"\r\n6\r\n:true}\r\n0\r\nX: y\r\n\r\n"
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


# --- Answers -------------------------------------------------------------------------------------------------------

WHOLE = {
    "by its length": (PLAIN, YES),
    "in chunks": (CHUNKED, YES),
    "until the end": (UNTIL_THE_END, YES),
    "with nothing in it": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    "without a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", b""),
    "after a word to go on": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + PLAIN, YES),
    "of the old kind": (b"HTTP/1.0 200 OK\r\n\r\n" + YES, YES),
}


@pytest.mark.parametrize("whole", WHOLE)
async def test_an_answer_is_whole(whole: str) -> None:
    said, body = WHOLE[whole]
    async with called(once(said)) as (server, call):
        assert await call(b'{"chat_id":1}') == Heard(200, body, "")
        assert server.heard == [b'{"chat_id":1}']


@pytest.mark.parametrize("whole", WHOLE)
async def test_an_answer_may_come_byte_by_byte(whole: str) -> None:
    said, body = WHOLE[whole]
    async with called(once(*(said[place : place + 1] for place in range(len(said))))) as (_server, call):
        assert await call() == Heard(200, body, "")


async def test_a_refusal_is_an_answer() -> None:
    said = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nslow"
    async with called(once(said)) as (_server, call):
        assert await call() == Heard(429, b"slow", "7")


async def test_an_answer_before_the_request_was_read_is_one() -> None:
    async def play(peer: Peer) -> None:
        await peer.says(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")

    async with called(play) as (_server, call):
        assert await call(b"x" * 300_000) == Heard(413, b"no", "")


@pytest.mark.parametrize("said", [PLAIN, CHUNKED], ids=["by its length", "in chunks"])
@pytest.mark.parametrize("end", ["hangs_up", "breaks"])
async def test_an_answer_that_ends_at_whatever_byte_is_none(said: bytes, end: str) -> None:
    """Until its head is there nobody knows anything; then its first line is known."""
    head = said.index(b"\r\n\r\n") + 4
    for cut in range(len(said)):

        async def play(peer: Peer, cut: int = cut) -> None:
            await peer.request()
            await peer.says(said[:cut])
            await asyncio.sleep(0.001)
            getattr(peer, end)()

        async with called(play) as (server, call):
            told = await tried(call)
            assert told == (("closed", 0) if cut < head else ("cut short", 200)), said[:cut]
            assert (server.connections, len(server.heard)) == (1, 1), "nothing is sent again"


async def test_of_an_answer_without_a_length_its_end_is_the_end_but_a_break_is_none() -> None:
    for end, heard in (("hangs_up", Heard(200, b'{"ok"', "")), ("breaks", ("cut short", 200))):

        async def play(peer: Peer, end: str = end) -> None:
            await peer.request()
            await peer.says(UNTIL_THE_END[:-6])
            await asyncio.sleep(0.005)
            getattr(peer, end)()

        async with called(play) as (_server, call):
            assert await tried(call) == heard


GARBAGE = {
    "nothing of HTTP": b"hello\r\n\r\n",
    "the next version": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status of letters": b"HTTP/1.1 2oo OK\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length below nothing": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    "a length of letters": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}",
    "a length beyond numbers": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk of no length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n{}",
    "a zero byte": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_what_is_not_http_is_no_answer(garbage: str) -> None:
    async with called(once(GARBAGE[garbage])) as (server, call):
        assert await tried(call) == ("not HTTP", 0)
        assert (server.connections, len(server.heard)) == (1, 1), "nothing is sent again"


async def test_a_chunk_that_is_none_after_the_head_leaves_its_first_line_known() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await asyncio.sleep(0.01)
        await peer.says(b"zz\r\n")

    async with called(play) as (_server, call):
        assert await tried(call) == ("not HTTP", 200)


# --- Limits --------------------------------------------------------------------------------------------------------


def headed(bytes_: int) -> bytes:
    """An answer with so many bytes of headers, in lines that are short enough."""
    line = b"X: " + b"x" * 995 + b"\r\n"
    length = b"Content-Length: 2\r\n"
    rest = bytes_ - len(length)
    lines = line * (rest // 1000 - 1)
    lines += b"X: " + b"x" * (rest - len(lines) - 5) + b"\r\n"
    return b"HTTP/1.1 200 OK\r\n" + length + lines + b"\r\n{}"


async def test_a_head_has_16_kib() -> None:
    async with called(once(headed(wires.HEAD_LIMIT))) as (_server, call):
        assert await call() == Heard(200, b"{}", "")


@pytest.mark.parametrize("step", [100_000, 700])
async def test_a_longer_head_is_not_read(step: int) -> None:
    said = headed(wires.HEAD_LIMIT + 1_000)
    async with called(once(*(said[at : at + step] for at in range(0, len(said), step)))) as (_server, call):
        why, _status = await tried(call)
        assert why == "its head is too long"


async def test_nor_is_one_that_is_told_to_go_on_for_ever() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        for _time in range(2_000):
            await peer.says(b"HTTP/1.1 100 Continue\r\n\r\n")

    async with called(play) as (_server, call):
        assert await tried(call) == ("its head is too long", 0)


async def test_a_longer_head_would_be_read_without_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control."""
    monkeypatch.setattr(wires, "HEAD_LIMIT", 1 << 20)
    async with called(once(headed(17_500))) as (_server, call):
        assert await call() == Heard(200, b"{}", "")


def by_length(body: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % body + b"x" * body


def in_chunks(body: int) -> bytes:
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    rest = body % 0x8000
    last = b"%x\r\n" % rest + b"x" * rest + b"\r\n" if rest else b""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * (body // 0x8000) + last + b"0\r\n\r\n"


def until_the_end(body: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * body


@pytest.mark.parametrize("said", [by_length, in_chunks, until_the_end])
async def test_an_answer_has_a_mebibyte(said: Callable[[int], bytes]) -> None:
    for more, heard in ((0, wires.ANSWER_LIMIT), (1, None)):
        async with called(once(said(wires.ANSWER_LIMIT + more))) as (_server, call):
            told = await tried(call)
            if isinstance(told, Heard):
                assert len(told.body) == heard
            else:
                assert (told, heard) == (("too long", 200), None)


async def test_a_longer_one_would_be_read_without_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control."""
    monkeypatch.setattr(wires, "ANSWER_LIMIT", 4 << 20)
    async with called(once(by_length((1 << 20) + 1))) as (_server, call):
        assert len((await call()).body) == (1 << 20) + 1


async def test_an_answer_that_drips_ends_with_its_time() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.says(PLAIN[:-5])
        while True:
            await peer.says(b"HTTP/1.1 100 Continue\r\n\r\n"[:1])
            await asyncio.sleep(SOON / 3)

    async with called(play) as (_server, call):
        told = await tried(call, b"{}", SOON)
        assert told == ("too late", 200)


async def test_silence_ends_with_its_time_and_disturbs_nobody() -> None:
    async def play(peer: Peer) -> None:
        while True:
            if await peer.request() == b"hang":
                await peer.is_left()
            await peer.says(PLAIN)

    async with called(play) as (server, call):
        hanging = asyncio.create_task(tried(call, b"hang", SOON))
        while not hanging.done():
            assert (await call()).status == 200
            await asyncio.sleep(0.005)
        assert hanging.result() == ("too late", 0)
        assert server.connections == 2


async def test_a_short_time_behind_a_long_one_is_kept() -> None:
    async with called(silent) as (_server, call):
        long = asyncio.create_task(tried(call, b"{}", 30.0))
        await asyncio.sleep(0.01)
        assert await tried(call, b"{}", SOON) == ("too late", 0)
        long.cancel()


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.is_left()


# --- One after the other -------------------------------------------------------------------------------------------


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


# --- A connection that was closed meanwhile ------------------------------------------------------------------------


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


async def test_a_connection_that_waits_too_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "KEPT", 0.02)
    left = asyncio.Event()

    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.says(PLAIN)
        await peer.is_left()
        left.set()

    async with called(play) as (server, call):
        await call(b"{}", 0.03)  # the watch looks when this call had to be over
        await asyncio.wait_for(left.wait(), 2.0)
        await call()
        assert server.connections == 2


# --- Whoever gives up ----------------------------------------------------------------------------------------------


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


# --- Places --------------------------------------------------------------------------------------------------------


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


# --- No connection -------------------------------------------------------------------------------------------------


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


async def test_a_server_that_says_nothing_of_itself_was_told_nothing(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    monkeypatch.setattr(wires, "CONNECT_LIMIT", SOON)
    told: list[bytes] = []

    async def play(peer: Peer) -> None:
        told.append(await peer.anything())
        await asyncio.Event().wait()

    async with rude(play) as server:
        wire = Wire(server.base.replace("http:", "https:"), tls=authority.trusted())
        with pytest.raises(Unreached, match="TimeoutError"):
            await wire.post(wire.head(f"/bot{SECRET}"), b"{}", 2.0)
        assert told
        assert SECRET.encode() not in told[0]
        await wire.close()


async def test_after_the_end_nothing_is_called() -> None:
    async with called(silent) as (server, call):
        under_way = asyncio.create_task(tried(call))
        await server.has_heard()
        await call.wire.close()  # type: ignore[attr-defined]
        assert await under_way == ("we hung up", 0)
        with pytest.raises(Unreached, match="we hung up"):
            await call()
        assert len(server.heard) == 1


# --- Who the server is ---------------------------------------------------------------------------------------------


class Authority:
    """A certificate authority for as long as a test lasts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test's authority")])
        self._certificate = self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
        )
        for extension in extensions:
            made = made.add_extension(extension, critical=False)
        return made.sign(self._key, hashes.SHA256())

    def trusted(self) -> ssl.SSLContext:
        """As somebody has it who believes this authority and no other."""
        pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def server(self, host: str) -> ssl.SSLContext:
        """A server of this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._signed(name, key, x509.SubjectAlternativeName([x509.DNSName(host)]))
        file = self._folder / f"{host}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def test_whoever_has_the_name_is_told(authority: Authority) -> None:
    async with rude(always(PLAIN), authority.server("localhost"), "localhost") as server:
        wire = server.wire(tls=authority.trusted())
        for _time in range(3):
            assert (await wire.post(wire.head("/"), b"{}", 2.0)).status == 200
        assert server.connections == 1, "kept here too"
        await wire.close()


async def refused(server: Rude, trusted: ssl.SSLContext) -> None:
    wire = server.wire(tls=trusted)
    with pytest.raises(Unreached, match="SSLCertVerificationError"):
        await wire.post(wire.head(f"/bot{SECRET}"), b"{}", 2.0)
    assert not server.heard
    await wire.close()


async def test_whoever_has_another_name_is_told_nothing(authority: Authority) -> None:
    async with rude(always(PLAIN), authority.server("example.org"), "localhost") as server:
        await refused(server, authority.trusted())


async def test_who_is_vouched_for_by_somebody_else_is_told_nothing(authority: Authority, tmp_path: Path) -> None:
    async with rude(always(PLAIN), authority.server("localhost"), "localhost") as server:
        await refused(server, Authority(tmp_path).trusted())
        await refused(server, wires._authorities())


async def test_whoever_has_another_name_would_be_told_if_nobody_compared(authority: Authority) -> None:
    """Control."""
    credulous = authority.trusted()
    credulous.check_hostname = False
    async with rude(always(PLAIN), authority.server("example.org"), "localhost") as server:
        wire = server.wire(tls=credulous)
        assert (await wire.post(wire.head("/"), b"{}", 2.0)).status == 200
        await wire.close()


async def test_who_does_not_speak_tls_is_told_nothing(authority: Authority) -> None:
    async with called(always(PLAIN)) as (server, _call):
        wire = Wire(server.base.replace("http:", "https:"), tls=authority.trusted())
        with pytest.raises(Unreached):
            await wire.post(wire.head(f"/bot{SECRET}"), b"{}", 2.0)
        assert not server.heard
        await wire.close()


@pytest.mark.parametrize("cut", [len(PLAIN) - 3, 10])
async def test_a_connection_that_breaks_under_tls_is_an_answer_cut_short(authority: Authority, cut: int) -> None:
    async with rude(once(PLAIN[:cut]), authority.server("localhost"), "localhost") as server:
        wire = server.wire(tls=authority.trusted())
        with pytest.raises(Unanswered) as told:
            await wire.post(wire.head("/"), b"{}", 2.0)
        assert told.value.status == (200 if cut > 40 else 0)
        await wire.close()


# --- What is written -----------------------------------------------------------------------------------------------


def test_a_request_says_whom_it_is_for() -> None:
    wire = Wire("https://api.example.org:8443")
    assert wire.head("/bot1:a/sendMessage") == (
        b"POST /bot1:a/sendMessage HTTP/1.1\r\nHost: api.example.org:8443\r\nUser-Agent: Menkou\r\n"
        b"Content-Type: application/json\r\nContent-Length: "
    )


def test_nothing_in_an_address_becomes_a_line_of_its_own() -> None:
    head = Wire("http://127.0.0.1").head("/a b\r\nX: y/文")
    assert head.startswith(b"POST /a%20b%0D%0AX:%20y/%E6%96%87 HTTP/1.1\r\nHost: 127.0.0.1\r\n")


def test_a_name_and_a_password_in_the_address_are_not_left_out() -> None:
    assert b"\r\nHost: a.example\r\n" in Wire("https://me:p%40ss@a.example").head("/")
    assert b"\r\nAuthorization: Basic bWU6cEBzcw==\r\n" in Wire("https://me:p%40ss@a.example").head("/")


@pytest.mark.parametrize("play", [once(b"garbage\r\n\r\n"), once(PLAIN[:30]), silent], ids=["garbage", "cut", "silent"])
async def test_no_error_holds_the_address(play: Play) -> None:
    async with called(play) as (_server, call):
        with pytest.raises(Unanswered) as told:
            await call(b"{}", SOON)
        assert SECRET not in "".join(traceback.format_exception(told.value)).replace("SECRET", "")
        assert SECRET not in repr(told.value)


# --- On the loop that a server has ---------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [PLAIN, CHUNKED], ids=["by its length", "in chunks"])
def test_on_uvloop_an_answer_that_ends_at_whatever_byte_is_none_either(said: bytes) -> None:
    async def everything() -> None:
        head = said.index(b"\r\n\r\n") + 4
        for cut in range(0, len(said), 3):
            async with called(once(said[:cut])) as (server, call):
                assert await tried(call) == (("closed", 0) if cut < head else ("cut short", 200))
                assert len(server.heard) == 1
        async with called(once(said)) as (_server, call):
            assert await call() == Heard(200, YES, "")

    uvloop.run(everything())


def test_on_uvloop_a_connection_that_was_closed_before_a_byte_was_written_is_not_used() -> None:
    uvloop.run(test_a_connection_that_was_closed_before_a_byte_was_written_is_not_used())


def test_on_uvloop_time_and_places_hold(authority: Authority) -> None:
    async def everything() -> None:
        await test_silence_ends_with_its_time_and_disturbs_nobody()
        await test_no_more_are_open_than_may_be()
        await test_the_answer_to_a_call_that_was_given_up_is_nobody_elses()
        await test_whoever_has_the_name_is_told(authority)
        await test_whoever_has_another_name_is_told_nothing(authority)

    uvloop.run(everything())
