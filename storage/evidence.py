"""Evidence of presences: added, read, never changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import literal, select, update

from bot.domain.evidence import Evidence, Part, Proof, grade
from storage.database import Unit
from storage.tables.enrolment import attendance, record
from storage.tables.evidence import evidence


async def add(unit: Unit, enrolment_id: int, one: Evidence) -> None:
    """Keep one piece of evidence of the presence that belongs to a sign-up."""
    named = {
        "given_by": one.given_by, "kind": one.kind.value, "part": one.part.value, "at": one.at, "step": one.step,
        "band": one.band, "accuracy": one.accuracy, "photo": one.photo, "nonce": one.nonce, "sampled": one.sampled,
    }  # fmt: skip
    values = [literal(value, evidence.c[name].type) for name, value in named.items()]
    row = select(attendance.c.id, attendance.c.person, *values).where(attendance.c.enrolment == enrolment_id)
    await unit.run(evidence.insert().from_select(["attendance", "person", *named], row))


async def of(unit: Unit, enrolment_id: int) -> list[Evidence]:
    """Every piece about one sign-up's presence, in the order in which it was given."""
    return (await of_many(unit, [enrolment_id])).get(enrolment_id, [])


async def of_many(unit: Unit, enrolments: Sequence[int]) -> dict[int, list[Evidence]]:
    """The same for several sign-ups at once; those without evidence are not there."""
    rows = (
        select(evidence, attendance.c.enrolment)
        .join(attendance, attendance.c.id == evidence.c.attendance)
        .where(attendance.c.enrolment.in_(enrolments))
        .order_by(evidence.c.id)
    )
    found: dict[int, list[Evidence]] = defaultdict(list)
    for row in await unit.run(rows):
        found[row.enrolment].append(_read(row))
    return dict(found)


def _read(row: Any) -> Evidence:
    return Evidence(
        Proof(row.kind), Part(row.part), row.at, row.given_by, row.step, row.band, row.accuracy, row.photo, row.nonce,
        row.sampled,
    )  # fmt: skip


async def of_record(unit: Unit, record_id: int, person: int) -> list[Evidence]:
    """Every piece behind one of a person's records."""
    rows = (
        select(evidence)
        .join(record, record.c.attendance == evidence.c.attendance)
        .where(record.c.id == record_id, record.c.person == person)
        .order_by(evidence.c.id)
    )
    return [_read(row) for row in await unit.run(rows)]


async def own_codes_read(unit: Unit, activity: int) -> list[list[datetime]]:
    """When the own codes of people with records at an activity were read, by each account that read them."""
    rows = (
        select(evidence.c.given_by, evidence.c.at)
        .join(record, record.c.attendance == evidence.c.attendance)
        .where(record.c.activity == activity, evidence.c.kind == Proof.SHOWN, evidence.c.part == Part.ARRIVAL)
    )
    found: dict[int, list[datetime]] = defaultdict(list)
    for row in await unit.run(rows):
        found[row.given_by].append(row.at)
    return list(found.values())


async def known_nonces(unit: Unit, nonces: Sequence[str]) -> set[str]:
    """Which of these ticks have arrived before."""
    rows = await unit.run(select(evidence.c.nonce).where(evidence.c.nonce.in_(nonces)))
    return set(rows.scalars())


async def regrade(unit: Unit, enrolment_id: int) -> tuple[str, str] | None:
    """Give the record of a presence the grade that its evidence deserves. Returns (before, after), None: no change."""
    which = select(attendance.c.id).where(attendance.c.enrolment == enrolment_id).scalar_subquery()
    row = (await unit.run(select(record.c.id, record.c.grade).where(record.c.attendance == which))).first()
    deserved = grade(await of(unit, enrolment_id))
    if row is None or row.grade == deserved:
        return None
    await unit.run(update(record).where(record.c.id == row.id).values(grade=deserved))
    return row.grade, deserved
