"""What leaves the outbox by age: waiting messages that came too late, finished ones that are old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, insert, literal_column, select, update

from bot.domain.reach import Reason
from storage.database import Unit
from storage.outbox import IS_PENDING, LATE
from storage.tables.delivery import State, outbox, outbox_done
from storage.tables.kinds import to_milliseconds


async def expired(unit: Unit, now: datetime, limit: int = 2_000) -> list[int]:
    """Waiting messages that came too late at every account, also where nobody sends."""
    rows = await unit.run(select(outbox.c.id).where(IS_PENDING, outbox.c.expires <= to_milliseconds(now)).limit(limit))
    return list(rows.scalars())


async def drop_late(unit: Unit, ids: Sequence[int], now: datetime) -> int:
    """Drop these if they still wait."""
    dropped = await unit.run(
        update(outbox)
        .where(outbox.c.id.in_(ids), IS_PENDING, outbox.c.expires <= to_milliseconds(now))
        .values(state=State.SUPPRESSED, reason=LATE, done=to_milliseconds(now))
    )
    return dropped.rowcount


def _ran_ahead(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Dropped as too late by a clock that had run ahead: at a moment that is still to come, and it is not too late."""
    moment = to_milliseconds(now)
    return (
        outbox.c.state > literal_column("1"),  # so that the partial index of settled messages serves
        outbox.c.done > moment,
        outbox.c.state == State.SUPPRESSED,
        outbox.c.reason.in_((Reason.LATE.value, Reason.UNHEARD.value)),
        outbox.c.expires > moment,
    )


async def wrongly_dropped(unit: Unit, now: datetime) -> bool:
    """Has a clock that ran ahead, and was put right, dropped anything?"""
    return bool((await unit.run(select(exists().where(*_ran_ahead(now))))).scalar_one())


async def wait_again(unit: Unit, now: datetime) -> int:
    """Let what was dropped by such a clock wait as before. Returns how many."""
    waiting = {"state": State.PENDING, "reason": None, "done": None}
    return (await unit.run(update(outbox).where(*_ran_ahead(now)).values(waiting))).rowcount


async def retire(unit: Unit, before: datetime, limit: int = 2_000) -> int:
    """Move finished messages older than `before` out of the hot table; what is dead stays until a person has looked."""
    newest = select(func.max(outbox.c.id)).scalar_subquery()
    old = (
        select(outbox.c.id)
        .where(outbox.c.id < newest)  # SQLite would give its number to the next message
        .where(outbox.c.state > literal_column("1"), outbox.c.done < to_milliseconds(before))
        .where(outbox.c.state != State.DEAD)
        .order_by(outbox.c.done)
        .limit(limit)
        .with_for_update(skip_locked=True)  # other replicas move others
    )
    ids = list((await unit.run(old)).scalars())
    if ids:
        columns = [column.name for column in outbox_done.columns]
        chosen = select(*(outbox.c[name] for name in columns)).where(outbox.c.id.in_(ids))
        await unit.run(insert(outbox_done).from_select(columns, chosen))
        await unit.run(delete(outbox).where(outbox.c.id.in_(ids)))
    return len(ids)
