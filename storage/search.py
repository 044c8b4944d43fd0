"""Open activities by where, when, what and which words: the numbers of all, and the cards of those that come first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Float,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    func,
    not_,
    or_,
    select,
)

from bot.domain.activities import Activity
from storage import activities
from storage.database import Unit
from storage.prepared import Prepared
from storage.shared import looked_up
from storage.tables.activities import activity

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


def _found(shape: _Shape) -> Select[Any]:
    """Open activities in their order: their numbers, and by what they are ordered.

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
    order: list[ColumnElement[Any]] = [activity.c.starts]
    if shape.near:
        north = activity.c.latitude - number["latitude"]
        east = (activity.c.longitude - number["longitude"]) * number["shrink"]
        conditions.append(activity.c.latitude.is_not(None))
        order.insert(0, (north * north + east * east).label("away"))
    most = bindparam("at_most", type_=Integer)
    return select(activity.c.id, *order).where(*conditions).order_by(*order, activity.c.id).limit(most)


_BETWEEN = "-"


@lru_cache(maxsize=256)
def _search(shape: _Shape) -> Prepared:
    """A list shows few of those found, and a card has thirty columns: of the others come only their numbers, all in one
    text."""
    found = _found(shape).cte("found")
    by = [column.name for column in found.c if column.name != "id"]

    def ordered(whole: Any) -> list[Any]:
        return [*(whole.c[name] for name in by), whole.c.id]

    in_order = select(found.c.id).order_by(*ordered(found)).subquery("in_order")
    numbers = select(func.aggregate_strings(cast(in_order.c.id, Text), _BETWEEN)).scalar_subquery()
    first = select(found).order_by(*ordered(found)).limit(bindparam("in_full", type_=Integer)).subquery("first")
    in_full = activities.with_shifts(first.join(activity, activity.c.id == first.c.id))
    return looked_up(in_full.add_columns(numbers.label("numbers")).add_cte(found, nest_here=True))


async def find(
    unit: Unit, wanted: Wanted, now: datetime, limit: int = 50, in_full: int = 1
) -> tuple[list[int], list[Activity]]:
    """Open activities that begin after now, soonest first, or nearest first where a point is given: their numbers, and
    the cards of so many of them."""
    values = _values(wanted, now, limit) | {"in_full": in_full}
    rows = list(await unit.run(_search(_shape(wanted)), values))
    if not rows:
        return [], []
    numbers = [int(one) for one in rows[0].numbers.split(_BETWEEN)]
    return numbers, activities.in_order(numbers, rows, wanted.near)
