"""What a presence counts: by the rules of its day, beside what counted before; and counting again what was settled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from bot.desk.city import City
from bot.domain.attendance import Zero
from bot.domain.records import Claim, Counted, Interval, Record, count, count_again, holds
from bot.domain.rulesets import final_from
from storage import attendance, audit, matters
from storage.database import Unit

NEXT_TO = timedelta(days=2)
"""Records that begin this near are counted again together: no shift is longer than sixteen hours."""


def day_in(city: City) -> Callable[[datetime], date]:
    """A moment's day in the city."""
    return lambda at: at.astimezone(city.zone).date()


async def worth(
    unit: Unit, city: City, enrolment: int, person: int, arrived: datetime, left: datetime, shift: Interval
) -> Counted:
    """The minutes of one presence, by the rules of the day on which its shift begins."""
    rules = city.rules.on(day_in(city)(shift[0]))
    before = await attendance.counted_intervals(unit, person, *shift)
    sort = await attendance.counts_as(unit, enrolment)
    room = None
    if rules.daily_cap is not None:
        room = rules.daily_cap - await attendance.minutes_on(unit, person, *_day_of(shift[0], city))
    return count(arrived, left, shift, before, rules, sort, room)


def _day_of(at: datetime, city: City) -> Interval:
    start = at.astimezone(city.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return start, start + timedelta(days=1)


async def keep(unit: Unit, city: City, enrolment: int, counted: Counted, grade: str, now: datetime) -> None:
    """Write the record, naming its rules; it is final once its public notice is over."""
    rules = city.rules.on(day_in(city)(counted.starts))
    settles = final_from(now.astimezone(city.zone), rules)
    await attendance.keep_record(unit, enrolment, counted, grade, rules, now, settles)


async def would_be(unit: Unit, city: City, record: Record, starts: datetime, ends: datetime) -> Counted:
    """What a record would be worth if its owner had been there from then to then, beside all their others."""
    rules = city.rules.named(record.rules)
    shift_starts, shift_ends, sort = await attendance.shift_of(unit, record.id)
    bare = count(starts, ends, (shift_starts, shift_ends), [], rules, sort)
    if not bare.minutes:
        return bare
    rows = await attendance.near(unit, record.person, record.starts - NEXT_TO, record.starts + NEXT_TO)
    claims, verdicts = await _claims(unit, city, rows)
    others = [one for one in claims if one.id != record.id]
    found = count_again([*others, Claim(record.id, bare.starts, bare.ends, rules)], verdicts, day_in(city))
    return Counted(found[record.id][0], bare.starts, bare.ends, found[record.id][1])


async def _claims(unit: Unit, city: City, rows: Sequence[Any]) -> tuple[list[Claim], list[tuple[int, int]]]:
    """Which of these records hold their interval, and what was settled between them."""
    holding = [row for row in rows if holds(row.training, row.why)]
    claims = [Claim(row.id, row.starts, row.ends, city.rules.named(row.rules)) for row in holding]
    return claims, await matters.verdicts(unit, [one.id for one in claims])


async def differing(unit: Unit, city: City, person: int, around: datetime) -> list[tuple[Any, Counted]]:
    """A person's records of these days that do not say what they are worth beside the others, and what that is."""
    rows = await attendance.near(unit, person, around - NEXT_TO, around + NEXT_TO)
    claims, verdicts = await _claims(unit, city, rows)
    found = count_again(claims, verdicts, day_in(city))
    return [
        (row, Counted(found[row.id][0], row.starts, row.ends, found[row.id][1]))
        for row in rows
        if row.id in found and found[row.id] != (row.minutes, Zero(**row.why) if row.why else None)
    ]


async def again(unit: Unit, city: City, person: int, around: datetime, now: datetime) -> set[int]:
    """Count a person's records of these days again, each by the rules that it names. Returns those whose minutes
    changed."""
    changed = set()
    for row, counted in await differing(unit, city, person, around):
        await attendance.set_worth(unit, row.id, counted)
        if counted.minutes != row.minutes:
            await audit.log(
                unit, now, None, "count again", f"record:{row.id}", str(row.minutes), str(counted.minutes)
            )
            changed.add(row.id)
    return changed
