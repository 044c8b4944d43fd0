"""Long polling: nothing is confirmed before it is answered, nothing stops for ever, and an end is clean."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from bot.channels.telegram.errors import Failed
from bot.channels.telegram.polling import LONGEST_WAIT, Polling
from bot.talk.incoming import Incoming
from tests import waiting
from tests.channels.telegram_kit import KeptReplies, Served, door_before
from tests.standins.telegram import Hand

until = partial(waiting.until, seconds=5.0)
"""What happens is in other people's lists, which ring no bell."""


@asynccontextmanager
async def polling_before(listener: KeptReplies | None = None) -> AsyncIterator[tuple[Served, Polling]]:
    async with door_before(listener) as served:
        polling = Polling(served.api, served.intake, hold=1, pause=served.time.pause, chance=lambda: 1.0)
        running = asyncio.create_task(polling.run())
        try:
            yield served, polling
        finally:
            await polling.stop(2.0)
            await running


async def test_what_is_said_is_answered_and_then_confirmed() -> None:
    async with polling_before() as (served, polling):
        served.hand.says("one")
        await until(lambda: served.hand.person.texts == ["got one"])
        served.hand.says("two")
        await until(lambda: served.hand.person.texts == ["got one", "got two"])
        await polling.stop()
        assert not served.standin.pending


async def test_a_webhook_that_was_left_behind_is_taken_away_first() -> None:
    async with door_before() as served:
        await served.api.set_webhook("https://old.example.org/telegram", "x" * 40)
        served.hand.says("kept")
        polling = Polling(served.api, served.intake, hold=1, pause=served.time.pause)
        running = asyncio.create_task(polling.run())
        await until(lambda: served.hand.person.texts == ["got kept"])
        await polling.stop()
        await running


async def test_without_that_nothing_would_ever_come() -> None:
    async with door_before() as served:
        await served.api.set_webhook("https://old.example.org/telegram", "x" * 40)
        answer = await served.api.updates(None, 0)
        assert isinstance(answer, Failed)
        assert answer.status == 409


async def test_a_poisoned_update_stops_nobody() -> None:
    async with polling_before() as (served, _polling):
        served.standin.queue("message", {"text": 5})
        served.hand.says("one")
        served.standin.queue("callback_query", {"id": {}})
        served.hand.says("two")
        await until(lambda: served.hand.person.texts == ["got one", "got two"])
        await until(lambda: not served.standin.pending)
        assert len(served.listener.buried) == 2


async def test_whatever_aiogram_makes_of_the_batch_would_stop_them_all() -> None:
    """The control: the library reads a batch as a whole."""
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.exceptions import ClientDecodeError

    from tests.standins.telegram import TOKEN

    async with door_before() as served:
        served.standin.queue("message", {"text": 5})
        served.hand.says("one")
        session = AiohttpSession(api=TelegramAPIServer.from_base(served.standin.base))
        with pytest.raises(ClientDecodeError):
            await Bot(TOKEN, session=session).get_updates(timeout=0)
        await session.close()


async def test_one_chat_keeps_its_order_and_others_go_on_beside_it() -> None:
    slow = asyncio.Event()

    async def wait(incoming: Incoming) -> None:
        if incoming.text == "slow":
            await slow.wait()

    async with door_before(KeptReplies(wait=wait)) as served:
        other = Hand(served.standin, 77)
        served.hand.says("slow")
        served.hand.says("quick")
        other.says("me too")
        polling = Polling(served.api, served.intake, hold=1, pause=served.time.pause)
        running = asyncio.create_task(polling.run())
        await until(lambda: other.person.texts == ["got me too"])
        assert not served.hand.person.messages
        slow.set()
        await until(lambda: served.hand.person.texts == ["got slow", "got quick"])
        await polling.stop()
        await running


async def test_killed_in_the_middle_nothing_is_confirmed() -> None:
    never = asyncio.Event()

    async def wait(incoming: Incoming) -> None:
        if incoming.text == "two":
            await never.wait()

    async with door_before(KeptReplies(wait=wait)) as served:
        served.hand.says("one")
        served.hand.says("two")
        running = asyncio.create_task(Polling(served.api, served.intake, hold=1, pause=served.time.pause).run())
        await until(lambda: served.hand.person.texts == ["got one"])
        running.cancel()
        await asyncio.wait({running})
        assert len(served.standin.pending) == 2


async def test_while_too_much_waits_the_next_batch_waits_too() -> None:
    async with polling_before(KeptReplies(overloaded=3)) as (served, _polling):
        served.hand.says("one")
        served.hand.says("two")
        await until(lambda: served.hand.person.texts == ["got one", "got two"])
        assert served.time.waited == [1.0, 1.0, 1.0]


async def test_while_the_database_is_away_nothing_is_confirmed_or_lost() -> None:
    async with polling_before(KeptReplies(broken=2)) as (served, _polling):
        served.hand.says("one")
        served.hand.says("two")
        await until(lambda: served.hand.person.texts == ["got one", "got two"])
        assert [one.text for one in served.listener.effects] == ["one", "two"]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "body": "<html>"},
        {"drops": True},
        {"status": 429, "parameters": {"retry_after": 9}},
        {"status": 409, "description": "Conflict: terminated by other getUpdates request"},
    ],
    ids=["gateway", "broken connection", "limit", "second poller"],
)
async def test_faults_of_the_network_slow_it_down_and_no_more(fault: dict[str, Any]) -> None:
    async with door_before() as served:
        served.standin.fail_next("getUpdates", times=3, **fault)
        served.hand.says("one")
        polling = Polling(served.api, served.intake, hold=1, pause=served.time.pause, chance=lambda: 1.0)
        running = asyncio.create_task(polling.run())
        await until(lambda: served.hand.person.texts == ["got one"])
        await polling.stop()
        await running
        assert served.time.waited == ([9.0] * 3 if "parameters" in fault else [2.0, 4.0, 8.0])
    said = [entry["event"] for entry in served.logged if entry["log_level"] in ("warning", "error")]
    assert len(said) == 3
    assert ("another program" in said[0]) == (fault.get("status") == 409)


async def test_the_wait_doubles_up_to_a_minute_and_is_spread_by_chance() -> None:
    async with door_before() as served:
        least = Polling(served.api, served.intake, chance=lambda: 0.0)
        most = Polling(served.api, served.intake, chance=lambda: 1.0)
        away = Failed(0, "no connection", reached=False)
        assert [most.wait(away, attempt) for attempt in (1, 2, 5, 6, 999)] == [2.0, 4.0, 32.0, 60.0, 60.0]
        assert least.wait(away, 3) == 4.0
        assert most.wait(Failed(401, "Unauthorized"), 1) == LONGEST_WAIT


async def test_a_stop_does_not_wait_for_the_next_message() -> None:
    async with door_before() as served:
        polling = Polling(served.api, served.intake, hold=50)
        running = asyncio.create_task(polling.run())
        await until(lambda: served.standin.called("getUpdates"))
        began = asyncio.get_running_loop().time()
        await polling.stop()
        await running
        assert asyncio.get_running_loop().time() - began < 1.0


async def test_a_stop_lets_what_was_fetched_be_answered_and_confirms_it() -> None:
    async def slowly(_incoming: Incoming) -> None:
        await asyncio.sleep(0.1)

    async with door_before(KeptReplies(wait=slowly)) as served:
        served.hand.says("one")
        served.hand.says("two")
        polling = Polling(served.api, served.intake, hold=1, pause=served.time.pause)
        running = asyncio.create_task(polling.run())
        await until(lambda: served.intake._under_way)
        await polling.stop()
        await running
        assert served.hand.person.texts == ["got one", "got two"]
        assert not served.standin.pending, "whoever starts next would answer them again"


async def test_numbers_that_start_anew_lower_are_not_missed() -> None:
    async with polling_before() as (served, _polling):
        served.hand.says("one")
        await until(lambda: served.hand.person.texts == ["got one"])
        await until(lambda: ["offset" in one for one in served.standin.called("getUpdates")] == [False, True, False])
        served.standin._update = 5
        served.hand.says("after a quiet week")
        await until(lambda: served.hand.person.texts[1:] == ["got after a quiet week"])


async def test_only_the_kinds_that_are_read_are_asked_for() -> None:
    async with polling_before() as (served, _polling):
        await until(lambda: served.standin.called("getUpdates"))
        asked = served.standin.called("getUpdates")[0]["allowed_updates"]
        assert asked == '["message", "edited_message", "callback_query", "my_chat_member"]'
