"""The roll of an activity: everybody who ever signed up, under a number that stays theirs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from bot.domain.enrolment import Stand
from bot.domain.roll import Rolled
from storage.database import Unit
from storage.tables.activities import shift
from storage.tables.enrolment import attendance, enrolment


def _lines() -> Any:
    # By the row's own number, cancelled ones too: whoever joins or leaves later changes nobody else's number.
    number = func.row_number().over(partition_by=shift.c.activity, order_by=enrolment.c.id).label("number")
    return (
        select(
            number,
            shift.c.activity,
            enrolment.c.id,
            enrolment.c.person,
            enrolment.c.state,
            shift.c.starts,
            shift.c.ends,
            attendance.c.arrived,
            attendance.c.left,
            attendance.c.left_by,
        )
        .join(shift, shift.c.id == enrolment.c.shift)
        .outerjoin(attendance, attendance.c.enrolment == enrolment.c.id)
    )


async def roll(unit: Unit, activity_id: int) -> list[Rolled]:
    """Every line of an activity's roll by its number, without those who cancelled."""
    rows = await unit.run(_lines().where(shift.c.activity == activity_id).order_by(enrolment.c.id))
    return [
        Rolled(
            row.number, row.id, row.person, Stand(row.state), row.starts, row.ends, row.arrived, row.left, row.left_by
        )
        for row in rows
        if row.state != Stand.CANCELLED
    ]  # fmt: skip
