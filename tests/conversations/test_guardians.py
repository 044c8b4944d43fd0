"""Whoever is under age: a code, a guardian, and a yes for each activity, through every door, on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from storage import people
from storage.tables.activities import activity
from storage.tables.delivery import fanout
from storage.tables.enrolment import enrolment
from storage.tables.guardians import guardianship, permission
from storage.tables.people import consent, person
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]


def code_in(chat: Chat) -> str:
    found = re.search(r"Code for them: (\w{4}) (\w{4})", chat.text)
    assert found, chat.text
    return found[1] + found[2]


async def row_of(town: Town, chat: Chat) -> Any:
    async with town.database.read() as unit:
        who = await people.at_address(unit, chat.door, chat.name)
        return (await unit.run(select(person).where(person.c.id == who))).one()


async def stands(town: Town) -> list[str]:
    async with town.database.read() as unit:
        return list((await unit.run(select(enrolment.c.state).order_by(enrolment.c.id))).scalars())


async def youth_asks(town: Town, kid: Chat, activity: int, year: str = "2010", name: str = "Kim Lee") -> str:
    """Somebody from 14 to 17 wishes to join, up to the yes."""
    await kid.opens("join", activity)
    await kid.picks("14 to 17")
    await kid.says(year)
    if "name" in kid.text:
        await kid.says(name)
        await kid.says("13900139000")
    return await kid.says("yes")


async def guards(mum: Chat, code: str, *more: str) -> str:
    """The guardian types the code, introduces themself and agrees."""
    await mum.says(f"guardian {code}")
    if "Do you agree?" in mum.text:
        for said in ("yes", "Mary Lee", "13800138000"):
            await mum.says(said)
    for said in more:
        await mum.says(said)
    return await mum.picks("I am the guardian")


async def test_a_guardian_agrees_and_the_child_has_a_seat(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    kid, mum = chat("Kim"), chat("Mary")
    assert "has to agree first" in await youth_asks(town, kid, trees)
    assert await stands(town) == []
    assert "1 wish waits" in await guards(mum, code_in(kid))
    await mum.picks("Answer: Planting trees")
    assert "Risk of this kind of service: low" in mum.text
    assert "Sat 28 Nov 10:00" in mum.text
    assert "Your child has a seat" in await mum.picks("I agree")
    assert await stands(town) == ["joined"]
    await town.waits(seconds=5)
    assert any("Your guardian agreed: Planting trees" in page.text for page in kid.pushed())
    await kid.says("my")
    assert "Planting trees" in " ".join(kid.labels)


async def test_the_guardian_is_asked_in_their_own_chat_with_time_place_and_risk(town: Town, chat: Open) -> None:
    olga, kid, mum = chat("Olga"), chat("Kim"), chat("Mary")
    trees = await town.publishes(olga, "Planting trees", SATURDAY)
    river = await town.publishes(olga, "River walk", SATURDAY + timedelta(days=1))
    await youth_asks(town, kid, trees)
    await guards(mum, code_in(kid))
    await kid.opens("join", river)
    assert "I have asked your guardian" in await kid.says("yes")
    await town.waits(seconds=5)
    [page] = [page for page in mum.pushed() if "River walk" in page.text]
    assert "Sun 29 Nov 10:00" in page.text
    assert "颐和园东门" in page.text
    assert "Risk of this kind of service: low" in page.text
    assert [button.label for button in page.buttons] or "1  I agree" in page.text
    async with town.database.read() as unit:
        number = (await unit.run(select(permission.c.id).order_by(permission.c.id.desc()))).scalars().first()
    assert "Noted" in await mum.opens("permit", number, "refused")
    assert await stands(town) == []
    await town.waits(seconds=5)
    assert any("Your guardian said no to River walk" in page.text for page in kid.pushed())
    await kid.opens("join", river)
    assert "said no to this one" in await kid.says("yes")
    assert "Your child has a seat" in await mum.opens("permit", number, "accompanied")
    assert await stands(town) == ["joined"]


async def test_a_yes_that_is_taken_back_gives_the_seat_to_the_queue(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=1)
    kid, mum, bob = chat("Kim"), chat("Mary"), chat("Bob")
    await youth_asks(town, kid, trees)
    await guards(mum, code_in(kid))
    await mum.picks("Answer")
    await mum.picks("I agree")
    assert "number 1 in the queue" in await bob.joins(trees)
    await mum.says("children")
    assert "you agreed" in " ".join(mum.labels) + mum.text
    await mum.picks("Planting trees")
    assert "seat was given back" in await mum.picks("I take my yes back")
    assert await stands(town) == ["cancelled", "offered"]
    await town.waits(seconds=5)
    assert any("took the yes back" in page.text for page in kid.pushed())


async def test_a_yes_that_comes_later_leaves_the_organisers_questions_to_the_child(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    asked = [{"text": "How many spades do you bring?", "sort": "number", "options": []}]
    async with town.database.write() as unit:
        await unit.run(update(activity).values(questions=asked))
    kid, mum = chat("Kim"), chat("Mary")
    await youth_asks(town, kid, trees)
    for said in ("3", "yes"):
        await kid.says(said)
    await guards(mum, code_in(kid))
    await mum.picks("Answer: Planting trees")
    await mum.picks("I agree")
    assert await stands(town) == []  # nobody is seated without an answer
    await town.waits(seconds=5)
    [page] = [page for page in kid.pushed() if "Your guardian agreed" in page.text]
    assert "The organiser still asks you something first." in page.text
    await kid.opens("join", trees, 1)
    assert "How many spades do you bring?" in kid.text
    await kid.says("4")
    assert "You are in" in await kid.says("yes")
    assert await stands(town) == ["joined"]


async def test_nobody_else_can_answer_for_a_child(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    kid, mum, eve = chat("Kim"), chat("Mary"), chat("Eve")
    await youth_asks(town, kid, trees)
    await guards(mum, code_in(kid))
    for other in (eve, kid):
        assert "nothing to decide" in await other.opens("permit", 1, "agreed")
    assert await stands(town) == []
    await mum.opens("permit", 1, "agreed")
    assert await stands(town) == ["joined"]  # control


async def test_of_a_child_nothing_is_kept_before_the_guardian_agreed(town: Town, chat: Open, door: str) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    kid, mum = chat("Kim"), chat("Mary")
    await kid.opens("join", trees)
    assert "keep nothing about you" in await kid.picks("younger than 14")
    before = await row_of(town, kid)
    assert (before.name, before.phone, before.born) == (None, None, None)
    code = code_in(kid)
    await mum.says(f"guardian {code}")
    for said in ("yes", "Mary Lee", "13800138000", "2013"):
        await mum.says(said)
    if door != "telegram":
        assert "your child's name" in mum.text
        await mum.says("Kim Lee")
    assert "For a child I keep only" in mum.text
    assert (await row_of(town, kid)).born is None
    await mum.picks("I am the guardian")
    after = await row_of(town, kid)
    assert after.born == 2013
    assert after.phone is None
    async with town.database.read() as unit:
        given = (await unit.run(select(consent).where(consent.c.person == after.id))).one()
    assert given.guardian == (await row_of(town, mum)).id
    await mum.opens("permit", 1, "agreed")
    assert await stands(town) == ["joined"]


async def test_no_name_of_a_child_is_asked_or_shown_on_telegram(town: Town, chat: Open, door: str) -> None:
    """Elsewhere it is, and the guardian's phone too (control)."""
    olga = chat("Olga")
    trees = await town.publishes(olga, "Planting trees", SATURDAY)
    kid, mum = Chat(town, "web", "Kim"), chat("Mary")
    await youth_asks(town, kid, trees)
    await guards(mum, code_in(kid))
    await mum.opens("permit", 1)
    assert ("Kim Lee" in mum.text) == (door != "telegram")
    await mum.picks("I agree and come along")
    roster = await olga.opens("roster", trees)
    assert ("Kim Lee" in roster) == (door != "telegram")
    assert ("13900139000" in roster) == (door != "telegram")
    assert f"guardian: {olga.sees('Mary Lee')}" in roster
    assert "with their guardian" in roster
    async with town.database.read() as unit:
        kept = (await unit.run(select(fanout.c.words, fanout.c.segment))).all()
    assert "Kim" not in str(kept)


@pytest.mark.parametrize("door", ["web"])
async def test_a_guardian_is_of_age_and_nobody_is_their_own(town: Town, chat: Open, door: str) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    kid, friend = chat("Kim"), chat("Friend")
    await youth_asks(town, kid, trees)
    code = code_in(kid)
    assert "A guardian is 18 or older" in await kid.says(f"guardian {code}")
    await friend.says(f"guardian {code}")
    await friend.picks("14 to 17")
    for said in ("2010", "Fred", "13700137000"):
        await friend.says(said)
    assert "A guardian is 18 or older" in friend.text
    async with town.database.read() as unit:
        assert (await unit.run(select(guardianship))).first() is None


@pytest.mark.parametrize("door", ["web"])
async def test_a_code_of_a_child_works_once_and_for_a_day(town: Town, chat: Open, door: str) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    kid, mum, eve = chat("Kim"), chat("Mary"), chat("Eve")
    await youth_asks(town, kid, trees)
    code = code_in(kid)
    town.at += timedelta(hours=24)
    assert "wrong or too old" in await mum.says(f"guardian {code}")
    await kid.opens("join", trees)
    await kid.says("yes")
    code = code_in(kid)
    town.at += timedelta(hours=23)
    assert "You decide for your child now" in await guards(mum, code)  # control
    assert "wrong or too old" in await eve.says(f"guardian {code}")


@pytest.mark.parametrize("door", ["web"])
async def test_when_the_last_guardian_ends_it_a_childs_data_and_seats_go(town: Town, chat: Open, door: str) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    kid, mum = chat("Kim"), chat("Mary")
    await kid.opens("join", trees)
    await kid.picks("younger than 14")
    await guards(mum, code_in(kid), "2013", "Kim Lee")
    await mum.opens("permit", 1, "agreed")
    await mum.says("children")
    await mum.picks(f"Stop deciding for {mum.sees('Kim Lee')}")
    assert "1 sign-up was given up" in await mum.picks("Yes, end it")
    assert await stands(town) == ["cancelled"]
    row = await row_of(town, kid)
    assert (row.name, row.born) == (None, None)


@pytest.mark.parametrize("door", ["web"])
async def test_a_guardian_accepts_the_agreement_for_the_child(town: Town, chat: Open, door: str) -> None:
    olga, kid, mum = chat("Olga"), chat("Kim"), chat("Mary")
    trees = await town.publishes(olga, "Planting trees", SATURDAY)
    await olga.opens("terms", trees)
    await olga.picks("outside the city")
    await youth_asks(town, kid, trees)
    await guards(mum, code_in(kid))
    assert "This needs a written agreement" in await mum.opens("permit", 1, "agreed")
    assert "Your child has a seat" in await mum.picks("I agree")
    assert "Planting trees, accepted on" in await kid.says("agreement")


@pytest.mark.parametrize("door", ["web"])
async def test_an_adult_is_asked_for_no_guardian(town: Town, chat: Open, door: str) -> None:
    """Control."""
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    assert "You are in" in await chat("Ann").joins(trees)
    async with town.database.read() as unit:
        assert (await unit.run(select(permission))).first() is None


@pytest.mark.parametrize("door", ["web"])
async def test_a_guardian_who_takes_their_consent_back_decides_no_more(town: Town, chat: Open, door: str) -> None:
    """Nobody could call them about the child: the seat goes, and the next yes needs a guardian again."""
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    kid, mum = chat("Kim"), chat("Mary")
    await youth_asks(town, kid, trees)
    await guards(mum, code_in(kid))
    await mum.opens("permit", 1, "agreed")
    assert await stands(town) == ["joined"]
    asked = await mum.says("withdraw")
    assert "1 child for whom you decide is without a guardian then" in asked  # was: said by nobody
    await mum.says("yes")
    assert await stands(town) == ["cancelled"]
    assert "You decide for nobody yet" in await mum.says("children")


# --- On the spot ------------------------------------------------------------------------------------------------------


async def test_whoever_comes_without_the_guardians_yes_is_let_in_as_soon_as_there_is_one(
    town: Town, chat: Open
) -> None:
    """Before, nobody could say yes any more once it had begun."""
    olga, kid, mum = chat("Olga"), chat("Kim"), chat("Mary")
    trees = await town.publishes(olga, "Planting trees", SATURDAY)
    later = await town.publishes(olga, "River walk", SATURDAY + timedelta(days=7))
    await youth_asks(town, kid, later)
    town.at = (SATURDAY + timedelta(minutes=10)).astimezone(town.at.tzinfo)
    number = (await row_of(town, kid)).number
    await olga.opens("walkin", trees, number)
    assert "have no guardian here yet" in await olga.picks("Add")
    assert await stands(town) == []
    await kid.says("guardian")
    await kid.picks("I am the one under 18")
    await guards(mum, code_in(kid))
    await mum.picks("Answer: Planting trees")
    assert "whoever leads there can add your child now" in await mum.picks("I agree")
    await town.waits(seconds=5)
    await kid.says("menu")
    await town.waits(seconds=5)
    assert any("Whoever leads there can add you now" in page.text for page in kid.pushed())
    await olga.opens("walkin", trees, number)
    assert "is added and here" in await olga.picks("Add")
    assert await stands(town) == ["arrived"]


async def test_whose_guardian_says_no_stays_out(town: Town, chat: Open) -> None:
    olga, kid, mum = chat("Olga"), chat("Kim"), chat("Mary")
    trees = await town.publishes(olga, "Planting trees", SATURDAY)
    later = await town.publishes(olga, "River walk", SATURDAY + timedelta(days=7))
    await youth_asks(town, kid, later)
    await guards(mum, code_in(kid))
    town.at = (SATURDAY + timedelta(minutes=10)).astimezone(town.at.tzinfo)
    number = (await row_of(town, kid)).number
    await olga.opens("walkin", trees, number)
    assert "asked their guardian in their own chat just now" in await olga.picks("Add")
    await mum.says("children")
    await mum.picks("Planting trees")
    await mum.picks("No, not this one")
    await olga.opens("walkin", trees, number)
    assert "Their guardian said no to this activity" in await olga.picks("Add")
    assert await stands(town) == []


async def test_a_child_whose_age_nobody_knows_is_not_added_after_they_said_so(town: Town, chat: Open) -> None:
    """Nothing is kept of them, but that they showed a code for their guardian; of a stranger the leader is asked."""
    olga, kid, stranger = chat("Olga"), chat("Kim"), chat("Dan")
    trees = await town.publishes(olga, "Planting trees", SATURDAY)
    await kid.opens("join", trees)
    await kid.picks("I am younger than 14")
    await stranger.says("menu")
    town.at = (SATURDAY + timedelta(minutes=10)).astimezone(town.at.tzinfo)
    for who, added in ((kid, False), (stranger, True)):
        await olga.opens("walkin", trees, (await row_of(town, who)).number)
        assert "Add only somebody who is 18 or older" in olga.text
        assert ("is added and here" in await olga.picks("Add")) == added
    assert await stands(town) == ["arrived"]


async def test_what_waits_for_the_guardian_stands_among_the_childs_sign_ups(town: Town, chat: Open) -> None:
    # “You have not signed up for anything yet” was all that they saw.
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    kid, mum = chat("Kim"), chat("Mary")
    await youth_asks(town, kid, trees)
    code = code_in(kid)
    await kid.says("my")
    assert kid.labels == ["Planting trees · Sat 28 Nov 10:00 · your guardian has not answered yet"]
    await guards(mum, code)
    await mum.picks("Answer: Planting trees")
    await mum.picks("I agree")
    await kid.says("my")
    assert kid.labels == ["Planting trees · Sat 28 Nov 10:00 · you have a seat"]


async def test_a_guardian_of_two_sees_whom_each_answer_is_for(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    kim, lou, mum = chat("Kim"), chat("Lou"), chat("Mary")
    for kid, name in ((kim, "Kim Lee"), (lou, "Lou Lee")):
        await youth_asks(town, kid, trees, name=name)
        await guards(mum, code_in(kid))
    await mum.says("children")
    wishes = {label.split(" · ")[0] for label in mum.labels if "waits for your answer" in label}
    named = {label.removeprefix("Stop deciding for ") for label in mum.labels if label.startswith("Stop deciding")}
    assert wishes == named  # by name, or by number where names are not taken
