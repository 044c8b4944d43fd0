"""On the spot: a person's own code read by the leader, somebody added who had no seat, a seat put up on purpose."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.desk.records import close_shifts
from bot.domain.mycode import STEP, own_code, own_code_fits
from storage.tables.activities import shift
from storage.tables.enrolment import audit, enrolment, record
from storage.tables.evidence import evidence
from tests.conversations.kit import SECRECY, Chat, Town, goes_to, states
from tests.conversations.test_roll import SATURDAY, gathered

Open = Callable[..., Chat]

pytestmark = pytest.mark.parametrize("door", ["telegram", "wechat"])


async def own(who: Chat) -> tuple[str, str, str]:
    """(volunteer number, token, digits) as their chat shows them."""
    await who.says("my code")
    found = re.search(r"say: (\d{3}) (\d{3})", who.text)
    number = re.search(r"V[2-9A-Z]{9}", who.text)
    token = re.search(r"/mycode/V\w+/([0-9a-f]{20})\.png", str(who.pages))
    assert found, who.text
    assert number
    assert token
    return number[0], token[1], found[1] + found[2]


async def kinds(town: Town) -> list[str]:
    async with town.database.read() as unit:
        return list((await unit.run(select(evidence.c.kind).order_by(evidence.c.id))).scalars())


async def test_a_code_that_the_leader_scans_is_proof_from_both_sides(town: Town, chat: Open) -> None:
    olga, _activity, (ann, *_rest) = await gathered(town, chat)
    number, token, _digits = await own(ann)
    assert f"1. {olga.sees('Ann Lee')} here, 10:00" in await olga.opens("present", number, token)
    assert await kinds(town) == ["shown"]
    town.at += timedelta(hours=2)
    await olga.says("1 left")
    async with town.database.read() as unit:
        assert (await unit.run(select(record.c.grade))).scalar_one() == "A"


async def test_six_digits_said_aloud_are_as_good(town: Town, chat: Open) -> None:
    olga, _activity, (_ann, bob, _cy) = await gathered(town, chat)
    _number, _token, digits = await own(bob)
    assert f"2. {olga.sees('Bob Lee')} here, 10:00" in await olga.says(f"{digits} 到")
    assert await kinds(town) == ["shown"]
    assert f"2. {olga.sees('Bob Lee')} was here already" in await olga.says(f"{digits} here")
    assert (await kinds(town)).count("shown") == 1


async def test_an_own_code_is_worthless_some_minutes_later_and_for_others(town: Town, chat: Open) -> None:
    olga, _activity, (ann, bob, _cy) = await gathered(town, chat)
    number, token, digits = await own(ann)
    others, _token, _digits = await own(bob)
    assert "nobody's code now" in await olga.opens("present", others, token)
    town.at += timedelta(seconds=2 * STEP)
    assert "nobody's code now" in await olga.opens("present", number, token)
    assert "no code of anybody here now" in await olga.says(f"{digits} here")
    assert await kinds(town) == []


def test_an_own_code_lives_two_steps_at_most(door: str) -> None:
    """And without the step in it, it would live for ever: the next one is another."""
    code = own_code(SECRECY.signature, "V234567892", SATURDAY)
    for seconds, good in ((0, True), (STEP, True), (2 * STEP, False), (86_400, False)):
        at = SATURDAY + timedelta(seconds=seconds)
        assert own_code_fits(SECRECY.signature, "V234567892", code.token, at) is good
        assert own_code_fits(SECRECY.signature, "V234567892", code.digits, at) is good
    assert not own_code_fits(SECRECY.signature, "V234567893", code.token, SATURDAY)


async def test_a_leader_cannot_guess_somebodys_code(town: Town, chat: Open) -> None:
    olga, _activity, (ann, *_rest) = await gathered(town, chat)
    number, token, _digits = await own(ann)
    for _try in range(5):
        await olga.opens("present", number, "0" * 20)
    assert "too many wrong codes" in await olga.opens("present", number, token)
    town.at += timedelta(minutes=11)
    number, token, _digits = await own(ann)
    assert f"1. {olga.sees('Ann Lee')} here" in await olga.opens("present", number, token)  # control


async def test_nobody_but_who_leads_reads_a_code(town: Town, chat: Open) -> None:
    _olga, _activity, (ann, bob, _cy) = await gathered(town, chat)
    number, token, _digits = await own(ann)
    assert "No activity whose roll" in await bob.opens("present", number, token)
    assert await kinds(town) == []


async def test_who_comes_without_a_seat_is_added_by_number_and_told(town: Town, chat: Open) -> None:
    olga, activity, _people = await gathered(town, chat, "Ann", seats=2)
    dan = chat("Dan")
    await dan.says("hello")
    number, _token, _digits = await own(dan)
    assert f"{number}: is not on the roll" in await olga.says(f"{number} here")
    await olga.picks("Add")
    assert "1 seat is free" in olga.text
    assert "is added and here" in await olga.picks("Add")
    assert await kinds(town) == ["walkin"]
    assert await states(town) == ["joined", "arrived"]
    await town.waits(seconds=5)
    assert "You were added on the spot" in dan.pushed()[-1].text
    assert "2. " in await olga.opens("roster", activity)


async def test_it_was_not_me(town: Town, chat: Open) -> None:
    olga, activity, _people = await gathered(town, chat, "Ann", seats=2)
    dan = chat("Dan")
    await dan.says("hello")
    number, _token, _digits = await own(dan)
    await olga.opens("walkin", activity, number)
    await olga.picks("Add")
    await dan.opens("notin", 2)
    assert "It is taken back, and you are not signed up there." in dan.text
    assert "Check in" not in dan.labels  # was offered to whoever had just said that it was not them
    assert await kinds(town) == ["walkin", "takenback"]


@pytest.mark.parametrize("by", ["leader", "self"])
async def test_who_was_added_by_mistake_has_no_seat_left_that_would_make_them_absent(
    town: Town, chat: Open, by: str
) -> None:
    """Before, they kept the seat, and two hours after the end somebody who had never signed up was a no-show."""
    olga, activity, _people = await gathered(town, chat, "Ann", seats=2)
    dan = chat("Dan")
    await dan.says("hello")
    number, _token, _digits = await own(dan)
    await olga.opens("walkin", activity, number)
    await olga.picks("Add")
    await (olga.says("2 not here") if by == "leader" else dan.opens("notin", 2))
    assert await states(town) == ["joined", "cancelled"]
    async with town.database.read() as unit:
        assert (await unit.run(select(shift.c.taken))).scalar_one() == 1
        ended = (await unit.run(select(enrolment.c.ended_by, enrolment.c.late).where(enrolment.c.id == 2))).one()
        log = select(audit.c.before, audit.c.after).where(audit.c.deed == "undo").order_by(audit.c.id)
        undone = [tuple(row) for row in await unit.run(log)]
    assert ended == ("organiser" if by == "leader" else "self", None)
    assert undone == [("arrived", "joined"), ("joined", "cancelled")]
    town.at += timedelta(hours=5)
    async with town.database.write() as unit:
        await close_shifts(unit, town.city, town.at)
    assert await states(town) == ["absent", "cancelled"]  # Ann is the control


async def test_a_seat_that_comes_free_before_the_start_goes_to_the_queue(town: Town, chat: Open) -> None:
    """Whoever was added by mistake on the last seat held it before those who wait."""
    olga, activity, _people = await gathered(town, chat, "Ann", seats=2)
    goes_to(town, SATURDAY - timedelta(minutes=50))
    bob, dan = chat("Bob"), chat("Dan")
    await dan.says("hello")
    number, _token, _digits = await own(dan)
    await olga.opens("walkin", activity, number)
    await olga.picks("Add")
    await bob.joins(activity)
    assert await states(town) == ["joined", "arrived", "waiting"]
    await olga.says("2 not here")
    assert (await states(town))[1:] in (["cancelled", "joined"], ["cancelled", "offered"])


async def test_a_full_shift_gets_one_seat_more_only_on_purpose_and_it_is_in_the_log(town: Town, chat: Open) -> None:
    olga, _activity, _people = await gathered(town, chat, "Ann", seats=1)
    dan = chat("Dan")
    await dan.says("hello")
    number, token, _digits = await own(dan)
    await olga.opens("present", number, token)
    assert "Every seat is taken (1)" in olga.text
    await olga.picks("No")
    async with town.database.read() as unit:
        assert (await unit.run(select(shift.c.capacity, shift.c.taken))).one() == (1, 1)
    await olga.opens("present", number, token)
    assert "one seat more now" in await olga.picks("One seat more")
    assert await kinds(town) == ["shown", "walkin"]
    async with town.database.read() as unit:
        assert (await unit.run(select(shift.c.capacity, shift.c.taken))).one() == (2, 2)
        logged = (await unit.run(select(audit.c.before, audit.c.after).where(audit.c.deed == "lift seats"))).one()
    assert logged == ("1", "2")


async def test_who_waited_in_the_queue_keeps_one_place(town: Town, chat: Open) -> None:
    olga, activity, _people = await gathered(town, chat, "Ann", seats=1)
    goes_to(town, SATURDAY - timedelta(minutes=50))
    bob = chat("Bob")
    await bob.joins(activity)
    number, token, _digits = await own(bob)
    await olga.opens("present", number, token)
    await olga.picks("One seat more")
    assert await states(town) == ["joined", "arrived"]
    async with town.database.read() as unit:
        assert (await unit.run(select(shift.c.capacity, shift.c.taken))).one() == (2, 2)
        assert len(list(await unit.run(select(enrolment.c.id)))) == 2


async def test_who_is_checked_in_elsewhere_must_leave_there_first(town: Town, chat: Open) -> None:
    olga, _activity, (ann, *_rest) = await gathered(town, chat, "Ann")
    goes_to(town, SATURDAY - timedelta(minutes=30))
    there = await town.publishes(olga, "Painting a wall", SATURDAY)
    goes_to(town, SATURDAY)
    await ann.opens("checkin", 1, (await town.code(1)).token)
    number, _token, _digits = await own(ann)
    await olga.opens("walkin", there, number)
    assert "still checked in: Reading to children" in await olga.picks("Add")
    assert await states(town) == ["arrived"]


# --- A leader of two activities that are on at once ---


async def leads_two(town: Town, chat: Open, second: timedelta = timedelta()) -> tuple[Chat, int, Chat]:
    """The leader, the other activity, which begins so long after the first, and Ann with a seat in the first."""
    olga, _activity, (ann,) = await gathered(town, chat, "Ann")
    goes_to(town, SATURDAY - timedelta(minutes=30))
    other = await town.publishes(olga, "Painting a wall", SATURDAY + second)
    goes_to(town, SATURDAY)
    return olga, other, ann


@pytest.mark.parametrize("way", ["digits", "scanned", "number"])
async def test_whoever_has_one_seat_at_hand_is_marked_there_without_a_question(
    town: Town, chat: Open, way: str
) -> None:
    """Before, a leader of two activities was asked which one, though only one could be meant."""
    olga, _other, ann = await leads_two(town, chat)
    number, token, digits = await own(ann)
    said = {"digits": f"{digits} here", "number": f"{number} here"}
    answer = await (olga.opens("present", number, token) if way == "scanned" else olga.says(said[way]))
    assert "Reading to children" in answer
    assert f"1. {olga.sees('Ann Lee')} here, 10:00" in answer
    assert await states(town) == ["arrived"]


async def test_two_codes_of_two_activities_are_asked_about(town: Town, chat: Open) -> None:
    olga, other, ann = await leads_two(town, chat)
    goes_to(town, SATURDAY - timedelta(minutes=20))
    bob = chat("Bob")
    await bob.joins(other)
    codes = [(await own(who))[2] for who in (ann, bob)]
    assert "The roll of which activity?" in await olga.says(f"{codes[0]} {codes[1]} here")
    assert await states(town) == ["joined", "joined"]


async def test_whoever_is_awaited_at_both_is_asked_about(town: Town, chat: Open) -> None:
    olga, other, ann = await leads_two(town, chat, timedelta(hours=2))
    await ann.joins(other)
    town.at += timedelta(minutes=90)
    number, token, digits = await own(ann)
    assert "The roll of which activity?" in await olga.says(f"{digits} here")
    await olga.says("cancel")
    assert "The roll of which activity?" in await olga.opens("present", number, token)
    assert f"1. {olga.sees('Ann Lee')} here" in await olga.picks("Painting")
    assert await states(town) == ["joined", "arrived"]


async def test_whoever_has_left_the_first_is_meant_at_the_second(town: Town, chat: Open) -> None:
    olga, other, ann = await leads_two(town, chat, timedelta(hours=2))
    await ann.joins(other)
    _number, _token, digits = await own(ann)
    await olga.says(f"{digits} here")  # at ten the second has not opened
    town.at += timedelta(minutes=110)
    await olga.opens("roll", 1, "1 left")
    _number, _token, digits = await own(ann)
    assert "Painting a wall" in await olga.says(f"{digits} here")
    assert await states(town) == ["left", "arrived"]


async def test_numbers_of_a_roll_and_people_without_a_seat_are_asked_about(town: Town, chat: Open) -> None:
    olga, _other, ann = await leads_two(town, chat)
    _number, _token, digits = await own(ann)
    dan = chat("Dan")
    await dan.says("hello")
    number, token, _digits = await own(dan)
    for said in (f"{digits} 2 here", f"{number} here"):
        assert "The roll of which activity?" in await olga.says(said)
        await olga.says("cancel")
    assert "The roll of which activity?" in await olga.opens("present", number, token)
    await olga.picks("Painting")
    assert "Painting a wall" in await olga.picks("Add")
    assert "is added and here" in olga.text


async def test_a_leader_of_two_cannot_guess_a_code_either(town: Town, chat: Open) -> None:
    """To be asked which activity would have told, and cost no try, that the code is wrong."""
    olga, _other, ann = await leads_two(town, chat)
    dan = chat("Dan")
    await dan.says("hello")
    number, _token, _digits = await own(dan)
    _number, _token, digits = await own(ann)
    wrong = [f"{int(digits) + more:06d}"[-6:] for more in range(1, 6)]
    for one in wrong[:4]:
        assert "nobody's code now" in await olga.says(f"{one} here")
    assert "nobody's code now" in await olga.says(f"{number} {wrong[4]} here")
    assert "too many wrong codes" in await olga.says(f"{digits} here")
    assert await states(town) == ["joined"]
    town.at += timedelta(minutes=11)
    _number, _token, digits = await own(ann)
    assert f"1. {olga.sees('Ann Lee')} here" in await olga.says(f"{digits} here")  # control
