"""An activity with conditions: a draft with roles and questions, and people whom its organiser lets in or declines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.desk import gates
from storage import erasing, privacy
from storage.tables.activities import activity, shift
from storage.tables.enrolment import audit, enrolment
from tests.conversations.kit import MONDAY, Chat, Town, states

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]


async def drafts(town: Town, olga: Chat) -> None:
    """The six questions, up to the look."""
    await olga.says("menu")
    await town.has_organisation(olga)
    for said in ("publish", "Cleaning up the park", "environment", "Sat 9:00-11:30", "颐和园东门", "2", "Gloves"):
        await olga.says(said)


async def with_approval(town: Town, chat: Open, seats: int = 1) -> int:
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY, seats=seats)
    async with town.database.write() as unit:
        await unit.run(update(activity).values(approval=True))
    return number


async def test_a_draft_is_kept_given_conditions_and_opened(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    await drafts(town, olga)
    assert "Draft, not open yet" in await olga.picks("Add conditions")
    await olga.picks("I let people in myself")
    assert "The organiser lets people in" in olga.text
    await olga.picks("Ask something at sign-up")
    await olga.says("Which size of gloves?")
    await olga.picks("One of several answers")
    await olga.says("S，M，L")
    assert "Asked at sign-up: Which size of gloves?" in olga.text
    await olga.opens("role", 1)
    await olga.says("First aid")
    await olga.picks("The whole time")
    await olga.says("1")
    await olga.says("20")
    await olga.picks("Nothing to prove")
    assert "First aid · 1 seat · from 20 years on" in olga.text
    await olga.opens("deadline", 1)
    await olga.picks("24 hours before")
    assert "until 24 hours before" in olga.text
    assert "no such activity" in await ann.opens("activity", 1)
    assert "takes no more people" in await ann.opens("join", 1)
    assert "Cleaning" not in await ann.says("find park on Saturday")
    await olga.says("organise")
    assert "Draft · Cleaning up the park" in olga.labels[1]
    await olga.opens("draft", 1)
    assert "It is open: Cleaning up the park" in await olga.picks("Publish")
    await ann.opens("join", 1)
    assert "First aid" in ann.labels[1]
    await ann.picks("First aid")
    await ann.introduces_itself()
    await ann.says("1990")
    assert "The organiser asks: Which size of gloves?" in ann.text
    await ann.picks("M")
    assert "if the organiser lets you in?" in ann.text
    assert "I have asked the organiser" in await ann.picks("Yes")
    async with town.database.read() as unit:
        sealed = (await unit.run(select(enrolment.c.answers))).scalar_one()
    assert b"gloves" not in sealed
    await olga.opens("roster", 1)
    await olga.picks("1 person asks to come")
    assert f"{olga.sees('Ann Lee')} · First aid · Which size of gloves? M" in olga.text


async def test_not_yet_keeps_a_draft_that_can_be_thrown_away(town: Town, chat: Open) -> None:
    olga = chat("Olga")
    await drafts(town, olga)
    assert "I keep it as a draft" in await olga.picks("Not yet")
    await olga.picks("The draft")
    await olga.opens("retime", 1)
    assert "10:00–12:00" in await olga.says("Sun 10:00-12:00")
    await olga.opens("discard", 1)
    assert "It is gone" in await olga.picks("Yes")
    await olga.says("organise")
    assert not [label for label in olga.labels if "Cleaning" in label]


async def test_a_draft_is_nobodys_but_its_organisers(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    await drafts(town, olga)
    await olga.picks("Not yet")
    for name in ("draft", "open", "approval", "deadline", "question", "role", "unrole", "retime", "discard", "letin"):
        answer = await ann.opens(name, 1)
        assert "no such activity" in answer or "Nobody waits" in answer, name
    for name in ("activity", "share"):
        assert "no such activity" in await ann.opens(name, 1), name


async def test_whoever_is_let_in_has_a_seat_or_queues_and_is_told(town: Town, chat: Open) -> None:
    number = await with_approval(town, chat)
    people = [chat(name) for name in ("Ann", "Bob", "Cat", "Dan")]
    for one in people:
        assert "I have asked the organiser" in await one.joins(number)
    await people[0].says("my")
    assert "has not decided yet" in people[0].labels[0]
    await chat("Eve").opens("activity", number)
    olga = chat("Olga")
    await olga.opens("letin", number)
    assert "numbers from 1 to 4" in await olga.says("9")
    await olga.says("2 3")
    answer = await olga.picks("Let in")
    assert "1 person has a seat now." in answer
    assert "1 person is in the queue." in answer
    assert await states(town) == ["waiting", "joined", "waiting", "waiting"]
    await olga.opens("letin", number)
    await olga.says("1")
    await olga.picks("Decline")
    assert "1 person was declined" in await olga.picks("There are enough people already")
    await town.waits(seconds=5)
    told = [one.pushed()[0].text.splitlines()[0] if one.pushed() else "" for one in people]
    assert told == [
        "The organiser cannot take you this time: Reading to children. There are enough people already.",
        "The organiser lets you in, you have a seat: Reading to children",
        "The organiser would like you to come; it is full, you stand in the queue: Reading to children",
        "",
    ]


async def test_a_freed_seat_is_offered_only_to_whoever_was_let_in(town: Town, chat: Open) -> None:
    number = await with_approval(town, chat)
    ann, bob, cat = (chat(name) for name in ("Ann", "Bob", "Cat"))
    for one in (ann, bob, cat):
        await one.joins(number)
    olga = chat("Olga")
    await olga.opens("letin", number)
    await olga.says("1 3")
    await olga.picks("Let in")
    await ann.opens("leave", 1)
    await ann.picks("Yes, give it up")
    assert await states(town) == ["cancelled", "waiting", "offered"]


async def test_an_organiser_lets_somebody_in_although_it_overlaps_and_says_why(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    one = await town.publishes(olga, "Reading to children", SATURDAY)
    other = await town.publishes(olga, "Planting trees", SATURDAY + timedelta(hours=1))
    await ann.joins(one)
    assert "overlaps with Reading" in await ann.joins(other)
    assert "although it overlaps" in await ann.picks("Ask the organiser all the same")
    assert "I have asked the organiser" in await ann.picks("Yes")
    await olga.opens("letin", other)
    assert "overlaps with another sign-up of theirs" in olga.text
    await olga.says("all")
    assert "Why shall they come all the same?" in await olga.picks("Let in")
    assert "has a seat now" in await olga.says("She only helps with the first hour")
    assert await states(town) == ["joined", "joined"]
    async with town.database.read() as unit:
        why = (await unit.run(select(enrolment.c.why).where(enrolment.c.id == 2))).scalar_one()
        deeds = list((await unit.run(select(audit.c.deed).where(audit.c.target == "enrolment:2"))).scalars())
    assert unit.secrecy.open(why, "enrolment:2:why") == "She only helps with the first hour"
    assert "let in against a clash" in deeds


async def test_without_the_gate_nobody_hears_of_the_clash(
    town: Town, chat: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr("bot.desk.enrolment.GATES", [one for one in gates.GATES if one is not gates.free_then])
    olga, ann = chat("Olga"), chat("Ann")
    one = await town.publishes(olga, "Reading to children", SATURDAY)
    other = await town.publishes(olga, "Planting trees", SATURDAY + timedelta(hours=1))
    await ann.joins(one)
    assert "You are in" in await ann.joins(other)


async def test_a_role_has_its_own_age(town: Town, chat: Open) -> None:
    number = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    async with town.database.write() as unit:
        await unit.run(update(shift).values(minimum_age=30, role="Chain saw"))
    ann = chat("Ann")
    await ann.opens("join", number)
    await ann.introduces_itself()
    assert "born" in ann.text
    await ann.says("2000")
    assert "from 30 years on" in await ann.picks("Yes")


async def test_whoever_stayed_away_twice_is_let_in_by_the_organiser_until_they_are_excused(
    town: Town, chat: Open
) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    missed = [
        await town.publishes(olga, f"Reading {day}", MONDAY + timedelta(days=day)) for day in (1, 2)
    ]  # fmt: skip
    for number in missed:
        await ann.joins(number)
    async with town.database.write() as unit:
        await unit.run(update(enrolment).values(state="absent"))
    town.at += timedelta(days=3)
    number = await town.publishes(olga, "Planting trees", SATURDAY)
    assert "several promises that were not kept" in await ann.joins(number)
    await ann.says("promises")
    assert "Yours count 4 now" in ann.text
    await ann.picks("Reading 2")
    assert "can excuse you" in await ann.picks("I cannot get there")
    await olga.opens("manage", missed[1])
    await olga.picks("Excuse people")
    assert f"{olga.sees('Ann Lee')} · did not come · I cannot get there" in olga.text
    assert "1 person is excused" in await olga.says("1")
    await ann.says("promises")
    assert "Yours count 2 now" in ann.text
    other = await town.publishes(olga, "Sweeping", SATURDAY + timedelta(days=1))
    assert "You are in" in await ann.joins(other)


async def test_answers_go_with_their_owner(town: Town, chat: Open) -> None:
    number = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    asked = [{"text": "How many spades do you bring?", "sort": "number", "options": []}]
    async with town.database.write() as unit:
        await unit.run(update(activity).values(questions=asked))
    ann = chat("Ann")
    await ann.opens("join", number)
    await ann.introduces_itself()
    assert "Please send a number" in await ann.says("a few perhaps")
    await ann.says("3")
    await ann.picks("Yes")
    async with town.database.write() as unit:
        who = (await unit.run(select(enrolment.c.person))).scalar_one()
        taken = (await privacy.export(unit, who))["enrolment"][0]["answers"]
        assert taken == [{"asked": "How many spades do you bring?", "said": "3"}]
        await erasing.erase_person(unit, who, town.at)
        assert (await unit.run(select(enrolment.c.answers))).scalar_one() is None


# --- Conditions of what is open already -------------------------------------------------------------------------------


async def opened(town: Town, chat: Open) -> tuple[Chat, Chat, int]:
    """Olga's open activity, and Ann who has a seat in it."""
    olga, ann = chat("Olga"), chat("Ann")
    number = await town.publishes(olga, "Planting trees", SATURDAY)
    assert "You are in" in await ann.joins(number)
    return olga, ann, number


async def asks(town: Town, text: str) -> None:
    async with town.database.write() as unit:
        await unit.run(update(activity).values(questions=[{"text": text, "sort": "yes", "options": []}]))


async def test_who_is_in_stays_in_when_the_organiser_lets_people_in_from_now_on(town: Town, chat: Open) -> None:
    olga, ann, number = await opened(town, chat)
    await olga.opens("manage", number)
    await olga.picks("Conditions of joining")
    await olga.picks("I let people in myself")
    assert "Who has a place keeps it." in olga.text
    await olga.picks("Yes")
    assert await states(town) == ["joined"]
    bob, cat = chat("Bob"), chat("Cat")
    assert "I have asked the organiser" in await bob.joins(number)
    await olga.opens("approval", number)
    await olga.picks("Yes")
    assert "You are in" in await cat.joins(number)
    assert await states(town) == ["joined", "waiting", "joined"]  # Bob is still for Olga to decide
    await town.waits(seconds=5)
    await town.waits(seconds=5)
    assert not ann.pushed()


async def test_an_earlier_deadline_is_told_to_whoever_has_a_seat_and_a_later_one_is_not(
    town: Town, chat: Open
) -> None:
    olga, ann, number = await opened(town, chat)
    for hours, told in (("24 hours before", 1), ("2 hours before", 1), ("24 hours before", 2)):
        await olga.opens("deadline", number)
        await olga.picks(hours)
        town.at += timedelta(minutes=2)
        await town.waits(seconds=5)
        await town.waits(seconds=5)
        said = [page.text for page in ann.pushed() if "please say so until" in page.text]
        assert len(said) == told
    assert "27 Nov" in said[0] or "Fri" in said[0]


async def test_a_deadline_is_never_moved_to_where_it_has_passed(town: Town, chat: Open) -> None:
    olga, _ann, number = await opened(town, chat)
    town.at = (SATURDAY - timedelta(hours=20)).astimezone(town.at.tzinfo)
    await olga.opens("deadline", number)
    assert any("12 hours before" in one for one in olga.labels)  # control
    assert not any("24 hours before" in one for one in olga.labels)


async def test_a_new_question_is_asked_of_whoever_comes_and_never_answered_by_an_older_answer(
    town: Town, chat: Open
) -> None:
    olga, _ann, number = await opened(town, chat)
    bob = chat("Bob")
    await asks(town, "Do you bring a spade?")
    await bob.opens("join", number)
    await bob.introduces_itself()
    assert "Do you bring a spade?" in bob.text
    await bob.says("yes")  # now the last question is open
    await asks(town, "Do you eat meat?")
    await bob.says("yes")
    assert "Do you eat meat?" in bob.text
    await bob.says("no")
    assert "You are in" in await bob.says("yes")
    assert "Do you eat meat? ✗" in await olga.opens("roster", number)


async def test_nobody_else_changes_the_conditions_and_not_once_it_has_begun(town: Town, chat: Open) -> None:
    olga, ann, number = await opened(town, chat)
    for name in ("joining", "approval", "deadline", "question", "unquestion"):
        assert await ann.opens(name, number) == await ann.opens(name, 999)
    assert "from now on" in await olga.opens("joining", number)  # control
    town.at = SATURDAY.astimezone(town.at.tzinfo)
    for name in ("joining", "approval", "deadline", "question", "unquestion"):
        assert "no such activity" in await olga.opens(name, number)


# --- What an organiser answers is taken as an answer ----------------------------------------------------------------


async def test_a_title_that_is_too_short_is_told_so_and_not_searched_for(town: Town, chat: Open) -> None:
    # “义诊” was too short for a title, and was answered with what is on in health.
    olga = chat("Olga")
    await olga.says("menu")
    await town.has_organisation(olga)
    await olga.says("publish")
    assert "at least 2 characters" in await olga.says("树")
    assert "at most 60 fit" in await olga.says("周六海淀植树" * 20)
    assert "2/6" in await olga.says("义诊")


async def test_a_number_out_of_bounds_is_told_so(town: Town, chat: Open) -> None:
    olga = chat("Olga")
    await olga.says("menu")
    await town.has_organisation(olga)
    for said in ("publish", "Cleaning up the park", "environment", "Sat 9:00-11:30", "颐和园东门"):
        await olga.says(said)
    assert "from 1 to 20000" in await olga.says("0")
    assert "6/6" in await olga.says("2")


async def test_hours_without_a_day_are_those_of_the_activitys_own_day(town: Town, chat: Open) -> None:
    # They were the next such hours: a role of Saturday's activity stood on Tuesday.
    olga = chat("Olga")
    await drafts(town, olga)
    await olga.picks("Add conditions")
    await olga.opens("role", 1)
    for said in ("Guide", "9:00-10:00", "2"):
        await olga.says(said)
    await olga.picks("No more than")
    assert "Guide · Sat 28 Nov 09:00–10:00" in await olga.picks("Nothing to prove")
    await olga.opens("retime", 1)
    assert "Sat 28 Nov 14:00–16:00" in await olga.says("14:00-16:00")
    await olga.opens("open", 1)
    await olga.opens("move", 1)
    assert "Move it to Sat 28 Nov 15:00–17:00?" in await olga.says("15:00-17:00")
    await olga.says("no")
    await olga.opens("move", 1)
    assert "Move it to Sun 29 Nov 15:00–17:00?" in await olga.says("Sunday 15:00-17:00")


async def test_yes_and_no_of_a_fact_are_called_so_in_chinese(town: Town, chat: Open) -> None:
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    async with town.database.write() as unit:
        asked = [{"text": "您会方言吗？", "sort": "yes", "options": []}]
        await unit.run(update(activity).values(questions=asked))
    wang = chat("王阿姨", "zh_CN")
    await wang.opens("join", number)
    for said in ("是", "王秀英", "13900139000"):
        await wang.says(said)
    assert wang.labels == ["是", "否"]  # 不了 is “rather not”
    assert "报名参加" in await wang.says("否")


async def test_organisers_hear_that_somebody_asks_and_see_it_where_they_manage(town: Town, chat: Open) -> None:
    # “I have asked the organiser” was said, and nobody was asked: it stood under the roster only.
    number = await with_approval(town, chat)
    olga, ann, bob = chat("Olga"), chat("Ann"), chat("Bob")
    for who in (ann, bob):
        assert "asked the organiser" in await who.joins(number)
    await town.waits(seconds=5)
    told = [page.text for page in olga.pushed() if "asks to come" in page.text]
    assert len(told) == 1  # within an hour they are told once
    assert told[0].startswith("Somebody asks to come and waits for your answer: Reading to children")
    await olga.opens("manage", number)
    await olga.picks("2 people ask to come")
    await olga.says("all")
    await olga.picks("Let in")
    await olga.opens("manage", number)
    assert "ask to come" not in " ".join(olga.labels)


async def test_a_full_activity_says_before_the_yes_that_it_is_a_queue(town: Town, chat: Open) -> None:
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY, seats=1)
    ann, bob = chat("Ann"), chat("Bob")
    await ann.joins(number)
    await bob.opens("join", number)
    await bob.introduces_itself()
    assert "is full. Join the queue?" in bob.text
    assert "number 1 in the queue" in await bob.says("yes")


async def test_a_queue_is_not_among_my_sign_ups_once_it_has_begun(town: Town, chat: Open) -> None:
    # “Number 1 in the queue” stood there until two hours after the end.
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY, seats=1)
    ann, bob = chat("Ann"), chat("Bob")
    await ann.joins(number)
    await bob.joins(number)
    town.at = SATURDAY + timedelta(minutes=1)
    await ann.says("my")
    assert "Reading" in " ".join(ann.labels)
    assert "You have no sign-ups ahead" in await bob.says("my")


@pytest.mark.parametrize("said", ["none", "无", "1"])
async def test_an_organiser_may_have_nothing_to_add(chat: Open, said: str) -> None:
    zhao = chat("zhao")
    await zhao.says("hello")
    await zhao.town.has_organisation(zhao)
    await zhao.says("publish")
    for answer in ("Cleaning the canal", "environment", "Sat 9:00-11:30", "海淀区 颐和园东门", "20"):
        await zhao.says(answer)
    shown = await zhao.says(said)
    assert shown.startswith("Cleaning the canal\n")
    assert f"\n{said}\n" not in shown
    await zhao.picks("Publish")
    assert "It is open: Cleaning the canal." in zhao.text


async def test_whoever_waits_for_the_organisers_yes_is_not_told_of_a_queue(town: Town, chat: Open) -> None:
    number = await with_approval(town, chat)
    olga, ann = chat("Olga"), chat("Ann")
    await ann.joins(number)
    await olga.opens("move", number)
    await olga.says("Sun 9:00-11:00")
    await olga.says("yes")
    await town.waits(seconds=5)
    assert "Your sign-up still waits" in ann.pushed()[-1].text
    assert "queue" not in ann.pushed()[-1].text


async def test_checking_in_is_offered_when_it_can_be_done(town: Town, chat: Open) -> None:
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.joins(number)
    await ann.opens("booking", 1)
    assert "Check in" not in ann.labels
    town.at = SATURDAY - timedelta(minutes=60)
    await ann.opens("booking", 1)
    assert "Check in" in ann.labels
