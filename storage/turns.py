"""How every turn begins and ends: the message kept and its person met; the conversation, the sign of life and the reply
written. In as few trips to the database as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, literal, select, true

from storage import inbox, people
from storage.database import Unit
from storage.inbox import KEEP_REPLY, sealed_reply
from storage.people import HEARD, HEARD_AFTER_ACTION, HEARD_IN_WINDOW, KEEP_SESSION, MEET, Met, sealed_session
from storage.prepared import Prepared

_BEGUN = inbox.BEGIN["postgresql"].returning(literal(1).label("one")).cte("begun")
_COUNTED = select(func.count().label("begun")).select_from(_BEGUN).subquery()
_THERE = MEET.cte("met")
_OPEN = Prepared(select(_COUNTED.c.begun, _THERE).select_from(_COUNTED.outerjoin(_THERE, true())))
"""PostgreSQL takes the two as one statement, which gives one row whoever wrote and however often."""


async def begin(
    unit: Unit, door: str, key: str, external: str, raw: str, language: str, now: datetime
) -> Met | None:
    """Keep the message and meet whoever sent it, locked for the turn. None: the message was there before."""
    message = inbox.new(unit, door, key, external, now, raw)
    if not unit.locks_rows:
        return await people.meet(unit, door, external, language, now) if await inbox.begin(unit, message) else None
    row = (await unit.run_aside(_OPEN, message | {"door": door, "external": external})).one()
    if not row.begun:
        return None
    return await people.met(unit, row if row.identity is not None else None, door, external, language, now)


_KINDS = (HEARD, HEARD_IN_WINDOW, HEARD_AFTER_ACTION)
_ONE_BY_ONE = {heard: (Prepared(KEEP_SESSION), Prepared(heard), Prepared(KEEP_REPLY)) for heard in _KINDS}
_AT_ONCE = {
    heard: (Prepared(KEEP_REPLY.add_cte(KEEP_SESSION.cte("said"), heard.cte("heard_from"))),) for heard in _KINDS
}
"""PostgreSQL takes the three as one statement."""


async def close(
    unit: Unit,
    met: Met,
    door: str,
    key: str,
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
    reply = {"of_door": door, "of_key": key, "kept_reply": sealed_reply(unit, door, key, pages)}
    heard = HEARD if window is None else HEARD_AFTER_ACTION if window[2] else HEARD_IN_WINDOW
    for statement in (_AT_ONCE if unit.locks_rows else _ONE_BY_ONE)[heard]:
        await unit.run_late(statement, said | written | reply)
