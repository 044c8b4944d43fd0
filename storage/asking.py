"""What people ask each other: is a message about it still meant at the moment of sending?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from bot.domain.guardians import Answer
from bot.domain.parties import Reply
from storage import skills
from storage.database import Unit
from storage.tables.guardians import permission
from storage.tables.parties import invitation
from storage.waiting import Waiting

QUESTIONS = frozenset({"invitation", "cover", "lead"})
"""Kinds of notice that ask somebody about a shift."""


async def over(unit: Unit, messages: Iterable[Waiting]) -> set[int]:
    """Messages whose question has been answered since, or whose answer has been changed: by number.

    Reads nothing where no message is of such a kind.
    """
    messages = list(messages)
    return await _permissions(unit, messages) | await _invitations(unit, messages) | await _proofs(unit, messages)


async def _proofs(unit: Unit, messages: Sequence[Waiting]) -> set[int]:
    """Warnings of proofs that were renewed or taken back since."""
    warnings = [one for one in messages if one.kind == "expiring"]
    if not warnings:
        return set()
    last = await skills.lasting(unit, {one.source for one in warnings})
    return {one.id for one in warnings if one.source not in last}


async def _invitations(unit: Unit, messages: Sequence[Waiting]) -> set[int]:
    asked = [one for one in messages if one.kind in QUESTIONS]
    if not asked:
        return set()
    rows = select(invitation.c.id).where(
        invitation.c.id.in_(sorted({one.source for one in asked})), invitation.c.state == Reply.OPEN
    )
    open_ones = set((await unit.run(rows)).scalars())
    return {one.id for one in asked if one.source not in open_ones}


async def _permissions(unit: Unit, messages: Sequence[Waiting]) -> set[int]:
    asked = [one for one in messages if one.kind in ("permission", "permitted")]
    if not asked:
        return set()
    rows = select(permission.c.id, permission.c.state).where(permission.c.id.in_(sorted({one.source for one in asked})))
    now = {row.id: row.state for row in await unit.run(rows)}
    meant = {one.id: one.words["answer"] if one.kind == "permitted" else Answer.ASKED for one in asked}
    return {one.id for one in asked if now.get(one.source) != meant[one.id]}
