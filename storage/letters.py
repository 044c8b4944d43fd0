"""The web chat's letters: what was said on the page, in order, so that a reload or a cut line loses and
doubles nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select

from storage.database import Unit
from storage.tables.messages import letter


class Letter(NamedTuple):
    """One message of a conversation: its number, the page's key, whose it is (me or them), plain JSON, when."""

    sequence: int
    key: str
    who: str
    body: dict[str, Any]
    at: datetime


async def append(unit: Unit, address: str, key: str, who: str, body: dict[str, Any], at: datetime) -> int:
    """Add a letter and return its number; the same key again is the same letter."""
    here = select(letter.c.sequence).where(letter.c.address == address, letter.c.key == key)
    known = (await unit.run(here)).scalar_one_or_none()
    if known is not None:
        return int(known)
    after = select(func.coalesce(func.max(letter.c.sequence), 0) + 1).where(letter.c.address == address)
    number = int((await unit.run(after)).scalar_one())
    sealed = unit.secrecy.seal_json(body, f"letter:{address}:{number}")
    row = unit.insert(letter).values(address=address, sequence=number, key=key, who=who, body=sealed, at=at)
    if (await unit.run(row.on_conflict_do_nothing())).rowcount:
        return number
    # Another letter took the number between the two statements: look again.
    return await append(unit, address, key, who, body, at)


async def since(unit: Unit, address: str, after: int) -> list[Letter]:
    """Letters with a number greater than `after`, in order."""
    rows = select(letter).where(letter.c.address == address, letter.c.sequence > after)
    return [_opened(unit, row) for row in await unit.run(rows.order_by(letter.c.sequence))]


async def before(unit: Unit, address: str, sequence: int | None, count: int) -> list[Letter]:
    """The newest `count` letters with a number smaller than `sequence` (None: the newest of all), in order."""
    rows = select(letter).where(letter.c.address == address)
    if sequence is not None:
        rows = rows.where(letter.c.sequence < sequence)
    newest = await unit.run(rows.order_by(letter.c.sequence.desc()).limit(count))
    return [_opened(unit, row) for row in reversed(list(newest))]


def _opened(unit: Unit, row: Any) -> Letter:
    body = unit.secrecy.open_json(row.body, f"letter:{row.address}:{row.sequence}")
    return Letter(row.sequence, row.key, row.who, body, row.at)
