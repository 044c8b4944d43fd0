"""A seat that waits for one person: beside the leader's, or the place that its owner passes on."""

from __future__ import annotations

from bot.desk.subject import Subject
from bot.desk.telling import tell
from bot.domain.enrolment import COMING, Stand, move
from bot.domain.parties import Ask, Invitation, Reply
from storage import audit, enrolment, parties
from storage.wishes import Wish

HANDED_OVER = "handed over"
"""The reason that is kept with a place that was passed on."""


async def claim(by: Subject, wish: Wish) -> None:
    """I was asked to come and now do: the seat that waits for me is free, and mine before anybody else looks.

    Every gate has let me pass, and the shift is locked.
    """
    freed = False
    for asked in await parties.open_for(by.unit, by.me.id, wish.shift):
        await parties.answer(by.unit, asked.id, Reply.ACCEPTED, by.now)
        await audit.log(by.unit, by.now, by.me.id, "accept", f"invitation:{asked.id}", Reply.OPEN, Reply.ACCEPTED)
        freed = freed or (asked.held and await _freed(by, asked))


async def _freed(by: Subject, asked: Invitation) -> bool:
    if asked.enrolment is None:
        return False
    if asked.ask is Ask.TEAM:
        held = await parties.release_held(by.unit, asked.enrolment)
    else:
        held = await _passed_on(by, asked, asked.enrolment)
    if held:
        await enrolment.give_back(by.unit, asked.shift)
    return held


async def _passed_on(by: Subject, asked: Invitation, place: int) -> bool:
    """Its owner gives the place up in the same moment; not past people who wait for one."""
    if await parties.waiting(by.unit, asked.shift):
        return False
    for stand in sorted(COMING):
        after = move(stand, Stand.CANCELLED)
        if await enrolment.end(by.unit, place, stand, by.now, "self", HANDED_OVER):
            await audit.log(by.unit, by.now, by.me.id, "handover", f"enrolment:{place}", stand, after)
            owner = await parties.inviter_of(by.unit, asked.id)
            if owner is not None:
                await tell(by, owner, "taken", asked.id, asked.shift, asked.starts)
            return True
    return False
