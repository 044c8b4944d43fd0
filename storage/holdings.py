"""What is held of a person, and in which rows.

Read from the tables themselves; whatever says nothing of a person stands here with its reason, and a test holds that
list against every table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, and_, false, or_, select

from storage.database import Unit
from storage.tables import metadata
from storage.tables.agreements import agreement, agreement_text
from storage.tables.delivery import fanout, outbox, outbox_done
from storage.tables.enrolment import audit, wrong_code
from storage.tables.messages import inbox, letter
from storage.tables.people import identity, person

WITHOUT_KEY: tuple[Column[Any], ...] = (
    outbox.c.person,
    outbox_done.c.person,
    wrong_code.c.person,
    audit.c.actor,
    fanout.c.created_by,
    person.c.merged,
)
"""Columns that refer to a person without a foreign key: hot tables, and rows that outlive whom they speak of."""

BY_ADDRESS = ("inbox", "letter")
"""Tables that know the address, not the person."""

IMPERSONAL = {
    "campaign_picture": "the picture of a message to many; whoever it was sent to has it",
    "organisation": "of an organisation, not of a person",
    "shift": "hours and seats of an activity; who has one stands in enrolment",
    "brought": "which messages' replies have been brought, by the platform's numbers",
    "token": "keys of the city's own accounts",
    "reminding": "when people of an activity are reminded",
    "squad": "what a shift demands; who has the skill stands in skill",
    "sender_slot": "which process sends",
    "audit_head": "where the log of moves ends",
    "quota": "what a platform still allows the city",
    "scene": "codes that open an activity",
    "mass": "a message to many; who they are stands in tagged",
    "document_need": "whether an activity's insurance asks for document numbers",
    "erased": "fingerprints of who was erased, so that an older backup brings nobody back",
}
"""Tables without anything of a person, and why."""


def owners(table: Table) -> list[Column[Any]]:
    """Columns of a table that refer to a person."""
    bare = {(one.table.name, one.name) for one in WITHOUT_KEY}
    return [
        column
        for column in table.columns
        if any(key.column is person.c.id for key in column.foreign_keys) or (table.name, column.name) in bare
    ]


def holdings() -> Iterator[Table]:
    """Tables that hold something of a person."""
    for table in metadata.sorted_tables:
        if table is person or table.name in BY_ADDRESS or owners(table):
            yield table


async def same(unit: Unit, id_: int) -> list[int]:
    """This person's number and those that were linked into it, however often."""
    found, wave = [id_], [id_]
    while wave:
        wave = list((await unit.run(select(person.c.id).where(person.c.merged.in_(wave)))).scalars())
        found += wave
    return found


async def addresses(unit: Unit, ids: Sequence[int]) -> list[tuple[int, str, str]]:
    """Number, door and external id of every address of these people."""
    rows = await unit.run(select(identity).where(identity.c.person.in_(ids)).order_by(identity.c.id))
    return [(row.id, row.door, row.external) for row in rows]


def rows_of(table: Table, ids: Sequence[int], known: Sequence[tuple[int, str, str]]) -> ColumnElement[bool]:
    """Which rows of a table are these people's."""
    if table is person:
        return person.c.id.in_(ids)
    if table is inbox:
        return or_(false(), *(and_(inbox.c.door == door, inbox.c.external == there) for _id, door, there in known))
    if table is letter:
        return letter.c.address.in_([there for _id, door, there in known if door == "web"])
    which: list[ColumnElement[bool]] = [column.in_(ids) for column in owners(table)]
    if table is fanout:
        which.append(replies_to(ids))
    if table is agreement_text:
        which.append(agreement_text.c.id.in_(select(agreement.c.text).where(agreement.c.person.in_(ids))))
    return or_(*which)


def replies_to(ids: Sequence[int]) -> ColumnElement[bool]:
    """Intentions to bring one of these people a reply."""
    return and_(fanout.c.kind == "reply", fanout.c.segment.in_([{"person": one} for one in ids]))
