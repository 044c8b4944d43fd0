"""Codes of the official account that open an activity: kept until shortly before they end."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from storage.database import Unit
from storage.tables.official import scene

SPARE = timedelta(days=7)
"""A code that is given out now is good for at least this long."""


async def code(unit: Unit, link: str, now: datetime, until: datetime | None = None) -> str | None:
    """What the kept code of a link holds; None: there is none, or it ends soon, or before `until`."""
    lasts = max(now + SPARE, until or now)
    kept = select(scene.c.url).where(scene.c.link == link, scene.c.expires >= lasts)
    url: str | None = (await unit.run(kept)).scalar_one_or_none()
    return url


async def keep_code(unit: Unit, link: str, url: str, expires: datetime) -> None:
    """Keep a code; the one before it stays good, on paper, until its own end."""
    row = unit.insert(scene).values(link=link, url=url, expires=expires)
    await unit.run(row.on_conflict_do_update(index_elements=["link"], set_={"url": url, "expires": expires}))


async def forget_codes(unit: Unit, now: datetime) -> None:
    """Drop those that have ended."""
    await unit.run(delete(scene).where(scene.c.expires < now))
