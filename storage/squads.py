"""Squads: what they demand, counted against who is coming."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, or_, select, update

from bot.domain.enrolment import SEATED
from bot.domain.skills import Proven
from bot.domain.squads import Squad
from storage.database import Unit
from storage.tables.activities import activity, shift
from storage.tables.enrolment import enrolment
from storage.tables.skills import skill
from storage.tables.squads import squad


def proven(person: ColumnElement[int], code: ColumnElement[str] | str, day: date) -> ColumnElement[bool]:
    """Has this person proven the skill, for that day?"""
    return exists().where(
        skill.c.person == person,
        skill.c.code == code,
        skill.c.state == Proven.ACCEPTED,
        or_(skill.c.expires.is_(None), skill.c.expires >= day),
    )


async def demand(unit: Unit, shift_id: int, code: str, per: int) -> None:
    """The shift demands one of these for so many people."""
    row = unit.insert(squad).values(shift=shift_id, skill=code, per=per)
    await unit.run(row.on_conflict_do_update(index_elements=["shift"], set_={"skill": code, "per": per}))


async def release(unit: Unit, shift_id: int) -> None:
    """The shift demands nobody any more."""
    await unit.run(delete(squad).where(squad.c.shift == shift_id))


async def of(unit: Unit, shift_id: int, day: date) -> Squad | None:
    """The squad of a shift on its day, as it is when its row is ours; None: it demands nobody."""
    leads = and_(enrolment.c.state.in_(SEATED), proven(enrolment.c.person, squad.c.skill, day))
    row = (
        await unit.run(
            select(
                squad, shift.c.taken, shift.c.capacity,
                func.coalesce(func.sum(case((leads, 1), else_=0)), 0).label("leads"),
            )
            .select_from(squad.join(shift, shift.c.id == squad.c.shift).outerjoin(
                enrolment, enrolment.c.shift == shift.c.id))
            .where(squad.c.shift == shift_id)
            .group_by(*squad.c, shift.c.taken, shift.c.capacity)
        )
    ).first()  # fmt: skip
    if row is None:
        return None
    count = int(row.leads)
    return Squad(
        shift_id, row.skill, row.per, count, row.taken - count, row.taken >= row.capacity, row.frozen is not None
    )


async def may_hand_on(unit: Unit, shift_id: int, day: date) -> bool:
    """May somebody from the queue have a free seat of this shift?"""
    found = await of(unit, shift_id, day)
    return found is None or found.others + 1 <= found.leads * found.per


async def to_come(unit: Unit, now: datetime) -> list[Any]:
    """Shifts with a squad that have not begun: number, start."""
    rows = (
        select(shift.c.id, shift.c.starts)
        .join(squad, squad.c.shift == shift.c.id)
        .join(activity, activity.c.id == shift.c.activity)
        .where(shift.c.starts > now, activity.c.state == "open")
        .order_by(shift.c.id)
    )
    return list(await unit.run(rows))


async def mark(unit: Unit, shift_id: int, frozen: datetime | None) -> int:
    """It is frozen from now on, or no more. Returns how often that changed."""
    done = (
        update(squad).where(squad.c.shift == shift_id).values(frozen=frozen, times=squad.c.times + 1)
    ).returning(squad.c.times)  # fmt: skip
    return int((await unit.run(done)).scalar_one())
