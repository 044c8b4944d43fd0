"""The clock of one process: it ticks, it survives what breaks, and one call does all that is due."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.clock import Ticks
from storage.tables.delivery import State
from tests.delivery.kit import Clockwork, SmallCity
from tests.waiting import until


async def test_moving_the_citys_clock_and_ticking_once_brings_the_reminder_and_the_check_out(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.person(2, "telegram")
    await city.shift(1, clock.now + timedelta(hours=26))
    await city.joins([2], 1)
    await city.person(3, "telegram")
    await city.joins([3], 1, "arrived")
    ticks = Ticks(city.planner(), [city.sender()])
    assert await ticks.run_once() == 0
    clock.pass_by(hours=3)
    assert await ticks.run_once() == 1
    assert await ticks.run_once() == 0
    clock.pass_by(hours=24, minutes=50)
    await ticks.run_once()
    said = [(call.to, call.text.split()[0]) for call in city.doors["telegram"].calls]
    assert said == [("telegram-2", "reminder"), ("telegram-3", "checkout")]
    # The two-hour reminder was missed by the jump of the clock and is dropped, not brought late.
    assert [row.reason for row in await city.rows() if row.minutes == -120] == ["too late"]


async def test_a_clock_that_jumps_back_and_forth_doubles_no_reminder(city: SmallCity, clock: Clockwork) -> None:
    await city.person(2, "telegram")
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.joins([2], 1)
    ticks = Ticks(city.planner(), [city.sender()])
    for days in (0, -2, 2, 400, -400, 0):
        clock.now += timedelta(days=days)
        await ticks.run_once()
    assert len(city.doors["telegram"].calls) == 1


async def test_a_message_handed_to_another_door_leaves_in_the_same_call(city: SmallCity, clock: Clockwork) -> None:
    await city.person(2, "wechat", "telegram")
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.joins([2], 1)
    telegram, wechat = city.sender(doors=["wechat"]), city.sender("wechat", doors=["telegram"])
    await Ticks(city.planner(["telegram", "wechat"]), [telegram, wechat]).run_once()
    assert city.doors["telegram"].to == ["telegram-2"]


async def test_after_two_dark_hours_what_is_useful_leaves_and_what_is_late_is_dropped(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.people(range(2, 302))
    for number, minutes in enumerate((30, 90, 125, 24 * 60 + 60), 1):
        await city.shift(number, clock.now + timedelta(minutes=120 + minutes))
        await city.joins(range(2, 302), number)
    clock.pass_by(hours=2)
    sender = city.sender()
    ticks = Ticks(city.planner(), [sender])
    for _moment in range(6):
        await ticks.run_once()
        clock.pass_by(seconds=5)
    states = await city.states()
    # Near reminders of the first two shifts are still useful; the day's reminders of the first three are long late.
    assert states == {State.SENT: 600, State.SUPPRESSED: 900}
    assert {row.reason for row in await city.rows() if row.state == State.SUPPRESSED} == {"too late"}


async def test_ticks_run_by_themselves_and_outlive_one_that_breaks(city: SmallCity) -> None:
    ticks = Ticks(city.planner(), [city.sender()])
    beats: list[str] = []

    async def breaks() -> None:
        beats.append("breaks")
        raise OSError("the database is away")

    async def beat() -> None:
        beats.append("beats")

    ticks.every("breaks", 0.05, breaks)
    ticks.every("beats", 0.05, beat)
    ticks.start()
    await until(lambda: beats.count("breaks") > 2 and beats.count("beats") > 2)
    await ticks.stop(1)
    await asyncio.sleep(0.1)
    count = len(beats)
    await asyncio.sleep(0.15)
    assert len(beats) == count


@pytest.mark.parametrize(("seconds", "ended"), [(30.0, ["begins", "ends"]), (0.0, ["begins"])])
async def test_a_stop_lets_the_tick_under_way_end_or_cuts_it_off_without_an_error(
    city: SmallCity, seconds: float, ended: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    ticks = Ticks(city.planner(), [])
    beats: list[str] = []
    go_on = asyncio.Event()

    async def takes_long() -> None:
        beats.append("begins")
        await go_on.wait()
        beats.append("ends")

    ticks.every("long", 0.05, takes_long)
    ticks.start()
    await until(lambda: bool(beats))
    stopping = asyncio.create_task(ticks.stop(seconds))
    if seconds:
        await asyncio.sleep(0.02)
        assert not stopping.done()
    else:
        await until(lambda: stopping.done() and not ticks._under_way)
    go_on.set()
    await stopping
    await until(lambda: not ticks._under_way)
    assert beats == ended
    assert not [one for one in caplog.records if one.levelname == "ERROR"], caplog.text
