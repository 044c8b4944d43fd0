"""The messages whose time has come, in the order in which an account should send them. Nothing is taken here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, zip_longest
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
    page: int = 0
    """How many of its pages have arrived: it goes on with the next."""
    keyed: int | None = None
    """It may have been sent, under the platform's own key, since this moment."""


def _first(limit: int, *which: ColumnElement[bool], order: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """The first of some waiting messages.

    Chosen in the outbox alone: without statistics SQLite would walk through the intentions' rows.
    """
    runs = exists().where(fanout.c.id == outbox.c.fanout, fanout.c.state.in_(RUNS))
    return select(*_OF_MESSAGE).where(IS_PENDING, *which, runs).order_by(*order).limit(limit)


_OF_MESSAGE = tuple(
    outbox.c[name]
    for name in ("id", "fanout", "person", "lane", "attempt", "due", "expires", "repeated", "page", "keyed")
)
_OF_FANOUT = tuple(fanout.c[name] for name in ("kind", "source", "revision", "offset", "segment", "words"))


async def _read(unit: Unit, rows: Sequence[Any]) -> list[Waiting]:
    """With their intentions, each of which is read once however many messages it has."""
    numbers = sorted({row.fanout for row in rows})
    if not numbers:
        return []
    intentions = await unit.run(select(fanout.c.id, *_OF_FANOUT).where(fanout.c.id.in_(numbers)))
    known = {row.id: (row.kind, row.source, row.revision, row.offset, row.segment, row.words) for row in intentions}
    return [_waiting(row, *known[row.fanout]) for row in rows]


def _waiting(
    row: Any, kind: str, source: int, revision: int, offset: int, segment: Mapping[str, Any], words: Any
) -> Waiting:
    id_, number, person, lane, attempt, due, expires, repeated, page, keyed = row
    return Waiting(
        id_, number, person, lane, attempt, due, expires, bool(repeated), kind, source, revision, offset, segment,
        words or {}, page, keyed,
    )  # fmt: skip


async def peek(
    unit: Unit, account: str, now: datetime, limit: int, campaigns: int = 0, after: int = 0
) -> list[Waiting]:
    """What this account should send next: each lane strictly before the next; nothing is taken.

    `campaigns`: places kept for campaigns right behind the replies, so that they never stand still. Several campaigns
    take turns, beginning behind the one with the number `after`.
    """
    due = to_milliseconds(now)
    replies = await _peek_lane(unit, account, Lane.REPLY, due, limit - campaigns)
    others: list[Waiting] = []
    for lane in (Lane.CHANGE, Lane.REMINDER, Lane.PERSONAL):
        others += await _peek_lane(unit, account, lane, due, limit - campaigns - len(replies) - len(others))
    bulk = await _peek_campaigns(unit, account, due, limit - len(replies) - len(others), after)
    return [*replies, *bulk[:campaigns], *others, *bulk[campaigns:]]


async def _peek_lane(unit: Unit, account: str, lane: Lane, due: int, room: int) -> list[Waiting]:
    if room < 1:
        return []
    ours = (outbox.c.account == account, outbox.c.lane == int(lane), outbox.c.due <= due)
    return await _read(unit, (await unit.run(_first(room, *ours, order=(outbox.c.due, outbox.c.id)))).all())


async def _peek_campaigns(unit: Unit, account: str, due: int, room: int, after: int) -> list[Waiting]:
    if room < 1:
        return []
    running = await _running(unit, account)
    turns = [*(number for number in running if number > after), *(number for number in running if number <= after)]
    found: list[list[Waiting]] = []
    for place, number in enumerate(turns[:room]):
        share = -(-(room - sum(map(len, found))) // (min(len(turns), room) - place))
        # `due + 0`: else SQLite walks through every campaign by its due index and sorts what it finds.
        ours = (outbox.c.account == account, IS_CAMPAIGN, outbox.c.fanout == number, outbox.c.due + 0 <= due)
        found.append(await _read(unit, (await unit.run(_first(share, *ours, order=(outbox.c.id,)))).all()))
    return [one for one in chain.from_iterable(zip_longest(*found)) if one is not None]


async def _running(unit: Unit, account: str) -> list[int]:
    """The campaigns with messages waiting at this account that may be sent now, by number."""
    waiting: list[int] = []
    while True:
        # One look into the index for each campaign, however many rows it has.
        following = select(func.min(outbox.c.fanout)).where(
            outbox.c.account == account, IS_PENDING, IS_CAMPAIGN, outbox.c.fanout > (waiting[-1] if waiting else 0)
        )
        number = (await unit.run(following)).scalar_one_or_none()
        if number is None:
            break
        waiting.append(int(number))
    if not waiting:
        return []
    allowed = select(fanout.c.id).where(fanout.c.id.in_(waiting), fanout.c.state.in_(RUNS)).order_by(fanout.c.id)
    return list((await unit.run(allowed)).scalars())
