"""The leader's roll-call in one message: what was done line by line, twice without doubles, late with its own time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.desk.records import close_shifts
from bot.desk.rolls import Rolls
from bot.domain.people import Person
from bot.domain.roles import Role
from bot.domain.roll import Mark, Tick
from storage import people
from storage.tables.enrolment import attendance, audit, record
from storage.tables.evidence import evidence
from tests.conversations.kit import MONDAY, Chat, Town, goes_to, states

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]

pytestmark = pytest.mark.parametrize("door", ["telegram", "wechat"])


async def gathered(town: Town, chat: Open, *names: str, seats: int = 10) -> tuple[Chat, int, list[Chat]]:
    """The organiser, the activity about to begin, and those who have a seat, numbered in this order."""
    olga = chat("Olga")
    activity = await town.publishes(olga, "Reading to children", SATURDAY, seats=seats)
    everyone = []
    for name in names or ("Ann", "Bob", "Cy"):
        one = chat(name)
        await one.opens("join", activity)
        for said in ("yes", f"{name} Lee", "13800138000", "yes"):
            await one.says(said)
        everyone.append(one)
    goes_to(town, SATURDAY)
    return olga, activity, everyone


async def count(town: Town) -> int:
    async with town.database.read() as unit:
        return int((await unit.run(select(func.count()).select_from(evidence))).scalar_one())


async def test_one_message_takes_the_roll_and_each_line_is_answered(town: Town, chat: Open) -> None:
    olga, _activity, _people = await gathered(town, chat)
    answer = await olga.says("1 2 5 到")
    assert f"1. {olga.sees('Ann Lee')} here, 10:00" in answer
    assert f"2. {olga.sees('Bob Lee')} here, 10:00" in answer
    assert "5. nobody has that number" in answer
    assert await states(town) == ["arrived", "arrived", "joined"]
    town.at += timedelta(hours=2)
    assert f"2. {olga.sees('Bob Lee')} left, 12:00" in await olga.says("2 left")
    async with town.database.read() as unit:
        assert [tuple(row) for row in await unit.run(select(record.c.minutes, record.c.grade))] == [(120, "B")]


async def test_the_same_message_again_doubles_nothing(town: Town, chat: Open) -> None:
    olga, _activity, _people = await gathered(town, chat)
    await olga.says("除了3都到")
    assert await states(town) == ["arrived", "arrived", "joined"]
    before = await count(town)
    town.at += timedelta(minutes=4)
    answer = await olga.says("除了3都到")
    assert f"1. {olga.sees('Ann Lee')} was here already, since 10:00" in answer
    assert await count(town) == before == 2


async def test_a_message_that_comes_late_brings_its_own_time(town: Town, chat: Open) -> None:
    olga, _activity, _people = await gathered(town, chat)
    sent = olga.incoming(text="1 到")
    town.at += timedelta(minutes=40)
    await town.turns.take(sent)
    async with town.database.read() as unit:
        assert (await unit.run(select(attendance.c.arrived))).scalar_one() == sent.at


async def test_no_message_brings_a_time_from_the_future(town: Town, chat: Open) -> None:
    olga, _activity, _people = await gathered(town, chat)
    await town.turns.take(replace(olga.incoming(text="1 到"), at=town.at + timedelta(minutes=50)))
    async with town.database.read() as unit:
        assert (await unit.run(select(attendance.c.arrived))).scalar_one() == SATURDAY


async def test_a_code_and_the_roll_together_are_both_sides(town: Town, chat: Open) -> None:
    olga, activity, (ann, _bob, _cy) = await gathered(town, chat)
    await ann.opens("checkin", activity, (await town.code(activity)).token)
    assert f"1. {olga.sees('Ann Lee')} was here already" in await olga.says("all here")
    town.at += timedelta(hours=2)
    await ann.says("checkout")
    await ann.says((await town.code(activity)).digits)
    await olga.says("all left")
    async with town.database.read() as unit:
        found = {row.person: row.grade for row in await unit.run(select(record.c.person, record.c.grade))}
    assert sorted(found.values()) == ["A", "B", "B"]


async def test_a_code_after_the_leaders_word_is_the_other_side_of_it(town: Town, chat: Open) -> None:
    """Whoever typed the code a minute after the roll was proven from one side only; one minute before, from both."""
    olga, activity, (ann, bob, _cy) = await gathered(town, chat)
    await olga.says("1 2 here")
    before = await count(town)
    assert "You checked in at 10:00" in await ann.opens("checkin", activity, (await town.code(activity)).token)
    assert await count(town) == before + 1
    await ann.opens("checkin", activity, (await town.code(activity)).token)
    assert await count(town) == before + 1  # a second code adds nothing
    assert "does not fit" in await bob.opens("checkin", activity, "A" * 16)
    assert await count(town) == before + 1
    town.at += timedelta(hours=2)
    await olga.says("all left")
    async with town.database.read() as unit:
        assert [row.grade for row in await unit.run(select(record.c.grade).order_by(record.c.id))] == ["A", "B"]


async def test_numbers_stay_whose_they_are_when_somebody_joins_or_leaves(town: Town, chat: Open) -> None:
    olga, activity, (ann, *_rest) = await gathered(town, chat)
    goes_to(town, SATURDAY - timedelta(minutes=50))
    await ann.opens("leave", 1)
    await ann.says("yes")
    await ann.picks("Family")
    assert (await states(town))[0] == "cancelled"
    dan = chat("Dan")
    await dan.joins(activity)
    roster = await olga.opens("roster", activity)
    assert f"2. {olga.sees('Bob Lee')}" in roster
    assert f"3. {olga.sees('Cy Lee')}" in roster
    assert f"4. {olga.sees('Ann Lee')}" in roster  # Dan calls himself so
    assert "1. " not in roster
    assert f"2. {olga.sees('Bob Lee')} here" in await olga.says("2 here")


async def test_not_here_after_all(town: Town, chat: Open) -> None:
    olga, _activity, _people = await gathered(town, chat)
    await olga.says("1 2 here")
    assert f"2. {olga.sees('Bob Lee')} taken back" in await olga.says("2 not here")
    assert await states(town) == ["arrived", "joined", "joined"]


async def test_who_has_not_left_has_come_all_the_same(town: Town, chat: Open) -> None:
    """“Nobody has left” took back the arrivals of all who were still there."""
    olga, _activity, _people = await gathered(town, chat)
    await olga.says("都到了")
    await olga.says("1 走了")
    assert await states(town) == ["left", "arrived", "arrived"]
    await olga.says("都没走")
    assert await states(town) == ["arrived", "arrived", "arrived"]
    assert f"2. {olga.sees('Bob Lee')} was here already" in await olga.says("2 没走")
    await olga.says("2 走了")
    assert f"2. {olga.sees('Bob Lee')} still here, since 10:00" in await olga.says("2 还在")
    assert await states(town) == ["arrived", "arrived", "arrived"]


async def test_who_never_came_has_not_left_either(town: Town, chat: Open) -> None:
    """“Not here”, said of somebody who had been marked as gone, took back that they had gone, and left them there."""
    olga, _activity, _people = await gathered(town, chat)
    await olga.says("1 到")
    await olga.says("1 走了")
    await olga.says("1 没到")
    assert await states(town) == ["joined", "joined", "joined"]
    async with town.database.read() as unit:
        assert (await unit.run(select(func.count()).select_from(record))).scalar_one() == 0


async def test_undo_takes_back_what_a_call_changed_and_no_more(town: Town, chat: Open) -> None:
    olga, _activity, _people = await gathered(town, chat)
    await olga.says("1 到")
    await olga.says("all here")
    undone = await olga.says("undo")
    assert f"2. {olga.sees('Bob Lee')} taken back" in undone
    assert await states(town) == ["arrived", "joined", "joined"]
    await olga.says("1 left")
    await olga.says("撤销")
    assert await states(town) == ["arrived", "joined", "joined"]
    assert "nothing left to undo" in await olga.says("undo")
    await olga.says("1 left")
    await olga.says("1 没走")
    assert "nothing left to undo" in await olga.says("undo")  # was: the call before the last


async def test_what_cannot_be_is_said_and_not_done(town: Town, chat: Open) -> None:
    olga, activity, _people = await gathered(town, chat, "Ann", seats=1)
    goes_to(town, SATURDAY - timedelta(minutes=50))
    await chat("Bob").joins(activity)
    assert f"2. {olga.sees('Ann Lee')} has no seat" in await olga.says("2 here")
    assert f"1. {olga.sees('Ann Lee')} has not arrived" in await olga.says("1 left")
    goes_to(town, SATURDAY + timedelta(hours=2))
    assert "too late" in await olga.says("1 here")


async def test_nobody_calls_their_own_name(town: Town, chat: Open) -> None:
    olga, activity, _people = await gathered(town, chat)
    goes_to(town, SATURDAY - timedelta(minutes=50))
    await olga.joins(activity)
    assert f"4. {olga.sees('Ann Lee')} is you" in await olga.says("all here")


async def test_the_roll_is_for_who_leads_and_nobody_else(town: Town, chat: Open) -> None:
    olga, activity, (ann, *_rest) = await gathered(town, chat)
    assert "No activity whose roll you take" in await ann.says("1 2 here")
    assert await ann.opens("roll", activity) == await ann.opens("roll", 999)
    assert set(await states(town)) == {"joined"}
    leader = chat("Lea")
    await leader.says("hello")
    async with town.database.write() as unit:
        who = await people.at_address(unit, leader.door, leader.name)
        assert who is not None
        await people.appoint(unit, who, Role.LEADER, town.organisation, None, town.at)
    assert f"1. {leader.sees('Ann Lee')} here" in await leader.says("1 here")  # control
    await olga.opens("manage", activity)
    assert "Take the roll" in olga.labels


async def test_where_two_are_on_it_is_asked_which(town: Town, chat: Open) -> None:
    olga, _activity, _people = await gathered(town, chat, "Ann")
    goes_to(town, SATURDAY - timedelta(minutes=30))
    await town.publishes(olga, "Painting a wall", SATURDAY)
    assert "The roll of which activity?" in await olga.says("1 here")
    assert f"1. {olga.sees('Ann Lee')} here" in await olga.picks("Reading")


async def test_a_departure_that_the_leader_tells_late_counts_after_all(town: Town, chat: Open) -> None:
    """It was closed by rule with nothing; the leader's phone had no network."""
    olga, _activity, _people = await gathered(town, chat, "Ann")
    await olga.says("1 here")
    town.at += timedelta(minutes=90)
    sent = olga.incoming(text="1 left")
    town.at += timedelta(hours=3)
    async with town.database.write() as unit:
        await close_shifts(unit, town.city, town.at)
        assert (await unit.run(select(record.c.minutes))).scalar_one() == 0
    await town.turns.take(replace(sent, text="1 left"))
    async with town.database.read() as unit:
        assert [row.minutes for row in await unit.run(select(record.c.minutes))] == [90]


# --- An arrival that is taken back leaves the sign-up as it was ---


async def moves(town: Town) -> list[tuple[str, str | None, str | None]]:
    """(deed, before, after) of every move of sign-ups since they were confirmed, oldest first."""
    async with town.database.read() as unit:
        log = select(audit.c.deed, audit.c.before, audit.c.after).where(audit.c.target.like("enrolment:%"))
        return [(row.deed, row.before, row.after) for row in await unit.run(log.order_by(audit.c.id))]


@pytest.mark.parametrize("stood", ["joined", "confirmed"])
@pytest.mark.parametrize("way", ["leader", "self"])
async def test_who_was_not_there_after_all_stands_where_they_stood(
    town: Town, chat: Open, stood: str, way: str
) -> None:
    """Before, whoever had confirmed was only signed up again."""
    olga, activity, (ann,) = await gathered(town, chat, "Ann")
    if stood == "confirmed":
        goes_to(town, SATURDAY - timedelta(hours=2))
        await ann.opens("coming", 1)
        goes_to(town, SATURDAY)
    assert await states(town) == [stood]
    if way == "leader":
        await olga.says("1 here")
        assert await states(town) == ["arrived"]
        await olga.says("1 not here")
    else:
        await ann.opens("checkin", activity, (await town.code(activity)).token)
        await ann.opens("notin", 1)
    assert await states(town) == [stood]
    assert (await moves(town))[-2:] == [("arrive", stood, "arrived"), ("undo", "arrived", stood)]


async def test_who_was_absent_and_is_marked_by_mistake_is_absent_again(town: Town, chat: Open) -> None:
    """A telephone without network brings its ticks when all is over: here, and that it was somebody else."""
    olga, activity, _people = await gathered(town, chat, "Ann")
    goes_to(town, SATURDAY + timedelta(hours=5))
    async with town.database.write() as unit:
        await close_shifts(unit, town.city, town.at)
    assert await states(town) == ["absent"]
    async with town.database.write() as unit:
        leader = await people.at_address(unit, olga.door, olga.name)
        assert leader is not None
        rolls = Rolls(unit, Person(leader, "", "en"), town.at, town.city)
        ticks = [
            Tick("a" * 32, 1, Mark.HERE, SATURDAY + timedelta(minutes=1)),
            Tick("b" * 32, 1, Mark.BACK, SATURDAY + timedelta(minutes=2)),
        ]
        await rolls.take(activity, ticks)
    assert await states(town) == ["absent"]
    assert (await moves(town))[-2:] == [("arrive", "absent", "arrived"), ("undo", "arrived", "absent")]
