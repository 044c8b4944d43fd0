"""One flush of PostgreSQL's disk for all who committed before it: nobody comes back earlier, nobody is forgotten."""

from __future__ import annotations

import asyncio

import pytest

from storage import flushes
from storage.flushes import Flushes
from tests.leap import HOUR, leap


class Broke(Exception):
    """What a flush may raise."""


class Server:
    """Says when it is done."""

    def __init__(self) -> None:
        self.asked = 0
        self.expects = False
        self.broken = self.is_lost = False
        self.done = asyncio.Semaphore(0)
        self.connected = self.closed = 0
        self.flushes = Flushes(self.connect, lambda: self.expects)

    async def connect(self) -> Server:
        self.connected += 1
        self.is_lost = False
        return self

    async def flush(self) -> None:
        self.asked += 1
        await self.done.acquire()
        if self.broken:
            raise Broke

    async def close(self) -> None:
        self.closed += 1

    async def waits(self, who: int = 1) -> list[asyncio.Task[None]]:
        """So many who have committed."""
        disk = await self.flushes.disk()
        assert disk is not None
        tasks = [asyncio.create_task(self.flushes.reach(disk)) for _one in range(who)]
        await settle()
        return tasks


async def settle() -> None:
    """Let whoever can go on go on."""
    for _round in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """Nobody's slowness counts as lingering."""
    monkeypatch.setattr(flushes, "LINGER", HOUR)
    return Server()


async def test_one_flush_serves_all_who_committed_before_it_began_and_nobody_else(server: Server) -> None:
    first = await server.waits()
    later = await server.waits(3)
    assert server.asked == 1
    server.done.release()
    await settle()
    assert [one.done() for one in first + later] == [True, False, False, False]
    assert server.asked == 2
    server.done.release()
    await asyncio.gather(*later)
    assert server.asked == 2


async def test_where_somebody_is_about_to_commit_it_waits_for_them_and_for_a_moment_at_most(server: Server) -> None:
    server.expects = True
    first = await server.waits()
    assert server.asked == 0
    second = await server.waits()
    leap(HOUR)
    await asyncio.wait_for(asyncio.gather(_asked(server)), 30)
    server.done.release()
    await asyncio.gather(*first, *second)
    assert server.asked == 1


async def test_it_waits_no_longer_when_nobody_comes_any_more(server: Server) -> None:
    server.expects = True
    first = await server.waits()
    assert server.asked == 0
    server.expects = False
    server.flushes.nobody_comes()
    await settle()
    assert server.asked == 1  # the clock has not moved
    server.done.release()
    await asyncio.gather(*first)


async def test_one_that_fails_tells_those_whom_it_was_for_and_the_next_one_works(server: Server) -> None:
    first = await server.waits(2)
    second = await server.waits()
    server.broken = True
    server.done.release()
    told = await asyncio.gather(*first, return_exceptions=True)
    assert [type(one) for one in told] == [Broke, Broke]
    server.broken = False
    server.done.release()
    await asyncio.gather(*second)


async def test_whoever_is_told_to_stop_meanwhile_is_in_nobodys_way(server: Server) -> None:
    gone, stays = (await server.waits())[0], (await server.waits())[0]
    gone.cancel()
    server.done.release()
    server.done.release()
    await stays
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_closing_finishes_what_was_asked_for(server: Server) -> None:
    waits = await server.waits()
    closing = asyncio.create_task(server.flushes.close())
    await settle()
    assert not closing.done()
    server.done.release()
    await closing
    assert waits[0].done()
    assert server.closed == 1


async def test_who_committed_under_a_connection_that_is_lost_is_not_flushed_by_the_next_one(server: Server) -> None:
    first, lives = Server(), [server]
    first.broken = True
    lives.append(first)

    async def connect() -> Server:
        return lives.pop()

    flushes_ = Flushes(connect, lambda: False)
    before = await flushes_.disk()
    first.is_lost = True
    after = await flushes_.disk()
    waits = [asyncio.create_task(flushes_.reach(one)) for one in (before, after) if one]
    first.done.release()
    server.done.release()
    told = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(one) for one in told] == [Broke, type(None)]
    assert (first.asked, first.closed, server.asked) == (1, 1, 1)


async def test_where_there_is_no_connection_for_it_whoever_asks_is_told_so(server: Server) -> None:
    async def full() -> Server:
        raise ConnectionRefusedError

    assert await Flushes(full, lambda: False).disk() is None


async def test_all_who_ask_at_once_wait_for_one_connection(server: Server) -> None:
    assert set(await asyncio.gather(*(server.flushes.disk() for _one in range(5)))) == {server}
    assert server.connected == 1


async def _asked(server: Server) -> None:
    while not server.asked:  # noqa: ASYNC110 - it is what is waited for
        await asyncio.sleep(0)
