"""Between the sender and the platforms lies a bad network: nothing is lost in silence, nothing doubled, nobody waits.

Held against the real doors and the strict stand-ins, through a proxy that resets, tears, delays and swallows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import repeat
from random import Random

import pytest
from sqlalchemy import String as Text
from sqlalchemy import cast, update

from bot.channels.telegram.api import TelegramApi
from bot.channels.telegram.door import TelegramDoor
from bot.delivery.line import LONGEST
from bot.delivery.pace import Pace
from bot.delivery.sender import Sender
from bot.talk.door import NotSent, Outcome, Uncertain
from bot.talk.view import Page
from storage.tables.delivery import State
from storage.tables.people import identity
from tests.delivery.kit import Clockwork, SmallCity, word
from tests.delivery.test_wechat_ways import town_of
from tests.leap import leap
from tests.network import Network, Weather, changing
from tests.standins.telegram import TOKEN, TelegramStandIn
from tests.waiting import until

PEOPLE = range(2, 62)
PACE = Pace(rate=1000.0, most_in_flight=4, latency=0.1)
LIMIT = 30.0
"""Seconds until a call is given up: however busy the machine is, a call that is answered has to be."""


class Bot:
    """The real Telegram door, a network, and the stand-in behind it."""

    def __init__(self, city: SmallCity, platform: TelegramStandIn, network: Network, door: TelegramDoor) -> None:
        self.city, self.platform, self.network, self.door = city, platform, network, door

    def sender(self) -> Sender:
        made = Sender(
            self.city.database, self.door, word, self.city.clock.times, self.city.places, pace=PACE,
            doors=["telegram"], chance=lambda: 0.0,
        )  # fmt: skip
        self.city.senders.append(made)
        self.city.made.append(made)
        return made

    @property
    def arrived(self) -> dict[int, int]:
        """How many messages each person has."""
        return {number: self.platform.delivered[number] for number in PEOPLE}


@asynccontextmanager
async def bot_of(city: SmallCity) -> AsyncIterator[Bot]:
    async with TelegramStandIn() as platform, Network(platform.base).up() as network:
        for number in PEOPLE:
            platform.person(number)
        api = TelegramApi(TOKEN, network.base, limit=LIMIT)
        yield Bot(city, platform, network, TelegramDoor(api))
        for sender in city.senders:
            await sender.stop()
        city.senders.clear()
        await api.close()


@pytest.fixture
async def bot(city: SmallCity) -> AsyncIterator[Bot]:
    await city.shift(1, city.clock.now + timedelta(hours=24))
    async with bot_of(city) as made:
        yield made


async def announced(city: SmallCity) -> None:
    """An announcement of activity 1 waits for everybody; a campaign's messages are never sent again in doubt."""
    await city.people(PEOPLE)
    await city.subscribes(PEOPLE)
    await named_by_number(city)
    await city.announces()
    await city.planner().expand()


async def named_by_number(city: SmallCity) -> None:
    async with city.database.write() as unit:
        telegrams = identity.c.door == "telegram"
        await unit.run(update(identity).where(telegrams).values(external=cast(identity.c.person, Text)))


async def until_settled(sender: Sender, clock: Clockwork, rounds: int = 20) -> None:
    for _round in range(rounds):
        await sender.drain()
        clock.pass_by(seconds=LONGEST)


@pytest.fixture
def goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of a campaign's messages fail, it does not rest: here they are meant to."""
    monkeypatch.setattr("bot.domain.reach.MOST_FAILING", 1.0)


def bad(seed: int) -> Callable[[], Weather]:
    """Of ten requests three are reset, one at either end and one in its answer; two are slow."""
    random = Random(seed)
    weathers: tuple[Weather, ...] = ("lost", "deaf", "torn", "slow", "slow", "fair", "fair", "fair", "fair", "fair")
    return lambda: random.choice(weathers)


@pytest.mark.usefixtures("goes_on")
async def test_through_a_bad_network_nobody_hears_twice_and_every_doubt_is_listed(
    bot: Bot, clock: Clockwork
) -> None:
    await announced(bot.city)
    bot.network.weather = changing(bad(1))
    await until_settled(bot.sender(), clock)
    assert {"lost", "deaf", "torn"} <= set(bot.network.had), "the network was too good"
    for row in await bot.city.rows():
        heard = bot.arrived[row.person]
        assert State(row.state) in (State.SENT, State.UNCERTAIN)
        assert heard == 1 if row.state == State.SENT else heard in (0, 1)
    states = await bot.city.states()
    assert sum(states.values()) == len(PEOPLE)
    assert states[State.UNCERTAIN] >= bot.network.had["lost"] + bot.network.had["deaf"]


class Hopeful:
    """The control: a door that takes every doubt for a no."""

    def __init__(self, door: TelegramDoor) -> None:
        self._door = door
        self.name, self.capabilities = door.name, door.capabilities

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        outcome = await self._door.send(to, page, key)
        return NotSent(outcome.reason, reached=False) if isinstance(outcome, Uncertain) else outcome


@pytest.mark.usefixtures("goes_on")
async def test_whoever_takes_a_doubt_for_a_no_says_it_twice(bot: Bot, clock: Clockwork) -> None:
    bot.door = Hopeful(bot.door)  # type: ignore[assignment]
    await announced(bot.city)
    bot.network.weather = changing(bad(1))
    await until_settled(bot.sender(), clock)
    assert max(bot.arrived.values()) > 1


async def test_a_reminder_in_doubt_is_said_once_more_and_no_more(bot: Bot, clock: Clockwork) -> None:
    await bot.city.people(PEOPLE)
    await named_by_number(bot.city)
    await bot.city.joins(PEOPLE, 1)
    planner = bot.city.planner()
    await planner.tick()
    await planner.expand()
    bot.network.weather = changing(bad(2))
    await until_settled(bot.sender(), clock)
    for row in await bot.city.rows():
        heard = bot.arrived[row.person]
        assert heard <= 2
        assert State(row.state) in (State.SENT, State.UNCERTAIN)
        assert row.state != State.SENT or heard >= 1
    assert 2 in bot.arrived.values(), "nobody was in doubt: it proves nothing"


@pytest.mark.parametrize("weather", ["hole", "lost"])
async def test_while_nothing_passes_to_telegram_hardly_anything_is_in_doubt_and_then_all_leaves(
    bot: Bot, clock: Clockwork, weather: Weather
) -> None:
    await announced(bot.city)
    bot.network.weather, bot.network.on_hole = repeat(weather), leap
    sender = bot.sender()
    for _round in range(3):
        await sender.drain()
        clock.pass_by(seconds=LONGEST)
    doubtful = (await bot.city.states())[State.UNCERTAIN]
    assert doubtful < 11, "so many would rest the campaign"
    assert not any(bot.arrived.values())
    bot.network.weather = repeat("fair")
    await until_settled(sender, clock, rounds=3)
    assert await bot.city.states() == {State.UNCERTAIN: doubtful, State.SENT: len(PEOPLE) - doubtful}
    assert max(bot.arrived.values()) == 1


async def test_what_no_connection_was_there_for_leaves_when_there_is_one(city: SmallCity, clock: Clockwork) -> None:
    """Nobody listens: nothing is in doubt, nothing is lost, and nobody has used up their attempts."""
    await city.shift(1, clock.now + timedelta(hours=24))
    await announced(city)
    async with bot_of(city) as bot:
        there = bot.network.base
    async with TelegramStandIn() as platform:
        for number in PEOPLE:
            platform.person(number)
        api = TelegramApi(TOKEN, there, limit=LIMIT)
        bot.door, bot.platform = TelegramDoor(api), platform
        sender = bot.sender()
        for _round in range(60):
            await sender.drain()
            clock.pass_by(seconds=LONGEST)
        assert await city.states() == {State.PENDING: len(PEOPLE)}
        await sender.stop()
        city.senders.clear()
        await api.close()
        bot.door = TelegramDoor(api := TelegramApi(TOKEN, platform.base))
        await until_settled(bot.sender(), clock, rounds=3)
        await api.close()
        assert await city.states() == {State.SENT: len(PEOPLE)}
        assert set(bot.arrived.values()) == {1}


async def test_while_telegrams_calls_hang_wechat_goes_on(city: SmallCity) -> None:
    async with town_of(city) as town, bot_of(city) as bot:
        await town.city.person(900, "wechat")
        await announced(city)
        bot.network.weather = repeat("hole")
        telegram = bot.sender()
        hanging = asyncio.create_task(telegram.step())
        await until(lambda: bot.network.had["hole"])
        town.serial = 1  # the announcement has the first
        await town.writes(900)
        await town.tells(900, times=3)
        await town.sender().drain()
        assert len(town.platform.accepted) == 3
        assert telegram.in_flight
        assert not any(bot.arrived.values())
        bot.network.weather = repeat("lost")  # what comes after those that hang would hang as long
        await bot.network.cut()
        await hanging
