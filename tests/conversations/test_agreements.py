"""Agreements in writing: asked for with their reason, accepted as they were read, kept, and found again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.desk.agreements import Agreements
from bot.desk.enrolment import Enrolment
from bot.domain.agreements import Acceptance, NeedsAgreement
from bot.domain.enrolment import Joined
from bot.domain.people import Person
from storage import activities, agreements, people, publishing
from storage.tables.agreements import agreement, agreement_text
from storage.tables.enrolment import audit
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]


async def kept(town: Town) -> list[tuple[str, str]]:
    async with town.database.read() as unit:
        rows = await unit.run(
            select(agreement_text.c.text, agreement.c.conditions)
            .join(agreement, agreement.c.text == agreement_text.c.id)
        )  # fmt: skip
        return [(row.text, row.conditions) for row in rows]


async def born(town: Town, who: Chat, year: int) -> None:
    async with town.database.write() as unit:
        id_ = await people.at_address(unit, who.door, who.name)
        assert id_ is not None
        await people.change(unit, id_, born=year)


async def test_joining_where_one_is_due_asks_for_it_and_keeps_what_was_read(town: Town, chat: Open) -> None:
    lesson = await town.publishes(chat("Olga"), "Homework help", SATURDAY, kind="education")
    ann = chat("Ann")
    await ann.says("hi")
    await born(town, ann, 1990)
    await ann.opens("join", lesson)
    await ann.introduces_itself()
    assert "This needs a written agreement: the rules for this kind of service say so." in ann.text
    assert "policy PICC 2026 001" in ann.text
    assert "You are in" in await ann.picks("I accept")
    [(text, why)] = await kept(town)
    assert "Homework help" in text
    assert "Ann" not in text
    assert why == ["law"]
    await ann.says("agreement")
    assert "Homework help, accepted on" in ann.text
    assert "policy PICC 2026 001" in ann.text


async def test_who_does_not_accept_is_not_signed_up_and_nothing_is_kept(town: Town, chat: Open) -> None:
    lesson = await town.publishes(chat("Olga"), "Homework help", SATURDAY, kind="education")
    ann = chat("Ann")
    await ann.says("hi")
    await born(town, ann, 1990)
    await ann.opens("join", lesson)
    await ann.introduces_itself()
    assert "Nothing was booked" in await ann.picks("No")
    assert await kept(town) == []


async def test_an_ordinary_activity_asks_for_none(town: Town, chat: Open) -> None:
    """Control."""
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    ann = chat("Ann")
    assert "You are in" in await ann.joins(trees)
    assert await kept(town) == []


async def test_two_who_read_the_same_text_share_it_and_a_moved_activity_asks_anew(town: Town, chat: Open) -> None:
    olga = chat("Olga")
    lesson = await town.publishes(olga, "Homework help", SATURDAY, kind="education")
    people_ = [chat(name) for name in ("Ann", "Bob")]
    for who in people_:
        await who.says("hi")
        await born(town, who, 1990)
        assert "You are in" in await who.joins(lesson)
    async with town.database.read() as unit:
        assert (await unit.run(select(func.count()).select_from(agreement_text))).scalar_one() == 1
        assert (await unit.run(select(func.count()).select_from(agreement))).scalar_one() == 2
    async with town.database.write() as unit:
        await publishing.reschedule(unit, lesson, SATURDAY, SATURDAY + timedelta(hours=3), town.at)
        who = await people.at_address(unit, people_[0].door, people_[0].name)
        assert who is not None
        _terms, accepted = await agreements.stands(unit, lesson, who)
        assert not accepted


async def test_the_desk_itself_joins_nobody_who_has_not_accepted(town: Town, chat: Open) -> None:
    """Whatever a script forgets to ask."""
    lesson = await town.publishes(chat("Olga"), "Homework help", SATURDAY, kind="education")
    ann = chat("Ann")
    await ann.says("hi")
    async with town.database.write() as unit:
        id_ = await people.at_address(unit, ann.door, ann.name)
        assert id_ is not None
        card = await activities.card(unit, lesson)
        assert card is not None
        me = Person(id_, "", "en", born=1990)
        seats = Enrolment(unit, me, town.at, town.city)
        assert isinstance(await seats.join(card.shifts[0].id), NeedsAgreement)
        desk = Agreements(unit, me, town.at, town.city)
        due = await desk.due(card)
        assert due is not None
        await desk.accept(Acceptance(lesson, "the text", due.conditions))
        assert isinstance(await seats.join(card.shifts[0].id), Joined)  # control: now it lets them in


async def agreed(town: Town) -> Counter[str]:
    """Whose acceptances stand in the log of moves, and how often."""
    async with town.database.read() as unit:
        return Counter((await unit.run(select(audit.c.after).where(audit.c.deed == "agree"))).scalars())


@pytest.mark.parametrize("seats", [1, 40], ids=["one seat", "many seats"])
async def test_each_acceptance_is_kept_and_logged_once_whatever_came_of_the_sign_up(
    town: Town, chat: Open, seats: int
) -> None:
    """The first who reads the text, those who read it after them, in a queue, beside something else, and once more."""
    olga = chat("Olga")
    lesson = await town.publishes(olga, "Homework help", SATURDAY, kind="education", seats=seats)
    trees = await town.publishes(olga, "Planting trees", SATURDAY)
    came = []
    for name in ("Ann", "Bob", "Cid"):
        who = chat(name)
        await who.says("hi")
        await born(town, who, 1990)
        if name == "Cid":
            await who.joins(trees)
        came.append(await who.joins(lesson))
    first, second, third = came
    assert "You are in" in first
    assert ("You are in" if seats > 1 else "number 1 in the queue") in second
    assert "That overlaps with Planting trees" in third
    await who.picks("Ask the organiser all the same")
    assert "I have asked the organiser" in await who.says("yes")
    assert len(await kept(town)) == 3
    assert sorted((await agreed(town)).values()) == [1, 1, 1]


async def test_anybody_may_ask_for_one(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    ann = chat("Ann")
    await ann.opens("agreement", trees)
    assert "Agreement on voluntary service" in ann.text
    await ann.picks("outside the mainland")
    assert "people from outside the mainland take part" in ann.text
    assert "Accepted by both sides" in await ann.picks("I accept")
    [(_text, why)] = await kept(town)
    assert why == ["visitors"]


@pytest.mark.parametrize("door", ["web"])
async def test_a_service_with_risk_asks_its_organiser_two_more_questions(town: Town, chat: Open, door: str) -> None:
    olga = chat("Olga")
    await olga.says("hi")
    await town.has_organisation(olga)
    await olga.says("publish")
    for said in ("Flood drill", "rescue", "Sat 9:00-11:30", "海淀区 颐和园东门", "5", "Bring boots."):
        await olga.says(said)
    assert "This kind of service has risks" in olga.text
    await olga.says("Deep water: nobody goes in alone.")
    await olga.says("PICC 77")
    assert "Risks: Deep water" in olga.text
    await olga.picks("Publish")
    await olga.picks("See it")
    assert "Insurance: policy PICC 77" in olga.text


@pytest.mark.parametrize(("service", "trained"), [("elderly", True), ("environment", False)])
async def test_an_organiser_is_told_which_kinds_people_are_trained_for(
    town: Town, chat: Open, service: str, trained: bool
) -> None:
    olga = chat("Olga")
    await olga.says("hi")
    await town.has_organisation(olga)
    for said in ("publish", "Saturday morning", service, "Sat 9:00-11:30", "海淀区 颐和园东门", "5", "Gloves."):
        await olga.says(said)
    for said in ("A fall: two of us at each bed.", "PICC 77") if trained else ():
        await olga.says(said)
    assert "Open it to the city?" in olga.text
    assert ("People are trained for this kind of service first" in olga.text) == trained


async def test_the_organiser_states_why_one_is_due_and_others_are_not_let_near(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    trees = await town.publishes(olga, "Planting trees", SATURDAY)
    await olga.opens("terms", trees)
    await olga.picks("outside the city")
    assert "It is stated" in olga.text
    await ann.opens("join", trees)
    await ann.introduces_itself()
    assert "it takes place outside the city" in ann.text
    assert "no such activity among those" in await ann.opens("terms", trees)


async def test_words_are_no_policy_number_and_the_way_out_is_named(town: Town, chat: Open) -> None:
    # “没有保险” has four characters, and opened a flood drill.
    olga = chat("Olga")
    await olga.says("menu")
    await town.has_organisation(olga)
    for said in ("publish", "Flood drill", "rescue", "Sat 9:00-11:30", "颐和园东门", "5", "Boots", "Deep water: boats"):
        await olga.says(said)
    assert "cannot open without one" in olga.text
    for words in ("没有保险", "there is none"):
        assert "If there is none yet, send “cancel”" in await olga.says(words)
    assert "Insurance: policy PICC 77" in await olga.says("PICC 77")
