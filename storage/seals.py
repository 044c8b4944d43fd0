"""Is this the key with which the city's personal fields were sealed? A wrong one must stop a start, not spoil rows."""

from __future__ import annotations

import hmac
from typing import Literal

from sqlalchemy import select

from storage.database import Unit
from storage.secrecy import Secrecy
from storage.tables.messages import token

NAME = "seal"
"""The row that tells keys apart; nothing about the key can be read from it."""

Key = Literal["same", "other", "first"]


async def compare(unit: Unit, secrecy: Secrecy) -> Key:
    """Is it the same key as before, another, or the first that this database sees?"""
    kept = (await unit.run(select(token.c.value).where(token.c.name == NAME))).scalar()
    if not kept:
        return "first"
    return "same" if hmac.compare_digest(str(kept), secrecy.index(NAME)) else "other"


async def remember(unit: Unit, secrecy: Secrecy) -> bool:
    """Keep the mark of the first key; False: the database knows another one, and this one must not be used."""
    row = unit.insert(token).values(name=NAME, value=secrecy.index(NAME)).on_conflict_do_nothing()
    await unit.run(row)
    return await compare(unit, secrecy) == "same"
