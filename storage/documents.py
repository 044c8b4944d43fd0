"""Document numbers for insurers: asked for, given, listed for the insurer, dropped by time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import String, bindparam, delete, literal, select, update

from bot.domain.documents import Insured
from bot.domain.enrolment import SEATED
from storage import people
from storage.database import Unit
from storage.prepared import Prepared
from storage.tables.activities import activity, shift
from storage.tables.documents import document, document_need
from storage.tables.enrolment import enrolment
from storage.tables.messages import inbox, letter
from storage.tables.people import identity, person

SEATS = tuple(str(one) for one in SEATED)


async def needs(unit: Unit, activity_id: int) -> bool:
    """Does this activity's insurance ask for the numbers?"""
    found = select(document_need.c.activity).where(document_need.c.activity == activity_id)
    return (await unit.run(found)).first() is not None


async def ask(unit: Unit, activity_id: int, on: bool, now: datetime) -> None:
    """Ask for them from now on; or no more, and then those that were given go at once."""
    if on:
        await unit.run(unit.insert(document_need).values(activity=activity_id, since=now).on_conflict_do_nothing())
        return
    await unit.run(delete(document_need).where(document_need.c.activity == activity_id))
    of = select(enrolment.c.id).join(shift, shift.c.id == enrolment.c.shift).where(shift.c.activity == activity_id)
    await unit.run(delete(document).where(document.c.enrolment.in_(of)))


_WANTED = (
    select(enrolment.c.id, activity.c.title, activity.c.english)
    .join(shift, shift.c.id == enrolment.c.shift)
    .join(activity, activity.c.id == shift.c.activity)
    .join(document_need, document_need.c.activity == activity.c.id)
    .where(
        enrolment.c.person == bindparam("whose"),
        shift.c.ends > bindparam("since"),
        enrolment.c.state.in_([literal(one, String) for one in SEATS]),
    )
    .order_by(shift.c.starts)
)
_ALL_WANTED = Prepared(_WANTED)
_ONE_WANTED = Prepared(_WANTED.where(enrolment.c.id == bindparam("number")))


async def wanted(unit: Unit, id_: int, now: datetime, number: int | None = None) -> list[Any]:
    """Sign-ups of somebody whose insurance asks for a number and that are not over: enrolment, title, english."""
    values = {"whose": id_, "since": now}
    if number is None:
        return list(await unit.run(_ALL_WANTED, values))
    return list(await unit.run(_ONE_WANTED, values | {"number": number}))


async def keep(unit: Unit, id_: int, enrolment_id: int, kind: str, number: str, now: datetime) -> None:
    """Store a number, sealed and bound to the sign-up; the one before it goes."""
    await unit.run(delete(document).where(document.c.enrolment == enrolment_id))
    sealed = unit.secrecy.seal(number, aad(enrolment_id))
    await unit.run(
        document.insert().values(person=id_, enrolment=enrolment_id, kind=kind, number=sealed, given=now)
    )


def aad(enrolment_id: int) -> str:
    """What a number is bound to: moved to another sign-up it does not open."""
    return f"document:{enrolment_id}:number"


async def given(unit: Unit, ids: Sequence[int]) -> list[tuple[int, str]]:
    """Sign-up and number of everything that these people gave."""
    rows = await unit.run(select(document).where(document.c.person.in_(ids)).order_by(document.c.id))
    return [(row.enrolment, unit.secrecy.open(row.number, aad(row.enrolment))) for row in rows]


async def forget_typed(unit: Unit, id_: int, since: datetime) -> None:
    """What was typed goes from the inbox and the web page's letters at once: it stands sealed where it belongs.

    What stood in the message that is being answered is not kept either.
    """
    unit.keeps_typed = False
    rows = list(await unit.run(select(identity.c.door, identity.c.external).where(identity.c.person == id_)))
    for row in rows:
        here = (inbox.c.door == row.door, inbox.c.external == row.external, inbox.c.at >= since)
        await unit.run(update(inbox).where(*here).values(raw=None))
        if row.door == "web":
            mine = (letter.c.address == row.external, letter.c.who == "me", letter.c.at >= since)
            await unit.run(delete(letter).where(*mine))


async def covered(unit: Unit, activity_id: int) -> tuple[list[Insured], int]:
    """Everybody with a seat who gave a number, whole; and how many with a seat have not."""
    seated = (
        select(enrolment.c.id, enrolment.c.person, person.c.number.label("volunteer"), document.c.kind,
               document.c.number)
        .join(shift, shift.c.id == enrolment.c.shift)
        .join(person, person.c.id == enrolment.c.person)
        .outerjoin(document, document.c.enrolment == enrolment.c.id)
        .where(shift.c.activity == activity_id, enrolment.c.state.in_(SEATS))
        .order_by(enrolment.c.shift, enrolment.c.queue)
    )  # fmt: skip
    rows = list(await unit.run(seated))
    names = await people.personal(unit, unit.secrecy, [row.person for row in rows])
    there = [
        Insured(
            row.volunteer, names.get(row.person, ("", ""))[0], row.kind, unit.secrecy.open(row.number, aad(row.id))
        )
        for row in rows
        if row.number is not None
    ]
    return there, len(rows) - len(there)


async def erase(unit: Unit, ids: Sequence[int]) -> None:
    """All numbers of these people go."""
    await unit.run(delete(document).where(document.c.person.in_(ids)))
