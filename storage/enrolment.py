"""Seats and queues: the one statement that is right on both databases, and the moves that follow from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    String,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.enrolment import COMING, HELD, SEATED, Booking, Stand
from storage import audit
from storage.database import Unit
from storage.prepared import Parameters, Prepared
from storage.shared import looked_up
from storage.tables.activities import activity, shift
from storage.tables.enrolment import attendance, enrolment

LIVE = (*sorted(HELD), Stand.ARRIVED, Stand.LEFT)
"""Sign-ups that still matter to their owner."""


# Statements that every sign-up needs are made once: building one costs as much as running it.
_FREE = shift.c.taken < shift.c.capacity
_ASK = (
    update(shift)
    .where(shift.c.id == bindparam("wanted"))
    .values(next_queue=shift.c.next_queue + 1, seated=false())
    .returning(shift.c.next_queue, shift.c.seated)
)
DECIDE = (
    update(shift)
    .where(shift.c.id == bindparam("wanted"))
    .values(
        next_queue=shift.c.next_queue + 1,
        taken=shift.c.taken + case((_FREE, 1), else_=0),
        seated=case((_FREE, true()), else_=false()),
    )
    .returning(shift.c.next_queue, shift.c.seated)
)
_KEPT = ("shift", "person", "queue", "state", "joined", "changed", "admitted")
_NAMES = ("wanted", "whose", "number", "stand", "at", "at", "let_in")


def begun_anew(row: Any) -> Any:
    """Whoever signed up before and ended it begins anew, in the same row."""
    fresh = dict.fromkeys(("reason", "offered_until", "ended_by", "late", "answers", "why"), null())
    again = {name: row.excluded[name] for name in ("queue", "state", "joined", "changed", "admitted")}
    return row.on_conflict_do_update(
        index_elements=["shift", "person"],
        set_={
            **again, "lapses": literal_column("0"), "guests": literal_column("0"),
            "promised": literal_column("true"), **fresh,
        },
    ).returning(enrolment.c.id, enrolment.c.state)


def decided_and_kept(deciding: Any, own_id: str | None = None) -> Any:
    """Decide and keep, as one statement of PostgreSQL. `own_id`: by which name the row's number comes, if it does."""
    given = deciding.cte("given")
    kept = ("id", *_KEPT) if own_id else _KEPT
    names = (own_id, *_NAMES) if own_id else _NAMES
    typed = {
        name: bindparam(name, type_=enrolment.c[column].type) for name, column in zip(names, kept, strict=True)
    }
    seated = case(
        (given.c.seated, literal(Stand.JOINED, String)), else_=literal(Stand.WAITING, String)
    )
    values = typed | {"number": given.c.next_queue, "stand": seated}
    row = postgresql.insert(enrolment).from_select(
        kept, select(*(values[name] for name in names)).select_from(given), include_defaults=False
    )
    return begun_anew(row)


_DECIDES = {True: Prepared(DECIDE), False: Prepared(_ASK)}
_KEEP = Prepared(
    begun_anew(
        sqlite.insert(enrolment).values({column: bindparam(name) for column, name in zip(_KEPT, _NAMES, strict=True)})
    )
)
_AT_ONCE = {True: Prepared(decided_and_kept(DECIDE)), False: Prepared(decided_and_kept(_ASK))}


async def seat(unit: Unit, shift_id: int, person: int, now: datetime, admitted: bool = True) -> tuple[int, bool]:
    """Give out the next queue number, and a seat with it while there is one. Returns (enrolment, has a seat).

    `admitted=False`: the organiser decides first, there is a number but no seat yet.

    One UPDATE decides and locks: it always matches its row, so that even a full shift is queued for one after another.
    Counting first oversells on both databases; an UPDATE with `taken < capacity` in its WHERE takes no lock once the
    shift is full and gave 782 of 1,000 people a doubled queue number on PostgreSQL.
    """
    values = {"wanted": shift_id, "whose": person, "at": now, "let_in": admitted}
    if unit.dialect == "postgresql":
        kept = (await unit.run(_AT_ONCE[admitted], values)).one()
    else:
        given = (await unit.run(_DECIDES[admitted], {"wanted": shift_id})).one()
        stand = Stand.JOINED if given.seated else Stand.WAITING
        kept = (await unit.run(_KEEP, values | {"number": given.next_queue, "stand": stand})).one()
    await audit.log(unit, now, person, "join", f"enrolment:{kept.id}", None, Stand(kept.state))
    return kept.id, kept.state == Stand.JOINED


_LOCK = Prepared(select(shift.c.id).where(shift.c.id == bindparam("wanted")).with_for_update(key_share=True))


async def lock_shift(unit: Unit, shift_id: int, *then: tuple[Prepared, Parameters]) -> int:
    """Make a shift's seats ours until the end of the transaction.

    `then`: what follows in the same journey, because everybody else waits from the lock on. Returns how many rows the
    last of it gave.
    """
    lock = (_LOCK, {"wanted": shift_id})
    if then:
        return await unit.run_through(*([lock] if unit.locks_rows else []), *then)
    if unit.locks_rows:
        await unit.run(*lock)
    return 0


async def lock_foreseen(unit: Unit, shift_id: int, then: tuple[Prepared, Parameters]) -> None:
    """The same for one change whose outcome is foreseen: nobody waits for anything of ours. The unit must foresee."""
    await unit.run_foreseen(shift_id, (_LOCK, {"wanted": shift_id}), then)


async def position(unit: Unit, shift_id: int, queue: int) -> int:
    """Place in the queue, 1 for the head."""
    ahead = select(func.count()).where(
        enrolment.c.shift == shift_id,
        enrolment.c.state == Stand.WAITING,
        enrolment.c.admitted,
        enrolment.c.queue <= queue,
    )
    return int((await unit.run(ahead)).scalar_one())


_OWN = Prepared(
    select(enrolment).where(enrolment.c.shift == bindparam("wanted"), enrolment.c.person == bindparam("whose"))
)


async def own(unit: Unit, person: int, shift_id: int) -> Any:
    """Somebody's sign-up for a shift."""
    return (await unit.run(_OWN, {"wanted": shift_id, "whose": person})).first()


def _bookings() -> Any:
    return (
        select(
            enrolment.c.id,
            enrolment.c.shift,
            enrolment.c.state,
            enrolment.c.queue,
            shift.c.activity,
            shift.c.starts,
            shift.c.ends,
            activity.c.title,
            activity.c.english,
            activity.c.address,
            enrolment.c.offered_until,
            enrolment.c.admitted,
            enrolment.c.joined,
            activity.c.leave_before,
            enrolment.c.guests,
            enrolment.c.promised,
        )
        .join(shift, shift.c.id == enrolment.c.shift)
        .join(activity, activity.c.id == shift.c.activity)
    )


def _booking(row: Any) -> Booking:
    return Booking(
        row.id,
        row.shift,
        row.activity,
        row.title,
        row.english,
        row.address,
        row.starts,
        row.ends,
        Stand(row.state),
        row.queue,
        until=row.offered_until,
        admitted=row.admitted,
        joined=row.joined,
        leave_before=row.leave_before,
        guests=row.guests,
        promised=row.promised,
    )


_LIVE_BOOKINGS = looked_up(
    _bookings()
    .where(
        enrolment.c.person == bindparam("whose"),
        enrolment.c.state.in_([literal(stand, String) for stand in LIVE]),
        shift.c.ends > bindparam("since"),
        activity.c.state == "open",
    )
    .order_by(shift.c.starts, enrolment.c.id)
)


async def bookings(unit: Unit, person: int, since: datetime) -> list[Booking]:
    """Somebody's live sign-ups that have not ended before `since`, soonest first."""
    return [_booking(row) for row in await unit.run(_LIVE_BOOKINGS, {"whose": person, "since": since})]


async def booking(unit: Unit, id_: int, person: int) -> Booking | None:
    """One sign-up, if it is this person's. Of an activity that was called off only those who were there have one."""
    takes_place = or_(activity.c.state == "open", enrolment.c.state.not_in(HELD))
    mine = _bookings().where(enrolment.c.id == id_, enrolment.c.person == person, takes_place)
    row = (await unit.run(mine)).first()
    return _booking(row) if row else None


async def called_off(unit: Unit, id_: int, person: int) -> Booking | None:
    """A sign-up of this person's whose activity was called off."""
    mine = _bookings().where(enrolment.c.id == id_, enrolment.c.person == person, activity.c.state == "cancelled")
    row = (await unit.run(mine)).first()
    return _booking(row) if row else None


async def shift_of(unit: Unit, id_: int) -> int | None:
    """The shift of a sign-up."""
    which: int | None = (await unit.run(select(enrolment.c.shift).where(enrolment.c.id == id_))).scalar_one_or_none()
    return which


async def set_stand(unit: Unit, id_: int, before: Stand, after: Stand, now: datetime) -> bool:
    """Move one sign-up, if it still stands where the rule saw it. Whoever confirms has promised to come."""
    values = {"state": after, "changed": now} | ({"promised": True} if after == Stand.CONFIRMED else {})
    done = await unit.run(
        update(enrolment).where(enrolment.c.id == id_, enrolment.c.state == before).values(values)
    )
    return bool(done.rowcount)


async def give_back(unit: Unit, shift_id: int, seats: int = 1) -> None:
    """A seat is free again, or several. The shift's row must be locked by the caller."""
    await unit.run(update(shift).where(shift.c.id == shift_id).values(taken=shift.c.taken - seats))


async def end(
    unit: Unit, id_: int, before: Stand, now: datetime, by: str, reason: str | None = None, late: int | None = None
) -> bool:
    """Cancel one sign-up: who ended it (self, organiser, rule), why, and how many minutes too late."""
    done = await unit.run(
        update(enrolment)
        .where(enrolment.c.id == id_, enrolment.c.state == before)
        .values(
            state=Stand.CANCELLED,
            changed=now,
            offered_until=None,
            ended_by=by,
            reason=reason,
            late=late,
            answers=None,
            guests=0,
        )
    )
    return bool(done.rowcount)


async def accept(unit: Unit, id_: int, now: datetime) -> bool:
    """A seat that was held is theirs. False: it is not held any more."""
    done = await unit.run(
        update(enrolment)
        .where(enrolment.c.id == id_, enrolment.c.state == Stand.OFFERED)
        .values(state=Stand.JOINED, joined=now, changed=now, offered_until=None, promised=True)
    )
    return bool(done.rowcount)


async def ask_again(unit: Unit, activity_id: int, now: datetime) -> list[int]:
    """The activity was moved: whoever had said that they come is asked anew, and nobody who has a seat has promised to
    come to it as it is now. Returns the sign-ups of those who had said it."""
    of = select(shift.c.id).where(shift.c.activity == activity_id)
    moved = await unit.run(
        update(enrolment)
        .where(enrolment.c.shift.in_(of), enrolment.c.state == Stand.CONFIRMED)
        .values(state=Stand.JOINED, changed=now)
        .returning(enrolment.c.id)
    )
    again = sorted(row.id for row in moved)
    seated = update(enrolment).where(enrolment.c.shift.in_(of), enrolment.c.state == Stand.JOINED)
    await unit.run(seated.values(promised=False))
    return again


async def stands(unit: Unit, ids: Sequence[int]) -> dict[int, Stand]:
    """Where these sign-ups stand."""
    rows = await unit.run(select(enrolment.c.id, enrolment.c.state).where(enrolment.c.id.in_(ids)))
    return {row.id: Stand(row.state) for row in rows}


async def queue_number(unit: Unit, id_: int) -> int:
    """The queue number of a sign-up: a new one with each time that somebody joins again."""
    return int((await unit.run(select(enrolment.c.queue).where(enrolment.c.id == id_))).scalar_one())


async def roster(unit: Unit, activity_id: int) -> list[Any]:
    """Everybody with a seat or in the queue of an activity, those with a seat first, in the order of their numbers."""
    statement = (
        select(
            enrolment.c.id,
            enrolment.c.person,
            enrolment.c.state,
            enrolment.c.queue,
            enrolment.c.admitted,
            enrolment.c.shift,
            enrolment.c.answers,
            enrolment.c.reason,
            shift.c.starts,
            shift.c.role,
            shift.c.role_english,
            attendance.c.arrived,
            attendance.c.left,
        )
        .join(shift, shift.c.id == enrolment.c.shift)
        .outerjoin(attendance, attendance.c.enrolment == enrolment.c.id)
        .where(shift.c.activity == activity_id, enrolment.c.state != Stand.CANCELLED)
        .order_by(shift.c.starts, case((enrolment.c.state == Stand.WAITING, 1), else_=0), enrolment.c.queue)
    )
    return list(await unit.run(statement))


async def headcount(unit: Unit, activity_id: int) -> tuple[int, int]:
    """(arrived, with a seat) of an activity: counts only, for the wall."""
    there = case((enrolment.c.state.in_([Stand.ARRIVED, Stand.LEFT, Stand.COMPLETED]), 1), else_=0)
    seated = case((enrolment.c.state.in_(SEATED - {Stand.OFFERED}), 1), else_=0)
    row = (
        await unit.run(
            select(
                cast(func.coalesce(func.sum(there), 0), Integer).label("there"),
                cast(func.coalesce(func.sum(seated), 0), Integer).label("seated"),
            )
            .join(shift, shift.c.id == enrolment.c.shift)
            .where(shift.c.activity == activity_id)
        )
    ).one()
    return row.there, row.seated


async def joined_people(unit: Unit, activity_id: int, states: Collection[Stand] = COMING) -> int:
    """How many sign-ups of an activity stand in one of these states."""
    statement = (
        select(func.count())
        .select_from(enrolment.join(shift, shift.c.id == enrolment.c.shift))
        .where(shift.c.activity == activity_id, enrolment.c.state.in_(states))
    )
    return int((await unit.run(statement)).scalar_one())


async def close_ended(unit: Unit, ended_before: datetime, now: datetime) -> None:
    """After the last check-out: who left has completed, who never came is absent, who waited waits no more. To what
    was called off nobody had to come."""
    over = select(shift.c.id).where(shift.c.ends < ended_before)
    called_off_ = over.join(activity, activity.c.id == shift.c.activity).where(activity.c.state == "cancelled")
    for before in HELD:
        await _close(unit, called_off_, before, Stand.CANCELLED, "organiser", now)
    closing = {
        Stand.ARRIVED: Stand.COMPLETED,
        Stand.LEFT: Stand.COMPLETED,
        Stand.JOINED: Stand.ABSENT,
        Stand.CONFIRMED: Stand.ABSENT,
        Stand.OFFERED: Stand.CANCELLED,
        Stand.WAITING: Stand.CANCELLED,
    }
    for before, after in closing.items():
        await _close(unit, over, before, after, "rule", now)


async def _close(unit: Unit, shifts: Select[Any], before: Stand, after: Stand, by: str, now: datetime) -> None:
    ended = {"ended_by": by} if after == Stand.CANCELLED else {}
    moved = await unit.run(
        update(enrolment)
        .where(enrolment.c.state == before, enrolment.c.shift.in_(shifts))
        .values(state=after, changed=now, **ended)
        .returning(enrolment.c.id)
    )
    for row in moved:
        await audit.log(unit, now, None, "close", f"enrolment:{row.id}", before, after)
