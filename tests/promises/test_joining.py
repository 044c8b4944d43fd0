"""A plain sign-up on PostgreSQL is decided before its shift is locked; what changes in between is found behind it.

Where many seats are free it is foreseen, and the shift is locked by the journey that commits.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from bot.domain.enrolment import AlreadyIn, Asked, Closed, Joined, Stand, Waitlisted
from bot.domain.squads import NoLead
from storage import audit, enrolment, joining, prepared, wishes
from storage.database import LINES, Database, Unit
from storage.prepared import Parameters, Prepared
from storage.tables.activities import activity, shift
from storage.tables.enrolment import audit as moves
from storage.tables.enrolment import enrolment as signed_up
from storage.tables.squads import squad
from tests.conversations.kit import MONDAY
from tests.promises.crowd import Count, Crowd, count
from tests.promises.guards import unlocked_foreseen

SATURDAY = MONDAY + timedelta(days=5)

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("engine", ["postgresql"])]

Change = Callable[[Unit], Awaitable[Any]]


FEW, MANY = 2, LINES + 1
"""Seats of which none is foreseen, and of which the first is."""


@pytest.fixture(params=[FEW, MANY])
def seats(request: pytest.FixtureRequest) -> int:
    """Either."""
    return int(request.param)


@pytest.fixture
def foresaw(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each unit that a turn begins with: does it foresee?"""
    begun: list[bool] = []
    sound = Database._on_line

    def on_line(database: Database, work: Any, foresees: bool) -> Any:
        begun.append(foresees)
        return sound(database, work, foresees)

    monkeypatch.setattr(Database, "_on_line", on_line)
    return begun


async def opened(crowd: Crowd, seats: int = FEW) -> int:
    await crowd.comes(LINES + 2)
    return await crowd.publishes(SATURDAY, SATURDAY + timedelta(hours=2), seats)


async def join(crowd: Crowd, who: int, shift_id: int) -> Any:
    """As in a turn, on the driver itself."""

    async def turn(unit: Unit) -> Any:
        return await crowd.desk(unit, who).enrolment.join(shift_id)

    return await crowd.town.database.turn(turn)


def in_between(crowd: Crowd, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let something be committed when the next one who joins has looked and has not locked yet."""
    lock, foreseen, left = enrolment.lock_shift, enrolment.lock_foreseen, [change]

    async def happens() -> None:
        if left:
            async with crowd.town.database.write() as other:
                await left.pop()(other)

    async def late_lock(unit: Unit, shift_id: int, *then: tuple[Prepared, Parameters]) -> int:
        await happens()
        return await lock(unit, shift_id, *then)

    async def late_foreseen(unit: Unit, shift_id: int, then: tuple[Prepared, Parameters]) -> None:
        await happens()
        await foreseen(unit, shift_id, then)

    monkeypatch.setattr(enrolment, "lock_shift", late_lock)
    monkeypatch.setattr(enrolment, "lock_foreseen", late_foreseen)


async def is_locked(crowd: Crowd, shift_id: int) -> bool:
    """Would somebody else have to wait for the shift?"""
    free = select(shift.c.id).where(shift.c.id == shift_id).with_for_update(skip_locked=True)
    async with crowd.town.database.write() as unit:
        return (await unit.run(free)).first() is None


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


async def test_a_seat_among_many_is_foreseen_and_logged_as_any_other(crowd: Crowd, foresaw: list[bool]) -> None:
    shift_id = await opened(crowd, MANY)

    async def turn(unit: Unit) -> tuple[Any, bool]:
        return await crowd.desk(unit, 0).enrolment.join(shift_id), await is_locked(crowd, shift_id)

    made, locked = await crowd.town.database.turn(turn)
    assert isinstance(made, Joined)
    assert not locked, "nothing of ours is waited for behind the lock"
    assert foresaw == [True]
    assert await rows(crowd) == [(crowd.people[0], "joined", 1)]
    async with crowd.town.database.write() as unit:
        logged = await unit.run(select(moves.c.target, moves.c.after, moves.c.actor).where(moves.c.deed == "join"))
        assert [tuple(row) for row in logged] == [(f"enrolment:{made.enrolment}", "joined", crowd.people[0])]
        await audit.chain(unit, crowd.town.at)
    async with crowd.town.database.read() as unit:
        assert (await audit.verify(unit)).fault is None


async def test_of_the_last_seats_none_is_foreseen(crowd: Crowd) -> None:
    shift_id = await opened(crowd, FEW)

    async def turn(unit: Unit) -> bool:
        await crowd.desk(unit, 0).enrolment.join(shift_id)
        return await is_locked(crowd, shift_id)

    assert await crowd.town.database.turn(turn)


async def test_whoever_asks_after_a_foreseen_seat_finds_it(crowd: Crowd) -> None:
    shift_id = await opened(crowd, MANY)

    async def turn(unit: Unit) -> Any:
        await crowd.desk(unit, 0).enrolment.join(shift_id)
        return await enrolment.own(unit, crowd.people[0], shift_id)

    assert (await crowd.town.database.turn(turn)).queue == 1


async def test_a_crowd_that_foresees_leaves_as_many_in_as_there_are_seats(crowd: Crowd) -> None:
    await crowd.comes(60)
    shift_id = await crowd.publishes(SATURDAY, SATURDAY + timedelta(hours=2), 3 * LINES)
    said = await asyncio.gather(*(join(crowd, who, shift_id) for who in range(60)))
    assert Counter(map(type, said)) == {Joined: 3 * LINES, Waitlisted: 60 - 3 * LINES}
    assert [queue for _person, _state, queue in await rows(crowd)] == list(range(1, 61))
    assert await count(crowd.town, shift_id, []) == Count()


SLOW_DISK = "SELECT pg_advisory_xact_lock_shared(77)"
"""Waits for as long as somebody holds that lock."""
WAITS = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted")
WAIT_FOR_A_ROW = text("SELECT count(*) FROM pg_locks WHERE locktype IN ('transactionid', 'tuple') AND NOT granted")


@pytest.mark.parametrize("lets_go", [True, False], ids=["sound", "control"])
async def test_others_are_let_in_before_the_disk_has_it_and_the_answer_waits(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, seats: int, lets_go: bool
) -> None:
    shift_id = await opened(crowd, seats)
    before = [one for one in prepared.LET_GO if one != prepared.ON_DISK] if lets_go else []
    monkeypatch.setattr(prepared, "LET_GO", (*before, SLOW_DISK))
    async with crowd.town.database.write() as disk, asyncio.timeout(20):
        await disk.run(select(func.pg_advisory_xact_lock(77)))
        answer = asyncio.create_task(join(crowd, 0, shift_id))
        while not (await disk.run(WAITS)).scalar_one():  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(0.01)
        assert await is_locked(crowd, shift_id) is not lets_go
        assert bool(await rows(crowd)) is lets_go
        assert not answer.done()
    assert isinstance(await answer, Joined)


async def test_who_left_and_comes_again_has_the_same_row_with_a_new_number(crowd: Crowd, seats: int) -> None:
    shift_id = await opened(crowd, seats)
    before = await join(crowd, 0, shift_id)

    async def leave(unit: Unit) -> None:
        await crowd.desk(unit, 0).enrolment.leave(before.enrolment)

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
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, absences: int, seats: int
) -> None:
    shift_id = await opened(crowd, seats)
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


async def test_whoever_is_refused_uses_up_no_number(crowd: Crowd, seats: int) -> None:
    shift_id = await opened(crowd, seats)
    before = await join(crowd, 0, shift_id)
    assert await join(crowd, 0, shift_id) == AlreadyIn(Stand.JOINED)
    after = await join(crowd, 1, shift_id)
    assert after.enrolment == before.enrolment + 1


async def cancelled(unit: Unit) -> None:
    await unit.run(update(activity).values(state="cancelled"))


async def test_an_activity_that_is_cancelled_in_between_takes_nobody(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, seats: int, foresaw: list[bool]
) -> None:
    shift_id = await opened(crowd, seats)
    in_between(crowd, cancelled, monkeypatch)
    assert await join(crowd, 0, shift_id) == Closed()
    assert foresaw == ([True] if seats == FEW else [True, False])
    assert await rows(crowd) == []
    async with crowd.town.database.read() as unit:
        taken = (await unit.run(select(shift.c.taken, shift.c.next_queue))).one()
    assert tuple(taken) == (0, 0), "no seat is lost and no number left out"


async def test_a_lead_that_is_asked_for_in_between_is_asked_for(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, seats: int
) -> None:
    shift_id = await opened(crowd, seats)

    async def asks_for_a_lead(unit: Unit) -> None:
        await unit.run(insert(squad).values(shift=shift_id, skill="first_aid", per=5))

    in_between(crowd, asks_for_a_lead, monkeypatch)
    assert await join(crowd, 0, shift_id) == NoLead("first_aid", 5)
    assert await rows(crowd) == []


async def test_who_joined_by_another_chat_in_between_is_in_once(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, seats: int
) -> None:
    shift_id = await opened(crowd, seats)

    async def joins_elsewhere(_unit: Unit) -> None:
        assert isinstance(await join(crowd, 0, shift_id), Joined)

    in_between(crowd, joins_elsewhere, monkeypatch)
    assert await join(crowd, 0, shift_id) == AlreadyIn(Stand.JOINED)
    assert await rows(crowd) == [(crowd.people[0], "joined", 1)]


@pytest.mark.parametrize("locks", [True, False], ids=["sound", "control"])
async def test_who_foresees_a_seat_by_two_chats_at_once_has_one(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    shift_id = await opened(crowd, MANY)
    if not locks:
        monkeypatch.setattr(enrolment, "lock_foreseen", unlocked_foreseen)
    async with crowd.town.database.write() as other, asyncio.timeout(20):
        await enrolment.lock_shift(other, shift_id)
        both = [asyncio.create_task(join(crowd, 0, shift_id)) for _chat in range(2)]
        while (await other.run(WAIT_FOR_A_ROW)).scalar_one() < len(both):  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(0.01)
    said = Counter([type(await one) for one in both])
    assert said == ({Joined: 1, AlreadyIn: 1} if locks else {Joined: 2})
    async with crowd.town.database.read() as unit:
        taken = (await unit.run(select(shift.c.taken).where(shift.c.id == shift_id))).scalar_one()
    assert taken == (1 if locks else 2)


async def test_the_last_seat_that_goes_in_between_leaves_the_head_of_the_queue(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, seats: int
) -> None:
    shift_id = await opened(crowd, seats)
    others = range(1, seats + 1)

    async def others_take_them(_unit: Unit) -> None:
        for other in others:
            assert isinstance(await join(crowd, other, shift_id), Joined)

    in_between(crowd, others_take_them, monkeypatch)
    late = await join(crowd, 0, shift_id)
    assert late == Waitlisted(late.enrolment, 1)
    taken = [(crowd.people[other], "joined", other) for other in others]
    assert await rows(crowd) == [*taken, (crowd.people[0], "waiting", seats + 1)]


async def test_without_the_second_look_a_cancelled_activity_takes_somebody(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    blind = joining.statement(enrolment.DECIDE)
    monkeypatch.setattr(joining, "_JOIN", Prepared(blind))
    shift_id = await opened(crowd)
    in_between(crowd, cancelled, monkeypatch)
    assert isinstance(await join(crowd, 0, shift_id), Joined)


async def test_control_a_foreseen_seat_that_refuses_nothing_is_promised_and_never_given(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, logged = joining._made(joining._DECIDED, lambda kept: {"after": kept.c.state})
    monkeypatch.setattr(joining, "_TAKE", Prepared(select(kept.c.state).add_cte(logged)))
    shift_id = await opened(crowd, MANY)
    in_between(crowd, cancelled, monkeypatch)
    assert isinstance(await join(crowd, 0, shift_id), Joined)
    assert await rows(crowd) == []
