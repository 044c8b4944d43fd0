"""Many rows at once, for cities that are made up: with numbers given by the maker, and the counters set right after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, case, func, insert, select, text, update

from bot.domain.enrolment import SEATED, Stand
from bot.domain.reach import REMINDINGS
from storage.database import Unit
from storage.tables import metadata
from storage.tables.activities import activity, membership, organisation, shift
from storage.tables.enrolment import attendance, enrolment, record
from storage.tables.people import consent, conversation, identity, person, subscription

TABLES: dict[str, Table] = {
    one.name: one
    for one in (
        person, identity, conversation, consent, subscription, organisation, membership, activity, shift, enrolment,
        attendance, record,
    )
}  # fmt: skip
"""What a made-up city fills, parents first."""


async def insert_rows(unit: Unit, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that bring their own numbers."""
    if rows:
        await unit.connection.execute(insert(TABLES[table]), rows)


async def is_empty(unit: Unit) -> bool:
    """Is there nobody and nothing in this city?"""
    people = (await unit.run(select(func.count()).select_from(person))).scalar_one()
    things = (await unit.run(select(func.count()).select_from(activity))).scalar_one()
    return not people and not things


async def settle_counters(unit: Unit) -> None:
    """Set every shift's counters from its sign-ups, and PostgreSQL's sequences behind the highest number."""
    of_shift = enrolment.c.shift == shift.c.id
    taken = select(func.count()).where(of_shift, enrolment.c.state.in_(SEATED)).scalar_subquery()
    last = select(func.coalesce(func.max(enrolment.c.queue), 0)).where(of_shift).scalar_subquery()
    await unit.run(update(shift).values(taken=taken, next_queue=last))
    if unit.locks_rows:
        for table in metadata.sorted_tables:
            if "id" in table.c:
                highest = f"coalesce((SELECT max(id) FROM {table.name}), 0) + 1"  # noqa: S608 - names are our own
                sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
                await unit.connection.execute(text(f"SELECT setval({sequence}, {highest}, false)"))


async def census(unit: Unit) -> dict[str, int]:
    """How many rows each table of the city has."""
    counted = {}
    for name, table in TABLES.items():
        counted[name] = int((await unit.run(select(func.count()).select_from(table))).scalar_one())
    return counted


async def next_moment(unit: Unit, externals: Sequence[str], now: datetime) -> datetime | None:
    """When Menkou will next begin to speak to one of these people: their next reminder, or what already waits."""
    theirs = (
        select(shift.c.starts, shift.c.ends, enrolment.c.state)
        .join(enrolment, enrolment.c.shift == shift.c.id)
        .join(identity, identity.c.person == enrolment.c.person)
        .where(identity.c.external.in_(externals), enrolment.c.state.in_(("joined", "arrived")), shift.c.ends > now)
    )
    moments = []
    for row in await unit.run(theirs):
        for one in REMINDINGS:
            if row.state in one.standing:
                moment = (row.starts if one.kind == "reminder" else row.ends) + timedelta(minutes=one.offset)
                moments.append(moment)
    return min((moment for moment in moments if moment > now), default=None)


async def oversold(unit: Unit) -> int:
    """Shifts whose counters do not agree with their sign-ups; must be 0."""
    seated = func.sum(case((enrolment.c.state.in_(SEATED), 1), else_=0))
    waiting = func.sum(case((enrolment.c.state == Stand.WAITING, 1), else_=0))
    wrong = (
        select(shift.c.id)
        .outerjoin(enrolment, enrolment.c.shift == shift.c.id)
        .group_by(shift.c.id, shift.c.taken, shift.c.capacity)
        .having(
            (func.coalesce(seated, 0) != shift.c.taken)
            | (shift.c.taken > shift.c.capacity)
            | ((func.coalesce(waiting, 0) > 0) & (shift.c.taken < shift.c.capacity))
        )
    )
    return int((await unit.run(select(func.count()).select_from(wrong.subquery()))).scalar_one())
