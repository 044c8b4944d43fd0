"""What every turn writes at its end: the conversation, the sign of life and the reply, in as few trips to the database
as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from storage.database import Unit
from storage.inbox import KEEP_REPLY, sealed_reply
from storage.people import HEARD, HEARD_AFTER_ACTION, HEARD_IN_WINDOW, KEEP_SESSION, Met, sealed_session
from storage.prepared import Prepared

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
        await unit.run_aside(statement, said | written | reply)
