"""Seats on offer: the head of a queue and the seat that is held for it, and offers that ran out.

Whoever calls these has locked the shift.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from bot.domain.enrolment import Stand
from storage.database import Unit
from storage.tables.activities import activity, shift
from storage.tables.enrolment import enrolment

_HEAD = (
    select(enrolment.c.id, enrolment.c.person, enrolment.c.queue, enrolment.c.offers)
    .join(shift, shift.c.id == enrolment.c.shift)
    .join(activity, activity.c.id == shift.c.activity)
    .where(
        enrolment.c.shift == bindparam("wanted"),
        enrolment.c.state == Stand.WAITING,
        enrolment.c.admitted,
        shift.c.taken < shift.c.capacity,
        activity.c.state == "open",
    )
    .order_by(enrolment.c.queue)
    .limit(1)
)


async def take_for_head(unit: Unit, shift_id: int) -> Any:
    """Take a free seat for the head of the queue: its sign-up. None: no seat is free, or nobody waits."""
    head = (await unit.run(_HEAD, {"wanted": shift_id})).first()
    if head is not None:
        await unit.run(update(shift).where(shift.c.id == shift_id).values(taken=shift.c.taken + 1))
    return head


async def place(
    unit: Unit, id_: int, stand: Stand, until: datetime | None, now: datetime, promised: bool = True
) -> None:
    """Give the head its seat, or hold it for them until a moment. `promised=False`: it comes without their yes."""
    given = {"joined": now, "promised": promised} if stand == Stand.JOINED else {}
    await unit.run(
        update(enrolment)
        .where(enrolment.c.id == id_, enrolment.c.state == Stand.WAITING)
        .values(state=stand, offered_until=until, offers=enrolment.c.offers + 1, changed=now, **given)
    )


async def open_on(unit: Unit, shift_id: int, until: datetime | None = None) -> Sequence[Any]:
    """Offers for a shift that nobody has answered, in the order of their queue numbers; those that run out by then."""
    which = select(enrolment.c.id, enrolment.c.queue, enrolment.c.lapses, enrolment.c.offers).where(
        enrolment.c.shift == shift_id, enrolment.c.state == Stand.OFFERED
    )
    if until is not None:
        which = which.where(enrolment.c.offered_until <= until)
    return list(await unit.run(which.order_by(enrolment.c.queue)))


async def queue_again(unit: Unit, id_: int, shift_id: int, lapses: int, now: datetime) -> None:
    """An offer ran out: its seat is free, and whoever did not answer stands at the end of the queue."""
    free = {"taken": shift.c.taken - 1, "next_queue": shift.c.next_queue + 1}
    last = update(shift).where(shift.c.id == shift_id).values(free).returning(shift.c.next_queue)
    number = (await unit.run(last)).scalar_one()
    values = {"state": Stand.WAITING, "queue": number, "lapses": lapses, "offered_until": None, "changed": now}
    await unit.run(update(enrolment).where(enrolment.c.id == id_).values(values))


async def stand_back(unit: Unit, id_: int, shift_id: int, now: datetime) -> None:
    """An offer no longer holds as it was made: its seat is free, and whoever had it is the head again."""
    await unit.run(update(shift).where(shift.c.id == shift_id).values(taken=shift.c.taken - 1))
    values = {"state": Stand.WAITING, "offered_until": None, "changed": now}
    await unit.run(update(enrolment).where(enrolment.c.id == id_).values(values))


async def run_out(unit: Unit, now: datetime, limit: int = 200) -> list[Any]:
    """Shifts with an offer that has run out, and when they begin."""
    over = (
        select(shift.c.id, shift.c.starts)
        .join(enrolment, enrolment.c.shift == shift.c.id)
        .where(enrolment.c.state == Stand.OFFERED, enrolment.c.offered_until <= now)
        .distinct()
        .order_by(shift.c.id)
        .limit(limit)
    )
    return list(await unit.run(over))
