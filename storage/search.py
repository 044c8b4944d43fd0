"""Open activities by where, when, what and which words: their numbers, which `storage.activities` makes cards of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Float, and_, bindparam, not_, or_, select

from storage.database import Unit
from storage.prepared import Prepared
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
