"""Document numbers: asked only where an insurance needs them, never on Telegram, sealed, masked, gone in time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.desk import documents as desk
from bot.desk import privacy as ticks
from bot.letterbox import Letters
from storage import documents as store
from storage.secrecy import WrongKey
from storage.tables.activities import membership
from storage.tables.documents import document
from storage.tables.enrolment import audit, enrolment
from storage.tables.messages import inbox, letter
from storage.tables.people import consent
from tests.conversations.kit import MONDAY, SECRECY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)
NUMBER, MASKED = "11010519491231002X", "110***********002X"
Open = Callable[..., Chat]


@pytest.fixture(params=["wechat", "web", "terminal"])
def door(request: pytest.FixtureRequest) -> str:
    """The doors through which such a number may come."""
    return str(request.param)


async def joined(town: Town, chat: Open, asked: bool = True) -> tuple[Chat, Chat, int]:
    """Olga's activity, whose insurer demands numbers, and Ann with a seat."""
    olga, ann = chat("Olga"), chat("Ann")
    activity = await town.publishes(olga, "Flood watch", SATURDAY)
    if asked:
        await olga.opens("insured", activity)
        await olga.picks("Yes, it does")
    await ann.joins(activity)
    return olga, ann, activity


async def gives(ann: Chat, number: str = NUMBER) -> str:
    await ann.says("document number")
    if "Do you agree" in ann.text:
        await ann.picks("I agree")
    await ann.picks("Resident identity card")
    await ann.says(number)
    return await ann.says("yes")


async def count(town: Town) -> int:
    async with town.database.read() as unit:
        return len(list(await unit.run(select(document.c.id))))


async def test_it_is_asked_where_an_insurance_needs_it_and_shown_masked_ever_after(town: Town, chat: Open) -> None:
    _olga, ann, _activity = await joined(town, chat)
    assert "Document number for the insurance" in " ".join(ann.labels) + ann.text
    await ann.says("document number")
    assert "needs the number of your identity document" in ann.text
    await ann.picks("I agree")
    await ann.picks("Resident identity card")
    assert "not a valid number" in await ann.says("110105194912310021")
    assert MASKED in await ann.says(NUMBER)
    assert f"Stored: {MASKED}" in await ann.says("yes")
    await ann.says("mydata")
    assert f"Document number: {MASKED}" in ann.text
    assert "a document number, for the insurer" in ann.text
    assert NUMBER not in ann.text
    async with town.database.read() as unit:
        sealed = (await unit.run(select(document.c.number))).scalar_one()
        given = (await unit.run(select(consent).where(consent.c.purpose == "document"))).one()
    assert NUMBER.encode() not in sealed
    assert (given.version, given.door, given.withdrawn) == ("2026-11", ann.door, None)


async def test_where_no_insurance_needs_it_nobody_is_asked(town: Town, chat: Open) -> None:
    """Control of the test above."""
    _olga, ann, _activity = await joined(town, chat, asked=False)
    assert "Document number" not in " ".join(ann.labels) + ann.text
    assert "None of your sign-ups" in await ann.says("document number")


async def test_a_no_stores_nothing_and_keeps_the_seat(town: Town, chat: Open) -> None:
    _olga, ann, _activity = await joined(town, chat)
    await ann.says("document number")
    assert "nothing was stored" in await ann.picks("No, thank you")
    assert await count(town) == 0
    async with town.database.read() as unit:
        assert (await unit.run(select(enrolment.c.state))).scalar_one() == "joined"


@pytest.mark.parametrize("door", ["telegram"])
async def test_on_telegram_it_neither_comes_nor_goes(town: Town, chat: Open, door: str) -> None:
    olga, ann, activity = await joined(town, chat)
    assert "servers are abroad" in await ann.says("document number")
    async with town.database.write() as unit:
        number = (await unit.run(select(enrolment.c.id))).scalar_one()
        await store.keep(unit, 2, number, "resident", NUMBER, town.at)
    await olga.opens("insured", activity)
    for shown in (olga.text, await ann.says("mydata")):  # was: the first three and the last four of them
        assert "*" * len(NUMBER) in shown
        assert NUMBER[-4:] not in shown
    assert "servers are abroad" in await olga.picks("The file for the insurer")


async def test_what_was_typed_is_gone_from_the_records_at_once(town: Town, chat: Open) -> None:
    _olga, ann, _activity = await joined(town, chat)
    letters = Letters(town.database)
    await ann.says("document number")
    await ann.picks("I agree")
    await ann.picks("Resident identity card")
    if ann.door == "web":
        await letters.append(ann.name, "typed", "me", {"text": NUMBER}, town.at)
    typed = replace(ann.incoming(text=NUMBER), raw=NUMBER)
    await town.turns.take(typed)
    async with town.database.read() as unit:
        assert (await unit.run(select(inbox.c.raw).where(inbox.c.key == typed.key))).scalar_one()  # control
    yes = replace(ann.incoming(text="yes"), raw=f"yes, {NUMBER}")
    assert (await town.turns.take(yes)).pages
    async with town.database.read() as unit:
        for message in (typed, yes):
            kept = (await unit.run(select(inbox.c.raw, inbox.c.reply).where(inbox.c.key == message.key))).one()
            assert kept.raw is None
            assert kept.reply
        assert not list(await unit.run(select(letter.c.key).where(letter.c.key == "typed")))


async def test_the_insurers_file_works_once_for_the_own_organiser_only(town: Town, chat: Open) -> None:
    olga, ann, activity = await joined(town, chat)
    await gives(ann)
    await olga.opens("insured", activity)
    assert "A**" in olga.text
    assert "1 gave a number, 0 have not" in olga.text
    await olga.picks("The file for the insurer")
    shown = olga.text + " ".join(button.url for button in olga.buttons)
    found = re.search(r"/insured/([0-9a-f]{32})\.xlsx", shown)
    assert found, shown
    listed = await desk.insured(town.database, town.city, found[1], town.at)
    assert listed is not None
    assert [(one.name, one.number) for one in listed] == [("Ann Lee", NUMBER)]
    assert await desk.insured(town.database, town.city, found[1], town.at) is None
    assert await ticks.exported(town.database, town.city, found[1], town.at) is None
    eve = chat("Eve")
    assert len({await eve.opens("insured", one) for one in (activity, 999_999)}) == 1
    assert "no such activity" in eve.text.lower() or "among those" in eve.text
    async with town.database.read() as unit:
        deeds = set((await unit.run(select(audit.c.after).where(audit.c.deed == "documents"))).scalars())
    assert deeds == {"asked", "file"}


async def test_whoever_lost_the_role_does_not_get_the_file(town: Town, chat: Open) -> None:
    olga, ann, activity = await joined(town, chat)
    await gives(ann)
    await olga.opens("insured", activity)
    await olga.picks("The file for the insurer")
    token = re.search(r"/insured/([0-9a-f]{32})", olga.text + " ".join(button.url for button in olga.buttons))
    assert token
    async with town.database.write() as unit:
        await unit.run(membership.delete())
    assert await desk.insured(town.database, town.city, token[1], town.at) is None


async def test_a_number_moved_to_another_sign_up_does_not_open(town: Town, chat: Open) -> None:
    _olga, ann, activity = await joined(town, chat)
    await gives(ann)
    bob = chat("Bob")
    await bob.joins(activity)
    async with town.database.write() as unit:
        other = (await unit.run(select(enrolment.c.id).order_by(enrolment.c.id.desc()))).scalars().first()
        assert (await store.covered(unit, activity))[1] == 1  # control: in its own row it opens
        await unit.run(update(document).values(enrolment=other))
    async with town.database.read() as unit:
        with pytest.raises(WrongKey):
            await store.covered(unit, activity)


async def test_it_is_gone_thirty_days_after_the_activity_and_a_day_before_it_is_not(town: Town, chat: Open) -> None:
    _olga, ann, _activity = await joined(town, chat)
    await gives(ann)
    town.at = SATURDAY.astimezone(town.at.tzinfo) + timedelta(days=30, hours=1)
    await ticks.forget(town.database, town.at)
    assert await count(town) == 1
    town.at += timedelta(hours=1)
    await ticks.forget(town.database, town.at)
    assert await count(town) == 0


@pytest.mark.parametrize("way", ["withdraw", "stop", "leave", "erase"])
async def test_it_goes_with_the_consent_the_need_the_seat_and_the_person(town: Town, chat: Open, way: str) -> None:
    olga, ann, activity = await joined(town, chat)
    await gives(ann)
    assert await count(town) == 1  # control
    match way:
        case "withdraw":
            await ann.says("withdraw")
            assert "no longer agree" in await ann.picks("a document number")
            await ann.says("mydata")
            assert "Name: " in ann.text  # the other consent stands
        case "stop":
            await olga.opens("insured", activity)
            await olga.picks("Ask no more")
        case "leave":
            await ann.says("my")
            async with town.database.write() as unit:
                await unit.run(update(enrolment).values(state="cancelled"))
            await ticks.forget(town.database, town.at)
        case _:
            await ann.says("erase")
            await ann.picks("Yes, erase")
            await ann.picks("Yes, erase for good")
            await ticks.tick(town.database, town.city, town.at + timedelta(days=7, minutes=1))
    assert await count(town) == 0


async def test_the_export_holds_it_whole_for_its_owner(town: Town, chat: Open) -> None:
    _olga, ann, _activity = await joined(town, chat)
    await gives(ann)
    await ann.opens("takeout")
    token = re.search(r"/mydata/([0-9a-f]{32})", ann.text + " ".join(button.url for button in ann.buttons))
    assert token
    taken = await ticks.exported(town.database, town.city, token[1], town.at)
    assert taken is not None
    assert taken["data"]["document"][0]["number"] == NUMBER
    assert SECRECY.index(NUMBER) not in str(taken)
