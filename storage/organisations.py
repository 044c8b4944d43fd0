"""Organisations: registered by an operator, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select

from storage.database import Unit
from storage.tables.activities import organisation


async def register(
    unit: Unit, name: str, english: str, type_: str, level: str, place: int, now: datetime
) -> int | None:
    """Add an organisation and return its number; None: there is one of that name at that place."""
    same = select(organisation.c.id).where(organisation.c.name == name, organisation.c.place == place)
    if (await unit.run(same)).first() is not None:
        return None
    row = insert(organisation).values(
        name=name, english=english, type=type_, level=level, place=place, created=now, state="active"
    )
    return int((await unit.run(row.returning(organisation.c.id))).scalar_one())


async def names(unit: Unit, ids: Sequence[int]) -> dict[int, tuple[str, str, int]]:
    """Names (Chinese, English) and places of organisations."""
    rows = await unit.run(select(organisation).where(organisation.c.id.in_(ids), organisation.c.state == "active"))
    return {row.id: (row.name, row.english, row.place) for row in rows}
