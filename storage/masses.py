"""A campaign's mass message: who nothing else reaches, the tag they are under, one message to all of them.

A person's own row waits for the mass message's row and ends as that one does, so that whoever asks finds an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, exists, func, insert, select, update

from bot.domain.reach import Because, Reason, Way
from storage.database import Unit
from storage.outbox import IS_HELD, IS_PENDING, IS_SENDING
from storage.segments import audience
from storage.tables.delivery import Lane, Running, State, fanout, outbox
from storage.tables.kinds import to_milliseconds
from storage.tables.official import mass, tagged
from storage.tables.people import identity

DOOR = "wechat"
TAGGING, LEAVING, OVER = 0, 1, 2
EVERYBODY = 0
"""The person of a row that goes to a tag."""


@dataclass(frozen=True, slots=True)
class Mass:
    """One mass message under way."""

    id: int
    fanout: int
    tag: int


async def ready(unit: Unit, now: datetime) -> list[int]:
    """Campaigns that may use a mass message, have told everybody whom they could tell singly, and have some left."""
    ours = outbox.c.fanout == fanout.c.id
    rows = await unit.run(
        select(fanout.c.id, fanout.c.words)
        .where(
            fanout.c.lane == int(Lane.CAMPAIGN),
            fanout.c.state == int(Running.DONE),
            fanout.c.expires > to_milliseconds(now),
            exists().where(ours, IS_PENDING, IS_HELD),
            ~exists().where(ours, IS_PENDING, ~IS_HELD),
            ~exists().where(ours, IS_SENDING),
            ~exists().where(mass.c.fanout == fanout.c.id),
        )
        .order_by(fanout.c.id)
    )
    return [row.id for row in rows if (row.words or {}).get("mass")]


async def begin(unit: Unit, number: int, tag: int, now: datetime) -> None:
    """A tag was made for a campaign."""
    row = unit.insert(mass).values(fanout=number, tag=tag, state=TAGGING, made=now)
    await unit.run(row.on_conflict_do_nothing(index_elements=["fanout"]))


async def being_tagged(unit: Unit) -> list[Mass]:
    """Those whose tag is not yet in step."""
    return await _in_state(unit, TAGGING)


async def _in_state(unit: Unit, state: int) -> list[Mass]:
    rows = await unit.run(select(mass.c.id, mass.c.fanout, mass.c.tag).where(mass.c.state == state))
    return [Mass(row.id, row.fanout, row.tag) for row in rows]


async def _wanted(unit: Unit, one: Mass) -> Select[Any]:
    """Person and address of everybody who waits, still wants it and follows; one address each."""
    segment = (await unit.run(select(fanout.c.segment).where(fanout.c.id == one.fanout))).scalar_one()
    still = audience(segment).subquery("still")
    theirs = identity.alias("theirs")
    latest = select(func.max(theirs.c.id)).where(
        theirs.c.person == outbox.c.person, theirs.c.door == DOOR, theirs.c.open
    )
    return (
        select(outbox.c.person, identity.c.external)
        .select_from(outbox.join(identity, identity.c.id == latest.correlate(outbox).scalar_subquery()))
        .where(outbox.c.fanout == one.fanout, IS_PENDING, IS_HELD, outbox.c.person.in_(select(still.c.person)))
    )


async def out_of_step(unit: Unit, one: Mass, limit: int) -> tuple[list[tuple[int, str]], list[str]]:
    """Who is still to be put under the tag (person, address), and which addresses are to be taken out of it."""
    wanted = (await _wanted(unit, one)).subquery("wanted")
    there = exists().where(tagged.c.mass == one.id, tagged.c.external == wanted.c.external)
    missing = await unit.run(select(wanted).where(~there).order_by(wanted.c.person).limit(limit))
    meant = exists().where(wanted.c.external == tagged.c.external)
    surplus = await unit.run(select(tagged.c.external).where(tagged.c.mass == one.id, ~meant).limit(limit))
    return [(row.person, row.external) for row in missing], list(surplus.scalars())


async def put_under(unit: Unit, one: Mass, people: Sequence[tuple[int, str]]) -> None:
    """The platform has put these under the tag."""
    await unit.run(insert(tagged), [{"mass": one.id, "person": who, "external": where} for who, where in people])


async def take_out(unit: Unit, one: Mass, externals: Collection[str]) -> None:
    """The platform has taken these out."""
    await unit.run(delete(tagged).where(tagged.c.mass == one.id, tagged.c.external.in_(sorted(externals))))


async def depart(unit: Unit, one: Mass, now: datetime) -> int:
    """The tag is in step: one row to all of it, and the rows of its people wait for that one. Returns how many."""
    of_it = select(tagged.c.person).where(tagged.c.mass == one.id)
    waiting = await unit.run(
        update(outbox)
        .where(outbox.c.fanout == one.fanout, IS_PENDING, IS_HELD, outbox.c.person.in_(of_it))
        .values(account=DOOR, route=Way.MASS.value, due=outbox.c.expires, reason=None)
    )
    if waiting.rowcount:
        expires = select(fanout.c.expires).where(fanout.c.id == one.fanout).scalar_subquery()
        row = unit.insert(outbox).values(
            fanout=one.fanout, person=EVERYBODY, account=DOOR, lane=int(Lane.CAMPAIGN), state=int(State.PENDING),
            due=to_milliseconds(now), expires=expires, route=Way.MASS.value,
        )  # fmt: skip
        await unit.run(row.on_conflict_do_nothing(index_elements=["fanout", "person"]))
    state = LEAVING if waiting.rowcount else OVER
    await unit.run(update(mass).where(mass.c.id == one.id, mass.c.state == TAGGING).values(state=state))
    return waiting.rowcount


async def tags(unit: Unit, fanouts: Collection[int]) -> dict[int, int]:
    """The tags to which rows for everybody go, by intention."""
    rows = await unit.run(select(mass.c.fanout, mass.c.tag).where(mass.c.fanout.in_(sorted(fanouts))))
    return {row.fanout: row.tag for row in rows}


async def leaving(unit: Unit) -> list[Mass]:
    """Those whose message is on its way."""
    return await _in_state(unit, LEAVING)


async def settle(unit: Unit, one: Mass, now: datetime) -> bool:
    """Give the people's rows the end of the message to all of them. False: it has not ended yet.

    Refused, stopped or given up: they wait again until they write.
    """
    of_all = (outbox.c.fanout == one.fanout, outbox.c.person == EVERYBODY)
    row = (await unit.run(select(outbox.c.state).where(*of_all))).first()
    if row is not None and row.state in (State.PENDING, State.SENDING):
        return False
    moment = to_milliseconds(now)
    held: dict[str, Any] = {"account": "", "route": None, "reason": Reason.NO_WINDOW.value, "due": moment}
    ended = {"state": row.state, "reason": Because.MASS.value, "done": moment} if row else held
    values = ended if row is not None and row.state in (State.SENT, State.UNCERTAIN) else held
    theirs = (outbox.c.fanout == one.fanout, outbox.c.person > EVERYBODY, outbox.c.route == Way.MASS.value)
    await unit.run(update(outbox).where(*theirs, IS_PENDING, outbox.c.account == DOOR).values(values))
    await unit.run(delete(tagged).where(tagged.c.mass == one.id))
    await unit.run(update(mass).where(mass.c.id == one.id).values(state=OVER))
    return True
