"""Answers arrive in the order of what was said, also where one of them could not go at once: before the real turn and
the real sender."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bot.channels.telegram.intake import Intake
from bot.channels.wechat.webhook import WeChatWebhook
from bot.delivery.decisions import City as Speaking
from bot.delivery.pace import Times, pace_of
from bot.delivery.sender import Sender
from bot.domain.reach import NEXT_TRY, REPLY_HOLDS_UP
from bot.talk.incoming import Incoming
from bot.talk.order import Order
from bot.talk.view import Reply
from bot.turn import Turns
from handlers.notices import word
from storage import inbox, turns
from tests.channels import wechat_kit
from tests.channels.telegram_kit import Served, reader, webhook_before
from tests.conversations.kit import BEIJING, DOORS, Town
from tests.standins.telegram import bring_all
from tests.waiting import until

LIMIT = 3
"""Seconds, and messages in so many, after which the stand-in refuses a chat."""


HELP = "返回：回到上一个问题"
"""Of the answer to “帮助”."""


@dataclass
class Phone:
    """Somebody's Telegram, with the real turn and the real sender behind it, all by one clock."""

    town: Town
    served: Served
    sender: Sender
    keys: list[str] = field(default_factory=list)

    async def says(self, text: str) -> None:
        update = self.served.hand.says(text)
        self.keys.append(str(update["update_id"]))
        assert await bring_all(self.served.standin) == [200]

    async def says_to(self, replica: Intake, text: str) -> Any:
        """As if the platform had chosen another address; returns the update."""
        update = self.served.hand.says(text)
        self.served.standin.pending.remove(update)
        self.keys.append(str(update["update_id"]))
        await replica.receive(update)
        return update

    def replica(self) -> Intake:
        """Another process of this city: it remembers nothing."""
        others = Turns(self.town.database, self.town.turns.router, self.town.city, DOORS, self.town.now)
        return Intake(self.served.api, self.served.door, reader(), others, steady=self.served.time)

    def passes(self, seconds: float) -> None:
        self.town.at += timedelta(seconds=seconds)
        self.served.time.now += seconds

    async def pauses(self, seconds: float) -> None:
        self.passes(seconds)

    def limited(self) -> None:
        """This chat may hear nothing for the next three seconds."""
        self.served.standin.limits = True
        self.served.standin._times.extend([(self.served.time.now, self.served.hand.person.id)] * LIMIT)

    async def brings(self, seconds: float) -> None:
        """Time passes, and the sender looks each half second."""
        for _look in range(round(2 * seconds)):
            await self.sender.drain()
            self.passes(0.5)
        await self.sender.drain()

    @property
    def heard(self) -> list[str]:
        return list(self.served.hand.person.texts)

    async def answers(self) -> list[str]:
        """What was answered, in the order in which it was asked."""
        async with self.town.database.read() as unit:
            kept = [await inbox.kept_reply(unit, "telegram", key) for key in self.keys]
        return [str(page["text"]) for one in kept if one for page in one.pages]

    async def holds(self) -> bool:
        """Is every answer there, once, in its order?"""
        answers, heard = await self.answers(), self.heard
        return len(heard) == len(answers) and all(
            shown.startswith(answer[:12]) for shown, answer in zip(heard, answers, strict=True)
        )


@pytest.fixture
async def phone(town: Town) -> AsyncIterator[Phone]:
    async with webhook_before(town.turns) as served:  # type: ignore[arg-type] # the real listener
        made: list[Phone] = []
        times = Times(town.now, served.time, served.time, lambda seconds: made[0].pauses(seconds))
        speaking = Speaking(BEIJING, "zh_CN")
        sender = Sender(
            town.database, served.door, word, times, speaking,
            pace=pace_of("telegram"), doors=("telegram",), chance=lambda: 0.0,
        )  # fmt: skip
        made.append(Phone(town, served, sender))
        await made[0].says("菜单")
        made[0].passes(10)
        yield made[0]
        await sender.stop()


async def three_in_a_limit(phone: Phone) -> None:
    """The first meets the limit, the second too; the third comes just after it, when the sender waits still."""
    phone.limited()
    await phone.says("帮助")
    phone.passes(0.5)
    await phone.sender.drain()  # refused as well, for three seconds more
    phone.passes(0.5)
    await phone.says("时长")
    phone.passes(2.1)
    await phone.says("找活动")
    await phone.brings(20)


def forget_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard that is taken away: no turn knows of replies that wait."""
    sound = turns.begin

    async def begin(*given: Any) -> Any:
        met = await sound(*given)
        if hasattr(met, "behind"):
            met.behind = False
        return met

    monkeypatch.setattr(turns, "begin", begin)


async def test_answers_to_a_chat_that_was_limited_arrive_in_order_each_once(phone: Phone) -> None:
    """What happened before: the third was there first, its buttons above those of the first."""
    await three_in_a_limit(phone)
    assert len(phone.heard) == 4
    assert await phone.holds()


async def test_control_where_no_turn_knows_who_waits_the_last_comes_first(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_who_waits(monkeypatch)
    await three_in_a_limit(phone)
    assert len(phone.heard) == 4
    assert not await phone.holds()


async def test_when_they_have_been_brought_replies_go_directly_again(phone: Phone) -> None:
    await three_in_a_limit(phone)
    phone.passes(5)
    await phone.says("帮助")
    assert len(phone.heard) == 5
    assert await phone.holds()


async def test_another_replica_and_a_process_that_was_restarted_know_it_too(phone: Phone) -> None:
    phone.limited()
    await phone.says("帮助")
    phone.passes(LIMIT + 0.1)
    await phone.says_to(phone.replica(), "时长")
    assert len(phone.heard) == 1
    await phone.brings(5)
    assert await phone.holds()


async def test_what_stands_behind_others_is_not_brought_directly_when_its_update_comes_again(phone: Phone) -> None:
    phone.limited()
    await phone.says("帮助")
    phone.passes(LIMIT + 0.1)
    update = await phone.says_to(phone.replica(), "时长")
    phone.passes(60)  # nobody knows any more whether some replica is bringing it
    await phone.replica().receive(update)
    assert len(phone.heard) == 1
    await phone.brings(5)
    await phone.replica().receive(update)
    assert await phone.holds()


async def test_control_of_whom_the_list_is_not_asked_is_answered_twice(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(*_given: Any) -> bool:
        return False

    monkeypatch.setattr("storage.fanouts.is_reply_planned", unknown)
    phone.limited()
    await phone.says("帮助")
    phone.passes(LIMIT + 0.1)
    update = await phone.says_to(phone.replica(), "时长")
    phone.passes(60)
    await phone.replica().receive(update)
    await phone.brings(5)
    assert len(phone.heard) == 4, "of three answers"


@pytest.mark.parametrize("too_long", [True, False])
async def test_nobody_waits_for_ever_behind_an_answer_that_does_not_come(phone: Phone, too_long: bool) -> None:
    """The sender does not send, whatever keeps it: after two minutes the chat goes on without that answer."""
    phone.limited()
    await phone.says("帮助")
    phone.passes(REPLY_HOLDS_UP.total_seconds() + (1 if too_long else -1))
    await phone.says("时长")
    assert len(phone.heard) == (2 if too_long else 1)


@pytest.mark.parametrize("far_off", [True, False])
async def test_nobody_waits_behind_an_answer_whose_next_try_is_far_off(phone: Phone, far_off: bool) -> None:
    seconds = round(NEXT_TRY.total_seconds()) + (9 if far_off else -9)
    phone.served.standin.fail_next("sendMessage", times=2, status=429, parameters={"retry_after": seconds})
    await phone.says("帮助")
    await phone.sender.drain()
    phone.passes(1)
    await phone.says("时长")
    assert len(phone.heard) == (2 if far_off else 1)


async def test_an_apology_stands_behind_them_too(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    phone.limited()
    await phone.says("帮助")
    phone.passes(LIMIT + 0.1)

    async def breaks(*_given: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(phone.town.turns, "_spoken", breaks)
    await phone.says("时长")
    assert len(phone.heard) == 1
    await phone.brings(5)
    assert await phone.holds()


# --- WeChat --------------------------------------------------------------------------------------------------------


@dataclass
class Held:
    """The real turns, of which the first is under way until a test lets it go on."""

    turns: Turns
    under_way: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    taken: int = 0

    async def take(self, incoming: Incoming) -> Reply:
        reply = await self.turns.take(incoming)
        self.taken += 1
        if self.taken == 1:
            self.under_way.set()
            await self.go_on.wait()
        return reply

    async def later(self, incoming: Incoming, said: int = 0) -> None:
        await self.turns.later(incoming, said)

    async def bury(self, door: str, key: str, raw: str, why: str) -> None:
        await self.turns.bury(door, key, raw, why)


def texts_by_wechat(town: Town) -> list[str]:
    return [page.text for _to, page in town.mailboxes["wechat"].sent]


async def slow_then_quick(town: Town, between: Callable[[WeChatWebhook], None] = lambda _webhook: None) -> list[str]:
    """Somebody says “帮助”, to which the answer takes too long, and then “时长”. Returns what they see, in order."""
    listener, seen = Held(town.turns), list[str]()
    async with wechat_kit.serve(listener) as served:  # type: ignore[arg-type] # the real one
        between(served.webhook)
        person = served.platform.person("o1")
        first = await wechat_kit.answered_too_late(person.says("帮助"), listener.under_way)
        assert first.kind == "silence"
        second = asyncio.create_task(person.says("时长"))
        await until(lambda: second.done() or any(served.webhook._chats._queues.values()))
        listener.go_on.set()
        answered = await second
        if answered.kind != "silence":
            seen.append(answered.text)
        await served.webhook.drain(30.0)
    await town.waits(seconds=2)
    await town.waits(seconds=2)
    return seen + texts_by_wechat(town)


async def test_on_wechat_an_answer_that_took_too_long_comes_before_the_next_one(town: Town) -> None:
    help_, hours = await slow_then_quick(town)
    assert HELP in help_
    assert HELP not in hours


async def test_control_on_wechat_without_the_turnstile_the_next_one_is_there_first(town: Town) -> None:
    class Open(Order):
        def of(self, key: object) -> Any:
            return nullcontext()

    def open_(webhook: WeChatWebhook) -> None:
        webhook._chats = Open()

    hours, help_ = await slow_then_quick(town, open_)
    assert HELP in help_
    assert HELP not in hours


async def test_control_on_wechat_where_no_turn_knows_who_waits_the_next_one_is_there_first(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_who_waits(monkeypatch)
    hours, help_ = await slow_then_quick(town)
    assert HELP in help_
    assert HELP not in hours
