"""What has outlived its use: which rows each timer of `bot.domain.privacy` means, and their end in small steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select, tuple_, update

from bot.domain.privacy import TIMERS, Timer
from bot.talk.session import Session
from storage.database import Database, Unit
from storage.documents import SEATS
from storage.inbox import ANSWERED, DEAD
from storage.people import sealed_session
from storage.tables import metadata
from storage.tables.activities import shift
from storage.tables.claims import claim
from storage.tables.documents import document
from storage.tables.enrolment import enrolment, wrong_code
from storage.tables.evidence import evidence
from storage.tables.guardians import guardian_code
from storage.tables.messages import brought, inbox, letter
from storage.tables.people import conversation, identity
from storage.tables.privacy import link_code, link_offer, link_try, takeaway
from storage.tables.proofs import verification

AT_ONCE = 500
"""Rows that one transaction drops: on SQLite everybody else waits for it."""

LATE = timedelta(days=1)
"""So long after its time something is overdue: nobody who forgets hourly needs it."""

Over = Callable[[datetime, datetime], ColumnElement[bool]]
"""From the moment before which its time began, and now: which rows have outlived their use."""


def _ended(before: datetime) -> ColumnElement[bool]:
    """Sign-ups whose shift ended before."""
    return enrolment.c.shift.in_(select(shift.c.id).where(shift.c.ends <= before))


def _documents(before: datetime, now: datetime) -> ColumnElement[bool]:
    """Of activities that ended before, and of seats that were given up since."""
    given_up = and_(enrolment.c.state.not_in(SEATS), shift.c.starts > now, enrolment.c.changed <= now)
    over = select(enrolment.c.id).join(shift, shift.c.id == enrolment.c.shift)
    of_document = enrolment.c.id.in_(select(document.c.enrolment))
    return document.c.enrolment.in_(over.where(of_document, or_(shift.c.ends <= before, given_up)))


def _silent(before: datetime, _now: datetime) -> ColumnElement[bool]:
    """Conversations with whoever has not written since, and that were not emptied since they did."""
    last = select(func.max(identity.c.inbound)).where(identity.c.person == conversation.c.person)
    heard = last.correlate(conversation).scalar_subquery()
    return and_(heard <= before, or_(conversation.c.emptied.is_(None), conversation.c.emptied < heard))


OVER: dict[str, Over] = {
    "document": _documents,
    "letter": lambda before, _now: letter.c.at < before,
    "message": lambda before, _now: and_(inbox.c.state == ANSWERED, inbox.c.at < before),
    "brought": lambda before, _now: brought.c.at < before,
    "dead message": lambda before, _now: and_(inbox.c.state == DEAD, inbox.c.at < before),
    "wrong code": lambda before, _now: wrong_code.c.at < before,
    "link try": lambda before, _now: link_try.c.at < before,
    "takeaway": lambda before, _now: takeaway.c.expires < before,
    "link code": lambda before, _now: link_code.c.expires < before,
    "link offer": lambda before, _now: link_offer.c.expires < before,
    "guardian code": lambda before, _now: guardian_code.c.expires < before,
    "claim": lambda before, _now: and_(
        claim.c.decided <= before, or_(claim.c.what.is_not(None), claim.c.reason.is_not(None))
    ),
    "claim photo": lambda before, _now: and_(claim.c.decided <= before, claim.c.photo.is_not(None)),
    "photo": lambda before, _now: and_(evidence.c.at <= before, evidence.c.photo.is_not(None)),
    "answers": lambda before, _now: and_(
        or_(enrolment.c.answers.is_not(None), enrolment.c.why.is_not(None)), _ended(before)
    ),
    "conversation": _silent,
    "asker": lambda before, _now: and_(verification.c.at <= before, verification.c.person.is_not(None)),
}
"""By a timer's name."""


@dataclass(frozen=True, slots=True)
class _Meant:
    """The rows that a timer means now."""

    table: Table
    over: ColumnElement[bool]

    @property
    def key(self) -> list[ColumnElement[Any]]:
        return list(self.table.primary_key.columns)

    def these(self, keys: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
        """These of them, if they still are."""
        column = tuple_(*self.key) if len(self.key) > 1 else self.key[0]
        return and_(column.in_([one if len(self.key) > 1 else one[0] for one in keys]), self.over)


def _meant(timer: Timer, now: datetime) -> _Meant:
    return _Meant(metadata.tables[timer.table], OVER[timer.name](now - timer.keeps, now))


async def forget(database: Database, now: datetime) -> int:
    """Drop all that has outlived its use. Looks first: where nothing is, nobody waits. Returns how many rows."""
    return sum([await _forget(database, timer, now) for timer in TIMERS])


async def _forget(database: Database, timer: Timer, now: datetime) -> int:
    meant, gone, full = _meant(timer, now), 0, True
    while full:
        async with database.read() as unit:
            keys = [tuple(row) for row in await unit.run(select(*meant.key).where(meant.over).limit(AT_ONCE))]
        if not keys:
            break
        async with database.write() as unit:
            dropped = await _drop(unit, timer, meant.table, meant.these(keys), now)
        gone += dropped
        full = len(keys) == AT_ONCE and dropped > 0
    return gone


async def _drop(unit: Unit, timer: Timer, table: Table, which: ColumnElement[bool], now: datetime) -> int:
    if table is conversation:
        return await _empty(unit, which, now)
    if not timer.columns:
        return (await unit.run(delete(table).where(which))).rowcount
    return (await unit.run(update(table).where(which).values(dict.fromkeys(timer.columns)))).rowcount


async def _empty(unit: Unit, which: ColumnElement[bool], now: datetime) -> int:
    """The row stays, because whoever writes again is met by it; whoever writes just now is left alone."""
    rows = select(conversation.c.person).where(which).with_for_update(of=conversation, skip_locked=True)
    ids = list((await unit.run(rows)).scalars())
    for id_ in ids:
        none = dict.fromkeys(("pushed", "pushed_at", "pushed_before", "pushed_before_at"))
        bare = {"session": sealed_session(unit, id_, Session()), "emptied": now}
        await unit.run(update(conversation).where(conversation.c.person == id_).values(none | bare))
    return len(ids)


async def overdue(unit: Unit, now: datetime) -> dict[str, int]:
    """What should have been gone for a day: a timer's name → rows. Empty: nothing."""
    found = {}
    for timer in TIMERS:
        meant = _meant(timer, now - LATE)
        rows = select(func.count()).select_from(meant.table).where(meant.over)
        found[timer.name] = int((await unit.run(rows)).scalar_one())
    return {name: count for name, count in found.items() if count}
