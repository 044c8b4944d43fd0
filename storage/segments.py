"""Who is meant: the people of a segment, without those who want nothing but answers, and each one's best door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, case, exists, func, literal, or_, select

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


def audience(
    segment: Mapping[str, Any], after: int = 0, upto: int | None = None, *, refusers: bool = False
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
            chosen = select(who.label("person")).distinct().where(wanted)
            chosen = chosen if refusers else chosen.where(~opted_out(who), ~_refused(who))
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


def _refused(who: ColumnElement[int]) -> ColumnElement[bool]:
    """Has this person switched off campaigns?"""
    return exists().where(person.c.id == who, refuses(Stream.CAMPAIGNS))


def best_door(who: ColumnElement[int], doors: Sequence[str] = (), first: str = "") -> ColumnElement[str]:
    """The door where this person wrote last, empty if all their addresses are closed.

    `doors` are those that this city can send through: they come before the others. `first` comes before all.
    """
    order: list[ColumnElement[Any]] = []
    if first:
        order.append(case((identity.c.door == first, 0), else_=1))
    if doors:
        order.append(case((identity.c.door.in_(sorted(doors)), 0), else_=1))
    order += [identity.c.inbound.desc().nulls_last(), identity.c.id]
    best = select(identity.c.door).where(identity.c.person == who, identity.c.open).order_by(*order).limit(1)
    return func.coalesce(best.scalar_subquery(), literal("", String))
