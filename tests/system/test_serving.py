"""The real program between both platforms: a resident on Telegram, one on WeChat, and one last seat."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from storage.tables.activities import activity, shift
from storage.tables.enrolment import attendance
from tests.conversations.kit import Town
from tests.system.people import OnTelegram, OnWeChat, Resident, joins
from tests.system.seeding import publish
from tests.system.serving import Doors, Serving

Serves = Callable[..., Serving]
pytestmark = [pytest.mark.timeout(240)]


async def meet(who: Resident, title: str) -> None:
    """First words, and finding by a sentence."""
    hello = await who.opens()
    if isinstance(who, OnWeChat):
        assert "门口" in hello
        await who.picks("English")
    else:
        assert "Menkou" in hello
    await who.says("trees in Haidian")
    assert "1 seat left" in await who.picks(title)


@pytest.mark.parametrize(("engine", "mode", "first"), [
    pytest.param("sqlite", "polling", "telegram"),
    pytest.param("postgresql", "webhook", "wechat", marks=pytest.mark.postgres),
])  # fmt: skip
async def test_two_residents_on_two_platforms_and_one_last_seat(
    town: Town, doors: Doors, serves: Serves, engine: str, mode: str, first: str
) -> None:
    title = "Planting trees at the lake"
    number = await publish(town, title, seats=1, after=timedelta(minutes=40))
    serving = serves(**doors.settings(mode))
    await serving.start()
    on_telegram = OnTelegram(serving, doors.telegram, 4242)
    on_wechat = OnWeChat((await doors.platform(serving)).person())
    residents: list[Resident] = [on_telegram, on_wechat]
    early, late = residents if first == "telegram" else reversed(residents)
    for who in (early, late):
        await meet(who, title)
    assert "You are in" in await joins(early, f"join-{number}")
    assert "number 1 in the queue" in await joins(late, f"join-{number}")

    # Whoever has the seat gives it back: the other one is told without having asked.
    await early.says("my")
    await early.picks(title)
    await early.picks("Give up")
    assert "goes to the next" in await early.says("yes")
    assert title in await late.is_told("A seat came free")
    assert len([one for one in late.heard if "A seat came free" in one]) == 1

    await there(town, serving, number, late)
    assert await serving.stop() == 0


async def there(town: Town, serving: Serving, number: int, who: Resident) -> None:
    """Checking in and out with what the wall shows, and the hours that follow."""
    key = town.city.secrecy.signature(f"wall:{number}")
    wall = f"/wall/{number}/now?k={key}"
    shown = json.loads(await serving.get(wall))
    assert (shown["arrived"], shown["registered"]) == (0, 1)
    await who.says("checkin")
    assert "Checked in at" in await who.says(shown["code"])
    shown = json.loads(await serving.get(wall))
    assert (shown["arrived"], shown["registered"]) == (1, 1)
    await two_hours_pass(town, number)
    await who.says("checkout")
    assert "2 hours were counted" in await who.says(json.loads(await serving.get(wall))["code"])
    hours = await who.says("hours")
    assert "2 hours over 1 activity" in hours
    assert "Planting trees" in hours


async def two_hours_pass(town: Town, number: int) -> None:
    """For this activity, whose beginning and whose arrivals now lie as far back."""
    async with town.database.write() as unit:
        starts = (await unit.run(select(shift.c.starts).where(shift.c.activity == number))).scalar_one()
        back = timedelta(minutes=41 + 120)
        moved = {"starts": starts - back, "ends": starts - back + timedelta(hours=2)}
        await unit.run(update(shift).where(shift.c.activity == number).values(moved))
        await unit.run(update(activity).where(activity.c.id == number).values(moved))
        await unit.run(update(attendance).values(arrived=moved["starts"]))
