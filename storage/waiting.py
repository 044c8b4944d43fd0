"""The messages whose time has come, in the order in which an account should send them. Nothing is taken here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, zip_longest
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, literal_column, select, union_all

from storage.ahead import bounds, goes_first, one
from storage.database import Unit
from storage.lists import among
from storage.outbox import IS_CAMPAIGN, IS_PENDING, RUNS
from storage.prepared import Prepared
from storage.tables.delivery import Lane, fanout, outbox
from storage.tables.kinds import to_milliseconds


class Waiting(NamedTuple):
    """A message whose time has come, with the intention that it belongs to: the columns of the one and the other."""

    id: int
    person: int
    attempt: int
    due: int
    expires: int
    repeated: int
    """1: it may have arrived before."""
    page: int
    """How many of its pages have arrived: it goes on with the next."""
    keyed: int | None
    """It may have been sent, under the platform's own key, since this moment."""
    lane: int
    fanout: int
    kind: str
    source: int
    revision: int
    offset: int
    segment: Mapping[str, Any]
    words: Mapping[str, str]


# Not `_make`: it is Python, called for each row, and asks whether the tuple has as many fields.
_waiting: Callable[[tuple[Any, ...]], Waiting] = partial(tuple.__new__, Waiting)

_OF_MESSAGE = tuple(
    outbox.c[name] for name in ("id", "person", "attempt", "due", "expires", "repeated", "page", "keyed")
)
_WHOSE = (outbox.c.lane, outbox.c.fanout)
"""Behind the others: all rows of a campaign have them in common, and are asked for without."""
_OF_FANOUT = tuple(fanout.c[name] for name in ("kind", "source", "revision", "offset", "segment", "words"))

# Not the bare value: SQLite would look at each new one, whether a partial index of some account serves it, and prepare
# the statement anew for that. It costs a hundred times what the statement does.
_ACCOUNT = outbox.c.account == bindparam("p_account", type_=outbox.c.account.type) + literal_column("''")


def _first(
    columns: Sequence[ColumnElement[Any]],
    *which: ColumnElement[bool],
    of: ColumnElement[int] = outbox.c.fanout,
    order: Sequence[ColumnElement[Any]],
) -> Select[Any]:
    """The first of some waiting messages, `of` an intention that runs.

    Chosen in the outbox alone: without statistics SQLite would walk through the intentions' rows.
    """
    runs = exists().where(fanout.c.id == of, RUNS)
    return select(*columns).where(_ACCOUNT, IS_PENDING, *which, runs).order_by(*order).limit(bindparam("p_room"))


def _first_of_lane(lane: Lane, *which: ColumnElement[bool]) -> Select[Any]:
    whole = _first(
        (*_OF_MESSAGE, *_WHOSE),
        outbox.c.lane == literal_column(str(int(lane))), outbox.c.due <= bindparam("p_due"), *which,
        order=(outbox.c.due, outbox.c.id),
    )  # fmt: skip
    return select(whole.subquery())


def _first_replies() -> Select[Any]:
    """Of each chat the one that was given first: the next leaves when it has been brought, all its pages, or failed."""
    earlier = outbox.alias("earlier")
    before = one(*goes_first(earlier.c, outbox.c.person, outbox.c.account), earlier.c.id < outbox.c.id)
    return _first_of_lane(Lane.REPLY, before.is_(None))


_LANES = (Lane.CHANGE, Lane.REMINDER, Lane.PERSONAL)

_PERSONAL = Prepared(union_all(_first_replies(), *map(_first_of_lane, _LANES)), named=False)
"""Of each lane but that of campaigns: from its own end of the index."""

_OF_CAMPAIGN = Prepared(
    # `due + 0`: else SQLite walks through every campaign by its due index and sorts what it finds.
    _first(
        _OF_MESSAGE, IS_CAMPAIGN, outbox.c.fanout == bindparam("p_fanout"), outbox.c.id >= bindparam("p_from"),
        outbox.c.due + literal_column("0") <= bindparam("p_due"),
        of=bindparam("p_fanout"), order=(outbox.c.id,),
    ),
    named=False,
)

_INTENTIONS = Prepared(select(fanout.c.id, *_OF_FANOUT).where(among(fanout.c.id, "p_ids")))


async def _intentions(unit: Unit, numbers: Collection[int]) -> dict[int, tuple[Any, ...]]:
    """By number. Each is read once however many messages it has."""
    if not numbers:
        return {}
    found = await unit.run(_INTENTIONS, {"p_ids": sorted(numbers)})
    return {row.id: (*row[1:-1], row.words or {}) for row in found}


async def peek(
    unit: Unit, account: str, now: datetime, limit: int, campaigns: int = 0, after: int = 0
) -> list[Waiting]:
    """What this account should send next: each lane strictly before the next; nothing is taken.

    `campaigns`: places kept for campaigns right behind the replies, so that they never stand still. Several campaigns
    take turns, beginning behind the one with the number `after`.
    """
    looked = {"p_account": account, "p_due": to_milliseconds(now)}
    room = limit - campaigns
    found = (await unit.run(_PERSONAL, {**looked, **bounds(now), "p_room": room})).all() if room > 0 else []
    rows = sorted(found, key=itemgetter(-2))[: max(0, room)]  # by lane; stable: each keeps its order
    turns = await _turns(unit, account, limit - len(rows), after)
    known = await _intentions(unit, {*(row[-1] for row in rows), *(turn.number for turn in turns)})
    personal = [_waiting((*row, *known[row[-1]])) for row in rows]
    bulk = await _peek_campaigns(unit, looked, limit - len(rows), turns, known)
    replies = sum(one.lane == Lane.REPLY for one in personal)
    return [*personal[:replies], *bulk[:campaigns], *personal[replies:], *bulk[campaigns:]]


async def _turns(unit: Unit, account: str, room: int, after: int) -> Sequence[Any]:
    """The campaigns that have messages waiting, beginning behind the one with the number `after`; for each a place."""
    if room < 1:
        return []
    running = (await unit.run(_RUNNING, {"p_account": account})).all()
    return [*(row for row in running if row.number > after), *(row for row in running if row.number <= after)][:room]


async def _peek_campaigns(
    unit: Unit, looked: Mapping[str, Any], room: int, turns: Sequence[Any], known: Mapping[int, tuple[Any, ...]]
) -> list[Waiting]:
    found: list[list[Waiting]] = []
    for place, turn in enumerate(turns):
        share = -(-(room - sum(map(len, found))) // (len(turns) - place))
        asked = {**looked, "p_fanout": turn.number, "p_from": turn.first, "p_room": share}
        alike = (int(Lane.CAMPAIGN), turn.number, *known[turn.number])
        found.append([_waiting((*row, *alike)) for row in await unit.run(_OF_CAMPAIGN, asked)])
    return [one for one in chain.from_iterable(zip_longest(*found)) if one is not None]


def _next_campaign(after: ColumnElement[int]) -> Select[Any]:
    """One look into the index, however many rows a campaign has."""
    return select(func.min(outbox.c.fanout).label("number")).where(
        _ACCOUNT, IS_PENDING, IS_CAMPAIGN, outbox.c.fanout > after
    )


def _running() -> Prepared:
    """The campaigns with messages waiting at this account that may be sent now, by number, each with its first message.

    By its statistics of the time when all of a campaign waited PostgreSQL may look for the rest along the primary key:
    from the first one on, it need not walk through all that has been sent since (30 ms behind 15,000, for each look).
    """
    waiting = _next_campaign(literal_column("0")).cte("waiting", recursive=True)
    following = _next_campaign(waiting.c.number).scalar_subquery()
    waiting = waiting.union_all(select(following).where(waiting.c.number.is_not(None)))
    # Not `fanout = number`: then any order by `id` would do, that of the primary key too.
    first = select(outbox.c.id).where(_ACCOUNT, IS_PENDING, IS_CAMPAIGN, outbox.c.fanout >= waiting.c.number)
    first = first.order_by(outbox.c.fanout, outbox.c.id).limit(literal_column("1"))
    chosen = select(waiting.c.number, first.scalar_subquery().label("first"))
    allowed = chosen.join(fanout, fanout.c.id == waiting.c.number).where(RUNS)
    return Prepared(allowed.order_by(waiting.c.number))


_RUNNING = _running()
