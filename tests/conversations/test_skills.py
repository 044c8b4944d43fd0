"""A role that asks for a proven skill: who has none is told the way, an organiser looks, and it runs out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from bot.desk import gates
from storage import erasing, privacy, skills
from storage.tables.activities import shift
from storage.tables.skills import skill
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]


async def demanding(town: Town, chat: Open, starts: timedelta = timedelta(days=5)) -> int:
    """An activity whose one role needs a first aid certificate."""
    number = await town.publishes(chat("Olga"), "City run", MONDAY + starts)
    async with town.database.write() as unit:
        await unit.run(update(shift).where(shift.c.activity == number).values(needs=["first_aid"], role="First aid"))
    return number


async def shows_a_proof(ann: Chat, last_day: str = "2027-05-31", photo: bool = False) -> None:
    await ann.picks("Prove it")
    if "Do you agree" in ann.text:
        await ann.introduces_itself()
    await ann.picks("A certificate")
    await ann.says("Red Cross Beijing")
    await (ann.sends_photo() if photo else ann.says("RC-2025-0042"))
    await ann.says(last_day)


async def test_without_the_proof_there_is_no_seat_and_with_it_there_is(town: Town, chat: Open) -> None:
    number = await demanding(town, chat)
    olga, ann = chat("Olga"), chat("Ann")
    await ann.opens("activity", number)
    assert "needs First aid certificate" in ann.text
    assert "This role needs First aid certificate" in await ann.joins(number)
    await shows_a_proof(ann)
    assert "looks at it" in ann.text
    assert "has not been looked at yet" in await ann.joins(number)  # it is not asked for a second time
    await town.waits(seconds=5)
    assert olga.pushed()[-1].text.startswith("A proof waits for your look: First aid certificate")
    await olga.says("organise")
    await olga.picks("Proofs to look at")
    assert f"{olga.sees('Ann Lee')} · First aid certificate" in olga.text
    assert "Red Cross Beijing · number RC-2025-0042" in olga.text
    assert "Accepted" in await olga.picks("Accept")
    await town.waits(seconds=5)
    assert ann.pushed()[-1].text.startswith("Your proof was accepted: First aid certificate.")
    assert "You are in" in await ann.joins(number)


async def test_whoever_has_no_activity_ahead_finds_the_proof_too(town: Town, chat: Open) -> None:
    number = await demanding(town, chat)
    olga, ann = chat("Olga"), chat("Ann")
    await ann.joins(number)
    await shows_a_proof(ann)
    await town.waits(days=9)
    await olga.says("organise")
    await olga.picks("Proofs to look at")
    assert "Accepted" in await olga.picks("Accept")
    await olga.says("organise")
    assert "Proofs to look at" not in olga.labels  # the control: nothing waits


async def test_without_the_gate_anybody_would_have_the_role(
    town: Town, chat: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control. The word before the questions is a kindness; what holds is the gate at the end."""
    number = await demanding(town, chat)
    monkeypatch.setattr("bot.desk.skills.missing", lambda *_: ())
    assert "This role needs" in await chat("Ann").joins(number)
    monkeypatch.setattr("bot.desk.enrolment.GATES", [one for one in gates.GATES if one is not gates.skilled])
    assert "You are in" in await chat("Ann").joins(number)


async def test_a_proof_that_has_run_out_on_that_day_does_not_count(town: Town, chat: Open) -> None:
    number = await demanding(town, chat)
    later = await demanding(town, chat, timedelta(days=6))
    olga, ann = chat("Olga"), chat("Ann")
    await ann.joins(number)
    await shows_a_proof(ann, "2026-11-28")
    await olga.says("organise")
    await olga.picks("Proofs to look at")
    await olga.picks("Accept")
    assert "You are in" in await ann.joins(number), "its last day still counts"
    assert "This role needs" in await ann.joins(later)
    await ann.says("skills")
    assert "accepted · until 28 Nov 2026" in ann.labels[0]
    async with town.database.read() as unit:
        ending = await skills.to_warn(unit, date(2026, 11, 24), date(2026, 12, 24), 0)
    assert [one.code for one in ending] == ["first_aid"]


async def test_a_day_that_is_over_is_not_taken(town: Town, chat: Open) -> None:
    number = await demanding(town, chat)
    ann = chat("Ann")
    await ann.joins(number)
    await shows_a_proof(ann, "2026-11-22")
    assert "That day is over" in ann.text


async def test_nobody_vouches_for_themselves_and_no_stranger_looks(town: Town, chat: Open) -> None:
    number = await demanding(town, chat)
    olga, ann, bob = chat("Olga"), chat("Ann"), chat("Bob")
    await olga.joins(number)
    await shows_a_proof(olga)
    assert "No proof waits for you" in await olga.opens("proofs")
    await ann.joins(number)
    await shows_a_proof(ann, photo=True)
    assert "No proof waits for you" in await bob.opens("proofs")
    await olga.opens("proofs")
    assert "a photo was sent; ask to see the document" in olga.text
    await olga.picks("Do not accept")
    await town.waits(seconds=5)
    assert "not accepted" in ann.pushed()[-1].text


async def test_a_proof_is_sealed_taken_along_and_erased(town: Town, chat: Open) -> None:
    number = await demanding(town, chat)
    ann = chat("Ann")
    await ann.joins(number)
    await shows_a_proof(ann)
    async with town.database.write() as unit:
        row = (await unit.run(select(skill))).one()
        assert b"RC-2025" not in row.proof
        taken = (await privacy.export(unit, row.person))["skill"][0]["proof"]
        assert (taken["issuer"], taken["number"]) == ("Red Cross Beijing", "RC-2025-0042")
        await erasing.erase_person(unit, row.person, town.at)
        assert (await unit.run(select(skill))).first() is None


async def test_a_proof_can_be_taken_back(town: Town, chat: Open) -> None:
    number = await demanding(town, chat)
    ann = chat("Ann")
    await ann.joins(number)
    await shows_a_proof(ann)
    await ann.says("skills")
    await ann.picks("First aid certificate")
    assert "It is gone" in await ann.picks("Take it back")
    await ann.says("skills")
    assert ann.labels == ["Prove a skill"]


async def test_whoever_lacks_the_skill_hears_so_before_anything_is_asked_of_them(town: Town, chat: Open) -> None:
    # Name, number and all of the organiser's questions were asked first.
    number = await demanding(town, chat)
    ann = chat("Ann")
    assert "This role needs First aid certificate" in await ann.opens("join", number)
    await ann.picks("Prove it")
    assert "Do you agree" in ann.text
    await ann.picks("No, thank you")
    assert "nothing was changed" in ann.text
