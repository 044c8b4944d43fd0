"""Many rows at once, for cities that are made up: with numbers given by the maker, and what follows from them after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    String,
    Table,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    type_coerce,
    update,
)

from bot.domain.attendance import CHECKOUT_CLOSES
from bot.domain.enrolment import Stand
from bot.domain.evidence import Part, Proof
from bot.domain.reach import NEAR, REMINDINGS, quiet_until, reminder
from storage import audit as log
from storage import fanouts, reminders
from storage.database import Unit
from storage.tables import metadata
from storage.tables.activities import activity, membership, organisation, shift
from storage.tables.delivery import Running, State, fanout, outbox
from storage.tables.enrolment import attendance, audit, enrolment, record
from storage.tables.evidence import evidence
from storage.tables.kinds import Id, from_milliseconds, to_milliseconds
from storage.tables.people import consent, conversation, identity, person, subscription

TABLES: dict[str, Table] = {
    one.name: one
    for one in (
        person, identity, conversation, consent, subscription, organisation, membership, activity, shift, enrolment,
        attendance, record,
    )
}  # fmt: skip
"""What a made-up city fills, parents first."""


async def insert_rows(unit: Unit, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that bring their own numbers and all have the same columns.

    COPY on PostgreSQL, the driver's own loop on SQLite: four times as fast as a statement that is compiled for each.
    """
    if not rows:
        return
    target = TABLES[table]
    names = list(rows[0])
    columns = [_column(unit, target, name, rows) for name in names]
    tuples = list(zip(*columns, strict=True))
    if unit.dialect == "postgresql":
        await unit.run(select(literal(1)))  # COPY goes past SQLAlchemy, which begins its transaction at a statement
        raw = await unit.connection.get_raw_connection()
        driver: Any = raw.driver_connection
        await driver.copy_records_to_table(table, records=tuples, columns=names)
    else:
        statement = insert(target).values({name: bindparam(name) for name in names})
        compiled = statement.compile(dialect=unit.connection.dialect)
        await unit.connection.exec_driver_sql(str(compiled), tuples)


def _column(unit: Unit, table: Table, name: str, rows: Sequence[Mapping[str, Any]]) -> Iterable[Any]:
    """One column's values as the database keeps them."""
    values = map(itemgetter(name), rows)
    process = table.c[name].type.bind_processor(unit.connection.dialect)
    return values if process is None else map(process, values)


async def is_empty(unit: Unit) -> bool:
    """Is there nobody and nothing in this city?"""
    for table in (person, organisation, activity):
        if (await unit.run(select(table.c.id).limit(1))).first() is not None:
            return False
    return True


async def settle(unit: Unit) -> None:
    """After the last row: PostgreSQL's sequences behind the highest number, and fresh statistics for either planner."""
    if unit.locks_rows:
        for table in metadata.sorted_tables:
            if "id" in table.c and table.c.id.autoincrement is not False:
                highest = f"coalesce((SELECT max(id) FROM {table.name}), 0) + 1"  # noqa: S608 - names are our own
                sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
                await unit.connection.execute(text(f"SELECT setval({sequence}, {highest}, false)"))
    await unit.look_over()


async def write_audit(unit: Unit) -> None:
    """The log of every move that the made-up rows would have left behind."""

    def target(name: str, number: Any) -> Any:
        return literal(f"{name}:", String) + cast(number, String)

    def moved(at: Any, actor: Any, deed: str, on: Any, before: Any, after: Any) -> Any:
        words = [one if not isinstance(one, str | None) else literal(one, String) for one in (before, after)]
        return select(at, actor, literal(deed, String), on, *words)

    nobody = literal(None, Id)
    of_enrolment = target("enrolment", enrolment.c.id)
    of_attendance = target("enrolment", attendance.c.enrolment)
    given = case((enrolment.c.state.in_((Stand.WAITING, Stand.OFFERED)), "waiting"), else_="joined")
    closed = type_coerce(shift.c.ends, Id) + int(CHECKOUT_CLOSES.total_seconds() * 1000)
    there = case((attendance.c.left_by == "rule", "arrived"), (attendance.c.id.is_not(None), "left"), else_="joined")
    by_rule = moved(closed, nobody, "close", of_enrolment, there, enrolment.c.state)
    steps = (
        moved(
            activity.c.created, activity.c.created_by, "publish", target("activity", activity.c.id), None, "open"
        ),
        moved(enrolment.c.joined, enrolment.c.person, "join", of_enrolment, None, given),
        moved(enrolment.c.changed, enrolment.c.person, "leave", of_enrolment, "joined", "cancelled").where(
            enrolment.c.state == Stand.CANCELLED
        ),
        moved(enrolment.c.changed, nobody, "offer", of_enrolment, "waiting", "offered").where(
            enrolment.c.state == Stand.OFFERED
        ),
        moved(enrolment.c.changed, enrolment.c.person, "confirm", of_enrolment, "joined", "confirmed").where(
            enrolment.c.state == Stand.CONFIRMED
        ),
        moved(attendance.c.arrived, attendance.c.person, "arrive", of_attendance, "joined", "arrived"),
        moved(attendance.c.left, attendance.c.person, "check out", of_attendance, "arrived", "left").where(
            attendance.c.left.is_not(None), attendance.c.left_by != "rule"
        ),
        by_rule.select_from(enrolment.join(shift).outerjoin(attendance)).where(
            enrolment.c.state.in_((Stand.COMPLETED, Stand.ABSENT))
        ),
    )  # fmt: skip
    for step in steps:
        columns = ["at", "actor", "deed", "target", "before", "after"]
        await unit.connection.execute(insert(audit).from_select(columns, step))
    await log.seal_bare(unit)


async def write_evidence(unit: Unit) -> None:
    """What shows the made-up presences: how each arrived and left, and the organiser's word behind each grade A."""
    whose = (attendance.c.id, attendance.c.person)
    arrival, departure, whole = (literal(one.value, String) for one in (Part.ARRIVAL, Part.DEPARTURE, Part.WHOLE))
    steps = (
        select(*whose, attendance.c.person, attendance.c.arrived_by, arrival, attendance.c.arrived),
        select(*whose, attendance.c.person, attendance.c.left_by, departure, attendance.c.left).where(
            attendance.c.left.is_not(None), attendance.c.left_by != "rule"
        ),
        select(*whose, activity.c.created_by, literal(Proof.CONFIRMED.value, String), whole, record.c.made)
        .select_from(record.join(attendance).join(activity))
        .where(record.c.grade == "A"),
    )
    for step in steps:
        columns = ["attendance", "person", "given_by", "kind", "part", "at"]
        await unit.connection.execute(insert(evidence).from_select(columns, step))


async def remind_as_before(unit: Unit, now: datetime, but: Sequence[int] = ()) -> None:
    """What was due to be said before now was said, for all shifts but these: a city does not begin with a flood."""
    await unit.connection.execute(outbox.delete())  # to one reader each, and written as it was said
    await fanouts.derive(unit, now)
    said = update(fanout).where(fanout.c.source.not_in(but)).values(state=Running.DONE, upper=0)
    await unit.connection.execute(said)


async def census(unit: Unit) -> dict[str, int]:
    """How many rows each table of the city has."""
    counted = {}
    for name, table in TABLES.items():
        counted[name] = int((await unit.run(select(func.count()).select_from(table))).scalar_one())
    return counted


async def next_moment(
    unit: Unit,
    externals: Sequence[str],
    now: datetime,
    zone: tzinfo | None = None,
    quiet: tuple[int, int] | None = None,
) -> datetime | None:
    """When Menkou will next begin to speak to whoever wrote last; else to one of those named or who ever wrote.

    Their next reminder, or what already waits for its time. With the city's zone and quiet hours, a reminder that falls
    into these comes at their end, as the sender has it.
    """
    known = or_(identity.c.external.in_(externals), identity.c.inbound.is_not(None))
    people = {row.person for row in await unit.run(select(identity.c.person).where(known).distinct())}
    last = select(identity.c.person).where(identity.c.inbound.is_not(None)).order_by(identity.c.inbound.desc())
    latest = (await unit.run(last.limit(1))).scalar_one_or_none()
    moments = await _moments(unit, [latest], now, zone, quiet) if latest is not None else []
    return min(moments or await _moments(unit, sorted(people), now, zone, quiet), default=None)


async def _moments(
    unit: Unit, people: Sequence[int], now: datetime, zone: tzinfo | None, quiet: tuple[int, int] | None
) -> list[datetime]:
    theirs = (
        select(
            shift.c.starts, shift.c.ends, enrolment.c.state, activity.c.id, activity.c.revision, activity.c.created,
            activity.c.changed,
        )
        .select_from(enrolment.join(shift).join(activity))
        .where(
            enrolment.c.person.in_(people),
            enrolment.c.state.in_(("joined", "confirmed", "arrived")),
            shift.c.ends > now,
            activity.c.state == "open",
        )
    )
    moments = []
    rows = list(await unit.run(theirs))
    chosen = await reminders.chosen(unit, {row.id for row in rows})
    for row in rows:
        told = row.changed if row.revision > 1 else row.created
        own = [reminder(before) for before in chosen.get(row.id, ())]
        for one in [*own, *(one for one in REMINDINGS if one.kind != "reminder")] if own else REMINDINGS:
            moment = (row.starts if one.kind == "reminder" else row.ends) + timedelta(minutes=one.offset)
            if row.state not in one.standing or moment <= told:
                continue
            useful_until = moment + timedelta(minutes=one.useful_until - one.offset)
            if zone and quiet and one.kind == "reminder" and one.offset < NEAR:
                moment = quiet_until(moment.astimezone(zone), *quiet) or moment
            if now < moment < useful_until:
                moments.append(moment)
    waiting = select(func.min(outbox.c.due)).where(
        outbox.c.person.in_(people),
        outbox.c.state == State.PENDING,
        outbox.c.due > to_milliseconds(now),
        outbox.c.expires > outbox.c.due,
    )
    due = (await unit.run(waiting)).scalar_one()
    return moments if due is None else [*moments, from_milliseconds(due)]
