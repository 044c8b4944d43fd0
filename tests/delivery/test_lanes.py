"""Pace and lanes: how fast an account speaks, and who goes first."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.delivery.pace import Pace
from bot.talk.door import Delivered, Outcome, Refused, Uncertain
from storage import fanouts, outbox, slots, waiting
from storage.tables.delivery import Running, State, fanout
from storage.tables.delivery import outbox as messages
from storage.tables.messages import inbox
from tests.delivery.kit import Clockwork, SmallCity, announced, sealed

TELEGRAM = Pace(rate=28.0, per_chat=1.0, latency=0.1)


async def test_messages_leave_no_faster_than_the_account_may_speak(city: SmallCity, clock: Clockwork) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.people(range(2, 102))
    await city.subscribes(range(2, 102))
    await city.announces()
    await city.planner().expand()
    sender = city.sender(pace=TELEGRAM)
    await sender.drain()
    moments = sorted(call.at for call in city.doors["telegram"].calls)
    assert len(moments) == 100
    assert all(sum(start <= moment < start + 1 for moment in moments) <= 30 for start in moments)
    assert moments[-1] < 4.5


async def test_one_chat_hears_once_a_second_and_nobody_waits_behind_it(
    city: SmallCity, clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.domain.campaigns.WEEKLY", 99)  # how much one hears in a week is held elsewhere
    await announced(city, 2)
    for revision in range(2, 7):
        await city.announces(f"{revision}", revision)
    await city.people([3])
    await city.subscribes([3])
    await city.announces("last", 9)
    await city.planner().expand()
    sender = city.sender(pace=TELEGRAM)
    for _second in range(12):
        await sender.drain()
        clock.pass_by(seconds=1)
    moments = [call.at for call in city.doors["telegram"].calls if call.to == "telegram-2"]
    assert len(moments) == 7
    assert all(later - earlier >= 0.999 for earlier, later in itertools.pairwise(moments))
    assert next(call.at for call in city.doors["telegram"].calls if call.to == "telegram-3") < 1.0


async def test_a_reply_leaves_before_a_reminder_and_a_reminder_before_a_campaign(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.people(range(2, 60))
    await city.subscribes(range(2, 50))
    await city.joins(range(50, 55), 1)
    await city.announces()
    planner = city.planner()
    await planner.expand()
    await planner.tick()
    await planner.expand()
    await city.person(99, "telegram")
    async with city.database.write() as unit:
        await unit.run(
            insert(inbox).values(
                door="telegram",
                key="u",
                external="telegram-99",
                at=clock.now,
                state=0,
                reply=sealed(city, "u", [{"text": "answer"}]),
            )
        )
        await fanouts.plan_reply(unit, "telegram", "telegram-99", "u", clock.now)
    sender = city.sender(pace=Pace(rate=20, most_in_flight=1))
    await sender.step()
    await sender.settled()
    said = [call.text for call in city.doors["telegram"].calls]
    assert said[0] == "answer"
    assert all(text.startswith("reminder") for text in said[1:6])
    assert said[6:] == ["hello"] * 4


async def test_campaigns_keep_a_tenth_behind_everything_else_and_take_turns(city: SmallCity, clock: Clockwork) -> None:
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.people(range(2, 120))
    await city.subscribes(range(2, 40))
    await city.joins(range(40, 120), 1)
    await city.announces("first")
    await city.announces("second", 2)
    planner = city.planner()
    await planner.tick()
    await planner.expand()
    async with city.database.read() as unit:
        found = await waiting.peek(unit, "telegram", clock.now, 20, campaigns=2)
        alone = await waiting.peek(unit, "telegram", clock.now, 90, campaigns=2)
    assert [one.kind for one in found] == ["announcement"] * 2 + ["reminder"] * 18
    assert {one.words["text"] for one in found[:2]} == {"first", "second"}
    assert [one.kind for one in alone].count("announcement") == 10
    assert [one.words.get("text") for one in alone].count("first") == 5


async def test_behind_an_endless_row_of_reminders_a_tenth_goes_to_campaigns_each_in_its_turn(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.people(range(2, 402))
    await city.subscribes(range(2, 102))
    await city.joins(range(102, 402), 1)
    for number, text in enumerate(("first", "second", "third"), 1):
        await city.announces(text, number)
    planner = city.planner()
    await planner.tick()
    await planner.expand()
    sender = city.sender(pace=Pace(rate=28.0, latency=0.1))
    while len(city.doors["telegram"].calls) < 200:
        await sender.step()
        await sender.settled()
    said = Counter(call.text.split()[0] for call in city.doors["telegram"].calls[:200])
    assert 18 <= said["first"] + said["second"] + said["third"] <= 22
    assert max(said["first"], said["second"], said["third"]) - min(said["first"], said["second"], said["third"]) <= 1


async def test_a_paused_campaign_takes_no_place_of_one_that_runs(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, *range(2, 12))
    await city.announces("second", 2)
    await city.planner().expand()
    async with city.database.write() as unit:
        assert await fanouts.pause(unit, 1, "an organiser wanted it")
        assert not await fanouts.pause(unit, 1, "twice")
        found = await waiting.peek(unit, "telegram", clock.now, 8)
    assert [one.words["text"] for one in found] == ["second"] * 8
    await city.sender().drain()
    assert await city.states() == {State.SENT: 10, State.PENDING: 10}
    async with city.database.write() as unit:
        assert await fanouts.resume(unit, 1)
        assert not await fanouts.resume(unit, 1)
    await city.planner().expand()
    await city.senders[0].drain()
    assert await city.states() == {State.SENT: 20}


@pytest.mark.parametrize("failure", [Refused("400 too odd"), Uncertain("502")])
async def test_a_campaign_of_which_more_than_a_twentieth_fails_rests_by_itself(
    city: SmallCity, failure: Outcome
) -> None:
    await announced(city, *range(2, 102))
    sender = city.sender(pace=Pace(rate=1000, most_in_flight=1))
    # Every second one arrives: where nothing at all comes back, the whole account rests (`test_line.py`).
    city.doors["telegram"].script["*"] = [failure, Delivered()] * 50
    await sender.drain()
    assert len(city.doors["telegram"].calls) == 21
    async with city.database.read() as unit:
        row = (await unit.run(select(fanout))).one()
    assert (Running(row.state), row.reason) == (Running.PAUSED, "11 of its last messages failed")
    # Somebody looked and lets it go on; what failed before is not held against it.
    async with city.database.write() as unit:
        await fanouts.resume(unit, row.id)
    await city.planner().expand()
    await sender.drain()
    assert len(city.doors["telegram"].calls) == 43


async def test_a_campaign_of_which_a_twentieth_fails_goes_on(city: SmallCity) -> None:
    """The control: ten in two hundred are not too many."""
    await city.shift(1, city.clock.now + timedelta(days=3))
    await city.people(range(2, 402))
    await city.subscribes(range(2, 402))
    await city.announces()
    await city.planner().expand()
    sender = city.sender(pace=Pace(rate=1000, most_in_flight=1))
    city.doors["telegram"].script["*"] = [
        Refused("400 too odd") if number % 20 == 0 else Delivered() for number in range(400)
    ]
    await sender.drain()
    assert await city.states() == {State.SENT: 380, State.FAILED: 20}


async def test_a_reply_planned_in_the_middle_of_a_look_leaves_next(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, *range(2, 42))
    await city.person(99, "telegram")
    sender = city.sender(pace=TELEGRAM)
    asked: list[float] = []

    async def somebody_asks() -> Delivered:
        async with city.database.write() as unit:
            kept = {"door": "telegram", "key": "u", "external": "telegram-99", "at": clock.now, "state": 0}
            await unit.run(insert(inbox).values(**kept, reply=sealed(city, "u", [{"text": "answer"}])))
            await fanouts.plan_reply(unit, "telegram", "telegram-99", "u", clock.now)
        asked.append(clock.seconds)
        sender.nudge()
        return Delivered()

    city.doors["telegram"].script["*"] = [Delivered(), Delivered(), somebody_asks]
    await sender.drain()
    (answered,) = (call.at for call in city.doors["telegram"].calls if call.text == "answer")
    assert answered - asked[0] <= 3 / 28 + 0.001
    assert await city.states() == {State.SENT: 41}


async def test_a_paused_intention_is_not_sent(city: SmallCity) -> None:
    await announced(city, 2)
    async with city.database.write() as unit:
        await unit.run(update(fanout).values(state=2))
        taken = await slots.take(unit, "telegram", "me", 1, 1000)
        assert taken is not None
        ids = [row.id for row in await unit.run(select(messages.c.id))]
        # Paused between the look and the write-ahead: that takes hold too.
        assert await outbox.claim(unit, "telegram", taken.epoch, ids) == {}
    await city.sender().drain()
    assert city.doors["telegram"].calls == []


# --- What a look costs ---------------------------------------------------------------------------------------------


async def passed_over(city: SmallCity, first: int) -> int:
    """How many rows PostgreSQL reads in vain for the next ten messages of the first campaign."""
    asked = {"p_account": "telegram", "p_fanout": 1, "p_from": first, "p_due": 10**15, "p_room": 10}
    async with city.database.read() as unit:
        look = waiting._OF_CAMPAIGN.compiled(unit.connection.dialect)
        bare: Any = (await unit.connection.get_raw_connection()).driver_connection
        plan = await bare.fetch(f"EXPLAIN ANALYZE {look.sql}", *look.values(asked))
    return sum(int(row[0].rpartition(" ")[2]) for row in plan if "Rows Removed by Filter" in row[0])


async def test_a_look_does_not_walk_through_what_has_been_sent(city: SmallCity, engine: str) -> None:
    """By statistics of the time when all of it waited PostgreSQL looked for the rest along the primary key."""
    if engine == "sqlite":
        pytest.skip("SQLite keeps no statistics by itself, and takes the campaign's index")
    await city.crowd(range(2, 3002))
    await city.shift(1, city.clock.now + timedelta(days=3))
    await city.announces("hello")
    async with city.database.write() as unit:
        await fanouts.expand(unit, city.clock.now, ahead=3_000)
    async with city.database.write() as unit:
        await unit.connection.exec_driver_sql("ANALYZE outbox")
        sent = select(messages.c.id).order_by(messages.c.id).limit(2_500)
        await unit.run(update(messages).where(messages.c.id.in_(sent)).values(state=State.SENT, done=1))
    async with city.database.read() as unit:
        found = await waiting.peek(unit, "telegram", city.clock.now, 10)
        everything = (await unit.run(select(messages.c.id).where(messages.c.state == 0).order_by(messages.c.id))).all()
    assert [one.id for one in found] == [row.id for row in everything[:10]]
    assert await passed_over(city, found[0].id) == 0
    assert await passed_over(city, 0) >= 2_500, "the control: without its first message it walks"


async def test_a_claim_does_not_walk_through_what_waits(city: SmallCity, engine: str) -> None:
    """SQLite went through all that waited at the account for the few rows that it was asked for."""
    if engine == "postgresql":
        pytest.skip("PostgreSQL reads a table of three rows through, whatever it is asked")
    await announced(city, 3)
    async with city.database.read() as unit:
        claim = outbox._CLAIM.compiled(unit.connection.dialect)
        asked = claim.values({"p_ids": [1, 2], "p_account": "telegram", "p_epoch": 1})
        plan = await unit.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {claim.sql}", tuple(asked))
        steps = [row[-1] for row in plan]
    assert "SEARCH outbox USING INTEGER PRIMARY KEY (rowid=?)" in steps
