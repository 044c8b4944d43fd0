"""Who is meant: the people of a segment, without those who want nothing but answers, and each one's best door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    String,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
)

from bot.domain.notices import Stream
from bot.domain.roles import Role
from storage.audiences import meant
from storage.digests import anything
from storage.tables.activities import membership
from storage.tables.digests import digest
from storage.tables.enrolment import enrolment
from storage.tables.people import consent, identity, person, subscription

OPT_OUT = "messages"
"""Purpose in `consent` that somebody withdraws who wants nothing but answers."""


Number = int | BindParameter[int]
"""A person's number, or the name under which it comes to a statement that is prepared."""


def audience(
    segment: Mapping[str, Any], after: Number = 0, upto: Number | None = None, *, refusers: bool = False
) -> Select[Any]:
    """The people of a segment with a number above `after` and up to `upto`, as a SELECT of one column, `person`.

    `refusers`: those too who want nothing but answers, for where a chunk ends: whoever writes must leave them out.
    """
    match segment:
        case {"person": int(id_)}:
            who, chosen = person.c.id, select(person.c.id.label("person")).where(person.c.id == id_)
        case {"enrolment": int(id_)}:
            who = enrolment.c.person
            chosen = select(who.label("person")).where(enrolment.c.id == id_)
        case {"shift": int(id_)}:
            who = enrolment.c.person
            states = [str(state) for state in segment.get("states", ("joined", "confirmed", "arrived"))]
            chosen = select(who.label("person")).where(enrolment.c.shift == id_, enrolment.c.state.in_(states))
        case {"organisers": int(id_)}:
            who = membership.c.person
            theirs = and_(membership.c.organisation == id_, membership.c.role == Role.ORGANISER)
            chosen = select(who.label("person")).where(theirs)
        case {"centre": int(node)}:
            who = membership.c.person
            theirs = and_(membership.c.place == node, membership.c.role.in_((Role.CENTRE, Role.CITY)))
            chosen = select(who.label("person")).distinct().where(theirs)
        case {"subscribers": [*topics]} if topics:
            who = subscription.c.person
            wanted = or_(
                *(and_(subscription.c.topic == topic, subscription.c.value == str(value)) for topic, value in topics)
            )
            chosen = select(who.label("person")).where(wanted)
            chosen = chosen.distinct() if len(topics) > 1 else chosen
            if not refusers:
                willing = ~opted_out(who), ~refuses(Stream.CAMPAIGNS)
                chosen = chosen.join(person, person.c.id == who).where(*willing)
        case {"digest": [int(weekday), int(hour)], "since": int(since), "until": int(until)}:
            who = digest.c.person
            then = digest.c.weekday == weekday, digest.c.hour == hour
            chosen = select(who.label("person")).where(*then, anything(who, since, until))
            chosen = chosen if refusers else chosen.where(~opted_out(who))
        case {"scope": {**_scope}, "at": int(at)}:
            who, chosen = person.c.id, select(person.c.id.label("person")).where(meant(segment, at))
            chosen = chosen if refusers else chosen.where(~opted_out(who), ~refuses(Stream.CAMPAIGNS))
        case _:
            raise ValueError(f"no such segment: {sorted(segment)}")
    chosen = chosen.where(who > after)
    if "but" in segment:  # whose own affair it is
        chosen = chosen.where(who != int(segment["but"]))
    return chosen if upto is None else chosen.where(who <= upto)


def opted_out(who: ColumnElement[int]) -> ColumnElement[bool]:
    """Has this person withdrawn from everything that they did not ask for?"""
    of_theirs = and_(consent.c.person == who, consent.c.purpose == OPT_OUT)
    withdrawn = exists().where(of_theirs, consent.c.withdrawn.is_not(None))
    given = exists().where(of_theirs, consent.c.withdrawn.is_(None))
    return and_(withdrawn, ~given)


def refuses(stream: Stream) -> ColumnElement[bool]:
    """Has the person of this row switched off this sort of messages?"""
    return func.coalesce(person.c.refuses, 0).bitwise_and(int(stream)) != 0


def best_door(who: ColumnElement[int], doors: Sequence[str] = (), first: str = "") -> ColumnElement[str]:
    """The door where this person wrote last, empty if all their addresses are closed.

    `doors` are those that this city can send through: they come before the others. `first` comes before all.
    """
    best = select(identity.c.door).where(identity.c.person == who, identity.c.open)
    best = best.order_by(*_rank(identity, doors, first)).limit(1)
    return func.coalesce(best.scalar_subquery(), literal("", String))


def with_best_door(
    people: FromClause, doors: Sequence[str] = (), first: str = ""
) -> tuple[FromClause, ColumnElement[str], ColumnElement[bool]]:
    """The same for very many: `people` joined to their best doors, the door, and the condition that picks it.

    A join costs half of what `best_door` does for each row: no subquery with a sorter of its own.
    """
    theirs, other = identity.alias("theirs"), identity.alias("other")
    better = exists().where(
        other.c.person == theirs.c.person,
        other.c.id != theirs.c.id,
        other.c.open,
        tuple_(*_rank(other, doors, first)) < tuple_(*_rank(theirs, doors, first)),
    )
    joined = people.outerjoin(theirs, and_(theirs.c.person == people.c.person, theirs.c.open))
    return joined, func.coalesce(theirs.c.door, literal("", String)), or_(theirs.c.id.is_(None), ~better)


def _rank(address: FromClause, doors: Sequence[str], first: str) -> list[ColumnElement[Any]]:
    """Lowest for the best of somebody's addresses, and different for any two."""
    order: list[ColumnElement[Any]] = []
    if first:
        order.append(case((address.c.door == first, 0), else_=1))
    if doors:
        order.append(case((address.c.door.in_(sorted(doors)), 0), else_=1))
    return [*order, -func.coalesce(type_coerce(address.c.inbound, BigInteger), 0), address.c.id]
