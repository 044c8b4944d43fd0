"""What is true of messages at the moment of sending: their readers, their subjects, whether they are still meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import bindparam, literal_column, select, tuple_

from bot.domain.campaigns import WEEK, too_often
from bot.domain.notices import ABOUT_ITS_READER, CAMPAIGNS, STREAMS, Event, Kind, Notice
from bot.domain.reach import BY_WINDOW, Reachable, Truth
from storage import asking, digests, grants, masses
from storage.database import Unit
from storage.inbox import opened
from storage.lists import among
from storage.outbox import IS_CAMPAIGN
from storage.prepared import Prepared
from storage.segments import audience, opted_out
from storage.shared import looked_up
from storage.tables.activities import activity, organisation, shift
from storage.tables.delivery import Lane, State, outbox
from storage.tables.enrolment import enrolment
from storage.tables.kinds import from_milliseconds, to_milliseconds
from storage.tables.messages import inbox
from storage.tables.parties import invitation, team
from storage.tables.people import identity, person, subscription
from storage.waiting import Waiting

BY_REVISION = frozenset({"reminder", "checkout", "change"})
"""These speak of one revision of an activity: another one has its own."""

MEANT = {
    "promotion": ("joined", "confirmed", "arrived"),
    "offer": ("offered",),
    "lapse": ("waiting", "cancelled"),
    "admission": ("joined", "confirmed", "arrived", "waiting", "cancelled"),
}
"""Where a sign-up must still stand for its owner to hear of it."""


@dataclass(frozen=True, slots=True)
class Due:
    """A waiting message with everything that the decision and the words need."""

    waiting: Waiting
    notice: Notice
    truth: Truth
    addresses: Sequence[Reachable]
    language: str
    elder: bool
    quiet: tuple[int, int] | None
    """The reader's own quiet hours; None: the city's."""
    pages: Sequence[dict[str, Any]]
    """A kept reply, ready; empty for what is put into words now."""
    tag: int | None = None
    """It goes to everybody under this tag of the platform's, and to no single person."""


@dataclass(frozen=True, slots=True)
class _Subject:
    event: Event
    revision: int
    state: str


async def look(unit: Unit, messages: Sequence[Waiting], now: datetime) -> list[Due]:
    """Read what is true of these messages now: ten statements, one for each campaign among them, one for teams."""
    if not messages:
        return []
    known = await _read(unit, messages, now)
    return [_due(one, known, now) for one in messages]


async def _read(unit: Unit, messages: Sequence[Waiting], now: datetime) -> _Known:
    people = {"p_people": sorted({one.person for one in messages})}
    readers = {row.id: row for row in await unit.run(_READERS, people)}
    addresses: dict[int, list[Reachable]] = defaultdict(list)
    for person_, *address in await unit.run(_ADDRESSES, people):
        addresses[person_].append(Reachable(*address))
    await _consents(unit, addresses)
    sign_ups = await _sign_ups(unit, messages)
    to_all = {one.fanout for one in messages if one.person == masses.EVERYBODY}
    return _Known(
        readers=readers,
        addresses=addresses,
        sign_ups=sign_ups,
        subjects=await _subjects(unit, messages, sign_ups, now),
        topics=await _topics(unit, messages),
        replies=await _replies(unit, messages),
        teams=await _teams(unit, messages),
        answered=await asking.over(unit, messages),
        letters=await _letters(unit, messages, now),
        lately=await _lately(unit, messages, now),
        strangers=await _strangers(unit, messages),
        tags=await masses.tags(unit, to_all) if to_all else {},
    )


def _due(one: Waiting, known: _Known, now: datetime) -> Due:
    reader, subject, reply = known.readers.get(one.person), known.subjects.get(one.id), known.reply_of(one)
    theirs = known.addresses[one.person]
    if one.kind == "reply":
        theirs = [same for same in theirs if reply and (same.door, same.external) == reply.address]
    own, stand = _own_sign_up(one, known.sign_ups)
    quiet = None
    if reader is not None and reader.quiet_from is not None and reader.quiet_until is not None:
        quiet = (reader.quiet_from, reader.quiet_until)
    return Due(
        waiting=one,
        notice=Notice(
            cast(Kind, one.kind),
            subject.event if subject else None,
            enrolment=own,
            stand=stand,
            offset=one.offset,
            words={**one.words, **known.teams.get(one.source, {})} if one.kind == "invitation" else one.words,
            listed=known.letters.get(one.id, ()),
            repeated=bool(one.repeated),
        ),
        truth=_truth(one, known, now),
        addresses=theirs,
        language=(reader.language or "") if reader else "",
        elder=bool(reader and reader.elder),
        quiet=quiet,
        pages=list(reply.pages) if one.kind == "reply" and reply else [],
        tag=known.tag_of(one),
    )


def _truth(one: Waiting, known: _Known, now: datetime) -> Truth:
    reader, subject, tag = known.readers.get(one.person), known.subjects.get(one.id), known.tag_of(one)
    nobody = reader is None and tag is None
    # Nothing but replies goes to somebody who asked to be erased.
    silenced = bool(reader and reader.erasing and one.kind != "reply")
    says_something = known.reply_of(one) or subject or known.letters.get(one.id) or _speaks_for_itself(one)
    # An author's test was asked for just now: it comes at night too, and to somebody who hears nothing of others.
    unasked = one.lane > Lane.REPLY
    return Truth(
        expires=from_milliseconds(one.expires),
        urgent=one.lane <= Lane.CHANGE,
        opted_out=unasked and bool(reader and (reader.opted_out or _refuses(reader.refuses, one.kind))),
        often=unasked and tag is None and too_often(known.lately[one.person], now),
        missing=nobody or silenced or not says_something,
        cancelled=bool(subject and subject.state == "cancelled"),
        changed=bool(subject and one.kind in BY_REVISION and subject.revision != one.revision),
        # Who is under a tag was looked at when it was put in step.
        signed_up=tag is not None or _is_meant(one, known),
    )


def _is_meant(one: Waiting, known: _Known) -> bool:
    """Would its reader still be chosen, and does what it asks still wait for an answer?"""
    open_ = one.id not in known.answered and one.id not in known.strangers
    return open_ and _wanted(one, known.letters) and _still_meant(one, known.sign_ups, known.topics)


async def reachable(unit: Unit, who: int) -> Sequence[Reachable]:
    """Where one person can be told something, and what they allow there."""
    addresses = {who: [Reachable(*address) for _person, *address in await unit.run(_ADDRESSES_OF_ONE, {"whose": who})]}
    await _consents(unit, addresses)
    return addresses[who]


async def _consents(unit: Unit, addresses: Mapping[int, list[Reachable]]) -> None:
    """What the owners of addresses with windows let us send outside them; no statement where there are none."""
    windowed = {one.external for theirs in addresses.values() for one in theirs if one.door in BY_WINDOW}
    if not windowed:
        return
    given = await grants.of(unit, windowed)
    for theirs in addresses.values():
        for place, one in enumerate(theirs):
            if one.external in given and one.door in BY_WINDOW:
                granted, declined = given[one.external]
                theirs[place] = replace(one, granted=granted, declined=declined)


def _refuses(streams: int | None, kind: str) -> bool:
    return bool((streams or 0) & STREAMS.get(cast(Kind, kind), 0))


_READERS = Prepared(
    select(
        person.c.id,
        person.c.language,
        person.c.elder,
        person.c.quiet_from,
        person.c.quiet_until,
        person.c.erasing,
        person.c.refuses,
        opted_out(person.c.id).label("opted_out"),
    ).where(among(person.c.id, "p_people"))
)

_OF_ADDRESS = select(
    identity.c.person,
    *(identity.c[name] for name in ("door", "external", "open", "inbound")),
    *(identity.c[name] for name in ("window_until", "window_left", "action_until", "action_left")),
).order_by(identity.c.id)
_ADDRESSES = Prepared(_OF_ADDRESS.where(among(identity.c.person, "p_people")))
_ADDRESSES_OF_ONE = looked_up(_OF_ADDRESS.where(identity.c.person == bindparam("whose")))


@dataclass(frozen=True, slots=True)
class _SignUps:
    by_shift: dict[tuple[int, int], tuple[int, str]]
    """Shift and person → enrolment, state."""
    by_number: dict[int, tuple[int, int, str]]
    """Enrolment → shift, person, state."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read for several messages together: by person, or by message."""

    readers: Mapping[int, Any]
    addresses: Mapping[int, list[Reachable]]
    sign_ups: _SignUps
    subjects: Mapping[int, _Subject]
    topics: dict[int, set[tuple[str, str]]]
    replies: Mapping[tuple[str, str], _Reply]
    teams: Mapping[int, Mapping[str, str]]
    """By invitation."""
    answered: set[int]
    letters: dict[int, tuple[Event, ...]]
    lately: Mapping[int, list[datetime]]
    strangers: set[int]
    tags: Mapping[int, int]
    """By intention."""

    def reply_of(self, one: Waiting) -> _Reply | None:
        """The kept reply that a message brings, where it is one."""
        return self.replies.get((one.words.get("door", ""), one.words.get("key", "")))

    def tag_of(self, one: Waiting) -> int | None:
        """The tag to which a message goes instead of to a person."""
        return self.tags.get(one.fanout) if one.person == masses.EVERYBODY else None


async def _sign_ups(unit: Unit, messages: Iterable[Waiting]) -> _SignUps:
    pairs = sorted({(one.segment["shift"], one.person) for one in messages if "shift" in one.segment})
    numbers = sorted({_enrolment(one) for one in messages} - {0})
    found = _SignUps({}, {})
    if pairs:
        shifts, people = {one for one, _person in pairs}, {one for _shift, one in pairs}
        rows = await unit.run(_THEIR_SIGN_UPS, {"p_shifts": sorted(shifts), "p_people": sorted(people)})
        found.by_shift.update({(row.shift, row.person): (row.id, row.state) for row in rows})
    if numbers:
        rows = await unit.run(_SIGN_UPS, {"p_ids": numbers})
        found.by_number.update({row.id: (row.shift, row.person, row.state) for row in rows})
    return found


_OF_SIGN_UP = (enrolment.c.id, enrolment.c.shift, enrolment.c.person, enrolment.c.state)
_SIGN_UPS = Prepared(select(*_OF_SIGN_UP).where(among(enrolment.c.id, "p_ids")))
_THEIR_SIGN_UPS = Prepared(
    select(*_OF_SIGN_UP).where(among(enrolment.c.shift, "p_shifts"), among(enrolment.c.person, "p_people"))
)


def _enrolment(one: Waiting) -> int:
    """The sign-up that a message speaks of, 0 if it speaks of none."""
    if "enrolment" in one.segment:
        return int(one.segment["enrolment"])
    return one.source if one.kind == "promotion" and "shift" not in one.segment else 0


def _own_sign_up(one: Waiting, sign_ups: _SignUps) -> tuple[int, str]:
    """The reader's own sign-up and where it stands, 0 where the message is about none."""
    if "shift" in one.segment:
        return sign_ups.by_shift.get((one.segment["shift"], one.person), (0, ""))
    return _enrolment(one), sign_ups.by_number.get(_enrolment(one), (0, 0, ""))[2]


def _shift(one: Waiting, sign_ups: _SignUps) -> int:
    """The shift that a message speaks of, 0 if it speaks of none."""
    if "shift" in one.segment or "about" in one.segment:
        return int(one.segment.get("shift") or one.segment["about"])
    if _enrolment(one):
        return sign_ups.by_number.get(_enrolment(one), (0, 0, ""))[0]
    return one.source if one.kind in ("reminder", "checkout", "change", "cancellation") else 0


def _activity(one: Waiting) -> int:
    """The activity that a message to many speaks of, 0 if it speaks of none."""
    return one.source if one.kind == "announcement" else int(one.words.get("activity", 0))


async def _subjects(unit: Unit, messages: Sequence[Waiting], sign_ups: _SignUps, now: datetime) -> dict[int, _Subject]:
    """By message: the activity and shift that it speaks of, as they are now."""
    shifts = {one.id: _shift(one, sign_ups) for one in messages}
    activities = {
        one.id: _activity(one) for one in messages if one.kind in CAMPAIGNS and not shifts[one.id] and _activity(one)
    }
    by_shift: dict[int, _Subject] = {}
    by_activity: dict[int, _Subject] = {}
    if wanted := sorted(set(shifts.values()) - {0}):
        for row in await unit.run(_SHIFTS, {"p_ids": wanted}):
            by_shift[row.shift] = _subject(row)
    if activities:
        for row in await unit.run(_ACTIVITIES, {"p_ids": sorted(set(activities.values()))}):
            # From the last to the first: the next shift that is not over wins, the last one if all are.
            if row.id not in by_activity or row.ends > now:
                by_activity[row.id] = _subject(row)
    found = {id_: by_shift[number] for id_, number in shifts.items() if number in by_shift}
    return found | {id_: by_activity[number] for id_, number in activities.items() if number in by_activity}


_OF_SUBJECT = select(
    shift.c.id.label("shift"), shift.c.starts, shift.c.ends,
    activity.c.id, activity.c.title, activity.c.english, activity.c.address, activity.c.latitude,
    activity.c.longitude, activity.c.revision, activity.c.state,
    organisation.c.name, organisation.c.english.label("name_english"),
).select_from(shift.join(activity).join(organisation))  # fmt: skip
_SHIFTS = Prepared(_OF_SUBJECT.where(among(shift.c.id, "p_ids")))
_ACTIVITIES = Prepared(_OF_SUBJECT.where(among(activity.c.id, "p_ids")).order_by(shift.c.starts.desc()))


def _subject(row: Any) -> _Subject:
    return _Subject(
        Event(
            activity=row.id, shift=row.shift, title=row.title, english=row.english, organisation=row.name,
            organisation_english=row.name_english, address=row.address, starts=row.starts, ends=row.ends,
            latitude=row.latitude, longitude=row.longitude,
        ),
        row.revision,
        row.state,
    )  # fmt: skip


def _speaks_for_itself(one: Waiting) -> bool:
    return one.kind in ABOUT_ITS_READER or (one.kind == "campaign" and "activity" not in one.words)


async def _lately(unit: Unit, messages: Iterable[Waiting], now: datetime) -> dict[int, list[datetime]]:
    """When the readers of campaigns had messages of campaigns in the last week."""
    people = sorted({one.person for one in messages if one.kind in CAMPAIGNS})
    found: dict[int, list[datetime]] = defaultdict(list)
    if people:
        since = to_milliseconds(now - WEEK)
        for row in await unit.run(_CAMPAIGNS, {"p_people": people, "p_since": since}):
            found[row.person].append(from_milliseconds(row.done))
    return found


_CAMPAIGNS = Prepared(
    select(outbox.c.person, outbox.c.done).where(
        among(outbox.c.person, "p_people"),
        IS_CAMPAIGN,
        outbox.c.state.in_([literal_column(str(int(one))) for one in (State.SENT, State.UNCERTAIN)]),
        outbox.c.done > bindparam("p_since"),
    )
)


async def _strangers(unit: Unit, messages: Iterable[Waiting]) -> set[int]:
    """Messages of campaigns whose readers are not meant any more: one statement for each campaign among them."""
    by_fanout: dict[int, list[Waiting]] = defaultdict(list)
    for one in messages:
        if "scope" in one.segment:
            by_fanout[one.fanout].append(one)
    found: set[int] = set()
    for theirs in by_fanout.values():
        people = audience(theirs[0].segment).where(among(person.c.id, "p_people"))
        meant = set((await unit.run(people, {"p_people": [one.person for one in theirs]})).scalars())
        found |= {one.id for one in theirs if one.person not in meant}
    return found


def _wanted(one: Waiting, letters: dict[int, tuple[Event, ...]]) -> bool:
    return one.kind != "digest" or one.id in letters


async def _letters(unit: Unit, messages: Iterable[Waiting], now: datetime) -> dict[int, tuple[Event, ...]]:
    """By message: what is new for the readers of weekly letters who still want one."""
    issues: dict[tuple[int, int], list[Waiting]] = defaultdict(list)
    for one in messages:
        if one.kind == "digest":
            issues[one.segment["since"], one.segment["until"]].append(one)
    found: dict[int, tuple[Event, ...]] = {}
    for (since, until), theirs in issues.items():
        new = await digests.letters(unit, {one.person for one in theirs}, since, until, now)
        found |= {one.id: new[one.person] for one in theirs if one.person in new}
    return found


async def _topics(unit: Unit, messages: Iterable[Waiting]) -> dict[int, set[tuple[str, str]]]:
    """What the readers of announcements subscribe to now."""
    people = sorted({one.person for one in messages if "subscribers" in one.segment})
    found: dict[int, set[tuple[str, str]]] = defaultdict(set)
    if people:
        for row in await unit.run(_SUBSCRIPTIONS, {"p_people": people}):
            found[row.person].add((row.topic, row.value))
    return found


_SUBSCRIPTIONS = Prepared(
    select(subscription.c.person, subscription.c.topic, subscription.c.value).where(
        among(subscription.c.person, "p_people")
    )
)


@dataclass(frozen=True, slots=True)
class _Reply:
    """A kept reply and the address that asked for it."""

    address: tuple[str, str]
    pages: list[dict[str, Any]]


async def _replies(unit: Unit, messages: Iterable[Waiting]) -> dict[tuple[str, str], _Reply]:
    keys = sorted({(one.words.get("door", ""), one.words.get("key", "")) for one in messages if one.kind == "reply"})
    if not keys:
        return {}
    rows = select(inbox.c.door, inbox.c.key, inbox.c.external, inbox.c.reply).where(
        tuple_(inbox.c.door, inbox.c.key).in_(keys)
    )
    return {
        (row.door, row.key): _Reply((row.door, row.external), opened(unit, row.door, row.key, row.reply))
        for row in await unit.run(rows)
        if row.reply
    }


async def _teams(unit: Unit, messages: Iterable[Waiting]) -> dict[int, dict[str, str]]:
    """By invitation: what its team is called now. A team's name may be a family's: no message keeps a copy of it."""
    numbers = sorted({one.source for one in messages if one.kind == "invitation"})
    if not numbers:
        return {}
    rows = select(invitation.c.id, team.c.name).join(team, team.c.id == invitation.c.team)
    return {row.id: {"team": row.name} for row in await unit.run(rows.where(invitation.c.id.in_(numbers)))}


def _still_meant(one: Waiting, sign_ups: _SignUps, topics: dict[int, set[tuple[str, str]]]) -> bool:
    """Does the reader still belong to those whom it was meant for?"""
    segment = one.segment
    if "shift" in segment:
        _number, state = sign_ups.by_shift.get((segment["shift"], one.person), (0, ""))
        return state in segment.get("states", ("joined", "confirmed", "arrived"))
    if "subscribers" in segment:
        return any((topic, str(value)) in topics[one.person] for topic, value in segment["subscribers"])
    if one.kind in MEANT:
        return sign_ups.by_number.get(_enrolment(one), (0, 0, ""))[1:] in {
            (one.person, state) for state in MEANT[one.kind]
        }
    return True
