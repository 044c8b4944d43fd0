"""What every turn writes at its end: the conversation, the sign of life and the reply, in as few trips to the database
as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from storage.database import Unit
from storage.inbox import KEEP_REPLY, sealed_reply
from storage.people import HEARD, HEARD_IN_WINDOW, KEEP_SESSION, Met, sealed_session
from storage.prepared import Prepared

_AT_ONCE = {
    window: Prepared(KEEP_REPLY.add_cte(KEEP_SESSION.cte("said"), heard.cte("heard_from")))
    for window, heard in ((False, HEARD), (True, HEARD_IN_WINDOW))
}
"""PostgreSQL takes the three as one statement."""

_ONE_BY_ONE = {
    window: (Prepared(KEEP_SESSION), Prepared(heard), Prepared(KEEP_REPLY))
    for window, heard in ((False, HEARD), (True, HEARD_IN_WINDOW))
}


async def close(
    unit: Unit,
    met: Met,
    door: str,
    key: str,
    pages: Sequence[dict[str, Any]],
    now: datetime,
    window: tuple[int, int] | None,
) -> None:
    """Write it. `window`: seconds and messages for which we may speak first from now on."""
    said = {"of_person": met.person.id, "kept": sealed_session(unit, met.person.id, met.session)}
    written: dict[str, Any] = {"of_identity": met.identity, "heard": now}
    if window:
        written |= {"until": now + timedelta(seconds=window[0]), "left": window[1]}
    reply = {"of_door": door, "of_key": key, "kept_reply": sealed_reply(unit, door, key, pages)}
    values = said | written | reply
    for statement in (_AT_ONCE[bool(window)],) if unit.locks_rows else _ONE_BY_ONE[bool(window)]:
        await unit.run_aside(statement, values)
