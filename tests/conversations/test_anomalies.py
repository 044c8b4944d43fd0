"""What is odd about who was there, from the conversation that makes it so to the look of the centre above."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.domain.roles import Role
from bot.domain.rulesets import SHIPPED
from storage.tables.matters import matter
from tests.conversations.campaign_kit import CHAOYANG
from tests.conversations.kit import Chat, Town, goes_to
from tests.conversations.test_ledger import DISTRICT, SATURDAY, appointed, minutes_of, rows, told, watched
from tests.conversations.test_linking import link as linked
from tests.conversations.test_linking import other as another
from tests.conversations.test_on_the_spot import own

Open = Callable[..., Chat]

RULES = SHIPPED.named("beijing-2026")
NAMES = ("Ann", "Bea", "Cleo", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida", "Jo", "Kim", "Lea")

pytestmark = pytest.mark.parametrize("door", ["telegram", "wechat"])


async def called(chat: Open, activity: int, name: str, phone: str) -> Chat:
    """Somebody with a seat and a telephone number."""
    one = chat(name)
    await one.opens("join", activity)
    for said in ("yes", f"{name} Lee", phone, "yes"):
        await one.says(said)
    assert "You are in" in one.text
    return one


async def opened(town: Town, chat: Open) -> tuple[Chat, Chat, int]:
    """Olga's activity on Saturday morning, and Dora of the centre above."""
    olga, dora = chat("Olga"), chat("Dora")
    activity = await town.publishes(olga, "Reading to children", SATURDAY, seats=30)
    await appointed(town, dora, Role.CENTRE, place=DISTRICT)
    return olga, dora, activity


async def come_and_go(town: Town, activity: int, people: Sequence[Chat], apart: timedelta) -> None:
    """By the code on the wall, one after another, all of them before it begins; nobody goes before it ends."""
    goes_to(town, SATURDAY - len(people) * apart)
    for one in people:
        await one.opens("checkin", activity, (await town.code(activity)).token)
        town.at += apart
    goes_to(town, SATURDAY + timedelta(hours=2))
    for one in people:
        await one.opens("checkout", activity, (await town.code(activity)).token)
        town.at += apart
    assert await minutes_of(town) == [120] * len(people)


async def reviews(town: Town) -> list[tuple[str, int, int]]:
    """(rule, found, limit) of what the centre is asked to look at, after two looks over the records."""
    await watched(town, minutes=11)
    await watched(town)
    found = await rows(town, select(matter).order_by(matter.c.id))
    assert {row.kind for row in found} <= {"review"}
    return [(row.facts["rule"], row.facts["found"], row.facts["limit"]) for row in found]


async def looks(town: Town, dora: Chat, reads: str) -> None:
    """Dora is told, reads why, and finds it fine; nobody loses a minute by it."""
    before = await minutes_of(town)
    assert "something is unusual" in await told(town, dora)
    await dora.says("matters")
    await dora.picks("Please look: ")
    assert reads in dora.text
    await dora.picks("I looked")
    assert "nothing is wrong" in await dora.says("I asked them, and it was so.")
    assert await minutes_of(town) == before
    await watched(town)
    assert [row.state for row in await rows(town, select(matter))] == ["settled"]


# --- phone -----------------------------------------------------------------------------------------------------------


async def family(town: Town, chat: Open, number: int) -> Chat:
    """So many people with one telephone number were there, and one with another."""
    _olga, dora, activity = await opened(town, chat)
    alike = [await called(chat, activity, NAMES[one], "13800138000") for one in range(number)]
    other = await called(chat, activity, "Zoe", "13900139000")
    await come_and_go(town, activity, [*alike, other], timedelta(minutes=1))
    return dora


async def test_one_telephone_number_for_several_is_looked_at_once(town: Town, chat: Open) -> None:
    dora = await family(town, chat, RULES.shared_phone)
    assert await reviews(town) == [("phone", RULES.shared_phone, RULES.shared_phone)]
    await looks(town, dora, f"{RULES.shared_phone} people with one telephone number at this activity.")


async def test_a_family_with_one_telephone_is_nothing_to_look_at(town: Town, chat: Open) -> None:
    """The control."""
    dora = await family(town, chat, RULES.shared_phone - 1)
    assert await reviews(town) == []
    assert "Nothing waits for you." in await dora.says("matters")


# --- burst -----------------------------------------------------------------------------------------------------------


async def rush(town: Town, chat: Open, apart: timedelta) -> Chat:
    """As many people as are a burst, each with a telephone of their own, came by code so far apart."""
    _olga, dora, activity = await opened(town, chat)
    people = [await called(chat, activity, NAMES[one], f"138001380{one:02}") for one in range(RULES.burst_people)]
    await come_and_go(town, activity, people, apart)
    return dora


async def test_very_many_arrivals_within_seconds_are_looked_at_once(town: Town, chat: Open) -> None:
    dora = await rush(town, chat, timedelta(seconds=1))
    assert await reviews(town) == [("burst", RULES.burst_people, RULES.burst_people)]
    await looks(town, dora, f"{RULES.burst_people} arrivals by code within seconds: the code may have gone round.")


async def test_the_same_people_one_after_another_are_nothing_to_look_at(town: Town, chat: Open) -> None:
    """The control."""
    await rush(town, chat, 2 * RULES.burst_within / RULES.burst_people)
    assert await reviews(town) == []


async def test_of_several_that_wait_each_says_what_is_unusual(town: Town, chat: Open) -> None:
    """They stood one under the other as “something is unusual”, with nothing to choose by."""
    dora = await rush(town, chat, timedelta(seconds=1))
    await reviews(town)
    await dora.says("matters")
    assert any("very many arrivals at once" in label for label in dora.labels)


async def test_a_centre_that_asked_for_a_correction_follows_what_came_of_it(town: Town, chat: Open) -> None:
    """“There is no such matter that is yours to see”, it read, once it had asked."""
    dora, olga = await rush(town, chat, timedelta(seconds=1)), chat("Olga")
    await reviews(town)
    [number] = [row.id for row in await rows(town, select(matter))]
    await dora.says("matters")
    await dora.picks("very many arrivals at once")
    await dora.picks("Ask for a correction")
    await dora.says("Please look at who was there.")
    assert "Please look at who was there." in await dora.opens("matter", number)
    assert not [label for label in dora.labels if label in ("I looked: nothing is wrong", "Ask for a correction")]
    await olga.opens("matter", number)
    await olga.picks("Leave the record as it is")
    await olga.says("They came by one bus.")
    await dora.opens("matter", number)
    assert "They came by one bus." in dora.text
    assert "I looked: nothing is wrong" in dora.labels


async def test_control_who_never_spoke_in_it_sees_nothing_of_it(town: Town, chat: Open) -> None:
    await rush(town, chat, timedelta(seconds=1))
    await reviews(town)
    [number] = [row.id for row in await rows(town, select(matter))]
    far = chat("Fara")
    await appointed(town, far, Role.CENTRE, place=CHAOYANG)
    for one in (far, chat("Olga"), chat("Ann")):
        assert "no such matter" in await one.opens("matter", number)


async def test_what_was_found_is_not_said_to_be_read_by_anybody(town: Town, chat: Open) -> None:
    dora = await rush(town, chat, timedelta(seconds=1))
    await reviews(town)
    await dora.says("matters")
    await dora.picks("very many arrivals at once")
    assert "It is kept with this matter" in await dora.picks("I looked")


# --- own -------------------------------------------------------------------------------------------------------------


async def with_the_organiser(town: Town, chat: Open) -> tuple[Chat, Chat, int]:
    """Olga has a seat at her own activity."""
    olga, dora, activity = await opened(town, chat)
    await olga.opens("join", activity)
    for said in ("yes", "Olga Lee", "13800138000", "yes"):
        await olga.says(said)
    goes_to(town, SATURDAY)
    return olga, dora, activity


async def test_who_leads_and_reads_their_own_code_is_looked_at(town: Town, chat: Open) -> None:
    olga, dora, _activity = await with_the_organiser(town, chat)
    _number, _token, digits = await own(olga)
    assert f"{olga.sees('Olga Lee')} here, 10:00" in await olga.says(f"{digits} here")
    town.at += timedelta(hours=2)
    await olga.says("checkout")
    await olga.picks("No screen here")
    assert await reviews(town) == [("own", 1, 0)]
    await looks(town, dora, "Somebody of the organisation entered their own hours.")


async def test_who_leads_and_comes_by_the_code_on_the_wall_is_like_everybody(town: Town, chat: Open) -> None:
    """The control."""
    olga, _dora, activity = await with_the_organiser(town, chat)
    await come_and_go(town, activity, [olga], timedelta())
    assert await reviews(town) == []


# --- outside ---------------------------------------------------------------------------------------------------------


async def early_bird(town: Town, chat: Open, moved: bool) -> Chat:
    """Ann came an hour early; then the activity was moved to the afternoon, or not, and she stayed to its end."""
    olga, dora, activity = await opened(town, chat)
    ann = await called(chat, activity, "Ann", "13800138000")
    goes_to(town, SATURDAY - timedelta(minutes=59))
    await ann.opens("checkin", activity, (await town.code(activity)).token)
    assert "Checked in at 09:01" in ann.text
    ends = SATURDAY + timedelta(hours=2)
    if moved:
        await olga.opens("move", activity)
        await olga.says("Sat 13:00-15:00")
        assert "1 person will be told" in await olga.picks("Yes")  # who is there already too
        ends += timedelta(hours=3)
    goes_to(town, ends)
    await ann.opens("checkout", activity, (await town.code(activity)).token)
    assert "2 hours were counted" in ann.text
    return dora


async def test_an_arrival_outside_the_hours_of_check_in_is_looked_at(town: Town, chat: Open) -> None:
    dora = await early_bird(town, chat, moved=True)
    assert await reviews(town) == [("outside", 179, 0)]
    await looks(town, dora, "179 minutes outside the hours in which people can check in and out.")


async def test_an_early_arrival_within_them_is_nothing_to_look_at(town: Town, chat: Open) -> None:
    """The control."""
    await early_bird(town, chat, moved=False)
    assert await reviews(town) == []


# --- reader ----------------------------------------------------------------------------------------------------------


async def own_codes(town: Town, chat: Open, apart: timedelta) -> Chat:
    """As many people as are a burst showed their own codes to Olga, so far apart; a telephone of their own each."""
    olga, dora, activity = await opened(town, chat)
    people = [await called(chat, activity, NAMES[one], f"138001380{one:02}") for one in range(RULES.burst_people)]
    goes_to(town, SATURDAY)
    shown = [(await own(one))[:2] for one in people]
    for number, token in shown:
        assert "here" in await olga.opens("present", number, token)
        town.at += apart
    goes_to(town, SATURDAY + timedelta(hours=2))
    for one in people:
        await one.opens("checkout", activity, (await town.code(activity)).token)
    return dora


async def test_own_codes_read_faster_than_people_can_show_them_are_looked_at_once(town: Town, chat: Open) -> None:
    dora = await own_codes(town, chat, timedelta(seconds=1))
    assert await reviews(town) == [("reader", RULES.burst_people, RULES.burst_people)]
    await looks(town, dora, f"{RULES.burst_people} people's own codes were read within seconds")


async def test_own_codes_read_one_after_another_are_nothing_to_look_at(town: Town, chat: Open) -> None:
    """The control."""
    await own_codes(town, chat, 2 * RULES.burst_within / RULES.burst_people)
    assert await reviews(town) == []


# --- once-one --------------------------------------------------------------------------------------------------------


async def in_two_chats(town: Town, chat: Open, door: str, undone: bool) -> Chat:
    """Ann and another chat are both signed up and come by code; before, they were linked, or were never."""
    _olga, dora, activity = await opened(town, chat)
    ann, there = chat("Ann"), another(town, door)
    await ann.says("menu")
    await there.says("menu")
    if undone:
        await linked(ann, there)
        await ann.says("unlink")
        await ann.picks("Yes, undo it")
    for one, phone in ((ann, "13800138000"), (there, "13900139000")):
        await one.opens("join", activity)
        for said in ("yes", "Ann Lee", phone, "yes"):
            await one.says(said)
    await come_and_go(town, activity, [ann, there], timedelta(minutes=1))
    return dora


async def test_two_who_had_been_one_person_are_looked_at_once(town: Town, chat: Open, door: str) -> None:
    """Linking and undoing it would make two volunteers of one telephone."""
    dora = await in_two_chats(town, chat, door, undone=True)
    assert await reviews(town) == [("once-one", 1, 0)]
    await looks(town, dora, "1 pair here had linked their chats as one person, and undid it.")


async def test_two_who_were_never_one_are_nothing_to_look_at(town: Town, chat: Open, door: str) -> None:
    """The control."""
    await in_two_chats(town, chat, door, undone=False)
    assert await reviews(town) == []
