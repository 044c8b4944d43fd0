"""Telling one person something about one shift, in the transaction that made it true."""

from __future__ import annotations

from datetime import datetime

from bot.desk.subject import Subject
from storage import fanouts
from storage.tables.delivery import Lane


async def tell(
    by: Subject, who: int, kind: str, source: int, shift: int, useful_until: datetime, place: int = 0, **words: str
) -> int | None:
    """Once for each `source` and `place`. Words hold no names: they are kept unsealed."""
    return await fanouts.plan(
        by.unit,
        kind=kind,
        source=source,
        offset=place,
        lane=Lane.PERSONAL,
        segment={"person": who, "about": shift},
        words={"number": str(source), **words},
        not_before=by.now,
        expires=useful_until,
        created_by=by.me.id or None,
    )
