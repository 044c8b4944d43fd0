"""A plain sign-up on PostgreSQL: read, decided and sealed while others may still join, then made by one statement.

The lock on a shift is what everybody waits for who wants the same seats: all of them together are as fast as one is
from its lock to its commit. Behind the lock nothing is left to do but to look whether all is as it was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import String, Text, bindparam, case, cast, func, insert, literal, literal_column, select

from bot.domain.enrolment import Stand
from storage import audit, enrolment
from storage.database import LINES, Unit
from storage.prepared import Prepared
from storage.tables.enrolment import audit as moves
from storage.wishes import PRINT, Seen, names

JOIN = "join"


Columns = dict[str, Any]


def _made(deciding: Any, values: Callable[[Any], Columns]) -> tuple[Any, Any]:
    """Decide, keep and log. Returns what was kept and what was logged, of which a statement may be made."""
    kept = enrolment.decided_and_kept(deciding, "own_id").cte("kept")
    row = {
        "at": bindparam("at", type_=moves.c.at.type),
        "actor": bindparam("whose", type_=moves.c.actor.type),
        "door": literal("", moves.c.door.type),
        "deed": literal(JOIN, moves.c.deed.type),
        "target": literal("enrolment:", Text) + cast(kept.c.id, Text),
        **values(kept),
    }
    return kept, insert(moves).from_select([*row], select(*row.values())).returning(moves.c.after).cte("logged")


def _is_in(kept: Any) -> Any:
    return kept.c.state == literal(Stand.JOINED, String)


def statement(deciding: Any) -> Any:
    """Decide, keep and log. How many rows it gives is what came of it, for whoever hears no more: none where it is not
    decided, one for a place in the queue, two for a seat."""

    def values(kept: Any) -> Columns:
        seal_in, seal_waiting = (bindparam(name, type_=Text()) for name in ("seal_in", "seal_waiting"))
        return {"after": kept.c.state, "seal": case((_is_in(kept), seal_in), else_=seal_waiting)}

    kept, logged = _made(deciding, values)
    return select(logged.c.after).union_all(select(kept.c.state).where(_is_in(kept)))


def statement_of_a_seat(deciding: Any) -> Any:
    """The same where a seat is foreseen: where it comes to anything else it divides by zero."""
    seal = bindparam("seal_in", type_=Text())
    kept, logged = _made(deciding, lambda kept: {"after": kept.c.state, "seal": seal})
    seats = select(func.count()).select_from(kept).where(_is_in(kept)).scalar_subquery()
    return select(literal_column("1").op("/")(seats).label("seat")).add_cte(logged)


_AS_SEEN = PRINT.correlate(None).scalar_subquery() == bindparam("print", type_=Text())
_DECIDED = enrolment.DECIDE.where(_AS_SEEN)
_JOIN = Prepared(statement(_DECIDED))
_TAKE = Prepared(statement_of_a_seat(_DECIDED))
WAITING, SEATED = 1, 2
"""Rows that `_JOIN` gives."""


async def join(unit: Unit, seen: Seen, person: int, now: datetime) -> tuple[int, bool] | None:
    """Give out the next queue number, and a seat with it while there is one. Returns (enrolment, has a seat).

    None: something is not as it was seen. The shift is locked then, and nothing was changed. Where more seats were free
    than all our turns together could take, one is foreseen: then it is given with the commit, or the turn begins again.
    """
    foreseen = unit.foresees and seen.free > LINES
    values = names(seen.wish.shift, person, now) | {
        "print": seen.print, "own_id": seen.own_id, "at": now, "let_in": True,
    }  # fmt: skip
    for name, stand in (("seal_in", Stand.JOINED), ("seal_waiting", Stand.WAITING))[: 1 if foreseen else 2]:
        move = audit.sealed(unit.secrecy, now, person, JOIN, f"enrolment:{seen.own_id}", None, stand)
        values[name] = move["seal"]
    if foreseen:
        await enrolment.lock_foreseen(unit, seen.wish.shift, (_TAKE, values))
        return seen.own_id, True
    made = await enrolment.lock_shift(unit, seen.wish.shift, (_JOIN, values))
    return None if made < WAITING else (seen.own_id, made == SEATED)
