"""Activities and their shifts: found by where, when and what; read as cards; published and changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Float,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from bot.domain.activities import Activity, Plan, Shift
from bot.domain.questions import Question, read, written
from storage.agreements import STATED, acceptance, stated
from storage.database import Unit
from storage.lists import among
from storage.prepared import Prepared
from storage.secrecy import Secrecy
from storage.tables.activities import activity, organisation, shift
from storage.tables.agreements import terms
from storage.tables.enrolment import enrolment

DEGREE = 111_195.0
"""Metres in a degree of latitude."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for. Empty fields do not narrow the search."""

    districts: Sequence[int] = ()
    streets: Sequence[int] = ()
    kinds: Sequence[str] = ()
    not_kinds: Sequence[str] = ()
    times: Sequence[tuple[datetime, datetime]] = ()
    words: Sequence[str] = ()
    """Search tokens that the title, the kind or the text must hold, all of them."""
    near: tuple[float, float] | None = None
    """Latitude and longitude, WGS-84: results are sorted by distance."""
    radius: float = 0.0
    """Metres around `near`; 0: no limit."""


# In the order of Activity's fields.
_CARD = (
    activity.c.id,
    activity.c.title,
    activity.c.english,
    activity.c.about,
    activity.c.kind,
    activity.c.minimum_age,
    activity.c.organisation,
    organisation.c.name.label("organisation_name"),
    organisation.c.english.label("organisation_english"),
    activity.c.district,
    activity.c.street,
    activity.c.address,
    activity.c.latitude,
    activity.c.longitude,
    activity.c.starts,
    activity.c.ends,
    activity.c.state,
    activity.c.changed,
    # What stands after the shifts and the distance.
    activity.c.approval,
    activity.c.questions,
    activity.c.leave_before,
)

_SHIFT = (
    shift.c.id, shift.c.starts, shift.c.ends, shift.c.capacity, shift.c.taken, shift.c.role, shift.c.role_english,
    shift.c.minimum_age, shift.c.needs,
)  # fmt: skip
_WIDTH = len(_CARD)

_CARDS: Select[Any] = select(*_CARD).join(organisation, organisation.c.id == activity.c.organisation)
_WITH_SHIFTS: Select[Any] = (
    select(*_CARD, *(one.label(f"shift_{one.name}") for one in _SHIFT))
    .join(organisation, organisation.c.id == activity.c.organisation)
    .outerjoin(shift, shift.c.activity == activity.c.id)
    .order_by(shift.c.starts, shift.c.id)
)
_ONE_CARD = Prepared(
    _WITH_SHIFTS.add_columns(*STATED, acceptance(bindparam("whose")).exists().label("accepted"))
    .outerjoin(terms, terms.c.activity == activity.c.id)
    .where(activity.c.id == bindparam("number"))
)
_SEVERAL_CARDS = Prepared(_WITH_SHIFTS.where(among(activity.c.id, "numbers")))
_SHIFTS = (
    select(shift.c.activity, *_SHIFT)
    .where(shift.c.activity.in_(bindparam("activities", expanding=True)))
    .order_by(shift.c.starts, shift.c.id)
)


def _card(row: Any, shifts: Sequence[Shift] = (), distance: float | None = None, *beside: Any) -> Activity:
    *first, approval, questions, leave_before = row[:_WIDTH]
    rest: tuple[Any, ...] = (shifts, distance, approval, read(questions), leave_before)
    return Activity(*first, *rest, *beside)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How many of each are looked for: searches of one shape are one statement with other values."""

    places: int
    kinds: int
    not_kinds: int
    times: int
    words: int
    near: bool
    within: bool


def _shape(wanted: Wanted) -> _Shape:
    return _Shape(
        len(wanted.districts) + len(wanted.streets), len(wanted.kinds), len(wanted.not_kinds), len(wanted.times),
        len(wanted.words), wanted.near is not None, bool(wanted.near and wanted.radius),
    )  # fmt: skip


def _values(wanted: Wanted, now: datetime, limit: int) -> dict[str, Any]:
    """What is looked for, by the names that `_search` gives it."""
    values: dict[str, Any] = {"after": now, "at_most": limit}
    several = (
        ("place", (*wanted.districts, *wanted.streets)),
        ("kind", wanted.kinds),
        ("not_kind", wanted.not_kinds),
        ("start", [start for start, _end in wanted.times]),
        ("end", [end for _start, end in wanted.times]),
        ("word", [f"% {_plain(word)} %" for word in wanted.words]),
    )
    values |= {f"{name}_{place}": one for name, many in several for place, one in enumerate(many)}
    if wanted.near:
        latitude, longitude = wanted.near
        tall, shrink = wanted.radius / DEGREE, math.cos(math.radians(latitude))
        values |= {
            "latitude": latitude, "longitude": longitude, "shrink": shrink, "tall": tall, "wide": tall / shrink,
        }  # fmt: skip
    return values


def _plain(word: str) -> str:
    """A word in which nothing is a pattern."""
    return word.replace("/", "//").replace("%", "/%").replace("_", "/_")


@lru_cache(maxsize=256)
def _search(shape: _Shape) -> Prepared:
    """Open activities, by their numbers: a list shows few of those found, and a card has thirty columns.

    A district and a street never have the same code.
    """

    def several(name: str, column: ColumnElement[Any], count: int) -> list[BindParameter[Any]]:
        return [bindparam(f"{name}_{place}", type_=column.type) for place in range(count)]

    number = {name: bindparam(name, type_=Float) for name in ("latitude", "longitude", "shrink", "tall", "wide")}
    conditions: list[ColumnElement[bool]] = [activity.c.state == "open", activity.c.starts > bindparam("after")]
    if shape.places:
        places = several("place", activity.c.district, shape.places)
        conditions.append(or_(activity.c.district.in_(places), activity.c.street.in_(places)))
    if shape.kinds:
        conditions.append(activity.c.kind.in_(several("kind", activity.c.kind, shape.kinds)))
    if shape.not_kinds:
        conditions.append(not_(activity.c.kind.in_(several("not_kind", activity.c.kind, shape.not_kinds))))
    if shape.times:
        starts, ends = (several(name, activity.c.starts, shape.times) for name in ("start", "end"))
        overlap = [and_(activity.c.starts < b, activity.c.ends > a) for a, b in zip(starts, ends, strict=True)]
        conditions.append(or_(*overlap))
    for word in several("word", activity.c.words, shape.words):
        conditions.append(activity.c.words.like(word, escape="/"))
    if shape.within:
        for column, centre, reach in (
            (activity.c.latitude, number["latitude"], number["tall"]),
            (activity.c.longitude, number["longitude"], number["wide"]),
        ):
            conditions.append(column.between(centre - reach, centre + reach))
    order: list[ColumnElement[Any]] = [activity.c.starts, activity.c.id]
    if shape.near:
        north = activity.c.latitude - number["latitude"]
        east = (activity.c.longitude - number["longitude"]) * number["shrink"]
        conditions.append(activity.c.latitude.is_not(None))
        order.insert(0, north * north + east * east)
    return Prepared(select(activity.c.id).where(*conditions).order_by(*order).limit(bindparam("at_most")))


async def find(unit: Unit, wanted: Wanted, now: datetime, limit: int = 50) -> list[int]:
    """Numbers of open activities that begin after now, soonest first, or nearest first where a point is given."""
    return [row.id for row in await unit.run(_search(_shape(wanted)), _values(wanted, now, limit))]


async def cards(unit: Unit, ids: Sequence[int], near: tuple[float, float] | None = None) -> list[Activity]:
    """These activities with their shifts, in this order; how far they are from a point, where one is given."""
    if not ids:
        return []
    rows = list(await unit.run(_SEVERAL_CARDS, {"numbers": ids}))
    shifts = _with_shifts(rows)
    once = {row.id: row for row in rows}
    found = (once[id_] for id_ in ids if id_ in once)
    return [_card(row, shifts.get(row.id, ()), _away(row, near)) for row in found]


def _with_shifts(rows: Sequence[Any], queues: Mapping[int, int] | None = None) -> dict[int, list[Shift]]:
    """The shifts that stand beside their cards; an activity without one stands alone."""
    found: dict[int, list[Shift]] = {}
    for row in rows:
        if row.shift_id is not None:
            waiting = queues.get(row.shift_id, 0) if queues else 0
            found.setdefault(row.id, []).append(_stretch(row[_WIDTH : _WIDTH + len(_SHIFT)], waiting))
    return found


def _stretch(values: Sequence[Any], waiting: int = 0) -> Shift:
    """A shift from its columns, in the order of `_SHIFT`."""
    *first, role, role_english, minimum_age, needs = values
    rest: tuple[Any, ...] = (waiting, role, role_english, minimum_age, needs or ())
    return Shift(*first, *rest)


def _away(row: Any, near: tuple[float, float] | None) -> float | None:
    if near is None or row.latitude is None or row.longitude is None:
        return None
    north = (row.latitude - near[0]) * DEGREE
    east = (row.longitude - near[1]) * DEGREE * math.cos(math.radians(near[0]))
    return math.hypot(north, east)


async def _shifts(unit: Unit, ids: Sequence[int]) -> dict[int, list[Shift]]:
    found: dict[int, list[Shift]] = {}
    for row in await unit.run(_SHIFTS, {"activities": ids}) if ids else ():
        found.setdefault(row.activity, []).append(_stretch(row[1:]))
    return found


async def _queues(unit: Unit, shifts: Sequence[int]) -> dict[int, int]:
    """How many wait for each of these shifts."""
    counted = await unit.run(
        select(enrolment.c.shift, func.count().label("waiting"))
        .where(enrolment.c.shift.in_(shifts), enrolment.c.state == "waiting", enrolment.c.admitted)
        .group_by(enrolment.c.shift)
    )
    return {row.shift: row.waiting for row in counted}


async def card(unit: Unit, id_: int, reader: int = 0) -> Activity | None:
    """One activity with its shifts, queues and terms; `reader`: whose agreement to it is looked for."""
    rows = list(await unit.run(_ONE_CARD, {"number": id_, "whose": reader}))
    if not rows:
        return None
    full = [row.shift_id for row in rows if row.shift_id is not None and row.shift_taken >= row.shift_capacity]
    shifts = _with_shifts(rows, await _queues(unit, full) if full else None)
    first = rows[0]
    return _card(first, shifts.get(id_, ()), None, stated(first), first.accepted)


async def by_organisations(
    unit: Unit, organisations: Sequence[int], since: datetime, limit: int = 50
) -> list[Activity]:
    """An organiser's own activities that have not ended before `since`, soonest first."""
    theirs = activity.c.organisation.in_(organisations)
    statement = _CARDS.where(theirs, activity.c.ends > since, activity.c.state != "gone")
    rows = list(await unit.run(statement.order_by(activity.c.starts, activity.c.id).limit(limit)))
    shifts = await _shifts(unit, [row.id for row in rows])
    return [_card(row, shifts.get(row.id, ())) for row in rows]


async def by_places(unit: Unit, codes: Sequence[int], since: datetime, limit: int = 50) -> list[Activity]:
    """What goes on at these nodes of the place tree, soonest first."""
    there = or_(activity.c.district.in_(codes), activity.c.street.in_(codes))
    statement = _CARDS.where(there, activity.c.ends > since, activity.c.state.not_in(("draft", "gone")))
    rows = list(await unit.run(statement.order_by(activity.c.starts, activity.c.id).limit(limit)))
    shifts = await _shifts(unit, [row.id for row in rows])
    return [_card(row, shifts.get(row.id, ())) for row in rows]


async def secret(unit: Unit, secrecy: Secrecy, id_: int) -> bytes | None:
    """The secret of an activity's rotating code."""
    sealed = (await unit.run(select(activity.c.secret).where(activity.c.id == id_))).scalar_one_or_none()
    return secrecy.open_bytes(sealed, f"activity:{id_}:secret") if sealed else None


async def publish(
    unit: Unit,
    secrecy: Secrecy,
    plan: Plan,
    organisation_id: int,
    by: int,
    words: str,
    age: int,
    risk: str,
    secret_bytes: bytes,
    now: datetime,
    state: str = "open",
) -> tuple[int, int]:
    """Open an activity with its one shift, or keep it as a draft. Returns their numbers."""
    row = insert(activity).values(
        organisation=organisation_id,
        title=plan.title,
        about=plan.about,
        kind=plan.kind,
        risk=risk,
        minimum_age=age,
        district=plan.district,
        street=plan.street,
        address=plan.address,
        latitude=plan.latitude,
        longitude=plan.longitude,
        starts=plan.starts,
        ends=plan.ends,
        words=words,
        leave_before=plan.leave_before,
        state=state,
        created_by=by,
        created=now,
        changed=now,
        secret=b"",
    )
    id_ = (await unit.run(row.returning(activity.c.id))).scalar_one()
    sealed = secrecy.seal(secret_bytes, f"activity:{id_}:secret")  # bound to its row, whose number exists only now
    await unit.run(update(activity).where(activity.c.id == id_).values(secret=sealed))
    made = insert(shift).values(activity=id_, starts=plan.starts, ends=plan.ends, capacity=plan.capacity)
    shift_id = (await unit.run(made.returning(shift.c.id))).scalar_one()
    return id_, shift_id


async def open_draft(unit: Unit, id_: int, now: datetime) -> bool:
    """Open a draft to the city, from its first shift to its last. False: it is none."""
    own = shift.c.activity == id_
    first, last = select(func.min(shift.c.starts)).where(own), select(func.max(shift.c.ends)).where(own)
    hours = {"starts": first.scalar_subquery(), "ends": last.scalar_subquery()}
    opened = update(activity).where(activity.c.id == id_, activity.c.state == "draft")
    done = await unit.run(opened.values(state="open", created=now, changed=now, **hours))
    return bool(done.rowcount)


async def discard(unit: Unit, id_: int, now: datetime) -> None:
    """Throw a draft away."""
    gone = update(activity).where(activity.c.id == id_, activity.c.state == "draft")
    await unit.run(gone.values(state="gone", changed=now))


async def set_conditions(
    unit: Unit,
    id_: int,
    *,
    approval: bool | None = None,
    questions: Sequence[Question] | None = None,
    leave_before: int | None = None,
) -> None:
    """Change what somebody must do to sign up; None: that stays."""
    values: dict[str, Any] = {} if approval is None else {"approval": approval}
    if questions is not None:
        values["questions"] = written(questions)
    if leave_before is not None:
        values["leave_before"] = leave_before
    await unit.run(update(activity).where(activity.c.id == id_).values(values))


async def add_shift(unit: Unit, id_: int, new: Shift) -> int:
    """One more stretch of an activity, with its own role, seats and gates. Returns its number."""
    row = insert(shift).values(
        activity=id_, starts=new.starts, ends=new.ends, capacity=new.capacity, role=new.role,
        role_english=new.role_english, minimum_age=new.minimum_age, needs=list(new.needs) or None,
    )  # fmt: skip
    return int((await unit.run(row.returning(shift.c.id))).scalar_one())


async def drop_shift(unit: Unit, shift_id: int) -> None:
    """Take a stretch out of a draft."""
    await unit.run(delete(shift).where(shift.c.id == shift_id))


async def cancel(unit: Unit, id_: int, now: datetime) -> bool:
    """Call an activity off. False: it was already, or is not there."""
    done = await unit.run(
        update(activity)
        .where(activity.c.id == id_, activity.c.state == "open")
        .values(state="cancelled", revision=activity.c.revision + 1, changed=now)
    )
    return bool(done.rowcount)


async def count_as(unit: Unit, id_: int, sort: str, way: int | None) -> str:
    """What an activity's time counts as from now on, and the minutes of the way. Returns what it counted as before."""
    before = (await unit.run(select(activity.c.counts_as).where(activity.c.id == id_))).scalar_one()
    changed = {"counts_as": sort, "cover_before": way, "cover_after": way}
    await unit.run(update(activity).where(activity.c.id == id_).values(changed))
    return str(before)


async def reschedule(unit: Unit, id_: int, starts: datetime, ends: datetime, now: datetime) -> int | None:
    """Move an activity and its shifts; what is scheduled for the old time loses its revision with it.

    A shift as long as the activity stays so; the others keep their place in it.
    """
    before = (await unit.run(select(activity.c.starts, activity.c.ends).where(activity.c.id == id_))).first()
    done = await unit.run(
        update(activity)
        .where(activity.c.id == id_, activity.c.state.in_(("open", "draft")))
        .values(starts=starts, ends=ends, revision=activity.c.revision + 1, changed=now)
        .returning(activity.c.revision)
    )
    revision = done.scalar_one_or_none()
    if revision is None or before is None:
        return None
    for row in list(await unit.run(select(shift).where(shift.c.activity == id_))):
        whole = (row.starts, row.ends) == (before.starts, before.ends)
        by = starts - before.starts
        hours = (starts, ends) if whole else (row.starts + by, row.ends + by)
        await unit.run(update(shift).where(shift.c.id == row.id).values(starts=hours[0], ends=hours[1]))
    return int(revision)


async def relocate(
    unit: Unit, id_: int, district: int, address: str, at: tuple[float | None, float | None], now: datetime
) -> None:
    """Another place; what was said of the old one loses its revision with it."""
    where = {"district": district, "street": None, "address": address, "latitude": at[0], "longitude": at[1]}
    await unit.run(
        update(activity)
        .where(activity.c.id == id_, activity.c.state == "open")
        .values(**where, revision=activity.c.revision + 1, changed=now)
    )


async def set_capacity(unit: Unit, shift_id: int, capacity: int) -> None:
    """So many seats from now on. The shift's row must be locked by the caller."""
    await unit.run(update(shift).where(shift.c.id == shift_id).values(capacity=capacity))


async def revision(unit: Unit, id_: int) -> int:
    """How often an activity has been changed in a way that people must hear of, plus one."""
    return int((await unit.run(select(activity.c.revision).where(activity.c.id == id_))).scalar_one())


async def register(
    unit: Unit, name: str, english: str, type_: str, level: str, place: int, now: datetime
) -> int | None:
    """Add an organisation and return its number; None: there is one of that name at that place."""
    same = select(organisation.c.id).where(organisation.c.name == name, organisation.c.place == place)
    if (await unit.run(same)).first() is not None:
        return None
    row = insert(organisation).values(
        name=name, english=english, type=type_, level=level, place=place, created=now, state="active"
    )
    return int((await unit.run(row.returning(organisation.c.id))).scalar_one())


async def organisations(unit: Unit, ids: Sequence[int]) -> dict[int, tuple[str, str, int]]:
    """Names (Chinese, English) and places of organisations."""
    rows = await unit.run(select(organisation).where(organisation.c.id.in_(ids), organisation.c.state == "active"))
    return {row.id: (row.name, row.english, row.place) for row in rows}
