"""How every turn begins and ends: its person met, or the reply found that the message got before; then the
conversation, the sign of life and the message with its reply written. In as few trips to the database as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Insert, LargeBinary, SmallInteger, String, and_, bindparam, insert, select, update

from storage import inbox, people
from storage.ahead import bounds
from storage.database import Unit
from storage.inbox import KEEP, REPLY, Kept, Message
from storage.lines import Alone
from storage.people import HEARD, HEARD_AFTER_ACTION, HEARD_IN_WINDOW, KEEP_SESSION, MEET, Met, sealed_session
from storage.prepared import Ending, ForEach, Given, Prepared
from storage.tables.kinds import to_milliseconds
from storage.tables.messages import inbox as answers
from storage.tables.people import conversation, identity, person

_LOCKED = (person, conversation)
_SAME = and_(answers.c.door == identity.c.door, answers.c.key == bindparam("key"))
_MET = MEET.add_columns(*REPLY).outerjoin(answers, _SAME)
_BEGIN = Prepared(_MET)
_BEGIN_BESIDE = Prepared(_MET.with_for_update(of=_LOCKED, key_share=True, skip_locked=True))
"""Finds nobody who is locked: whoever holds them may wait for somebody whose turn is done and not committed."""


async def begin(unit: Unit, message: Message, language: str, now: datetime) -> Met | Kept:
    """Meet whoever sent a message, locked for the turn; or find the reply that it was given before.

    Who had to wait for that lock on PostgreSQL may not see what was answered meanwhile: then the commit is refused. The
    lock is written to PostgreSQL's log, so that a reply which is given again is on disk with the end of this turn,
    though it may be seen a moment before. Raises Alone.
    """
    here = {"door": message.door, "external": message.external, "key": message.key} | bounds(now)
    beside = bool(unit.beside)
    row = (await unit.run_aside(_BEGIN_BESIDE if beside else _BEGIN, here)).first()
    # Nobody is found who is new, or locked. And what came of it when somebody wrote from another address of theirs just
    # now is not written down yet.
    if beside and (row is None or row.merged is not None or row.id in unit.beside):
        raise Alone
    if row is not None:
        unit.beside.add(row.id)
    if row is None:  # nobody at this address; a chat that was left may have been answered for all that
        known = await inbox.kept_reply(unit, message.door, message.key)
    else:
        known = inbox.kept(unit, message.door, message.key, row) if row.answered is not None else None
    if known is not None:
        return known
    return await people.met(unit, row, message.door, message.external, language, now)


LATELY = timedelta(seconds=10)
"""For so long a sign of life is not written anew: answers come one after another, and nobody asks to the second."""

_KINDS = (HEARD, HEARD_IN_WINDOW, HEARD_AFTER_ACTION)
_SIGNS: dict[Any, Prepared] = {heard: Prepared(heard) for heard in _KINDS}
_ONE_BY_ONE: dict[Any, tuple[Prepared, ...]] = {
    heard: (Prepared(KEEP_SESSION), Prepared(heard), Prepared(KEEP)) for heard in _KINDS
}
_ONE_BY_ONE[None] = (Prepared(KEEP_SESSION), Prepared(KEEP))
_GIVEN = {
    "of_person": BigInteger, "kept": LargeBinary, "new_door": String, "new_key": String, "new_external": String,
    "new_at": BigInteger, "new_raw": LargeBinary, "new_state": SmallInteger, "new_reply": LargeBinary,
}  # fmt: skip


def _keep_all(given: Given) -> Insert:
    """The conversations of several, and their messages with the replies."""
    said = update(conversation).where(conversation.c.person == given["of_person"]).values(session=given["kept"])
    columns = {name.removeprefix("new_"): given[name] for name in _GIVEN if name.startswith("new_")}
    return insert(answers).from_select(list(columns), select(*columns.values())).add_cte(said.cte("said"))


_TOGETHER = ForEach(_keep_all, _GIVEN)
_AT_ONCE: dict[Any, tuple[Prepared, ...]] = {
    heard: (Prepared(KEEP.add_cte(KEEP_SESSION.cte("said"), heard.cte("heard_from"))),) for heard in _KINDS
}
_AT_ONCE[None] = (Prepared(KEEP.add_cte(KEEP_SESSION.cte("said"))),)
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
    sign, values = _sign_of_life(met, now, window), said | written | answered
    steps = (_AT_ONCE if unit.locks_rows else _ONE_BY_ONE)[sign]
    more = [(_SIGNS[sign], values)] if sign is not None else []
    row = said | answered | {"new_at": to_milliseconds(now)}
    await unit.run_ending(Ending([(step, values) for step in steps], _TOGETHER, row, more))


def _sign_of_life(met: Met, now: datetime, window: tuple[int, int, bool] | None) -> Any:
    """What is written of whoever wrote; None: it stands there already."""
    if window is not None:
        return HEARD_AFTER_ACTION if window[2] else HEARD_IN_WINDOW
    lately = met.heard is not None and met.heard <= now < met.heard + LATELY
    return None if lately else HEARD
