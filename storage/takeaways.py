"""Addresses that give something away once: one's own data, an activity's insurer's list, a campaign's list.

Only a fingerprint of an address is kept, so that nobody who reads the database can open it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import and_, delete, insert, update

from storage.database import Unit
from storage.tables.privacy import takeaway


class What(StrEnum):
    """What an address gives. Its value is part of the fingerprint: no address opens anything else."""

    EXPORT = "takeaway"
    INSURED = "insured"
    CAMPAIGN = "campaign"


_OF = {What.INSURED: takeaway.c.activity, What.CAMPAIGN: takeaway.c.campaign}
"""The column that says of which one; an export has none: it is the person's own."""


async def offer(
    unit: Unit, what: What, who: int, tokens: Sequence[str], now: datetime, lasts: timedelta, of: int | None = None
) -> None:
    """Remember fresh addresses; those of the same thing before them are worthless."""
    same = {column.name: of if kind == what else None for kind, column in _OF.items()}
    before = and_(*(takeaway.c[name].is_not_distinct_from(number) for name, number in same.items()))
    await unit.run(delete(takeaway).where(takeaway.c.person == who, before))
    row = {"person": who, "made": now, "expires": now + lasts, **same}
    await unit.run(insert(takeaway).values([{"token": unit.secrecy.index(f"{what}:{one}"), **row} for one in tokens]))


async def use(unit: Unit, what: What, token: str, now: datetime) -> tuple[int, int] | None:
    """Who asked for it, and of which one (an export: 0), once; None ever after."""
    used = (
        update(takeaway)
        .where(
            takeaway.c.token == unit.secrecy.index(f"{what}:{token}"),
            takeaway.c.used.is_(None),
            takeaway.c.expires > now,
        )
        .values(used=now)
        .returning(takeaway.c.person, takeaway.c.activity, takeaway.c.campaign)
    )
    row = (await unit.run(used)).first()
    return None if row is None else (row.person, row.activity or row.campaign or 0)
