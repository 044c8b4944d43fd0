"""A plain sign-up on PostgreSQL is decided before its shift is locked; what changes in between is found behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.desk.desk import Desk
from bot.domain.enrolment import AlreadyIn, Asked, Closed, Joined, Stand, Waitlisted
from bot.domain.people import Person
from bot.domain.squads import NoLead
from storage import audit, enrolment, joining, wishes
from storage.database import Unit
from storage.prepared import Parameters, Prepared
from storage.tables.activities import activity, shift
from storage.tables.enrolment import audit as moves
from storage.tables.enrolment import enrolment as signed_up
from storage.tables.squads import squad
from tests.conversations.kit import MONDAY
from tests.promises.crowd import Crowd

SATURDAY = MONDAY + timedelta(days=5)

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("engine", ["postgresql"])]

Change = Callable[[Unit], Awaitable[Any]]


async def opened(crowd: Crowd, seats: int = 2) -> int:
    await crowd.comes(3)
    return await crowd.publishes(SATURDAY, SATURDAY + timedelta(hours=2), seats)


async def join(crowd: Crowd, who: int, shift_id: int) -> Any:
    """As in a turn, on the driver itself."""

    async def turn(unit: Unit) -> Any:
        desk = Desk(unit, Person(crowd.people[who], "", "en"), crowd.town.at, crowd.town.city)
        return await desk.enrolment.join(shift_id)

    return await crowd.town.database.turn(turn)


def in_between(crowd: Crowd, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let something be committed when the next one who joins has looked and has not locked yet."""
    sound, left = enrolment.lock_shift, [change]

    async def lock(unit: Unit, shift_id: int, *then: tuple[Prepared, Parameters]) -> int:
        if left:
            async with crowd.town.database.write() as other:
                await left.pop()(other)
        return await sound(unit, shift_id, *then)

    monkeypatch.setattr(enrolment, "lock_shift", lock)


async def rows(crowd: Crowd) -> list[tuple[int, str, int]]:
    """(person, state, queue number) of every sign-up, in the order of the queue."""
    async with crowd.town.database.read() as unit:
        found = await unit.run(
            select(signed_up.c.person, signed_up.c.state, signed_up.c.queue).order_by(signed_up.c.queue)
        )
        return [(row.person, row.state, row.queue) for row in found]


async def test_a_plain_sign_up_is_made_at_once_and_logged_under_its_own_number(crowd: Crowd) -> None:
    shift_id = await opened(crowd, seats=1)
    first, second = await join(crowd, 0, shift_id), await join(crowd, 1, shift_id)
    assert isinstance(first, Joined)
    assert second == Waitlisted(second.enrolment, 1)
    assert await rows(crowd) == [(crowd.people[0], "joined", 1), (crowd.people[1], "waiting", 2)]
    async with crowd.town.database.write() as unit:
        logged = await unit.run(select(moves.c.target, moves.c.after, moves.c.actor).where(moves.c.deed == "join"))
        assert [tuple(row) for row in logged] == [
            (f"enrolment:{first.enrolment}", "joined", crowd.people[0]),
            (f"enrolment:{second.enrolment}", "waiting", crowd.people[1]),
        ]
        await audit.chain(unit, crowd.town.at)
    async with crowd.town.database.read() as unit:
        assert (await audit.verify(unit)).fault is None, "sealed for the state that it came to"


async def test_who_left_and_comes_again_has_the_same_row_with_a_new_number(crowd: Crowd) -> None:
    shift_id = await opened(crowd)
    before = await join(crowd, 0, shift_id)

    async def leave(unit: Unit) -> None:
        desk = Desk(unit, Person(crowd.people[0], "", "en"), crowd.town.at, crowd.town.city)
        await desk.enrolment.leave(before.enrolment)

    await crowd.town.database.turn(leave)
    again = await join(crowd, 0, shift_id)
    assert again == before
    assert await rows(crowd) == [(crowd.people[0], "joined", 2)]
    async with crowd.town.database.write() as unit:
        await audit.chain(unit, crowd.town.at)
    async with crowd.town.database.read() as unit:
        assert (await audit.verify(unit)).fault is None


@pytest.mark.parametrize("absences", [1, 2])
async def test_promises_not_kept_are_looked_at_behind_the_lock_when_they_may_weigh_enough(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, absences: int
) -> None:
    shift_id = await opened(crowd)
    looked: list[int] = []
    sound = wishes.wish

    async def wish(unit: Unit, shift_id: int, *more: Any) -> Any:
        looked.append(shift_id)
        return await sound(unit, shift_id, *more)

    monkeypatch.setattr(wishes, "wish", wish)
    for days in range(1, absences + 1):
        begun = crowd.town.at - timedelta(days=days)
        past = await crowd.publishes(SATURDAY, SATURDAY + timedelta(hours=2), 1)
        async with crowd.town.database.write() as unit:
            over = {"starts": begun, "ends": begun + timedelta(hours=2)}
            await unit.run(update(shift).where(shift.c.id == past).values(over))
            await unit.run(
                insert(signed_up).values(
                    shift=past, person=crowd.people[0], queue=1, state=Stand.ABSENT, joined=begun, changed=begun
                )
            )
    assert type(await join(crowd, 0, shift_id)) is (Joined if absences == 1 else Asked)
    assert looked == ([] if absences == 1 else [shift_id])


async def test_whoever_is_refused_uses_up_no_number(crowd: Crowd) -> None:
    shift_id = await opened(crowd)
    before = await join(crowd, 0, shift_id)
    assert await join(crowd, 0, shift_id) == AlreadyIn(Stand.JOINED)
    after = await join(crowd, 1, shift_id)
    assert after.enrolment == before.enrolment + 1


async def cancelled(unit: Unit) -> None:
    await unit.run(update(activity).values(state="cancelled"))


async def test_an_activity_that_is_cancelled_in_between_takes_nobody(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift_id = await opened(crowd)
    in_between(crowd, cancelled, monkeypatch)
    assert await join(crowd, 0, shift_id) == Closed()
    assert await rows(crowd) == []
    async with crowd.town.database.read() as unit:
        taken = (await unit.run(select(shift.c.taken, shift.c.next_queue))).one()
    assert tuple(taken) == (0, 0), "no seat is lost and no number left out"


async def test_a_lead_that_is_asked_for_in_between_is_asked_for(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    shift_id = await opened(crowd)

    async def asks_for_a_lead(unit: Unit) -> None:
        await unit.run(insert(squad).values(shift=shift_id, skill="first_aid", per=5))

    in_between(crowd, asks_for_a_lead, monkeypatch)
    assert await join(crowd, 0, shift_id) == NoLead("first_aid", 5)
    assert await rows(crowd) == []


async def test_who_joined_by_another_chat_in_between_is_in_once(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift_id = await opened(crowd)
    sound = enrolment.lock_shift

    async def joins_elsewhere(unit: Unit) -> None:
        monkeypatch.setattr(enrolment, "lock_shift", sound)
        assert isinstance(await join(crowd, 0, shift_id), Joined)

    in_between(crowd, joins_elsewhere, monkeypatch)
    assert await join(crowd, 0, shift_id) == AlreadyIn(Stand.JOINED)
    assert await rows(crowd) == [(crowd.people[0], "joined", 1)]


async def test_the_last_seat_that_goes_in_between_leaves_the_head_of_the_queue(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift_id = await opened(crowd, seats=1)
    sound = enrolment.lock_shift

    async def another_takes_it(unit: Unit) -> None:
        monkeypatch.setattr(enrolment, "lock_shift", sound)
        assert isinstance(await join(crowd, 1, shift_id), Joined)

    in_between(crowd, another_takes_it, monkeypatch)
    late = await join(crowd, 0, shift_id)
    assert late == Waitlisted(late.enrolment, 1)
    assert await rows(crowd) == [(crowd.people[1], "joined", 1), (crowd.people[0], "waiting", 2)]


async def test_without_the_second_look_a_cancelled_activity_takes_somebody(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    blind = joining.statement(enrolment.DECIDE)
    monkeypatch.setattr(joining, "_JOIN", Prepared(blind))
    shift_id = await opened(crowd)
    in_between(crowd, cancelled, monkeypatch)
    assert isinstance(await join(crowd, 0, shift_id), Joined)
