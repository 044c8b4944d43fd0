"""What people ask of the outbox: why it did not arrive, what is uncertain or dead, how far it is, how much waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal_column, or_, select, union_all

from storage.database import Unit
from storage.outbox import IS_PENDING, IS_SENDING
from storage.tables.activities import activity, shift
from storage.tables.delivery import State, fanout, outbox, outbox_done
from storage.tables.enrolment import enrolment
from storage.tables.kinds import from_milliseconds, to_milliseconds


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
    route: str | None = None


def _told(row: Any) -> Told:
    return Told(
        row.id, row.person, row.kind, row.source, State(row.state), row.account, row.attempt, bool(row.repeated),
        row.reason, from_milliseconds(row.due), None if row.done is None else from_milliseconds(row.done), row.route,
    )  # fmt: skip


_TOLD = ("id", "person", "state", "account", "attempt", "repeated", "reason", "due", "done", "route")


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


OF_SHIFT = ("reminder", "checkout", "change", "cancellation")
OF_ENROLMENT = ("promotion", "offer", "lapse")
"""Kinds by what their source is; an announcement's is the activity."""


def _shifts(activity_: int) -> Any:
    return select(shift.c.id).where(shift.c.activity == activity_)


async def of_activity(unit: Unit, activity_: int, limit: int = 500) -> list[Told]:
    """What was said or meant to be said about an activity, what needs an eye first, then the newest."""
    of_ours = select(enrolment.c.id).where(enrolment.c.shift.in_(_shifts(activity_)))
    about = or_(
        and_(fanout.c.kind.in_(OF_SHIFT), fanout.c.source.in_(_shifts(activity_))),
        and_(fanout.c.kind.in_(OF_ENROLMENT), fanout.c.source.in_(of_ours)),
        and_(fanout.c.kind == "announcement", fanout.c.source == activity_),
    )
    parts = [
        select(*(table.c[name] for name in _TOLD), fanout.c.kind, fanout.c.source)
        .select_from(table.join(fanout, fanout.c.id == table.c.fanout))
        .where(about)
        .order_by(case((table.c.state == State.SENT, 1), else_=0), table.c.id.desc())
        .limit(limit)
        .subquery()
        for table in (outbox, outbox_done)
    ]
    both = union_all(*(select(part) for part in parts)).subquery()
    rows = select(both).order_by(case((both.c.state == State.SENT, 1), else_=0), both.c.id.desc()).limit(limit)
    return [_told(row) for row in await unit.run(rows)]


async def titles(unit: Unit, told: Sequence[Told]) -> dict[int, tuple[str, str]]:
    """The titles of what these messages speak of, by message; nothing for those that speak of no activity."""
    columns = (activity.c.title, activity.c.english)
    by: dict[tuple[str, int], tuple[str, str]] = {}
    for kinds, key, joined in (
        (OF_SHIFT, shift.c.id, shift.join(activity)),
        (OF_ENROLMENT, enrolment.c.id, enrolment.join(shift, shift.c.id == enrolment.c.shift).join(activity)),
        (("announcement",), activity.c.id, activity),
    ):
        wanted = sorted({one.source for one in told if one.kind in kinds})
        if wanted:
            found = select(key.label("source"), *columns).select_from(joined).where(key.in_(wanted))
            for row in await unit.run(found):
                by |= {(kind, row.source): (row.title, row.english) for kind in kinds}
    return {one.id: by[one.kind, one.source] for one in told if (one.kind, one.source) in by}


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
