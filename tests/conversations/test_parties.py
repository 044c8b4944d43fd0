"""Companions, teams, places passed on and exchanged: nobody is signed up by another, and no seat is given twice."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from storage.tables.activities import shift
from storage.tables.enrolment import enrolment
from storage.tables.parties import invitation
from tests.conversations.kit import MONDAY, Chat, Town
from tests.seats import miscounted

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]


async def counters(town: Town) -> tuple[list[int], int]:
    """Seats taken in each shift, and how many shifts' counters do not agree with their sign-ups."""
    async with town.database.read() as unit:
        taken = list((await unit.run(select(shift.c.taken).order_by(shift.c.id))).scalars())
        return taken, await miscounted(unit)


async def stands(town: Town) -> list[str]:
    async with town.database.read() as unit:
        return list((await unit.run(select(enrolment.c.state).order_by(enrolment.c.id))).scalars())


async def second_shift(town: Town, activity: int, seats: int = 5) -> int:
    async with town.database.write() as unit:
        made = insert(shift).values(
            activity=activity, starts=SATURDAY + timedelta(hours=3), ends=SATURDAY + timedelta(hours=5), capacity=seats
        )
        return int((await unit.run(made.returning(shift.c.id))).scalar_one())


def code_in(chat: Chat, word: str) -> str:
    found = re.search(rf"“{word} (\w{{8}})”", chat.text)
    assert found, chat.text
    return found[1]


async def team_of(leader: Chat, *members: Chat) -> str:
    await leader.opens("newteam")
    await leader.picks("Workplace")
    await leader.says("The Finches")
    code = code_in(leader, "team")
    for member in members:
        await member.says(f"team {code}")
        assert "each time you decide yourself" in member.text
        assert "You are in the team The Finches" in await member.picks("Yes")
    return code


# --- Companions -------------------------------------------------------------------------------------------------------


async def test_companions_take_seats_beside_mine_and_give_them_back_with_it(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=3)
    ann, bob = chat("Ann"), chat("Bob")
    await ann.joins(trees)
    await ann.opens("together", 1)
    await ann.picks("Bring somebody without a chat")
    assert "2 seats are kept beside yours" in await ann.says("2")
    assert await counters(town) == ([3], 0)
    assert "number 1 in the queue" in await bob.joins(trees)
    await ann.opens("companions", 1)
    assert "1 seat is kept" in await ann.says("1")
    assert await stands(town) == ["joined", "offered"]
    assert await counters(town) == ([3], 0)
    await ann.opens("leave", 1)
    await ann.picks("Yes, give it up")
    assert await counters(town) == ([1], 0)


async def test_no_more_companions_than_seats_are_left(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=2)
    ann = chat("Ann")
    await ann.joins(trees)
    await ann.opens("companions", 1)
    assert "Only 1 seat is left" in await ann.says("2")
    assert await counters(town) == ([1], 0)
    await ann.opens("companions", 1)
    assert "1 seat is kept" in await ann.says("1")  # control


@pytest.mark.parametrize("door", ["web"])
async def test_twenty_who_bring_two_at_once_never_oversell(town: Town, chat: Open, door: str) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=30)
    crowd = [chat(f"Number {n}") for n in range(20)]
    for one in crowd:
        await one.joins(trees)
    for number, one in enumerate(crowd, 1):
        await one.opens("companions", number)
    await asyncio.gather(*(one.says("2") for one in crowd))
    assert sum("2 seats are kept" in one.text for one in crowd) == 5
    assert sum("No seat is left beside" in one.text for one in crowd) == 15
    assert await counters(town) == ([30], 0)


# --- Teams ------------------------------------------------------------------------------------------------------------


async def test_a_team_is_asked_and_each_member_decides_alone(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=3)
    lea, ann, bob = chat("Lea"), chat("Ann"), chat("Bob")
    await team_of(lea, ann, bob)
    await lea.joins(trees)
    await lea.opens("bringteam", 1)
    assert "Each member decides alone" in lea.text
    assert "2 members are asked" in await lea.picks("Yes")
    assert "A seat is held for each" in lea.text
    assert await stands(town) == ["joined"]  # nobody is signed up by another
    assert await counters(town) == ([3], 0)
    await town.waits(seconds=5)
    assert "Your team The Finches asks" in ann.pushed()[0].text
    assert "held for you until" in ann.pushed()[0].text
    outsider = chat("Cat")
    assert "number 1 in the queue" in await outsider.joins(trees)
    for asked in (ann, bob):  # whose message has gone far up
        await asked.says("my")
        assert any("you are asked until" in label for label in asked.labels)
    await outsider.says("my")
    assert not any("you are asked until" in label for label in outsider.labels)
    assert "You are in" in await ann.joins(trees)
    await ann.says("my")
    assert len(ann.labels) == 1
    assert await stands(town) == ["joined", "waiting", "joined"]
    assert await counters(town) == ([3], 0)
    assert "will not ask you about this again" in await bob.opens("uninvited", 2)
    assert "no sign-ups ahead" in await bob.says("my")
    assert await stands(town) == ["joined", "offered", "joined"]
    assert await counters(town) == ([3], 0)
    await lea.opens("bringteam", 1)
    assert "nobody left to ask" in await lea.picks("Yes")


async def test_seats_held_for_a_team_go_on_when_time_is_over(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=2)
    lea, ann, cat = chat("Lea"), chat("Ann"), chat("Cat")
    await team_of(lea, ann)
    await lea.joins(trees)
    await lea.opens("bringteam", 1)
    await lea.picks("Yes")
    await cat.joins(trees)
    await town.waits(hours=25)
    assert await stands(town) == ["joined", "offered"]
    assert await counters(town) == ([2], 0)
    assert "number 1 in the queue" in await ann.joins(trees)


async def test_where_seats_are_too_few_for_all_none_is_held(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=2)
    lea, ann, bob = chat("Lea"), chat("Ann"), chat("Bob")
    await team_of(lea, ann, bob)
    await lea.joins(trees)
    await lea.opens("bringteam", 1)
    assert "not enough seats for all" in await lea.picks("Yes")
    assert await counters(town) == ([1], 0)
    assert "You are in" in await ann.joins(trees)
    assert "number 1 in the queue" in await bob.joins(trees)


async def test_a_member_whom_a_gate_refuses_keeps_the_seat_held_and_nobody_answers_for_others(
    town: Town, chat: Open
) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=3)
    other = await town.publishes(chat("Olga"), "At the same time", SATURDAY + timedelta(hours=1))
    lea, ann = chat("Lea"), chat("Ann")
    await team_of(lea, ann)
    await ann.joins(other)
    await lea.joins(trees)
    await lea.opens("bringteam", 2)
    await lea.picks("Yes")
    assert "overlaps with At the same time" in await ann.joins(trees)
    assert (await counters(town))[0] == [2, 1]
    assert "over already" in await lea.opens("uninvited", 1)
    async with town.database.read() as unit:
        assert (await unit.run(select(invitation.c.state))).scalar_one() == "open"


async def test_when_the_leader_leaves_held_seats_are_free_and_members_stay(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=3)
    lea, ann, bob = chat("Lea"), chat("Ann"), chat("Bob")
    await team_of(lea, ann, bob)
    await lea.joins(trees)
    await lea.opens("bringteam", 1)
    await lea.picks("Yes")
    await ann.joins(trees)
    await lea.opens("leave", 1)
    await lea.picks("Yes, give it up")
    assert await stands(town) == ["cancelled", "joined"]
    assert await counters(town) == ([1], 0)
    assert "You are in" in await bob.joins(trees)  # their invitation is a sign-up like any other now
    await town.waits(hours=25)
    assert await counters(town) == ([2], 0)


async def test_only_members_see_a_team_and_whoever_leads_it_dissolves_it(town: Town, chat: Open) -> None:
    lea, ann, eve = chat("Lea"), chat("Ann"), chat("Eve")
    code = await team_of(lea, ann)
    for script in ("teamcard", "quitteam"):
        assert "You are in no such team" in await eve.opens(script, 1)
    await ann.opens("quitteam", 1)
    assert "Leave The Finches?" in ann.text
    await ann.picks("Yes")
    assert "You are in no team yet" in await ann.says("team")
    await lea.opens("quitteam", 1)
    await lea.picks("Yes")
    assert "no team with that code" in await eve.says(f"team {code}")


async def takes(who: Chat, code: str) -> None:
    """A code typed, the place bound, and the sign-up up to its last question."""
    await who.says(f"take {code}")
    assert "Sign up, and it is yours" in await who.picks("Yes")
    await who.picks("Sign up")
    await who.introduces_itself()


# --- Passing a place on -----------------------------------------------------------------------------------------------


async def test_a_place_is_handed_over_with_both_yes(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=1)
    ann, bob = chat("Ann"), chat("Bob")
    await ann.joins(trees)
    await ann.opens("passon", 1, "handover")
    code = code_in(ann, "take")
    assert await stands(town) == ["joined"]
    await takes(bob, code)
    assert "Join Planting trees" in bob.text
    assert "You are in" in await bob.picks("Yes")
    assert await stands(town) == ["cancelled", "joined"]
    assert await counters(town) == ([1], 0)
    await town.waits(seconds=5)
    assert "Your place was taken over" in ann.pushed()[0].text
    assert "wrong or too old" in await chat("Eve").says(f"take {code}")


async def test_nobody_is_passed_by_who_waits(town: Town, chat: Open) -> None:
    """A queue cannot be jumped by a friend of somebody inside, not even when it began after the code was made."""
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=1)
    ann, bob, cat = chat("Ann"), chat("Bob"), chat("Cat")
    await ann.joins(trees)
    await ann.opens("passon", 1, "handover")
    code = code_in(ann, "take")
    await cat.joins(trees)
    await takes(bob, code)
    assert "number 2 in the queue" in await bob.picks("Yes")
    assert await stands(town) == ["joined", "waiting", "waiting"]
    assert "2 people wait" in await ann.opens("passon", 1, "handover")


async def test_a_code_of_a_place_is_no_sign_up_until_the_last_yes(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=1)
    ann, bob = chat("Ann"), chat("Bob")
    await ann.joins(trees)
    await ann.opens("passon", 1, "handover")
    await takes(bob, code_in(ann, "take"))
    await bob.picks("No")
    assert await stands(town) == ["joined"]


async def test_two_exchange_their_shifts_in_one_moment(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=1)
    later = await second_shift(town, trees, seats=1)
    ann, bob = chat("Ann"), chat("Bob")
    await ann.opens("join", trees, 1)
    await ann.introduces_itself()
    await ann.says("yes")
    await bob.opens("join", trees, later)
    await bob.introduces_itself()
    await bob.says("yes")
    await ann.opens("passon", 1, "swap")
    await bob.says(f"take {code_in(ann, 'take')}")
    assert "give Sat 28 Nov 13:00" in bob.text
    assert "Exchanged: Planting trees, Sat 28 Nov 10:00" in await bob.picks("Yes")
    async with town.database.read() as unit:
        rows = await unit.run(
            select(enrolment.c.person, enrolment.c.shift).where(enrolment.c.state == "joined").order_by(enrolment.c.id)
        )
        now = {tuple(row) for row in rows}
    assert {place for _who, place in now} == {1, later}
    assert await counters(town) == ([1, 1], 0)
    await town.waits(seconds=5)
    assert "yours is now" in ann.pushed()[0].text


async def test_an_exchange_that_one_may_not_make_changes_nothing(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=1)
    later = await second_shift(town, trees, seats=1)
    clash = await town.publishes(chat("Olga"), "In the afternoon", SATURDAY + timedelta(hours=4))
    ann, bob = chat("Ann"), chat("Bob")
    await ann.opens("join", trees, 1)
    await ann.introduces_itself()
    await ann.says("yes")
    assert "You are in" in await ann.joins(clash)
    await bob.opens("join", trees, later)
    await bob.introduces_itself()
    await bob.says("yes")
    await ann.opens("passon", 1, "swap")
    await bob.says(f"take {code_in(ann, 'take')}")
    assert "Nothing was changed" in await bob.picks("Yes")
    assert await stands(town) == ["joined", "joined", "joined"]
    assert await counters(town) == ([1, 1, 1], 0)


@pytest.mark.parametrize("door", ["web"])
async def test_my_data_names_the_teams_that_i_am_in(town: Town, chat: Open, door: str) -> None:
    lea, ann = chat("Lea"), chat("Ann")
    await team_of(lea, ann)
    assert "1 team that you are in" in await ann.says("mydata")
    assert "team that you are in" not in await chat("Eve").says("mydata")  # control


async def test_a_code_that_is_none_is_told_so(town: Town, chat: Open) -> None:
    # “You are in no team yet” was all that it said.
    assert "There is no team with that code" in await chat("Ann").says("team AAAA1111")


async def test_giving_up_a_place_says_first_that_the_companions_seats_go_too(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=4)
    ann = chat("Ann")
    await ann.joins(trees)
    await ann.opens("companions", 1)
    await ann.says("2")
    assert "2 seats beside yours are kept" in await ann.opens("booking", 1)
    assert "The 2 seats beside yours are given up too." in await ann.opens("leave", 1)


async def test_a_seat_that_is_held_in_a_full_activity_is_no_queue(town: Town, chat: Open) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=2)
    lea, bob, eve = chat("Lea"), chat("Bob"), chat("Eve")
    await team_of(lea, bob)
    await lea.joins(trees)
    await lea.opens("bringteam", 1)
    await lea.says("yes")
    for who, asked in ((bob, "Join Planting trees"), (eve, "is full")):
        await who.opens("join", trees)
        await who.introduces_itself()
        assert asked in who.text
