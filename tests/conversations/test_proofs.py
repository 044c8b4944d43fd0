"""Certificates in conversation: asked for, checked by others, withdrawn and issued anew; every door, both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select, update

from bot.desk.proofs import Printed, checked, printed, registered
from bot.domain.proofs import Checked, new_number
from bot.papers.register import line as register_line
from storage.tables.activities import membership, organisation
from storage.tables.enrolment import audit, record
from storage.tables.proofs import certificate, verification
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]


async def served(town: Town, chat: Open, title: str = "Reading to children", hours: int = 2) -> tuple[Chat, Chat]:
    """Somebody who served and checked in and out by code, and the organiser."""
    olga, ann = chat("Olga"), chat("Ann")
    activity = await town.publishes(olga, title, SATURDAY, hours)
    await ann.joins(activity)
    town.at = SATURDAY.astimezone(town.at.tzinfo)
    await ann.opens("checkin", activity, (await town.code(activity)).token)
    town.at += timedelta(hours=hours)
    await ann.opens("checkout", activity, (await town.code(activity)).token)
    assert "counted" in ann.text
    return olga, ann


async def number_of(town: Town) -> str:
    """The newest certificate's number."""
    async with town.database.read() as unit:
        rows = await unit.run(select(certificate.c.number).order_by(certificate.c.id.desc()))
        return str(rows.scalars().first())


async def certified(chat: Chat) -> str:
    """The whole conversation."""
    await chat.says("certificate")
    await chat.picks("This year")
    return await chat.says("yes")


def signed(chat: Chat) -> tuple[str, str]:
    """Number and signature in the PDF's address."""
    address = next(urlsplit(button.url) for button in chat.buttons if ".pdf" in button.url)
    return address.path.split("/")[-1].removesuffix(".pdf"), parse_qs(address.query)["k"][0]


async def page(town: Town, number: str, name: str = "") -> Checked:
    return await checked(town.database, number, name, town.at)


async def test_from_counted_hours_to_a_certificate_in_two_questions(town: Town, chat: Open) -> None:
    _olga, ann = await served(town, chat)
    await ann.says("certificate")
    assert "For which period?" in ann.text
    await ann.picks("This year")
    assert f"Name on it: {ann.sees('Ann Lee')}" in ann.text
    assert "Haidian Green Shoots · 2 h (B 2 h)" in ann.text
    answer = await ann.says("yes")
    assert "Here is your certificate." in answer
    assert "1 Jan 2026 to 28 Nov 2026" in answer
    number, key = signed(ann)
    assert number == await number_of(town)
    paper = await printed(town.database, town.city, number, key)
    assert isinstance(paper, Printed)
    assert (paper.name, paper.certificate.minutes) == ("Ann Lee", {"B": 120})
    assert paper.address == f"http://city.test/proof/{number}"


async def test_the_picture_carries_no_whole_name_to_a_platform_abroad(town: Town, chat: Open, door: str) -> None:
    _olga, ann = await served(town, chat)
    await certified(ann)
    picture = next((one.picture for one in ann.pages if one.picture), "")
    address = urlsplit(picture)
    paper = await printed(town.database, town.city, await number_of(town), parse_qs(address.query)["k"][0])
    assert paper is not None
    assert paper.name == ("A***" if door == "telegram" else "Ann Lee")


async def test_without_counted_hours_there_is_nothing_to_certify(town: Town, chat: Open) -> None:
    assert "nothing to certify yet" in await chat("Ann").says("certificate")


async def test_the_same_content_keeps_its_number_and_new_hours_get_a_new_one(town: Town, chat: Open) -> None:
    _olga, ann = await served(town, chat)
    await certified(ann)
    first = await number_of(town)
    assert "You have this certificate already" in await certified(ann)
    assert await number_of(town) == first
    async with town.database.write() as unit:
        await unit.run(update(record).values(minutes=90))
    assert "Here is your certificate." in await certified(ann)
    assert await number_of(town) != first


async def test_a_typed_period_counts_only_what_was_in_it(town: Town, chat: Open) -> None:
    _olga, ann = await served(town, chat)
    await ann.says("certificate")
    assert "Nothing was counted in that period" in await ann.says("2026-03 to 2026-10")
    await ann.says("certificate")
    assert "not in the future" in await ann.says("next spring")
    assert "28 Nov 2026 to 28 Nov 2026" in await ann.says("2026-11-28")
    assert "Nothing was issued" in await ann.says("no")
    async with town.database.read() as unit:
        assert (await unit.run(select(certificate))).first() is None


async def test_everybody_can_check_a_number_in_a_chat_and_the_holder_sees_how_often(town: Town, chat: Open) -> None:
    _olga, ann = await served(town, chat)
    await certified(ann)
    number = await number_of(town)
    school = chat("School")
    answer = await school.says("-".join(re.findall("....", number)).lower())
    assert "Valid." in answer
    assert "Name: A***" in answer
    assert "Ann Lee" not in answer
    assert "2 h (B 2 h)" in answer
    answer = await school.says(f"{number} Ann Lee")
    assert "The name you sent is the one on it." in answer
    assert f"Name: {ann.sees('Ann Lee')}" in answer
    assert "is not the one on it" in await school.says(f"{number} Ann Lie")
    assert "Valid." in await school.says(f"proof http://city.test/proof/{number}")
    assert "Valid." in await school.opens("proof", number)
    await page(town, number)
    await ann.says(number)  # her own look is not counted
    await ann.picks("My certificate")
    assert "It was checked 6 times, newest first:" in ann.text
    assert ann.text.count("somebody in a chat, without a name") == 4
    assert ann.text.count("did not have to say who they are") == 1


async def test_the_holder_sees_when_and_by_whom_it_was_checked_as_far_as_it_is_known(town: Town, chat: Open) -> None:
    olga, ann = await served(town, chat)
    other = await town.publishes(olga, "Trees", SATURDAY + timedelta(days=7))
    bea = chat("Bea")
    await bea.joins(other)  # gives her name
    await certified(ann)
    number = await number_of(town)
    await page(town, number)
    town.at += timedelta(minutes=5)
    await olga.says(number)
    town.at += timedelta(minutes=5)
    await bea.says(number)
    await ann.opens("mycertificate", number)
    told = [line for line in ann.text.splitlines() if " · " in line][-3:]
    assert "A***" in told[0]
    assert "Haidian Green Shoots" not in told[0]
    assert "somebody in a chat, without a name, Haidian Green Shoots" in told[1]
    assert "did not have to say who they are" in told[2]
    assert all("28 Nov" in line for line in told)
    assert "All who asked" not in ann.labels  # control: all of them stand here


async def test_a_long_list_of_checks_comes_in_leaves_and_only_to_the_holder(town: Town, chat: Open) -> None:
    _olga, ann = await served(town, chat)
    await certified(ann)
    number = await number_of(town)
    school = chat("School")
    for _look in range(12):
        await school.says(number)
    await ann.opens("mycertificate", number)
    assert ann.text.count("somebody in a chat") == 5
    await ann.picks("All who asked")
    assert ann.text.count("somebody in a chat") == 10
    await ann.picks("More")
    assert ann.text.count("somebody in a chat") == 2
    assert "More" not in ann.labels
    answers = {await school.opens("whoasked", one) for one in (number, new_number())}
    assert len(answers) == 1
    assert "no such certificate" in school.text


async def test_asked_for_the_number_it_says_kindly_what_one_looks_like(town: Town, chat: Open) -> None:
    _olga, ann = await served(town, chat)
    await certified(ann)
    number = await number_of(town)
    school = chat("School")
    assert "What is the number" in await school.says("proof")
    assert "28 letters and digits" in await school.says("it is long")
    assert "Valid." in await school.says(number)


async def test_unknown_and_mistyped_numbers_are_never_valid_and_tell_nothing(town: Town, chat: Open) -> None:
    _olga, ann = await served(town, chat)
    await certified(ann)
    number = await number_of(town)
    school = chat("School")
    slipped = number[:5] + ("2" if number[5] != "2" else "3") + number[6:]
    assert "mistyped" in await school.says(slipped)
    for guess in (new_number() for _guess in range(20)):
        answer = await school.says(guess)
        assert "Unknown" in answer
        assert "Valid" not in answer
        assert (await page(town, guess)).state == "unknown"
    async with town.database.read() as unit:
        assert (await unit.run(select(verification))).first() is None


async def test_the_organiser_withdraws_with_a_reason_and_issues_anew(town: Town, chat: Open) -> None:
    olga, ann = await served(town, chat)
    await certified(ann)
    number, key = signed(ann)
    async with town.database.write() as unit:
        await unit.run(update(record).values(minutes=60))
    await olga.says(number)
    await olga.picks("Withdraw it")
    assert "Why is it withdrawn?" in olga.text
    await olga.picks("a record was corrected")
    answer = await olga.picks("issue it anew")
    assert "It is withdrawn. The volunteer finds the new one" in answer
    assert "1 h (B 1 h)" in answer
    instead = await number_of(town)
    assert instead != number
    assert "Withdrawn on 28 Nov 2026: a record was corrected" in await chat("School").says(number)
    old, new = await page(town, number, "Ann Lee"), await page(town, instead, "Ann Lee")
    assert (old.state, old.reason, new.state, new.minutes) == ("withdrawn", "corrected", "valid", {"B": 60})
    assert await printed(town.database, town.city, number, key) is None
    await ann.says("my certificates")
    assert len(ann.buttons) == 2
    await ann.picks("withdrawn")
    assert "withdrawn on 28 Nov 2026: a record was corrected" in ann.text
    async with town.database.read() as unit:
        moves = list(await unit.run(select(audit.c.deed).where(audit.c.target.like("certificate:%"))))
    assert [move.deed for move in moves] == ["certify", "withdraw", "certify"]


async def test_an_organiser_may_leave_it_or_withdraw_it_only(town: Town, chat: Open) -> None:
    olga, ann = await served(town, chat)
    await certified(ann)
    number = await number_of(town)
    await olga.says(f"withdrawproof {number}")
    await olga.picks("issued by mistake")
    assert "Nothing was changed" in await olga.picks("No, leave it")
    assert (await page(town, number)).state == "valid"
    await olga.opens("withdrawproof", number)
    await olga.picks("issued by mistake")
    assert "It is withdrawn." in await olga.picks("Withdraw it only")
    assert (await page(town, number)).state == "withdrawn"
    assert "no valid certificate" in await olga.opens("withdrawproof", number)
    assert await number_of(town) == number


async def test_nobody_else_can_withdraw_nor_hold_it_and_not_there_sounds_like_not_yours(town: Town, chat: Open) -> None:
    olga, ann = await served(town, chat)
    await certified(ann)
    number = await number_of(town)
    other = chat("Otto")
    town.organisation = 0
    await town.publishes(other, "Elsewhere", SATURDAY + timedelta(days=7))
    for nosy in (ann, other, chat("Eve")):
        answers = {await nosy.opens("withdrawproof", one) for one in (number, new_number())}
        assert len(answers) == 1
        assert "no valid certificate" in nosy.text
        assert "Withdraw it" not in await nosy.says(number)
    for nosy in (olga, chat("Eve")):
        answers = {await nosy.opens("mycertificate", one) for one in (number, new_number())}
        assert len(answers) == 1
        assert "no such certificate" in nosy.text
    assert (await page(town, number)).state == "valid"


async def test_a_frozen_organisation_issues_nothing(town: Town, chat: Open) -> None:
    _olga, ann = await served(town, chat)
    async with town.database.write() as unit:
        await unit.run(update(organisation).values(state="frozen"))
    assert "may not issue certificates at present" in await certified(ann)
    async with town.database.read() as unit:
        assert (await unit.run(select(certificate))).first() is None


async def test_each_organisation_certifies_only_what_it_recorded(town: Town, chat: Open) -> None:
    _olga, ann = await served(town, chat)
    first = town.organisation
    town.organisation = 0
    other = chat("Otto")
    activity = await town.publishes(other, "Trees", (town.at + timedelta(hours=1)), 3)
    await ann.joins(activity)
    town.at += timedelta(hours=1)
    await ann.opens("checkin", activity, (await town.code(activity)).token)
    town.at += timedelta(hours=3)
    await ann.opens("checkout", activity, (await town.code(activity)).token)
    await ann.says("certificate")
    assert "Which organisation's records?" in ann.text
    await ann.picks("All: 2 certificates")
    await ann.picks("This year")
    await ann.says("yes")
    async with town.database.read() as unit:
        rows = list(await unit.run(select(certificate.c.organisation, certificate.c.minutes)))
    assert {row.organisation: row.minutes for row in rows} == {first: {"B": 120}, town.organisation: {"B": 180}}
    assert sum(".pdf" in button.url for button in ann.buttons) == 2


async def test_signatures_of_other_numbers_and_of_none_open_no_paper(town: Town, chat: Open) -> None:
    _olga, ann = await served(town, chat)
    await certified(ann)
    number, key = signed(ann)
    assert await printed(town.database, town.city, number, key) is not None
    for wrong in ("", "0" * 20, key[:-1], town.city.secrecy.signature(f"wall:{number}")):
        assert await printed(town.database, town.city, number, wrong) is None
    assert await printed(town.database, town.city, new_number(), key) is None


async def test_names_are_sealed_and_looks_within_a_minute_are_one(town: Town, chat: Open) -> None:
    _olga, ann = await served(town, chat)
    await certified(ann)
    number = await number_of(town)
    async with town.database.read() as unit:
        row = (await unit.run(select(certificate))).one()
    assert "Ann Lee" not in str(tuple(row))
    assert b"Ann Lee" not in row.name
    assert (row.since, row.until) == (date(2026, 1, 1), date(2026, 11, 28))
    for _look in range(5):
        await page(town, number)
    town.at += timedelta(minutes=2)
    await page(town, number)
    async with town.database.read() as unit:
        assert len(list(await unit.run(select(verification)))) == 2


async def test_the_whole_conversation_works_in_chinese(town: Town, chat: Open) -> None:
    _olga, ann = await served(town, chat)
    await ann.opens("language", "zh_CN")
    await ann.says("证明")
    await ann.picks("今年")
    assert f"证明上的姓名：{ann.sees('Ann Lee')}" in ann.text
    answer = await ann.says("好")
    assert "您的证明开好了。" in answer
    assert "2 小时（B 2 小时）" in answer
    number = await number_of(town)
    assert "有效。" in await chat("School", "zh_CN").says(f"核验 {number}")


async def test_the_holder_is_told_of_a_withdrawal_once_and_finds_the_new_one(town: Town, chat: Open) -> None:
    olga, ann = await served(town, chat)
    await certified(ann)
    number = await number_of(town)
    await town.waits(minutes=1)
    assert not any("has withdrawn" in page.text for page in ann.pushed())  # control: nothing was withdrawn yet
    async with town.database.write() as unit:
        await unit.run(update(record).values(minutes=60))
    await olga.opens("withdrawproof", number)
    await olga.picks("a record was corrected")
    await olga.picks("issue it anew")
    for _tick in range(2):
        await town.waits(minutes=1)
    told = [page for page in ann.pushed() if "has withdrawn" in page.text]
    assert len(told) == 1
    assert "a record was corrected" in told[0].text
    assert number[:4] in told[0].text
    assert not any("has withdrawn" in page.text for page in olga.pushed())
    shown = await (ann.says("1") if not told[0].buttons else ann.opens("mycertificate", await number_of(town)))
    assert "Your certificate:" in shown


async def test_the_issuer_has_a_register_with_every_number_and_its_state(town: Town, chat: Open) -> None:
    olga, ann = await served(town, chat)
    assert "Nothing was certified yet" in await olga.says("register of certificates")
    await certified(ann)
    number = await number_of(town)
    await olga.says("register of certificates")
    line = next(one for one in olga.labels if number[:4] in one)
    assert "A**" in line
    assert "Ann Lee" not in olga.text + " ".join(olga.labels)
    shown = olga.text + " ".join(button.url for button in olga.buttons)
    found = re.search(r"/register/(\d+)\.xlsx\?by=(\w+)&k=(\w+)", shown)
    assert found, shown
    organisation_id, by, key = int(found[1]), found[2], found[3]
    listed = await registered(town.database, town.city, organisation_id, by, key)
    assert [one.number for one in listed or ()] == [number]
    assert register_line((listed or [])[0], town.city.zone)[2] == "A***"
    wrongs = ((organisation_id + 1, by, key), (organisation_id, "VAAAAAAAAA", key), (organisation_id, by, "0" * 20))
    for wrong in wrongs:
        assert await registered(town.database, town.city, *wrong) is None
    assert len({await ann.opens("proofregister", one) for one in (organisation_id, 999_999)}) == 1
    async with town.database.write() as unit:
        await unit.run(membership.delete())
    assert await registered(town.database, town.city, organisation_id, by, key) is None


async def test_a_certificate_bears_the_name_that_its_owner_has(town: Town, chat: Open) -> None:
    """Whoever took a friend's name for a minute had a valid certificate for the friend, and their own beside it."""
    _olga, ann = await served(town, chat)
    await certified(ann)
    mine = await number_of(town)
    await ann.opens("correct", "name")
    asked = await ann.says("Bella Friend")
    assert "1 certificate of yours bears another name" in asked
    await ann.says("no")
    assert (await page(town, mine)).state == "valid"
    await ann.opens("correct", "name")
    await ann.says("Bella Friend")
    assert "Put right" in await ann.says("yes")
    found = await page(town, mine)
    assert (found.state, found.reason) == ("withdrawn", "name")
    await certified(ann)
    friends = await number_of(town)
    assert (await page(town, friends)).state == "valid"
    await ann.opens("correct", "name")
    await ann.says("Ann Lee")
    await ann.says("yes")
    assert (await page(town, friends)).state == "withdrawn"


async def test_a_name_written_with_another_space_is_the_same(town: Town, chat: Open) -> None:
    """Control of the test above: what `same_name` forgives withdraws nothing."""
    _olga, ann = await served(town, chat)
    await certified(ann)
    await ann.opens("correct", "name")
    assert "Put right" in await ann.says("Ann  LEE")
    assert (await page(town, await number_of(town))).state == "valid"
