"""Entries of calendars, and the addresses of feeds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update

from bot.domain.calendars import SHOWN, Entry, status
from bot.domain.enrolment import Stand
from storage.database import Unit
from storage.tables.activities import activity, organisation, shift
from storage.tables.calendars import calendar
from storage.tables.enrolment import enrolment
from storage.tables.people import person


async def serial(unit: Unit, whose: int, now: datetime) -> int:
    """The number of the address that holds; the first one is made by asking."""
    row = unit.insert(calendar).values(person=whose, made=now)
    await unit.run(row.on_conflict_do_nothing(index_elements=["person"]))
    return int((await unit.run(select(calendar.c.serial).where(calendar.c.person == whose))).scalar_one())


async def renew(unit: Unit, whose: int, now: datetime) -> int:
    """From now on another address holds. Returns its number."""
    await serial(unit, whose, now)
    mine = update(calendar).where(calendar.c.person == whose)
    return int((await unit.run(mine.values(serial=calendar.c.serial + 1, made=now).returning(calendar.c.serial)))
               .scalar_one())  # fmt: skip


async def owner(unit: Unit, number: str) -> tuple[int, int, str] | None:
    """Of the feed of a volunteer's number: whose it is, the number of its address, their language."""
    alive = person.c.number == number, person.c.merged.is_(None), person.c.erasing.is_(None)
    rows = select(person.c.id, calendar.c.serial, person.c.language).join(calendar)
    row = (await unit.run(rows.where(*alive))).first()
    return (row.id, row.serial, row.language or "") if row else None


async def entries(unit: Unit, whose: int, since: datetime) -> list[Entry]:
    """Somebody's own sign-ups that did not end before `since`, soonest first."""
    own = enrolment.c.person == whose, enrolment.c.state.in_(SHOWN), shift.c.ends > since
    rows = _entries().add_columns(enrolment.c.state.label("stand")).join(enrolment, enrolment.c.shift == shift.c.id)
    return [_entry(row, Stand(row.stand)) for row in await unit.run(rows.where(*own))]


async def of_activity(unit: Unit, activity_id: int) -> list[Entry]:
    """The shifts of an activity that is or was open to the city."""
    public = activity.c.id == activity_id, activity.c.state.in_(("open", "cancelled"))
    return [_entry(row) for row in await unit.run(_entries().where(*public))]


def _entries() -> Select[Any]:
    return (
        select(
            activity.c.id, activity.c.title, activity.c.english, activity.c.address, activity.c.latitude,
            activity.c.longitude, activity.c.revision, activity.c.changed, activity.c.state,
            shift.c.id.label("shift"), shift.c.starts, shift.c.ends, shift.c.role, shift.c.role_english,
            organisation.c.name, organisation.c.english.label("name_english"),
        )
        .select_from(shift.join(activity, activity.c.id == shift.c.activity).join(organisation))
        .order_by(shift.c.starts, shift.c.id)
    )  # fmt: skip


def _entry(row: Any, stand: Stand | None = None) -> Entry:
    return Entry(
        row.id, row.shift, row.title, row.english, row.role, row.role_english, row.name, row.name_english, row.address,
        row.starts, row.ends, row.revision, row.changed, status(row.state, stand), row.latitude, row.longitude,
    )  # fmt: skip
