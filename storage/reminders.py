"""The moments at which an organiser wants people reminded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, select

from storage.database import Unit
from storage.tables.reminders import reminding


async def choose(unit: Unit, activity: int, befores: Sequence[int], now: datetime) -> None:
    """These moments from now on, in minutes before the start; one that was chosen before stays as it is."""
    others = reminding.c.activity == activity, reminding.c.minutes.not_in(befores)
    await unit.run(delete(reminding).where(*others))
    rows = unit.insert(reminding).values([{"activity": activity, "minutes": one, "since": now} for one in befores])
    await unit.run(rows.on_conflict_do_nothing(index_elements=["activity", "minutes"]))


async def chosen(unit: Unit, activities: Collection[int]) -> dict[int, tuple[int, ...]]:
    """What was chosen for each of these, the earliest first; an activity with everybody's moments is not among them."""
    rows = select(reminding.c.activity, reminding.c.minutes).where(reminding.c.activity.in_(sorted(activities)))
    found: dict[int, list[int]] = defaultdict(list)
    for row in await unit.run(rows.order_by(reminding.c.minutes.desc())):
        found[row.activity].append(row.minutes)
    return {activity: tuple(minutes) for activity, minutes in found.items()}
