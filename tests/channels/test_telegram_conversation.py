"""The Telegram door before the real turn and the real sender: what a person with the app sees."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import select

from bot.channels.telegram.intake import Intake
from bot.delivery.decisions import City as Speaking
from bot.delivery.pace import Times
from bot.delivery.planner import Planner
from bot.delivery.sender import Sender
from handlers.notices import word
from storage import inbox
from storage.database import Database
from storage.tables import metadata
from storage.tables.people import identity
from tests.channels.telegram_kit import SECRET, Served, reader, webhook_before
from tests.conversations.kit import BEIJING, SECRECY, Town
from tests.standins.telegram import bring, bring_all


@pytest.fixture
def founded(tmp_path: Path) -> Town:
    url = tmp_path / "city.db"
    engine = sqlalchemy.create_engine(f"sqlite:///{url}")
    metadata.create_all(engine)
    engine.dispose()
    return Town(Database(f"sqlite+aiosqlite:///{url}", SECRECY))


@pytest.fixture
async def town(founded: Town) -> AsyncIterator[Town]:
    yield founded
    await founded.database.close()


@pytest.fixture
async def served(town: Town) -> AsyncIterator[Served]:
    async with webhook_before(town.turns) as before:  # type: ignore[arg-type] # the real listener
        yield before


def labels(served: Served) -> list[str]:
    markup = served.hand.person.messages[-1].get("reply_markup", {})
    rows = markup.get("inline_keyboard") or markup.get("keyboard") or []
    return [button["text"] for row in rows for button in row]


async def test_a_stranger_is_greeted_and_goes_on_by_buttons(served: Served) -> None:
    served.hand.starts()
    await bring_all(served.standin)
    assert "您好" in served.hand.person.texts[0] or "你好" in served.hand.person.texts[0]
    served.hand.taps(labels(served)[0])
    served.hand.says("帮助")
    assert await bring_all(served.standin) == [200, 200]
    assert len(served.hand.person.messages) == 3
    assert len(served.standin.answered) == 1


async def test_an_old_button_and_a_strange_one_are_answered_kindly(served: Served) -> None:
    served.hand.starts()
    for data in ("9999.1", "vote:7", "nosuchscript-1"):
        served.hand.presses(data)
    served.hand.message(sticker={"file_id": "s"})
    assert await bring_all(served.standin) == [200] * 5
    assert len(served.hand.person.messages) == 5
    assert all(text.count("\n") < 3 for text in served.hand.person.texts[1:])


async def test_an_update_that_comes_again_to_another_process_gets_the_same_answer(town: Town, served: Served) -> None:
    update = served.hand.says("帮助")
    await bring_all(served.standin)
    fresh = Intake(served.api, served.door, reader(), town.turns, steady=served.time)
    await fresh.receive(update)
    first, again = served.hand.person.messages
    assert (first["text"], first["reply_markup"]) == (again["text"], again["reply_markup"])


async def test_a_reply_that_could_not_go_is_brought_once_by_the_sender(town: Town, served: Served) -> None:
    served.standin.fail_next("sendMessage", status=429, parameters={"retry_after": 20})
    update = served.hand.says("帮助")
    for _ in range(3):
        assert (await bring(served.url, update, SECRET))[0] == 200
    assert not served.hand.person.messages
    times = Times(town.now, lambda: town.steady, lambda: town.steady, town.pauses)
    await Planner(town.database, times, doors=("telegram",)).tick()
    sender = Sender(town.database, served.door, word, times, Speaking(BEIJING, "zh_CN"), doors=("telegram",))
    await sender.drain()
    await sender.stop()
    assert len(served.hand.person.messages) == 1
    assert labels(served)


async def test_whoever_blocks_the_bot_is_gone_until_they_come_back(town: Town, served: Served) -> None:
    async def is_open() -> bool:
        async with town.database.read() as unit:
            row = (await unit.run(select(identity).where(identity.c.external == "4242"))).one()
        return bool(row.open)

    served.hand.starts()
    await bring_all(served.standin)
    assert await is_open()
    served.hand.blocks()
    await bring_all(served.standin)
    assert not await is_open()
    served.hand.unblocks()
    await bring_all(served.standin)
    assert await is_open()
    assert len(served.hand.person.messages) == 1


async def test_a_poisoned_update_is_counted_for_the_operator_and_stops_nothing(town: Town, served: Served) -> None:
    poisoned = served.standin.queue("message", {"text": 5})
    served.hand.says("帮助")
    assert await bring_all(served.standin) == [200, 200]
    assert (await bring(served.url, poisoned, SECRET))[0] == 200
    async with town.database.read() as unit:
        count, newest = await inbox.dead(unit)
    assert count == 1
    assert newest[0].key == str(poisoned["update_id"])
    assert len(served.hand.person.messages) == 1


async def test_every_offered_button_stays_within_the_platforms_limits(served: Served) -> None:
    for words in ("菜单", "设置", "语言", "找活动", "帮助"):
        served.hand.says(words)
    assert await bring_all(served.standin) == [200] * 5
    assert not served.standin.refused
