"""People, their addresses and their conversations: found, made and locked in as few statements as can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, bindparam, delete, exists, func, insert, literal_column, select, tuple_, update

from bot.domain.people import Person, new_number
from bot.domain.roles import Post, Role
from bot.talk.session import Session, Shown
from storage.ahead import SINCE, bounds, goes_first, one
from storage.database import Unit
from storage.prepared import Prepared
from storage.secrecy import Secrecy, WrongKey
from storage.shared import looked_up
from storage.tables.activities import membership
from storage.tables.delivery import outbox
from storage.tables.kinds import to_milliseconds
from storage.tables.people import consent, conversation, identity, person, subscription


@dataclass(slots=True)
class Met:
    """A person who wrote, with the conversation as it stood."""

    person: Person
    identity: int
    session: Session
    pushed: Sequence[tuple[int, Any]]
    """When something that we said first since our last answer arrived, in milliseconds, and the options under it; the
    newest first."""
    new: bool
    returned: bool = False
    """They had left this address before."""
    held: bool = False
    """Something that we want to say waits until they write."""
    heard: datetime | None = None
    """When they last wrote from this address, as it is written down."""
    behind: bool = False
    """An earlier reply of ours waits with this door's sender."""
    damaged: bool = False
    """Their conversation did not open and begins anew."""

    def seen(self, at: datetime) -> list[Shown]:
        """The options under the newest of it that was there before they wrote: what they cannot have seen they did not
        answer. Platforms tell whole seconds, in less than which nobody reads and types."""
        sent = to_milliseconds(at)
        return next(([Shown(**one) for one in options] for arrived, options in self.pushed if arrived < sent), [])


# The condition of ix_outbox_held, to the letter: a look into an index that is nearly always empty.
_IS_HELD = (outbox.c.state == literal_column("0"), outbox.c.account == literal_column("''"))

# Made once: building a statement costs as much as running it. The session must be read after the lock is ours:
# PostgreSQL reads again the rows that it had to wait for.
_KNOWN = (
    person.c.id, person.c.number, person.c.language, person.c.elder, person.c.quiet_from, person.c.quiet_until,
    person.c.district, person.c.born, person.c.name.is_not(None).label("consented"), person.c.erasing, person.c.merged,
)  # fmt: skip
"""What a turn needs of a person; never their name, however well it is sealed."""

_MET = (
    select(
        *_KNOWN,
        identity.c.id.label("identity"),
        identity.c.open,
        identity.c.inbound,
        conversation.c.session,
        conversation.c.pushed,
        conversation.c.pushed_at,
        conversation.c.pushed_before,
        conversation.c.pushed_before_at,
        one(outbox.c.person == person.c.id, *_IS_HELD).label("held"),
        one(*goes_first(outbox.c, person.c.id, identity.c.door), outbox.c.expires > SINCE).label("behind"),
    )
    .select_from(identity.join(person).join(conversation, conversation.c.person == person.c.id))
    .where(identity.c.door == bindparam("door"), identity.c.external == bindparam("external"))
)


def locked(meeting: Any) -> Any:
    """Of whomever is met, the rows that are theirs for the turn."""
    return meeting.with_for_update(of=[person, conversation], key_share=True)


def locked_without_waiting(meeting: Any) -> Any:
    """The same of many at once, without those whom somebody else has: whoever waits for one while others are theirs
    could wait for somebody who waits for these. So their addresses' rows are locked too, which a turn writes at its
    end."""
    return meeting.with_for_update(of=[person, conversation, identity], key_share=True, skip_locked=True)


MEET = locked(_MET)
_MEET = Prepared(MEET)


LOOKS = 4
"""So often one turn looks for whoever is at an address. Each look more than one is somebody else's doing meanwhile: one
met them first, or linked them with another chat."""


class NotMet(LookupError):
    """Somebody is at this address whom no look could meet: the database is damaged there."""


async def meet(unit: Unit, door: str, external: str, language: str, now: datetime) -> Met:
    """The person at this address, locked for the turn; made on first contact with nothing personal in it. Raises
    NotMet."""
    for _look in range(LOOKS):
        row = (await unit.run_aside(_MEET, {"door": door, "external": external} | bounds(now))).first()
        found = await _met(unit, row, door, external, language, now)
        if found is not None:
            return found
    raise NotMet(door)


async def met(unit: Unit, row: Any, door: str, external: str, language: str, now: datetime) -> Met:
    """The person of this row of `MEET`; None: nobody wrote from this address before. Raises NotMet."""
    found = await _met(unit, row, door, external, language, now)
    return found or await meet(unit, door, external, language, now)


async def _met(unit: Unit, row: Any, door: str, external: str, language: str, now: datetime) -> Met | None:
    """None: look again."""
    if row is None:
        return await _first_met(unit, door, external, language, now)
    if row.merged is not None:
        # While we waited for this row, its owner was linked with another chat: meet whom they are now.
        return None
    opened = _opened(unit, row.session, row.id)
    # One that does not open begins anew: it would have ended by itself in half an hour, and nobody is locked out by it.
    session = opened or Session()
    pushed = _since(session, (row.pushed_at, row.pushed), (row.pushed_before_at, row.pushed_before))
    return Met(
        _person(row, door), row.identity, session, pushed, False, not row.open, bool(row.held), row.inbound,
        bool(row.behind), opened is None,
    )


def _opened(unit: Unit, sealed: bytes, id_: int) -> Session | None:
    """A kept conversation; None: it does not open, being damaged or sealed with a key that is gone."""
    try:
        return Session.from_json(unit.secrecy.open_json(sealed, f"conversation:{id_}"))
    except (WrongKey, ValueError, TypeError):
        return None


def _since(session: Session, *pushed: tuple[datetime | None, Any]) -> list[tuple[int, Any]]:
    """What arrived after our last answer began: that answer is shown after whatever arrived by then."""
    last = round(session.touched * 1000)
    arrived = [(to_milliseconds(at), options) for at, options in pushed if at is not None and options]
    return [(at, options) for at, options in arrived if at > last]


def _person(row: Any, door: str) -> Person:
    quiet = None if row.quiet_from is None or row.quiet_until is None else (row.quiet_from, row.quiet_until)
    return Person(
        row.id, row.number, row.language or "", row.elder, row.district, row.born, quiet, row.consented, door,
        row.erasing,
    )  # fmt: skip


async def _first_met(unit: Unit, door: str, external: str, language: str, now: datetime) -> Met | None:
    number = new_number()
    made = insert(person).values(number=number, language=language, created=now).returning(person.c.id)
    id_ = (await unit.connection.execute(made)).scalar_one()
    address = (
        unit.insert(identity)
        .values(person=id_, door=door, external=external, inbound=now)
        .on_conflict_do_nothing()
        .returning(identity.c.id)
    )
    identity_id = (await unit.connection.execute(address)).scalar_one_or_none()
    if identity_id is None:
        # Two first messages at once: the other one has made the person. Ours goes, and theirs is met.
        await unit.connection.execute(delete(person).where(person.c.id == id_))
        await _begin_anew(unit, door, external)
        return None
    await unit.connection.execute(insert(conversation).values(person=id_, session=sealed_session(unit, id_, Session())))
    return Met(Person(id_, number, language, door=door), identity_id, Session(), [], new=True, heard=now)


async def _begin_anew(unit: Unit, door: str, external: str) -> None:
    """Somebody known without a conversation gets an empty one. No path of ours leaves them so, but a hand in the
    database or a file mended after damage may; they were looked for without end, and nobody answered them again."""
    id_ = await at_address(unit, door, external)
    if id_ is not None:
        empty = sealed_session(unit, id_, Session())
        await unit.connection.execute(
            unit.insert(conversation).values(person=id_, session=empty).on_conflict_do_nothing()
        )


async def open_question(unit: Unit, door: str, external: str) -> str:
    """The name of the question that stands open at this address; empty: there is none."""
    kept = (
        select(conversation.c.person, conversation.c.session)
        .join(identity, identity.c.person == conversation.c.person)
        .where(identity.c.door == door, identity.c.external == external)
    )
    row = (await unit.run(kept)).first()
    if row is None:
        return ""
    session = _opened(unit, row.session, row.person)
    return session.thread.question if session and session.thread else ""


def _given(column: Column[Any], name: str) -> Any:
    return bindparam(name, type_=column.type)


KEEP_SESSION = (
    update(conversation)
    .where(conversation.c.person == bindparam("of_person"))
    .values(session=_given(conversation.c.session, "kept"))
)


async def keep_session(unit: Unit, id_: int, session: Session) -> None:
    """Write the conversation back."""
    await unit.connection.execute(KEEP_SESSION, {"of_person": id_, "kept": sealed_session(unit, id_, session)})


def sealed_session(unit: Unit, id_: int, session: Session) -> bytes:
    """Sealed: the answers of a conversation may be a name or a number."""
    return unit.secrecy.seal_json(session.to_json(), f"conversation:{id_}")


async def heard_from(unit: Unit, identity_id: int, now: datetime, window: tuple[int, int, bool] | None) -> None:
    """Somebody wrote: their address is open, and how often we may speak first from now on."""
    values: dict[str, Any] = {"inbound": now, "open": True}
    if window:
        seconds, messages, by_action = window
        name = "action" if by_action else "window"
        values |= {f"{name}_until": now + timedelta(seconds=seconds), f"{name}_left": messages}
    await unit.connection.execute(update(identity).where(identity.c.id == identity_id).values(values))


HEARD = (
    update(identity)
    .where(identity.c.id == bindparam("of_identity"))
    .values(inbound=_given(identity.c.inbound, "heard"))
)
HEARD_IN_WINDOW = HEARD.values(
    window_until=_given(identity.c.window_until, "until"), window_left=_given(identity.c.window_left, "left")
)
HEARD_AFTER_ACTION = HEARD.values(
    action_until=_given(identity.c.action_until, "until"), action_left=_given(identity.c.action_left, "left")
)
"""The same for somebody whose address was open already."""


async def close_address(unit: Unit, door: str, external: str) -> None:
    """Blocked, unfollowed or gone: nothing is sent there until they write again."""
    await unit.run(update(identity).where(identity.c.door == door, identity.c.external == external).values(open=False))


async def change(unit: Unit, id_: int, **values: Any) -> None:
    """Set plain columns of a person: language, elder, quiet hours, district, born."""
    await unit.run(update(person).where(person.c.id == id_).values(values))


async def keep_personal(unit: Unit, secrecy: Secrecy, id_: int, name: str, phone: str) -> None:
    """Store name and phone, sealed and bound to the row; the phone can be found again by its blind index."""
    await unit.run(
        update(person)
        .where(person.c.id == id_)
        .values(
            name=secrecy.seal(name, f"person:{id_}:name"),
            phone=secrecy.seal(phone, f"person:{id_}:phone") if phone else None,
            phone_index=secrecy.index(phone) if phone else None,
        )
    )


async def find(unit: Unit, id_: int) -> Person | None:
    """A person by the number of their row."""
    row = (await unit.run(select(*_KNOWN).where(person.c.id == id_))).first()
    return _person(row, "") if row else None


async def same_phone(unit: Unit, id_: int, phone: str) -> bool:
    """Has somebody else given this phone number too?"""
    others = select(person.c.id).where(
        person.c.phone_index == unit.secrecy.index(phone), person.c.id != id_, person.c.merged.is_(None)
    )
    return (await unit.run(others.limit(1))).first() is not None


async def personal(unit: Unit, secrecy: Secrecy, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Names and phones of these people, opened."""
    rows = await unit.run(select(person.c.id, person.c.name, person.c.phone).where(person.c.id.in_(ids)))
    return {
        row.id: (
            secrecy.open(row.name, f"person:{row.id}:name") if row.name else "",
            secrecy.open(row.phone, f"person:{row.id}:phone") if row.phone else "",
        )
        for row in rows
    }


async def phone_marks(unit: Unit, ids: Sequence[int]) -> dict[int, str]:
    """Fingerprints of these people's telephone numbers: the same number has the same one."""
    rows = select(person.c.id, person.c.phone_index).where(person.c.id.in_(ids), person.c.phone_index.is_not(None))
    return {row.id: row.phone_index for row in await unit.run(rows)}


async def give_consent(unit: Unit, id_: int, purpose: str, version: str, door: str, now: datetime) -> None:
    """Remember what was agreed to, when, through which door."""
    await unit.run(insert(consent).values(person=id_, purpose=purpose, version=version, door=door, given=now))


async def agreed(unit: Unit, id_: int, purpose: str) -> bool:
    """Is there a consent to this purpose that was not withdrawn?"""
    given = exists().where(consent.c.person == id_, consent.c.purpose == purpose, consent.c.withdrawn.is_(None))
    return bool((await unit.run(select(given))).scalar_one())


_POSTS = looked_up(
    select(membership.c.role, membership.c.organisation, membership.c.place)
    .where(membership.c.person == bindparam("whose"))
    .order_by(membership.c.id)
)


async def posts(unit: Unit, id_: int) -> list[Post]:
    """The roles somebody holds."""
    rows = await unit.run(_POSTS, {"whose": id_})
    return [Post(Role(row.role), row.organisation, row.place) for row in rows]


async def holders(unit: Unit, organisation: int | None, places: Sequence[int]) -> list[tuple[int, Role]]:
    """Who holds a role in an organisation, or over one of these places; each person once a role."""
    here = membership.c.organisation.is_(None) & membership.c.place.in_(places)
    if organisation is not None:
        here |= membership.c.organisation == organisation
    rows = await unit.run(select(membership.c.person, membership.c.role).distinct().where(here).order_by("person"))
    return [(row.person, Role(row.role)) for row in rows]


async def appoint(unit: Unit, id_: int, role: Role, organisation: int | None, place: int | None, now: datetime) -> None:
    """Give somebody a role; giving it twice is giving it once."""
    held = await unit.run(
        select(func.count())
        .select_from(membership)
        .where(
            membership.c.person == id_,
            membership.c.role == role,
            membership.c.organisation.is_not_distinct_from(organisation),
            membership.c.place.is_not_distinct_from(place),
        )
    )
    if not held.scalar_one():
        await unit.run(
            insert(membership).values(person=id_, role=role, organisation=organisation, place=place, since=now)
        )


async def at_address(unit: Unit, door: str, external: str) -> int | None:
    """The person at an address."""
    found = select(identity.c.person).where(identity.c.door == door, identity.c.external == external)
    return (await unit.run(found)).scalar_one_or_none()


async def habits(unit: Unit, door: str, external: str) -> tuple[str, bool] | None:
    """Language and elder mode of whoever is at an address."""
    found = select(person.c.language, person.c.elder).join(identity, identity.c.person == person.c.id)
    row = (await unit.run(found.where(identity.c.door == door, identity.c.external == external))).first()
    return (row.language or "", row.elder) if row else None


async def refuses(unit: Unit, id_: int) -> int:
    """Which sorts of messages somebody switched off, as a sum of `Stream`."""
    return int((await unit.run(select(person.c.refuses).where(person.c.id == id_))).scalar_one_or_none() or 0)


async def by_number(unit: Unit, number: str) -> int | None:
    """The person with this volunteer number."""
    found = await unit.run(select(person.c.id).where(person.c.number == number.strip().upper()))
    return found.scalar_one_or_none()


async def numbers(unit: Unit, ids: Sequence[int]) -> dict[int, str]:
    """The volunteer numbers of these people."""
    rows = await unit.run(select(person.c.id, person.c.number).where(person.c.id.in_(ids)))
    return {row.id: row.number for row in rows}


async def subscribe(unit: Unit, id_: int, topic: str, value: str, now: datetime) -> bool:
    """Subscribe to a district or a kind. False: they had already."""
    row = unit.insert(subscription).values(person=id_, topic=topic, value=value, since=now).on_conflict_do_nothing()
    return bool((await unit.run(row)).rowcount)


async def unsubscribe(unit: Unit, id_: int, topic: str | None = None, value: str | None = None) -> int:
    """End one subscription, or all. Returns how many ended."""
    ends = delete(subscription).where(subscription.c.person == id_)
    if topic is not None:
        ends = ends.where(subscription.c.topic == topic, subscription.c.value == value)
    return (await unit.run(ends)).rowcount


async def subscriptions(unit: Unit, id_: int) -> list[tuple[str, str]]:
    """What somebody subscribes to: (topic, value)."""
    rows = await unit.run(
        select(subscription.c.topic, subscription.c.value)
        .where(subscription.c.person == id_)
        .order_by(subscription.c.topic, subscription.c.value)
    )
    return [(row.topic, row.value) for row in rows]


async def subscribers(unit: Unit, topics: Sequence[tuple[str, str]]) -> int:
    """How many people an announcement to these topics would reach."""
    found = await unit.run(
        select(func.count(func.distinct(subscription.c.person))).where(
            tuple_(subscription.c.topic, subscription.c.value).in_(topics)
        )
    )
    return int(found.scalar_one())


async def lock(unit: Unit, id_: int) -> Person | None:
    """Make a person ours until the end of the transaction, whatever they write meanwhile."""
    found = select(person.c.id, person.c.number, person.c.language).where(person.c.id == id_)
    row = (await unit.connection.execute(found.with_for_update(key_share=True))).first()
    return Person(row.id, row.number, row.language or "") if row else None
