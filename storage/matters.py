"""Matters about records: opened once, answered word by word, found by whoever has to answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, false, insert, or_, select, update

from bot.domain.matters import About, Matter, Said, State, Word
from bot.domain.roles import Role
from storage.database import Unit
from storage.tables.activities import membership
from storage.tables.activities import organisation as organisation_table
from storage.tables.enrolment import attendance, record
from storage.tables.matters import correction, matter, matter_word


async def open_one(
    unit: Unit,
    kind: About,
    mark: str,
    record_id: int,
    person: int,
    organisation: int,
    node: int | None,
    now: datetime,
    due: datetime,
    other: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> int | None:
    """Open a matter; None: this one was opened before."""
    row = unit.insert(matter).values(
        kind=kind,
        mark=mark,
        record=record_id,
        other=other,
        person=person,
        organisation=organisation,
        node=node,
        state=State.OPEN,
        facts=dict(facts) if facts else None,
        opened=now,
        due=due,
    )
    made = await unit.run(row.on_conflict_do_nothing(index_elements=["mark"]).returning(matter.c.id))
    number: int | None = made.scalar_one_or_none()
    return number


async def say(
    unit: Unit, about: Matter, said: Said, now: datetime, who: int | None = None,
    organisation: int | None = None, node: int | None = None, words: str = "",
) -> int:  # fmt: skip
    """Write down what was said. Returns the word's number."""
    sealed = unit.secrecy.seal(words, f"matter:{about.id}") if words else None
    row = insert(matter_word).values(
        matter=about.id, at=now, person=who, organisation=organisation, node=node, said=said, words=sealed
    )
    return int((await unit.run(row.returning(matter_word.c.id))).scalar_one())


async def one(unit: Unit, id_: int, lock: bool = False) -> Matter | None:
    """A matter, whosever it is; `lock`: nobody else moves it until the end of the transaction."""
    found = select(matter).where(matter.c.id == id_)
    row = (await unit.run(found.with_for_update() if lock else found)).first()
    return _read(row) if row else None


def _read(row: Any) -> Matter:
    return Matter(
        row.id, About(row.kind), row.record, row.other, row.person, row.organisation, row.node, State(row.state),
        row.verdict or "", row.facts or {}, row.opened, row.due,
    )  # fmt: skip


async def words(unit: Unit, id_: int) -> list[Word]:
    """All that was said, oldest first."""
    rows = await unit.run(select(matter_word).where(matter_word.c.matter == id_).order_by(matter_word.c.id))
    return [
        Word(
            row.at, Said(row.said), row.person, row.organisation, row.node,
            unit.secrecy.open(row.words, f"matter:{id_}") if row.words else "",
        )
        for row in rows
    ]  # fmt: skip


async def move(
    unit: Unit, about: Matter, state: State, verdict: str, node: int | None, due: datetime, now: datetime
) -> None:
    """Where a matter stands from now on."""
    settled = now if state == State.SETTLED else None
    changed = {"state": state, "verdict": verdict or None, "node": node, "due": due, "settled": settled}
    await unit.run(update(matter).where(matter.c.id == about.id).values(changed))


async def of_record(unit: Unit, record_id: int) -> list[Matter]:
    """Every matter about a record, newest first."""
    mine = or_(matter.c.record == record_id, matter.c.other == record_id)
    rows = await unit.run(select(matter).where(mine).order_by(matter.c.id.desc()))
    return [_read(row) for row in rows]


async def of_person(unit: Unit, person: int) -> list[Matter]:
    """What somebody asked about their own records, or is asked about minutes that two recorded, and is not settled."""
    theirs = select(matter).where(
        matter.c.person == person, matter.c.kind.in_((About.DISPUTE, About.OVERLAP)), matter.c.state != State.SETTLED
    )
    return [_read(row) for row in await unit.run(theirs.order_by(matter.c.id))]


async def standing_with(
    unit: Unit, organisations: Collection[int], nodes: Collection[int], limit: int = 50
) -> list[Matter]:
    """Open matters that these organisations, or the centres of these places, have to answer, the oldest first."""
    in_overlap = select(record.c.id).where(record.c.organisation.in_(organisations))
    whose: list[ColumnElement[bool]] = [false()]
    if organisations:
        whose.append(matter.c.node.is_(None) & matter.c.organisation.in_(organisations))
        whose.append((matter.c.kind == About.OVERLAP) & matter.c.other.in_(in_overlap))
    if nodes:
        whose.append(matter.c.node.in_(nodes))
    found = select(matter).where(matter.c.state == State.OPEN, or_(*whose)).order_by(matter.c.due, matter.c.id)
    return [_read(row) for row in await unit.run(found.limit(limit))]


async def overdue(unit: Unit, now: datetime, limit: int = 100) -> list[Matter]:
    """Matters whose clock has run out, locked; other replicas take others."""
    late = select(matter).where(matter.c.state.in_((State.OPEN, State.ANSWERED)), matter.c.due <= now)
    rows = await unit.run(late.order_by(matter.c.due, matter.c.id).limit(limit).with_for_update(skip_locked=True))
    return [_read(row) for row in rows]


async def verdicts(unit: Unit, records: Sequence[int]) -> list[tuple[int, int]]:
    """Which record has, and which gives up, the minutes that two share; oldest first."""
    settled = select(matter.c.record, matter.c.other, matter.c.verdict).where(
        matter.c.kind == About.OVERLAP, matter.c.state == State.SETTLED, matter.c.record.in_(records)
    )
    rows = await unit.run(settled.order_by(matter.c.settled, matter.c.id))
    return [(row.record, row.other) if row.verdict == "first" else (row.other, row.record) for row in rows]


async def staffed(unit: Unit, nodes: Sequence[int], but: int) -> set[int]:
    """Which of these places have somebody appointed to their centre who is not this person."""
    rows = await unit.run(
        select(membership.c.place)
        .where(membership.c.place.in_(nodes), membership.c.role.in_((Role.CENTRE, Role.CITY)))
        .where(membership.c.person != but)
        .distinct()
    )
    return set(rows.scalars())


async def is_asked_about(unit: Unit, enrolment_id: int) -> bool:
    """Was anything asked about, or corrected in, the record of a sign-up's presence?"""
    of = select(record.c.id).join(attendance, attendance.c.id == record.c.attendance)
    of = of.where(attendance.c.enrolment == enrolment_id)
    asked = select(matter.c.id).where(or_(matter.c.record.in_(of), matter.c.other.in_(of))).exists()
    changed = select(correction.c.id).where(correction.c.record.in_(of)).exists()
    return bool((await unit.run(select(or_(asked, changed)))).scalar_one())


async def place_of(unit: Unit, organisation_id: int) -> int | None:
    """Where an organisation belongs."""
    found = await unit.run(select(organisation_table.c.place).where(organisation_table.c.id == organisation_id))
    place: int | None = found.scalar_one_or_none()
    return place


def held_back() -> ColumnElement[bool]:
    """Of a record: something about it is not settled."""
    about = or_(matter.c.record == record.c.id, matter.c.other == record.c.id)
    unsettled = select(matter.c.id).where(about, matter.c.state != State.SETTLED).correlate(record).exists()
    asked = select(correction.c.id).where(correction.c.record == record.c.id, correction.c.state == "waiting")
    return or_(unsettled, asked.correlate(record).exists())
