"""What nothing else shows: claims, a forgotten check-out, the organiser's word, hours entered by hand; their grades."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.desk.records import close_shifts
from storage.tables.claims import claim
from storage.tables.enrolment import record
from storage.tables.evidence import evidence
from tests.conversations.kit import SECRECY, Chat, Town, goes_to, states
from tests.conversations.test_roll import SATURDAY, gathered

Open = Callable[..., Chat]

pytestmark = pytest.mark.parametrize("door", ["telegram", "wechat"])

END = SATURDAY + timedelta(hours=2)


async def records(town: Town) -> list[tuple[int, str]]:
    async with town.database.read() as unit:
        rows = await unit.run(select(record.c.minutes, record.c.grade).order_by(record.c.id))
        return [(row.minutes, row.grade) for row in rows]


async def closes(town: Town) -> None:
    async with town.database.write() as unit:
        await close_shifts(unit, town.city, town.at)


async def claims(town: Town, who: Chat, times: str = "10:00-11:30") -> str:
    """Ann says that she was there, with a photo."""
    await who.says("claim")
    await who.picks("Reading")
    await who.says(times)
    await who.says("I read to the small ones.")
    return await who.sends_photo()


async def scans(town: Town, who: Chat, activity: int) -> None:
    assert "Checked in" in await who.opens("checkin", activity, (await town.code(activity)).token)


# --- A claim ------------------------------------------------------------------------------------------------------


async def test_a_claim_counts_with_grade_c_once_the_organiser_has_approved_it(town: Town, chat: Open) -> None:
    olga, _activity, (ann, *_rest) = await gathered(town, chat)
    goes_to(town, END + timedelta(hours=3))
    await closes(town)
    assert "The organiser will decide" in await claims(town, ann)
    assert await records(town) == []
    await olga.says("organise")
    await olga.picks("1 claim to decide")
    await olga.picks(olga.sees("Ann Lee"))
    assert "I read to the small ones." in olga.text
    assert "With a photo" in olga.text
    assert "It counts 1.5 h, with grade C." in await olga.picks("Approve")
    assert await records(town) == [(90, "C")]
    for _one in range(3):  # one message a second in a chat: “how was it?” may come first
        await town.waits(seconds=5)
    assert any("approved your claim: Reading to children" in page.text for page in ann.pushed())
    town.at += timedelta(seconds=1)  # what is shown later is what a typed number means
    await ann.says("records")
    await ann.picks("Reading")
    assert "C: a claim that the organiser approved." in ann.text
    await ann.picks("How it was proven")
    assert "your own claim · with a photo" in ann.text
    assert "no such claim to decide" in await olga.opens("decide", 1)  # once


async def test_a_declined_claim_counts_nothing_and_its_owner_reads_why(town: Town, chat: Open) -> None:
    olga, _activity, (ann, *_rest) = await gathered(town, chat)
    goes_to(town, END + timedelta(hours=3))
    await claims(town, ann)
    await olga.opens("decide", 1)
    await olga.picks("Decline")
    assert "they will be told" in await olga.says("Nobody saw you there.")
    assert await records(town) == []
    await town.waits(seconds=5)
    assert "declined your claim" in ann.pushed()[-1].text
    assert "Nobody saw you there." in await ann.opens("claimed", 1)
    await ann.says("claim")
    assert any("Reading" in label for label in ann.labels)  # it can be claimed again


async def test_of_a_photo_only_a_fingerprint_is_kept_and_the_words_are_sealed(town: Town, chat: Open) -> None:
    _olga, _activity, (ann, *_rest) = await gathered(town, chat)
    goes_to(town, END + timedelta(hours=3))
    await claims(town, ann)
    async with town.database.read() as unit:
        row = (await unit.run(select(claim))).one()
    assert row.photo == SECRECY.index("photo:file")
    assert b"small ones" not in row.what


async def test_the_same_photo_with_a_second_claim_is_pointed_out(town: Town, chat: Open) -> None:
    olga, _activity, (ann, bob, _cy) = await gathered(town, chat)
    goes_to(town, END + timedelta(hours=3))
    await claims(town, ann)
    await claims(town, bob)
    assert "Careful" not in await olga.opens("decide", 1)
    assert "Careful: the same photo" in await olga.opens("decide", 2)


async def test_nobody_decides_on_their_own_claim_or_on_those_of_others_organisations(town: Town, chat: Open) -> None:
    olga, activity, (ann, bob, _cy) = await gathered(town, chat)
    goes_to(town, SATURDAY - timedelta(hours=1))
    await olga.joins(activity)
    goes_to(town, END + timedelta(hours=3))
    await claims(town, ann)
    await claims(town, olga)
    assert "no such claim to decide" in await bob.opens("decide", 1)
    assert "no such claim to decide" in await olga.opens("decide", 2)
    assert await olga.opens("decide", 2) == await olga.opens("decide", 999)


async def test_only_what_is_missing_can_be_claimed_and_only_inside_the_shift(town: Town, chat: Open) -> None:
    olga, _activity, (ann, bob, _cy) = await gathered(town, chat)
    assert "nothing of yours to claim" in await ann.says("claim")  # it has not ended
    await olga.says("1 here")
    goes_to(town, END)
    await olga.says("1 left")
    assert "nothing of yours to claim" in await ann.says("claim")
    assert "nothing of yours to claim" in await ann.opens("claim", 2)  # another's
    await bob.opens("claim", 2)
    assert "inside Sat 28 Nov 10:00–12:00" in await bob.says("9:00-11:00")
    goes_to(town, END + timedelta(days=31))
    assert "nothing of yours to claim" in await bob.says("claim")


# --- A forgotten check-out ------------------------------------------------------------------------------------------


async def test_whoever_forgot_is_covered_until_the_end_and_finds_the_way_to_say_when(town: Town, chat: Open) -> None:
    """They were covered for an hour after they came, and the record of nothing led to a dispute only."""
    _olga, activity, (ann, *_rest) = await gathered(town, chat)
    await scans(town, ann, activity)
    goes_to(town, END + timedelta(hours=2, minutes=1))
    await closes(town)
    async with town.database.read() as unit:
        row = (await unit.run(select(record.c.cover_starts, record.c.cover_ends))).one()
    assert (row.cover_starts, row.cover_ends) == (SATURDAY - timedelta(hours=1), END + timedelta(hours=1))
    assert "there was no check-out" in await ann.opens("record", 1)
    assert "When did you leave?" in await ann.picks("Tell when I left")


async def test_nobody_is_covered_on_the_way_to_what_has_no_place(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    activity = await town.publishes(olga, "Translating", SATURDAY, kind="online")
    await ann.joins(activity)
    goes_to(town, SATURDAY)
    await scans(town, ann, activity)
    goes_to(town, END)
    await ann.says("checkout")
    await ann.picks("No screen here")
    assert "way there and back" not in await ann.opens("record", 1)
    async with town.database.read() as unit:
        assert (await unit.run(select(record.c.minutes, record.c.cover_starts))).one() == (120, None)


async def test_who_forgot_to_check_out_is_asked_and_the_answer_waits_for_the_organiser(town: Town, chat: Open) -> None:
    olga, activity, (ann, *_rest) = await gathered(town, chat)
    await scans(town, ann, activity)
    goes_to(town, END + timedelta(minutes=31))
    await town.waits(seconds=3)
    asked = ann.pushed()[-1]
    assert "Did you leave at the end?" in asked.text
    ann.pages = (asked,)
    assert "you checked in at 10:00" in await ann.picks("Tell when I left")
    await ann.says("11:15")
    await ann.says("I read to the small ones.")
    await ann.picks("No photo")
    goes_to(town, END + timedelta(hours=3))
    await closes(town)
    assert await records(town) == [(0, "B")]  # never the planned hours as a gift
    await olga.opens("decide", 1)
    await olga.picks("Approve")
    assert await records(town) == [(75, "C")]
    async with town.database.read() as unit:
        assert (await unit.run(select(func.count()).select_from(record))).scalar_one() == 1


async def test_leaving_on_ones_own_word_long_after_the_end_becomes_a_claim(town: Town, chat: Open) -> None:
    _olga, activity, (ann, *_rest) = await gathered(town, chat)
    await scans(town, ann, activity)
    goes_to(town, END + timedelta(minutes=16))
    await ann.says("checkout")
    assert "When did you leave?" in await ann.picks("No screen here")
    await ann.picks("At the end")
    await ann.says("I read to the small ones.")
    assert "The organiser will decide" in await ann.picks("No photo")
    assert await records(town) == []


# --- The organiser's word ---------------------------------------------------------------------------------------------


async def test_the_organisers_word_lifts_one_sided_presences(town: Town, chat: Open) -> None:
    olga, activity, (ann, bob, cy) = await gathered(town, chat)
    for one in (ann, bob, cy):
        await scans(town, one, activity)
    await bob.opens("there", 2)
    await bob.picks("I agree")
    await bob.shares_place(39.93, 116.43)
    goes_to(town, END)
    for one in (ann, bob, cy):
        await one.says("checkout")
        await one.says((await town.code(activity)).digits)
    assert await records(town) == [(120, "B")] * 3
    await olga.opens("vouch", activity)
    assert f"Look at these one by one:\n2. {olga.sees('Bob Lee')}: shared a place that is not there" in olga.text
    assert "confirm that the others were there" in olga.text
    assert "Confirmed: 2 people." in await olga.picks("I confirm")
    assert await records(town) == [(120, "A"), (120, "B"), (120, "A")]
    await olga.opens("vouch", activity)
    assert "Confirmed: 1 person." in await olga.picks(f"Confirm 2. {olga.sees('Bob Lee')} all the same")
    assert await records(town) == [(120, "A")] * 3
    assert "Nobody waits for your word" in await olga.opens("vouch", activity)
    before = await count(town)
    await olga.opens("vouchfor", activity, 1)
    assert await count(town) == before


async def count(town: Town) -> int:
    async with town.database.read() as unit:
        return int((await unit.run(select(func.count()).select_from(evidence))).scalar_one())


async def test_a_roll_call_alone_stays_one_sided_whatever_is_confirmed(town: Town, chat: Open) -> None:
    """Control: the organiser's word twice is still one side."""
    olga, activity, _people = await gathered(town, chat, "Ann")
    await olga.says("1 here")
    goes_to(town, END)
    await olga.says("1 left")
    await olga.opens("vouch", activity)
    await olga.picks("I confirm")
    assert await records(town) == [(120, "B")]


async def test_only_the_organiser_gives_it(town: Town, chat: Open) -> None:
    _olga, activity, (ann, *_rest) = await gathered(town, chat)
    await scans(town, ann, activity)
    goes_to(town, END)
    for script in ("vouch", "enter"):
        assert await ann.opens(script, activity) == await ann.opens(script, 999)
    assert "no such activity" in (await ann.opens("vouchfor", activity, 1)).lower()
    assert await count(town) == 1


# --- Entered by hand ------------------------------------------------------------------------------------------------


async def number_of(who: Chat) -> str:
    await who.says("my code")
    found = re.search(r"V[2-9A-Z]{9}", who.text)
    assert found
    return found[0]


async def test_hours_entered_by_hand_are_grade_d_for_ever_and_some_are_drawn(town: Town, chat: Open) -> None:
    olga, activity, (ann, *_rest) = await gathered(town, chat)
    dan = chat("Dan")
    await dan.says("hello")
    goes_to(town, END + timedelta(hours=3))
    await closes(town)
    await olga.opens("enter", activity)
    listed = [f"{await number_of(ann)} 10:00-11:30", await number_of(dan), await number_of(olga), "V222222222"]
    await olga.opens("enter", activity)
    await olga.says("\n".join(listed))
    assert "4 entries." in olga.text
    answer = await olga.picks("Enter")
    assert f"{listed[1]}: entered, grade D" in answer
    assert "is you: somebody else" in answer
    assert "nobody has that number" in answer
    assert await records(town) == [(90, "D"), (120, "D")]
    assert "their presence is known already" in await again(olga, activity, listed[1])
    await olga.opens("vouch", activity)
    assert await records(town) == [(90, "D"), (120, "D")]  # the organiser's word does not lift it
    await ann.says("records")
    await ann.picks("Reading")
    assert "D: entered by the organiser, with nothing that shows it." in ann.text
    assert await states(town) == ["left", "absent", "absent", "left"]


async def again(olga: Chat, activity: int, line: str) -> str:
    await olga.opens("enter", activity)
    await olga.says(line)
    return await olga.picks("Enter")


async def test_of_every_batch_at_least_one_is_drawn(town: Town, chat: Open) -> None:
    olga, activity, (ann, *_rest) = await gathered(town, chat, "Ann")
    goes_to(town, END + timedelta(hours=3))
    number = await number_of(ann)
    assert "Drawn for the audit: 1." in await again(olga, activity, number)
    async with town.database.read() as unit:
        assert set((await unit.run(select(evidence.c.sampled))).scalars()) == {True}


async def test_a_line_that_cannot_be_read_is_named_and_nothing_is_entered(town: Town, chat: Open) -> None:
    olga, activity, (ann, *_rest) = await gathered(town, chat, "Ann")
    goes_to(town, END + timedelta(hours=3))
    number = await number_of(ann)
    await olga.opens("enter", activity)
    assert "I cannot read this line: Ann two hours" in await olga.says(f"{number}\nAnn two hours")
    assert await records(town) == []
