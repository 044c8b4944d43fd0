"""Codes that a child shows, guardians, and their answers, a row for each child and shift."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, delete, insert, select, update

from bot.domain.guardians import VERSION, Answer, Band, Permission, Ward, Wished, band
from storage import people
from storage.database import Unit
from storage.tables.activities import activity, shift
from storage.tables.enrolment import enrolment
from storage.tables.guardians import guardian_code, guardianship, permission
from storage.tables.people import consent, person


async def keep_code(unit: Unit, child: int, code: str, now: datetime, expires: datetime) -> None:
    """Remember a code that a child shows; the ones before it are worthless."""
    await unit.run(delete(guardian_code).where(guardian_code.c.child == child))
    kept = unit.secrecy.index(f"guardian:{code}")
    await unit.run(insert(guardian_code).values(code=kept, child=child, made=now, expires=expires))


async def shower(unit: Unit, code: str, now: datetime) -> int | None:
    """Which child shows this code now."""
    found = (
        select(guardian_code.c.child)
        .join(person, person.c.id == guardian_code.c.child)
        .where(guardian_code.c.code == unit.secrecy.index(f"guardian:{code}"), guardian_code.c.expires > now)
        .where(person.c.merged.is_(None), person.c.erasing.is_(None))
    )
    who: int | None = (await unit.run(found)).scalar_one_or_none()
    return who


async def use_code(unit: Unit, child: int) -> None:
    """The code has done its work."""
    await unit.run(delete(guardian_code).where(guardian_code.c.child == child))


async def ward(unit: Unit, child: int) -> Ward:
    """Somebody under age as their guardian sees them."""
    row = (await unit.run(select(person.c.number, person.c.born).where(person.c.id == child))).one()
    name = (await people.personal(unit, unit.secrecy, [child])).get(child, ("", ""))[0]
    return Ward(child, row.number, name, row.born)


async def take(unit: Unit, guardian: int, child: int, door: str, now: datetime) -> None:
    """This is the child's guardian from now on; the consent that they gave in the child's stead is kept with them."""
    values = {"version": VERSION, "door": door, "given": now, "ended": None}
    row = unit.insert(guardianship).values(guardian=guardian, child=child, **values)
    await unit.run(row.on_conflict_do_update(index_elements=["guardian", "child"], set_=values))
    await unit.run(
        insert(consent).values(
            person=child, purpose="enrolment", version=VERSION, door=door, given=now, guardian=guardian
        )
    )


async def release(unit: Unit, guardian: int, child: int, now: datetime) -> bool:
    """They are the child's guardian no more. False: they were not."""
    done = await unit.run(
        update(guardianship)
        .where(guardianship.c.guardian == guardian, guardianship.c.child == child, guardianship.c.ended.is_(None))
        .values(ended=now)
    )
    return bool(done.rowcount)


async def guardians_of(unit: Unit, children: Sequence[int]) -> dict[int, list[int]]:
    """Who decides for each of these; nobody is their own guardian, even after two chats became one."""
    rows = await unit.run(
        select(guardianship.c.child, guardianship.c.guardian)
        .where(guardianship.c.child.in_(children), guardianship.c.ended.is_(None))
        .where(guardianship.c.guardian != guardianship.c.child)
        .order_by(guardianship.c.id)
    )
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row.child, []).append(row.guardian)
    return found


async def wards_of(unit: Unit, guardian: int) -> list[Ward]:
    """Whom this person decides for."""
    rows = await unit.run(
        select(guardianship.c.child)
        .where(guardianship.c.guardian == guardian, guardianship.c.ended.is_(None))
        .where(guardianship.c.guardian != guardianship.c.child)
        .order_by(guardianship.c.id)
    )
    return [await ward(unit, child) for child in rows.scalars()]


async def under_age(unit: Unit, ids: Sequence[int], now: datetime) -> set[int]:
    """Who of these is not of age yet."""
    rows = await unit.run(select(person.c.id, person.c.born).where(person.c.id.in_(ids), person.c.born.is_not(None)))
    return {row.id for row in rows if band(row.born, now) is not Band.ADULT}


async def said_young(unit: Unit, child: int) -> bool:
    """Did somebody whose year of birth is not known say that they are under age: showed a guardian's code, or wished
    to join with a guardian's yes?"""
    code, wish = (select(table.c.child).where(table.c.child == child) for table in (guardian_code, permission))
    return (await unit.run(code.union_all(wish).limit(1))).first() is not None


# --- Permissions ----------------------------------------------------------------------------------------------------


async def answer_for(unit: Unit, child: int, shift_id: int) -> tuple[int, Answer] | None:
    """Number and answer of the permission for one shift; None: nobody was asked yet."""
    found = select(permission.c.id, permission.c.state)
    row = (await unit.run(found.where(permission.c.child == child, permission.c.shift == shift_id))).first()
    return (row.id, Answer(row.state)) if row else None


async def ask(unit: Unit, child: int, shift_id: int, now: datetime) -> int:
    """Keep that a child wishes to join; asked twice it is one wish. Returns its number."""
    row = unit.insert(permission).values(child=child, shift=shift_id, state=Answer.ASKED, asked=now)
    await unit.run(row.on_conflict_do_nothing(index_elements=["child", "shift"]))
    same = select(permission.c.id).where(permission.c.child == child, permission.c.shift == shift_id)
    return int((await unit.run(same)).scalar_one())


async def answer(unit: Unit, id_: int, before: Answer, after: Answer, by: int, door: str, now: datetime) -> int | None:
    """Keep an answer, if it still stands as the rule saw it. Returns which answer it is, counted from one."""
    done = await unit.run(
        update(permission)
        .where(permission.c.id == id_, permission.c.state == before)
        .values(state=after, guardian=by, door=door, answered=now, round=permission.c.round + 1)
        .returning(permission.c.round)
    )
    return done.scalar_one_or_none()


def _asked(guardian: int) -> Select[Any]:
    return (
        select(
            permission.c.id, permission.c.child, permission.c.shift, permission.c.state,
            shift.c.activity, shift.c.starts, shift.c.ends, activity.c.title, activity.c.english,
        )
        .select_from(permission)
        .join(guardianship, and_(guardianship.c.child == permission.c.child, guardianship.c.ended.is_(None)))
        .join(shift, shift.c.id == permission.c.shift)
        .join(activity, activity.c.id == shift.c.activity)
        .where(guardianship.c.guardian == guardian, guardianship.c.guardian != guardianship.c.child)
        .where(activity.c.state == "open")
    )  # fmt: skip


async def _permissions(unit: Unit, statement: Select[Any]) -> list[Permission]:
    rows = list(await unit.run(statement.order_by(shift.c.starts, permission.c.id)))
    names = await people.personal(unit, unit.secrecy, [row.child for row in rows])
    return [
        Permission(
            row.id, row.child, names.get(row.child, ("", ""))[0], row.shift, row.activity, row.title, row.english,
            row.starts, row.ends, Answer(row.state),
        )
        for row in rows
    ]  # fmt: skip


async def asked_of(unit: Unit, guardian: int, id_: int, now: datetime) -> Permission | None:
    """One permission that this guardian decides about, as long as the shift is not over: whoever stands at the gate
    without it can still be let in."""
    found = await _permissions(unit, _asked(guardian).where(permission.c.id == id_, shift.c.ends > now))
    return found[0] if found else None


async def coming(unit: Unit, guardian: int, now: datetime, child: int | None = None) -> list[Permission]:
    """What this guardian decides about, soonest first; of one child or of all."""
    which = _asked(guardian).where(shift.c.ends > now)
    return await _permissions(unit, which if child is None else which.where(permission.c.child == child))


async def wished(unit: Unit, child: int, now: datetime) -> list[Wished]:
    """What somebody under age wishes to join and nobody has answered yet, soonest first."""
    rows = (
        select(shift.c.activity, activity.c.title, activity.c.english, shift.c.starts)
        .select_from(permission)
        .join(shift, shift.c.id == permission.c.shift)
        .join(activity, activity.c.id == shift.c.activity)
        .where(permission.c.child == child, permission.c.state == Answer.ASKED)
        .where(activity.c.state == "open", shift.c.starts > now)
        .order_by(shift.c.starts, permission.c.id)
    )
    return [Wished(row.activity, row.title, row.english, row.starts) for row in await unit.run(rows)]


async def held(unit: Unit, child: int, shift_id: int) -> int | None:
    """The child's sign-up for a shift, whatever its stand."""
    found = select(enrolment.c.id).where(enrolment.c.person == child, enrolment.c.shift == shift_id)
    which: int | None = (await unit.run(found)).scalar_one_or_none()
    return which


async def accompanied(unit: Unit, shifts: Sequence[int]) -> set[tuple[int, int]]:
    """Children and shifts whose guardian comes along."""
    rows = select(permission.c.child, permission.c.shift)
    found = rows.where(permission.c.shift.in_(shifts), permission.c.state == Answer.ACCOMPANIED)
    return {(row.child, row.shift) for row in await unit.run(found)}
