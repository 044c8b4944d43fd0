"""How much and how long an answer may be: what goes beyond is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import uvloop

from bot.channels import wire as wires
from bot.channels.wire import Heard
from tests.channels.rude import PLAIN, SOON, Peer, called, once, silent, tried


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


# --- On the loop that a server has -----------------------------------------------------------------------------------


def test_on_uvloop_silence_ends_with_its_time() -> None:
    uvloop.run(test_silence_ends_with_its_time_and_disturbs_nobody())


def test_on_uvloop_a_call_is_watched_behind_one_whose_time_is_up_this_moment() -> None:
    async def behind() -> Heard | tuple[str, int]:
        async with called(silent) as (_server, call):
            over = asyncio.get_running_loop().time()

            def both(until: float, sound: Callable[[float], None] = call.wire.watch) -> None:  # type: ignore[attr-defined]
                sound(over)  # as when a connection is looked at whose time has come: uvloop has no timer for that
                sound(until)

            call.wire.watch = both  # type: ignore[attr-defined]
            return await tried(call, b"{}", SOON)

    assert uvloop.run(behind()) == ("too late", 0)
