"""Who was there and what it counted: presences, records, wrong codes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, case, func, insert, or_, select, type_coerce, update

from bot.domain.attendance import Zero
from bot.domain.enrolment import Stand
from bot.domain.kinds import kind
from bot.domain.records import Counted, Piece, Record, cover_of, holds
from bot.domain.rulesets import RuleSet
from storage.database import Unit
from storage.matters import held_back
from storage.prepared import Prepared
from storage.shared import looked_up
from storage.tables.activities import activity, organisation, shift
from storage.tables.enrolment import attendance, enrolment, record, wrong_code
from storage.tables.people import person as person_table


async def arrive(
    unit: Unit, enrolment_id: int, person: int, at: datetime, by: str, stood: Stand = Stand.JOINED
) -> None:
    """Write down an arrival; a second one keeps the first (unless the person had been taken back by an undo).

    `stood`: where the sign-up stood before; cancelled where it was made on the spot.
    """
    row = unit.insert(attendance).values(
        enrolment=enrolment_id, person=person, arrived=at, arrived_by=by, stood=stood
    )
    again = {"arrived": at, "arrived_by": by, "left": None, "left_by": None, "stood": stood}
    await unit.run(row.on_conflict_do_update(index_elements=["enrolment"], set_=again))


async def leave(unit: Unit, enrolment_id: int, at: datetime, by: str) -> None:
    """Write down a departure."""
    await unit.run(update(attendance).where(attendance.c.enrolment == enrolment_id).values(left=at, left_by=by))


async def unleave(unit: Unit, enrolment_id: int) -> None:
    """Take a departure back."""
    await unit.run(update(attendance).where(attendance.c.enrolment == enrolment_id).values(left=None, left_by=None))


async def presence(unit: Unit, enrolment_id: int) -> Any:
    """The presence that belongs to a sign-up."""
    return (await unit.run(select(attendance).where(attendance.c.enrolment == enrolment_id))).first()


async def counted_intervals(
    unit: Unit, person: int, starts: datetime, ends: datetime
) -> list[tuple[datetime, datetime]]:
    """What this person's records hold within these hours already, over all organisations."""
    rows = await unit.run(
        select(record.c.starts, record.c.ends, record.c.training, record.c.why).where(
            record.c.person == person, record.c.starts < ends, record.c.ends > starts
        )
    )
    return [(row.starts, row.ends) for row in rows if holds(row.training, row.why)]


async def keep_record(
    unit: Unit, enrolment_id: int, counted: Counted, grade: str, rules: RuleSet, now: datetime, settles: datetime
) -> None:
    """Write the record of a presence, naming the rule set that made its number; made once.

    `settles`: when its public notice is over.
    """
    source = (
        select(
            attendance.c.id,
            attendance.c.person,
            attendance.c.arrived,
            attendance.c.left,
            activity.c.organisation,
            activity.c.id.label("activity"),
            attendance.c.left_by,
            activity.c.kind,
            activity.c.cover_before,
            activity.c.cover_after,
            shift.c.ends.label("shift_ends"),
        )
        .join(enrolment, enrolment.c.id == attendance.c.enrolment)
        .join(shift, shift.c.id == enrolment.c.shift)
        .join(activity, activity.c.id == shift.c.activity)
        .where(attendance.c.enrolment == enrolment_id)
    )
    row = (await unit.run(source)).one()
    usual = timedelta() if kind(row.kind).evidence == "online" else rules.cover
    there, back = (usual if way is None else timedelta(minutes=way) for way in (row.cover_before, row.cover_after))
    # Nobody knows when somebody left who forgot to say so: until the end they may have been there.
    until = row.shift_ends if row.left_by == "rule" else row.left or counted.ends
    cover = cover_of(row.arrived, until, there, back) if there or back else (None, None)
    made = unit.insert(record).values(
        attendance=row.id,
        person=row.person,
        organisation=row.organisation,
        activity=row.activity,
        starts=counted.starts,
        ends=counted.ends,
        minutes=counted.minutes,
        grade=grade,
        state="counted" if counted.minutes else "zero",
        why=asdict(counted.why) if counted.why else None,
        rules=rules.name,
        made=now,
        training=counted.training,
        settles=settles,
        cover_starts=cover[0],
        cover_ends=cover[1],
        fresh=True,
    )
    await unit.run(made.on_conflict_do_nothing())


async def counts_as(unit: Unit, enrolment_id: int) -> str:
    """What the time of a sign-up's activity is: service, training, duty or giving."""
    of = select(activity.c.counts_as).join(shift, shift.c.activity == activity.c.id)
    of = of.join(enrolment, enrolment.c.shift == shift.c.id).where(enrolment.c.id == enrolment_id)
    return str((await unit.run(of)).scalar_one())


async def record_of(unit: Unit, enrolment_id: int) -> int | None:
    """The record of a sign-up's presence, if there is one."""
    of = select(attendance.c.id).where(attendance.c.enrolment == enrolment_id).scalar_subquery()
    id_: int | None = (await unit.run(select(record.c.id).where(record.c.attendance == of))).scalar_one_or_none()
    return id_


async def drop_record(unit: Unit, enrolment_id: int) -> None:
    """Take back the record of a presence whose check-out was undone."""
    of = select(attendance.c.id).where(attendance.c.enrolment == enrolment_id).scalar_subquery()
    await unit.run(record.delete().where(record.c.attendance == of))


_TOTAL = Prepared(
    select(func.coalesce(func.sum(record.c.minutes), 0).label("minutes"), func.count().label("times")).where(
        record.c.person == bindparam("whose")
    )
)


async def total(unit: Unit, person: int) -> tuple[int, int]:
    """(counted minutes, presences) of a person."""
    row = (await unit.run(_TOTAL, {"whose": person})).one()
    return int(row.minutes), int(row.times)


async def final(unit: Unit, person: int, now: datetime) -> tuple[int, int]:
    """Counted minutes of a person whose public notice is over; and of these, those about which something is asked."""
    over = or_(record.c.settles.is_(None), record.c.settles <= now)
    counted = select(
        func.coalesce(func.sum(record.c.minutes), 0).label("whole"),
        func.coalesce(func.sum(case((held_back(), record.c.minutes), else_=0)), 0).label("asked"),
    ).where(record.c.person == person, over)
    row = (await unit.run(counted)).one()
    return int(row.whole), int(row.asked)


_PIECES = Prepared(
    select(
        # Bare numbers: two thousand moments with their zone cost more than all the rest of the page.
        type_coerce(record.c.starts, BigInteger).label("starts"),
        record.c.minutes,
        record.c.training,
        activity.c.kind,
        organisation.c.name,
        organisation.c.english,
        record.c.grade,
        type_coerce(record.c.settles, BigInteger).label("settles"),
    )
    .join(activity, activity.c.id == record.c.activity)
    .join(organisation, organisation.c.id == record.c.organisation)
    .where(record.c.person == bindparam("whose"))
)


async def pieces(unit: Unit, person: int) -> list[Piece]:
    """All that a ledger is summed up from."""
    rows = await unit.run(_PIECES, {"whose": person})
    return [
        Piece(row.starts, row.minutes, row.training, row.kind, (row.name, row.english), row.grade, row.settles)
        for row in rows
    ]


_ALL_RECORDS = (
    select(
        record,
        activity.c.title,
        activity.c.english,
        activity.c.kind,
        organisation.c.name,
        organisation.c.english.label("organisation_english"),
    )
    .join(activity, activity.c.id == record.c.activity)
    .join(organisation, organisation.c.id == record.c.organisation)
)
_RECORDS = looked_up(
    _ALL_RECORDS.where(record.c.person == bindparam("whose"))
    .order_by(record.c.starts.desc(), record.c.id.desc())
    .limit(bindparam("at_most", type_=Integer))
)


async def records(unit: Unit, person: int, limit: int = 50) -> list[Record]:
    """The latest records of a person, newest first."""
    return [_record(row) for row in await unit.run(_RECORDS, {"whose": person, "at_most": limit})]


async def one_record(unit: Unit, id_: int) -> Record | None:
    """A record by its number, whosever it is."""
    row = (await unit.run(_ALL_RECORDS.where(record.c.id == id_))).first()
    return _record(row) if row else None


async def records_by_number(unit: Unit, ids: Collection[int]) -> dict[int, Record]:
    """Records by their numbers, whosever they are."""
    return {row.id: _record(row) for row in await unit.run(_ALL_RECORDS.where(record.c.id.in_(ids)))}


async def records_of(unit: Unit, activity_id: int) -> list[Record]:
    """Every record of an activity, in the order in which they were made."""
    rows = await unit.run(_ALL_RECORDS.where(record.c.activity == activity_id).order_by(record.c.id))
    return [_record(row) for row in rows]


async def on_notice(
    unit: Unit, person: int, organisations: Sequence[int], now: datetime, limit: int = 60
) -> list[Record]:
    """Others' records on public notice, of activities where this person was or of these organisations."""
    there = select(record.c.activity).where(record.c.person == person)
    near_me = or_(record.c.activity.in_(there), record.c.organisation.in_(organisations))
    rows = await unit.run(
        _ALL_RECORDS.where(record.c.settles > now, record.c.minutes > 0, record.c.person != person, near_me)
        .order_by(record.c.starts.desc(), record.c.id)
        .limit(limit)
    )
    return [_record(row) for row in rows]


def _record(row: Any) -> Record:
    return Record(
        row.id,
        row.title,
        row.english,
        row.kind,
        row.name,
        row.organisation_english,
        row.starts,
        row.minutes,
        row.grade,
        row.state,
        Zero(**row.why) if row.why else None,
        row.ends,
        row.training,
        row.settles,
        row.rules,
        (row.cover_starts, row.cover_ends) if row.cover_starts and row.cover_ends else None,
        row.person,
        row.organisation,
        row.activity,
    )


async def wrong_codes(
    unit: Unit, since: datetime, person: int | None = None, activity_id: int | None = None
) -> list[datetime]:
    """When wrong codes were typed since then, by a person or at an activity, oldest first."""
    whose = wrong_code.c.person == person if person is not None else wrong_code.c.activity == activity_id
    rows = await unit.run(select(wrong_code.c.at).where(whose, wrong_code.c.at > since).order_by(wrong_code.c.at))
    return [row.at for row in rows]


async def note_wrong_code(unit: Unit, person: int, activities: Sequence[int], at: datetime) -> None:
    """Remember a wrong code, at each activity that it could have been meant for."""
    meant: Sequence[int | None] = activities or [None]
    rows = [{"person": person, "activity": one, "at": at} for one in meant]
    await unit.run(insert(wrong_code), rows)


async def forgotten(unit: Unit, ended_before: datetime, limit: int = 200) -> list[Any]:
    """Presences without a check-out whose shift ended before: to be closed by rule. Other replicas take others."""
    statement = (
        select(attendance.c.enrolment, attendance.c.person, attendance.c.arrived, shift.c.starts, shift.c.ends)
        .join(enrolment, enrolment.c.id == attendance.c.enrolment)
        .join(shift, shift.c.id == enrolment.c.shift)
        .where(enrolment.c.state == "arrived", attendance.c.left.is_(None), shift.c.ends < ended_before)
        .limit(limit)
        .with_for_update(of=attendance, skip_locked=True)
    )
    return list(await unit.run(statement))


# --- Counting again, and looking for what is odd ---------------------------------------------------------------------


async def near(unit: Unit, person: int, since: datetime, until: datetime) -> list[Any]:
    """A person's records that begin in a time, in the order in which they were made."""
    theirs = select(record).where(record.c.person == person, record.c.starts >= since, record.c.starts < until)
    return list(await unit.run(theirs.order_by(record.c.id)))


async def minutes_on(unit: Unit, person: int, since: datetime, until: datetime) -> int:
    """What counted for a person in what began in a time."""
    theirs = select(func.coalesce(func.sum(record.c.minutes), 0)).where(
        record.c.person == person, record.c.starts >= since, record.c.starts < until
    )
    return int((await unit.run(theirs)).scalar_one())


async def set_worth(unit: Unit, id_: int, counted: Counted, settles: datetime | None = None) -> None:
    """What a record says from now on; what it said before stands in the corrections and in the log of moves.

    `settles`: when its public notice is over, where that begins anew.
    """
    values: dict[str, Any] = {
        "starts": counted.starts,
        "ends": counted.ends,
        "minutes": counted.minutes,
        "training": counted.training,
        "state": "counted" if counted.minutes else "zero",
        "why": asdict(counted.why) if counted.why else None,
    }
    if settles is not None:
        values["settles"] = settles
    await unit.run(update(record).where(record.c.id == id_).values(values))


async def shift_of(unit: Unit, record_id: int) -> tuple[datetime, datetime, str]:
    """From when to when the shift of a record was, and what its activity's time counts as."""
    row = (
        await unit.run(
            select(shift.c.starts, shift.c.ends, activity.c.counts_as)
            .join(enrolment, enrolment.c.shift == shift.c.id)
            .join(attendance, attendance.c.enrolment == enrolment.c.id)
            .join(record, record.c.attendance == attendance.c.id)
            .join(activity, activity.c.id == record.c.activity)
            .where(record.c.id == record_id)
        )
    ).one()
    return row.starts, row.ends, row.counts_as


async def fresh(unit: Unit, made_before: datetime, limit: int = 100) -> list[Any]:
    """Records that nobody has looked at yet, with their presence and shift."""
    statement = (
        select(
            record,
            attendance.c.arrived,
            attendance.c.left,
            shift.c.starts.label("shift_starts"),
            shift.c.ends.label("shift_ends"),
        )
        .join(attendance, attendance.c.id == record.c.attendance)
        .join(enrolment, enrolment.c.id == attendance.c.enrolment)
        .join(shift, shift.c.id == enrolment.c.shift)
        .where(record.c.fresh, record.c.made < made_before)
        .order_by(record.c.made, record.c.id)
        .limit(limit)
        .with_for_update(of=record, skip_locked=True)
    )
    return list(await unit.run(statement))


async def looked_at(unit: Unit, ids: Sequence[int]) -> None:
    """These need not be looked at again."""
    await unit.run(update(record).where(record.c.id.in_(ids)).values(fresh=False))


async def overlapping(unit: Unit, row: Any) -> list[Any]:
    """Records of the same person with other organisations that share minutes with this one and hold their interval."""
    shared = select(record).where(
        record.c.person == row.person,
        record.c.organisation != row.organisation,
        record.c.starts < row.ends,
        record.c.ends > row.starts,
        record.c.training == 0,
    )
    return list(await unit.run(shared.order_by(record.c.id)))


async def arrivals_by_code(unit: Unit, activity_id: int) -> list[datetime]:
    """When people arrived at an activity by the code on the wall."""
    rows = await unit.run(
        select(attendance.c.arrived)
        .join(record, record.c.attendance == attendance.c.id)
        .where(record.c.activity == activity_id, attendance.c.arrived_by.in_(("code", "link")))
    )
    return list(rows.scalars())


async def most_with_one_phone(unit: Unit, activity_id: int) -> int:
    """How many people with records at an activity gave the same telephone number, at most."""
    alike = (
        select(func.count(func.distinct(record.c.person)).label("people"))
        .join(person_table, person_table.c.id == record.c.person)
        .where(record.c.activity == activity_id, person_table.c.phone_index.is_not(None))
        .group_by(person_table.c.phone_index)
        .subquery()
    )
    return int((await unit.run(select(func.coalesce(func.max(alike.c.people), 0)))).scalar_one())
