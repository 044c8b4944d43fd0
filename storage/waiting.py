"""The messages whose time has come, in the order in which an account should send them. Nothing is taken here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select

from storage.database import Unit
from storage.outbox import IS_CAMPAIGN, IS_PENDING, RUNS
from storage.tables.delivery import Lane, fanout, outbox
from storage.tables.kinds import to_milliseconds


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message whose time has come, with the intention that it belongs to."""

    id: int
    fanout: int
    person: int
    lane: int
    attempt: int
    due: int
    expires: int
    repeated: bool
    kind: str
    source: int
    revision: int
    offset: int
    segment: Mapping[str, Any]
    words: Mapping[str, str]


def _first(limit: int, *which: ColumnElement[bool], order: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """The first of some waiting messages with their intentions.

    Chosen in the outbox alone and joined afterwards: without statistics SQLite would walk through the intention's rows.
    """
    runs = exists().where(fanout.c.id == outbox.c.fanout, fanout.c.state.in_(RUNS))
    first = select(outbox).where(IS_PENDING, *which, runs).order_by(*order).limit(limit).subquery("first")
    return (
        select(
            *(first.c[name] for name in _OF_MESSAGE),
            *(fanout.c[name] for name in _OF_FANOUT),
        )
        .select_from(first.join(fanout, fanout.c.id == first.c.fanout))
        .order_by(*(first.c[column.name] for column in order))
    )


_OF_MESSAGE = ("id", "fanout", "person", "lane", "attempt", "due", "expires", "repeated")
_OF_FANOUT = ("kind", "source", "revision", "offset", "segment", "words")


def _read(row: Any) -> Waiting:
    values = row._asdict()
    return Waiting(**(values | {"repeated": bool(row.repeated), "words": row.words or {}}))


async def peek(unit: Unit, account: str, now: datetime, limit: int, campaigns: int = 0) -> list[Waiting]:
    """What this account should send next: each lane strictly before the next; nothing is taken.

    `campaigns`: places kept for campaigns, so that they never stand still. Several campaigns take turns.
    """
    found: list[Waiting] = []
    due = to_milliseconds(now)
    room = limit - campaigns
    for lane in Lane:
        if lane is Lane.CAMPAIGN or len(found) >= room:
            break
        ours = (outbox.c.account == account, outbox.c.lane == int(lane), outbox.c.due <= due)
        rows = _first(room - len(found), *ours, order=(outbox.c.due, outbox.c.id))
        found += [_read(row) for row in await unit.run(rows)]
    return found + await _peek_campaigns(unit, account, due, limit - len(found))


async def _peek_campaigns(unit: Unit, account: str, due: int, room: int) -> list[Waiting]:
    running: list[int] = []
    last = 0
    while len(running) < room:
        # One look into the index for each campaign, however many rows it has.
        following = select(func.min(outbox.c.fanout)).where(
            outbox.c.account == account, IS_PENDING, IS_CAMPAIGN, outbox.c.fanout > last
        )
        number = (await unit.run(following)).scalar_one_or_none()
        if number is None:
            break
        last = int(number)
        running.append(last)
    found: list[Waiting] = []
    for place, number in enumerate(running):
        share = -(-(room - len(found)) // (len(running) - place))
        # `due + 0`: else SQLite walks through every campaign by its due index and sorts what it finds.
        ours = (outbox.c.account == account, IS_CAMPAIGN, outbox.c.fanout == number, outbox.c.due + 0 <= due)
        found += [_read(row) for row in await unit.run(_first(share, *ours, order=(outbox.c.id,)))]
    return found
