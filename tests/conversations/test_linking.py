"""Two chats, one person: a code and two yes, everything of one with the other, and back again within a week."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update

from bot.desk import privacy as ticks
from bot.domain.enrolment import Stand
from bot.domain.linking import Place, better, code_of, meeting, new_code
from storage import linking as store
from storage import people, turns
from storage.database import Unit
from storage.prepared import Prepared
from storage.tables.enrolment import attendance, audit, enrolment, record
from storage.tables.people import consent, conversation, identity, person, subscription
from tests.conversations.kit import DOORS, MONDAY, SECRECY, Chat, Town, number_of
from tests.seats import miscounted
from tests.waiting import somebody_waits_for

SATURDAY = MONDAY + timedelta(days=5)
SUNDAY = MONDAY + timedelta(days=6)

Open = Callable[..., Chat]


async def code_from(chat: Chat) -> str:
    await chat.says("link")
    await chat.picks("Show me a code")
    found = re.search(r"Your code: (\w{4}) (\w{4})", chat.text)
    assert found, chat.text
    return found[1] + found[2]


async def link(shows: Chat, types: Chat, name: str = "") -> str:
    """The whole way; `name`: which name stays, where there are two."""
    code = await code_from(shows)
    await types.says(f"link {code}")
    assert "go back to the other chat" in await types.picks("both are mine")
    await shows.says("link")
    if name:
        await shows.picks(name)
    return await shows.picks("both are mine")


async def introduced(town: Town, who: Chat, activity: int, name: str, phone: str = "13800138000") -> str:
    await who.opens("join", activity)
    for said in ("yes", name, phone):
        await who.says(said)
    return await who.says("yes")


def other(town: Town, door: str, name: str = "Ann elsewhere") -> Chat:
    """The same person at another door."""
    doors = sorted(DOORS)
    return Chat(town, doors[(doors.index(door) + 1) % len(doors)], name)


async def all_rows(town: Town) -> dict[str, list[tuple[Any, ...]]]:
    """What linking touches, as it stands: everything that undoing must bring back."""
    tables = {
        "identity": select(identity.c.id, identity.c.person),
        "enrolment": select(
            enrolment.c.id, enrolment.c.shift, enrolment.c.person, enrolment.c.queue, enrolment.c.state
        ),
        "attendance": select(attendance.c.id, attendance.c.person),
        "record": select(record.c.id, record.c.person, record.c.minutes, record.c.state),
        "subscription": select(subscription.c.person, subscription.c.topic, subscription.c.value),
        "consent": select(consent.c.id, consent.c.person),
        "person": select(person.c.id, person.c.number, person.c.born, person.c.phone_index, person.c.merged),
    }
    async with town.database.read() as unit:
        found = {name: sorted(tuple(row) for row in await unit.run(rows)) for name, rows in tables.items()}
        ids = list((await unit.run(select(person.c.id))).scalars())
        names = await people.personal(unit, SECRECY, ids)
    return found | {"names": sorted((id_, *both) for id_, both in names.items())}


async def minutes_of(town: Town, who: Chat) -> int:
    id_ = await number_of(town, who)
    async with town.database.read() as unit:
        total = select(func.coalesce(func.sum(record.c.minutes), 0)).where(record.c.person == id_)
        return int((await unit.run(total)).scalar_one())


async def attends(town: Town, who: Chat, activity: int, starts: datetime) -> None:
    town.at = starts.astimezone(town.at.tzinfo)
    await who.opens("checkin", activity, (await town.code(activity)).token)
    town.at += timedelta(hours=2)
    await who.says("checkout")
    await who.says((await town.code(activity)).digits)


# --- Code and consent of both -------------------------------------------------------------------------------------


async def test_two_chats_become_one_person_when_both_have_agreed(town: Town, chat: Open, door: str) -> None:
    ann, there = chat("Ann"), other(town, door)
    one = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    two = await town.publishes(chat("Olga"), "Reading to children", SUNDAY)
    await introduced(town, ann, one, "Ann Lee")
    await introduced(town, there, two, "Ann Lee")
    await there.opens("subscribe", "kind", "environment")
    code = await code_from(ann)
    await there.says("link")
    await there.picks("I have a code")
    await there.says(code.lower())
    assert "A***" in there.text
    assert "Only agree if the other chat is yours" in there.text
    await there.picks("both are mine")
    assert await number_of(town, ann) != await number_of(town, there)  # one yes is not enough
    await ann.says("link")
    assert "both chats are you now" in await ann.picks("both are mine")
    assert await number_of(town, ann) == await number_of(town, there)
    for each in (ann, there):
        await each.says("my")
        assert {"Planting", "Reading"} <= {label.split(" ")[0] for label in each.labels}
    assert "environment" in (await ann.says("subscriptions")).lower() + " ".join(ann.labels).lower()


async def test_a_no_of_either_side_leaves_two(town: Town, chat: Open, door: str) -> None:
    ann, there = chat("Ann"), other(town, door)
    code = await code_from(ann)
    await there.says(f"link {code}")
    assert "stay apart" in await there.picks("No")
    await there.says(f"link {code}")
    await there.picks("both are mine")
    await ann.says("link")
    assert "stay apart" in await ann.picks("No")
    await ann.says("link")
    assert "Which one is this?" in ann.text
    assert await number_of(town, ann) != await number_of(town, there)


async def test_a_code_works_for_ten_minutes_once_and_never_for_oneself(town: Town, chat: Open, door: str) -> None:
    ann, there = chat("Ann"), other(town, door)
    code = await code_from(ann)
    assert "this chat's own code" in await ann.says(f"link {code}")
    town.at += timedelta(minutes=10)
    assert "wrong or too old" in await there.says(f"link {code}")
    old, new = await code_from(ann), await code_from(ann)
    assert "wrong or too old" in await there.says(f"link {old}")
    town.at += timedelta(minutes=9)
    assert "Make these two one person?" in await there.says(f"link {new}")  # control
    await there.picks("both are mine")
    third = Chat(town, door, "Somebody else")
    assert "wrong or too old" in await third.says(f"link {new}")


async def test_after_five_wrong_codes_even_the_right_one_waits(town: Town, chat: Open, door: str) -> None:
    ann, there = chat("Ann"), other(town, door)
    code = await code_from(ann)
    for _try in range(5):
        await there.says("link K7PM3QRX")
    assert "Too many wrong codes" in await there.says(f"link {code}")
    town.at += timedelta(minutes=10)
    code = await code_from(ann)
    assert "Make these two" in await there.says(f"link {code}")  # control: after the pause it is taken


async def test_four_wrong_codes_do_not_stop_the_right_one(town: Town, chat: Open, door: str) -> None:
    """Control."""
    ann, there = chat("Ann"), other(town, door)
    code = await code_from(ann)
    for _try in range(4):
        await there.says("link K7PM3QRX")
    assert "Make these two" in await there.says(f"link {code}")


@pytest.mark.parametrize("_again", range(20))
def test_a_code_is_read_however_it_is_grouped_and_is_never_a_check_in_code(_again: int) -> None:
    code = new_code()
    assert code_of(f" {code[:4].lower()}-{code[4:]} ") == code
    assert not code.isdecimal()
    assert code_of("1234 5678") is None


# --- What becomes of what both have ---------------------------------------------------------------------------------


async def test_of_two_names_one_is_chosen_and_the_other_comes_back_with_the_undo(
    town: Town, chat: Open, door: str
) -> None:
    ann, there = chat("Ann"), other(town, door)
    one = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    two = await town.publishes(chat("Olga"), "Reading to children", SUNDAY)
    await introduced(town, ann, one, "Ann Lee")
    await introduced(town, there, two, "Bella Wang", "13912345678")
    before = await all_rows(town)
    await link(ann, there, "of the other chat")
    await ann.says("mydata")
    assert f"Name: {ann.sees('Bella Wang')}" in ann.text
    assert "5678" in ann.text
    await there.says("unlink")
    await there.picks("Yes, undo it")
    assert await all_rows(town) == before


async def test_of_a_shift_that_is_over_or_was_given_up_nothing_is_decided(town: Town, chat: Open, door: str) -> None:
    """“The better place stays, the other is given up” was said of an activity that was long over."""
    ann, there = chat("Ann"), other(town, door)
    activity = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=2)
    for one in (there, ann):
        await introduced(town, one, activity, "Ann Lee")
    code = await code_from(ann)
    assert "Both signed up to Planting trees" in await there.says(f"link {code}")  # control
    await there.picks("No")
    town.at = SATURDAY + timedelta(days=3)
    code = await code_from(ann)
    assert "Both signed up" not in await there.says(f"link {code}")


async def test_of_two_sign_ups_to_one_shift_the_better_stays_and_the_seat_goes_on(
    town: Town, chat: Open, door: str
) -> None:
    ann, there, bob = chat("Ann"), other(town, door), chat("Bob")
    activity = await town.publishes(chat("Olga"), "Planting trees", SATURDAY, seats=2)
    await introduced(town, there, activity, "Ann Lee")
    await introduced(town, ann, activity, "Ann Lee")
    assert "number 1 in the queue" in await introduced(town, bob, activity, "Bob", "13912345678")
    code = await code_from(ann)
    await there.says(f"link {code}")
    assert "Both signed up to Planting trees" in there.text
    await there.picks("both are mine")
    await ann.says("link")
    assert "Both signed up to Planting trees" in ann.text
    await ann.picks("both are mine")
    async with town.database.read() as unit:
        assert await miscounted(unit) == 0
        rows = (await unit.run(select(enrolment.c.person, enrolment.c.state).order_by(enrolment.c.queue))).all()
    kept = await number_of(town, ann)
    assert tuple(rows[0]) == (kept, "joined")
    assert rows[1].state == "cancelled"
    assert tuple(rows[2]) == (await number_of(town, bob), "offered")
    await town.waits(seconds=5)
    assert "A seat came free" in bob.pushed()[0].text
    await ann.says("my")
    assert len([label for label in ann.labels if "Planting" in label]) == 1


async def test_the_undo_gives_a_seat_back_where_nobody_took_it_and_else_the_old_number_in_the_queue(
    town: Town, chat: Open, door: str
) -> None:
    ann, there, bob = chat("Ann"), other(town, door), chat("Bob")
    free = await town.publishes(chat("Olga"), "Free seats", SATURDAY, seats=5)
    full = await town.publishes(chat("Olga"), "Few seats", SUNDAY, seats=2)
    for activity in (free, full):
        for who, name in ((ann, "Ann Lee"), (there, "Ann Lee")):
            await (introduced(town, who, activity, name) if activity == free else who.joins(activity))
    before = await all_rows(town)
    await link(ann, there)
    await introduced(town, bob, full, "Bob", "13912345678")
    await ann.says("unlink")
    assert "old place in its queue" in await ann.picks("Yes, undo it")
    async with town.database.read() as unit:
        assert await miscounted(unit) == 0
    after = await all_rows(town)
    assert after["enrolment"][:3] == before["enrolment"][:3]
    assert after["enrolment"][3] == (*before["enrolment"][3][:4], "waiting")
    assert after["identity"][:2] == before["identity"][:2]


async def test_minutes_are_added_and_no_minute_counts_twice(town: Town, chat: Open, door: str) -> None:
    ann, there = chat("Ann"), other(town, door)
    one = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    same_time = await town.publishes(chat("Olga"), "Reading to children", SATURDAY + timedelta(hours=1))
    later = await town.publishes(chat("Olga"), "Tidying up", SUNDAY)
    await introduced(town, ann, one, "Ann Lee")
    await introduced(town, there, same_time, "Ann Lee")
    await there.joins(later)
    await attends(town, ann, one, SATURDAY)
    await attends(town, there, same_time, SATURDAY + timedelta(hours=1))
    await attends(town, there, later, SUNDAY)
    assert (await minutes_of(town, ann), await minutes_of(town, there)) == (120, 240)
    before = await all_rows(town)
    await link(ann, there)
    assert await minutes_of(town, ann) == 300  # 10–13 once, and two hours on Sunday
    assert "5 hours" in await there.says("hours")
    await ann.says("unlink")
    await ann.picks("Yes, undo it")
    assert await all_rows(town) == before


async def test_subscriptions_of_both_are_one_and_come_back(town: Town, chat: Open, door: str) -> None:
    ann, there = chat("Ann"), other(town, door)
    for who in (ann, there):
        await who.opens("subscribe", "kind", "environment")
    await there.opens("subscribe", "kind", "elderly")
    before = await all_rows(town)
    await link(ann, there)
    async with town.database.read() as unit:
        mine = await people.subscriptions(unit, await number_of(town, ann))
        assert await people.subscribers(unit, [("kind", "environment")]) == 1
    assert len(mine) == 2
    await ann.says("undo")
    await ann.picks("Yes, undo it")
    assert await all_rows(town) == before


async def test_roles_and_habits_follow_the_person(town: Town, chat: Open, door: str) -> None:
    ann, there = chat("Ann"), other(town, door)
    await there.says("hello")
    await town.has_organisation(there)
    await ann.opens("elder", "on")
    await link(ann, there)
    await there.says("menu")
    assert "For organisers" in " ".join(there.labels) + there.text
    await there.says("settings")
    assert "Elder mode: on" in " ".join(there.labels) + there.text


async def test_after_a_week_it_is_for_ever_and_no_second_name_is_kept(town: Town, chat: Open, door: str) -> None:
    ann, there = chat("Ann"), other(town, door)
    activity = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    await introduced(town, there, activity, "Ann Lee")
    shell = await number_of(town, there)
    await link(ann, there)
    town.at += timedelta(days=7, minutes=1)
    await ticks.tick(town.database, town.city, town.at)
    assert "no link that could be undone" in await ann.says("unlink")
    async with town.database.read() as unit:
        row = (await unit.run(select(person).where(person.c.id == shell))).one()
    assert (row.name, row.phone) == (None, None)
    assert there.sees("Ann Lee") in await there.says("mydata")


async def test_what_came_about_since_the_link_stays_where_it_is(town: Town, chat: Open, door: str) -> None:
    ann, there = chat("Ann"), other(town, door)
    one = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    two = await town.publishes(chat("Olga"), "Reading to children", SUNDAY)
    await introduced(town, there, one, "Ann Lee")
    await link(ann, there)
    await there.joins(two)
    await ann.says("unlink")
    await ann.picks("Yes, undo it")
    await there.says("my")
    assert "Planting" in " ".join(there.labels)
    await ann.says("my")
    assert "Reading" in " ".join(ann.labels)


# --- The same phone ---------------------------------------------------------------------------------------------------


async def test_the_same_phone_number_offers_linking_and_never_links_by_itself(
    town: Town, chat: Open, door: str
) -> None:
    ann, there, bob = chat("Ann"), other(town, door), chat("Bob")
    activity = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    await introduced(town, ann, activity, "Ann Lee")
    assert "I use another chat too" not in " ".join(ann.labels)  # control: the number was new
    await introduced(town, there, activity, "Ann Lee", "+86 138-0013-8000")
    assert "I use another chat too" in " ".join(there.labels)
    assert await number_of(town, ann) != await number_of(town, there)
    await introduced(town, bob, activity, "Bob", "13912345678")
    assert "I use another chat too" not in " ".join(bob.labels)


# --- Pure rules -------------------------------------------------------------------------------------------------------


def test_the_better_place_is_further_on_and_of_two_alike_the_earlier() -> None:
    def place(stand: Stand, queue: int) -> Place:
        return Place(queue, queue, stand, queue)

    assert better(place(Stand.WAITING, 1), place(Stand.JOINED, 2)).queue == 2
    assert better(place(Stand.WAITING, 3), place(Stand.WAITING, 2)).queue == 2
    assert better(place(Stand.COMPLETED, 9), place(Stand.LEFT, 1)).queue == 9
    assert better(place(Stand.CANCELLED, 1), place(Stand.ABSENT, 2)).queue == 2


@given(st.lists(st.integers(0, 400), max_size=8), st.lists(st.integers(0, 400), max_size=8))
def test_records_of_two_meet_where_they_begin_near_each_other(mine: list[int], theirs: list[int]) -> None:
    """Against looking at every pair."""
    one, other = ([MONDAY + timedelta(hours=at) for at in sorted(ats)] for ats in (mine, theirs))
    near = timedelta(days=2)
    assert meeting(one, other, near) == [at for at in one if any(abs(at - moment) <= near for moment in other)]


@pytest.mark.parametrize(("seconds", "meet"), [(0, True), (-1, True), (1, False)])
def test_records_exactly_so_far_apart_still_meet(seconds: int, meet: bool) -> None:
    near = timedelta(days=2)
    for way in (near + timedelta(seconds=seconds), -near - timedelta(seconds=seconds)):
        assert bool(meeting([SATURDAY], [SATURDAY + way], near)) is meet


@pytest.mark.parametrize("changed", [
    lambda code: code[:-1], lambda code: code + code[-1], lambda code: "2" + code[1:], lambda code: code[:-1] + "!",
    lambda code: code[:-1] + "0", lambda code: "",
])  # fmt: skip
def test_what_only_looks_like_a_code_is_none(changed: Callable[[str], str]) -> None:
    code = new_code()
    assert code_of(code) == code
    assert code_of(changed(code)) is None


# --- Two addresses at once --------------------------------------------------------------------------------------------


async def turns_of(town: Town, chat: Chat) -> int:
    id_ = await number_of(town, chat)
    async with town.database.read() as unit:
        sealed = (await unit.run(select(conversation.c.session).where(conversation.c.person == id_))).scalar_one()
        turn: int = unit.secrecy.open_json(sealed, f"conversation:{id_}")["turn"]
    return turn


async def test_two_addresses_writing_at_once_are_one_person_in_one_order(town: Town, chat: Open, door: str) -> None:
    """The person's row is the queue: no turn is lost between two doors, whatever process they come through."""
    ann, there = chat("Ann"), other(town, door)
    await link(ann, there)
    before = await turns_of(town, ann)
    await asyncio.gather(*(who.says("menu") for _round in range(6) for who in (ann, there)))
    assert await turns_of(town, ann) == before + 12


@pytest.mark.parametrize("engine", [pytest.param("postgresql", marks=pytest.mark.postgres)])
@pytest.mark.parametrize("door", ["telegram"])
async def test_without_the_lock_on_the_person_turns_are_lost(
    town: Town, chat: Open, door: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control."""
    ann, there = chat("Ann"), other(town, door)
    await link(ann, there)
    before = await turns_of(town, ann)
    locked = Prepared.compiled

    def unlocked(statement: Prepared, dialect: Any) -> Any:
        made = locked(statement, dialect)
        return replace(made, sql=re.sub(r"\s*FOR (NO KEY )?UPDATE( OF [\w, ]+)?", "", made.sql))

    begin, both = turns.begin, asyncio.Barrier(2)

    async def together(unit: Unit, *rest: Any) -> Any:
        """Both have read the conversation before either goes on; the machine's pace does not decide it."""
        met = await begin(unit, *rest)
        await asyncio.wait_for(both.wait(), 30)
        return met

    monkeypatch.setattr(Prepared, "compiled", unlocked)
    monkeypatch.setattr(turns, "begin", together)
    await asyncio.gather(ann.says("menu"), there.says("menu"))
    assert await turns_of(town, ann) == before + 1


@pytest.mark.parametrize("door", ["telegram"])
async def test_whoever_writes_while_being_linked_is_the_person_that_they_became(
    town: Town, chat: Open, door: str
) -> None:
    ann, there = chat("Ann"), other(town, door)
    code = await code_from(ann)
    await there.says(f"link {code}")
    await there.picks("both are mine")
    await ann.says("link")
    await asyncio.gather(ann.picks("both are mine"), *(there.says("hello") for _round in range(4)))
    kept = await number_of(town, there)
    assert kept == await number_of(town, ann)
    await there.opens("subscribe", "kind", "environment")
    async with town.database.read() as unit:
        assert (await unit.run(select(subscription.c.person))).scalars().all() == [kept]


@pytest.mark.parametrize("door", ["telegram"])
async def test_a_turn_that_waited_for_the_link_does_not_write_to_the_empty_shell(
    town: Town, chat: Open, door: str
) -> None:
    """It had found its person before they were linked; the row that it waited for says who they are now."""
    ann, there = chat("Ann"), other(town, door)
    await ann.says("hello")
    await there.says("hello")
    kept, gone = await number_of(town, ann), await number_of(town, there)
    async with town.database.write() as unit:
        await store.lock(unit, [kept, gone])
        await unit.run(update(person).where(person.c.id == gone).values(merged=kept))
        waits = asyncio.create_task(there.opens("subscribe", "kind", "environment"))
        await somebody_waits_for(unit)
        await unit.run(update(identity).where(identity.c.person == gone).values(person=kept))
    await waits
    async with town.database.read() as unit:
        assert (await unit.run(select(subscription.c.person))).scalars().all() == [kept]


async def test_linking_stands_in_the_audit(town: Town, chat: Open, door: str) -> None:
    ann, there = chat("Ann"), other(town, door)
    await link(ann, there)
    await ann.says("unlink")
    await ann.picks("Yes, undo it")
    async with town.database.read() as unit:
        deeds = select(audit.c.deed).where(audit.c.deed.in_(("link", "unlink"))).order_by(audit.c.id)
        assert (await unit.run(deeds)).scalars().all() == ["link", "unlink"]


async def test_whoever_is_being_erased_cannot_be_linked(town: Town, chat: Open, door: str) -> None:
    ann, there = chat("Ann"), other(town, door)
    code = await code_from(ann)
    async with town.database.write() as unit:
        await unit.run(update(person).values(erasing=town.at + timedelta(days=7)))
        await unit.run(insert(identity).values(person=await unmarked(unit, town), door=there.door, external=there.name))
    assert "wrong or too old" in await there.says(f"link {code}")


async def unmarked(unit: Any, town: Town) -> int:
    made = insert(person).values(number="V23456789A", created=town.at).returning(person.c.id)
    id_ = int((await unit.run(made)).scalar_one())
    sealed = unit.secrecy.seal_json({}, f"conversation:{id_}")
    await unit.run(insert(conversation).values(person=id_, session=sealed))
    return id_


# --- What somebody does wrong with a code --------------------------------------------------------------------------


async def test_a_code_typed_in_the_chat_that_shows_it_is_no_wrong_try(town: Town, chat: Open, door: str) -> None:
    # It was “wrong or too old” before, and cost a try.
    ann = chat("Ann")
    code = await code_from(ann)
    for _time in range(6):
        assert "this chat's own code" in await ann.says(f"link {code}")
    ann_there = other(town, door)
    assert "both are mine" in " ".join(ann_there.labels) or await ann_there.says(f"link {code}")
    await ann_there.picks("both are mine")
    assert "go back to the other chat" in await ann_there.says(f"link {code}")  # a second time: the other side is next


async def test_guessing_goes_on_being_counted_while_the_other_chat_has_not_answered(
    town: Town, chat: Open, door: str
) -> None:
    ann, ann_there = chat("Ann"), other(town, door)
    code = await code_from(ann)
    await ann_there.says(f"link {code}")
    await ann_there.picks("both are mine")
    for last in "KPMQRT":
        await ann_there.says(f"link K7PM3QR{last}")
    assert "Too many wrong codes" in ann_there.text


async def test_the_last_wrong_code_says_to_wait_and_not_that_no_tries_are_left(town: Town, chat: Open) -> None:
    ann = chat("Ann")
    for last in "KPMQ":
        await ann.says(f"link K7PM3QR{last}")
    assert "You have 1 more try." in ann.text
    assert "wait ten minutes" in await ann.says("link K7PM3QRT")
    assert "Too many wrong codes" in await ann.says("link K7PM3QRV")


async def test_whoever_did_not_mean_it_can_say_no_where_a_name_is_asked_for(
    town: Town, chat: Open, door: str
) -> None:
    # Only the two names stood there before, as if the link were settled.
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    ann, eve = chat("Ann"), other(town, door, "Eve")
    await introduced(town, ann, trees, "Ann Lee")
    await introduced(town, eve, trees, "Eve Gray", "13900139000")
    code = await code_from(ann)
    await eve.says(f"link {code}")
    assert "1 sign-up, 0 h, 0 subscriptions" in eve.text
    await eve.picks("both are mine")
    await ann.says("link")
    assert "the chats stay apart" in await ann.picks("the other chat is not mine")
    assert await number_of(town, ann) != await number_of(town, eve)
    assert "Which one is this?" in await ann.says("link")
