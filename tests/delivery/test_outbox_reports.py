"""What the outbox tells afterwards: reasons, numbers that stay taken, what waits and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.talk.door import Delivered, Refused
from storage import outbox_reports, slots
from storage.tables.delivery import Lane, State, sender_slot
from tests.delivery.kit import FAST, Clockwork, SmallCity, announced


async def test_why_it_did_not_arrive_is_answerable_years_later(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2)
    await reminded_again(city)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [Delivered("a"), Refused("403 blocked", closes=True)]
    await sender.drain()
    async with city.database.read() as unit:
        before = await outbox_reports.why(unit, 2)
    clock.pass_by(days=8)
    planner = city.planner()
    await announce_more(city)
    assert await planner.retire() >= 1
    async with city.database.read() as unit:
        after = await outbox_reports.why(unit, 2)
    assert [(told.kind, told.state) for told in before] == [
        ("announcement", State.FAILED),
        ("announcement", State.SENT),
    ]
    assert after[-len(before) :] == before


async def reminded_again(city: SmallCity) -> None:
    await city.announces("second", 2)
    await city.planner().expand()


async def announce_more(city: SmallCity) -> None:
    await city.announces("third", 3)
    await city.planner().expand()


async def test_retiring_never_frees_a_number_for_reuse(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2, 3)
    await city.sender().drain()
    clock.pass_by(days=30)
    await city.planner().retire()
    numbers = {row.id for row in await city.rows()}
    await announce_more(city)
    assert min({row.id for row in await city.rows()} - numbers) > 2
    clock.pass_by(days=30)
    await city.planner().sweep()
    clock.pass_by(days=30)
    await city.planner().retire()
    assert len(await city.rows()) == 1


async def test_the_meters_see_what_waits_and_for_how_long(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2, 3)
    await city.person(4)
    await city.plans(
        kind="change", source=9, lane=Lane.CHANGE, segment={"person": 4}, not_before=clock.now,
        expires=clock.now + timedelta(days=9),
    )  # fmt: skip
    clock.pass_by(minutes=3)
    async with city.database.read() as unit:
        counted = await outbox_reports.counts(unit, clock.now)
    assert counted.waiting == {("telegram", 9): 2, ("", 1): 1}
    assert counted.oldest == pytest.approx(180)
    assert (counted.sending, counted.uncertain, counted.dead) == (0, 0, 0)


async def test_an_address_refused_by_the_slot_table_is_nobodys(city: SmallCity) -> None:
    sender = city.sender(pace=FAST)
    await sender.step()
    async with city.database.read() as unit:
        row = (await unit.run(select(sender_slot))).one()
        assert await slots.held(unit) == {"telegram": (row.owner, row.lease_until)}
