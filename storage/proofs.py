"""Certificates and who asked about them: what can be certified, what was, and every check of a number."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, insert, select, update

from bot.domain.people import masked
from bot.domain.proofs import Certificate, Entry, Issuer, Look, Period, Recorder
from bot.domain.roles import Role
from storage import people
from storage.database import Unit
from storage.matters import held_back
from storage.tables.activities import activity, membership, organisation
from storage.tables.enrolment import record
from storage.tables.proofs import certificate, verification

SAME_LOOK = timedelta(minutes=1)
"""Looks at the public page within this time are one: a page that is loaded again, a flood of requests."""


async def recorders(unit: Unit, person: int) -> list[Recorder]:
    """The organisations with counted records of this person, most minutes to certify first."""
    certain = func.sum(case((held_back(), 0), else_=record.c.minutes))
    rows = await unit.run(
        select(
            organisation,
            certain.label("minutes"),
            func.sum(record.c.minutes).label("whole"),
            func.min(record.c.starts).label("first"),
        )
        .join(record, record.c.organisation == organisation.c.id)
        .where(record.c.person == person, record.c.minutes > 0)
        .group_by(organisation.c.id)
        .order_by(certain.desc(), organisation.c.id)
    )
    return [Recorder(_issuer(row), int(row.minutes), row.first, int(row.whole - row.minutes)) for row in rows]


def _issuer(row: Any) -> Issuer:
    return Issuer(row.id, row.name, row.english, row.place, row.state == "active")


async def entries(unit: Unit, person: int, organisation_id: int, period: Period, zone: tzinfo) -> list[Entry]:
    """What counted for this person with one organisation in a period, oldest first; not what is still asked about."""
    start, end = period.moments(zone)
    rows = await unit.run(
        select(record, activity.c.title, activity.c.english)
        .join(activity, activity.c.id == record.c.activity)
        .where(
            record.c.person == person,
            record.c.organisation == organisation_id,
            record.c.minutes > 0,
            record.c.starts >= start,
            record.c.starts < end,
            ~held_back(),
        )
        .order_by(record.c.starts, record.c.id)
    )
    return [
        Entry(row.id, row.starts.astimezone(zone).date(), row.title, row.english, row.minutes, row.grade)
        for row in rows
    ]


async def responsible(unit: Unit, organisation_id: int) -> str:
    """The name of whoever has been this organisation's organiser for longest; empty where none has given one."""
    rows = await unit.run(
        select(membership.c.person)
        .where(membership.c.organisation == organisation_id, membership.c.role == Role.ORGANISER)
        .order_by(membership.c.since, membership.c.id)
    )
    ids = [row.person for row in rows]
    names = await people.personal(unit, unit.secrecy, ids)
    return next((names[one][0] for one in ids if names[one][0]), "")


async def same(unit: Unit, person: int, content: str) -> Certificate | None:
    """A valid certificate that says exactly this."""
    return await _one(
        unit, certificate.c.person == person, certificate.c.content == content, certificate.c.state == "valid"
    )


async def keep(unit: Unit, new: Certificate, content: str, replaces: int | None = None) -> Certificate:
    """Enter a certificate into the register; returned with its row's number."""
    secrecy, number = unit.secrecy, new.number
    made = insert(certificate).values(
        number=number,
        person=new.person,
        volunteer=new.volunteer,
        organisation=new.issuer.id,
        issuer=new.issuer.name,
        issuer_english=new.issuer.english,
        since=new.period.since,
        until=new.period.until,
        minutes=dict(new.minutes),
        entries=[[one.record, one.day.isoformat(), one.title, one.english, one.minutes, one.grade]
                 for one in new.entries],
        name=secrecy.seal(new.name, f"certificate:{number}:name"),
        responsible=secrecy.seal(new.responsible, f"certificate:{number}:responsible") if new.responsible else None,
        issued=new.issued,
        replaces=replaces,
        content=content,
    )  # fmt: skip
    return replace(new, id=int((await unit.run(made.returning(certificate.c.id))).scalar_one()))


async def by_number(unit: Unit, number: str) -> Certificate | None:
    """The certificate with this number."""
    return await _one(unit, certificate.c.number == number)


async def of_person(unit: Unit, person: int) -> list[Certificate]:
    """Everything that was ever certified of somebody, newest first."""
    rows = await unit.run(
        _all().where(certificate.c.person == person).order_by(certificate.c.issued.desc(), certificate.c.id.desc())
    )
    return [_certificate(unit, row) for row in rows]


async def of_organisation(unit: Unit, organisation_id: int, limit: int | None = None) -> list[Certificate]:
    """The issuer's register: everything that it ever certified, newest first."""
    rows = _all().where(certificate.c.organisation == organisation_id).order_by(certificate.c.id.desc())
    return [_certificate(unit, row) for row in await unit.run(rows.limit(limit))]


async def _one(unit: Unit, *conditions: ColumnElement[bool]) -> Certificate | None:
    row = (await unit.run(_all().where(*conditions).order_by(certificate.c.id.desc()).limit(1))).first()
    return None if row is None else _certificate(unit, row)


def _all() -> Select[Any]:
    return select(
        certificate, organisation.c.place, organisation.c.state.label("organisation_state")
    ).join(organisation, organisation.c.id == certificate.c.organisation)  # fmt: skip


def _certificate(unit: Unit, row: Any) -> Certificate:
    secrecy = unit.secrecy
    return Certificate(
        id=row.id,
        number=row.number,
        person=row.person,
        volunteer=row.volunteer,
        issuer=Issuer(
            row.organisation, row.issuer, row.issuer_english, row.place, row.organisation_state == "active"
        ),
        period=Period(row.since, row.until),
        minutes=row.minutes,
        entries=[Entry(one[0], date.fromisoformat(one[1]), *one[2:]) for one in row.entries],
        name=secrecy.open(row.name, f"certificate:{row.number}:name"),
        responsible=(
            secrecy.open(row.responsible, f"certificate:{row.number}:responsible") if row.responsible else ""
        ),
        issued=row.issued,
        state=row.state,
        reason=row.reason,
        withdrawn=row.withdrawn,
    )  # fmt: skip


async def withdraw(unit: Unit, id_: int, reason: str, now: datetime) -> bool:
    """Take a certificate back. False: it was withdrawn before."""
    taken = update(certificate).where(certificate.c.id == id_, certificate.c.state == "valid")
    return bool((await unit.run(taken.values(state="withdrawn", reason=reason, withdrawn=now))).rowcount)


async def note_check(unit: Unit, id_: int, person: int | None, now: datetime) -> None:
    """Remember that somebody asked about a certificate; looks at the page within a minute are one."""
    if person is None:
        lately = select(verification.c.id).where(
            verification.c.certificate == id_, verification.c.person.is_(None), verification.c.at > now - SAME_LOOK
        )
        if (await unit.run(lately.limit(1))).first() is not None:
            return
    await unit.run(insert(verification).values(certificate=id_, at=now, person=person))


async def checks(unit: Unit, id_: int) -> int:
    """How often a certificate was asked about."""
    of = select(func.count()).select_from(verification).where(verification.c.certificate == id_)
    return int((await unit.run(of)).scalar_one())


async def looks(unit: Unit, id_: int, after: int, limit: int) -> list[Look]:
    """Who asked about a certificate, newest first, `after` so many: with the organisation where they hold a post."""
    first = select(func.min(membership.c.organisation)).where(membership.c.person == verification.c.person)
    rows = await unit.run(
        select(verification.c.at, verification.c.person, organisation.c.name, organisation.c.english)
        .select_from(verification)
        .outerjoin(organisation, organisation.c.id == first.scalar_subquery())
        .where(verification.c.certificate == id_)
        .order_by(verification.c.at.desc(), verification.c.id.desc())
        .offset(after)
        .limit(limit)
    )
    found = rows.all()
    names = await people.personal(unit, unit.secrecy, [row.person for row in found if row.person is not None])
    return [
        Look(row.at, row.person is not None, masked(names.get(row.person, ("", ""))[0]),
             (row.name, row.english) if row.name else None)
        for row in found
    ]  # fmt: skip
