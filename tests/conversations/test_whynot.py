"""Why did it not arrive? Answered in the chat for oneself, and to organisers with names by the role table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import get_args

from sqlalchemy import update

from bot.domain.notices import Kind
from bot.domain.reach import Reason
from handlers.whynot import KINDS, REASONS
from storage import people
from storage.tables.delivery import State, outbox
from tests.conversations.kit import MONDAY, Chat, Town


async def test_somebody_to_whom_nothing_was_said_is_told_so(chat: Callable[..., Chat]) -> None:
    ann = chat("ann")
    await ann.says("hello")
    assert "not written to you first" in await ann.says("why no message")


async def test_a_reminder_that_left_is_named_with_its_way(town: Town, chat: Callable[..., Chat]) -> None:
    ann, organiser = chat("ann"), chat("organiser")
    number = await town.publishes(organiser, "Trees", MONDAY + timedelta(hours=26))
    await ann.joins(number)
    await town.waits(hours=3)
    assert "Reminder · Trees · sent as a chat message" in await ann.says("whynot")
    await ann.opens("language", "zh_CN")
    assert "提醒 · Trees · 已发送" in await ann.says("为什么没收到")


async def test_outside_wechats_window_it_says_what_the_reminder_waits_for(town: Town) -> None:
    ann, organiser = Chat(town, "wechat", "ann"), Chat(town, "telegram", "organiser")
    number = await town.publishes(organiser, "Trees", MONDAY + timedelta(days=5))
    await ann.joins(number)
    await town.waits(days=4, hours=1)
    assert list(ann.pushed()) == []
    found = await organiser.opens("deliveries", number)
    assert "Trees: 0 of 1 messages were sent." in found
    assert f"{organiser.sees('Ann Lee')} · Reminder · waits for the next message on WeChat" in found
    # They ask, and with that the window is open again: “leaves as soon as it may” did not say what they had asked.
    await ann.says("whynot")
    assert "Reminder · Trees · it waited for a word on WeChat" in ann.text
    await town.waits(seconds=2)
    assert len(ann.pushed()) == 1


async def test_what_waited_on_wechat_until_it_was_too_late_says_so(town: Town) -> None:
    """And the control: what comes too late for another reason says nothing of WeChat."""
    ann, bea = Chat(town, "wechat", "ann"), Chat(town, "telegram", "bea")
    number = await town.publishes(Chat(town, "telegram", "organiser"), "Trees", MONDAY + timedelta(days=5))
    for one in (ann, bea):
        await one.joins(number)
    await town.waits(days=4, hours=1)
    async with town.database.write() as unit:  # one of Telegram that nobody could send either
        late = update(outbox).where(outbox.c.account == "telegram")
        await unit.run(late.values(state=State.PENDING, reason=None, done=None, attempt=0))
    town.at += timedelta(days=2)
    await town.planner.sweep()
    assert "on WeChat I may speak first for two days only" in await ann.says("whynot")
    assert "it came too late to be of use" in await bea.says("whynot")
    assert "WeChat" not in bea.text


async def test_a_refusal_of_the_platform_is_told_with_its_code(town: Town, chat: Callable[..., Chat]) -> None:
    ann, organiser = chat("ann"), chat("organiser")
    number = await town.publishes(organiser, "Trees", MONDAY + timedelta(hours=26))
    await ann.joins(number)
    await town.waits(hours=3)
    async with town.database.write() as unit:
        await unit.run(update(outbox).values(state=State.FAILED, reason="wechat 43019: on the account's blacklist"))
    assert "refused by the platform · its code: 43019" in await ann.says("whynot")


async def test_a_stranger_sees_nothing_and_a_centre_sees_masked_names(town: Town, chat: Callable[..., Chat]) -> None:
    ann, organiser, stranger, centre = (chat(name) for name in ("ann", "organiser", "stranger", "centre"))
    number = await town.publishes(organiser, "Trees", MONDAY + timedelta(hours=26))
    await ann.joins(number)
    await town.waits(hours=3)
    await stranger.says("hello")
    assert "Ann" not in await stranger.opens("deliveries", number)
    await centre.says("hello")
    async with town.database.write() as unit:
        who = await people.at_address(unit, centre.door, centre.name)
        assert who is not None
        await people.appoint(unit, who, people.Role.CENTRE, None, 110108, town.at)
    assert "A*** · Reminder · sent" in await centre.opens("deliveries", number)


def test_every_kind_of_message_and_every_reason_has_its_words() -> None:
    # A weekly letter was listed as “Message”.
    unnamed = set(get_args(Kind)) - set(KINDS) - {"reply"}  # nobody asks why an answer came
    assert not unnamed
    assert set(Reason) - set(REASONS) == {Reason.NO_WINDOW}, "which its outcome says already"
