"""Skills with their proofs: proposed, looked at, and those that run out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import Exists, Select, delete, exists, insert, or_, select, update

from bot.domain.skills import Proof, Proven
from storage.database import Unit
from storage.tables.activities import activity, organisation, shift
from storage.tables.delivery import fanout
from storage.tables.enrolment import enrolment
from storage.tables.skills import skill


def _proofs(unit: Unit, rows: Iterable[Any]) -> list[Proof]:
    found = []
    for row in rows:
        kept = unit.secrecy.open_json(row.proof, f"skill:{row.id}")
        found.append(
            Proof(
                row.id, row.person, row.code, Proven(row.state), kept["document"], kept["issuer"], kept["number"],
                bool(kept["photo"]), row.expires,
            )
        )  # fmt: skip
    return found


def _oldest_first() -> Select[Any]:
    return select(skill).order_by(skill.c.proposed, skill.c.id)


async def of(unit: Unit, person: int) -> list[Proof]:
    """Everything that somebody has proposed, in that order."""
    return _proofs(unit, await unit.run(_oldest_first().where(skill.c.person == person)))


async def propose(
    unit: Unit, person: int, code: str, organisation_id: int, proof: dict[str, str], expires: date | None, now: datetime
) -> int:
    """Keep a proof for an organisation to look at; one of the same skill that nobody has looked at is replaced."""
    same = (skill.c.person == person, skill.c.code == code, skill.c.state != Proven.ACCEPTED)
    await unit.run(delete(skill).where(*same))
    row = insert(skill).values(
        person=person, code=code, organisation=organisation_id, expires=expires, state=Proven.PROPOSED, proposed=now,
        proof=b"",
    )  # fmt: skip
    id_ = int((await unit.run(row.returning(skill.c.id))).scalar_one())
    # Bound to its row, whose number exists only now; its owner may become one with another person.
    await unit.run(update(skill).where(skill.c.id == id_).values(proof=unit.secrecy.seal_json(proof, f"skill:{id_}")))
    return id_


async def waiting(unit: Unit) -> list[tuple[Proof, int, int]]:
    """Proofs that nobody has looked at, each with the organisation that is asked to, and its place."""
    asked = _oldest_first().add_columns(organisation.c.place).join(organisation)
    rows = list(await unit.run(asked.where(skill.c.state == Proven.PROPOSED)))
    return [
        (proof, row.organisation, row.place) for proof, row in zip(_proofs(unit, rows), rows, strict=True)
    ]  # fmt: skip


async def decide(unit: Unit, id_: int, state: Proven, now: datetime) -> bool:
    """A proof is accepted or declined. False: somebody has decided already."""
    done = await unit.run(
        update(skill).where(skill.c.id == id_, skill.c.state == Proven.PROPOSED).values(state=state, decided=now)
    )
    return bool(done.rowcount)


async def withdraw(unit: Unit, person: int, id_: int) -> bool:
    """Its owner takes a proof back."""
    done = await unit.run(delete(skill).where(skill.c.id == id_, skill.c.person == person))
    return bool(done.rowcount)


async def known_to(unit: Unit, person: int) -> dict[int, tuple[str, str]]:
    """Organisations that somebody has signed up with, by number: who may look at their proofs."""
    rows = (
        select(organisation.c.id, organisation.c.name, organisation.c.english)
        .join(activity, activity.c.organisation == organisation.c.id)
        .join(shift, shift.c.activity == activity.c.id)
        .join(enrolment, enrolment.c.shift == shift.c.id)
        .where(enrolment.c.person == person, organisation.c.state == "active")
        .distinct()
        .order_by(organisation.c.id)
    )
    return {row.id: (row.name, row.english) for row in await unit.run(rows)}


def _renewed() -> Exists:
    later = skill.alias("later")
    return exists().where(
        later.c.person == skill.c.person,
        later.c.code == skill.c.code,
        later.c.state == Proven.ACCEPTED,
        or_(later.c.expires.is_(None), later.c.expires > skill.c.expires),
    )


async def to_warn(unit: Unit, since: date, until: date, offset: int) -> list[Any]:
    """Accepted proofs whose last day lies between two days, both included, of owners who were not warned at this offset
    and have no later one of the same skill; each with the moment when it was accepted."""
    warned = exists().where(fanout.c.kind == "expiring", fanout.c.source == skill.c.id, fanout.c.offset == offset)
    rows = select(skill.c.id, skill.c.person, skill.c.code, skill.c.expires, skill.c.decided)
    ending = skill.c.state == Proven.ACCEPTED, skill.c.expires.between(since, until)
    return list(await unit.run(rows.where(*ending, ~_renewed(), ~warned).order_by(skill.c.expires, skill.c.id)))


async def lasting(unit: Unit, ids: Iterable[int]) -> set[int]:
    """Which of these proofs hold and are not replaced by a later one of the same skill."""
    rows = select(skill.c.id).where(skill.c.id.in_(sorted(ids)), skill.c.state == Proven.ACCEPTED, ~_renewed())
    return set((await unit.run(rows)).scalars())
