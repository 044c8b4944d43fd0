"""One row a message to one person, from planned to settled; every statement of a sender carries its slot's number.

States: `pending → sending → sent | failed | uncertain`; back to `pending` only when it is known that nothing was sent,
or once more, marked `repeated`, for what makes sense twice; `pending → suppressed`; attempts used up → `dead`.
Moments here are milliseconds of the city's clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from bot.domain.reach import REPEATED_ONCE, Reason
from storage.database import Unit
from storage.fanouts import best_door
from storage.slots import fenced
from storage.tables.delivery import Lane, Running, State, fanout, outbox, outbox_done
from storage.tables.kinds import from_milliseconds, to_milliseconds
from storage.tables.people import conversation, identity

# Literals, not parameters: a partial index serves a query only if the statement itself says so.
IS_PENDING: ColumnElement[bool] = outbox.c.state == literal_column("0")
IS_SENDING: ColumnElement[bool] = outbox.c.state == literal_column("1")
IS_HELD: ColumnElement[bool] = outbox.c.account == literal_column("''")
IS_CAMPAIGN: ColumnElement[bool] = outbox.c.lane == literal_column("9")

RUNS = (int(Running.RUNNING), int(Running.DONE))
"""A fanout in these states may be sent: `DONE` means that all its rows are made."""

STOPPED_SENDER = "its sender was stopped while calling"


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


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one call: the row's new state and all that goes with it."""

    id: int
    epoch: int
    attempt: int
    """Of the claim that the call belongs to: the receipt counts for that one only."""
    person: int
    state: State
    account: str
    due: int
    reason: str | None = None
    receipt: str | None = None
    repeated: bool = False
    counted: bool = True
    """Does the attempt count? Not when the platform told the whole account to wait."""
    shown: Sequence[Mapping[str, Any]] | None = None
    """What a typed number means from now on; None: the message had no options, or was not delivered."""
    closes: tuple[str, str] | None = None
    """The address that turned out to be gone."""
    window_closes: tuple[str, str] | None = None
    """The address at which nothing more is allowed until they write."""
    gives_back: tuple[str, str] | None = None
    """The address whose window was not used after all."""


# --- What a sender does --------------------------------------------------------------------------------------------


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


async def claim(unit: Unit, account: str, epoch: int, ids: Sequence[int]) -> dict[int, int]:
    """The write-ahead: mark these as being sent. Only what comes back, with its attempt's number, may be called.

    Pause, stop and a lost slot all take hold here.
    """
    if not ids:
        return {}
    runs = exists().where(fanout.c.id == outbox.c.fanout, fanout.c.state.in_(RUNS))
    taken = await unit.run(
        update(outbox)
        .where(outbox.c.id.in_(ids), IS_PENDING, outbox.c.account == account, runs, fenced(account, epoch))
        .values(state=State.SENDING, attempt=outbox.c.attempt + 1, epoch=epoch)
        .returning(outbox.c.id, outbox.c.attempt)
    )
    return {row.id: row.attempt for row in taken}


async def spend_window(unit: Unit, door: str, externals: Collection[str]) -> None:
    """Count one message against each address' window, in the transaction of the write-ahead."""
    if externals:
        await unit.run(
            update(identity)
            .where(identity.c.door == door, identity.c.external.in_(sorted(externals)), identity.c.window_left > 0)
            .values(window_left=identity.c.window_left - 1)
        )


async def record(unit: Unit, results: Sequence[Result], now: datetime) -> None:
    """Write down what became of calls. A late receipt of the same claim may still settle what had become uncertain."""
    if not results:
        return
    # Conversations first, then addresses, then messages: a turn locks them in this order.
    for result in sorted(results, key=lambda one: one.person):
        if result.shown is not None:
            pushed = {"pushed": [dict(entry) for entry in result.shown], "pushed_at": now}
            await unit.run(update(conversation).where(conversation.c.person == result.person).values(pushed))
    for result in sorted(results, key=lambda one: one.person):
        await _record_address(unit, result)
    finished = to_milliseconds(now)
    alive = (State.PENDING, State.SENDING)
    await unit.run(
        _RECORD,
        [
            {
                "p_id": result.id,
                "p_epoch": result.epoch,
                "p_attempt": result.attempt,
                "p_state": int(result.state),
                "p_account": result.account,
                "p_back": 0 if result.counted else 1,
                "p_repeated": int(result.repeated),
                "p_due": result.due,
                "p_reason": result.reason[:200] if result.reason else None,
                "p_receipt": result.receipt[:64] if result.receipt else None,
                "p_done": None if result.state in alive else finished,
            }
            for result in sorted(results, key=lambda one: one.id)
        ],
    )


_RECORD = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("p_id"),
        outbox.c.epoch == bindparam("p_epoch"),
        outbox.c.attempt == bindparam("p_attempt"),
        # Not `in_`: it cannot be used for many rows at once.
        or_(outbox.c.state == 1, outbox.c.state == 4, (outbox.c.state == 0) & (outbox.c.repeated == 1)),
    )
    .values(
        state=bindparam("p_state"),
        account=bindparam("p_account"),
        attempt=outbox.c.attempt - bindparam("p_back"),
        repeated=bindparam("p_repeated"),
        due=bindparam("p_due"),
        reason=bindparam("p_reason"),
        receipt=bindparam("p_receipt"),
        done=bindparam("p_done"),
    )
)


async def _record_address(unit: Unit, result: Result) -> None:
    values: dict[str, Any] = {}
    if result.closes is not None:
        values, (door, external) = {"open": False}, result.closes
    elif result.window_closes is not None:
        values, (door, external) = {"window_left": 0}, result.window_closes
    elif result.gives_back is not None:
        values, (door, external) = {"window_left": identity.c.window_left + 1}, result.gives_back
    else:
        return
    await unit.run(update(identity).where(identity.c.door == door, identity.c.external == external).values(values))


async def settle(
    unit: Unit,
    account: str,
    epoch: int,
    now: datetime,
    *,
    dropped: Mapping[str, Sequence[int]] | None = None,
    postponed: Mapping[tuple[int, str], Sequence[int]] | None = None,
    rerouted: Mapping[str, Sequence[int]] | None = None,
    held: Mapping[str, Sequence[int]] | None = None,
    dead: Mapping[str, Sequence[int]] | None = None,
) -> None:
    """Write down decisions against sending now: dropped, postponed to a moment, by another door, held, broken."""
    done = to_milliseconds(now)

    async def write(ids: Sequence[int], **values: Any) -> None:
        ours = (outbox.c.id.in_(ids), IS_PENDING, outbox.c.account == account, fenced(account, epoch))
        await unit.run(update(outbox).where(*ours).values(values))

    for reason, ids in (dropped or {}).items():
        await write(ids, state=State.SUPPRESSED, reason=reason, done=done)
    for reason, ids in (dead or {}).items():
        await write(ids, state=State.DEAD, reason=reason[:200], done=done)
    for (due, reason), ids in (postponed or {}).items():
        await write(ids, due=due, reason=reason)
    for door, ids in (rerouted or {}).items():
        await write(ids, account=door, reason=f"was to go by {account}" if account else None)
    for reason, ids in (held or {}).items():
        await write(ids, account="", reason=reason)


async def recover(
    unit: Unit, account: str, epoch: int, now: datetime, calling: Collection[int] = ()
) -> tuple[int, int]:
    """Settle what earlier holders of the slot were calling when they ended: (said once more, left uncertain).

    `calling`: rows whose calls this very process still waits for.
    """
    theirs = select(outbox.c.id).where(IS_SENDING, outbox.c.account == account, outbox.c.epoch < epoch)
    if calling:
        theirs = theirs.where(outbox.c.id.not_in(sorted(calling)))
    # What a frozen holder is just writing down is skipped, not waited for: the next tick looks again.
    ids = list((await unit.run(theirs.with_for_update(skip_locked=True))).scalars())
    if not ids:
        return 0, 0
    still = (outbox.c.id.in_(ids), IS_SENDING, fenced(account, epoch))
    repeatable = exists().where(fanout.c.id == outbox.c.fanout, fanout.c.kind.in_(sorted(REPEATED_ONCE)))
    again = await unit.run(
        update(outbox)
        .where(*still, outbox.c.repeated == 0, repeatable)
        .values(state=State.PENDING, repeated=1, due=to_milliseconds(now), reason=STOPPED_SENDER)
    )
    uncertain = await unit.run(
        update(outbox).where(*still).values(state=State.UNCERTAIN, reason=STOPPED_SENDER, done=to_milliseconds(now))
    )
    return again.rowcount, uncertain.rowcount


# --- What turns and ticks do ---------------------------------------------------------------------------------------


async def release_held(unit: Unit, person: int, door: str = "") -> int:
    """Somebody wrote: what waited for that may go to them now. One look into a small index when there is nothing."""
    account = literal(door, outbox.c.account.type) if door else best_door(outbox.c.person)
    # Not `unit.run`: this is no change on the person's behalf, a script may still ask.
    freed = await unit.connection.execute(
        update(outbox).where(outbox.c.person == person, IS_PENDING, IS_HELD).values(account=account, reason=None)
    )
    return freed.rowcount


async def expired(unit: Unit, now: datetime, limit: int = 2_000) -> list[int]:
    """Waiting messages that came too late at every account, also where nobody sends."""
    rows = await unit.run(select(outbox.c.id).where(IS_PENDING, outbox.c.expires <= to_milliseconds(now)).limit(limit))
    return list(rows.scalars())


async def drop_late(unit: Unit, ids: Sequence[int], now: datetime) -> int:
    """Drop these if they still wait."""
    dropped = await unit.run(
        update(outbox)
        .where(outbox.c.id.in_(ids), IS_PENDING, outbox.c.expires <= to_milliseconds(now))
        .values(state=State.SUPPRESSED, reason=Reason.LATE.value, done=to_milliseconds(now))
    )
    return dropped.rowcount


async def retire(unit: Unit, before: datetime, limit: int = 2_000) -> int:
    """Move finished messages older than `before` out of the hot table; what is dead stays until a person has looked."""
    newest = select(func.max(outbox.c.id)).scalar_subquery()
    old = (
        select(outbox.c.id)
        .where(outbox.c.id < newest)  # SQLite would give its number to the next message
        .where(outbox.c.state > literal_column("1"), outbox.c.done < to_milliseconds(before))
        .where(outbox.c.state != State.DEAD)
        .order_by(outbox.c.done)
        .limit(limit)
    )
    ids = list((await unit.run(old)).scalars())
    if ids:
        columns = [column.name for column in outbox_done.columns]
        chosen = select(*(outbox.c[name] for name in columns)).where(outbox.c.id.in_(ids))
        await unit.run(insert(outbox_done).from_select(columns, chosen))
        await unit.run(delete(outbox).where(outbox.c.id.in_(ids)))
    return len(ids)


async def resend(unit: Unit, id_: int, now: datetime) -> bool:
    """A person decided that a dead, failed or uncertain message goes out again; False: it cannot any more."""
    again = await unit.run(
        update(outbox)
        .where(
            outbox.c.id == id_,
            outbox.c.state.in_((State.DEAD, State.FAILED, State.UNCERTAIN)),
            outbox.c.expires > to_milliseconds(now),
        )
        .values(
            state=State.PENDING,
            attempt=0,
            repeated=case((outbox.c.state == State.UNCERTAIN, 1), else_=outbox.c.repeated),
            account=best_door(outbox.c.person),
            due=to_milliseconds(now),
            reason=None,
            done=None,
        )
    )
    return bool(again.rowcount)


# --- What people ask ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """One message in a report: what it was, how it stands, by which door, and why."""

    id: int
    person: int
    kind: str
    source: int
    state: State
    door: str
    attempt: int
    repeated: bool
    reason: str | None
    due: datetime
    done: datetime | None


def _told(row: Any) -> Told:
    return Told(
        row.id, row.person, row.kind, row.source, State(row.state), row.account, row.attempt, bool(row.repeated),
        row.reason, from_milliseconds(row.due), None if row.done is None else from_milliseconds(row.done),
    )  # fmt: skip


_TOLD = ("id", "person", "state", "account", "attempt", "repeated", "reason", "due", "done")


async def why(unit: Unit, person: int, limit: int = 20) -> list[Told]:
    """What we said first to somebody or meant to, newest first: the answer to “why did it not arrive?”."""
    parts = [
        select(*(table.c[name] for name in _TOLD), fanout.c.kind, fanout.c.source)
        .select_from(table.join(fanout, fanout.c.id == table.c.fanout))
        .where(table.c.person == person)
        .order_by(table.c.id.desc())
        .limit(limit)
        .subquery()
        for table in (outbox, outbox_done)
    ]
    both = union_all(*(select(part) for part in parts)).subquery()
    rows = await unit.run(select(both).order_by(both.c.id.desc()).limit(limit))
    return [_told(row) for row in rows]


async def list_uncertain(unit: Unit, limit: int = 1_000) -> list[Told]:
    """Messages of which nobody can know whether they arrived, and those said a second time for that reason."""
    attention = or_(
        outbox.c.state == literal_column("4"),
        outbox.c.state == literal_column("6"),
        outbox.c.repeated == literal_column("1"),
    )
    return await _listed(unit, limit, attention, or_(outbox.c.state == State.UNCERTAIN, outbox.c.repeated == 1))


async def list_dead(unit: Unit, limit: int = 1_000) -> list[Told]:
    """Messages that used up their attempts, or that could not be put into words; a person may resend them."""
    return await _listed(unit, limit, outbox.c.state == literal_column("6"))


async def _listed(unit: Unit, limit: int, *which: ColumnElement[bool]) -> list[Told]:
    rows = (
        select(*(outbox.c[name] for name in _TOLD), fanout.c.kind, fanout.c.source)
        .select_from(outbox.join(fanout))
        .where(*which)
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return [_told(row) for row in await unit.run(rows)]


async def report(unit: Unit, number: int) -> dict[State, int]:
    """How many messages of one intention stand where, those that left the hot table included."""
    counted: dict[State, int] = {}
    for table in (outbox, outbox_done):
        messages = func.count().label("messages")
        rows = select(table.c.state, messages).where(table.c.fanout == number).group_by(table.c.state)
        for row in await unit.run(rows):
            counted[State(row.state)] = counted.get(State(row.state), 0) + int(row.messages)
    return counted


@dataclass(frozen=True, slots=True)
class Counts:
    """For metrics and doctor; everything from small indexes."""

    waiting: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """By account and lane; the account is empty for what is held until somebody writes."""
    sending: int = 0
    uncertain: int = 0
    dead: int = 0
    oldest: float = 0.0
    """Seconds that the oldest message which could go has been waiting."""


async def counts(unit: Unit, now: datetime) -> Counts:
    """How much waits, is being sent, is uncertain or dead, and for how long the oldest has been due."""
    moment = to_milliseconds(now)
    messages, due = func.count().label("messages"), func.min(outbox.c.due).label("due")
    waits = select(outbox.c.account, outbox.c.lane, messages, due).where(IS_PENDING)
    waiting: dict[tuple[str, int], int] = {}
    oldest = moment
    for row in await unit.run(waits.group_by(outbox.c.account, outbox.c.lane)):
        waiting[row.account, row.lane] = int(row.messages)
        oldest = min(oldest, row.due) if row.account else oldest
    sending = (await unit.run(select(func.count()).select_from(outbox).where(IS_SENDING))).scalar_one()
    uncertain = select(func.count()).select_from(outbox).where(outbox.c.state == literal_column("4"))
    dead = select(func.count()).select_from(outbox).where(outbox.c.state == literal_column("6"))
    return Counts(
        waiting,
        int(sending),
        int((await unit.run(uncertain)).scalar_one()),
        int((await unit.run(dead)).scalar_one()),
        (moment - oldest) / 1000,
    )
