"""Intentions: what is to be said to whom and when, planned once, and expanded into one row a person in chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
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

from bot.domain.reach import EXPECTED, NEAR, REMINDINGS, REPLY_KEEPS, Reason, Reminding
from bot.domain.reminders import EARLIEST
from storage.database import Unit
from storage.outbox import IS_CAMPAIGN, IS_PENDING, RUNS
from storage.segments import audience, best_door
from storage.tables.activities import activity, shift
from storage.tables.delivery import Lane, Running, State, fanout, outbox
from storage.tables.kinds import to_milliseconds
from storage.tables.people import identity, person
from storage.tables.reminders import reminding

CHUNK = {"sqlite": 2_000, "postgresql": 10_000}
"""Rows that one transaction makes. On SQLite 2,000 and a pause keep small writes beside it at 3.5 ms (p99)."""

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
        await unit.run(_rows(unit, int(number), int(lane), due, until, chosen, first=first, said=said))
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
    whose = select(identity.c.person).where(identity.c.door == door, identity.c.external == external)
    who = (await unit.run(whose)).scalar_one_or_none()
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


def _rows(
    unit: Unit,
    number: int,
    lane: int,
    due: int,
    expires: int,
    chosen: Select[Any],
    *,
    doors: Sequence[str] = (),
    first: str = "",
    said: int = 0,
    late: int | None = None,
) -> Any:
    """INSERT … SELECT of one row a person; `late`: it is over, the rows are kept as dropped, with this moment."""
    people = chosen.subquery("audience")
    state, reason = (State.PENDING, None) if late is None else (State.SUPPRESSED, Reason.LATE.value)
    rows = select(
        literal(number, outbox.c.fanout.type),
        people.c.person,
        best_door(people.c.person, doors, first),
        literal(lane, outbox.c.lane.type),
        literal(int(state), outbox.c.state.type),
        literal(due, outbox.c.due.type),
        literal(expires, outbox.c.expires.type),
        literal(reason, outbox.c.reason.type),
        literal(late, outbox.c.done.type),
        literal(said, outbox.c.page.type),
    ).where(people.c.person > 0)  # SQLite reads ON CONFLICT as a join's ON when the SELECT has no WHERE
    columns = ["fanout", "person", "account", "lane", "state", "due", "expires", "reason", "done", "page"]
    return unit.insert(outbox).from_select(columns, rows).on_conflict_do_nothing(index_elements=["fanout", "person"])


async def next_to_expand(
    unit: Unit, now: datetime, ahead: int = AHEAD, rates: Mapping[str, float] | None = None
) -> int | None:
    """The first intention whose time has come and that needs more rows; None: there is none.

    `rates`: messages a second that each account can send.
    """
    wanted = _ready(now).with_only_columns(fanout.c.id, fanout.c.lane, fanout.c.made)
    for row in (await unit.run(wanted.order_by(*_ORDER))).all():
        if row.lane < Lane.CAMPAIGN or row.made < ahead or not await _is_ahead(unit, row.id, ahead, rates or {}):
            return int(row.id)
    return None


_ORDER = (fanout.c.lane, fanout.c.not_before, fanout.c.id)


def _ready(now: datetime) -> Select[Any]:
    soon = to_milliseconds(now + LEAD)
    return select(fanout).where(fanout.c.state == literal_column("1"), fanout.c.not_before <= soon)


async def expand(
    unit: Unit,
    now: datetime,
    chunk: int | None = None,
    doors: Sequence[str] = (),
    ahead: int = AHEAD,
    number: int | None = None,
) -> Expanded | None:
    """Make one chunk of the next intention whose time has come, and move its cursor in the same transaction.

    Killed anywhere it goes on at the cursor; the unique key makes a repeated chunk harmless. None: nothing to do, or
    somebody else does it just now. `number`: the intention, where it was found before in a look that holds up nobody.
    """
    number = await next_to_expand(unit, now, ahead) if number is None else number
    if number is None:
        return None
    locked = _ready(now).where(fanout.c.id == number).with_for_update(skip_locked=True)
    row = (await unit.run(locked)).first()
    size = chunk or CHUNK[unit.dialect]
    return None if row is None else await _expand(unit, row, to_milliseconds(now), size, doors)


async def _is_ahead(unit: Unit, number: int, ahead: int, rates: Mapping[str, float]) -> bool:
    """Has this campaign rows enough? What is held until somebody writes does not count: it may wait for days."""
    messages = func.count().label("messages")
    rows = select(outbox.c.account, messages).where(IS_PENDING, IS_CAMPAIGN, outbox.c.fanout == number)
    waiting = {row.account: row.messages for row in await unit.run(rows.group_by(outbox.c.account)) if row.account}
    enough = any(count >= rates.get(account, 0.0) * AHEAD_SECONDS for account, count in waiting.items())
    return enough and sum(waiting.values()) >= ahead


async def _expand(unit: Unit, row: Any, now: int, chunk: int, doors: Sequence[str]) -> Expanded:
    upper = row.upper
    if upper is None:
        upper = (await unit.run(select(func.coalesce(func.max(person.c.id), 0)))).scalar_one()
    theirs = audience(row.segment, row.cursor, upper, refusers=True)
    within = theirs.order_by(literal_column("1")).limit(chunk).subquery("chunk")
    found = (await unit.run(select(func.count().label("people"), func.max(within.c.person).label("last")))).one()
    count, bound = int(found.people), found.last
    made = 0
    if count:
        # By the bound, not by another LIMIT: somebody who joined the segment meanwhile must not push out its last.
        chosen = audience(row.segment, row.cursor, bound)
        late = now if row.expires <= now else None
        rows = _rows(unit, row.id, row.lane, row.not_before, row.expires, chosen, doors=doors, late=late)
        made = (await unit.run(rows)).rowcount
    done = count < chunk
    await unit.run(
        update(fanout)
        .where(fanout.c.id == row.id, fanout.c.cursor == row.cursor)
        .values(
            cursor=bound if count else row.cursor,
            upper=upper,
            made=fanout.c.made + made,
            state=Running.DONE if done else Running.RUNNING,
        )
    )
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


async def pause(unit: Unit, number: int, reason: str, by: ColumnElement[bool] | None = None) -> bool:
    """Let an intention rest: nothing more of it is made or claimed until `resume`. `by`: holds while the sender may.

    False: it was not running.
    """
    running = (fanout.c.id == number, RUNS)
    paused = update(fanout).where(*running, *(() if by is None else (by,)))
    return bool((await unit.run(paused.values(state=Running.PAUSED, reason=reason[:200]))).rowcount)


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
