"""Finding, joining, queueing, giving up: through every door's numbers, on both databases."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from handlers import join as join_module
from storage.tables.people import person
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]


async def test_a_resident_finds_joins_and_sees_it_under_my(town: Town, chat: Open) -> None:
    organiser, ann = chat("Olga"), chat("Ann")
    await town.publishes(organiser, "Planting trees at the lake", SATURDAY, kind="environment")
    await ann.says("trees in Haidian on Saturday")
    assert "Planting trees" in " ".join(ann.labels)
    assert "Haidian" in ann.text
    await ann.picks("Planting trees")
    assert "10 seats left" in ann.text
    assert "Haidian Green Shoots" in ann.text
    await ann.picks("Sign up")
    assert "Do you agree?" in ann.text
    await ann.picks("I agree")
    assert "name" in ann.text
    await ann.says("Ann Lee")
    await ann.says("138 0013 8000")
    assert "Join Planting trees at the lake, Sat 28 Nov 10:00–12:00?" in ann.text
    await ann.picks("Yes")
    assert "You are in" in ann.text
    assert ("Fri 27 Nov 10:00" in ann.text) is (ann.door != "wechat"), "WeChat's window is closed by then"
    await ann.says("my")
    assert "Planting trees" in ann.labels[0]
    assert "you have a seat" in ann.labels[0]


async def test_the_last_seat_goes_to_whoever_confirms_first(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY, seats=1)
    ann, bob = chat("Ann"), chat("Bob")
    for who in (ann, bob):
        await who.opens("join", activity)
        await who.introduces_itself()
    assert "You are in" in await ann.picks("Yes")
    assert "number 1 in the queue" in await bob.picks("Yes")


async def test_the_head_of_the_queue_is_offered_the_freed_seat(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY, seats=1)
    ann, bob, cat = chat("Ann"), chat("Bob"), chat("Cat")
    for who in (ann, bob, cat):
        await who.joins(activity)
    assert "number 2 in the queue" in cat.text
    await ann.says("my")
    await ann.picks("Reading")
    await ann.picks("Give up")
    assert "goes to the next" in await ann.picks("Yes, give it up")
    await town.waits(seconds=5)
    assert [page.text.splitlines()[0] for page in bob.pushed()] == ["A seat came free: Reading to children"]
    assert not cat.pushed()
    await cat.says("my")
    assert "number 1 in the queue" in cat.labels[0]


async def test_the_six_outcomes_of_joining_are_said_in_words(town: Town, chat: Open) -> None:
    olga, ann, bob = chat("Olga"), chat("Ann"), chat("Bob")
    one = await town.publishes(olga, "One seat only", SATURDAY, seats=1)
    other = await town.publishes(olga, "At the same time", SATURDAY + timedelta(hours=1))
    rescue = await town.publishes(olga, "Rescue exercise", SATURDAY + timedelta(days=1), kind="rescue")
    assert "You are in" in await ann.joins(one)
    assert "number 1 in the queue" in await bob.joins(one)
    assert "already have a place" in await ann.joins(one)
    assert "overlaps with One seat only" in await ann.joins(other)
    await ann.opens("join", rescue)
    assert "In which year were you born?" in ann.text
    await ann.says("2015")
    assert "from 18 years on" in await ann.says("yes")
    town.at += timedelta(days=6)
    assert "takes no more people" in await ann.opens("join", one)


def test_the_handler_that_joins_is_at_most_forty_lines() -> None:
    source = inspect.getsource(join_module.join.run)
    assert len(source.splitlines()) <= 40


async def test_nothing_personal_is_stored_before_consent(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.opens("join", activity)
    await ann.picks("I agree")
    await ann.says("Ann Lee")
    await ann.says("13800138000")
    assert "Nothing was booked" in await ann.picks("No")
    async with town.database.read() as unit:
        rows = list(await unit.run(select(person.c.id).where(person.c.name.is_not(None) | person.c.phone.is_not(None))))
    assert rows == []


async def test_who_does_not_agree_can_go_on_looking_around(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.opens("join", activity)
    assert "look around" in await ann.picks("No, thank you")
    await ann.says("reading")
    assert ann.labels


async def test_an_undo_gives_the_seat_back(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY, seats=1)
    ann = chat("Ann")
    await ann.joins(activity)
    await ann.says("undo")
    await ann.picks("Yes")
    await ann.opens("activity", activity)
    assert "1 seat left" in ann.text


async def test_a_message_delivered_twice_has_one_effect_and_the_same_answer(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.opens("join", activity)
    await ann.introduces_itself()
    again = ann.incoming(text="yes")
    first, second, third = await asyncio.gather(*(town.turns.take(again) for _delivery in range(3)))
    assert first.pages == second.pages == third.pages
    assert sorted(reply.replayed for reply in (first, second, third)) == [False, True, True]
    await ann.opens("activity", activity)
    assert "9 seats left" in ann.text


async def test_with_another_key_the_same_words_are_another_message(town: Town, chat: Open) -> None:
    """Control: only the key makes it the same message."""
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.opens("join", activity)
    await ann.introduces_itself()
    first = await town.turns.take(ann.incoming(text="yes"))
    second = await town.turns.take(ann.incoming(text="yes"))
    assert first.pages != second.pages


async def test_a_script_that_breaks_apologises_and_locks_nobody_out(town: Town, chat: Open) -> None:
    ann = chat("Ann")
    await ann.says("hello")
    scripts = town.turns.router.scripts
    sound = scripts["hours"]

    async def breaks(talk: object, desk: object) -> None:
        raise ZeroDivisionError("13800138000")

    scripts["hours"] = replace(sound, run=breaks)
    assert "Something broke on our side" in await ann.says("hours")
    scripts["hours"] = sound
    assert "No hours yet" in await ann.says("hours")


@pytest.mark.parametrize("say", ["x" * 3000, "🙂" * 500, "\u0000\u0008", "{n}", "%s", "<b>bold</b>", "]]>", "１２３４"])
async def test_whatever_is_sent_gets_a_short_kind_answer(town: Town, chat: Open, say: str) -> None:
    ann = chat("Ann")
    answer = await ann.says(say)
    assert 0 < len(answer.splitlines()) <= 3
    assert "Traceback" not in answer


async def test_two_people_are_answered_beside_each_other_and_one_person_in_order(town: Town, chat: Open) -> None:
    people = [chat(f"Number {n}") for n in range(20)]
    await asyncio.gather(*(who.says("hello") for who in people))
    assert all("Menkou" in who.text for who in people)
    ann = people[0]
    await ann.says("find")
    one, two = ann.incoming(text="1"), ann.incoming(text="2")
    first, second = await asyncio.gather(town.turns.take(one), town.turns.take(two))
    assert "When?" in first.pages[0].text
    assert "What kind" in second.pages[0].text
