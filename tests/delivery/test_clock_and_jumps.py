"""Clocks that jump, leap days, two replicas in one tick: no reminder is lost, none doubled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from bot.clock import Ticks
from storage import fanouts
from storage.database import Database
from storage.tables.delivery import fanout
from tests.delivery.kit import SECRECY, SHANGHAI, TEN, Clockwork, SmallCity
from tests.waiting import somebody_waits_for

HALF_AN_HOUR = timedelta(minutes=30)


async def lives(ticks: Ticks, clock: Clockwork, until: datetime) -> None:
    """The clock goes on in half hours and ticks at each."""
    while clock.now < until:
        await ticks.run_once()
        clock.pass_by(minutes=30)


def said(city: SmallCity) -> list[str]:
    """What was sent, each with the shift that it speaks of."""
    return [" ".join(call.text.split()[:2]) for door in city.doors.values() for call in door.calls]


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=-2)], ids=str)
async def test_a_jump_that_stays_doubles_nothing(city: SmallCity, clock: Clockwork, jump: timedelta) -> None:
    await city.person(2, "telegram")
    starts = TEN + timedelta(hours=24)
    await city.shift(1, starts)
    await city.joins([2], 1)
    ticks = Ticks(city.planner(), [city.sender()])
    await ticks.run_once()
    clock.now += jump
    await lives(ticks, clock, starts + timedelta(minutes=1))
    assert said(city) == ["reminder A1", "reminder A1"]


async def test_the_leap_day_and_midnight_are_days_like_others(city: SmallCity, clock: Clockwork) -> None:
    clock.now = datetime(2028, 2, 28, 12, 0, tzinfo=SHANGHAI).astimezone(UTC)
    await city.people([2, 3])
    await city.shift(1, datetime(2028, 3, 1, 10, 0, tzinfo=SHANGHAI))
    await city.shift(2, datetime(2028, 3, 1, 2, 0, tzinfo=SHANGHAI))
    await city.joins([2], 1)
    await city.joins([3], 2)
    ticks = Ticks(city.planner(), [city.sender()])
    moments: list[tuple[str, str]] = []
    while clock.now < datetime(2028, 3, 1, 11, 0, tzinfo=SHANGHAI):
        before = len(city.doors["telegram"].calls)
        at = clock.now.astimezone(SHANGHAI)
        await ticks.run_once()
        moments += [(call.to, f"{at:%m-%d %H:%M}") for call in city.doors["telegram"].calls[before:]]
        clock.now = (at + HALF_AN_HOUR).astimezone(UTC)
        clock.seconds += 1800
    assert [when for to, when in moments if to == "telegram-2"] == ["02-29 10:00", "03-01 08:00"]
    # A day before two at night are quiet hours: it waits for the morning. Two hours before is midnight: it may.
    assert [when for to, when in moments if to == "telegram-3"] == ["02-29 08:00", "03-01 00:00"]


@pytest.mark.parametrize("engine", ["postgresql"])
@pytest.mark.parametrize("unique", [True, False], ids=["as it is", "control: without the key"])
async def test_two_replicas_in_the_same_tick_plan_a_reminder_once(
    city: SmallCity, clock: Clockwork, unique: bool
) -> None:
    await city.person(2, "telegram")
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.joins([2], 1)
    if not unique:
        async with city.database.write() as unit:
            await unit.connection.execute(
                text("ALTER TABLE fanout DROP CONSTRAINT uq_fanout_kind_source_revision_offset")
            )
    replica = Database(city.url, SECRECY)
    has_planned = False

    async def derive() -> None:
        nonlocal has_planned
        async with replica.write() as unit:
            await fanouts.derive(unit, clock.now)
            has_planned = True

    async with city.database.write() as unit:
        await fanouts.derive(unit, clock.now)
        other = asyncio.create_task(derive())
        # The other one has not seen our plan: it waits to hear what becomes of ours, or has made its own.
        await somebody_waits_for(unit, lambda: has_planned)
    await other
    await replica.close()
    async with city.database.read() as unit:
        planned = (await unit.run(select(func.count()).select_from(fanout))).scalar_one()
    assert planned == (1 if unique else 2)
