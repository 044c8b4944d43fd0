"""What people ask each other: is a message about it still meant at the moment of sending?"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from bot.domain.guardians import Answer
from storage.database import Unit
from storage.tables.guardians import permission
from storage.waiting import Waiting


async def over(unit: Unit, messages: Iterable[Waiting]) -> set[int]:
    """Messages whose question has been answered since, or whose answer has been changed: by number.

    Reads nothing where no message is of such a kind.
    """
    asked = [one for one in messages if one.kind in ("permission", "permitted")]
    if not asked:
        return set()
    rows = select(permission.c.id, permission.c.state).where(permission.c.id.in_(sorted({one.source for one in asked})))
    now = {row.id: row.state for row in await unit.run(rows)}
    meant = {one.id: one.words["answer"] if one.kind == "permitted" else Answer.ASKED for one in asked}
    return {one.id for one in asked if now.get(one.source) != meant[one.id]}
