"""What becomes of each call: sent, refused, not sent, or nobody knows, against a door that does what the test says."""

from __future__ import annotations

import asyncio

import pytest

from bot.delivery.pace import Pace
from bot.domain.reach import ATTEMPTS
from bot.talk.door import NotSent, Refused, Uncertain
from storage import outbox, outbox_reports
from storage.tables.delivery import State
from tests.delivery.kit import Clockwork, SmallCity, address, announced, only_row, reminded


async def test_what_was_certainly_not_sent_goes_again_after_a_while(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [NotSent("connection refused")]
    await sender.drain()
    row = await only_row(city)
    assert (State(row.state), row.attempt, row.reason) == (State.PENDING, 1, "connection refused")
    assert await sender.drain() == 0
    clock.pass_by(seconds=2)
    await sender.drain()
    assert State((await only_row(city)).state) is State.SENT
    assert len(city.doors["telegram"].calls) == 2


async def test_attempts_used_up_make_it_dead_listed_and_resendable(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [NotSent("no route") for _attempt in range(ATTEMPTS)]
    for _attempt in range(ATTEMPTS + 2):
        await sender.drain()
        clock.pass_by(minutes=16)
    async with city.database.write() as unit:
        (dead,) = await outbox_reports.list_dead(unit)
        assert (dead.person, dead.attempt, dead.reason) == (2, ATTEMPTS, "no route")
        assert (await outbox_reports.counts(unit, clock.now)).dead == 1
        assert await outbox.resend(unit, dead.id, clock.now)
        assert not await outbox.resend(unit, dead.id, clock.now)
    await sender.drain()
    assert State((await only_row(city)).state) is State.SENT
    assert len(city.doors["telegram"].calls) == ATTEMPTS + 1


async def test_a_429_halts_the_account_counts_no_attempt_and_a_successor_obeys_it(
    city: SmallCity, clock: Clockwork
) -> None:
    await announced(city, 2, 3)
    sender = city.sender(pace=Pace(rate=1000, most_in_flight=1))
    city.doors["telegram"].script["*"] = [NotSent("429", after=30, halts="account")]
    await sender.drain()
    assert len(city.doors["telegram"].calls) == 1
    assert {row.attempt for row in await city.rows()} == {0}
    await sender.stop()
    successor = city.sender()
    clock.pass_by(seconds=29)
    assert await successor.drain() == 0
    clock.pass_by(seconds=2)
    await successor.drain()
    assert await city.states() == {State.SENT: 2}


async def test_a_blocked_bot_closes_the_address_and_another_one_is_tried(city: SmallCity) -> None:
    await announced(city, 2, doors=("telegram", "web"))
    first, second = city.sender(doors=["web"]), city.sender("web", doors=["telegram"])
    city.doors["telegram"].script["*"] = [Refused("403 blocked", closes=True)]
    await first.drain()
    await second.drain()
    assert not (await address(city, "telegram-2")).open
    assert city.doors["web"].to == ["web-2"]
    row = await only_row(city)
    assert (State(row.state), row.account) == (State.SENT, "web")


async def test_a_blocked_bot_with_no_other_address_is_a_failure(city: SmallCity) -> None:
    await announced(city, 2)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [Refused("403 blocked", closes=True)]
    await sender.drain()
    row = await only_row(city)
    assert (State(row.state), row.reason) == (State.FAILED, "403 blocked")


async def test_a_refused_message_fails_alone(city: SmallCity) -> None:
    await announced(city, 2, 3)
    sender = city.sender()
    city.doors["telegram"].script["telegram-2"] = [Refused("400 too odd")]
    await sender.drain()
    assert await city.states() == {State.FAILED: 1, State.SENT: 1}
    assert (await address(city, "telegram-2")).open


async def test_an_announcement_nobody_knows_about_is_listed_and_not_sent_again(
    city: SmallCity, clock: Clockwork
) -> None:
    await announced(city, 2)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [Uncertain("read time-out")]
    await sender.drain()
    clock.pass_by(hours=1)
    await sender.drain()
    async with city.database.read() as unit:
        (listed,) = await outbox_reports.list_uncertain(unit)
    assert (listed.person, listed.state, listed.reason) == (2, State.UNCERTAIN, "read time-out")
    assert len(city.doors["telegram"].calls) == 1


async def test_a_reminder_nobody_knows_about_is_said_once_more_in_words_that_make_sense_twice(
    city: SmallCity, clock: Clockwork
) -> None:
    await reminded(city, 2)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [Uncertain("reset"), Uncertain("reset")]
    await sender.drain()
    clock.pass_by(minutes=1)
    await sender.drain()
    clock.pass_by(minutes=1)
    await sender.drain()
    first, second = city.doors["telegram"].got("telegram-2")
    assert second == f"again: {first}"
    row = await only_row(city)
    assert (State(row.state), row.repeated) == (State.UNCERTAIN, 1)
    async with city.database.read() as unit:
        assert len(await outbox_reports.list_uncertain(unit)) == 1


async def test_what_was_said_twice_and_then_arrived_is_still_listed(city: SmallCity, clock: Clockwork) -> None:
    await reminded(city, 2)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [Uncertain("reset")]
    await sender.drain()
    clock.pass_by(minutes=1)
    await sender.drain()
    async with city.database.read() as unit:
        (listed,) = await outbox_reports.list_uncertain(unit)
    assert (listed.state, listed.repeated) == (State.SENT, True)


async def test_a_door_that_raises_or_hangs_leaves_it_uncertain_and_the_rest_goes_on(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.sender.CALL_LIMIT", 0.05)
    await announced(city, 2, 3, 4)
    sender = city.sender()

    def breaks() -> None:
        raise RuntimeError("bug")

    city.doors["telegram"].script["telegram-2"] = [breaks]
    city.doors["telegram"].script["telegram-3"] = [lambda: asyncio.sleep(60)]
    await sender.drain()
    reasons = {row.person: (State(row.state), row.reason) for row in await city.rows()}
    assert reasons[2] == (State.UNCERTAIN, "RuntimeError")
    assert reasons[3] == (State.UNCERTAIN, "no answer in 0.05 s")
    assert reasons[4][0] is State.SENT


async def test_a_message_that_cannot_be_put_into_words_stops_nothing(city: SmallCity) -> None:
    await announced(city, 2)
    await city.announces(text="", revision=2)
    await city.planner().expand()
    await city.sender().drain()
    assert await city.states() == {State.SENT: 1, State.DEAD: 1}
    assert city.doors["telegram"].got("telegram-2") == ["hello"]
