"""What must wait for its like, and what goes on beside it."""

from __future__ import annotations

import asyncio

import pytest

from bot.talk.order import Order


async def test_the_same_key_goes_one_at_a_time_in_the_order_of_coming() -> None:
    order, told = Order(), list[str]()

    async def goes(name: str) -> None:
        async with order.of("wang"):
            told.append(f"{name} in")
            await asyncio.sleep(0)
            told.append(f"{name} out")

    await asyncio.gather(*(goes(name) for name in "abc"))
    assert told == ["a in", "a out", "b in", "b out", "c in", "c out"]


async def test_another_key_does_not_wait() -> None:
    order = Order()
    async with order.of("wang"):
        await asyncio.wait_for(order.of("mei").__aenter__(), 1)


async def test_nothing_is_remembered_of_those_who_have_gone() -> None:
    order = Order()
    async with order.of("wang"), order.of("mei"):
        assert len(order) == 2
    assert len(order) == 0


async def test_whoever_gives_up_waiting_holds_up_nobody() -> None:
    order = Order()
    async with order.of("wang"):
        waiting = asyncio.create_task(order.of("wang").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert len(order) == 1
    assert len(order) == 0
    async with order.of("wang"):
        pass


async def test_what_raises_inside_lets_the_next_one_through() -> None:
    order = Order()
    with pytest.raises(ArithmeticError):
        async with order.of("wang"):
            raise ArithmeticError
    await asyncio.wait_for(order.of("wang").__aenter__(), 1)


async def test_whoever_is_told_to_stop_just_as_their_turn_comes_lets_the_next_one_through() -> None:
    order = Order()
    async with order.of("wang"):
        stopped, following = (asyncio.create_task(order.of("wang").__aenter__()) for _one in range(2))
        await asyncio.sleep(0)
    stopped.cancel()  # let in, but not awake yet
    with pytest.raises(asyncio.CancelledError):
        await stopped
    await asyncio.wait_for(following, 1)
