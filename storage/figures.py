"""What the city's public figures are counted from: records that count, and activities that were held.

Six passes over the ledger, five of them grouped by person, in one look that only reads. A million records take six
seconds on either database, on two cores that have more to do; meanwhile the slowest write took 3 ms on SQLite, as
without it, and 39 ms on PostgreSQL (10 without), where it has one of the ten connections that turns do not use.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select

from bot.domain.figures import BEFORE, MONTH, REST, Periods, Tallies
from storage.database import Unit
from storage.tables.activities import activity
from storage.tables.enrolment import record


async def count(unit: Unit, of: Periods) -> Tallies:
    """One look at all of it; what was written after the last midnight waits for the next."""
    await unit.stand_still()
    tallies = Tallies()
    await _minutes(unit, of, tallies)
    await _people(unit, of, tallies)
    await _activities(unit, of, tallies)
    open_ones = select(func.count()).where(activity.c.state == "open", activity.c.ends > of.until)
    tallies.coming = int((await unit.run(open_ones)).scalar_one())
    first = select(func.min(activity.c.starts)).where(activity.c.state == "open", activity.c.ends <= of.until)
    tallies.first = (await unit.run(first)).scalar_one()
    return tallies


def _slice(at: ColumnElement[datetime], of: Periods) -> ColumnElement[int]:
    return case((at >= of.month, MONTH), (at >= of.year, REST), else_=BEFORE)


def _slices(at: ColumnElement[datetime], of: Periods) -> ColumnElement[int]:
    """The sum of all slices that a group's moments lie in."""
    whens = {MONTH: at >= of.month, REST: and_(at >= of.year, at < of.month), BEFORE: at < of.year}
    return sum((func.max(case((when, one), else_=0)) for one, when in whens.items()), start=literal(0))


def _final(of: Periods) -> ColumnElement[str]:
    return case((record.c.settles > of.until, "open"), else_="final")


def _counted(*what: ColumnElement[Any], of: Periods) -> Select[Any]:
    """Records that count. Nobody's minute is in two of them: that is settled where records are made."""
    ours = select(*what).join(activity, activity.c.id == record.c.activity)
    return ours.where(record.c.minutes > 0, record.c.made < of.until)


async def _minutes(unit: Unit, of: Periods, tallies: Tallies) -> None:
    each = _counted(
        activity.c.district, activity.c.kind, record.c.grade, _final(of).label("notice"),
        _slice(record.c.starts, of).label("slice"), record.c.minutes, of=of,
    ).subquery()  # fmt: skip
    by = (each.c.district, each.c.kind, each.c.grade, each.c.notice, each.c.slice)
    for row in await unit.run(select(*by, func.sum(each.c.minutes)).group_by(*by)):
        *codes, slice_, minutes = tuple[Any, ...](row)
        parts = (tallies.part(table, str(code)) for table, code in zip(tallies.parts, codes, strict=True))
        for tally in (tallies.whole, *parts):
            tally.minutes[slice_] = tally.minutes.get(slice_, 0) + int(minutes)


async def _people(unit: Unit, of: Periods, tallies: Tallies) -> None:
    """Each once in the whole, and once in each part, however often they came."""
    splits: dict[str, ColumnElement[Any]] = {
        "districts": activity.c.district, "kinds": activity.c.kind, "grades": record.c.grade, "notice": _final(of),
    }  # fmt: skip
    each = _counted(record.c.person.label("who"), literal("").label("part"), record.c.starts.label("at"), of=of)
    async for _part, slices, n in _patterns(unit, each, of):
        tallies.whole.people[slices] = n
    for table, split in splits.items():
        each = _counted(record.c.person.label("who"), split.label("part"), record.c.starts.label("at"), of=of)
        async for part, slices, n in _patterns(unit, each, of):
            tallies.part(table, part).people[slices] = n


async def _patterns(unit: Unit, each: Select[Any], of: Periods) -> AsyncIterator[tuple[str, int, int]]:
    """How many were in which slices of a part."""
    rows = each.subquery()
    ever = select(rows.c.part, _slices(rows.c.at, of).label("slices")).group_by(rows.c.part, rows.c.who).subquery()
    grouped = select(ever.c.part, ever.c.slices, func.count()).group_by(ever.c.part, ever.c.slices)
    for row in await unit.run(grouped):
        part, slices, n = tuple[Any, ...](row)
        yield str(part), int(slices), int(n)


async def _activities(unit: Unit, of: Periods, tallies: Tallies) -> None:
    """Those that were held, and how many organisations held them."""
    slice_ = _slice(activity.c.starts, of).label("slice")
    held = (activity.c.state == "open", activity.c.ends <= of.until)
    each = select(activity.c.district, activity.c.kind, slice_).where(*held).subquery()
    by = (each.c.district, each.c.kind, each.c.slice)
    for row in await unit.run(select(*by, func.count()).group_by(*by)):
        district, kind, one, n = tuple[Any, ...](row)
        for tally in (tallies.whole, tallies.part("districts", str(district)), tallies.part("kinds", kind)):
            tally.activities[one] = tally.activities.get(one, 0) + int(n)
    who, at = activity.c.organisation.label("who"), activity.c.starts.label("at")
    whole = select(who, literal("").label("part"), at).where(*held)
    async for _part, slices, n in _patterns(unit, whole, of):
        tallies.whole.organisations[slices] = n
    for table, split in {"districts": activity.c.district, "kinds": activity.c.kind}.items():
        async for part, slices, n in _patterns(unit, select(who, split.label("part"), at).where(*held), of):
            tallies.part(table, part).organisations[slices] = n
