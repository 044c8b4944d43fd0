"""A town in which somebody writes to many: an organiser, a centre above, people with something in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from bot.desk.campaigns import Campaigns, Voice
from bot.domain.campaigns import Audience, Condition, Kept, Letter, Sent, Timing
from bot.domain.people import Person
from bot.domain.roles import Role
from storage import people
from storage.tables.activities import shift
from storage.tables.enrolment import attendance, enrolment, record
from storage.tables.people import identity, person, subscription
from tests.conversations.kit import Chat, Town, number_of

HAIDIAN = 110108
CHAOYANG = 110105


@asynccontextmanager
async def desk_of(town: Town, who: Chat) -> AsyncIterator[Campaigns]:
    """The desk of somebody, in a transaction of its own."""
    async with town.database.write() as unit:
        number = await people.at_address(unit, who.door, who.name)
        assert number is not None
        yield Campaigns(unit, Person(number, "", "en"), town.at, town.city)


async def organiser(town: Town, chat: Chat) -> Chat:
    """Somebody who leads an organisation."""
    await chat.says("menu")
    await town.has_organisation(chat)
    return chat


async def writes(chat: Chat, *said: str) -> str:
    """Type one thing after another; what the last of them is answered with."""
    for one in said:
        await chat.says(one)
    return chat.text


def heard(town: Town, about: str = "plant") -> list[str]:
    """Whom something was said to, at any door."""
    return [to for mailbox in town.mailboxes.values() for to, page in mailbox.sent if about in page.text]


async def follower(town: Town, chat: Chat, *topics: tuple[str, str], **columns: Any) -> int:
    """Somebody who has written and subscribes; `columns` of their row in `person`."""
    await chat.says("menu")
    number = await number_of(town, chat)
    async with town.database.write() as unit:
        for topic, value in topics:
            await people.subscribe(unit, number, topic, value, town.at)
        if columns:
            await people.change(unit, number, **columns)
    return number


async def crowd(town: Town, count: int, district: int = HAIDIAN, door: str = "telegram") -> None:
    """Many people who subscribe to a district, without a chat each."""
    async with town.database.write() as unit:
        made = await unit.run(
            person.insert().returning(person.c.id),
            [{"number": f"V{district}{place:07}", "created": town.at} for place in range(count)],
        )
        numbers = [row.id for row in made]
        addresses = [
            {"person": number, "door": door, "external": str(7_000_000 + number), "open": True, "inbound": town.at}
            for number in numbers
        ]
        await unit.run(identity.insert(), addresses)
        topics = [
            {"person": number, "topic": "district", "value": str(district), "since": town.at} for number in numbers
        ]
        await unit.run(subscription.insert(), topics)


async def centre(town: Town, chat: Chat, place: int, role: Role = Role.CENTRE) -> int:
    """Somebody who looks after a place."""
    await chat.says("menu")
    number = await number_of(town, chat)
    async with town.database.write() as unit:
        await people.appoint(unit, number, role, None, place, town.at)
    return number


async def drafted(
    town: Town,
    author: Chat,
    *conditions: Condition,
    texts: Sequence[dict[str, str]] = ({"zh_CN": "来种树", "en": "Come and plant"},),
    timing: Timing | None = None,
    activity: int | None = None,
    voice: int = 0,
) -> Kept:
    """A draft, as the conversation keeps it."""
    async with desk_of(town, author) as desk:
        spoken: Voice = (await desk.voices())[voice]
        audience = Audience(spoken.scope, conditions)
        kept = await desk.keep(spoken, Letter(audience, tuple(texts), timing or Timing(), activity))
    assert isinstance(kept, Kept), kept
    return kept


async def sent(town: Town, author: Chat, kept: Kept) -> Sent:
    async with desk_of(town, author) as desk:
        outcome = await desk.send(kept.campaign.id, kept.people)
    assert isinstance(outcome, Sent), outcome
    return outcome


async def counted(town: Town, whose: int, minutes: int, kind_activity: int, organisation: int) -> None:
    """A record of so many minutes, straight into the ledger."""
    async with town.database.write() as unit:
        place = (await unit.run(select(shift.c.id).where(shift.c.activity == kind_activity))).scalar_one()
        queue = 1000 + whose
        signed = enrolment.insert().values(
            shift=place, person=whose, queue=queue, state="completed", joined=town.at, changed=town.at
        )
        number = (await unit.run(signed.returning(enrolment.c.id))).scalar_one()
        there = attendance.insert().values(
            enrolment=number, person=whose, arrived=town.at, left=town.at, arrived_by="code", left_by="code"
        )
        presence = (await unit.run(there.returning(attendance.c.id))).scalar_one()
        await unit.run(
            record.insert().values(
                attendance=presence, person=whose, organisation=organisation, activity=kind_activity, starts=town.at,
                ends=town.at + timedelta(minutes=minutes), minutes=minutes, grade="A", state="counted", rules="test",
                made=town.at,
            )
        )  # fmt: skip
