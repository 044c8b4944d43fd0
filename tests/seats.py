"""Whether the seats that a shift counts are those that its sign-ups hold."""

from __future__ import annotations

from sqlalchemy import and_, case, func, or_, select

from bot.domain.enrolment import SEATED, Stand
from storage.database import Unit
from storage.tables.activities import shift
from storage.tables.enrolment import enrolment


async def miscounted(unit: Unit) -> int:
    """Shifts whose counters do not agree with their sign-ups; must be 0."""
    seated = func.coalesce(func.sum(case((enrolment.c.state.in_(SEATED), 1 + enrolment.c.guests), else_=0)), 0)
    queued = and_(enrolment.c.state == Stand.WAITING, enrolment.c.admitted)
    waiting = func.coalesce(func.sum(case((queued, 1), else_=0)), 0)
    signed = func.count(enrolment.c.id)
    highest = func.coalesce(func.max(enrolment.c.queue), 0)
    wrong = (
        select(shift.c.id)
        .outerjoin(enrolment, enrolment.c.shift == shift.c.id)
        .group_by(shift.c.id, shift.c.taken, shift.c.capacity, shift.c.next_queue)
        .having(
            or_(
                seated != shift.c.taken,
                shift.c.taken > shift.c.capacity,
                and_(waiting > 0, shift.c.taken < shift.c.capacity),
                # Queue numbers are unique by a constraint: as many as the highest are 1 to n.
                signed != highest,
                highest != shift.c.next_queue,
            )
        )
    )
    return int((await unit.run(select(func.count()).select_from(wrong.subquery()))).scalar_one())
