"""A clock that is wrong for a while, two dark hours, two replicas: nothing is lost or doubled, what is late expires."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import BigInteger, delete, type_coerce, update

from bot.clock import Ticks
from bot.domain import reach
from storage import fanouts, outbox, retention, slots
from storage.database import Unit
from storage.tables import delivery
from storage.tables.activities import shift
from storage.tables.delivery import State
from storage.tables.kinds import to_milliseconds
from tests.delivery.kit import TEN, Clockwork, SmallCity

MINUTE = timedelta(minutes=1)
NIGHT = TEN + timedelta(hours=11, minutes=30)
"""Half past nine in the evening: what is about tomorrow evening waits for the morning."""

JUMPS = [timedelta(days=-2), timedelta(days=400), timedelta(hours=1), timedelta(hours=-1), timedelta(hours=14)]
NAMES = ["two days back", "400 days on", "an hour on", "an hour back", "over midnight"]


def said(city: SmallCity) -> list[str]:
    """What was sent, each with the shift that it speaks of."""
    return [" ".join(call.text.split()[:2]) for door in city.doors.values() for call in door.calls]


async def wrong_for_a_while(city: SmallCity, jump: timedelta, forgetful: bool = False) -> list[str]:
    """Reminders of the evening, one of them waiting for the morning, while the clock jumps and is put right."""
    clock = city.clock
    clock.now = NIGHT - timedelta(hours=1)
    await city.people([2, 3])
    await city.shift(1, NIGHT + timedelta(hours=23))
    await city.shift(2, NIGHT + timedelta(hours=24, minutes=-5))
    await city.joins([2], 1)
    await city.joins([3], 2)
    ticks = Ticks(city.planner(), [city.sender()])
    for by in (timedelta(0), timedelta(hours=1), jump, -jump):
        clock.now += by
        await ticks.run_once()
        if forgetful:
            await forget_what_was_planned(city)
    while clock.now < NIGHT + timedelta(hours=25):
        await ticks.run_once()
        clock.pass_by(hours=1)
    return said(city)


async def forget_what_was_planned(city: SmallCity) -> None:
    async with city.database.write() as unit:
        await unit.run(delete(delivery.outbox))
        await unit.run(delete(delivery.fanout))


@pytest.mark.parametrize("jump", JUMPS, ids=NAMES)
async def test_a_clock_that_was_wrong_for_a_while_loses_and_doubles_no_reminder(
    city: SmallCity, jump: timedelta
) -> None:
    assert Counter(await wrong_for_a_while(city, jump)) == {"reminder A1": 2, "reminder A2": 2}


async def test_control_what_is_planned_without_memory_comes_twice(city: SmallCity) -> None:
    assert max(Counter(await wrong_for_a_while(city, timedelta(hours=1), forgetful=True)).values()) > 2


async def test_control_what_a_clock_ahead_dropped_is_lost_where_it_does_not_wait_again(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_unit: Unit, _now: datetime) -> bool:
        return False

    monkeypatch.setattr(retention, "wrongly_dropped", never)
    assert Counter(await wrong_for_a_while(city, timedelta(days=400)))["reminder A2"] == 1


# --- Two dark hours ------------------------------------------------------------------------------------------------

GROUPS, EACH = 20, 50


@pytest.fixture
def processes(land: SmallCity, clock: Clockwork, replicas: int) -> list[SmallCity]:
    """As many processes on one database as the test asks for."""
    return [land, *(SmallCity(land.url, clock) for _other in range(replicas - 1))]


@pytest.fixture
async def cities(city: SmallCity, processes: list[SmallCity]) -> AsyncIterator[list[SmallCity]]:
    """The same once the city is built."""
    yield processes
    for other in processes:
        if other is not city:
            await other.close()


async def dark_hours(city: SmallCity) -> int:
    """A thousand reminders of two hours before came due, group by group, while nothing ran. How many are useful?"""
    clock = city.clock
    began, ends = clock.now, clock.now + timedelta(hours=2)
    await city.people(range(2, 2 + GROUPS * EACH))
    useful = 0
    for number in range(GROUPS):
        starts = began + timedelta(hours=2) - timedelta(minutes=38) + number * 8 * MINUTE
        await city.shift(number + 1, starts)
        await city.joins(range(2 + EACH * number, 2 + EACH * (number + 1)), number + 1)
        assert starts - timedelta(hours=2) <= ends
        useful += EACH if ends < starts else 0
    clock.pass_by(hours=2)
    return useful


async def first_minute(cities: Sequence[SmallCity]) -> Counter[str]:
    """The minute after the start, on all of them at once. What was sent, by address."""
    clock = cities[0].clock
    ticks = [Ticks(one.planner(), [one.sender()]) for one in cities]
    ends = clock.now + MINUTE
    while clock.now < ends:
        await asyncio.gather(*(one.run_once() for one in ticks))
        clock.pass_by(seconds=5)
    return Counter(call.to for one in cities for call in one.doors["telegram"].calls)


async def became(city: SmallCity) -> Counter[State | str]:
    """What became of the reminders of two hours before: sent, or why not."""
    near = [row for row in await city.rows("reminder") if row.minutes == -120]
    return Counter(State.SENT if row.state == State.SENT else str(row.reason) for row in near)


@pytest.mark.parametrize("replicas", [1, 2])
async def test_within_a_minute_after_two_dark_hours_what_is_useful_is_sent_once_and_what_is_late_expired(
    cities: list[SmallCity],
) -> None:
    useful = await dark_hours(cities[0])
    sent = await first_minute(cities)
    late = GROUPS * EACH - useful
    assert useful > 0 < late
    assert await became(cities[0]) == {State.SENT: useful, "too late": late}
    assert len(sent) == useful
    assert set(sent.values()) == {1}


async def test_control_one_who_plans_only_what_falls_due_now_loses_what_fell_due_in_the_dark(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fanouts._due

    def only_now(one: reach.Reminding, now: datetime) -> Any:
        moment = type_coerce(shift.c.starts, BigInteger) + one.offset * 60_000
        return real(one, now).where(moment > to_milliseconds(now - MINUTE))

    monkeypatch.setattr(fanouts, "_due", only_now)
    useful = await dark_hours(city)
    assert len(await first_minute([city])) < useful


async def test_control_without_an_expiry_what_is_late_is_brought_late(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fanouts._rows_of

    def for_ever(*told: Any) -> Any:
        *others, expires, now = told
        return real(*others, expires + 86_400_000, now)

    monkeypatch.setattr(fanouts, "_rows_of", for_ever)
    monkeypatch.setattr(reach, "too_late", lambda _notice, _now: False)
    useful = await dark_hours(city)
    assert len(await first_minute([city])) > useful


@pytest.mark.parametrize("replicas", [2])
async def test_control_two_senders_without_the_slot_and_the_write_ahead_say_things_twice(
    cities: list[SmallCity], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def blindly(unit: Unit, _account: str, epoch: int, ids: Sequence[int]) -> dict[int, int]:
        taken = update(delivery.outbox).where(delivery.outbox.c.id.in_(ids)).values(state=State.SENDING, epoch=epoch)
        return {row.id: 1 for row in await unit.run(taken.returning(delivery.outbox.c.id))}

    monkeypatch.setattr(slots, "_is_free", lambda *_asked: True)
    monkeypatch.setattr(outbox, "claim", blindly)
    await dark_hours(cities[0])
    assert max((await first_minute(cities)).values()) > 1
