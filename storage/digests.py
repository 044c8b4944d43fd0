"""Weekly letters: who wants one, for whom there is anything new, and what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    and_,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
)

from bot.domain.digests import MOST
from bot.domain.notices import Event
from storage.database import Unit
from storage.tables.activities import activity, organisation, shift
from storage.tables.digests import digest
from storage.tables.enrolment import enrolment
from storage.tables.kinds import to_milliseconds
from storage.tables.people import subscription


async def want(unit: Unit, person: int, weekday: int, hour: int, now: datetime) -> None:
    """A letter a week from now on, then."""
    row = unit.insert(digest).values(person=person, weekday=weekday, hour=hour, since=now)
    changed = {"weekday": weekday, "hour": hour}
    await unit.run(row.on_conflict_do_update(index_elements=["person"], set_=changed))


async def end(unit: Unit, person: int) -> bool:
    """No more letters. False: there were none."""
    return bool((await unit.run(delete(digest).where(digest.c.person == person))).rowcount)


async def of(unit: Unit, person: int) -> tuple[int, int] | None:
    """Weekday and hour of somebody's letters."""
    row = (await unit.run(select(digest.c.weekday, digest.c.hour).where(digest.c.person == person))).first()
    return (row.weekday, row.hour) if row else None


async def wanted(unit: Unit, weekday: int, hour: int) -> bool:
    """Does anybody want a letter then?"""
    then = exists().where(digest.c.weekday == weekday, digest.c.hour == hour)
    return bool((await unit.run(select(then))).scalar_one())


def fits(who: ColumnElement[int], since: int, until: int) -> ColumnElement[bool]:
    """Is this activity new and not one that this person signed up for?"""
    signed_up = exists().where(shift.c.activity == activity.c.id, enrolment.c.shift == shift.c.id,
                               enrolment.c.person == who)  # fmt: skip
    return and_(_new(since, until), ~signed_up)


def _new(since: int, until: int) -> ColumnElement[bool]:
    """Is this activity open, yet to begin, and was it opened between these, in milliseconds? `until` is the moment of
    the letter."""
    created = type_coerce(activity.c.created, BigInteger)
    begins = type_coerce(activity.c.starts, BigInteger)
    return and_(activity.c.state == "open", created > since, created <= until, begins > until)


def follows() -> ColumnElement[bool]:
    """Is this subscription one to this activity's district or kind?"""
    return or_(
        and_(subscription.c.topic == "district", subscription.c.value == cast(activity.c.district, String)),
        and_(subscription.c.topic == "kind", subscription.c.value == activity.c.kind),
    )


def anything(who: ColumnElement[int], since: int, until: int) -> ColumnElement[bool]:
    """Is there anything to write to this person?

    First whether they follow any district or kind that has something new: those are looked up once for all people,
    where the other look reads what is still to come anew for each.
    """
    new = _new(since, until)
    districts = select(cast(activity.c.district, String)).where(new)
    kinds = select(activity.c.kind).where(new)
    concerned = exists().where(
        subscription.c.person == who,
        or_(
            and_(subscription.c.topic == "district", subscription.c.value.in_(districts)),
            and_(subscription.c.topic == "kind", subscription.c.value.in_(kinds)),
        ),
    )
    return and_(concerned, exists().where(subscription.c.person == who, follows(), fits(who, since, until)))


async def letters(
    unit: Unit, people: Collection[int], since: int, until: int, now: datetime
) -> dict[int, tuple[Event, ...]]:
    """What is new for each of these who still want a letter: what fits them most first, and soonest."""
    moment = max(until, to_milliseconds(now))
    hits = (
        select(digest.c.person, activity.c.id, func.count().label("hits"), activity.c.starts)
        .select_from(
            digest.join(subscription, subscription.c.person == digest.c.person).join(activity, follows())
        )
        .where(digest.c.person.in_(sorted(people)), fits(digest.c.person, since, until))
        .where(type_coerce(activity.c.starts, BigInteger) > literal(moment, BigInteger))
        .group_by(digest.c.person, activity.c.id, activity.c.starts)
        .subquery("hits")
    )
    order = (hits.c.hits.desc(), hits.c.starts, hits.c.id)
    place = func.row_number().over(partition_by=hits.c.person, order_by=order).label("place")
    ranked = select(hits.c.person, hits.c.id, place).subquery("ranked")
    rows = (
        select(ranked.c.person, activity, organisation.c.name, organisation.c.english.label("name_english"))
        .select_from(ranked.join(activity, activity.c.id == ranked.c.id).join(organisation))
        .where(ranked.c.place <= MOST)
        .order_by(ranked.c.person, ranked.c.place)
    )
    found: dict[int, list[Event]] = defaultdict(list)
    for row in await unit.run(rows):
        found[row.person].append(
            Event(
                row.id, 0, row.title, row.english, row.name, row.name_english, row.address, row.starts, row.ends,
                row.latitude, row.longitude,
            )
        )  # fmt: skip
    still = await unit.run(select(digest.c.person).where(digest.c.person.in_(sorted(people))))
    return {one: tuple(found[one]) for one in still.scalars()}
