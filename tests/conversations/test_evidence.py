"""How a presence is proven: what is kept of each way, what it is worth, what is refused; on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from bot.domain.attendance import ACTIVITY_TRIES
from storage.tables.enrolment import attendance, enrolment, record, wrong_code
from storage.tables.evidence import evidence
from storage.tables.messages import inbox
from storage.tables.people import consent, conversation
from tests.conversations.kit import MONDAY, SECRECY, Chat, Town, goes_to

SATURDAY = MONDAY + timedelta(days=5)
SECOND = timedelta(seconds=1)

Open = Callable[..., Chat]

pytestmark = pytest.mark.parametrize("door", ["telegram", "wechat"])


async def pieces(town: Town) -> list[tuple[str, str]]:
    """Every piece of evidence there is, in order."""
    async with town.database.read() as unit:
        rows = await unit.run(select(evidence).order_by(evidence.c.id))
        return [(row.part, row.kind) for row in rows]


async def first(town: Town, column: Any) -> Any:
    """One value of the only row."""
    async with town.database.read() as unit:
        return (await unit.run(select(column))).scalar_one()


async def scans(town: Town, who: Chat, activity: int) -> str:
    return await who.opens("checkin", activity, (await town.code(activity)).token)


async def test_each_step_leaves_a_piece_and_the_record_shows_them(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.joins(activity)
    goes_to(town, SATURDAY)
    await scans(town, ann, activity)
    town.at += timedelta(hours=2)
    await ann.says("checkout")
    await ann.says((await town.code(activity)).digits)
    assert await pieces(town) == [("arrival", "link"), ("departure", "code")]
    async with town.database.read() as unit:
        steps = list((await unit.run(select(evidence.c.step).order_by(evidence.c.id))).scalars())
    assert steps == [int(SATURDAY.timestamp()) // 15, int(town.at.timestamp()) // 15]
    await ann.says("records")
    await ann.picks("Reading")
    assert "B: proven from one side." in ann.text
    await ann.picks("How it was proven")
    assert "10:00 · arrival · the code on the wall, scanned" in ann.text
    assert "12:00 · departure · the code on the wall, typed" in ann.text
    number = await first(town, record.c.id)
    bob = chat("Bob")
    assert "scanned" not in await bob.opens("proven", number)  # nobody else's


async def test_what_is_taken_back_stays_written_down_and_proves_nothing(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.joins(activity)
    goes_to(town, SATURDAY)
    await scans(town, ann, activity)
    await ann.says("undo")
    town.at += timedelta(minutes=5)
    await ann.says((await town.code(activity)).digits)
    assert await pieces(town) == [("arrival", "link"), ("arrival", "takenback"), ("arrival", "code")]
    assert await first(town, attendance.c.arrived) == SATURDAY + timedelta(minutes=5)


# --- The windows, to the second -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "taken"),
    [
        (SATURDAY - timedelta(minutes=60) - SECOND, False),
        (SATURDAY - timedelta(minutes=60), True),
        (SATURDAY + timedelta(hours=2) - SECOND, True),
        (SATURDAY + timedelta(hours=2), False),
    ],
)
async def test_check_in_opens_and_closes_to_the_second(town: Town, chat: Open, moment: Any, taken: bool) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.joins(activity)
    goes_to(town, moment)
    assert ("Checked in at" in await scans(town, ann, activity)) is taken
    assert len(await pieces(town)) == int(taken)


@pytest.mark.parametrize(
    ("after", "taken"), [(timedelta(minutes=15), True), (timedelta(minutes=15) + SECOND, False)]
)
async def test_a_while_after_the_end_ones_own_word_is_not_taken_as_of_now(
    town: Town, chat: Open, after: timedelta, taken: bool
) -> None:
    """What happened before: whoever went home early and wrote two hours later got the planned hours as a gift."""
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.joins(activity)
    goes_to(town, SATURDAY)
    await scans(town, ann, activity)
    goes_to(town, SATURDAY + timedelta(hours=2) + after)
    await ann.says("checkout")
    assert ("2 hours were counted" in await ann.picks("No screen here")) is taken
    async with town.database.read() as unit:
        assert (await unit.run(select(func.count()).select_from(record))).scalar_one() == int(taken)


@pytest.mark.parametrize(("late", "taken"), [(-SECOND, True), (timedelta(0), False)])
async def test_the_code_checks_out_for_two_hours_after_the_end(
    town: Town, chat: Open, late: timedelta, taken: bool
) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.joins(activity)
    goes_to(town, SATURDAY)
    await scans(town, ann, activity)
    goes_to(town, SATURDAY + timedelta(hours=4) + late)
    answer = await ann.opens("checkout", activity, (await town.code(activity)).token)
    assert ("2 hours were counted" in answer) is taken


# --- In two places ------------------------------------------------------------------------------------------------


async def in_two_places(town: Town, chat: Open) -> tuple[Chat, int, int]:
    """Ann, checked in here, with a seat there that overlaps: the two were put at one time after she had joined."""
    olga = chat("Olga")
    here = await town.publishes(olga, "Here", SATURDAY)
    there = await town.publishes(olga, "There", SATURDAY + timedelta(hours=3))
    ann = chat("Ann")
    await ann.joins(here)
    await ann.joins(there)
    await olga.opens("move", there)
    await olga.says("Sat 11:00-13:00")
    await olga.picks("Yes")
    goes_to(town, SATURDAY)
    assert "Checked in" in await scans(town, ann, here)
    return ann, here, there


async def test_a_second_check_in_that_overlaps_asks_to_end_the_first(town: Town, chat: Open) -> None:
    ann, here, there = await in_two_places(town, chat)
    town.at += timedelta(minutes=75)
    assert "You are still checked in: Here." in await scans(town, ann, there)
    assert "Checked in at 11:15: There" in await ann.picks("Yes, I have left there")
    async with town.database.read() as unit:
        rows = await unit.run(select(enrolment.c.state).order_by(enrolment.c.id))
        assert list(rows.scalars()) == ["left", "arrived"]
        assert list((await unit.run(select(record.c.activity, record.c.minutes))).all()) == [(here, 75)]


async def test_a_no_changes_nothing_in_either_place(town: Town, chat: Open) -> None:
    ann, _here, there = await in_two_places(town, chat)
    town.at += timedelta(minutes=75)
    await scans(town, ann, there)
    await ann.picks("No")
    assert await pieces(town) == [("arrival", "link")]


async def test_what_has_ended_is_in_nobodys_way(town: Town, chat: Open) -> None:
    """Control."""
    ann, _here, there = await in_two_places(town, chat)
    town.at += timedelta(hours=2)
    assert "Checked in at 12:00: There" in await scans(town, ann, there)


# --- The place ----------------------------------------------------------------------------------------------------

HERE = (39.9998, 116.2755)
"""Where the town's activities are."""

FAR_OFF = (39.9300, 116.4300)


async def arrived(town: Town, chat: Open, kind: str = "environment") -> Chat:
    activity = await town.publishes(chat("Olga"), "Cleaning the canal", SATURDAY, kind=kind)
    ann = chat("Ann")
    await ann.joins(activity)
    goes_to(town, SATURDAY)
    await scans(town, ann, activity)
    return ann


async def test_a_place_is_a_second_evidence_after_its_own_consent_and_is_not_kept(town: Town, chat: Open) -> None:
    ann = await arrived(town, chat)
    await ann.picks("Show that I am there")
    assert "Where you are is sensitive." in ann.text
    async with town.database.read() as unit:
        asked = select(func.count()).select_from(consent).where(consent.c.purpose == "place")
        assert (await unit.run(asked)).scalar_one() == 0
    await ann.picks("I agree")
    assert "you are there" in await ann.shares_place(*HERE)
    assert await pieces(town) == [("arrival", "link"), ("arrival", "place")]
    async with town.database.read() as unit:
        row = (await unit.run(select(evidence).where(evidence.c.kind == "place"))).one()
        assert (row.band, row.accuracy) == ("inside", 20)
        assert (await unit.run(asked)).scalar_one() == 1
        rows = await unit.run(select(conversation))
        kept = [SECRECY.open_json(one.session, f"conversation:{one.person}") for one in rows]
        raw = list((await unit.run(select(inbox.c.raw))).scalars())
    assert "116.275" not in str(kept) + str(raw) + str(tuple(row))
    assert "no place to show" in await ann.opens("there", 1)  # once is enough


async def test_the_second_time_the_place_is_asked_for_without_the_notice(town: Town, chat: Open) -> None:
    ann = await arrived(town, chat)
    await ann.picks("Show that I am there")
    await ann.picks("I agree")
    await ann.shares_place(*HERE)
    await ann.says("undo")
    goes_to(town, SATURDAY + timedelta(minutes=20))
    await scans(town, ann, 1)
    assert "share your place now" in await ann.picks("Show that I am there")


async def test_without_consent_nothing_is_asked_and_the_check_in_stands(town: Town, chat: Open) -> None:
    ann = await arrived(town, chat)
    await ann.picks("Show that I am there")
    assert "checked in all the same" in await ann.picks("No")
    await ann.shares_place(*HERE)
    assert await pieces(town) == [("arrival", "link")]


async def test_from_far_off_the_organiser_has_to_look(town: Town, chat: Open) -> None:
    ann = await arrived(town, chat)
    await ann.picks("Show that I am there")
    await ann.picks("I agree")
    assert "The organiser will look" in await ann.shares_place(*FAR_OFF)
    async with town.database.read() as unit:
        assert (await unit.run(select(evidence.c.band).where(evidence.c.kind == "place"))).scalar_one() == "away"


async def test_online_service_asks_for_no_place(town: Town, chat: Open) -> None:
    ann = await arrived(town, chat, kind="online")
    assert not any("Show that" in label for label in ann.labels)
    assert "no place to show" in await ann.opens("there", 1)


async def test_nobody_shows_a_place_for_somebody_else(town: Town, chat: Open) -> None:
    await arrived(town, chat)
    bob = chat("Bob")
    assert "no place to show" in await bob.opens("there", 1)


# --- Codes that are guessed or passed on ----------------------------------------------------------------------------


async def guesses(town: Town, activity: int, wrong: int) -> None:
    """So many wrong codes at an activity, by people of whom each has tried once."""
    async with town.database.write() as unit:
        rows = [{"person": 10_000 + one, "activity": activity, "at": town.at} for one in range(wrong)]
        await unit.run(insert(wrong_code), rows)


@pytest.mark.parametrize(("before", "closed"), [(ACTIVITY_TRIES - 2, False), (ACTIVITY_TRIES - 1, True)])
async def test_the_wrong_code_that_closes_typed_codes_is_told_to_the_organiser_once_an_hour(
    town: Town, chat: Open, before: int, closed: bool
) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    activity = await town.publishes(olga, "Reading to children", SATURDAY)
    await ann.joins(activity)
    goes_to(town, SATURDAY)
    await olga.says("menu")
    for _round in range(2):
        await guesses(town, activity, before)
        assert "does not fit" in await ann.opens("checkin", activity, "00000000")
        if closed:
            assert "too many wrong codes" in await ann.opens("checkin", activity, (await town.code(activity)).digits)
        await town.waits(minutes=2)
        await town.waits(seconds=5)
        told = [page for page in olga.pushed() if "guessing check-in codes" in page.text]
        assert len(told) == int(closed)
    assert "Checked in" in await ann.opens("checkin", activity, (await town.code(activity)).digits)  # a minute later
    assert not any("guessing" in page.text for page in ann.pushed())


async def test_whoever_is_guessed_at_in_the_next_hour_too_is_told_again(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    activity = await town.publishes(olga, "Reading to children", SATURDAY)
    await ann.joins(activity)
    goes_to(town, SATURDAY)
    await olga.says("menu")
    for told in (1, 2):
        await guesses(town, activity, ACTIVITY_TRIES - 1)
        await ann.opens("checkin", activity, "00000000")
        await town.waits(minutes=1)
        await town.waits(minutes=59)
        assert sum("guessing check-in codes" in page.text for page in olga.pushed()) == told


async def test_the_organiser_sees_whose_code_may_have_been_passed_on_and_why(town: Town, chat: Open) -> None:
    olga = chat("Olga")
    activity = await town.publishes(olga, "Cleaning the canal", SATURDAY)
    names = ("Ann Lee", "Bob Lee", "Cy Lee", "Dee Lee")
    crowd = [chat(name) for name in names]
    for number, (one, name) in enumerate(zip(crowd, names, strict=True)):
        await one.opens("join", activity)
        for said in ("yes", name, f"1380013800{number}", "yes"):
            await one.says(said)
    goes_to(town, SATURDAY)
    for one in crowd:
        await scans(town, one, activity)
        town.at += timedelta(minutes=1)
    await olga.opens("roster", activity)
    assert "showed no place" not in olga.text  # control: nobody has shared a place yet
    for number, one in enumerate(crowd[:3], 1):
        await one.opens("there", number)
        await one.picks("I agree")
        await one.shares_place(*HERE)
    await olga.opens("roster", activity)
    assert olga.text.count("(showed no place, while most others did)") == 1
    await olga.opens("vouch", activity)
    assert "Look at these one by one:" in olga.text
    assert f"4. {olga.sees('Dee Lee')}: showed no place" in olga.text
    assert "Confirmed: 3 people." in await olga.picks("I confirm")
    await olga.opens("vouchfor", activity, 4)
    await olga.opens("roster", activity)
    assert "showed no place" not in olga.text  # the organiser has looked
