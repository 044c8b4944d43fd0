"""How the city's database is doing: what /readyz, /metrics and doctor tell an operator, without a person in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from storage import inbox, outbox_reports, quotas, slots
from storage.database import Unit
from storage.outbox import IS_PENDING
from storage.outbox_reports import Counts
from storage.tables.delivery import Lane
from storage.tables.delivery import outbox as messages
from storage.tables.enrolment import record
from storage.tables.kinds import to_milliseconds


@dataclass(frozen=True, slots=True)
class Condition:
    """One look."""

    outbox: Counts
    urgent_age: float
    """Seconds that the oldest message which somebody waits for has been due; campaigns take the time they take."""
    dead_letters: int
    """Messages from people that nobody could read or whose script broke."""
    newest_dead: datetime | None
    newest_why: str
    silent: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    """Accounts that a platform has silenced: for how many seconds more, and why."""
    used_up: Sequence[tuple[str, str]] = ()
    """Account and API of quotas that are used up for today."""
    untried_age: float = 0.0
    """`urgent_age` of what nobody has tried to send: what a platform keeps refusing says nothing of those who send."""


async def look(unit: Unit, now: datetime) -> Condition:
    """Read the condition; everything from small indexes."""
    moment = to_milliseconds(now)
    untried = func.min(messages.c.due).filter(messages.c.attempt == 0)
    due = select(func.min(messages.c.due), untried).where(
        IS_PENDING, messages.c.account != "", messages.c.lane < int(Lane.CAMPAIGN), messages.c.due <= moment
    )
    ages: Any = (await unit.run(due)).one()
    oldest, oldest_untried = ages
    dead, newest = await inbox.dead(unit, limit=1)
    silent = await slots.silent(unit, moment)
    return Condition(
        outbox=await outbox_reports.counts(unit, now),
        urgent_age=_seconds_since(oldest, moment),
        dead_letters=dead,
        newest_dead=newest[0].at if newest else None,
        newest_why=newest[0].error or "" if newest else "",
        silent={name: ((until - moment) / 1000, why) for name, (until, why) in silent.items()},
        used_up=await quotas.used_up(unit, now),
        untried_age=_seconds_since(oldest_untried, moment),
    )


def _seconds_since(due: int | None, moment: int) -> float:
    return (moment - due) / 1000 if due is not None else 0.0


async def rules_named(unit: Unit) -> set[str]:
    """The sets of rules that records name: one look through all records."""
    return set((await unit.run(select(record.c.rules).distinct())).scalars())


async def ping(unit: Unit) -> None:
    """Raises whatever is wrong with the database."""
    await unit.run(select(1))
