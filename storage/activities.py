"""Activities with their shifts, read as cards: one whole, some of those found, an organiser's own, a place's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import FromClause, Select, bindparam, func, or_, select

from bot.domain import places
from bot.domain.activities import Activity, Shift
from bot.domain.questions import read
from storage.agreements import STATED, acceptance, stated
from storage.database import Unit
from storage.lists import among
from storage.secrecy import Secrecy
from storage.shared import Shared, looked_up
from storage.tables.activities import activity, organisation, shift
from storage.tables.agreements import terms
from storage.tables.enrolment import enrolment

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
_BY_SHIFT = attrgetter("starts", "id")


def with_shifts(these: FromClause = activity) -> Select[Any]:
    """What `in_order` reads of these activities: a row for each shift.

    In no order: most have one, and to begin a sort costs a database more than we need for all of them.
    """
    whole = these.join(organisation, organisation.c.id == activity.c.organisation)
    return select(*_CARD, *(one.label(f"shift_{one.name}") for one in _SHIFT)).select_from(
        whole.outerjoin(shift, shift.c.activity == activity.c.id)
    )


_ONE_CARD = looked_up(
    with_shifts(activity.outerjoin(terms, terms.c.activity == activity.c.id))
    .add_columns(*STATED, acceptance(bindparam("whose")).exists().label("accepted"))
    .where(activity.c.id == bindparam("number"))
)
_SEVERAL_CARDS = Shared(with_shifts().where(among(activity.c.id, "numbers")))
_SHIFTS = (
    select(shift.c.activity, *_SHIFT)
    .where(shift.c.activity.in_(bindparam("activities", expanding=True)))
    .order_by(shift.c.starts, shift.c.id)
)


def _card(row: Any, shifts: Sequence[Shift] = (), distance: float | None = None, *beside: Any) -> Activity:
    *first, approval, questions, leave_before = row[:_WIDTH]
    rest: tuple[Any, ...] = (shifts, distance, approval, read(questions), leave_before)
    return Activity(*first, *rest, *beside)


async def cards(unit: Unit, ids: Sequence[int], near: tuple[float, float] | None = None) -> list[Activity]:
    """These activities with their shifts, in this order; how far they are from a point, where one is given."""
    if not ids:
        return []
    rows = list(await unit.run(_SEVERAL_CARDS, {"numbers": ids}))
    return in_order(ids, rows, near)


def in_order(ids: Sequence[int], rows: Sequence[Any], near: tuple[float, float] | None = None) -> list[Activity]:
    """The activities of rows of `with_shifts`, those that are there, in this order."""
    shifts = _with_shifts(rows)
    once = {row.id: row for row in rows}
    return [_card(once[id_], shifts.get(id_, ()), _away(once[id_], near)) for id_ in ids if id_ in once]


def _with_shifts(rows: Sequence[Any], queues: Mapping[int, int] | None = None) -> dict[int, list[Shift]]:
    """The shifts that stand beside their cards, soonest first; an activity without one stands alone."""
    found: dict[int, list[Shift]] = {}
    for row in rows:
        if row.shift_id is not None:
            waiting = queues.get(row.shift_id, 0) if queues else 0
            found.setdefault(row.id, []).append(_stretch(row[_WIDTH : _WIDTH + len(_SHIFT)], waiting))
    for several in found.values():
        several.sort(key=_BY_SHIFT)
    return found


def _stretch(values: Sequence[Any], waiting: int = 0) -> Shift:
    """A shift from its columns, in the order of `_SHIFT`."""
    *first, role, role_english, minimum_age, needs = values
    rest: tuple[Any, ...] = (waiting, role, role_english, minimum_age, needs or ())
    return Shift(*first, *rest)


def _away(row: Any, near: tuple[float, float] | None) -> float | None:
    """Metres from the point; None where either has no place."""
    if near is None or row.latitude is None or row.longitude is None:
        return None
    return places.distance(*near, row.latitude, row.longitude)


async def _shifts(unit: Unit, ids: Sequence[int]) -> dict[int, list[Shift]]:
    found: dict[int, list[Shift]] = {}
    for row in await unit.run(_SHIFTS, {"activities": ids}) if ids else ():
        found.setdefault(row.activity, []).append(_stretch(row[1:]))
    return found


_QUEUES = Shared(
    select(enrolment.c.shift, func.count().label("waiting"))
    .where(among(enrolment.c.shift, "shifts"), enrolment.c.state == "waiting", enrolment.c.admitted)
    .group_by(enrolment.c.shift)
)


async def _queues(unit: Unit, shifts: Sequence[int]) -> dict[int, int]:
    """How many wait for each of these shifts."""
    return {row.shift: row.waiting for row in await unit.run(_QUEUES, {"shifts": shifts})}


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
