"""What came in, and the reply that was given: the same message again gets the same reply."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Insert, String, bindparam, func, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from storage.database import Unit
from storage.prepared import Prepared, columns_of_lists
from storage.tables.kinds import Moment
from storage.tables.messages import brought, inbox

ANSWERED = 0
DEAD = 1

_COLUMNS = ("door", "key", "external", "at", "raw", "state", "reply")
KEEP = insert(inbox).values({name: bindparam(f"new_{name}") for name in _COLUMNS})
"""Keep a message with its reply. Its key is there once, for ever: a second answer to it is not committed."""


def keep_each() -> Insert:
    """The same of many at once, on PostgreSQL."""
    given = columns_of_lists({f"new_{name}": inbox.c[name].type for name in _COLUMNS})
    return insert(inbox).from_select(_COLUMNS, select(*given.values()), include_defaults=False)


class Message(NamedTuple):
    """A message as it came: the platform's key of it, whose address it is from, what stood in it."""

    door: str
    key: str
    external: str
    raw: str


def answered(unit: Unit, message: Message, at: datetime, pages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A message with its reply, by the names that `KEEP` gives them."""
    door, key = message.door, message.key
    return {
        "new_door": door,
        "new_key": key,
        "new_external": message.external,
        "new_at": at,
        "new_raw": _raw(unit, door, key, message.raw) if unit.keeps_typed else None,
        "new_state": ANSWERED,
        "new_reply": sealed_reply(unit, door, key, pages),
    }


def was_answered_meanwhile(error: DBAPIError) -> bool:
    """Has another replica committed its answer to this message while we were at ours?"""
    return getattr(error.orig, "constraint_name", None) == inbox.primary_key.name


class Kept(NamedTuple):
    """A reply that was given before."""

    pages: list[dict[str, Any]]
    at: datetime


REPLY = (inbox.c.reply, inbox.c.at.label("answered"))
"""What is read of a reply that was given before."""


async def kept_reply(unit: Unit, door: str, key: str) -> Kept | None:
    """The reply that this message got; None: it is a new one."""
    row = (await unit.run(select(*REPLY).where(inbox.c.door == door, inbox.c.key == key))).first()
    return kept(unit, door, key, row) if row else None


def kept(unit: Unit, door: str, key: str, row: Any) -> Kept:
    """The reply of a row of `REPLY`."""
    return Kept(opened(unit, door, key, row.reply) if row.reply else [], row.answered)


_EACH = select(
    bindparam("of_door", type_=String()),
    func.unnest(bindparam("keys", type_=ARRAY(String()))),
    bindparam("moment", type_=Moment()),
)
_TOLD = Prepared(postgresql.insert(brought).from_select(["door", "key", "at"], _EACH).on_conflict_do_nothing())
_BROUGHT = Prepared(
    select(brought.c.at).where(
        brought.c.door == bindparam("of_door"), brought.c.key == bindparam("of_key"), brought.c.at >= bindparam("since")
    )
)


async def told(unit: Unit, door: str, keys: Collection[str], now: datetime) -> None:
    """These replies have been brought. For PostgreSQL: SQLite has no replicas that might ask.

    In order: two replicas that tell the same ones must not wait for each other.
    """
    await unit.run(_TOLD, {"of_door": door, "keys": sorted(keys), "moment": now})


async def is_brought(unit: Unit, door: str, key: str, answered: datetime) -> bool:
    """Has the reply that was given to this message at that moment been brought? False: nobody wrote that down.

    What was brought before is the reply to the same message before it was forgotten, and not this one.
    """
    given = {"of_door": door, "of_key": key, "since": answered}
    return (await unit.run(_BROUGHT, given)).first() is not None


def opened(unit: Unit, door: str, key: str, reply: bytes) -> list[dict[str, Any]]:
    """The pages of a kept reply."""
    return list(unit.secrecy.open_json(reply, f"inbox:{door}:{key}:reply"))


def sealed_reply(unit: Unit, door: str, key: str, pages: Sequence[dict[str, Any]]) -> bytes:
    return unit.secrecy.seal_json(list(pages), f"inbox:{door}:{key}:reply")


def _raw(unit: Unit, door: str, key: str, raw: str) -> bytes | None:
    return unit.secrecy.seal(raw, f"inbox:{door}:{key}:raw") if raw else None


async def bury(
    unit: Unit, door: str, key: str, external: str, at: datetime, raw: str, why: str, pages: Sequence[dict[str, Any]]
) -> None:
    """Keep a message apart that nobody could read or whose script broke, with the apology that was given."""
    row = unit.insert(inbox).values(
        door=door,
        key=key,
        external=external,
        at=at,
        raw=_raw(unit, door, key, raw),
        state=DEAD,
        error=why[:400],
        reply=sealed_reply(unit, door, key, pages),
    )
    await unit.run(row.on_conflict_do_nothing())


async def dead(unit: Unit, limit: int = 5) -> tuple[int, list[Any]]:
    """How many messages were buried, and the newest of them."""
    count = (await unit.run(select(func.count()).select_from(inbox).where(inbox.c.state == DEAD))).scalar_one()
    newest = await unit.run(
        select(inbox.c.door, inbox.c.key, inbox.c.at, inbox.c.error)
        .where(inbox.c.state == DEAD)
        .order_by(inbox.c.at.desc())
        .limit(limit)
    )
    return count, list(newest)


async def newest(unit: Unit, door: str, limit: int) -> list[tuple[str, datetime]]:
    """The last messages that came in by a door: what was kept of each, opened, and when it came."""
    kept = (
        select(inbox.c.key, inbox.c.raw, inbox.c.at)
        .where(inbox.c.state == ANSWERED, inbox.c.door == door, inbox.c.raw.is_not(None))
        .order_by(inbox.c.at.desc())
        .limit(limit)
    )
    rows = await unit.run(kept)
    return [(unit.secrecy.open(row.raw, f"inbox:{door}:{row.key}:raw"), row.at) for row in rows]
