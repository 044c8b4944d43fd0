"""The append-only log of every move: who did what to which row, from where to where. Never a name or an address."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert

from storage.database import Unit
from storage.tables.enrolment import audit


async def log(
    unit: Unit, now: datetime, actor: int | None, deed: str, target: str, before: str | None, after: str | None
) -> None:
    """One row for every move. `target`: `enrolment:17`; `actor`: a person's number, None for Menkou itself."""
    await unit.run(insert(audit).values(at=now, actor=actor, deed=deed, target=target, before=before, after=after))
