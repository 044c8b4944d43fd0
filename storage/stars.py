"""Stars and small steps: applications, objections, what was granted, and who has been thanked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update

from bot.domain.people import masked
from bot.domain.stars import Application, Way, rules_named
from storage import people
from storage.database import Unit
from storage.tables.enrolment import record
from storage.tables.people import person
from storage.tables.stars import objection, star, step

OPEN = (Way.APPLIED, Way.NOTICE)

LATEST = 2_000
"""Records that the tick looks at: more are not made between two of its looks."""


async def apply(
    unit: Unit, id_: int, level: int, rules: str, minutes: int, place: int, now: datetime
) -> int:  # fmt: skip
    """Enter an application. Returns its number."""
    row = insert(star).values(
        person=id_, level=level, rules=rules, minutes=minutes, place=place, state=Way.APPLIED, applied=now
    )
    return int((await unit.run(row.returning(star.c.id))).scalar_one())


async def of_person(unit: Unit, id_: int) -> list[Application]:
    """Everything that somebody ever applied for, newest first."""
    return await _found(unit, star.c.person == id_)


async def find(unit: Unit, number: int) -> Application | None:
    """One application."""
    found = await _found(unit, star.c.id == number)
    return found[0] if found else None


async def in_state(unit: Unit, *ways: Way) -> list[Application]:
    """All that stand there, newest first."""
    return await _found(unit, star.c.state.in_(ways))


async def _found(unit: Unit, which: ColumnElement[bool]) -> list[Application]:
    against = (
        select(func.count())
        .where(objection.c.star == star.c.id, objection.c.dismissed.is_(None))
        .correlate(star)
        .scalar_subquery()
    )
    rows = list(
        await unit.run(
            select(star, person.c.number, against.label("against"))
            .join(person, person.c.id == star.c.person)
            .where(which)
            .order_by(star.c.id.desc())
        )
    )
    names = await people.personal(unit, unit.secrecy, [row.person for row in rows])
    return [_application(row, names) for row in rows]


def _application(row: Any, names: dict[int, tuple[str, str]]) -> Application:
    return Application(
        id=row.id,
        person=row.person,
        number=row.number,
        name=masked(names.get(row.person, ("", ""))[0]),
        level=row.level,
        rules=rules_named(row.rules),
        minutes=row.minutes,
        place=row.place,
        way=Way(row.state),
        applied=row.applied,
        until=row.until,
        objections=int(row.against),
        granted=row.settled if row.state == Way.GRANTED else None,
        reason=row.reason,
    )


async def move(
    unit: Unit, number: int, before: Way, after: Way, now: datetime, until: datetime | None = None, reason: str = ""
) -> bool:
    """Go one step on. False: it does not stand there any more."""
    values: dict[str, Any] = {"state": after, "reason": reason}
    values |= {"until": until} if after == Way.NOTICE else {"settled": now}
    gone = update(star).where(star.c.id == number, star.c.state == before).values(values)
    return bool((await unit.run(gone)).rowcount)


async def object_to(unit: Unit, number: int, who: int, reason: str, now: datetime) -> bool:
    """Say something against one. False: they had already."""
    row = unit.insert(objection).values(star=number, person=who, reason=reason, at=now).on_conflict_do_nothing()
    return bool((await unit.run(row)).rowcount)


async def objections(unit: Unit, number: int) -> list[str]:
    """What is said against one and was not dismissed."""
    rows = select(objection.c.reason).where(objection.c.star == number, objection.c.dismissed.is_(None))
    return list((await unit.run(rows.order_by(objection.c.id))).scalars())


async def dismiss(unit: Unit, number: int, now: datetime) -> None:
    """The centre has looked at what was said and found nothing in it."""
    open_ones = update(objection).where(objection.c.star == number, objection.c.dismissed.is_(None))
    await unit.run(open_ones.values(dismissed=now))


# --- Small steps ----------------------------------------------------------------------------------------------------


async def take_steps(unit: Unit, id_: int, hours: Sequence[int], now: datetime) -> list[int]:
    """Write down that somebody is thanked for these; returns those that are new."""
    new = []
    for one in hours:
        row = unit.insert(step).values(person=id_, hours=one, at=now).on_conflict_do_nothing()
        if (await unit.run(row)).rowcount:
            new.append(one)
    return new


async def lately_counted(unit: Unit, since: datetime) -> dict[int, int]:
    """All minutes of everybody who had something counted since then: person → minutes."""
    last = (await unit.run(select(func.coalesce(func.max(record.c.id), 0)))).scalar_one()
    fresh = select(record.c.person).where(record.c.id > last - LATEST, record.c.made >= since, record.c.minutes > 0)
    rows = select(record.c.person, func.sum(record.c.minutes).label("minutes")).where(record.c.person.in_(fresh))
    return {row.person: int(row.minutes) for row in await unit.run(rows.group_by(record.c.person))}


async def steps_of(unit: Unit, ids: Sequence[int]) -> set[tuple[int, int]]:
    """(person, hours) of what was thanked."""
    rows = await unit.run(select(step.c.person, step.c.hours).where(step.c.person.in_(ids)))
    return {(row.person, row.hours) for row in rows}
