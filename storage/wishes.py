"""What somebody wishes to join, and all that the gates must know of it and of them, read in one statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Exists,
    ScalarSelect,
    Select,
    String,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    type_coerce,
)

from bot.domain.agreements import Acceptance
from bot.domain.enrolment import Stand
from bot.domain.reliability import WITHIN, may_have_to_ask
from storage import agreements
from storage.admission import not_kept
from storage.agreements import AGREE, acceptance
from storage.database import Unit
from storage.enrolment import LIVE
from storage.prepared import Prepared
from storage.shared import Shared, looked_up
from storage.tables.activities import activity, shift
from storage.tables.agreements import agreement, terms
from storage.tables.documents import document_need
from storage.tables.enrolment import enrolment
from storage.tables.parties import invitation
from storage.tables.reminders import reminding
from storage.tables.squads import squad


@dataclass(frozen=True, slots=True)
class Wish:
    """The shift that somebody wants, as it is when its row is ours.

    What is seldom so (`busy`, `broken`, `squad`, `needs`) is only said to be there: its rule reads the rest.
    """

    shift: int
    activity: int
    title: str
    english: str
    starts: datetime
    ends: datetime
    state: str
    minimum_age: int
    kind: str
    activity_starts: datetime
    activity_ends: datetime
    capacity: int
    conditions: Sequence[str]
    """Stated by the organiser: why an agreement is due, beside what is computed."""
    approval: bool
    """The organiser lets people in."""
    needs: Sequence[str]
    """Codes of skills that must be proven."""
    squad: bool
    """One professional leads so many."""
    insured: bool
    """Its insurance asks for a document number."""
    reminds: bool
    """At moments that the organiser chose."""
    mine: Stand | None
    """Where their own sign-up for this shift stands."""
    invited: bool
    """Whoever wishes was asked to come: a seat may wait for them."""
    busy: bool
    """A sign-up of theirs overlaps with these hours."""
    broken: int
    """Promises of theirs that were not kept of late, excused or not."""
    accepted: bool
    """They, or somebody for them, accepted the agreement as it stands now."""
    accepted_for_them: bool
    """Somebody else did: for whoever is under age only that counts."""


_WHOSE: BindParameter[int] = bindparam("whose")
_MINE = enrolment.alias("mine")


def _overlaps() -> Exists:
    theirs, at, of = enrolment.alias("theirs"), shift.alias("at"), activity.alias("of")
    return exists().where(
        theirs.c.person == _WHOSE,
        theirs.c.state.in_([literal(stand, String) for stand in LIVE]),
        theirs.c.shift != shift.c.id,
        at.c.id == theirs.c.shift,
        at.c.starts < shift.c.ends,
        at.c.ends > shift.c.starts,
        of.c.id == at.c.activity,
        of.c.state == literal_column("'open'"),
    )


def _not_kept() -> ScalarSelect[int]:
    theirs, at = enrolment.alias("promised"), shift.alias("promised_at")
    of_theirs = (theirs.c.person == _WHOSE, at.c.id == theirs.c.shift, not_kept(theirs))
    return select(func.count()).where(*of_theirs, at.c.starts > bindparam("since")).scalar_subquery()


_READ = (
    shift.c.id, shift.c.activity, activity.c.title, activity.c.english, shift.c.starts, shift.c.ends,
    activity.c.state, activity.c.minimum_age, shift.c.minimum_age.label("own_age"), activity.c.kind,
    activity.c.starts.label("activity_starts"), activity.c.ends.label("activity_ends"), shift.c.capacity,
    terms.c.conditions, activity.c.approval, shift.c.needs, _MINE.c.state.label("mine"),
    exists().where(squad.c.shift == shift.c.id).label("squad"),
    exists().where(document_need.c.activity == activity.c.id).label("insured"),
    exists().where(reminding.c.activity == shift.c.activity).label("reminds"),
    exists().where(
        invitation.c.shift == shift.c.id,
        invitation.c.person == _WHOSE,
        invitation.c.state == literal_column("'open'"),
    ).label("invited"),
    _overlaps().label("busy"),
    _not_kept().label("broken"),
    acceptance(_WHOSE).exists().label("accepted"),
    acceptance(_WHOSE).where(agreement.c.accepted_by != agreement.c.person).exists().label("accepted_for_them"),
)  # fmt: skip


def _of(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .join(activity, activity.c.id == shift.c.activity)
        .outerjoin(terms, terms.c.activity == activity.c.id)
        .outerjoin(_MINE, and_(_MINE.c.shift == shift.c.id, _MINE.c.person == _WHOSE))
        .where(shift.c.id == bindparam("wanted"))
    )


_WISH = Prepared(_of(*_READ))

_ALL = (_MINE.c.id.label("mine_id"), (shift.c.capacity - shift.c.taken).label("free"), *_READ)

_NOT_DECISIVE = frozenset({"title", "english", "insured", "reminds", "accepted_for_them", "free"})
"""What lets nobody into a plain sign-up: words for whoever is in, what holds for whoever is under age, and the seats,
of which the statement that gives them out looks for itself."""


def _print(columns: Iterable[Any]) -> Any:
    decisive = (one for one in columns if one.name not in _NOT_DECISIVE)
    return func.md5(cast(func.row(*decisive), Text)).label("print")


PRINT = _of(_print(_ALL))
"""On PostgreSQL: what a wish and all that decides about it are like, in 32 digits."""

_may_have_to_ask: Callable[[Any], Any] = may_have_to_ask
"""The same rule, of a column."""

_NEW = func.nextval(func.pg_get_serial_sequence(literal_column("'enrolment'"), literal_column("'id'")))


def _seen(columns: Iterable[Any], changes: bool = False) -> Prepared:
    """A wish with its print and the number of its sign-up; no number is used up for whoever may not get in."""
    look = _of(*columns).cte("look").prefix_with("MATERIALIZED")
    is_plain = and_(
        look.c.state == literal_column("'open'"),
        func.coalesce(look.c.mine, literal_column("'cancelled'")) == literal_column("'cancelled'"),
        func.coalesce(type_coerce(look.c.needs, Text), literal_column("'[]'")) == literal_column("'[]'"),
        not_(or_(look.c.approval, look.c.squad, look.c.invited, look.c.busy)),
        not_(_may_have_to_ask(look.c.broken)),
    )
    own = case((is_plain, func.coalesce(look.c.mine_id, _NEW))).label("own_id")
    seen = select(*look.c, _print(look.c), own)
    return Shared(seen, changes=True) if changes else looked_up(seen.add_cte(look, nest_here=True))


_SEEN = _seen(_ALL)

_AGREED = AGREE.cte("agreed")
_ACCEPTED = or_(acceptance(_WHOSE).exists(), exists(_AGREED.c.id)).label("accepted")
"""A statement does not see what it has inserted."""

_SEEN_ACCEPTING = _seen([_ACCEPTED if one.name == "accepted" else one for one in _ALL], changes=True)
"""The same of somebody who accepts the agreement with it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A wish as it was before its shift was locked: by its print is found whether it still is."""

    wish: Wish
    print: str
    own_id: int
    """The number that a plain sign-up has, or will have; 0: more has to be read to decide it."""
    free: int
    """Seats that nobody had."""

    @property
    def plain(self) -> bool:
        """Has everything been read that decides it?"""
        return self.own_id > 0


async def wish(unit: Unit, shift_id: int, person: int, now: datetime) -> Wish | None:
    """The shift, its activity and what this person has to do with them. The shift must be locked where it decides."""
    row = (await unit.run(_WISH, names(shift_id, person, now))).first()
    return None if row is None else _wish(row)


async def see(
    unit: Unit, shift_id: int, person: int, now: datetime, accepting: tuple[Acceptance, str] | None = None
) -> Seen | None:
    """The same on PostgreSQL while others may change it; None: there is none.

    `accepting`: a text that they accept with it, and their door. It is kept where it is known, else `accepted` says no.
    """
    values = names(shift_id, person, now)
    if accepting is None:
        row = (await unit.run(_SEEN, values)).first()
    else:
        text, door = accepting
        row = (await unit.run(_SEEN_ACCEPTING, values | agreements.names(text, person, person, door, now))).first()
    return None if row is None else Seen(_wish(row), row.print, row.own_id or 0, row.free)


def names(shift_id: int, person: int, now: datetime) -> dict[str, Any]:
    """What a wish is read by."""
    return {"wanted": shift_id, "whose": person, "since": now - WITHIN}


def _wish(row: Any) -> Wish:
    return Wish(
        row.id, row.activity, row.title, row.english, row.starts, row.ends, row.state,
        max(row.minimum_age, row.own_age), row.kind, row.activity_starts, row.activity_ends, row.capacity,
        row.conditions or (), row.approval, row.needs or (), row.squad, row.insured, row.reminds,
        None if row.mine is None else Stand(row.mine), row.invited, row.busy, row.broken, row.accepted,
        row.accepted_for_them,
    )  # fmt: skip
