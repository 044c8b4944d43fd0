"""The ledger in conversation: disputes and where they go, minutes that two recorded, corrections, public notice,
reviews, training; through every door's numbers, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.desk import counting, watching
from bot.desk.records import charted
from bot.domain.attendance import Zero
from bot.domain.matters import Said, overlap_holder
from bot.domain.records import Piece, Record
from bot.domain.roles import Role
from storage import attendance as presences
from storage import audit, erasing, people, privacy
from storage.database import Unit
from storage.tables.activities import activity, organisation
from storage.tables.activities import shift as shifts
from storage.tables.enrolment import attendance, enrolment, record
from storage.tables.matters import correction, matter, matter_word
from storage.tables.people import person
from storage.tables.proofs import certificate
from tests.conversations.kit import MONDAY, Chat, Town
from tests.conversations.test_linking import link as linked
from tests.conversations.test_linking import other as another

SATURDAY = MONDAY + timedelta(days=5)
STREET, DISTRICT, CITY = 110108001, 110108, 110000

Open = Callable[..., Chat]


async def appointed(town: Town, chat: Chat, role: Role, org: int | None = None, place: int | None = None) -> None:
    await chat.says("menu")
    async with town.database.write() as unit:
        who = await people.at_address(unit, chat.door, chat.name)
        assert who is not None
        await people.appoint(unit, who, role, org, place, town.at)


async def second_organisation(town: Town, organiser: Chat) -> int:
    async with town.database.write() as unit:
        made = organisation.insert().values(
            name="朝阳邻里互助队", english="Chaoyang Neighbours", type="residents", level="street", place=110105,
            created=town.at,
        )  # fmt: skip
        number = int((await unit.run(made.returning(organisation.c.id))).scalar_one())
    await appointed(town, organiser, Role.ORGANISER, number)
    return number


async def was_there(
    town: Town, ann: Chat, number: int, arrives: datetime = SATURDAY, hours: float = 2, code: bool = True
) -> None:
    """From the sign-up to the check-out."""
    town.at = min(town.at, (SATURDAY - timedelta(days=1)).astimezone(town.at.tzinfo))
    await ann.joins(number)
    town.at = arrives.astimezone(town.at.tzinfo)
    await ann.opens("checkin", number, (await town.code(number)).token)
    town.at += timedelta(hours=hours)
    if code:
        await ann.opens("checkout", number, (await town.code(number)).token)
    else:
        await ann.says("checkout")
        await ann.picks("No screen here")


async def watched(town: Town, **time: float) -> None:
    """Time passes, the ledger's own clock ticks, and what is to be said is said."""
    town.at += timedelta(**time)
    await watching.tick(town.database, town.city, town.at)
    await town.waits(seconds=3)
    await town.waits(seconds=3)


async def told(town: Town, chat: Chat) -> str:
    """What was said first: on WeChat only to somebody who wrote lately."""
    await chat.says("menu")
    await town.waits(seconds=3)
    return "\n".join(page.text for page in chat.pushed())


async def rows(town: Town, statement: Any) -> list[Any]:
    async with town.database.read() as unit:
        return list(await unit.run(statement))


async def minutes_of(town: Town) -> list[int]:
    return [row.minutes for row in await rows(town, select(record).order_by(record.c.id))]


async def disputed(ann: Chat, number: int = 1) -> str:
    await ann.opens("dispute", number)
    await ann.picks("It counts nothing")
    return await ann.says("I was there until the end, Olga saw me.")


# --- Hours -----------------------------------------------------------------------------------------------------------


async def test_hours_say_how_much_by_what_and_what_is_not_final(town: Town, chat: Open) -> None:
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await was_there(town, ann, number)
    answer = await ann.says("hours")
    assert "2 hours over 1 activity" in answer
    assert "2 h of it is on public notice" in answer
    assert "By kind: Environment 2 h" in answer
    assert "By organisation: Haidian Green Shoots 2 h" in answer
    assert "By proof: " in answer
    answer = await ann.opens("record", 1)
    assert "On public notice until" in answer
    assert "Covered on the way there and back, not counted: Sat 28 Nov 09:00–13:00" in answer
    assert "Counted by the rules “Beijing 2026”." in answer
    town.at += timedelta(days=7)
    assert "public notice" not in await ann.says("hours")
    await ann.says("records")
    assert any("Sat 28 Nov" in label for label in ann.labels)


async def test_few_records_are_read_once_and_many_say_the_same_in_two_parts(
    town: Town, chat: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    sound = presences.pieces

    async def pieces(unit: Unit, person: int) -> list[Piece]:
        asked.append(person)
        return await sound(unit, person)

    monkeypatch.setattr(presences, "pieces", pieces)
    ann = chat("Ann")
    await was_there(town, ann, await town.publishes(chat("Olga"), "Reading to children", SATURDAY))
    whole = await ann.says("hours")
    assert "2 hours over 1 activity" in whole
    assert asked == []
    monkeypatch.setattr("bot.desk.records.FEW", 1)
    monkeypatch.setattr("handlers.hours.LATEST", 1)
    assert await ann.says("hours") == whole
    assert len(asked) == 1  # control


async def test_the_picture_is_for_whoever_holds_its_signed_address(town: Town, chat: Open) -> None:
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    assert "No hours have been counted yet." in await ann.says("chart")
    await was_there(town, ann, number)
    await ann.says("chart")
    picture = next(page.picture for page in ann.pages if page.picture)
    assert "Total: 2 h" in ann.text
    path, query = picture.split("/months/")[1].split(".png?")
    asked = dict(part.split("=") for part in query.split("&"))
    whole = (town.database, town.city, path, asked["l"], int(asked["t"]))
    found = await charted(*whole, asked["k"], town.at)
    assert found is not None
    assert (found.total, {month: sum(parts.values()) for month, parts in found.by_month.items()}) == (
        120, {"2026-11": 120}
    )  # fmt: skip
    assert await charted(*whole, "0" * 20, town.at) is None
    assert await charted(town.database, town.city, "VAAAAAAAAA", asked["l"], 120, asked["k"], town.at) is None


async def test_training_is_kept_apart_and_what_is_no_service_counts_nothing(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    number = await town.publishes(olga, "First aid course", SATURDAY)
    await ann.opens("counting", number)
    assert "no such activity" in ann.text
    await olga.opens("counting", number)
    await olga.picks("Training")
    assert "Written down" in await olga.says("45")
    await was_there(town, ann, number)
    assert "0 h of service: training is kept apart." in ann.text
    answer = await ann.says("hours")
    assert "0 hours over 1 activity" in answer
    assert "Training, kept apart: 2 h" in answer
    assert "09:15–12:45" in await ann.opens("record", 1)


# --- Disputes --------------------------------------------------------------------------------------------------------


async def test_a_zero_is_disputed_the_recorder_corrects_it_and_a_second_person_agrees(town: Town, chat: Open) -> None:
    olga, otto, ann = chat("Olga"), chat("Otto"), chat("Ann")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await appointed(town, otto, Role.LEADER, town.organisation)
    await was_there(town, ann, number, hours=0.5, code=False)
    assert "That is wrong" in ann.labels
    answer = await disputed(ann)
    assert "until Sat 5 Dec 10:30" in answer
    assert "You have disputed this record already." in await ann.opens("dispute", 1)
    await ann.opens("record", 1)
    assert "It is wrong" not in ann.labels
    assert "What is asked about it" in ann.labels
    await watched(town)
    assert "Dispute" in await told(town, olga)
    await olga.says("matters")
    assert any(one.startswith("Dispute · Sat 28 Nov · Reading to children · ") for one in olga.labels), olga.labels
    await olga.picks("Dispute")
    assert "I was there until the end" in olga.text
    assert olga.sees("Ann Lee") in olga.text
    await olga.picks("Correct the record")
    await olga.says("10:00-12:00")
    answer = await olga.says("The roll-call shows it.")
    assert "a second person has to agree" in answer
    assert await minutes_of(town) == [0]
    assert "a correction waits" in await ann.opens("history", 1)
    await olga.opens("agree", 1)
    assert "no such correction" in olga.text  # not the first person
    await otto.says("matters")
    await otto.picks("A correction to agree to")
    assert "10:00–12:00 · 2 h" in otto.text
    assert "The roll-call shows it." in otto.text
    assert "It is corrected" in await otto.picks("Agree")
    assert await minutes_of(town) == [120]
    await watched(town)
    assert "corrected: 0 h before, 2 h now" in await told(town, ann)
    answer = await ann.opens("history", 1)
    assert "0 h: present 25 % of 50 % needed. →" in answer
    assert "The roll-call shows it." in answer
    assert "Settled: the record was corrected." in await ann.opens("matter", 1)


async def test_a_rejected_dispute_goes_up_the_tree_as_far_as_the_volunteer_takes_it(town: Town, chat: Open) -> None:
    olga, dora, ann = chat("Olga"), chat("Dora"), chat("Ann")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await appointed(town, dora, Role.CENTRE, place=DISTRICT)
    await was_there(town, ann, number, hours=0.5, code=False)
    await disputed(ann)
    await dora.opens("matter", 1)
    assert "no such matter" in dora.text  # it is not with the centre yet
    await olga.opens("matter", 1)
    await olga.picks("Leave the record")
    assert "may go to the next level" in await olga.says("Nobody saw you after half past ten.")
    await watched(town)
    assert "Rejected" in await told(town, ann)
    await ann.opens("matter", 1)
    assert "Nobody saw you after half past ten." in ann.text
    assert "next level now" in await ann.picks("Take it to the next level")
    await watched(town)
    await dora.says("matters")
    await dora.picks("Dispute")
    assert "A**" in dora.text
    assert "Ann Lee" not in dora.text
    await dora.picks("Leave the record")
    assert "next level" in await dora.says("The records agree with each other.")
    await ann.opens("matter", 1)
    await ann.picks("Take it to the next level")
    [row] = await rows(town, select(matter))
    assert (row.state, row.node) == ("open", CITY)


async def test_what_nobody_answers_goes_up_by_itself(town: Town, chat: Open) -> None:
    olga, dora, ann = chat("Olga"), chat("Dora"), chat("Ann")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await appointed(town, dora, Role.CENTRE, place=DISTRICT)
    await was_there(town, ann, number, hours=0.5, code=False)
    await disputed(ann)
    await watched(town, days=6, hours=23)
    [row] = await rows(town, select(matter))
    assert row.node is None
    await watched(town, hours=2)
    await watched(town)
    [row] = await rows(town, select(matter))
    assert row.node == DISTRICT
    assert "asked to answer" in await told(town, dora)
    assert "next level now" in await told(town, ann)
    await dora.opens("matter", 1)
    await dora.picks("Leave the record")
    await dora.says("It was too short.")
    await watched(town, days=8)  # and a rejection that nobody takes further is the end
    [row] = await rows(town, select(matter))
    assert (row.state, row.verdict) == ("settled", "rejected")


async def test_where_no_level_is_above_nobody_is_told_that_it_went_up(town: Town, chat: Open) -> None:
    """Week after week they read that it was with the next level now."""
    olga, ann = chat("Olga"), chat("Ann")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await was_there(town, ann, number, hours=0.5, code=False)
    await disputed(ann)
    await watched(town, days=8)
    assert "next level now" in await told(town, ann)  # the city's, where nobody is appointed
    before = len(ann.pushed())
    await watched(town, days=8)
    await told(town, ann)
    again = "\n".join(page.text for page in ann.pushed()[before:])
    assert "Nobody has answered in time" in again
    assert "next level now" not in again


@pytest.mark.parametrize("who", ["owner", "stranger", "other organiser"])
async def test_nobody_else_answers_and_nobody_their_own(town: Town, chat: Open, who: str) -> None:
    olga, ann, eve = chat("Olga"), chat("Ann"), chat("Eve")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await was_there(town, ann, number, hours=0.5, code=False)
    await disputed(ann)
    if who == "owner":
        await appointed(town, ann, Role.ORGANISER, town.organisation)
        eve = ann
    if who == "other organiser":
        await second_organisation(town, eve)
    await eve.opens("matter", 1)
    assert "Leave the record as it is" not in eve.labels
    assert "Correct the record" not in eve.labels
    if who != "owner":
        assert eve.text == await eve.opens("matter", 999)
        assert "no such record" in await eve.opens("amend", 1, 1)


# --- Minutes that two organisations recorded -------------------------------------------------------------------------


async def twice(town: Town, chat: Open) -> tuple[Chat, Chat, Chat]:
    """Ann was with one organisation from ten to twelve and, says another, with that one from eleven to one."""
    olga, otto, ann = chat("Olga"), chat("Otto"), chat("Ann")
    await otto.says("menu")
    first = await town.publishes(olga, "Reading to children", SATURDAY)
    mine, other = town.organisation, await second_organisation(town, otto)
    town.organisation = other
    elsewhere = await town.publishes(otto, "Clearing the yard", SATURDAY + timedelta(hours=1))
    town.organisation = mine
    await was_there(town, ann, first)
    # The second sign-up overlaps, so it is the organisations that wrote it down, not Ann's own check-in.
    async with town.database.write() as unit:
        await unit.run(update(record).values(fresh=True))
        shift = (await unit.run(select(activity.c.starts, activity.c.ends).where(activity.c.id == elsewhere))).one()
        [whose] = (await unit.run(select(record.c.person))).scalars()
        of = (await unit.run(select(shifts.c.id).where(shifts.c.activity == elsewhere))).scalar_one()
        made = enrolment.insert().values(
            shift=of, person=whose, queue=1, state="left", joined=town.at, changed=town.at
        )  # fmt: skip
        seat = (await unit.run(made.returning(enrolment.c.id))).scalar_one()
        await presences.arrive(unit, seat, whose, shift.starts, "roll")
        await presences.leave(unit, seat, shift.ends, "roll")
        span = (shift.starts, shift.ends)
        counted = await counting.worth(unit, town.city, seat, whose, *span, span)
        await counting.keep(unit, town.city, seat, counted, "A", town.at)
    town.at = (SATURDAY + timedelta(hours=4)).astimezone(town.at.tzinfo)
    return olga, otto, ann


async def test_shared_minutes_count_once_and_open_one_question_to_both(town: Town, chat: Open) -> None:
    olga, otto, ann = await twice(town, chat)
    assert await minutes_of(town) == [120, 60]
    await watched(town)
    await watched(town)
    assert len(await rows(town, select(matter))) == 1
    for one in (olga, otto, ann):
        assert "Two organisations recorded the same minutes" in await told(town, one)
    await ann.opens("matter", 1)
    assert "They were with us" not in ann.labels
    card = await ann.opens("record", 2)  # was: 1 h, and a day without its hours
    assert "Sat 28 Nov 11:00–13:00" in card
    assert "1 h of this time count in another record." in card
    assert "another record" not in await ann.opens("record", 1)  # control
    await olga.opens("matter", 1)
    assert "Clearing the yard" in olga.text
    assert "Settled" in await olga.picks("They were with the other")
    assert await minutes_of(town) == [60, 120]
    await watched(town)
    assert "settled whose the minutes are" in await told(town, otto)
    assert "3 hours over 2 activities" in await ann.says("hours")


async def test_when_both_claim_them_the_better_proven_has_them(town: Town, chat: Open) -> None:
    olga, otto, _ann = await twice(town, chat)
    await watched(town)
    await olga.opens("matter", 1)
    assert "asked as well" in await olga.picks("They were with us")
    assert await minutes_of(town) == [120, 60]
    await otto.opens("matter", 1)
    await otto.picks("They were with us")
    assert await minutes_of(town) == [60, 120]  # theirs is an A


async def test_a_question_that_nobody_answers_is_settled_by_rule(town: Town, chat: Open) -> None:
    await twice(town, chat)
    await watched(town)
    await watched(town, days=8)
    [row] = await rows(town, select(matter))
    assert (row.state, row.verdict) == ("settled", "other")
    assert await minutes_of(town) == [60, 120]


async def test_two_chats_that_become_one_open_the_question_about_what_both_counted(
    town: Town, chat: Open, door: str
) -> None:
    """Ann was with one organisation in this chat and, an hour later, with another in her other chat."""
    olga, otto, ann, there = chat("Olga"), chat("Otto"), chat("Ann"), another(town, door, "Ann elsewhere")
    await otto.says("menu")
    first = await town.publishes(olga, "Reading to children", SATURDAY)
    mine, other = town.organisation, await second_organisation(town, otto)
    town.organisation = other
    second = await town.publishes(otto, "Clearing the yard", SATURDAY + timedelta(hours=1))
    town.organisation = mine
    await was_there(town, ann, first)
    await was_there(town, there, second, SATURDAY + timedelta(hours=1))
    await watched(town, minutes=11)
    assert not await rows(town, select(matter).where(matter.c.kind == "overlap"))
    assert await minutes_of(town) == [120, 120]
    await linked(ann, there)
    assert await minutes_of(town) == [120, 60]
    await watched(town, minutes=11)
    assert [row.kind for row in await rows(town, select(matter))] == ["overlap"]
    await otto.opens("matter", 1)
    await otto.picks("They were with us")
    await olga.opens("matter", 1)
    await olga.picks("They were with the other")
    assert await minutes_of(town) == [60, 120]


def a_record(id_: int, organisation_: int, grade: str) -> Record:
    return Record(
        id_, "", "", "", "", "", MONDAY, 60, grade, "counted", None, organisation=organisation_, person=1
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "over", "holder"),
    [
        ({}, False, None),
        ({}, True, 2),
        ({10: Said.THEIRS}, False, 2),
        ({20: Said.THEIRS}, False, 1),
        ({10: Said.OURS}, False, None),
        ({10: Said.OURS}, True, 1),
        ({20: Said.OURS}, True, 2),
        ({10: Said.OURS, 20: Said.OURS}, False, 2),
        ({10: Said.THEIRS, 20: Said.THEIRS}, False, 2),
    ],
)
def test_whose_the_minutes_are(said: dict[int, Said], over: bool, holder: int | None) -> None:
    assert overlap_holder(a_record(1, 10, "B"), a_record(2, 20, "A"), said, over) == holder


# --- Corrections -----------------------------------------------------------------------------------------------------


async def corrected(town: Town, olga: Chat, hours: str, number: int = 1) -> str:
    await olga.opens("amend", number)
    await olga.says(hours)
    return await olga.says("The leader's list says so.")


async def test_a_small_correction_needs_a_reason_and_its_owner_is_told(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await was_there(town, ann, number)
    await olga.opens("minutes", number)
    await olga.picks(olga.sees("Ann Lee"))
    await olga.says("10:00-11:50")
    assert "at least 4" in await olga.says("x")
    assert "It is corrected" in await olga.says("She left ten minutes early.")
    assert await minutes_of(town) == [110]
    await watched(town)
    assert "corrected: 2 h before, 1.8 h now" in await told(town, ann)
    [presence] = await rows(town, select(attendance))
    assert presence.left == (SATURDAY + timedelta(hours=2))  # what was seen stays
    assert "says that already" in await corrected(town, olga, "10:00-11:50")


@pytest.mark.parametrize(
    ("hours", "second"),
    [
        ("10:00-11:36", False),
        ("10.00-11.36", False),
        ("早上10点到上午11点36分", False),  # was read as 10 to 11
        ("10点半到12点", True),
        ("10:00-11:35", True),
        ("9:00-13:00", False),
        ("They were not there", True),
    ],
)
async def test_more_than_a_fifth_needs_a_second_person_and_the_window_caps_it(
    town: Town, chat: Open, hours: str, second: bool
) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await was_there(town, ann, number)
    answer = await corrected(town, olga, hours)
    if hours == "9:00-13:00":  # outside the shift nothing counts, so nothing changes
        assert "says that already" in answer
    assert ("a second person" in answer) is second
    assert (await minutes_of(town) == [120]) is (second or hours == "9:00-13:00")


async def test_the_control_without_the_rule_nobody_else_would_be_asked(
    town: Town, chat: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.desk.corrections.needs_second", lambda *_facts: False)
    olga, ann = chat("Olga"), chat("Ann")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await was_there(town, ann, number)
    await corrected(town, olga, "They were not there")
    assert await minutes_of(town) == [0]


async def test_the_second_person_is_not_the_owner_and_a_refusal_stays_in_the_history(town: Town, chat: Open) -> None:
    olga, dora, ann = chat("Olga"), chat("Dora"), chat("Ann")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await was_there(town, ann, number)
    await appointed(town, ann, Role.LEADER, town.organisation)
    await appointed(town, dora, Role.CENTRE, place=DISTRICT)
    await corrected(town, olga, "10:00-11:00")
    assert "no such correction" in await ann.opens("agree", 1)
    await dora.opens("agree", 1)
    assert "refused" in await dora.picks("Refuse")
    assert "no such correction" in await dora.opens("agree", 1)
    assert await minutes_of(town) == [120]
    assert "a correction was refused" in await ann.opens("history", 1)
    [kept] = await rows(town, select(correction))
    assert kept.state == "refused"


async def test_whoever_corrects_their_own_hours_always_needs_somebody(town: Town, chat: Open) -> None:
    olga = chat("Olga")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await was_there(town, olga, number)
    assert "a second person" in await corrected(town, olga, "10:00-11:55")
    assert await minutes_of(town) == [120]


async def test_a_certificate_of_a_corrected_record_is_withdrawn_and_what_is_asked_about_is_not_certified(
    town: Town, chat: Open
) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await was_there(town, ann, number)
    await ann.says("certificate")
    await ann.picks("This year")
    assert "Here is your certificate." in await ann.says("yes")
    await corrected(town, olga, "10:00-11:50")
    [paper] = await rows(town, select(certificate))
    assert (paper.state, paper.reason) == ("withdrawn", "corrected")
    await ann.opens("dispute", 1)
    await ann.picks("From when to when")
    await ann.says("I stayed until twelve.")
    assert "There is nothing to certify now." in await ann.says("certificate")
    assert "1.8 h more are asked about, and certified once that is settled." in ann.text
    await watched(town)
    assert "has withdrawn your certificate" in await told(town, ann)


async def test_a_record_that_is_asked_about_is_not_taken_away_by_undo(town: Town, chat: Open) -> None:
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await was_there(town, ann, number, hours=0.5, code=False)
    await disputed(ann)
    await ann.opens("notout", 1)
    assert "nothing left to undo" in ann.text
    assert len(await rows(town, select(record))) == 1


# --- Public notice and reviews ---------------------------------------------------------------------------------------


async def test_who_was_there_objects_while_it_is_on_notice_and_the_centre_looks(town: Town, chat: Open) -> None:
    olga, dora, ann, bob = chat("Olga"), chat("Dora"), chat("Ann"), chat("Bob")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await appointed(town, dora, Role.CENTRE, place=DISTRICT)
    await bob.joins(number)
    await was_there(town, ann, number)
    assert "Nothing is on public notice" in await bob.says("notice")
    async with town.database.write() as unit:
        await unit.run(update(record).values(fresh=False))
    town.at -= timedelta(hours=1)
    await bob.opens("checkin", number, (await town.code(number)).token)
    town.at += timedelta(hours=1)
    await bob.opens("checkout", number, (await town.code(number)).token)
    assert "Ann Lee" not in await bob.says("notice")
    await bob.picks("A**")
    assert "The centre above looks" in await bob.says("She left before eleven.")
    assert "objected to it already" in await bob.opens("object", 1) + await bob.says("She left before eleven.")
    assert "no such matter" in await ann.opens("matter", 1)
    assert "no such matter" in await olga.opens("matter", 1)
    await dora.says("matters")
    await dora.picks("Objection")
    assert "somebody who was there" in dora.text
    await dora.picks("Ask for a correction")
    await dora.says("Please compare with your list.")
    await olga.says("matters")
    await olga.picks("Objection")
    assert "Please compare with your list." in olga.text
    await olga.picks("Leave the record")
    await olga.says("Our list has her until twelve.")
    await dora.opens("matter", 1)
    await dora.picks("I looked")
    assert "nothing is wrong" in await dora.says("The list is clear.")
    town.at += timedelta(days=7)
    assert "Nothing is on public notice" in await bob.says("notice")
    assert "not on public notice" in await bob.opens("object", 1)


async def test_nobody_reads_as_the_centre_what_is_said_of_their_own_minutes(town: Town, chat: Open) -> None:
    """The centre's only one was asked to answer an objection to their own record, and could read it."""
    olga, ann, bob, zoe = chat("Olga"), chat("Ann"), chat("Bob"), chat("Zoe")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await appointed(town, ann, Role.CENTRE, place=DISTRICT)
    await appointed(town, zoe, Role.CITY, place=CITY)
    await bob.joins(number)
    await was_there(town, ann, number)
    town.at -= timedelta(hours=1)
    await bob.opens("checkin", number, (await town.code(number)).token)
    town.at += timedelta(hours=1)
    await bob.opens("checkout", number, (await town.code(number)).token)
    await bob.says("notice")
    await bob.picks("A**")
    assert "The centre above looks" in await bob.says("She left before eleven.")
    [row] = await rows(town, select(matter))
    assert row.node == CITY
    await watched(town)
    assert "Objection" in await told(town, zoe)
    assert "Objection" not in await told(town, ann)
    assert "no such matter" in await ann.opens("matter", 1)
    await zoe.opens("matter", 1)
    assert "She left before eleven." in zoe.text
    async with town.database.write() as unit:  # nor where it stands with several
        await unit.run(update(matter).values(node=DISTRICT))
    assert "no such matter" in await ann.opens("matter", 1)


async def test_something_odd_is_shown_to_the_centre_and_takes_nothing_away(town: Town, chat: Open) -> None:
    """Olga checks herself in at her own activity, on her own word."""
    olga, dora = chat("Olga"), chat("Dora")
    number = await town.publishes(olga, "Reading to children", SATURDAY, hours=11)
    await appointed(town, dora, Role.CENTRE, place=DISTRICT)
    await was_there(town, olga, number, hours=11)
    await watched(town, minutes=11)
    await watched(town)
    found = await rows(town, select(matter))
    assert {row.facts["rule"] for row in found} == {"long-day"}
    assert await minutes_of(town) == [660]
    town.at += timedelta(hours=12)  # nobody is told at night
    assert "something is unusual" in await told(town, dora)
    await dora.says("matters")
    await dora.picks("Please look: ")
    assert "11 h in one day; above 10 h somebody looks." in dora.text
    await dora.picks("I looked")
    assert "nothing is wrong" in await dora.says("A long festival day.")
    assert await minutes_of(town) == [660]
    await watched(town)
    assert len(await rows(town, select(matter))) == 1


# --- One's own data --------------------------------------------------------------------------------------------------


async def test_an_erasure_leaves_the_history_of_nobody_and_the_chain_whole(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    number = await town.publishes(olga, "Reading to children", SATURDAY)
    await was_there(town, ann, number)
    await disputed(ann)
    await corrected(town, olga, "10:00-11:50")
    async with town.database.read() as unit:
        who = await people.at_address(unit, ann.door, ann.name)
        assert who is not None
        taken = await privacy.export(unit, who)
    assert taken["matter_word"][0]["words"].startswith("I was there")
    assert taken["matter"][0]["person"] == who
    async with town.database.write() as unit:
        await erasing.erase_person(unit, who, town.at)
        await audit.chain(unit, town.at)
    assert {row.words for row in await rows(town, select(matter_word))} == {None}
    assert {row.words for row in await rows(town, select(correction))} == {None}
    assert {row.state for row in await rows(town, select(matter))} == {"settled"}
    assert await minutes_of(town) == [110]
    async with town.database.read() as unit:
        assert (await audit.verify(unit)).fault is None
    assert len(await rows(town, select(person).where(person.c.name.is_not(None)))) == 0


def test_a_zero_keeps_its_reason() -> None:
    assert Zero("absent").rule == "absent"
