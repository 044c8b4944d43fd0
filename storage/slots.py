"""Whose turn it is to send: one slot an account, leased, with a number that fences every statement of its holder.

Moments here are milliseconds of the machines' own clock, never of the city's: a demonstration moves that one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, literal_column, or_, select, update

from storage.database import Unit
from storage.tables.delivery import sender_slot


@dataclass(frozen=True, slots=True)
class Slot:
    """An account's slot as its new holder finds it."""

    epoch: int
    blocked_until: int
    """The platform told the account to be silent until then (a 429's `retry_after`)."""


def fenced(account: str | ColumnElement[str], epoch: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Holds only while the slot has this number. Part of every statement that a sender sends.

    On PostgreSQL it waits for a takeover that is under way and then sees it: the row is locked, not merely read.
    """
    here: Select[Any] = select(literal_column("1")).where(_ours(account, epoch))
    return exists(here.with_for_update(read=True))


def _ours(account: str | ColumnElement[str], epoch: int | ColumnElement[int]) -> ColumnElement[bool]:
    """The slot, while it has this number."""
    return and_(sender_slot.c.account == account, sender_slot.c.epoch == epoch)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the slot, as others see it."""

    owner: str
    epoch: int
    lease_until: int
    is_there: bool
    """Its sign of life is there, or it never had one."""


IsGone = Callable[[Holder], bool]


def _is_free(holder: Holder, owner: str, now: int, is_gone: IsGone) -> bool:
    """May `owner` have it: nobody's, its own already, out of its lease, or left behind by the dead?"""
    return holder.owner in ("", owner) or holder.lease_until <= now or is_gone(holder)


def _found(unit: Unit, account: str) -> Select[Any]:
    there = or_(sender_slot.c.session == 0, unit.has_sign(sender_slot.c.session))
    return select(sender_slot, there.label("is_there")).where(sender_slot.c.account == account)


def _holder(row: Any) -> Holder:
    return Holder(row.owner, row.epoch, row.lease_until, row.is_there)


async def may_take(unit: Unit, account: str, owner: str, now: int, is_gone: IsGone) -> bool:
    """Is it worth trying? Whoever waits asks this, and is in nobody's way."""
    row = (await unit.run(_found(unit, account))).first()
    return row is None or _is_free(_holder(row), owner, now, is_gone)


async def take(
    unit: Unit, account: str, owner: str, now: int, lease: int,
    is_gone: IsGone = lambda _holder: False, session: int = 0,
) -> Slot | None:  # fmt: skip
    """Take the slot if it is free, its lease is over or its holder is known to be dead; None: somebody has it.

    `session`: the number of the taker's sign of life.
    """
    await unit.run(unit.insert(sender_slot).values(account=account).on_conflict_do_nothing())
    row = (await unit.run(_found(unit, account).with_for_update(of=sender_slot))).one()
    if not _is_free(_holder(row), owner, now, is_gone):
        return None
    taken = await unit.run(
        update(sender_slot)
        .where(sender_slot.c.account == account, sender_slot.c.epoch == row.epoch)
        .values(epoch=row.epoch + 1, owner=owner, lease_until=now + lease, session=session)
    )
    return Slot(row.epoch + 1, row.blocked_until) if taken.rowcount else None


async def renew(unit: Unit, account: str, epoch: int, now: int, lease: int, session: int = 0) -> bool:
    """Keep the slot for another lease; False: it is somebody else's now."""
    kept = await unit.run(
        update(sender_slot)
        .where(_ours(account, epoch))
        .values(lease_until=now + lease, session=session)
    )
    return bool(kept.rowcount)


async def release(unit: Unit, account: str, epoch: int) -> bool:
    """Give the slot back at an orderly stop, so that the next holder need not wait."""
    given = await unit.run(
        update(sender_slot)
        .where(_ours(account, epoch))
        .values(owner="", lease_until=0, session=0)
    )
    return bool(given.rowcount)


async def block(unit: Unit, account: str, epoch: int, until: int, reason: str = "") -> bool:
    """Write down how long the platform wants silence, and why: a successor obeys it too."""
    kept = await unit.run(
        update(sender_slot)
        .where(_ours(account, epoch), sender_slot.c.blocked_until < until)
        .values(blocked_until=until, reason=reason[:200] or None)
    )
    return bool(kept.rowcount)


async def silent(unit: Unit, now: int) -> dict[str, tuple[int, str]]:
    """Which accounts a platform has silenced, until when and why."""
    rows = await unit.run(select(sender_slot).where(sender_slot.c.blocked_until > now))
    return {row.account: (row.blocked_until, row.reason or "") for row in rows}


async def held(unit: Unit) -> dict[str, tuple[str, int]]:
    """Who holds which account and until when, for doctor and metrics."""
    rows = await unit.run(select(sender_slot.c.account, sender_slot.c.owner, sender_slot.c.lease_until))
    return {row.account: (row.owner, row.lease_until) for row in rows}
