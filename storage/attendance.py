"""Who was there and what it counted: presences, records, wrong codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from bot.domain.attendance import Zero
from bot.domain.records import Counted, Record
from storage.database import Unit
from storage.prepared import Prepared
from storage.tables.activities import activity, organisation, shift
from storage.tables.enrolment import attendance, enrolment, record, wrong_code


async def arrive(unit: Unit, enrolment_id: int, person: int, at: datetime, by: str) -> None:
    """Write down an arrival; a second one keeps the first (unless the person had been taken back by an undo)."""
    row = unit.insert(attendance).values(enrolment=enrolment_id, person=person, arrived=at, arrived_by=by)
    again = {"arrived": at, "arrived_by": by, "left": None, "left_by": None}
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
    """What already counted for this person within these hours, over all organisations."""
    rows = await unit.run(
        select(record.c.starts, record.c.ends).where(
            record.c.person == person, record.c.minutes > 0, record.c.starts < ends, record.c.ends > starts
        )
    )
    return [(row.starts, row.ends) for row in rows]


async def keep_record(unit: Unit, enrolment_id: int, counted: Counted, grade: str, rules: str, now: datetime) -> None:
    """Write the record of a presence, naming the rule set that made its number; made once."""
    source = (
        select(attendance.c.id, attendance.c.person, activity.c.organisation, activity.c.id.label("activity"))
        .join(enrolment, enrolment.c.id == attendance.c.enrolment)
        .join(shift, shift.c.id == enrolment.c.shift)
        .join(activity, activity.c.id == shift.c.activity)
        .where(attendance.c.enrolment == enrolment_id)
    )
    row = (await unit.run(source)).one()
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
        rules=rules,
        made=now,
    )
    await unit.run(made.on_conflict_do_nothing())


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


_COUNTED = Prepared(
    select(record.c.starts, record.c.minutes).where(record.c.person == bindparam("whose"), record.c.minutes > 0)
)


async def minutes_by_start(unit: Unit, person: int) -> list[tuple[datetime, int]]:
    """Starts and minutes of everything that counted, for sums by month in the city's time zone."""
    rows = await unit.run(_COUNTED, {"whose": person})
    return [(row.starts, row.minutes) for row in rows]


_RECORDS = Prepared(
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
    .where(record.c.person == bindparam("whose"))
    .order_by(record.c.starts.desc(), record.c.id.desc())
    .limit(bindparam("at_most"))
)


async def records(unit: Unit, person: int, limit: int = 50) -> list[Record]:
    """The latest records of a person, newest first."""
    rows = await unit.run(_RECORDS, {"whose": person, "at_most": limit})
    return [
        Record(
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
        )
        for row in rows
    ]


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
    """Presences without a check-out whose shift ended before: to be closed by rule."""
    statement = (
        select(attendance.c.enrolment, attendance.c.person, attendance.c.arrived, shift.c.starts, shift.c.ends)
        .join(enrolment, enrolment.c.id == attendance.c.enrolment)
        .join(shift, shift.c.id == enrolment.c.shift)
        .where(enrolment.c.state == "arrived", attendance.c.left.is_(None), shift.c.ends < ended_before)
        .limit(limit)
    )
    return list(await unit.run(statement))
