"""The web chat's letterbox in the city's database."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from bot.channels.web import Letter
from storage import letters
from storage.database import Database


class Letters:
    """The web chat's letterbox in the city's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(
        self, address_id: str, key: str, who: Literal["me", "them"], body: dict[str, Any], at: datetime
    ) -> int:
        """Keep a letter; the same key again is the same letter."""
        async with self._database.write() as unit:
            return await letters.append(unit, address_id, key, who, body, at)

    async def since(self, address_id: str, after: int) -> list[Letter]:
        """Letters after a number, in order."""
        found = await self._database.look(lambda unit: letters.since(unit, address_id, after))
        return [_letter(one) for one in found]

    async def before(self, address_id: str, sequence: int | None, count: int) -> list[Letter]:
        """The newest letters before a number, in order."""
        found = await self._database.look(lambda unit: letters.before(unit, address_id, sequence, count))
        return [_letter(one) for one in found]


def _letter(kept: letters.Letter) -> Letter:
    return Letter(kept.sequence, kept.key, "me" if kept.who == "me" else "them", kept.body, kept.at)
