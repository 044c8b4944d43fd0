"""What a sender does while its calls are under way: it looks at what comes next, and gathers what goes to disk."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from bot.delivery.pace import Pace
from bot.delivery.sender import Sender
from bot.talk.door import Delivered
from storage import fanouts, outbox
from storage.tables.delivery import State
from storage.tables.messages import inbox
from storage.tables.people import subscription
from tests.delivery.kit import Clockwork, SmallCity, until

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
    peek = sender._peek

    async def noted(left: Sequence[Any] = ()) -> Any:
        under_way = len(sender._calls)
        found = await peek(left)
        if found:
            seen.append(under_way)
        return found

    monkeypatch.setattr(sender, "_peek", noted)
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
    """While the first is called the last of all opts out. Who was called?"""
    sender = city.sender(pace=QUICK)

    async def opts_out() -> Delivered:
        async with city.database.write() as unit:
            await unit.run(subscription.delete().where(subscription.c.person == READERS[-1]))
        return Delivered()

    city.doors["telegram"].script["telegram-2"] = [opts_out]
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

    async def somebody_asks() -> Delivered:
        await until(lambda: sender._ahead is not None and sender._ahead.done())
        async with crowd.database.write() as unit:
            kept = {"door": "telegram", "key": "u", "external": "telegram-999", "at": clock.now, "state": 0}
            await unit.run(insert(inbox).values(**kept, reply=reply))
            await fanouts.plan_reply(unit, "telegram", "telegram-999", "u", clock.now)
        sender.nudge()
        return Delivered()

    crowd.doors["telegram"].script["telegram-60"] = [somebody_asks]
    await sender.drain()
    to = crowd.doors["telegram"].to
    assert to.index("telegram-999") - to.index("telegram-60") <= 100
    assert sorted(to) == sorted([*EVERYBODY, "telegram-999"])


async def claims(city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many writes it takes to claim them all where the answers come one by one."""
    claim, counted, turns = outbox.claim, [], itertools.count()

    async def noted(unit: Any, account: str, epoch: int, ids: Any) -> dict[int, int]:
        counted.append(len(ids))
        return await claim(unit, account, epoch, ids)

    async def one_by_one() -> Delivered:
        await asyncio.sleep(0.002 * (next(turns) % 32))
        return Delivered()

    monkeypatch.setattr(outbox, "claim", noted)
    sender = city.sender(pace=QUICK)
    city.doors["telegram"].script["*"] = [one_by_one] * len(READERS)
    await sender.drain()
    assert await city.states() == {State.SENT: 300}
    return len(counted)


async def test_places_that_get_empty_one_by_one_are_filled_together(
    crowd: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.sender.GROUP", 1.0)
    assert await claims(crowd, monkeypatch) <= 300 / 7


async def test_without_a_moments_patience_many_of_them_are_a_write_of_their_own(
    crowd: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(Sender, "_worth", lambda *_numbers: 1)
    assert await claims(crowd, monkeypatch) > 300 / 7
