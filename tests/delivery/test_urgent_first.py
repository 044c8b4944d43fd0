"""Behind a campaign to a hundred thousand people a reminder leaves within a second and a reply at once.

Simulated: all clocks are moved by hand, the ticks come at their own intervals, and the database is a real one.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert

from bot.clock import FANOUT, PLANNER
from bot.delivery.pace import Times, pace_of
from bot.delivery.planner import Planner
from bot.delivery.sender import IDLE, Sender
from storage import fanouts
from storage.tables.delivery import State
from storage.tables.messages import inbox
from tests.delivery.kit import Clockwork, ScriptedDoor, SmallCity, word

CAMPAIGN = range(1_000, 101_000)
REMINDED = range(2, 62)
ASKING = range(100, 120)
SECONDS = 20.0
APART = 0.31
"""Seconds from one reminder's moment to the next: each falls somewhere else between the looks and the ticks."""


class Life:
    """Lets happen what is due when the simulated time goes on: ticks, and people whose reply could not go back."""

    def __init__(self, city: SmallCity) -> None:
        self.city = city
        self.clock: Clockwork = city.clock
        self.times = Times(self.clock.city, self.clock.wall, self.clock.steady, self.pause)
        self.planner = Planner(city.database, city.clock.times, ("telegram",), rates={"telegram": 28.0})
        self.door = ScriptedDoor(self.clock)
        self.sender = Sender(
            city.database, self.door, word, self.times, city.places, pace=pace_of("telegram"), chance=lambda: 0.0
        )
        self.asked: dict[str, float] = {}
        self._next = {"plan": 0.0, "expand": 0.0, "ask": 0.5}

    async def pause(self, seconds: float) -> None:
        until = self.clock.seconds + seconds
        while (moment := min(self._next.values())) <= until:
            await self.clock.pause(max(0.0, moment - self.clock.seconds))
            await self._happen(moment)
        await self.clock.pause(max(0.0, until - self.clock.seconds))

    async def _happen(self, moment: float) -> None:
        for what, every, does in (
            ("plan", PLANNER, self.planner.tick),
            ("expand", FANOUT, self.planner.expand),
            ("ask", 0.93, self._ask),
        ):
            if self._next[what] <= moment:
                self._next[what] += every
                await does()

    async def _ask(self) -> None:
        if len(self.asked) == len(ASKING):
            return
        to, key = f"telegram-{ASKING[len(self.asked)]}", f"u{len(self.asked)}"
        assert self.city.database.secrecy is not None
        reply = self.city.database.secrecy.seal_json([{"text": "answer"}], f"inbox:telegram:{key}:reply")
        async with self.city.database.write() as unit:
            kept = {"door": "telegram", "key": key, "external": to, "at": self.clock.now, "state": 0}
            await unit.run(insert(inbox).values(**kept, reply=reply))
            await fanouts.plan_reply(unit, "telegram", to, key, self.clock.now)
        self.asked[to] = self.clock.seconds
        self.sender.nudge()

    async def goes_on(self, seconds: float) -> None:
        while self.clock.seconds < seconds:
            if not await self.sender.step():
                await self.pause(IDLE)
        await self.sender.settled()
        await self.sender.stop()


@pytest.fixture
async def life(city: SmallCity) -> Life:
    for number in range(1, len(REMINDED) + 1):
        await city.shift(number, city.clock.now + timedelta(hours=24, seconds=1.0 + APART * number))
    await city.people([*REMINDED, *ASKING])
    for number, who in enumerate(REMINDED, 1):
        await city.joins([who], number)
    await city.crowd(CAMPAIGN)
    await city.announces()
    return Life(city)


@pytest.mark.slow
async def test_behind_a_campaign_to_a_hundred_thousand_a_reminder_leaves_within_a_second_and_a_reply_at_once(
    life: Life,
) -> None:
    await life.goes_on(SECONDS + 2.0)
    sent = {call.to: call.at for call in life.door.calls}
    reminders = [sent[f"telegram-{who}"] - (1.0 + APART * number) for number, who in enumerate(REMINDED, 1)]
    replies = [sent[to] - asked for to, asked in life.asked.items()]
    assert len(replies) == len(ASKING)
    assert min(reminders) >= 0
    assert max(reminders) <= 1.0
    # At once: the token that is waited for, and at most one call that had been begun.
    assert max(replies) <= 3 / 28 + 0.01
    # And the campaign went on meanwhile, at the account's full rate.
    assert len(life.door.calls) >= 0.95 * 28.0 * SECONDS
    states = await life.city.states()
    assert states[State.PENDING] <= 30_000, "it is expanded only just ahead of its sending"


async def test_whoever_looks_twenty_seconds_ahead_lets_a_reminder_wait_so_long(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what keeps urgent things urgent is that little is taken at a time."""
    monkeypatch.setattr("bot.delivery.sender.STALE", 60.0)
    life.sender._reach = 28.0 * 20
    monkeypatch.setattr("bot.delivery.sender.PEEK", 20.0)
    monkeypatch.setattr(life.sender, "nudge", lambda: None)
    await life.goes_on(8.0)
    reminded = {f"telegram-{who}" for who in REMINDED}
    assert not reminded & {call.to for call in life.door.calls if call.at < 6.0}
    assert len(life.door.calls) >= 0.95 * 28.0 * 8.0
