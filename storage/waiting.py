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


_OF_MESSAGE = ("id", "fanout", "person", "lane", "attempt", "due", "expires", "repeated", "page", "keyed")
_OF_FANOUT = ("kind", "source", "revision", "offset", "segment", "words")


def _read(row: Any) -> Waiting:
    values = row._asdict()
    return Waiting(**(values | {"repeated": bool(row.repeated), "words": row.words or {}}))


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
    return [_read(row) for row in await unit.run(_first(room, *ours, order=(outbox.c.due, outbox.c.id)))]


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
        found.append([_read(row) for row in await unit.run(_first(share, *ours, order=(outbox.c.id,)))])
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
