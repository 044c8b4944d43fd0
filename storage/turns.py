"""How every turn begins and ends: its person met, or the reply found that the message got before; then the
conversation, the sign of life and the message with its reply written. In as few trips to the database as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Insert, Update, and_, bindparam

from storage import inbox, people
from storage.ahead import bounds
from storage.database import Unit
from storage.inbox import KEEP, REPLY, Kept, Message, keep_each
from storage.people import (
    HEARD,
    HEARD_AFTER_ACTION,
    HEARD_IN_WINDOW,
    KEEP_SESSION,
    MEET,
    Met,
    locked_without_waiting,
    sealed_session,
)
from storage.prepared import Prepared
from storage.shared import Shared, change_of_each, each
from storage.tables.messages import inbox as answers
from storage.tables.people import identity

_SAME = and_(answers.c.door == identity.c.door, answers.c.key == bindparam("key"))
_BEGINNING = MEET.add_columns(*REPLY).outerjoin(answers, _SAME)
_BEGIN = Shared(_BEGINNING, for_many=lambda: each(locked_without_waiting(_BEGINNING)))


async def begin(unit: Unit, message: Message, language: str, now: datetime) -> Met | Kept:
    """Meet whoever sent a message, locked for the turn; or find the reply that it was given before.

    Who had to wait for that lock on PostgreSQL may not see what was answered meanwhile: then the commit is refused. The
    lock is written to PostgreSQL's log, so that a reply which is given again is on disk with the end of this turn,
    though it may be seen a moment before.
    """
    here = {"door": message.door, "external": message.external, "key": message.key} | bounds(now)
    row = (await unit.run_aside(_BEGIN, here)).first()
    if row is None:  # nobody at this address; a chat that was left may have been answered for all that
        known = await inbox.kept_reply(unit, message.door, message.key)
    else:
        known = inbox.kept(unit, message.door, message.key, row) if row.answered is not None else None
    if known is not None:
        return known
    if row is not None:
        await unit.claim(row.id)
    return await people.met(unit, row, message.door, message.external, language, now)


LATELY = timedelta(seconds=10)
"""For so long a sign of life is not written anew: answers come one after another, and nobody asks to the second."""

_KINDS = (HEARD, HEARD_IN_WINDOW, HEARD_AFTER_ACTION)
_ONE_BY_ONE: dict[Any, tuple[Prepared, ...]] = {
    heard: (Prepared(KEEP_SESSION), Prepared(heard), Prepared(KEEP)) for heard in _KINDS
}
_ONE_BY_ONE[None] = (Prepared(KEEP_SESSION), Prepared(KEEP))


def _at_once(*heard: Update) -> Shared:
    def with_the_rest(keep: Insert, said: Update, *signs: Update) -> Insert:
        return keep.add_cte(said.cte("said"), *(one.cte("heard_from") for one in signs))

    def for_many() -> Insert:
        return with_the_rest(keep_each(), *map(change_of_each, (KEEP_SESSION, *heard)))

    return Shared(with_the_rest(KEEP, KEEP_SESSION, *heard), for_many=for_many)


_AT_ONCE: dict[Any, tuple[Prepared, ...]] = {heard: (_at_once(heard),) for heard in _KINDS}
_AT_ONCE[None] = (_at_once(),)
"""PostgreSQL takes the two or three as one statement."""


async def close(
    unit: Unit,
    met: Met,
    message: Message,
    pages: Sequence[dict[str, Any]],
    now: datetime,
    window: tuple[int, int, bool] | None,
) -> None:
    """Write it. `window`: seconds and messages for which we may speak first from now on, and whether by an action."""
    said = {"of_person": met.person.id, "kept": sealed_session(unit, met.person.id, met.session)}
    written: dict[str, Any] = {"of_identity": met.identity, "heard": now}
    if window:
        seconds, messages, _by_action = window
        written |= {"until": now + timedelta(seconds=seconds), "left": messages}
    answered = inbox.answered(unit, message, now, pages)
    for statement in (_AT_ONCE if unit.locks_rows else _ONE_BY_ONE)[_sign_of_life(met, now, window)]:
        await unit.run_late(statement, said | written | answered)


def _sign_of_life(met: Met, now: datetime, window: tuple[int, int, bool] | None) -> Any:
    """What is written of whoever wrote; None: it stands there already."""
    if window is not None:
        return HEARD_AFTER_ACTION if window[2] else HEARD_IN_WINDOW
    lately = met.heard is not None and met.heard <= now < met.heard + LATELY
    return None if lately else HEARD
