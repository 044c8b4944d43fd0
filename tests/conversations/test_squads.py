"""1+N: nobody joins without a professional; when the last one leaves the squad freezes and others are called."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from bot.domain.skills import Proven
from storage import people, skills
from storage.tables.enrolment import enrolment
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]


async def has_proven(town: Town, who: Chat, code: str = "first_aid", expires: date | None = None) -> None:
    async with town.database.write() as unit:
        id_ = await people.at_address(unit, who.door, who.name)
        assert id_ is not None
        proof = {"document": "certificate", "issuer": "Red Cross", "number": "7", "photo": ""}
        made = await skills.propose(unit, id_, code, town.organisation, proof, expires, town.at)
        await skills.decide(unit, made, Proven.ACCEPTED, town.at)


async def stands(town: Town) -> list[str]:
    async with town.database.read() as unit:
        return list((await unit.run(select(enrolment.c.state).order_by(enrolment.c.id))).scalars())


async def squad_of(town: Town, olga: Chat, activity: int, per: int = 2) -> None:
    await olga.opens("squad", activity)
    await olga.picks("First aid certificate")
    await olga.says(str(per))
    assert "one for 2 people" in olga.text


async def test_a_professional_opens_places_and_nobody_joins_without_one(town: Town, chat: Open) -> None:
    olga, ann, bob, cat, doc = (chat(name) for name in ("Olga", "Ann", "Bob", "Cat", "Doc"))
    drill = await town.publishes(olga, "First aid at the lake", SATURDAY)
    await doc.says("hi")
    await has_proven(town, doc)
    await squad_of(town, olga, drill)
    assert "needs a professional (First aid certificate)" in await ann.joins(drill)
    assert await stands(town) == []
    assert "You are in" in await doc.joins(drill)
    assert "You are in" in await ann.joins(drill)
    assert "You are in" in await bob.joins(drill)
    assert "needs a professional" in await cat.joins(drill)
    assert await stands(town) == ["joined", "joined", "joined"]


@pytest.mark.parametrize("door", ["web", "telegram"])
async def test_when_the_professional_leaves_the_squad_freezes_and_others_with_the_skill_are_called(
    town: Town, chat: Open, door: str
) -> None:
    olga, ann, doc, nurse, lay = (chat(name) for name in ("Olga", "Ann", "Doc", "Nurse", "Lay"))
    earlier = await town.publishes(olga, "An earlier one", SATURDAY + timedelta(days=9))
    drill = await town.publishes(olga, "First aid at the lake", SATURDAY)
    for one in (doc, nurse, lay):
        await one.joins(earlier)
    await has_proven(town, doc)
    await squad_of(town, olga, drill)
    await doc.joins(drill)
    await ann.joins(drill)
    await town.waits(seconds=5)
    await has_proven(town, nurse)
    await doc.opens("leave", 4)
    await doc.picks("Yes, give it up")
    await town.waits(seconds=5)
    await town.waits(seconds=5)
    assert any("waits for a professional" in page.text for page in ann.pushed())
    assert sum("Its people keep their places" in page.text for page in olga.pushed()) == 1  # the organiser hears it too
    assert any("needs you to lead it" in page.text for page in nurse.pushed())
    assert not any("lead" in page.text for page in lay.pushed())
    assert "needs a professional" in await lay.joins(drill)
    assert "You are in" in await nurse.joins(drill)
    await town.waits(seconds=5)
    await town.waits(seconds=5)
    assert any("A professional is there again" in page.text for page in ann.pushed())
    assert "You are in" in await lay.joins(drill)


@pytest.mark.parametrize("door", ["web"])
async def test_a_proof_that_has_run_out_by_that_day_leads_nobody(town: Town, chat: Open, door: str) -> None:
    olga, ann, old, good = (chat(name) for name in ("Olga", "Ann", "Old", "Good"))
    drill = await town.publishes(olga, "First aid at the lake", SATURDAY)
    for one in (old, good):
        await one.says("hi")
    await has_proven(town, old, expires=SATURDAY.date() - timedelta(days=1))
    await has_proven(town, good, expires=SATURDAY.date())
    await squad_of(town, olga, drill)
    assert "needs a professional" in await old.joins(drill)
    assert "You are in" in await good.joins(drill)  # control
    assert "You are in" in await ann.joins(drill)


@pytest.mark.parametrize("door", ["web"])
async def test_the_queue_waits_while_nobody_leads(town: Town, chat: Open, door: str) -> None:
    olga, ann, bob, doc, nurse = (chat(name) for name in ("Olga", "Ann", "Bob", "Doc", "Nurse"))
    drill = await town.publishes(olga, "First aid at the lake", SATURDAY, seats=2)
    for one in (doc, nurse):
        await one.says("hi")
        await has_proven(town, one)
    await squad_of(town, olga, drill)
    await doc.joins(drill)
    await ann.joins(drill)
    assert "number 1 in the queue" in await bob.joins(drill)
    await doc.opens("leave", 1)
    await doc.picks("Yes, give it up")
    assert await stands(town) == ["cancelled", "joined", "waiting"]  # the seat waits for a professional
    assert "You are in" in await nurse.joins(drill)
    await ann.opens("leave", 2)
    await ann.picks("Yes, give it up")
    assert await stands(town) == ["cancelled", "cancelled", "offered", "joined"]  # control: led, it goes on


@pytest.mark.parametrize("door", ["web"])
async def test_nobody_but_its_organiser_demands_a_professional(town: Town, chat: Open, door: str) -> None:
    drill = await town.publishes(chat("Olga"), "First aid at the lake", SATURDAY)
    assert "no such activity among those" in await chat("Eve").opens("squad", drill)
