"""One sender for an account: taken over, stopped, and what it wrote down."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.delivery.pace import Pace
from bot.talk.door import Delivered
from storage import outbox, slots
from storage.tables.delivery import State
from storage.tables.delivery import outbox as messages
from tests.delivery.kit import Clockwork, SmallCity, announced, only_row, reminded
from tests.waiting import until


async def test_only_one_sender_speaks_for_an_account(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2)
    first, second = city.sender(owner="a"), city.sender(owner="b")
    assert await first.lease.hold()
    assert not await second.lease.hold()
    clock.pass_by(seconds=14)
    assert await first.lease.renew()
    clock.pass_by(seconds=14)
    assert not await second.lease.hold()
    clock.pass_by(seconds=2)
    assert await second.lease.hold()
    assert not await first.lease.renew()
    assert not first.lease.holds


async def test_a_dead_process_need_not_be_waited_for(city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = city.sender(owner="elsewhere:1:dead.1")
    assert await gone.lease.hold()
    assert not await city.sender().lease.hold()
    monkeypatch.setattr("bot.delivery.slot.is_gone", lambda owner: owner == "elsewhere:1:dead.1")
    assert await city.sender().lease.hold()


async def test_a_late_receipt_settles_what_had_become_uncertain(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2)
    async with city.database.write() as unit:
        old = await slots.take(unit, "telegram", "old", 1_000, 500)
        assert old is not None
        (row,) = await unit.run(select(messages))
        await outbox.claim(unit, "telegram", old.epoch, [row.id])
        new = await slots.take(unit, "telegram", "new", 9_000, 500)
        assert new is not None
        assert await outbox.recover(unit, "telegram", new.epoch, clock.now) == (0, 1)
        await outbox.record(
            unit, [outbox.Result(row.id, old.epoch, 1, 2, State.SENT, "telegram", row.due, receipt="9")], clock.now
        )
    row = await only_row(city)
    assert (State(row.state), row.receipt) == (State.SENT, "9")


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
async def test_a_takeover_does_not_wait_for_what_a_frozen_holder_is_writing_down(
    city: SmallCity, clock: Clockwork
) -> None:
    """On PostgreSQL: SQLite has one writer, and whoever freezes inside a transaction there holds everybody up."""
    await announced(city, 2, 3)
    async with city.database.write() as unit:
        old = await slots.take(unit, "telegram", "old", 1_000, 500)
        assert old is not None
        first, second = [row.id for row in await unit.run(select(messages.c.id).order_by(messages.c.id))]
        await outbox.claim(unit, "telegram", old.epoch, [first, second])
    async with city.database.write() as frozen:
        await outbox.record(frozen, [outbox.Result(first, old.epoch, 1, 2, State.SENT, "telegram", 0)], clock.now)
        async with asyncio.timeout(5), city.database.write() as unit:
            new = await slots.take(unit, "telegram", "new", 9_000, 500)
            assert new is not None
            assert await outbox.recover(unit, "telegram", new.epoch, clock.now) == (0, 1)
    assert await city.states() == {State.SENT: 1, State.UNCERTAIN: 1}


async def test_an_orderly_stop_leaves_nothing_uncertain_and_the_slot_free(city: SmallCity) -> None:
    await city.shift(1, city.clock.now + timedelta(days=3))
    await city.people(range(2, 202))
    await city.subscribes(range(2, 202))
    await city.announces()
    await city.planner().expand()
    sender = city.sender(pace=Pace(rate=5000, most_in_flight=16))
    city.doors["telegram"].script["*"] = [lambda: slow() for _call in range(200)]

    async def slow() -> Delivered:
        await asyncio.sleep(0.02)
        return Delivered("x")

    running = asyncio.create_task(sender.run())
    await until(lambda: len(city.doors["telegram"].calls) >= 40)
    await sender.stop()
    await running
    states = await city.states()
    assert set(states) == {State.SENT, State.PENDING}
    assert states[State.SENT] == len(city.doors["telegram"].calls)
    assert await city.sender(owner="next").lease.hold()


async def test_results_are_written_down_in_groups(city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> None:
    await announced(city, *range(2, 42))
    record, groups = outbox.record, []

    async def counted(unit: Any, results: Any, now: Any) -> None:
        groups.append(len(results))
        await record(unit, results, now)

    monkeypatch.setattr(outbox, "record", counted)
    await city.sender().drain()
    assert await city.states() == {State.SENT: 40}
    assert sum(groups) == 40
    assert len(groups) <= 10


async def test_one_result_that_cannot_be_written_holds_up_nobody_and_is_settled_like_a_kill(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    await announced(city, 2, 3, 4)
    record = outbox.record

    async def poisoned(unit: Any, results: Any, now: Any) -> None:
        if any(result.person == 3 for result in results):
            raise ValueError("our own mistake")
        await record(unit, results, now)

    monkeypatch.setattr(outbox, "record", poisoned)
    sender = city.sender(owner="me")
    await sender.drain()
    assert await city.states() == {State.SENT: 2, State.UNCERTAIN: 1}
    assert city.doors["telegram"].to.count("telegram-3") == 1


async def test_a_result_is_not_lost_because_the_database_was_away_for_a_moment(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    await announced(city, 2)
    record, failures = outbox.record, iter((OSError("gone"), OSError("gone")))

    async def sometimes(*arguments: Any) -> None:
        if failure := next(failures, None):
            raise failure
        await record(*arguments)

    monkeypatch.setattr(outbox, "record", sometimes)
    await city.sender().drain()
    assert await city.states() == {State.SENT: 1}


async def test_a_claim_whose_end_nobody_saw_is_found_again_under_a_new_number(
    city: SmallCity, clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reminded(city, 2)
    sender = city.sender(owner="me")
    claim = sender._claim

    async def lost(batch: Any) -> dict[int, int]:
        monkeypatch.setattr(sender, "_claim", claim)
        await claim(batch)
        raise ConnectionResetError

    monkeypatch.setattr(sender, "_claim", lost)
    running = asyncio.create_task(sender.run())
    await until(lambda: city.doors["telegram"].calls)
    await sender.settled()
    await sender.stop()
    await running
    (call,) = city.doors["telegram"].calls
    assert call.text.startswith("again: ")
    assert await city.states() == {State.SENT: 1}
