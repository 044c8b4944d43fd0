"""Intentions: what is to be said to whom and when, planned once, and expanded into one row a person in chunks."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.reach import EXPECTED, NEAR, REMINDINGS, REPLY_KEEPS, Reason, Reminding
from bot.domain.reminders import EARLIEST
from storage import people
from storage.database import Unit
from storage.outbox import IS_CAMPAIGN, IS_PENDING, RUNS
from storage.prepared import Prepared, written_out
from storage.segments import audience, with_best_door
from storage.tables.activities import activity, shift
from storage.tables.delivery import Lane, Running, State, fanout, outbox
from storage.tables.kinds import to_milliseconds
from storage.tables.people import person
from storage.tables.reminders import reminding

CHUNK = {"sqlite": 1_000, "postgresql": 10_000}
"""Rows that one transaction makes at most. On SQLite twice as many cost only a twentieth less each, and others wait."""

AHEAD = 20_000
AHEAD_SECONDS = 600.0
"""Waiting rows of one campaign beyond which it is not expanded further, unless its account sends more than these in ten
minutes: opting out and stopping then touch little."""

LEAD = timedelta(seconds=5)
"""How long before their moment messages become rows, so that ticks of a second or two delay none of them."""

LOOK_BACK = timedelta(hours=6)
"""Reminders missed within this time are still planned, so that each is written down as dropped, with its reason."""

LONGEST_SHIFT = timedelta(hours=48)
"""A shift begins at most this long before its end: bounds the search for check-out reminders."""

MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Expanded:
    """One chunk made: of which intention, how many rows, and whether it was the last."""

    fanout: int
    made: int
    done: bool


def reply_source(door: str, key: str) -> int:
    """The number by which a kept reply is planned once, however often it is asked for: from its message's key."""
    return int.from_bytes(hashlib.blake2b(f"{door}\n{key}".encode(), digest_size=8).digest()) >> 1


async def plan(
    unit: Unit,
    *,
    kind: str,
    source: int,
    revision: int = 1,
    offset: int = 0,
    lane: int,
    segment: Mapping[str, Any],
    not_before: datetime,
    expires: datetime,
    words: Mapping[str, str] | None = None,
    created_by: int | None = None,
    said: int = 0,
) -> int | None:
    """Plan to say something, in the transaction that made it true. Returns its number, None if it was planned before.

    Who: `{"shift": id, "states": ["joined"]}`, `{"enrolment": id}`, `{"person": id}`, or
    `{"subscribers": [["district", "110105"], ["kind", "green"]]}`. Segments of one person become a row at once, the
    others at the next tick. Raises ValueError for a segment of no known kind.
    `said`: of a kept reply, how many pages have arrived.
    """
    one = "person" in segment or "enrolment" in segment
    due, until = to_milliseconds(not_before), to_milliseconds(expires)
    chosen = audience(segment)
    planned = (
        unit.insert(fanout)
        .values(
            kind=kind,
            source=source,
            revision=revision,
            offset=offset,
            lane=int(lane),
            segment=dict(segment),
            words=dict(words) if words else None,
            state=Running.DONE if one else Running.RUNNING,
            not_before=due,
            expires=until,
            made=1 if one else 0,
            created_by=created_by,
            created=due,
        )
        .on_conflict_do_nothing(index_elements=["kind", "source", "revision", "offset"])
        .returning(fanout.c.id)
    )
    number = (await unit.run(planned)).scalar_one_or_none()
    if number is not None and one:
        first = (words or {}).get("door", "")
        await unit.run(_rows(unit.dialect, chosen, first=first), _each(int(number), int(lane), due, until, said=said))
    return None if number is None else int(number)


async def is_planned(unit: Unit, kind: str, source: int, revision: int) -> bool:
    """Was this planned before?"""
    before = exists().where(
        fanout.c.kind == kind, fanout.c.source == source, fanout.c.revision == revision, fanout.c.offset == 0
    )
    return bool((await unit.run(select(before))).scalar_one())


async def plan_reply(unit: Unit, door: str, external: str, key: str, now: datetime, said: int = 0) -> None:
    """Plan to bring a kept reply that could not go back in its own request; asked twice it comes once.

    `said`: how many of its pages have arrived.
    """
    who = await people.at_address(unit, door, external)
    if who is not None:
        await plan(
            unit,
            kind="reply",
            source=reply_source(door, key),
            lane=Lane.REPLY,
            segment={"person": who},
            not_before=now,
            expires=now + REPLY_KEEPS,
            words={"door": door, "key": key},
            said=said,
        )


async def is_reply_planned(unit: Unit, door: str, key: str) -> bool:
    """Was this message's reply given to the sender?"""
    return await is_planned(unit, "reply", reply_source(door, key), 1)


_SAME = ("fanout", "lane", "state", "due", "expires", "reason", "done", "page")
"""What all rows of an intention have in common."""


def _rows(dialect: str, chosen: Select[Any], doors: Sequence[str] = (), first: str = "") -> Any:
    """INSERT … SELECT of one row a person; `_each` has its values."""
    everybody = chosen.subquery("audience")
    reached, door, best = with_best_door(everybody, doors, first)
    same = [bindparam(f"its_{name}", type_=outbox.c[name].type) for name in _SAME]
    # SQLite reads ON CONFLICT as a join's ON when the SELECT has no WHERE.
    rows = written_out(select(everybody.c.person, door, *same).select_from(reached).where(best))
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    made = insert(outbox).from_select(["person", "account", *_SAME], rows)
    return made.on_conflict_do_nothing(index_elements=["fanout", "person"])


def _each(
    number: int, lane: int, due: int, expires: int, *, said: int = 0, late: int | None = None
) -> dict[str, Any]:
    """`late`: it is over, the rows are kept as dropped, with this moment."""
    state, reason = (State.PENDING, None) if late is None else (State.SUPPRESSED, Reason.LATE.value)
    values = (number, lane, int(state), due, expires, reason, late, said)
    return {f"its_{name}": value for name, value in zip(_SAME, values, strict=True)}


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What a chunk of one segment is made with: built and compiled once, which costs as much as two thousand rows."""

    last: Prepared
    rows: Prepared


_BOUNDS = {"after": person.c.id.type, "upper": person.c.id.type, "last": person.c.id.type, "skipped": Integer()}


@lru_cache(maxsize=64)
def _chunk_of(segment: str, doors: tuple[str, ...], dialect: str) -> _Chunk:
    meant = json.loads(segment)
    after, upper, last, skipped = (bindparam(name, type_=kind) for name, kind in _BOUNDS.items())
    within = written_out(audience(meant, after, upper, refusers=True)).order_by(literal_column("1"))
    # By this bound, not by another LIMIT: somebody who joined the segment meanwhile must not push out its last.
    chosen = audience(meant, after, last)
    last_of = within.offset(skipped).limit(literal_column("1"))
    return _Chunk(Prepared(last_of), Prepared(_rows(dialect, chosen, doors)))


async def next_to_expand(
    unit: Unit, now: datetime, ahead: int = AHEAD, enough: Mapping[int, int] | None = None
) -> int | None:
    """The first intention whose time has come and that needs more rows; None: there is none.

    `enough`: with how many rows a campaign is far enough ahead, where `look_ahead` found that `ahead` are too few.
    """
    known = enough or {}
    for row in await unit.run(_NEXT, {"soon": to_milliseconds(now + LEAD)}):
        if row.lane < Lane.CAMPAIGN or row.made < max(ahead, known.get(row.id, 0)):
            return int(row.id)
    return None


async def look_ahead(
    unit: Unit, now: datetime, enough: MutableMapping[int, int], rates: Mapping[str, float], ahead: int = AHEAD
) -> bool:
    """Is there an intention that needs more rows? Of campaigns that seem far enough ahead it counts what still waits.

    `rates`: messages a second that each account can send. Not for a unit that others wait for: it may count very many.
    """
    for row in await unit.run(_NEXT, {"soon": to_milliseconds(now + LEAD)}):
        if row.lane < Lane.CAMPAIGN or row.made < max(ahead, enough.get(row.id, 0)):
            return True
        if room := await _room(unit, row.id, ahead, rates):
            enough[row.id] = row.made + room
            return True
    return False


_READY = select(fanout).where(
    fanout.c.state == literal_column("1"), fanout.c.not_before <= bindparam("soon", type_=fanout.c.not_before.type)
)
_NEXT = Prepared(
    _READY.with_only_columns(fanout.c.id, fanout.c.lane, fanout.c.made).order_by(
        fanout.c.lane, fanout.c.not_before, fanout.c.id
    )
)
_TAKE = Prepared(_READY.where(fanout.c.id == bindparam("wanted")).with_for_update(skip_locked=True))
_MOVE = Prepared(
    update(fanout)
    .where(fanout.c.id == bindparam("wanted"), fanout.c.cursor == bindparam("after"))
    .values(
        cursor=bindparam("last"), upper=bindparam("up_to"), made=fanout.c.made + bindparam("more"),
        state=bindparam("then"),
    )
)  # fmt: skip


async def expand(
    unit: Unit,
    now: datetime,
    chunk: int | None = None,
    doors: Sequence[str] = (),
    ahead: int = AHEAD,
    enough: Mapping[int, int] | None = None,
) -> Expanded | None:
    """Make one chunk of the next intention whose time has come, and move its cursor in the same transaction.

    Killed anywhere it goes on at the cursor; the unique key makes a repeated chunk harmless. None: nothing to do, or
    somebody else does it just now.
    """
    number = await next_to_expand(unit, now, ahead, enough)
    if number is None:
        return None
    row = (await unit.run(_TAKE, {"wanted": number, "soon": to_milliseconds(now + LEAD)})).first()
    size = chunk or CHUNK[unit.dialect]
    return None if row is None else await _expand(unit, row, to_milliseconds(now), size, doors)


async def _room(unit: Unit, number: int, ahead: int, rates: Mapping[str, float]) -> int:
    """How many rows more this campaign needs, 0: it is far enough ahead.

    What is held until somebody writes does not count: it may wait for days.
    """
    messages = func.count().label("messages")
    rows = select(outbox.c.account, messages).where(IS_PENDING, IS_CAMPAIGN, outbox.c.fanout == number)
    found = await unit.run(rows.group_by(outbox.c.account))
    waiting: dict[str, int] = {row.account: row.messages for row in found if row.account}
    rooms = (rates.get(account, 0.0) * AHEAD_SECONDS - count for account, count in waiting.items())
    return max(ahead - sum(waiting.values()), math.ceil(min(rooms, default=0.0)), 0)


async def _expand(unit: Unit, row: Any, now: int, chunk: int, doors: Sequence[str]) -> Expanded:
    upper, after = row.upper, row.cursor
    if upper is None:
        upper = (await unit.run(select(func.coalesce(func.max(person.c.id), 0)))).scalar_one()
    how = _chunk_of(json.dumps(row.segment, sort_keys=True), tuple(sorted(doors)), unit.dialect)
    run = unit.run if after else unit.run_once  # most segments are one chunk
    bounds = {"after": after, "upper": upper, "skipped": chunk - 1}
    last = (await run(how.last, bounds)).scalar_one_or_none()
    done, last = last is None, upper if last is None else last
    late = now if row.expires <= now else None
    each = _each(row.id, row.lane, row.not_before, row.expires, late=late)
    made = (await run(how.rows, each | {"after": after, "last": last})).rowcount
    then = Running.DONE if done else Running.RUNNING
    moved = {"wanted": row.id, "after": after, "last": last, "up_to": upper, "more": made, "then": int(then)}
    await unit.run(_MOVE, moved)
    return Expanded(row.id, made, done)


async def reminders_missing(unit: Unit, now: datetime) -> bool:
    """Is a reminder due, or nearly, that has not been planned?"""
    soon = now + LEAD
    wanted = (*(_due(one, soon) for one in REMINDINGS), _chosen(soon))
    return bool((await unit.run(select(or_(*(one.exists() for one in wanted))))).scalar_one())


async def derive(unit: Unit, now: datetime) -> int:
    """Plan every reminder whose moment has come or nearly, from what is true now. Twice is once: the key is unique."""
    made, soon = 0, now + LEAD
    columns = ["kind", "source", "revision", "offset", "lane", "segment", "state", "not_before", "expires", "created"]
    for wanted in (*(_due(one, soon) for one in REMINDINGS), _chosen(soon)):
        rows = unit.insert(fanout).from_select(columns, wanted)
        made += max((await unit.run(rows.on_conflict_do_nothing())).rowcount, 0)
    return made


def _due(one: Reminding, now: datetime) -> Select[Any]:
    """The fanout rows of one reminder for every shift that needs it: due, not planned, not overtaken by a change."""
    moment = shift.c.starts if one.kind == "reminder" else shift.c.ends
    bare = type_coerce(moment, BigInteger)
    lane = literal(int(_lane(one)), fanout.c.lane.type)
    offset = literal(one.offset, fanout.c.offset.type)
    not_before, expires = bare + one.offset * MINUTE, bare + one.useful_until * MINUTE
    rows = _rows_of(one.kind, offset, lane, one.standing, not_before, expires, now)
    due, back = now - timedelta(minutes=one.offset), LOOK_BACK + timedelta(minutes=max(one.offset, 0))
    rows = rows.select_from(shift.join(activity)).where(
        moment <= due,
        moment > now - back,
        shift.c.starts > now - back - LONGEST_SHIFT,
        shift.c.starts <= due,
    )
    own = exists().where(reminding.c.activity == activity.c.id)
    return rows.where(~own) if one.kind == "reminder" else rows


def _chosen(now: datetime) -> Select[Any]:
    """The same for the moments that organisers chose; those that had passed when they were chosen are not made up
    for."""
    starts, before = type_coerce(shift.c.starts, BigInteger), reminding.c.minutes
    not_before = starts - before * MINUTE
    lane = case((before <= -NEAR, int(Lane.CHANGE)), else_=int(Lane.REMINDER))
    # As `bot.domain.reminders.useful_until` has it.
    expires = starts - case((before <= -NEAR, 0), else_=before // 8) * MINUTE
    return (
        _rows_of("reminder", -before, lane, EXPECTED, not_before, expires, now)
        .select_from(reminding.join(activity).join(shift, shift.c.activity == activity.c.id))
        .where(
            not_before <= to_milliseconds(now),
            shift.c.starts > now - LOOK_BACK,
            shift.c.starts <= now + timedelta(minutes=EARLIEST),
            not_before > type_coerce(reminding.c.since, BigInteger),
        )
    )


def _rows_of(
    kind: str,
    offset: ColumnElement[int],
    lane: ColumnElement[int],
    standing: Sequence[str],
    not_before: ColumnElement[int],
    expires: ColumnElement[int],
    now: datetime,
) -> Select[Any]:
    """Fanout rows about shifts of open activities, as far as they are not planned and no change overtook them."""
    states = ",".join(f'"{state}"' for state in standing)
    segment = literal('{"shift":', Text) + cast(shift.c.id, Text) + literal(f',"states":[{states}]}}', Text)
    planned = exists().where(
        fanout.c.kind == kind,
        fanout.c.source == shift.c.id,
        fanout.c.revision == activity.c.revision,
        fanout.c.offset == offset,
    )
    # Whoever was told of a change after the reminder's moment has been told what it would say; and an activity that
    # was published after it has nobody to remind.
    told = type_coerce(case((activity.c.revision > 1, activity.c.changed), else_=activity.c.created), BigInteger)
    return select(
        literal(kind, fanout.c.kind.type),
        shift.c.id,
        activity.c.revision,
        offset,
        lane,
        segment,
        literal(int(Running.RUNNING), fanout.c.state.type),
        not_before,
        expires,
        literal(to_milliseconds(now), fanout.c.created.type),
    ).where(activity.c.state == "open", not_before > told, ~planned)


def _lane(one: Reminding) -> Lane:
    """What is about the next two hours leaves before what is about tomorrow."""
    return Lane.CHANGE if one.kind == "reminder" and one.offset >= NEAR else Lane.REMINDER


async def pause(unit: Unit, number: int, reason: str = "", by: ColumnElement[bool] | None = None) -> bool:
    """Let an intention rest: nothing more of it is made or claimed until `resume`. `by`: holds while the sender may.

    `reason`: what the sender saw; whoever lets it rest by hand needs none. False: it was not running.
    """
    running = (fanout.c.id == number, RUNS)
    paused = update(fanout).where(*running, *(() if by is None else (by,)))
    return bool((await unit.run(paused.values(state=Running.PAUSED, reason=reason[:200] or None))).rowcount)


async def resume(unit: Unit, number: int) -> bool:
    """Go on where it was paused; False: it is not paused."""
    paused = (fanout.c.id == number, fanout.c.state == Running.PAUSED)
    # Were all its rows made before, the next tick finds that out.
    return bool((await unit.run(update(fanout).where(*paused).values(state=Running.RUNNING, reason=None))).rowcount)


async def stop(unit: Unit, number: int, now: datetime) -> int:
    """Stop an intention: no more rows are made, those that wait are dropped. Returns how many were dropped."""
    await unit.run(
        update(fanout).where(fanout.c.id == number, fanout.c.state != Running.STOPPED).values(state=Running.STOPPED)
    )
    dropped = await unit.run(
        update(outbox)
        .where(outbox.c.fanout == number, IS_PENDING)
        .values(state=State.SUPPRESSED, reason=Reason.STOPPED.value, done=to_milliseconds(now))
    )
    return dropped.rowcount
