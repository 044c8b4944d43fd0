"""Two people who are one: codes, offers, moving everything of one to the other, and moving it back within a week.

Which columns are moved is read from the tables: whatever refers to a person and is no history of deeds follows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Select, UniqueConstraint, and_, delete, exists, func, insert, or_, select, update

from bot.domain.enrolment import Stand
from bot.domain.linking import Place
from bot.domain.people import new_number
from bot.talk.session import Session
from storage.database import Unit
from storage.holdings import holdings, owners
from storage.tables import metadata
from storage.tables.activities import activity, shift
from storage.tables.claims import claim
from storage.tables.delivery import State, outbox
from storage.tables.enrolment import attendance, enrolment, record
from storage.tables.evidence import evidence
from storage.tables.people import conversation, person, subscription
from storage.tables.privacy import link_code, link_offer, link_try, merge

STAYS = frozenset(
    {
        "person", "conversation", "audit", "fanout", "activity", "outbox_done", "campaign", "calendar", "digest",
        "matter_word", "correction", "erasure", "takeaway", "link_code", "link_try", "link_offer", "merge",
    }
)  # fmt: skip
"""Tables whose rows stay with the number that they were written for: history, and the week's own bookkeeping."""

FILLED = ("born", "district", "quiet_from", "quiet_until", "refuses")
"""Plain fields that follow from the one who joins where the other has none."""


# --- Codes and offers -----------------------------------------------------------------------------------------------


async def keep_code(unit: Unit, id_: int, code: str, now: datetime, expires: datetime) -> None:
    """Remember a code that somebody shows; the ones before it are worthless."""
    await unit.run(delete(link_code).where(link_code.c.person == id_))
    kept = unit.secrecy.index(f"link:{code}")
    await unit.run(insert(link_code).values(code=kept, person=id_, made=now, expires=expires))


async def shower(unit: Unit, code: str, now: datetime) -> int | None:
    """Who shows this code now."""
    here = select(link_code.c.person).where(link_code.c.code == unit.secrecy.index(f"link:{code}"))
    found = here.join(person, person.c.id == link_code.c.person)
    alive = found.where(link_code.c.expires > now, person.c.merged.is_(None), person.c.erasing.is_(None))
    who: int | None = (await unit.run(alive)).scalar_one_or_none()
    return who


async def tries(unit: Unit, id_: int, since: datetime) -> list[datetime]:
    """When somebody typed wrong codes since then, oldest first."""
    rows = select(link_try.c.at).where(link_try.c.person == id_, link_try.c.at > since).order_by(link_try.c.at)
    return [row.at for row in await unit.run(rows)]


async def note_try(unit: Unit, id_: int, at: datetime) -> None:
    """Remember a wrong code."""
    await unit.run(insert(link_try).values(person=id_, at=at))


async def offer(unit: Unit, shows: int, types: int, code: str, now: datetime, expires: datetime) -> None:
    """The second chat has agreed; the code is used up, and the first chat is asked."""
    await unit.run(delete(link_code).where(link_code.c.code == unit.secrecy.index(f"link:{code}")))
    await unit.run(delete(link_offer).where(link_offer.c.shower == shows))
    await unit.run(insert(link_offer).values(shower=shows, typer=types, made=now, expires=expires))


async def offered(unit: Unit, shows: int, now: datetime) -> tuple[int, int] | None:
    """The offer that waits for this person's yes: its number, and who made it."""
    found = (
        select(link_offer.c.id, link_offer.c.typer)
        .join(person, person.c.id == link_offer.c.typer)
        .where(link_offer.c.shower == shows, link_offer.c.expires > now)
        .where(person.c.merged.is_(None), person.c.erasing.is_(None))
    )
    row = (await unit.run(found)).first()
    return (row.id, row.typer) if row else None


async def awaits(unit: Unit, types: int, now: datetime) -> bool:
    """Has this person typed somebody's code, who has not answered yet?"""
    mine = select(link_offer.c.id).where(link_offer.c.typer == types, link_offer.c.expires > now)
    return (await unit.run(mine.limit(1))).first() is not None


async def drop_offer(unit: Unit, id_: int) -> None:
    """The offer was taken or refused."""
    await unit.run(delete(link_offer).where(link_offer.c.id == id_))


# --- What both have --------------------------------------------------------------------------------------------------


class Shared(NamedTuple):
    """A shift that two people signed up to."""

    shift: int
    starts: datetime
    title: str
    english: str
    places: tuple[Place, Place]


async def shared(unit: Unit, one: int, other: int) -> list[Shared]:
    """Shifts that both signed up to."""
    rows = await unit.run(
        select(enrolment, shift.c.starts, activity.c.title, activity.c.english)
        .join(shift, shift.c.id == enrolment.c.shift)
        .join(activity, activity.c.id == shift.c.activity)
        .where(enrolment.c.person.in_((one, other)))
        .order_by(shift.c.starts, enrolment.c.shift)
    )
    first: dict[int, Any] = {}
    found = []
    for row in rows:
        if row.shift not in first:
            first[row.shift] = row
            continue
        places = tuple(Place(each.id, each.person, Stand(each.state), each.queue) for each in (first[row.shift], row))
        found.append(Shared(row.shift, row.starts, row.title, row.english, (places[0], places[1])))
    return found


async def recorded(unit: Unit, id_: int) -> list[datetime]:
    """When a person's records begin, in order."""
    rows = select(record.c.starts).where(record.c.person == id_).order_by(record.c.starts)
    return list((await unit.run(rows)).scalars())


async def set_minutes(unit: Unit, id_: int, minutes: int, why: dict[str, Any] | None) -> dict[str, Any]:
    """Give a record other minutes; who recorded is asked whose they are. Returns what it said before."""
    row = (await unit.run(select(record).where(record.c.id == id_))).one()
    state = "counted" if minutes else "zero"
    await unit.run(update(record).where(record.c.id == id_).values(minutes=minutes, state=state, why=why, fresh=True))
    return {"id": id_, "minutes": row.minutes, "state": row.state, "why": row.why, "left": minutes}


# --- Merge ----------------------------------------------------------------------------------------------------------


async def lock(unit: Unit, ids: Sequence[int]) -> None:
    """Make both people ours: whoever writes meanwhile waits, and is then the one that they have become."""
    if unit.locks_rows:
        rows = select(person.c.id).where(person.c.id.in_(ids)).order_by(person.c.id)
        await unit.connection.execute(rows.with_for_update(key_share=True))


async def begin(unit: Unit, kept: int, gone: int, door: str, now: datetime, until: datetime) -> int:
    """Write down that two become one. Returns the merge's number."""
    row = insert(merge).values(kept=kept, gone=gone, door=door, made=now, until=until).returning(merge.c.id)
    number = int((await unit.run(row)).scalar_one())
    await unit.run(update(person).where(person.c.id == gone).values(merged=kept))
    return number


async def remember(unit: Unit, number: int, before: dict[str, Any]) -> None:
    """Keep, sealed, all that an undo needs."""
    sealed = unit.secrecy.seal_json(before, f"merge:{number}")
    await unit.run(update(merge).where(merge.c.id == number).values(before=sealed))


def _movable() -> list[Column[Any]]:
    """The columns that follow a person: in tables with row numbers, whatever is no history."""
    return [
        column
        for table in holdings()
        if table.name not in STAYS and "id" in table.c
        for column in owners(table)
    ]  # fmt: skip


def _free(column: Column[Any], kept: int, gone: int) -> Select[Any]:
    """Rows of the one who joins that stand in no row's way: no unique key of the other's is met."""
    table = column.table
    mine = table.alias("mine")
    which = select(table.c.id).where(column == gone)
    keys = [
        [one.name for one in key.columns]
        for key in getattr(table, "constraints", ())
        if isinstance(key, UniqueConstraint) and column.name in key.columns
    ]
    for names in keys:
        alike = [mine.c[name].is_not_distinct_from(table.c[name]) for name in names if name != column.name]
        which = which.where(~exists().where(mine.c[column.name] == kept, *alike))
    if table is outbox:
        which = which.where(outbox.c.state == State.PENDING)  # what was said stays said to whom it was said
    return which


async def move(unit: Unit, kept: int, gone: int) -> dict[str, list[int]]:
    """Give everything of one person to the other. Returns the numbers of the rows moved, by column."""
    moved: dict[str, list[int]] = {}
    for column in _movable():
        ids = list((await unit.run(_free(column, kept, gone))).scalars())
        if ids:
            table = metadata.tables[str(column.table)]
            for start in range(0, len(ids), 500):
                part = ids[start : start + 500]
                await unit.run(update(table).where(table.c.id.in_(part)).values({column.name: kept}))
            moved[f"{table.name}.{column.name}"] = ids
    return moved


async def move_back(unit: Unit, kept: int, gone: int, moved: dict[str, list[int]]) -> None:
    """Give back what was moved, as far as it is still there; what came about since stays where it is."""
    for place, ids in moved.items():
        table_name, name = place.split(".")
        table = metadata.tables[table_name]
        for start in range(0, len(ids), 500):
            theirs = and_(table.c.id.in_(ids[start : start + 500]), table.c[name] == kept)
            await unit.run(update(table).where(theirs).values({name: gone}))


async def follow_sign_ups(unit: Unit, kept: int, gone: int) -> None:
    """Presences that came about since follow the sign-up that they belong to."""
    theirs = select(enrolment.c.id).where(enrolment.c.person == gone)
    for table in (attendance, claim):
        whose = and_(table.c.enrolment.in_(theirs), table.c.person == kept)
        await unit.run(update(table).where(whose).values(person=gone))
    of = select(attendance.c.id).where(attendance.c.enrolment.in_(theirs))
    for table in (record, evidence):
        whose = and_(table.c.attendance.in_(of), table.c.person == kept)
        await unit.run(update(table).where(whose).values(person=gone))


async def trade_places(unit: Unit, one: Place, other: Place, now: datetime) -> None:
    """Exchange the owners of two sign-ups to one shift: a third person holds one of them for a moment, because
    neither database lets two rows of a shift have one owner even inside a statement."""
    standing_in = insert(person).values(number=new_number(), created=now).returning(person.c.id)
    third = (await unit.run(standing_in)).scalar_one()
    for id_, owner in ((one.id, third), (other.id, one.person), (one.id, other.person)):
        await unit.run(update(enrolment).where(enrolment.c.id == id_).values(person=owner))
    await unit.run(delete(person).where(person.c.id == third))


async def drop_doubled_subscriptions(unit: Unit, kept: int, gone: int) -> list[dict[str, Any]]:
    """Subscriptions that both have: one goes, or announcements would count them twice."""
    mine = subscription.alias("mine")
    doubled = select(subscription).where(
        subscription.c.person == gone,
        exists().where(
            mine.c.person == kept, mine.c.topic == subscription.c.topic, mine.c.value == subscription.c.value
        ),
    )
    rows = list(await unit.run(doubled))
    await unit.run(delete(subscription).where(subscription.c.id.in_([row.id for row in rows])))
    return [{"topic": row.topic, "value": row.value, "since": row.since.timestamp()} for row in rows]


async def restore_subscriptions(unit: Unit, gone: int, dropped: Sequence[dict[str, Any]], now: datetime) -> None:
    """Give doubled subscriptions back."""
    for one in dropped:
        row = unit.insert(subscription).values(
            person=gone, topic=one["topic"], value=one["value"], since=datetime.fromtimestamp(one["since"], now.tzinfo)
        )
        await unit.run(row.on_conflict_do_nothing())


async def fill_in(unit: Unit, kept: int, gone: int) -> dict[str, Any]:
    """Plain fields that the one who joins has and the other has not. Returns what was filled."""
    columns = [person.c[name] for name in FILLED]
    rows = {row.id: row for row in await unit.run(select(person.c.id, *columns).where(person.c.id.in_((kept, gone))))}
    missing = {name: getattr(rows[gone], name) for name in FILLED if getattr(rows[kept], name) is None}
    filled = {name: value for name, value in missing.items() if value is not None}
    if filled:
        await unit.run(update(person).where(person.c.id == kept).values(filled))
    return filled


# --- Undo -----------------------------------------------------------------------------------------------------------


async def latest(unit: Unit, kept: int, now: datetime) -> Any:
    """The latest merge of this person that can be undone, or None."""
    found = select(merge).where(
        merge.c.kept == kept, merge.c.undone.is_(None), merge.c.until > now, merge.c.before.is_not(None)
    )
    return (await unit.run(found.order_by(merge.c.id.desc()).limit(1))).first()


def opened(unit: Unit, row: Any) -> dict[str, Any]:
    """What a merge remembers."""
    before: dict[str, Any] = unit.secrecy.open_json(row.before, f"merge:{row.id}")
    return before


async def end(unit: Unit, number: int, gone: int, now: datetime) -> None:
    """The merge is undone; the other chat begins with an empty conversation."""
    await unit.run(update(merge).where(merge.c.id == number).values(undone=now, before=None))
    await unit.run(update(person).where(person.c.id == gone).values(merged=None))
    sealed = unit.secrecy.seal_json(Session().to_json(), f"conversation:{gone}")
    await unit.run(update(conversation).where(conversation.c.person == gone).values(session=sealed))


async def unfill(unit: Unit, kept: int, filled: dict[str, Any]) -> None:
    """Take filled fields away again where they still say the same."""
    for name, value in filled.items():
        same = and_(person.c.id == kept, person.c[name] == value)
        await unit.run(update(person).where(same).values({name: None}))


async def once_one(unit: Unit, activity_id: int) -> int:
    """Pairs of people with records at an activity who had been one person, by a link that was undone."""
    theirs = select(record.c.person).where(record.c.activity == activity_id).scalar_subquery()
    pairs = select(func.min(merge.c.id)).where(
        merge.c.undone.is_not(None), merge.c.kept.in_(theirs), merge.c.gone.in_(theirs)
    )
    return len(list(await unit.run(pairs.group_by(merge.c.kept, merge.c.gone))))


async def restore_minutes(unit: Unit, before: Sequence[dict[str, Any]]) -> None:
    """Records say again what they said, unless they were changed since; what was changed last goes back first."""
    for one in reversed(before):
        same = and_(record.c.id == one["id"], record.c.minutes == one["left"])
        values = {"minutes": one["minutes"], "state": one["state"], "why": one["why"]}
        await unit.run(update(record).where(same).values(values))


async def sit_again(unit: Unit, id_: int, now: datetime) -> Stand | None:
    """A place that was given up for a merge is taken again: a seat where one is free and nobody waits, else the old
    number in the queue. None: the shift has begun, or the place is not as it was left.

    The shift must be locked by the caller.
    """
    found = select(enrolment, shift.c.starts, shift.c.taken, shift.c.capacity).join(shift).where(enrolment.c.id == id_)
    row = (await unit.run(found)).first()
    if row is None or row.state != Stand.CANCELLED or row.starts <= now:
        return None
    queue = select(func.count()).select_from(enrolment)
    waiting = queue.where(enrolment.c.shift == row.shift, enrolment.c.state == Stand.WAITING)
    free = row.taken < row.capacity and not (await unit.run(waiting)).scalar_one()
    stand = Stand.JOINED if free else Stand.WAITING
    if free:
        await unit.run(update(shift).where(shift.c.id == row.shift).values(taken=shift.c.taken + 1))
    await unit.run(
        update(enrolment).where(enrolment.c.id == id_).values(state=stand, changed=now, ended_by=None, late=None)
    )
    return stand


# --- After the week -------------------------------------------------------------------------------------------------


async def forget_before(unit: Unit, ids: Sequence[int]) -> None:
    """Names that a merge remembers go with the consent that they were given with; it cannot be undone any more."""
    await unit.run(update(merge).where(or_(merge.c.kept.in_(ids), merge.c.gone.in_(ids))).values(before=None))


async def settle(unit: Unit, now: datetime) -> None:
    """The week is over: what only the undo needed goes, and with it the second copy of name and phone."""
    over = and_(merge.c.until <= now, merge.c.undone.is_(None), merge.c.settled.is_(None))
    shells = list((await unit.run(select(merge.c.gone).where(over))).scalars())
    if shells:
        bare = {"name": None, "phone": None, "phone_index": None, "born": None}
        await unit.run(update(person).where(person.c.id.in_(shells), person.c.merged.is_not(None)).values(bare))
        await unit.run(delete(conversation).where(conversation.c.person.in_(shells)))
        await unit.run(update(merge).where(over).values(settled=now, before=None))
