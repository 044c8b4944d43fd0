"""Our own wire: what is asked and what is answered, whatever the server at the other end makes of it."""

from __future__ import annotations

import asyncio
import traceback

import pytest
import uvloop

from bot.channels.wire import Heard, Unanswered, Wire
from tests.channels.rude import (
    CHUNKED,
    PLAIN,
    SECRET,
    SOON,
    UNTIL_THE_END,
    YES,
    Peer,
    Play,
    called,
    once,
    silent,
    tried,
)

# --- Answers ---------------------------------------------------------------------------------------------------------


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


# --- What is written -------------------------------------------------------------------------------------------------


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


# --- On the loop that a server has -----------------------------------------------------------------------------------


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
