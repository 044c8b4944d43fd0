"""What was entered by hand and drawn by lot: the centre looks, finds it fine or asks for a correction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.desk import watching
from bot.domain.roles import Role
from storage import people
from storage.tables.enrolment import record
from storage.tables.evidence import evidence
from storage.tables.matters import matter
from tests.conversations.kit import Chat, Town, goes_to
from tests.conversations.test_claims import END, number_of
from tests.conversations.test_ledger import told
from tests.conversations.test_roll import gathered

Open = Callable[..., Chat]

pytestmark = pytest.mark.parametrize("door", ["telegram", "wechat"])


async def entered(town: Town, chat: Open) -> tuple[Chat, Chat, Chat]:
    """Hours that Olga entered for Ann and that were drawn, and Dora of the centre above."""
    olga, activity, (ann,) = await gathered(town, chat, "Ann")
    dora = chat("Dora")
    await dora.says("menu")
    async with town.database.write() as unit:
        who = await people.at_address(unit, dora.door, dora.name)
        assert who is not None
        await people.appoint(unit, who, Role.CENTRE, None, 110108, town.at)
    goes_to(town, END + timedelta(hours=3))
    await olga.opens("enter", activity)
    await olga.says(await number_of(ann))
    assert "Drawn for the audit: 1." in await olga.picks("Enter")
    return olga, ann, dora


async def test_beside_lines_that_cannot_be_entered_none_hides_from_the_draw(town: Town, chat: Open) -> None:
    """The lot was drawn over all lines: one true line beside many false ones, or twice, was hardly ever drawn."""
    olga, activity, (ann,) = await gathered(town, chat, "Ann")
    goes_to(town, END + timedelta(hours=3))
    await olga.opens("enter", activity)
    number = await number_of(ann)
    unknown = [f"V23456789{sign}" for sign in "23456789ABCDEFGHJKMNPQRSTUVW"]
    await olga.says("\n".join([number] * 10 + unknown))
    answer = await olga.picks("Enter")
    assert "Drawn for the audit: 1." in answer
    assert answer.count("entered, grade D") == 1
    assert answer.count("their presence is known already") == 9


async def watched(town: Town) -> None:
    town.at += timedelta(minutes=11)
    for _tick in range(2):
        await watching.tick(town.database, town.city, town.at)


async def test_the_centre_looks_at_a_drawn_entry_and_finds_it_fine(town: Town, chat: Open) -> None:
    olga, ann, dora = await entered(town, chat)
    assert "No entry waits" in await dora.says("sample")  # control: it can still be undone
    await watched(town)
    assert "Entered by hand, and drawn for the audit" in await told(town, dora)
    await dora.says("organise")
    await dora.picks("1 entry drawn for the audit")
    await dora.picks("drawn for the audit")
    assert "Nothing shows these hours." in dora.text
    assert "A**" in dora.text
    assert "Ann Lee" not in dora.text
    await dora.picks("I looked")
    assert "nothing is wrong" in await dora.says("The school's list names her.")
    assert "No entry waits" in await dora.says("sample")
    for other in (olga, ann):
        assert "No entry waits" in await other.says("sample")
    await watched(town)
    async with town.database.read() as unit:
        assert [row.state for row in await unit.run(select(matter))] == ["settled"]
        assert (await unit.run(select(record.c.minutes, record.c.grade))).one() == (120, "D")


async def test_the_centre_asks_for_a_correction_of_a_drawn_entry(town: Town, chat: Open) -> None:
    olga, _ann, dora = await entered(town, chat)
    await watched(town)
    await dora.says("sample")
    await dora.picks("drawn for the audit")
    await dora.picks("Ask for a correction")
    await dora.says("The school's list has an hour.")
    assert "No entry waits" in await dora.says("sample")
    await olga.says("matters")
    await olga.picks("drawn for the audit")
    assert "The school's list has an hour." in olga.text
    await olga.picks("Correct the record")
    assert "From when to when" in olga.text


async def test_what_was_not_drawn_is_not_in_the_queue(town: Town, chat: Open) -> None:
    """The control."""
    _olga, _ann, dora = await entered(town, chat)
    async with town.database.write() as unit:
        await unit.run(update(evidence).values(sampled=False))
    await watched(town)
    assert "No entry waits" in await dora.says("sample")
    async with town.database.read() as unit:
        assert (await unit.run(select(matter))).first() is None
