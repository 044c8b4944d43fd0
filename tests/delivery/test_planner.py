"""Reminders are derived from what is true; intentions become rows once, in chunks, whoever ticks and however often."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from bot.delivery import planner
from bot.domain.campaigns import Audience, Condition, Scope
from storage import fanouts, segments
from storage.database import Database, Unit
from storage.segments import OPT_OUT
from storage.tables.activities import activity
from storage.tables.delivery import Lane, Running, State, fanout, outbox
from storage.tables.kinds import to_milliseconds
from storage.tables.people import consent, identity, person, subscription
from tests.delivery.kit import Clockwork, SmallCity


async def fanouts_of(city: SmallCity, kind: str = "reminder") -> list[Any]:
    async with city.database.read() as unit:
        return list(await unit.run(select(fanout).where(fanout.c.kind == kind).order_by(fanout.c.id)))


class Undone(Exception):
    """The transaction did not come to its end."""


@asynccontextmanager
async def undone(city: SmallCity) -> AsyncIterator[Unit]:
    """A transaction that is lost just before its commit, as by a kill or a turn that broke."""
    with contextlib.suppress(Undone):
        async with city.database.write() as unit:
            yield unit
            raise Undone


async def test_a_shift_has_its_reminders_a_day_and_two_hours_before(city: SmallCity, clock: Clockwork) -> None:
    await city.shift(1, clock.now + timedelta(hours=25))
    planner = city.planner()
    assert await planner.tick() == 0
    clock.pass_by(hours=1)
    assert await planner.tick() == 1
    clock.pass_by(hours=22)
    assert await planner.tick() == 1
    day, near = await fanouts_of(city)
    starts = city_starts = clock.now + timedelta(hours=2)
    assert (day.offset, near.offset) == (-1440, -120)
    assert (day.not_before, day.expires) == (
        to_milliseconds(starts - timedelta(days=1)),
        to_milliseconds(city_starts - timedelta(hours=3)),
    )
    assert near.expires == to_milliseconds(starts)


async def test_only_those_who_joined_are_reminded_and_only_those_who_arrived_are_asked_to_check_out(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.shift(1, clock.now + timedelta(hours=2), hours=2)
    for number, state in enumerate(("joined", "waiting", "cancelled", "arrived", "left"), 2):
        await city.person(number, "telegram")
        await city.joins([number], 1, state)
    planner = city.planner()
    await planner.tick()
    await planner.expand()
    assert {row.person for row in await city.rows("reminder") if row.minutes == -120} == {2}
    clock.pass_by(hours=3, minutes=50)
    await planner.tick()
    await planner.expand()
    assert {row.person for row in await city.rows("checkout")} == {5}


async def test_two_tickers_at_once_plan_a_reminder_once(city: SmallCity, clock: Clockwork) -> None:
    await city.person(2, "telegram")
    for number in range(1, 6):
        await city.shift(number, clock.now + timedelta(hours=24))
        await city.joins([2], number)
    one, other = city.planner(), city.planner()
    await asyncio.gather(*(planner.tick() for planner in (one, other, one, other)))
    await asyncio.gather(*(planner.expand() for planner in (one, other)))
    await one.tick()
    await one.expand()
    assert len(await fanouts_of(city)) == 5
    assert len(await city.rows()) == 5


async def test_a_reminder_whose_key_was_lost_is_planned_again(city: SmallCity, clock: Clockwork) -> None:
    """The control: what keeps a reminder single is its key, and nothing else does."""
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.planner().tick()
    async with city.database.write() as unit:
        await unit.run(update(fanout).values(revision=99))
    await city.planner().tick()
    assert len(await fanouts_of(city)) == 2


async def test_a_moved_shift_is_reminded_of_at_its_new_time_and_not_at_the_old(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.person(2, "telegram")
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.joins([2], 1)
    planner, sender = city.planner(), city.sender()
    await planner.tick()
    await planner.expand()
    # Before the sender gets to it the activity moves by two days.
    await city.moves(1, clock.now + timedelta(hours=72))
    await sender.drain()
    assert city.doors["telegram"].calls == []
    assert [(State(row.state), row.reason) for row in await city.rows()] == [
        (State.SUPPRESSED, "activity changed since")
    ]
    clock.pass_by(hours=48)
    await planner.tick()
    await planner.expand()
    await sender.drain()
    assert len(city.doors["telegram"].calls) == 1


async def test_a_change_that_came_after_the_reminders_moment_is_not_followed_by_the_reminder(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.person(2, "telegram")
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.joins([2], 1)
    await city.planner().tick()
    clock.pass_by(hours=1)
    await city.moves(1, clock.now + timedelta(hours=22))
    clock.pass_by(minutes=5)
    await city.planner().tick()
    assert len(await fanouts_of(city)) == 1


async def test_nobody_is_reminded_of_what_was_called_off(city: SmallCity, clock: Clockwork) -> None:
    await city.shift(1, clock.now + timedelta(hours=24))
    async with city.database.write() as unit:
        await unit.run(update(activity).values(state="cancelled"))
    assert await city.planner().tick() == 0


async def test_a_reminder_missed_while_the_house_was_dark_is_dropped_and_the_row_says_why(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.person(2, "telegram")
    await city.shift(1, clock.now + timedelta(hours=25))
    await city.joins([2], 1)
    clock.pass_by(hours=23, minutes=30)
    planner, sender = city.planner(), city.sender()
    await planner.tick()
    await planner.expand()
    await sender.drain()
    day, near = sorted(await city.rows(), key=lambda row: row.minutes)
    assert (State(day.state), day.reason) == (State.SUPPRESSED, "too late")
    assert State(near.state) is State.SENT
    assert len(city.doors["telegram"].calls) == 1


async def test_what_waits_where_nobody_sends_is_swept_away_when_it_is_too_late(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.person(2, "terminal")
    await city.shift(1, clock.now + timedelta(hours=2))
    await city.joins([2], 1)
    planner = city.planner()
    await planner.tick()
    await planner.expand()
    assert await planner.sweep() == 0
    clock.pass_by(hours=2)
    assert await planner.sweep() == 1
    assert [row.reason for row in await city.rows() if row.minutes == -120] == ["too late"]


async def test_an_announcement_reaches_each_subscriber_once_whatever_they_subscribe_to(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    for number in range(2, 6):
        await city.person(number, "telegram")
    await city.subscribes([2, 3])
    await city.subscribes([3, 4], "district", "110105")
    await city.subscribes([5], "kind", "library")
    await city.announces(segment={"subscribers": [["kind", "green"], ["district", "110105"]]})
    await city.planner().expand()
    assert [row.person for row in await city.rows()] == [2, 3, 4]


async def test_whoever_opted_out_is_not_in_the_audience_and_who_came_back_is(city: SmallCity, clock: Clockwork) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    for number in (2, 3, 4):
        await city.person(number, "telegram")
    await city.subscribes([2, 3, 4])
    gone = {"purpose": OPT_OUT, "version": "1", "door": "telegram", "given": city.long_ago}
    async with city.database.write() as unit:
        await unit.run(insert(consent).values(person=3, withdrawn=clock.now, **gone))
        await unit.run(insert(consent).values(person=4, withdrawn=clock.now, **gone))
        await unit.run(insert(consent).values(person=4, **gone))
    await city.announces()
    await city.planner().expand()
    assert [row.person for row in await city.rows()] == [2, 4]


async def test_an_intention_stopped_in_the_middle_of_its_chunks_goes_on_at_its_cursor(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.people(range(2, 52))
    await city.subscribes(range(2, 52))
    number = await city.announces()
    async with city.database.write() as unit:
        first = await fanouts.expand(unit, clock.now, chunk=20)
    assert first is not None
    assert (first.made, first.done) == (20, False)
    # A chunk whose transaction is lost, as by a kill before its commit, was never there.
    async with undone(city) as unit:
        await fanouts.expand(unit, clock.now, chunk=20)
    # Whoever joins the segment now has a higher number and is not chased; who leaves it is left out.
    await city.people([99])
    await city.subscribes([99])
    async with city.database.write() as unit:
        await unit.run(delete(subscription).where(subscription.c.person == 50))
        while step := await fanouts.expand(unit, clock.now, chunk=20):
            assert step.fanout == number
    assert [row.person for row in await city.rows()] == [*range(2, 50), 51]
    (done,) = await fanouts_of(city, "announcement")
    assert (Running(done.state), done.made) == (Running.DONE, 49)


async def test_a_campaign_is_expanded_only_just_ahead_of_its_sending(city: SmallCity, clock: Clockwork) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.people(range(2, 42))
    await city.subscribes(range(2, 42))
    await city.announces()
    for _step in range(5):
        async with city.database.write() as unit:
            await fanouts.expand(unit, clock.now, chunk=10, ahead=20)
    assert len(await city.rows()) == 20
    # Something urgent is expanded all the same.
    await city.joins([2], 1)
    await city.plans(
        kind="change", source=1, lane=Lane.CHANGE, segment={"shift": 1, "states": ["joined"]},
        not_before=clock.now, expires=clock.now + timedelta(hours=5),
    )  # fmt: skip
    async with city.database.write() as unit:
        await fanouts.expand(unit, clock.now, chunk=10, ahead=20)
    assert len(await city.rows("change")) == 1


async def test_a_campaign_is_ahead_of_a_fast_account_by_ten_minutes_and_never_waits_for_what_is_held(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.people(range(2, 32))
    await city.people(range(32, 62), "wechat")
    await city.subscribes(range(2, 62))
    await city.announces()

    enough: dict[int, int] = {}

    async def expand(rates: Mapping[str, float]) -> int:
        async with city.database.write() as unit:
            if await fanouts.look_ahead(unit, clock.now, enough, rates, ahead=10):
                await fanouts.expand(unit, clock.now, chunk=10, ahead=10, enough=enough)
        return len(await city.rows())

    assert [await expand({"telegram": 25 / 600}) for _step in range(5)] == [10, 20, 30, 30, 30]
    # All of them are held until somebody writes: the others need not wait for that.
    async with city.database.write() as unit:
        await unit.run(update(outbox).values(account=""))
    assert [await expand({}) for _step in range(3)] == [40, 40, 40]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_on_a_slow_machine_chunks_are_smaller_so_that_turns_need_not_wait(
    city: SmallCity, clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.crowd(range(2, 4_802))
    await city.announces()
    made: list[int] = []
    expand = fanouts.expand

    async def takes_its_time(unit: Unit, *how: Any, **more: Any) -> Any:
        step = await expand(unit, *how, **more)
        if step is not None:
            made.append(step.made)
            clock.pass_by(seconds=step.made / 55_000 if len(made) < 5 else 0.0)  # so many rows a second, then faster
        return step

    monkeypatch.setattr(fanouts, "expand", takes_its_time)
    await city.planner().expand()
    assert made == [1_000, 637, 456, 365, 320, 800, 1_000, 222]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_campaign_that_nobody_waits_for_is_made_without_a_pause(city: SmallCity, clock: Clockwork) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.crowd(range(2, 9_002))
    await city.announces()
    assert await city.planner().expand() == 9_000
    assert clock.seconds == 0.0


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_where_somebody_waits_they_have_their_turn_between_two_chunks(
    city: SmallCity, clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.crowd(range(2, 9_002))
    await city.announces()
    turns: list[asyncio.Task[int]] = []
    asking = asyncio.get_running_loop()
    expand = fanouts.expand

    async def look(unit: Unit) -> int:
        return int((await unit.run(select(func.count()).select_from(outbox))).scalar_one())

    def ask(asked: threading.Event) -> None:
        turns.append(asyncio.create_task(city.database.turn(look)))
        asked.set()

    async def while_they_ask(unit: Unit, *how: Any, **more: Any) -> Any:
        step = await expand(unit, *how, **more)
        if len(turns) < 2:
            asked = threading.Event()
            asking.call_soon_threadsafe(ask, asked)
            assert asked.wait(5)
        return step

    monkeypatch.setattr(fanouts, "expand", while_they_ask)
    assert await city.planner().expand() == 9_000
    assert [await turn for turn in turns] == [1_000, 2_000]
    assert clock.seconds == 2 * planner.BREATH


async def test_in_a_chunk_everybody_has_the_door_that_is_best_for_each(city: SmallCity, clock: Clockwork) -> None:
    """The rows of very many people join their addresses; a message to one person looks them up: both find the same."""
    chance = random.Random(8)
    await city.shift(1, clock.now + timedelta(days=3))
    await city.people(range(2, 122))
    async with city.database.write() as unit:
        await unit.run(delete(identity))
        for number in range(2, 122):
            for door in chance.sample(["telegram", "wechat", "web"], chance.randint(0, 3)):
                inbound = chance.choice([None, city.long_ago, clock.now, clock.now])
                address = {"person": number, "door": door, "external": f"{door}-{number}", "inbound": inbound}
                await unit.run(insert(identity).values(open=chance.random() < 0.8, **address))
    await city.subscribes(range(2, 122))
    for doors in ((), ("telegram",), ("telegram", "wechat")):
        await city.announces(revision=1 + len(doors))
        await city.planner(doors).expand()
        async with city.database.read() as unit:
            best = segments.best_door(person.c.id, doors)
            looked_up = dict([*await unit.run(select(person.c.id, best).where(person.c.id > 1))])
            rows = await unit.run(
                select(outbox.c.person, outbox.c.account).join(fanout).where(fanout.c.revision == 1 + len(doors))
            )
            assert dict([*rows]) == looked_up
    assert len(set(looked_up.values())) == 4, "a door that nobody has proves nothing"


async def test_chunks_behind_the_first_are_prepared_and_mean_the_same_people(city: SmallCity, clock: Clockwork) -> None:
    """Also where a condition has a list, or an empty one."""
    await city.shift(1, clock.now + timedelta(days=3))
    await city.people(range(2, 62))
    await city.joins(range(2, 62, 2), 1)
    joined, nobodys = Condition("joined", (1, 2)), Condition("joined", ())
    audiences = {
        Audience(Scope(), (joined,)): list(range(2, 62, 2)),
        Audience(Scope(), (nobodys,)): [],
        Audience(Scope(), (replace(nobodys, without=True),)): list(range(1, 62)),
    }
    for revision, (meant, expected) in enumerate(audiences.items(), 1):
        await city.announces(revision=revision, segment=meant.segment() | {"at": to_milliseconds(clock.now)})
        async with city.database.write() as unit:
            assert await fanouts.expand(unit, clock.now, chunk=7) is not None
        while await city.database.turn(lambda unit: fanouts.expand(unit, clock.now, chunk=7)):
            pass
        async with city.database.read() as unit:
            theirs = select(outbox.c.person).join(fanout).where(fanout.c.revision == revision)
            assert list((await unit.run(theirs.order_by(outbox.c.person))).scalars()) == expected


async def test_messages_become_rows_a_little_early_and_leave_on_time(city: SmallCity, clock: Clockwork) -> None:
    await city.person(2, "telegram")
    await city.shift(1, clock.now + timedelta(hours=24, seconds=4))
    await city.joins([2], 1)
    planner, sender = city.planner(), city.sender()
    await planner.tick()
    await planner.expand()
    assert len(await city.rows("reminder")) == 1
    assert await sender.drain() == 0
    clock.pass_by(seconds=4)
    assert await sender.drain() == 1


async def test_what_is_about_the_next_two_hours_leaves_before_what_is_about_tomorrow(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.shift(2, clock.now + timedelta(hours=2))
    await city.planner().tick()
    lanes = {(row.source, row.offset): Lane(row.lane) for row in await fanouts_of(city)}
    assert lanes[1, -1440] is Lane.REMINDER
    assert lanes[2, -120] is Lane.CHANGE


async def test_a_message_to_one_person_is_a_row_in_the_same_transaction(city: SmallCity, clock: Clockwork) -> None:
    await city.person(2, "telegram")
    await city.shift(1, clock.now + timedelta(days=3))
    await city.joins([2], 1)
    planned = {
        "kind": "promotion", "source": 1, "revision": 7, "lane": Lane.CHANGE, "segment": {"enrolment": 1},
        "not_before": clock.now, "expires": clock.now + timedelta(days=3),
    }  # fmt: skip
    async with undone(city) as unit:
        await fanouts.plan(unit, **planned)
    assert await city.rows() == []
    first, second = await city.plans(**planned), await city.plans(**planned)
    assert first is not None
    assert second is None
    assert [(row.person, row.account) for row in await city.rows()] == [(2, "telegram")]


async def test_an_unknown_segment_is_refused(city: SmallCity, clock: Clockwork) -> None:
    with pytest.raises(ValueError, match="no such segment"):
        await city.announces(segment={"everybody": True})


async def test_a_row_goes_to_the_door_where_its_reader_wrote_last(city: SmallCity, clock: Clockwork) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.person(2, "wechat", "telegram")
    await city.person(3, "telegram", "wechat")
    await city.person(4, "terminal", "web")
    await city.person(5)
    await city.subscribes([2, 3, 4, 5])
    async with city.database.write() as unit:
        await unit.run(update(identity).where(identity.c.external == "telegram-3").values(open=False))
    await city.announces()
    await city.planner(["telegram", "wechat", "web"]).expand()
    # Nobody sends through the terminal here, so whoever used it last is told on the web.
    assert [row.account for row in await city.rows()] == ["wechat", "wechat", "web", ""]


async def test_a_stopped_intention_drops_what_waits_and_makes_no_more(city: SmallCity, clock: Clockwork) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.people(range(2, 22))
    await city.subscribes(range(2, 22))
    number = await city.announces()
    async with city.database.write() as unit:
        await fanouts.expand(unit, clock.now, chunk=5)
        assert await fanouts.stop(unit, number, clock.now) == 5
        assert await fanouts.expand(unit, clock.now, chunk=5) is None
        kept = list(await unit.run(select(outbox.c.state, outbox.c.reason).distinct()))
    assert kept == [(State.SUPPRESSED, "stopped")]


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(("waits", "rows"), [(False, 500), (True, 200)], ids=["control", "somebody waits"])
async def test_a_chunk_is_shorter_where_somebody_waits_for_the_one_writer(
    city: SmallCity, clock: Clockwork, monkeypatch: pytest.MonkeyPatch, waits: bool, rows: int
) -> None:
    """Ten microseconds a row: 5 ms are 500 rows, 2 ms are 200."""
    sizes: list[int] = []

    async def made(_unit: Unit, _now: object, size: int, *_rest: object, **_more: object) -> fanouts.Expanded | None:
        sizes.append(size)
        clock.seconds += size * 1e-5
        return fanouts.Expanded(1, size, False)

    async def is_more(*_of: object) -> bool:
        return True

    monkeypatch.setattr(fanouts, "expand", made)
    monkeypatch.setattr(fanouts, "look_ahead", is_more)
    monkeypatch.setattr(Database, "is_wanted", property(lambda _database: waits))
    assert await city.planner().expand(chunks=30) == sum(sizes)
    assert sizes[0] == 1_000
    assert sizes[-1] == pytest.approx(rows, rel=0.02)
