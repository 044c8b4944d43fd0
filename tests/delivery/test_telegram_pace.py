"""A campaign against the strict stand-in of the Bot API, by a clock that the test moves: fast, and never refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import String as Text
from sqlalchemy import cast, update

from bot.channels.telegram.api import TelegramApi
from bot.channels.telegram.door import TelegramDoor
from bot.delivery.pace import Pace, pace_of
from bot.delivery.sender import Sender
from bot.talk.door import Outcome
from bot.talk.view import Page
from storage.tables.delivery import State
from storage.tables.people import identity
from tests.delivery.kit import Clockwork, SmallCity, word
from tests.standins.telegram import TOKEN, TelegramStandIn

PEOPLE = 300


@dataclass
class Bot:
    """The real door before the stand-in, and a sender of a given pace."""

    city: SmallCity
    platform: TelegramStandIn
    sends: Callable[..., Sender]

    @property
    def rate(self) -> float:
        """Messages a second, from the first call to the last."""
        moments = [call.at for call in self.platform.calls]
        return (len(moments) - 1) / (moments[-1] - moments[0])


class Prompt(TelegramDoor):
    """Its calls take no time by the test's clock: while one is on its way, the clock stands still."""

    under_way = 0

    def __init__(self, api: TelegramApi, steady: Callable[[], float], paid: bool) -> None:
        super().__init__(api, steady, paid=paid)
        self.idle = asyncio.Event()
        self.idle.set()

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        self.under_way += 1
        self.idle.clear()
        try:
            return await super().send(to, page, key)
        finally:
            self.under_way -= 1
            if not self.under_way:
                self.idle.set()


@pytest.fixture
async def bot(city: SmallCity, clock: Clockwork) -> AsyncIterator[Bot]:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.people(range(2, 2 + PEOPLE))
    await city.subscribes(range(2, 2 + PEOPLE))
    async with city.database.write() as unit:
        await unit.run(update(identity).values(external=cast(identity.c.person, Text)))
    await city.announces()
    await city.planner().expand()
    async with TelegramStandIn(clock=clock.steady, limits=True) as platform:
        for number in range(2, 2 + PEOPLE):
            platform.person(number)
        api = TelegramApi(TOKEN, platform.base)

        def sends(pace: Pace, paid: bool = False) -> Sender:
            door = Prompt(api, clock.steady, paid=paid)

            async def pause(seconds: float) -> None:
                await door.idle.wait()
                await clock.pause(seconds)

            made = Sender(
                city.database, door, word, replace(clock.times, pause=pause), city.places, pace=pace,
                doors=["telegram"], chance=lambda: 0.0,
            )  # fmt: skip
            city.senders.append(made)
            return made

        yield Bot(city, platform, sends)
        await api.close()


async def everybody_once(bot: Bot) -> None:
    assert await bot.city.states() == {State.SENT: PEOPLE}
    assert {len(person.texts) for person in bot.platform.people.values()} == {1}


async def test_a_campaign_keeps_just_below_telegrams_limit_and_is_never_refused(bot: Bot) -> None:
    await bot.sends(pace_of("telegram")).drain()
    assert bot.rate >= 27.5
    assert bot.platform.refused[429] == 0
    await everybody_once(bot)


async def test_without_the_bucket_it_is_refused_again_and_again(bot: Bot, clock: Clockwork) -> None:
    """The control. What is refused is halted for and sent again: slower, but not lost."""
    sender = bot.sends(Pace(rate=1000.0, per_chat=1.0))
    for _wait in range(PEOPLE):
        await sender.drain()
        clock.pass_by(seconds=0.5)
    assert bot.platform.refused[429] > PEOPLE / 100
    await everybody_once(bot)


async def test_whoever_pays_sends_a_thousand_a_second_and_says_so_in_each_call(bot: Bot) -> None:
    await bot.sends(pace_of("telegram", 1000.0), paid=True).drain()
    assert bot.rate >= 900
    assert bot.platform.refused[429] == 0
    assert {call.given["allow_paid_broadcast"] for call in bot.platform.calls} == {"true"}
    await everybody_once(bot)


async def test_whoever_does_not_pay_never_says_that_they_do(bot: Bot) -> None:
    """The control: Stars are spent only where the operator switched it on."""
    await bot.sends(pace_of("telegram", 30.0)).drain()
    assert all("allow_paid_broadcast" not in call.given for call in bot.platform.calls)
