"""The sender: what is true when a message leaves decides whether and in which words it does."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from bot.talk.door import Refused
from storage.tables.activities import activity
from storage.tables.delivery import State, fanout
from storage.tables.delivery import outbox as messages
from storage.tables.enrolment import enrolment
from storage.tables.people import conversation, person, subscription
from tests.delivery.kit import Clockwork, SmallCity, announced, only_row, reminded


async def test_a_message_is_put_into_words_when_it_leaves_and_recorded_with_its_receipt(city: SmallCity) -> None:
    await reminded(city, 2)
    async with city.database.write() as unit:
        await unit.run(update(activity).values(title="Trees and tea"))
    sender = city.sender()
    assert await sender.drain() == 1
    (call,) = city.doors["telegram"].calls
    assert call.to == "telegram-2"
    assert "Trees and tea" in call.text
    row = await only_row(city)
    assert (State(row.state), row.receipt, row.attempt, row.reason) == (
        State.SENT,
        "r1",
        1,
        "where they wrote last",
    )
    assert row.route == "chat"
    assert call.key == str(row.id)
    assert await sender.drain() == 0


async def test_a_typed_number_means_the_options_that_were_delivered(city: SmallCity) -> None:
    await reminded(city, 2, 3)
    city.doors["telegram"] = city.sender().__dict__["_door"]
    city.doors["telegram"].script["telegram-3"] = [Refused("no")]
    await city.senders[0].drain()
    async with city.database.read() as unit:
        rows = list(await unit.run(select(conversation.c.pushed, conversation.c.pushed_at).order_by("person")))
    assert rows[0].pushed[0] | {"pick": ""} == {"label": "Still coming", "pick": "", "link": "coming-1"}
    assert rows[0].pushed_at == city.clock.now
    assert (rows[1].pushed, rows[1].pushed_at) == (None, None)


async def test_each_reader_gets_their_own_language(city: SmallCity) -> None:
    await reminded(city, 2, 3)
    async with city.database.write() as unit:
        await unit.run(update(activity).values(title="植树"))
        await unit.run(update(person).where(person.c.id == 3).values(language="zh_CN"))
    await city.sender().drain()
    said = {call.to: call.text for call in city.doors["telegram"].calls}
    assert "Nov" in said["telegram-2"]
    assert "11月25日" in said["telegram-3"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (update(activity).values(state="cancelled"), "activity cancelled"),
        (update(activity).values(revision=2), "activity changed since"),
        (update(enrolment).values(state="cancelled"), "no longer signed up"),
        (update(fanout).values(expires=1).returning(fanout.c.id), None),
        (update(messages).values(expires=1), "too late"),
    ],
)
async def test_what_stopped_being_true_after_planning_is_not_sent(
    city: SmallCity, change: Any, reason: str | None
) -> None:
    await reminded(city, 2)
    async with city.database.write() as unit:
        await unit.run(change)
    await city.sender().drain()
    row = await only_row(city)
    if reason is None:  # an intention's own expiry was copied to its rows
        assert State(row.state) is State.SENT
    else:
        assert (State(row.state), row.reason) == (State.SUPPRESSED, reason)
        assert city.doors["telegram"].calls == []


async def test_whoever_unsubscribes_in_the_last_moment_is_spared(city: SmallCity) -> None:
    await announced(city, 2, 3)
    async with city.database.write() as unit:
        await unit.run(subscription.delete().where(subscription.c.person == 2))
    await city.sender().drain()
    assert city.doors["telegram"].to == ["telegram-3"]


async def test_at_night_a_reminder_moves_to_the_morning_and_no_attempt_is_counted(
    city: SmallCity, clock: Clockwork
) -> None:
    clock.pass_by(hours=12)  # ten in the evening
    await reminded(city, 2)
    sender = city.sender()
    await sender.drain()
    row = await only_row(city)
    assert (State(row.state), row.attempt, row.reason) == (State.PENDING, 0, "quiet hours")
    clock.pass_by(hours=9, minutes=59)
    assert await sender.drain() == 0
    clock.pass_by(minutes=1)
    assert await sender.drain() == 1
    assert len(city.doors["telegram"].calls) == 1


async def test_a_persons_own_quiet_hours_come_before_the_citys(city: SmallCity, clock: Clockwork) -> None:
    clock.pass_by(hours=12)
    await reminded(city, 2)
    async with city.database.write() as unit:
        await unit.run(update(person).where(person.c.id == 2).values(quiet_from=23 * 60, quiet_until=6 * 60))
    await city.sender().drain()
    assert len(city.doors["telegram"].calls) == 1
