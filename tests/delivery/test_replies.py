"""Replies that could not go back in their own request: brought once, page after page, to where it was asked."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from sqlalchemy import Select, exists, insert, union_all

from bot.delivery.pace import Pace
from bot.talk.door import Delivered, NotSent, Outcome, Refused, Uncertain
from storage import fanouts, people, waiting
from storage.ahead import bounds, goes_first
from storage.prepared import Prepared
from storage.tables.delivery import Lane, State, outbox
from storage.tables.messages import inbox
from storage.tables.people import identity, person
from tests.delivery.kit import Clockwork, SmallCity, only_row, sealed
from tests.waiting import until

TELEGRAM = Pace(rate=28.0, per_chat=1.0, latency=0.1)


async def kept_reply(city: SmallCity, external: str = "telegram-2", pages: Any = None) -> None:
    kept = [{"text": "one"}, {"text": "two"}] if pages is None else pages
    async with city.database.write() as unit:
        await unit.run(
            insert(inbox).values(
                door="telegram", key="u1", external=external, at=city.clock.now, state=0, reply=sealed(city, "u1", kept)
            )
        )
        await fanouts.plan_reply(unit, "telegram", "telegram-2", "u1", city.clock.now)
        await fanouts.plan_reply(unit, "telegram", "telegram-2", "u1", city.clock.now)


async def test_a_kept_reply_is_brought_once_at_night_too_to_where_it_was_asked(
    city: SmallCity, clock: Clockwork
) -> None:
    clock.pass_by(hours=14)
    await city.person(2, "web", "telegram")
    await kept_reply(city)
    sender = city.sender(doors=["web"])
    await sender.drain()
    assert city.doors["telegram"].got("telegram-2") == ["one", "two"]
    assert [call.key for call in city.doors["telegram"].calls] == ["1.0", "1.1"]


@pytest.mark.parametrize("fault", [NotSent("busy"), Uncertain("reset"), NotSent("429", after=1, halts="account")])
async def test_a_message_that_fails_at_its_second_page_goes_on_there(
    city: SmallCity, clock: Clockwork, fault: Outcome
) -> None:
    """What happened before: the first page came again, or the second one never."""
    await city.person(2, "telegram")
    await kept_reply(city, pages=[{"text": "one"}, {"text": "two"}, {"text": "three"}])
    sender = city.sender()
    city.doors["telegram"].script["*"] = [Delivered("1"), fault]
    await sender.drain()
    row = await only_row(city)
    assert (State(row.state), row.page, row.receipt) == (State.PENDING, 1, "1")
    assert row.reason == f"page 2 of 3: {fault.reason}"
    assert row.repeated == isinstance(fault, Uncertain)
    # Whoever goes on is another process; all that it knows is on disk.
    await sender.stop()
    clock.pass_by(minutes=1)
    await city.sender().drain()
    assert city.doors["telegram"].got("telegram-2") == ["one", "two", "two", "three"]
    row = await only_row(city)
    assert (State(row.state), row.page, row.attempt) == (State.SENT, 3, 1)


async def test_each_page_is_written_ahead_so_that_a_kill_in_the_middle_goes_on_there(city: SmallCity) -> None:
    await city.person(2, "telegram")
    await kept_reply(city)
    sender = city.sender(owner="dead")
    city.doors["telegram"].script["*"] = [Delivered("1"), lambda: asyncio.sleep(60)]
    running = asyncio.create_task(sender.run())
    await until(lambda: len(city.doors["telegram"].calls) == 2)
    running.cancel()
    for call in list(sender._calls):
        call.cancel()
    await asyncio.gather(running, *sender._calls, return_exceptions=True)
    city.senders.remove(sender)
    assert State((await only_row(city)).state) is State.SENDING
    city.clock.pass_by(seconds=16)
    await city.sender().drain()
    assert city.doors["telegram"].got("telegram-2") == ["one", "two", "two"]


async def test_the_pages_of_one_message_keep_the_chats_pace_too(city: SmallCity, clock: Clockwork) -> None:
    await city.person(2, "telegram")
    await kept_reply(city, pages=[{"text": "one"}, {"text": "two"}, {"text": "three"}])
    sender = city.sender(pace=TELEGRAM)
    for _second in range(5):
        await sender.drain()
        clock.pass_by(seconds=1)
    moments = [call.at for call in city.doors["telegram"].calls]
    assert city.doors["telegram"].got("telegram-2") == ["one", "two", "three"]
    assert all(later - earlier >= 0.999 for earlier, later in itertools.pairwise(moments))


async def test_a_reply_of_which_a_part_was_said_already_goes_on_behind_it(city: SmallCity) -> None:
    await city.person(2, "telegram")
    async with city.database.write() as unit:
        pages = [{"text": "one"}, {"text": "two"}, {"text": "three"}]
        kept = {"door": "telegram", "key": "u1", "external": "telegram-2", "at": city.clock.now, "state": 0}
        await unit.run(insert(inbox).values(**kept, reply=sealed(city, "u1", pages)))
        await fanouts.plan_reply(unit, "telegram", "telegram-2", "u1", city.clock.now, said=2)
    await city.sender().drain()
    assert city.doors["telegram"].got("telegram-2") == ["three"]


# --- Several of one chat -------------------------------------------------------------------------------------------


async def two_replies(city: SmallCity, clock: Clockwork) -> None:
    """Two to person 2, of two pages and of one, put off one after the other; one to person 3."""
    await city.person(2, "telegram")
    await city.person(3, "telegram")
    texts = {"a": ("telegram-2", ["a1", "a2"]), "b": ("telegram-2", ["b"]), "c": ("telegram-3", ["c"])}
    for key, (external, pages) in texts.items():
        async with city.database.write() as unit:
            reply = sealed(city, key, [{"text": text} for text in pages])
            kept = {"door": "telegram", "key": key, "external": external, "at": clock.now, "state": 0}
            await unit.run(insert(inbox).values(**kept, reply=reply))
            await fanouts.plan_reply(unit, "telegram", external, key, clock.now)
        clock.pass_by(seconds=0.2)


async def brought(city: SmallCity, clock: Clockwork, *first: Any) -> list[str]:
    """What person 2 is told, in order, where the first calls end like this."""
    await two_replies(city, clock)
    sender = city.sender(pace=TELEGRAM)
    city.doors["telegram"].script["telegram-2"] = list(first)
    for _look in range(20):
        await sender.drain()
        clock.pass_by(seconds=0.5)
    rows = await city.rows()
    assert {State(row.state) for row in rows} == {State.SENT}
    assert city.doors["telegram"].got("telegram-3") == ["c"], "another chat waits for nothing"
    return city.doors["telegram"].got("telegram-2")


def without_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    lanes = (Lane.REPLY, *waiting._LANES)
    plain = Prepared(union_all(*map(waiting._first_of_lane, lanes)), named=False)
    monkeypatch.setattr(waiting, "_PERSONAL", plain)


FAULTS = [NotSent("429", after=3), NotSent("502")]


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_reply_that_was_given_first_is_brought_whole_before_the_next(
    city: SmallCity, clock: Clockwork, fault: Outcome
) -> None:
    assert await brought(city, clock, fault) == ["a1", "a1", "a2", "b"]


async def test_also_where_it_is_its_second_page_that_must_wait(city: SmallCity, clock: Clockwork) -> None:
    assert await brought(city, clock, Delivered("1"), FAULTS[0]) == ["a1", "a2", "a2", "b"]


async def test_control_without_the_guard_the_next_one_overtakes_it(
    city: SmallCity, clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_the_guard(monkeypatch)
    assert await brought(city, clock, FAULTS[0]) == ["a1", "b", "a1", "a2"]


async def test_while_one_is_under_way_no_other_of_its_chat_is(city: SmallCity, clock: Clockwork) -> None:
    await two_replies(city, clock)
    answered = asyncio.Event()
    sender = city.sender()

    async def slow() -> Outcome:
        await answered.wait()
        return Delivered("1")

    city.doors["telegram"].script["telegram-2"] = [slow]
    for _look in range(3):
        await sender.step()
    await until(lambda: city.doors["telegram"].got("telegram-2"))
    assert city.doors["telegram"].got("telegram-2") == ["a1"]
    answered.set()
    await sender.settled()
    await sender.drain()
    assert city.doors["telegram"].got("telegram-2") == ["a1", "a2", "b"]


@pytest.mark.parametrize("ends", [[Refused("too odd")], [Uncertain("reset"), Uncertain("reset")]])
async def test_one_that_failed_for_good_holds_up_nobody(
    city: SmallCity, clock: Clockwork, ends: list[Outcome]
) -> None:
    await two_replies(city, clock)
    sender = city.sender()
    city.doors["telegram"].script["telegram-2"] = list(ends)
    for _look in range(5):
        await sender.drain()
        clock.pass_by(seconds=1)
    assert city.doors["telegram"].got("telegram-2") == [*("a1" for _end in ends), "b"]


async def test_one_whose_next_try_is_more_than_a_minute_away_holds_up_nobody(
    city: SmallCity, clock: Clockwork
) -> None:
    await two_replies(city, clock)
    sender = city.sender()
    city.doors["telegram"].script["telegram-2"] = [NotSent("429", after=90)]
    await sender.drain()
    assert city.doors["telegram"].got("telegram-2") == ["a1", "b"]
    clock.pass_by(seconds=91)
    await sender.drain()
    assert city.doors["telegram"].got("telegram-2") == ["a1", "b", "a1", "a2"]


async def looks_for_one(city: SmallCity, statement: Select[Any]) -> bool:
    """Would PostgreSQL, by a plan of the time when nothing waits, ask for this person's rows alone in the outbox?"""
    meets = Prepared(statement)
    asked = {"door": "telegram", "external": "telegram-2"} | bounds(city.clock.now)
    async with city.database.read() as unit:
        look = meets.compiled(unit.connection.dialect)
        bare: Any = (await unit.connection.get_raw_connection()).driver_connection
        plan = [row[0] for row in await bare.fetch(f"EXPLAIN {look.sql}", *look.values(asked))]
    steps = [place for place, line in enumerate(plan) if " on outbox" in line]
    assert len(steps) == 2
    return all("Index Cond: (person = person.id)" in plan[place + 1] for place in steps)


async def test_a_turn_looks_for_what_waits_for_its_own_person_alone(city: SmallCity, engine: str) -> None:
    """With EXISTS every turn went through all that waits, by a plan kept from when nothing did."""
    if engine == "sqlite":
        pytest.skip("SQLite asks by person, however it is written")
    assert await looks_for_one(city, people.MEET)
    which = (outbox.c.person == person.c.id, *people._IS_HELD)
    behind = goes_first(outbox.c, person.c.id, identity.c.door)
    control = people.MEET.with_only_columns(
        person.c.id, exists().where(*which).label("held"), exists().where(*behind).label("behind")
    )
    assert not await looks_for_one(city, control)
