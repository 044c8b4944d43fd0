"""WeChat's window: who may be written to, how often, and how long after they wrote."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from bot.talk.door import NotSent, Refused
from storage import outbox
from storage.tables.delivery import State
from storage.tables.people import identity
from tests.delivery.kit import SmallCity, address, announced, only_row, reminded


async def open_window(city: SmallCity, left: int, hours: float = 48) -> None:
    async with city.database.write() as unit:
        await unit.run(
            update(identity)
            .where(identity.c.door == "wechat")
            .values(window_until=city.clock.now + timedelta(hours=hours), window_left=left)
        )


async def test_within_wechats_window_each_message_is_counted_and_then_the_rest_waits_until_they_write(
    city: SmallCity,
) -> None:
    await announced(city, 2, doors=("wechat",))
    for revision in (2, 3):
        await city.announces(f"more {revision}", revision)
    await city.planner(["wechat"]).expand()
    await open_window(city, left=2)
    sender = city.sender("wechat")
    await sender.drain()
    assert len(city.doors["wechat"].calls) == 2
    assert (await address(city, "wechat-2")).window_left == 0
    (held,) = [row for row in await city.rows() if State(row.state) is State.PENDING]
    assert (held.account, held.reason) == ("", "waits until they write")
    # They write: the turn opens the window anew and lets go what was held.
    await open_window(city, left=5)
    async with city.database.write() as unit:
        assert await outbox.release_held(unit, 2) == 1
        assert not unit.changed
    await sender.drain()
    assert await city.states() == {State.SENT: 3}
    assert (await address(city, "wechat-2")).window_left == 4


async def test_a_window_that_was_not_used_is_given_back(city: SmallCity) -> None:
    await announced(city, 2, doors=("wechat",))
    await open_window(city, left=3)
    sender = city.sender("wechat")
    city.doors["wechat"].script["*"] = [NotSent("busy")]
    await sender.drain()
    assert (await address(city, "wechat-2")).window_left == 3


async def test_a_window_that_the_platform_says_is_over_is_over(city: SmallCity) -> None:
    await announced(city, 2, doors=("wechat",))
    await open_window(city, left=3)
    sender = city.sender("wechat")
    city.doors["wechat"].script["*"] = [Refused("45015", window=True)]
    await sender.drain()
    assert (await address(city, "wechat-2")).window_left == 0
    row = await only_row(city)
    assert (State(row.state), row.account) == (State.PENDING, "")


async def test_outside_the_window_another_door_of_theirs_is_taken(city: SmallCity) -> None:
    await announced(city, 2, doors=("wechat", "telegram"))
    wechat, telegram = city.sender("wechat", doors=["telegram"]), city.sender(doors=["wechat"])
    await wechat.drain()
    row = await only_row(city)
    assert (row.account, row.reason) == ("telegram", "was to go by wechat")
    await telegram.drain()
    assert city.doors["telegram"].to == ["telegram-2"]


async def test_somebody_with_no_open_address_is_told_when_they_come_back(city: SmallCity) -> None:
    await reminded(city, 2)
    async with city.database.write() as unit:
        await unit.run(update(identity).values(open=False))
    sender = city.sender()
    await sender.drain()
    assert (await only_row(city)).reason == "no open address"
    async with city.database.write() as unit:
        await unit.run(update(identity).values(open=True))
        await outbox.release_held(unit, 2, "telegram")
    await sender.drain()
    assert city.doors["telegram"].to == ["telegram-2"]
