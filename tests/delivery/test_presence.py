"""A dead holder on another machine: seen by its session's end, seconds after it and long before its lease runs out.

Nothing rests on that: whoever is taken for dead and lives is fenced out by the slot's number, like everybody.
"""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from storage import slots
from storage.database import Unit
from storage.presence import Presence
from storage.tables.delivery import sender_slot
from tests.delivery.kit import Clockwork, SmallCity
from tests.waiting import until

HELD = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = :number AND objsubid = 2 AND granted"

pytestmark = [pytest.mark.postgres]
on_postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


async def number_of(city: SmallCity) -> int:
    async with city.database.read() as unit:
        return int((await unit.run(select(sender_slot.c.session))).scalar_one())


async def pids(unit: Unit, number: int) -> list[int]:
    return [row.pid for row in await unit.run(text(HELD), {"number": number})]


async def cut(city: SmallCity) -> None:
    """End the holder's session, as the server does when its process dies, and wait until the server has."""
    number = await number_of(city)
    async with city.database.write() as unit:
        (pid,) = await pids(unit, number)
        await unit.run(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    while True:
        async with city.database.read() as unit:
            if not await pids(unit, number):
                return


@on_postgresql
async def test_a_holder_whose_session_ended_is_followed_two_looks_later(city: SmallCity, clock: Clockwork) -> None:
    dead, waiting = city.sender(owner="elsewhere:1:a.1"), city.sender(owner="here:2:b.1")
    assert await dead.lease.hold()
    assert not await waiting.lease.hold()
    await cut(city)
    assert not await waiting.lease.hold()
    clock.pass_by(seconds=1)
    assert await waiting.lease.hold()
    # The row's number is the truth: had it lived, it could do nothing any more.
    assert not await dead.lease.renew()
    assert not dead.lease.holds


@on_postgresql
async def test_a_holder_whose_session_is_there_keeps_its_slot_until_its_lease_is_over(
    city: SmallCity, clock: Clockwork
) -> None:
    """The control: nothing but the session's end shortens the wait."""
    frozen, waiting = city.sender(owner="elsewhere:1:a.1"), city.sender(owner="here:2:b.1")
    assert await frozen.lease.hold()
    for _second in range(14):
        assert not await waiting.lease.hold()
        clock.pass_by(seconds=1)
    clock.pass_by(seconds=1.001)
    assert await waiting.lease.hold()


@on_postgresql
async def test_without_its_sign_of_life_a_dead_holder_costs_its_lease(
    city: SmallCity, clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control, and what it is like behind a pooler of connections."""

    async def none(_presence: Presence) -> int:
        return 0

    monkeypatch.setattr(Presence, "keep", none)
    dead, waiting = city.sender(owner="elsewhere:1:a.1"), city.sender(owner="here:2:b.1")
    assert await dead.lease.hold()
    assert await number_of(city) == 0
    for _second in range(14):
        assert not await waiting.lease.hold()
        clock.pass_by(seconds=1)
    clock.pass_by(seconds=1.001)
    assert await waiting.lease.hold()


@on_postgresql
async def test_a_living_holder_has_its_sign_again_before_anybody_takes_it_for_dead(
    city: SmallCity, clock: Clockwork
) -> None:
    """A restart of the database ends everybody's sessions; what is being called then must not become uncertain."""
    living, waiting = city.sender(owner="elsewhere:1:a.1"), city.sender(owner="here:2:b.1")
    assert await living.lease.hold()
    epoch = living.lease.epoch
    await cut(city)
    assert not await waiting.lease.hold()
    await until(lambda: living.lease._presence.is_lost)
    assert await living.lease.hold()
    for _second in range(3):
        clock.pass_by(seconds=1)
        assert not await waiting.lease.hold()
    assert (living.lease.epoch, living.lease.holds) == (epoch, True)


@on_postgresql
async def test_behind_a_pooler_there_is_no_sign_and_none_is_trusted(city: SmallCity) -> None:
    sender = city.sender(owner="elsewhere:1:a.1")
    assert await sender.lease.hold()
    assert await number_of(city) > 0
    # The next statement comes out at a session that has no such lock.
    connection = sender.lease._presence._connection
    assert connection is not None
    await connection.execute("SELECT pg_advisory_unlock_all()")
    assert await sender.lease.renew()
    assert await number_of(city) == 0
    assert await sender.lease.renew()
    assert await number_of(city) == 0


@on_postgresql
async def test_an_orderly_stop_ends_the_session_too(city: SmallCity) -> None:
    sender = city.sender()
    assert await sender.lease.hold()
    number = await number_of(city)
    await sender.stop()
    async with city.database.read() as unit:
        assert await pids(unit, number) == []
        assert await slots.held(unit) == {"telegram": ("", 0)}


async def test_whoever_waits_is_in_nobodys_way(city: SmallCity) -> None:
    """On either database: it reads, and begins no transaction that others would wait for."""
    holding, waiting = city.sender(owner="elsewhere:1:a.1"), city.sender(owner="here:2:b.1")
    assert await holding.lease.hold()
    async with city.database.write() as unit:
        assert await slots.renew(unit, "telegram", holding.lease.epoch, 1, 10**12)
        assert not await waiting.lease.hold()
