"""One row a message to one person, from planned to settled; every statement of a sender carries its slot's number.

States: `pending → sending → sent | failed | uncertain`; back to `pending` only when it is known that nothing was sent,
or once more, marked `repeated`, for what makes sense twice; `pending → suppressed`; attempts used up → `dead`.
Moments here are milliseconds of the city's clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    SmallInteger,
    String,
    Update,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    update,
)

from bot.domain.reach import KEY_KEEPS, REPEATED_ONCE, Reason, Way
from storage import grants
from storage.database import Unit
from storage.lists import among
from storage.prepared import ForEach, Given, Kinds, Prepared
from storage.segments import best_door
from storage.slots import fenced
from storage.tables.delivery import Running, State, fanout, outbox
from storage.tables.kinds import to_milliseconds
from storage.tables.people import conversation, identity

# Literals, not parameters: a partial index serves a query only if the statement itself says so.
IS_PENDING: ColumnElement[bool] = outbox.c.state == literal_column("0")
IS_SENDING: ColumnElement[bool] = outbox.c.state == literal_column("1")
IS_HELD: ColumnElement[bool] = outbox.c.account == literal_column("''")
IS_CAMPAIGN: ColumnElement[bool] = outbox.c.lane == literal_column("9")

RUNS = fanout.c.state.in_([literal_column(str(int(one))) for one in (Running.RUNNING, Running.DONE)])
"""Of an intention: it may be sent. `DONE` means that all its rows are made."""


def _is_at(account: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Of rows that are asked for by their numbers: do they wait at this account?

    No bare column: SQLite would walk through all that waits there (index `ix_outbox_ready`) for the few that are asked.
    """
    return outbox.c.account + literal_column("''") == account


LATE = case(
    (outbox.c.reason.in_((Reason.NO_WINDOW.value, Reason.WROTE.value)), Reason.UNHEARD.value), else_=Reason.LATE.value
)
"""Why a message that is dropped now came too late: what it had waited for, where that is what made it late."""

STOPPED_SENDER = "its sender was stopped while calling"


@dataclass(frozen=True, slots=True)
class Unused:
    """One message of a window or of a consent, as it stood before it was counted."""

    door: str
    external: str
    window_until: datetime | None
    action_until: datetime | None
    template: str = ""
    """Of the consent; empty: of the window."""


@dataclass(frozen=True, slots=True)
class Refuses:
    """A template that somebody wants nothing of, or (`consented`) of which no consent is left."""

    external: str
    template: str
    consented: bool


class Result(NamedTuple):
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
    tried: int | None = None
    """Attempts that count from now on; None: all so far. One less when the platform told the whole account to wait."""
    page: int = 0
    """The page that was called with, counted from 0."""
    arrived: int | None = None
    """How many pages have arrived now; None: as many as before the call."""
    answered: datetime | None = None
    """When the platform answered the call: it is written down a little later."""
    campaign: int = 0
    """The campaign that it belongs to; 0: none."""
    shown: Sequence[Mapping[str, Any]] | None = None
    """What a typed number means from now on; None: the message had no options, or was not delivered."""
    closes: tuple[str, str] | None = None
    """The address that turned out to be gone."""
    window_closes: tuple[str, str] | None = None
    """The address at which nothing more is allowed until they write."""
    gives_back: Unused | None = None
    """What was counted in the write-ahead and not used after all."""
    refuses: Refuses | None = None
    """The kind of notice that this person does not want."""
    route: str | None = None
    """How it went: bot.domain.reach.Way."""
    keyed: bool = False
    """Nobody knows whether it arrived, and the platform's key still answers that."""


# --- What a sender does --------------------------------------------------------------------------------------------


async def claim(unit: Unit, account: str, epoch: int, ids: Sequence[int]) -> dict[int, int]:
    """The write-ahead: mark these as being sent. Only what comes back, with its attempt's number, may be called.

    Pause, stop and a lost slot all take hold here.
    """
    if not ids:
        return {}
    taken = await unit.run(_CLAIM, {"p_ids": ids, "p_account": account, "p_epoch": epoch})
    return {row.id: row.attempt for row in taken}


def _claiming(fence: ColumnElement[bool]) -> Prepared:
    runs = exists().where(fanout.c.id == outbox.c.fanout, RUNS)
    return Prepared(
        update(outbox)
        .where(among(outbox.c.id, "p_ids"), IS_PENDING, _is_at(bindparam("p_account")), runs, fence)
        .values(state=literal_column("1"), attempt=outbox.c.attempt + literal_column("1"), epoch=bindparam("p_epoch"))
        .returning(outbox.c.id, outbox.c.attempt)
    )


_CLAIM = _claiming(fenced(bindparam("p_account", type_=outbox.c.account.type), bindparam("p_epoch")))


async def spend_window(unit: Unit, door: str, externals: Collection[str]) -> None:
    """Count one message against each address' windows, in the transaction of the write-ahead.

    In both of them where both are open: the platform does not say in which it counts.
    """
    if externals:
        await unit.run(
            update(identity)
            .where(identity.c.door == door, identity.c.external.in_(sorted(externals)))
            .values({left: case((left > 0, left - 1), else_=left) for left in (_WINDOW, _ACTION)})
        )


_WINDOW, _ACTION = identity.c.window_left, identity.c.action_left


async def keep_keys(unit: Unit, ids: Sequence[int], now: datetime) -> None:
    """These go out under the platform's own key; from the first call on it answers whether they arrived."""
    if ids:
        since = func.coalesce(outbox.c.keyed, to_milliseconds(now))
        await unit.run(update(outbox).where(outbox.c.id.in_(ids), IS_SENDING).values(keyed=since))


async def forget_keys(unit: Unit, account: str, epoch: int, now: datetime, ids: Sequence[int]) -> None:
    """The platform has forgotten these keys: what makes sense twice is said once more, the rest stays uncertain."""
    ours = (outbox.c.id.in_(ids), IS_PENDING, _is_at(account), fenced(account, epoch))
    await unit.run(
        update(outbox).where(*ours, outbox.c.repeated == 0, _REPEATABLE).values(keyed=None, repeated=1)
    )
    gone = {"state": State.UNCERTAIN, "reason": Reason.UNKEYED.value, "done": to_milliseconds(now), "keyed": None}
    await unit.run(update(outbox).where(*ours, outbox.c.keyed.is_not(None)).values(gone))


_REPEATABLE = exists().where(fanout.c.id == outbox.c.fanout, fanout.c.kind.in_(sorted(REPEATED_ONCE)))


async def record(unit: Unit, results: Sequence[Result], now: datetime) -> None:
    """Write down what became of calls. A late receipt of the same claim may still settle what had become uncertain."""
    if not results:
        return
    # Conversations first, then addresses, then messages: a turn locks them in this order.
    by_person = attrgetter("person")
    await unit.run_each(_PUSH, [
        {**_claim_of(one), "p_person": one.person, "p_pushed": one.shown, "p_at": now}
        for one in sorted((one for one in results if one.shown is not None), key=by_person)
    ])  # fmt: skip
    addressed = [one for one in results if one.closes or one.window_closes or one.gives_back or one.refuses]
    for one in sorted(addressed, key=by_person):
        await _record_address(unit, one)
    finished = to_milliseconds(now)
    sent: defaultdict[tuple[Any, ...], list[Result]] = defaultdict(list)
    rest: list[dict[str, Any]] = []
    for one in sorted(results, key=attrgetter("id")):
        if one.state is State.SENT and one.tried is None:
            sent[_alike(one)].append(one)
        else:
            rest.append(_becomes(one, finished))
    for these in sent.values():
        become = _becomes(these[0], finished)
        await unit.run_lists(_SENT, _each_of(these), {name: become[name] for name in _SENT.alike})
    await unit.run_lists(_RECORD, {name: [one[name] for one in rest] for name in _RECORD.each})


_ALIKE = ("epoch", "page", "arrived", "account", "repeated", "reason", "route")
_alike = itemgetter(*map(Result._fields.index, _ALIKE))
"""Of what was sent: all but the message, its attempt and its receipt. Hundreds have it in common."""


def _each_of(sent: Sequence[Result]) -> dict[str, list[Any]]:
    """What each of them has for itself."""
    return {
        "p_id": [one.id for one in sent],
        "p_attempt": [one.attempt for one in sent],
        "p_receipt": [one.receipt[:64] if one.receipt else None for one in sent],
    }


def _becomes(result: Result, now: int) -> dict[str, Any]:
    """The row's values."""
    return {
        "p_id": result.id,
        "p_epoch": result.epoch,
        "p_attempt": result.attempt,
        "p_page": result.page,
        "p_state": int(result.state),
        "p_account": result.account,
        "p_tried": result.attempt if result.tried is None else result.tried,
        "p_arrived": result.page if result.arrived is None else result.arrived,
        "p_repeated": int(result.repeated),
        "p_due": result.due,
        "p_reason": result.reason[:200] if result.reason else None,
        "p_receipt": result.receipt[:64] if result.receipt else None,
        "p_route": result.route,
        "p_keyed": int(result.keyed),
        "p_done": None if result.state in _ALIVE else now,
    }


_ALIVE = frozenset({State.PENDING, State.SENDING})


async def _record_address(unit: Unit, result: Result) -> None:
    if result.closes is not None:
        await unit.run_each(_CLOSE, [_claim_of(result) | _address(result.closes)])
    elif result.window_closes is not None:
        await unit.run_each(_CLOSE_WINDOWS, [_claim_of(result) | _address(result.window_closes)])
    elif result.gives_back is not None:
        await _give_back(unit, result, result.gives_back)
    elif result.refuses is not None:
        refused = result.refuses
        await grants.refuse(unit, result.person, refused.external, refused.template, consented=refused.consented)


def _address(address: tuple[str, str]) -> dict[str, Any]:
    return {"p_door": address[0], "p_external": address[1]}


def _claim_of(result: Result) -> dict[str, Any]:
    return {"p_id": result.id, "p_epoch": result.epoch, "p_attempt": result.attempt, "p_page": result.page}


def _of_claim(id_: Any, epoch: Any, attempt: Any, page: Any) -> tuple[ColumnElement[bool], ...]:
    """Of one claim and of no other: whoever took the slot and called again has another number there.

    A late receipt still settles what became uncertain, or is to be said once more.
    """
    # No bare column: by its number the row is found at once. PostgreSQL would walk through the indexes of what is being
    # sent and of what is uncertain, past all that was sent since somebody cleared up, and compare it with each receipt.
    state = outbox.c.state + literal_column("0")
    return (
        outbox.c.id == id_,
        outbox.c.epoch == epoch,
        outbox.c.attempt == attempt,
        outbox.c.page == page,
        # Not `in_`: it cannot be used for many rows at once. Literals: what never changes is no value of a row.
        or_(
            state == literal_column("1"), state == literal_column("4"),
            (state == literal_column("0")) & (outbox.c.repeated == literal_column("1")),
        ),
    )


_OF_CLAIM = _of_claim(bindparam("p_id"), bindparam("p_epoch"), bindparam("p_attempt"), bindparam("p_page"))


def _recording(value: Given) -> Update:
    return (
        update(outbox)
        .where(*_of_claim(value["p_id"], value["p_epoch"], value["p_attempt"], value["p_page"]))
        .values(
            state=value["p_state"],
            account=value["p_account"],
            attempt=value["p_tried"],
            page=value["p_arrived"],
            repeated=value["p_repeated"],
            due=value["p_due"],
            reason=value["p_reason"],
            receipt=func.coalesce(value["p_receipt"], outbox.c.receipt),
            done=value["p_done"],
            route=func.coalesce(value["p_route"], outbox.c.route),
            keyed=case((value["p_keyed"] == literal_column("1"), outbox.c.keyed)),
        )
    )


def _sending(value: Given) -> Update:
    """What is written of nearly every message: it was sent, and its due time stays what it was."""
    return (
        update(outbox)
        .where(*_of_claim(value["p_id"], value["p_epoch"], value["p_attempt"], value["p_page"]))
        .values(
            state=literal_column(str(int(State.SENT))),
            account=value["p_account"],
            page=value["p_arrived"],
            repeated=value["p_repeated"],
            reason=value["p_reason"],
            receipt=func.coalesce(value["p_receipt"], outbox.c.receipt),
            done=value["p_done"],
            route=func.coalesce(value["p_route"], outbox.c.route),
            keyed=null(),
        )
    )


_NUMBERS = ("p_id", "p_epoch", "p_due", "p_done")
_SMALL_NUMBERS = ("p_attempt", "p_page", "p_state", "p_tried", "p_arrived", "p_repeated", "p_keyed")
_WORDS = ("p_account", "p_reason", "p_receipt", "p_route")

_KINDS: Kinds = (
    dict.fromkeys(_NUMBERS, BigInteger) | dict.fromkeys(_SMALL_NUMBERS, SmallInteger) | dict.fromkeys(_WORDS, String)
)

_RECORD = ForEach(_recording, _KINDS)

_IN_COMMON = ("p_epoch", "p_page", "p_account", "p_arrived", "p_repeated", "p_reason", "p_done", "p_route")
_SENT = ForEach(
    _sending,
    {name: _KINDS[name] for name in ("p_id", "p_attempt", "p_receipt")},
    {name: _KINDS[name] for name in _IN_COMMON},
)

# A sender that was replaced changes nothing beside the message either.
_CLAIMED = exists().where(*_OF_CLAIM)

_PUSH = Prepared(
    update(conversation)
    .where(conversation.c.person == bindparam("p_person"), _CLAIMED)
    .values(
        pushed_before=conversation.c.pushed,
        pushed_before_at=conversation.c.pushed_at,
        pushed=bindparam("p_pushed"),
        pushed_at=bindparam("p_at"),
    )
)

_OF_ADDRESS = (identity.c.door == bindparam("p_door"), identity.c.external == bindparam("p_external"), _CLAIMED)
_CLOSE = Prepared(update(identity).where(*_OF_ADDRESS).values(open=false()))
_CLOSE_WINDOWS = Prepared(update(identity).where(*_OF_ADDRESS).values(window_left=0, action_left=0))


def _claimed(result: Result) -> ColumnElement[bool]:
    """`_CLAIMED`, of this one."""
    return exists().where(*_of_claim(result.id, result.epoch, result.attempt, result.page))


async def _give_back(unit: Unit, result: Result, unused: Unused) -> None:
    """Whoever wrote meanwhile has a new window, in which this message was never counted."""
    if unused.template:
        await grants.give_back(unit, unused.external, unused.template, _claimed(result))
        return
    here = (identity.c.door == unused.door, identity.c.external == unused.external)
    values = {
        _WINDOW: case((identity.c.window_until == unused.window_until, _WINDOW + 1), else_=_WINDOW),
        _ACTION: case((identity.c.action_until == unused.action_until, _ACTION + 1), else_=_ACTION),
    }
    await unit.run(update(identity).where(*here, _claimed(result)).values(values))


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
        ours = (outbox.c.id.in_(ids), IS_PENDING, _is_at(account), fenced(account, epoch))
        await unit.run(update(outbox).where(*ours).values(values))

    for reason, ids in (dropped or {}).items():
        why = LATE if reason == Reason.LATE else reason
        await write(ids, state=State.SUPPRESSED, reason=why, done=done)
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
    due = {"state": State.PENDING, "due": to_milliseconds(now), "reason": STOPPED_SENDER}
    asked = await unit.run(
        update(outbox)
        .where(*still, or_(outbox.c.keyed > to_milliseconds(now - KEY_KEEPS), outbox.c.route == Way.MASS.value))
        .values(due)
    )
    again = await unit.run(
        update(outbox).where(*still, outbox.c.repeated == 0, _REPEATABLE).values({**due, "repeated": 1, "keyed": None})
    )
    uncertain = await unit.run(
        update(outbox)
        .where(*still)
        .values(state=State.UNCERTAIN, reason=STOPPED_SENDER, done=to_milliseconds(now), keyed=None)
    )
    return asked.rowcount + again.rowcount, uncertain.rowcount


# --- What turns and people do --------------------------------------------------------------------------------------


async def release_held(unit: Unit, person: int, door: str = "") -> int:
    """Somebody wrote: what waited for that may go to them now. One look into a small index when there is nothing."""
    account = literal(door, outbox.c.account.type) if door else best_door(outbox.c.person)
    # Whoever asks why it did not arrive asks now, and by asking lets it go.
    why = case((outbox.c.reason == Reason.NO_WINDOW.value, Reason.WROTE.value), else_=null())
    # Not `unit.run`: this is no change on the person's behalf, a script may still ask.
    freed = await unit.connection.execute(
        update(outbox).where(outbox.c.person == person, IS_PENDING, IS_HELD).values(account=account, reason=why)
    )
    return freed.rowcount


async def hear(unit: Unit, receipt: str, arrived: bool, status: str, now: datetime) -> bool:
    """WeChat tells later what became of a message that it had taken. False: it is none of ours, or long ago.

    A message that it lists as failed had been called sent: now it is not. Told twice is told once.
    """
    if not receipt:
        return False
    ours = (outbox.c.receipt == receipt, outbox.c.account == literal_column("'wechat'"))  # see ix_outbox_receipt
    values: dict[Any, Any] = {outbox.c.reason: f"platform: {status}"[:200]}
    if not arrived:
        values |= {outbox.c.state: int(State.FAILED), outbox.c.done: to_milliseconds(now)}
    heard = await unit.run(update(outbox).where(*ours, outbox.c.state == State.SENT).values(values))
    return bool(heard.rowcount)


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
