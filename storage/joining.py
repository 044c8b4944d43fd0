"""A plain sign-up on PostgreSQL: read, decided and sealed while others may still join, then made by one statement.

The lock on a shift is what everybody waits for who wants the same seats: all of them together are as fast as one is
from its lock to its commit. Behind the lock nothing is left to do but to look whether all is as it was seen.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text, bindparam, case, cast, insert, literal, select

from bot.domain.enrolment import Stand
from storage import audit, enrolment
from storage.database import Unit
from storage.prepared import Prepared
from storage.tables.enrolment import audit as moves
from storage.wishes import PRINT, Seen, names

JOIN = "join"


def statement(deciding: Any) -> Any:
    """Decide, keep and log. How many rows it gives is what came of it, for whoever hears no more: none where it is not
    decided, one for a place in the queue, two for a seat."""
    kept = enrolment.decided_and_kept(deciding, "own_id").cte("kept")
    is_in = kept.c.state == literal(Stand.JOINED, String)
    values = {
        "at": bindparam("at", type_=moves.c.at.type),
        "actor": bindparam("whose", type_=moves.c.actor.type),
        "door": literal("", moves.c.door.type),
        "deed": literal(JOIN, moves.c.deed.type),
        "target": literal("enrolment:", Text) + cast(kept.c.id, Text),
        "after": kept.c.state,
        "seal": case((is_in, bindparam("seal_in", type_=Text())), else_=bindparam("seal_waiting", type_=Text())),
    }
    logged = insert(moves).from_select([*values], select(*values.values())).returning(moves.c.after).cte("logged")
    return select(logged.c.after).union_all(select(kept.c.state).where(is_in))


_AS_SEEN = PRINT.correlate(None).scalar_subquery() == bindparam("print", type_=Text())
_JOIN = Prepared(statement(enrolment.DECIDE.where(_AS_SEEN)))
WAITING, SEATED = 1, 2
"""Rows that it gives."""


async def join(unit: Unit, seen: Seen, person: int, now: datetime) -> tuple[int, bool] | None:
    """Give out the next queue number, and a seat with it while there is one. Returns (enrolment, has a seat).

    None: something is not as it was seen. The shift is locked then, and nothing was changed.
    """
    target = f"enrolment:{seen.own_id}"
    seal_in, seal_waiting = (
        audit.sealed(unit.secrecy, now, person, JOIN, target, None, stand)["seal"]
        for stand in (Stand.JOINED, Stand.WAITING)
    )
    values = names(seen.wish.shift, person, now) | {
        "print": seen.print, "own_id": seen.own_id, "at": now, "let_in": True,
        "seal_in": seal_in, "seal_waiting": seal_waiting,
    }  # fmt: skip
    made = await enrolment.lock_shift(unit, seen.wish.shift, (_JOIN, values))
    return None if made < WAITING else (seen.own_id, made == SEATED)
