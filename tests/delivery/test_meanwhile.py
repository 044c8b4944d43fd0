"""What a sender does while its calls are under way: it looks at what comes next, and gathers what goes to disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from bot.delivery.pace import Pace
from bot.delivery.sender import Sender
from bot.talk.door import Delivered
from storage import fanouts
from storage.tables.delivery import State
from storage.tables.messages import inbox
from storage.tables.people import subscription
from tests.delivery.kit import Clockwork, SmallCity
from tests.waiting import until

QUICK = Pace(rate=4_000.0, most_in_flight=32, latency=0.1)
READERS = range(2, 302)
EVERYBODY = sorted(f"telegram-{one}" for one in READERS)


@pytest.fixture
async def crowd(city: SmallCity, clock: Clockwork, monkeypatch: pytest.MonkeyPatch) -> SmallCity:
    """A campaign to three hundred, a hundred in a look; calls last what they last."""
    clock.times = replace(clock.times, steady=time.monotonic, pause=asyncio.sleep)
    monkeypatch.setattr("bot.delivery.sender.PEEK", 100 / QUICK.rate)
    monkeypatch.setattr("bot.delivery.sender.AHEAD", 50 / QUICK.rate)
    monkeypatch.setattr("bot.delivery.sender.STALE", 60.0)
    await city.shift(1, city.clock.now + timedelta(days=3))
    await city.crowd(READERS)
    await city.announces()
    await city.planner().expand()
    return city


async def slowly() -> Delivered:
    await asyncio.sleep(0.01)
    return Delivered()


async def looks(city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many calls were under way at each look for more."""
    sender, seen = city.sender(pace=QUICK), []
    dues = sender._dues

    async def noted(now: datetime, left: Sequence[Any] = ()) -> Any:
        under_way = len(sender._calls)
        found = await dues(now, left)
        if found:
            seen.append(under_way)
        return found

    monkeypatch.setattr(sender, "_dues", noted)
    city.doors["telegram"].script["*"] = [slowly] * len(READERS)
    while await sender.step():
        pass
    await sender.settled()
    return seen


async def test_the_next_look_is_taken_while_the_rest_of_the_last_leaves_and_each_hears_once(
    crowd: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = await looks(crowd, monkeypatch)
    assert first == 0
    assert len(others) >= 2
    assert min(others) > 0
    assert sorted(crowd.doors["telegram"].to) == EVERYBODY
    assert await crowd.states() == {State.SENT: 300}


async def test_a_sender_that_forgets_what_it_holds_already_decides_on_it_twice(
    crowd: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: it is found again, being neither called nor written ahead; only the claim keeps it from a second."""
    look = Sender._look
    monkeypatch.setattr(Sender, "_look", lambda self, _left=(): look(self))
    decided: list[int] = []
    begin = Sender._begin

    def noted(self: Sender, batch: Any, claimed: Any) -> int:
        decided.extend(one.waiting.id for one in batch)
        return begin(self, batch, claimed)

    monkeypatch.setattr(Sender, "_begin", noted)
    await looks(crowd, monkeypatch)
    assert len(decided) > len(set(decided))
    assert sorted(crowd.doors["telegram"].to) == EVERYBODY


async def the_last_opts_out(city: SmallCity) -> list[str]:
    """While the first is called the last of all opts out; no other call ends before. Who was called?"""
    sender, is_out = city.sender(pace=QUICK), asyncio.Event()

    async def opts_out() -> Delivered:
        async with city.database.write() as unit:
            await unit.run(subscription.delete().where(subscription.c.person == READERS[-1]))
        is_out.set()
        return Delivered()

    async def later() -> Delivered:
        await is_out.wait()
        return Delivered()

    city.doors["telegram"].script |= {"telegram-2": [opts_out], "*": [later] * len(READERS)}
    await sender.drain()
    return city.doors["telegram"].to


async def test_whoever_opts_out_of_a_running_campaign_hears_nothing_more_of_it(crowd: SmallCity) -> None:
    assert set(EVERYBODY) - set(await the_last_opts_out(crowd)) == {f"telegram-{READERS[-1]}"}


async def test_whoever_decides_on_all_of_it_at_once_writes_to_them_all_the_same(
    crowd: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what is decided so long before it leaves is not true any more."""
    monkeypatch.setattr("bot.delivery.sender.PEEK", 1.0)
    assert sorted(await the_last_opts_out(crowd)) == EVERYBODY


async def test_what_was_looked_at_in_advance_is_dropped_for_what_is_urgent(
    crowd: SmallCity, clock: Clockwork
) -> None:
    await crowd.person(999, "telegram")
    sender = crowd.sender(pace=QUICK)
    assert crowd.database.secrecy is not None
    reply = crowd.database.secrecy.seal_json([{"text": "answer"}], "inbox:telegram:u:reply")
    is_asked = asyncio.Event()

    async def somebody_asks() -> Delivered:
        await until(lambda: sender._ahead is not None and sender._ahead.done())
        async with crowd.database.write() as unit:
            kept = {"door": "telegram", "key": "u", "external": "telegram-999", "at": clock.now, "state": 0}
            await unit.run(insert(inbox).values(**kept, reply=reply))
            await fanouts.plan_reply(unit, "telegram", "telegram-999", "u", clock.now)
        sender.nudge()
        is_asked.set()
        return Delivered()

    async def later() -> Delivered:
        await is_asked.wait()
        return Delivered()

    # Whoever is called after the one during whose call somebody asks does not end before.
    after = {f"telegram-{one}": [later] for one in READERS if one > 60}
    crowd.doors["telegram"].script |= {"telegram-60": [somebody_asks], **after}
    await sender.drain()
    to = crowd.doors["telegram"].to
    assert to.index("telegram-999") - to.index("telegram-60") <= 100
    assert sorted(to) == sorted([*EVERYBODY, "telegram-999"])


class Held:
    """All places are taken by calls that end one by one, when a test lets them; and what is claimed meanwhile."""

    def __init__(self, city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> None:
        self.claimed: list[int] = []
        self.gates: list[asyncio.Event] = []
        self.is_over = False
        self.sender = city.sender(pace=QUICK)
        city.doors["telegram"].script["*"] = [self._until_let_go] * len(READERS)
        claim = self.sender._claim

        async def noted(batch: Sequence[Any]) -> dict[int, int]:
            self.claimed.append(len(batch))
            return await claim(batch)

        monkeypatch.setattr(self.sender, "_claim", noted)

    async def _until_let_go(self) -> Delivered:
        gate = asyncio.Event()
        self.gates.append(gate)
        if not self.is_over:
            await gate.wait()
        return Delivered()

    async def after(self, ended: int, *, waits: bool = False) -> list[int]:
        """What is claimed when so many calls have ended; `waits`: in the next moment."""
        running = asyncio.create_task(self.sender.run())
        await until(lambda: len(self.gates) == QUICK.most_in_flight)
        self.claimed.clear()
        for gate in self.gates[:ended]:
            gate.set()
        await (asyncio.sleep(0.1) if waits else until(lambda: self.claimed))
        found, self.is_over = list(self.claimed), True
        for gate in self.gates:
            gate.set()
        self.sender._stopping = True
        self.sender._finished.set()
        await running
        return found


async def test_for_one_place_that_gets_empty_nothing_goes_to_disk_in_that_moment(
    crowd: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.sender.GROUP", 10.0)
    assert await Held(crowd, monkeypatch).after(1, waits=True) == []


async def test_those_that_get_empty_in_the_same_moment_are_filled_together(
    crowd: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.sender.GROUP", 10.0)
    assert await Held(crowd, monkeypatch).after(8) == [8]


async def test_when_the_moment_is_over_one_is_filled_alone(crowd: SmallCity, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await Held(crowd, monkeypatch).after(1) == [1]


async def test_without_patience_it_would(crowd: SmallCity, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr("bot.delivery.sender.GROUP", 10.0)
    monkeypatch.setattr(Sender, "_worth", lambda *_numbers: 1)
    assert await Held(crowd, monkeypatch).after(1) == [1]


async def test_a_call_that_a_stop_ends_is_not_taken_for_one_that_lasted_too_long(crowd: SmallCity) -> None:
    sender = crowd.sender(pace=QUICK)
    crowd.doors["telegram"].script |= {"telegram-2": [lambda: asyncio.sleep(60)], "*": [slowly] * len(READERS)}
    running = asyncio.create_task(sender.run())
    await until(lambda: len(crowd.doors["telegram"].calls) == len(READERS) and sender.in_flight == 1)
    await sender.stop(patience=0.01)
    await running
    assert await crowd.states() == {State.SENT: 299, State.SENDING: 1}
