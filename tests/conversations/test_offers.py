"""A seat that comes free is held for the head of the queue: taken, let go, or run out and handed on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.desk import offers as on_offer
from storage import enrolment as enrolments
from storage import offers
from storage.tables.activities import activity as activities
from storage.tables.activities import shift
from storage.tables.enrolment import audit, enrolment
from tests.conversations.kit import MONDAY, Chat, Town, states

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]


async def full(town: Town, chat: Open, *names: str, starts: timedelta = timedelta(days=5)) -> tuple[int, list[Chat]]:
    """An activity with one seat: the first has it, the others wait in their order."""
    activity = await town.publishes(chat("Olga"), "Reading to children", MONDAY + starts, seats=1)
    people = [chat(name) for name in names]
    for one in people:
        await one.joins(activity)
    return activity, people


async def gives_up(who: Chat) -> None:
    await who.says("my")
    await who.picks("Reading")
    await who.picks("Give up")
    await who.picks("Yes, give it up")
    if "why" in who.text:
        await who.picks("Family")


async def taken(town: Town) -> int:
    async with town.database.read() as unit:
        return int((await unit.run(select(shift.c.taken))).scalar_one())


def told(who: Chat) -> list[str]:
    return [page.text.splitlines()[0] for page in who.pushed()]


async def test_yes_takes_the_seat(town: Town, chat: Open) -> None:
    _activity, (ann, bob, _cat) = await full(town, chat, "Ann", "Bob", "Cat")
    await gives_up(ann)
    await town.waits(seconds=5)
    assert "held for you until Tue 24 Nov 10:00" in bob.pushed()[0].text
    town.at += timedelta(minutes=1)
    await bob.says("my")
    assert "a seat is held for you until" in bob.labels[0]
    await bob.picks("Reading")
    assert "The seat is yours" in await bob.picks("Yes, I take it")
    assert await states(town) == ["cancelled", "joined", "waiting"]
    assert "not held for you any more" in await bob.opens("accept", 2)


async def test_a_typed_number_under_the_notice_takes_it_too(town: Town, chat: Open) -> None:
    _activity, (ann, bob) = await full(town, chat, "Ann", "Bob")
    await gives_up(ann)
    await town.waits(seconds=5)
    assert "The seat is yours" in await bob.says("1")


async def test_no_hands_it_on_to_the_next(town: Town, chat: Open) -> None:
    _activity, (ann, bob, cat) = await full(town, chat, "Ann", "Bob", "Cat")
    await gives_up(ann)
    await town.waits(seconds=5)
    assert "goes to the next" in await bob.says("2")
    await town.waits(seconds=5)
    assert told(cat) == ["A seat came free: Reading to children"]
    assert await states(town) == ["cancelled", "cancelled", "offered"]
    assert await taken(town) == 1


async def test_nobody_else_can_take_a_seat_that_is_held(town: Town, chat: Open) -> None:
    activity, (ann, _bob) = await full(town, chat, "Ann", "Bob")
    await gives_up(ann)
    dan = chat("Dan")
    assert "number 1 in the queue" in await dan.joins(activity)
    assert "not held for you" in await dan.opens("accept", 2)
    assert await states(town) == ["cancelled", "offered", "waiting"]


async def test_run_out_it_goes_to_the_next_and_its_holder_queues_again_at_the_end(town: Town, chat: Open) -> None:
    _activity, (ann, bob, cat) = await full(town, chat, "Ann", "Bob", "Cat")
    await gives_up(ann)
    await town.waits(hours=23, minutes=59)
    assert await states(town) == ["cancelled", "offered", "waiting"]
    await town.waits(minutes=2)
    assert await states(town) == ["cancelled", "waiting", "offered"]
    assert told(cat) == ["A seat came free: Reading to children"]
    assert told(bob)[-1] == "The seat that was held for you went on to the next: Reading to children"
    assert "at its end" in bob.pushed()[-1].text
    await bob.says("my")
    assert "number 1 in the queue" in bob.labels[0]
    await cat.opens("accept", 3)
    assert await states(town) == ["cancelled", "waiting", "joined"]
    assert await taken(town) == 1


async def test_whoever_is_alone_in_the_queue_is_asked_twice_and_then_the_seat_is_free(town: Town, chat: Open) -> None:
    activity, (ann, bob) = await full(town, chat, "Ann", "Bob")
    await gives_up(ann)
    for _offer in range(2):
        await town.waits(seconds=5)
        assert await states(town) == ["cancelled", "offered"]
        await town.waits(hours=24)
    assert await states(town) == ["cancelled", "cancelled"]
    assert await taken(town) == 0
    assert told(bob)[:2] == ["A seat came free: Reading to children"] * 2
    assert "You are in" in await chat("Dan").joins(activity)


async def on_shift(town: Town, number: int) -> list[object]:
    """All that is kept of a shift and of whoever is on it."""
    async with town.database.read() as unit:
        its = await unit.run(select(shift).where(shift.c.id == number))
        theirs = await unit.run(select(enrolment).where(enrolment.c.shift == number).order_by(enrolment.c.id))
        return [tuple(row) for row in (*its, *theirs)]


async def test_whatever_becomes_of_a_seat_nothing_changes_on_another_shift(town: Town, chat: Open) -> None:
    activity, (ann, *_others) = await full(town, chat, "Ann", "Bob", "Cat")
    _trees, (dan, *_rest) = await full(town, chat, "Dan", "Eve", "Fay", starts=timedelta(days=6))
    await gives_up(ann)
    first = await on_shift(town, 1)
    town.at += timedelta(hours=1)
    await gives_up(dan)
    assert await on_shift(town, 1) == first
    beside = await on_shift(town, 2)
    town.at += timedelta(hours=23)  # the very moment until which the first was held
    await on_offer.lapse(town.database, town.city, town.at)
    assert await states(town) == ["cancelled", "waiting", "offered", "cancelled", "offered", "waiting"]
    assert await on_shift(town, 2) == beside
    olga = chat("Olga")
    await olga.opens("move", activity)
    await olga.says("Sat 14:00-16:00")
    assert "will be told" in await olga.picks("Yes")
    assert (await states(town))[2] == "offered"
    assert await on_shift(town, 2) == beside
    async with town.database.read() as unit:
        assert (await unit.run(select(shift.c.taken).where(shift.c.id == 1))).scalar_one() == 1


async def test_whose_offers_end_together_queue_again_in_the_order_in_which_they_stood(town: Town, chat: Open) -> None:
    activity, (_ann, bob, _cat) = await full(town, chat, "Ann", "Bob", "Cat")
    await bob.opens("leave", 2)
    await bob.picks("Yes, give it up")
    await bob.joins(activity)  # after Cat now, in the row that they had before
    olga = chat("Olga")
    await olga.opens("seats", activity)
    await olga.says("3")
    assert await states(town) == ["joined", "offered", "offered"]
    async with town.database.write() as unit:
        over = [row.id for row in await offers.open_on(unit, 1)]
        for one in over:
            await offers.queue_again(unit, one, 1, 1, town.at)
    async with town.database.read() as unit:
        queue = select(enrolment.c.id).where(enrolment.c.state == "waiting").order_by(enrolment.c.queue)
        assert list((await unit.run(queue)).scalars()) == [3, 2]


async def test_an_offer_that_runs_out_twice_at_once_runs_out_once(town: Town, chat: Open) -> None:
    _activity, (ann, *_others) = await full(town, chat, "Ann", "Bob", "Cat", "Dan")
    await gives_up(ann)
    town.at += timedelta(hours=25)
    await asyncio.gather(*(on_offer.lapse(town.database, town.city, town.at) for _replica in range(4)))
    assert await states(town) == ["cancelled", "waiting", "offered", "waiting"]
    assert await taken(town) == 1
    async with town.database.read() as unit:
        lapses = select(audit.c.id).where(audit.c.deed == "lapse")
        assert len(list(await unit.run(lapses))) == 1


async def test_without_a_second_look_under_the_lock_an_offer_runs_out_again(
    town: Town, chat: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: whoever believes what was read before the lock takes the seat from the next as well."""
    _activity, (ann, *_others) = await full(town, chat, "Ann", "Bob", "Cat", "Dan")
    await gives_up(ann)
    town.at += timedelta(hours=25)
    async with town.database.read() as unit:
        stale = await offers.open_on(unit, 1, town.at)

    async def as_read_before(*_of_it: object) -> object:
        return stale

    monkeypatch.setattr(offers, "open_on", as_read_before)
    for _replica in range(2):
        async with town.database.write() as unit:
            await on_offer._lapse(unit, town.city, 1, SATURDAY, town.at)
    assert await states(town) != ["cancelled", "waiting", "offered", "waiting"]


async def test_near_the_start_the_seat_is_given_at_once(town: Town, chat: Open) -> None:
    _activity, (ann, bob) = await full(town, chat, "Ann", "Bob", starts=timedelta(minutes=110))
    await gives_up(ann)
    await town.waits(seconds=5)
    assert told(bob) == ["A seat came free and it is yours: Reading to children"]
    assert await states(town) == ["cancelled", "joined"]


async def test_a_seat_that_clashes_by_now_is_not_taken(town: Town, chat: Open) -> None:
    _activity, (ann, bob) = await full(town, chat, "Ann", "Bob")
    other = await town.publishes(chat("Olga"), "Planting trees", SATURDAY + timedelta(hours=1))
    await bob.joins(other)
    await gives_up(ann)
    assert "overlaps with Planting trees" in await bob.opens("accept", 2)
    assert "Thank you" in await bob.picks("No, let it go on")
    assert await states(town) == ["cancelled", "cancelled", "joined"]


async def test_more_seats_go_to_the_queue_in_its_order(town: Town, chat: Open) -> None:
    activity, (_ann, bob, cat, dan) = await full(town, chat, "Ann", "Bob", "Cat", "Dan")
    olga = chat("Olga")
    await olga.opens("manage", activity)
    assert "Seats: 1, taken: 1" in await olga.picks("Number of seats")
    assert "2 went to the queue" in await olga.says("3")
    await town.waits(seconds=5)
    assert [len(told(one)) for one in (bob, cat, dan)] == [1, 1, 0]
    assert await states(town) == ["joined", "offered", "offered", "waiting"]
    await olga.opens("seats", activity)
    assert "from 3" in await olga.says("1")


async def test_only_whoever_looks_after_it_changes_the_seats(town: Town, chat: Open) -> None:
    activity, (ann, *_rest) = await full(town, chat, "Ann", "Bob")
    assert "no such activity" in await ann.opens("seats", activity)
    assert "no such activity" in await ann.opens("relocate", activity)


async def test_a_move_asks_everybody_anew_and_offers_anew(town: Town, chat: Open) -> None:
    activity, (ann, bob, cat) = await full(town, chat, "Ann", "Bob", "Cat")
    olga = chat("Olga")
    await olga.opens("seats", activity)
    await olga.says("2")
    await ann.opens("coming", 1)
    assert await states(town) == ["confirmed", "offered", "waiting"]
    await olga.opens("move", activity)
    await olga.says("Sun 9:00-11:00")
    assert "3 people will be told" in await olga.picks("Yes")
    assert await states(town) == ["joined", "offered", "waiting"]
    await town.waits(seconds=5)
    assert "Are you still coming?" in ann.pushed()[-1].text
    assert "Your sign-up still waits" in cat.pushed()[-1].text
    assert "Sun 29 Nov 09:00" in bob.pushed()[-1].text
    assert "see you" in await ann.says("1")
    assert (await states(town))[0] == "confirmed"


async def test_another_place_is_told_with_the_same_question(town: Town, chat: Open) -> None:
    activity, (ann,) = await full(town, chat, "Ann")
    olga = chat("Olga")
    await olga.opens("manage", activity)
    await olga.picks("Another place")
    await olga.says("朝阳区 望京街道办事处")
    assert "1 person will be told" in await olga.picks("Yes")
    await town.waits(seconds=5)
    assert "望京街道办事处" in ann.pushed()[-1].text
    assert "Are you still coming?" in ann.pushed()[-1].text


async def test_giving_a_seat_up_late_says_what_follows_first(town: Town, chat: Open) -> None:
    _activity, (ann,) = await full(town, chat, "Ann")
    town.at = SATURDAY - timedelta(hours=13)
    await ann.opens("leave", 1)
    assert "noted" not in ann.text
    town.at = SATURDAY - timedelta(hours=11)
    await ann.opens("leave", 1)
    assert "ended Fri 27 Nov 22:00. It will be noted as given up late" in ann.text
    assert "why" in await ann.picks("Yes, give it up")
    await ann.picks("Family")
    async with town.database.read() as unit:
        row = (await unit.run(select(enrolment))).one()
    assert (row.state, row.ended_by, row.reason, row.late) == ("cancelled", "self", "family", 60)


# --- A promise needs a yes ------------------------------------------------------------------------------------------


async def counted(who: Chat) -> str:
    """What they read of promises that were not kept."""
    return await who.says("promises")


async def closed(town: Town) -> None:
    """Everything is over, and whoever did not come is absent."""
    async with town.database.write() as unit:
        await enrolments.close_ended(unit, town.at, town.at)


async def test_whoever_cannot_come_to_the_new_time_gives_nothing_up_late(town: Town, chat: Open) -> None:
    # The organiser moved it to tonight, and the volunteer was told that they were too late.
    olga, ann, bob = chat("Olga"), chat("Ann"), chat("Bob")
    activity = await town.publishes(olga, "Reading to children", SATURDAY)
    for who in (ann, bob):
        await who.joins(activity)
    town.at += timedelta(hours=2)
    await olga.opens("move", activity)
    await olga.says("today 18:00-20:00")
    await olga.says("yes")
    await town.waits(seconds=5)
    town.at += timedelta(hours=2)
    assert "costs you nothing" in ann.pushed()[-1].text
    await ann.says("2")
    assert "Give up Reading to children" in ann.text
    assert "late" not in ann.text
    await ann.picks("Yes, give it up")
    await ann.picks("Family")
    assert "You kept every promise" in await counted(ann)
    await bob.says("1")  # yes to the new time: now it is a promise like any other
    await bob.opens("leave", 2)
    assert "It will be noted as given up late" in bob.text


async def test_whoever_never_said_yes_to_the_new_place_has_broken_no_promise(town: Town, chat: Open) -> None:
    olga, ann, bob = chat("Olga"), chat("Ann"), chat("Bob")
    activity = await town.publishes(olga, "Reading to children", SATURDAY)
    for who in (ann, bob):
        await who.joins(activity)
        await who.opens("coming", 1 if who is ann else 2)
    await olga.opens("relocate", activity)
    await olga.says("朝阳区 望京公园北门")
    await olga.says("yes")
    await bob.opens("coming", 2)
    town.at = (SATURDAY + timedelta(days=1)).astimezone(town.at.tzinfo)
    await closed(town)
    assert await states(town) == ["absent", "absent"]
    assert "You kept every promise" in await counted(ann)
    assert "Yours count 2 now" in await counted(bob)
    await olga.opens("excuse", activity)
    assert olga.sees("Ann Lee") in olga.text
    assert "2. " not in olga.text  # of whoever promised nothing, nothing is to be excused
    async with town.database.write() as unit:
        await unit.run(update(enrolment).values(promised=True))
    assert "Yours count 2 now" in await counted(ann)  # without the guard


async def test_a_seat_that_was_given_near_the_start_is_no_promise_before_the_yes(town: Town, chat: Open) -> None:
    # It was given 90 minutes before, and giving it up was late from the first moment.
    _activity, (ann, bob, cat) = await full(town, chat, "Ann", "Bob", "Cat", starts=timedelta(hours=4))
    await town.waits(hours=2, minutes=30)
    await gives_up(ann)
    await town.waits(seconds=5)
    assert "A seat came free and it is yours: Reading to children" in told(bob)
    await bob.opens("leave", 2)
    assert "Give up" in bob.text
    assert "late" not in bob.text
    await bob.picks("Yes, give it up")
    await town.waits(seconds=5)
    assert "The seat" not in cat.text
    assert await states(town) == ["cancelled", "cancelled", "joined"]
    town.at += timedelta(days=1)
    await closed(town)
    assert await states(town) == ["cancelled", "cancelled", "absent"]
    for who in (bob, cat):
        assert "You kept every promise" in await counted(who)


async def test_a_seat_that_was_given_and_taken_with_a_yes_is_one(town: Town, chat: Open) -> None:
    _activity, (ann, bob) = await full(town, chat, "Ann", "Bob", starts=timedelta(hours=4))
    await town.waits(hours=2, minutes=30)
    await gives_up(ann)
    await town.waits(seconds=5)
    assert "see you" in await bob.opens("coming", 2)
    town.at += timedelta(days=1)
    await closed(town)
    assert "Yours count 2 now" in await counted(bob)


async def test_a_seat_that_was_held_and_taken_is_a_promise(town: Town, chat: Open) -> None:
    _activity, (ann, bob) = await full(town, chat, "Ann", "Bob")
    await gives_up(ann)
    await town.waits(seconds=5)
    async with town.database.write() as unit:
        await unit.run(update(enrolment).where(enrolment.c.id == 2).values(promised=False))  # moved since they queued
    assert "The seat is yours" in await bob.opens("accept", 2)
    town.at = (SATURDAY + timedelta(days=1)).astimezone(town.at.tzinfo)
    await closed(town)
    assert "Yours count 2 now" in await counted(bob)


async def test_each_place_in_a_queue_counts_those_who_stand_before_it(town: Town, chat: Open) -> None:
    _activity, (_ann, *waiting) = await full(town, chat, "Ann", "Bob", "Cat", "Dan")
    async with town.database.write() as unit:
        await unit.run(update(enrolment).where(enrolment.c.id == 3).values(admitted=False))
    for who, place in ((waiting[0], 1), (waiting[2], 2)):  # who is not let in yet stands before nobody
        await who.says("my")
        assert f"number {place} in the queue" in who.labels[0]


async def test_each_thing_that_was_called_off_is_told_by_its_own_name(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    for title, day in (("Reading to children", 0), ("Planting trees", 1)):
        activity = await town.publishes(olga, title, SATURDAY + timedelta(days=day))
        await ann.joins(activity)
        await olga.opens("calloff", activity)
        await olga.picks("Yes, call it off")
    assert "Called off by the organiser: Reading to children" in await ann.opens("coming", 1)
    assert "Called off by the organiser: Planting trees" in await ann.opens("coming", 2)


async def test_nobody_has_to_come_to_what_was_called_off(town: Town, chat: Open) -> None:
    # An old “Yes, I am coming” was answered with “Good, see you”, and everybody who had joined was absent in the end.
    olga, ann, bob, eve = chat("Olga"), chat("Ann"), chat("Bob"), chat("Eve")
    activity = await town.publishes(olga, "Reading to children", SATURDAY, seats=1)
    await ann.joins(activity)
    await bob.joins(activity)
    await olga.opens("calloff", activity)
    await olga.picks("Yes, call it off")
    off = "Called off by the organiser: Reading to children, Sat 28 Nov 10:00. You need not come."
    for script in ("coming", "leave", "booking", "accept"):
        assert off in await ann.opens(script, 1)
    for script in ("companions", "together", "passon"):
        await ann.opens(script, 1)
        assert "Reading" not in ann.text
    assert off in await eve.opens("activity", activity)
    assert "no such sign-up" in await eve.opens("coming", 1)
    town.at = (SATURDAY + timedelta(days=1)).astimezone(town.at.tzinfo)
    await closed(town)
    assert await states(town) == ["cancelled", "cancelled"]
    async with town.database.read() as unit:
        assert set((await unit.run(select(enrolment.c.ended_by))).scalars()) == {"organiser"}
    for who in (ann, bob):
        assert "You kept every promise" in await counted(who)
        assert off in await who.opens("coming", 1 if who is ann else 2)


async def test_what_was_called_off_before_sign_ups_ended_with_it_counts_for_nobody(town: Town, chat: Open) -> None:
    """Rows that an older program left absent; the control is the same row of an activity that took place."""
    ann = chat("Ann")
    await ann.joins(await town.publishes(chat("Olga"), "Reading to children", SATURDAY))
    town.at = (SATURDAY + timedelta(days=1)).astimezone(town.at.tzinfo)
    await closed(town)
    assert "Yours count 2 now" in await counted(ann)
    async with town.database.write() as unit:
        await unit.run(update(activities).values(state="cancelled"))
    assert "You kept every promise" in await counted(ann)


async def test_a_button_pressed_after_the_start_promises_no_meeting_and_asks_nothing(town: Town, chat: Open) -> None:
    # “Good, see you Sat 28 Nov 10:00” was said at 11.
    ann = chat("Ann")
    await ann.joins(await town.publishes(chat("Olga"), "Reading to children", SATURDAY))
    assert "see you" in await ann.opens("coming", 1)
    assert "How many" in await ann.opens("companions", 1)  # control: before the start
    await ann.says("cancel")
    town.at = SATURDAY + timedelta(minutes=1)
    assert "It has begun" in await ann.opens("coming", 1)
    assert "Check in" in ann.labels
    assert "no such sign-up" in await ann.opens("companions", 1)


async def test_whoever_comes_to_a_new_time_hears_of_their_other_seat_then(town: Town, chat: Open) -> None:
    olga, ann, bob = chat("Olga"), chat("Ann"), chat("Bob")
    reading = await town.publishes(olga, "Reading to children", SATURDAY)
    trees = await town.publishes(olga, "Planting trees", SATURDAY + timedelta(days=1))
    await ann.joins(reading)
    await ann.joins(trees)
    await bob.joins(reading)
    await olga.opens("move", reading)
    await olga.says("Sun 10:00-12:00")
    await olga.says("yes")
    assert "you also have a seat in Planting trees" in await ann.opens("coming", 1)
    assert [label for label in ann.labels if "Planting trees" in label]
    assert await bob.opens("coming", 3) == "Good, see you Sun 29 Nov 10:00 at 颐和园东门."  # control
