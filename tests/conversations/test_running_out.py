"""A proof runs out: its owner hears of it sixty and fourteen days before, with what to do, unless it was renewed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.domain.skills import Proven
from storage import people, skills
from tests.conversations.kit import MONDAY, Chat, Town

Open = Callable[..., Chat]


async def proves(town: Town, who: Chat, days: int) -> None:
    """A first aid certificate that was accepted now and holds so many days."""
    async with town.database.write() as unit:
        id_ = await people.at_address(unit, who.door, who.name)
        assert id_ is not None
        proof = {"document": "certificate", "issuer": "Red Cross", "number": "7", "photo": ""}
        last = (town.at + timedelta(days=days)).date()
        made = await skills.propose(unit, id_, "first_aid", town.organisation, proof, last, town.at)
        await skills.decide(unit, made, Proven.ACCEPTED, town.at)


def warnings(chat: Chat) -> int:
    return sum("Your proof runs out: First aid certificate" in page.text for page in chat.pushed())


@pytest.mark.parametrize("door", ["web", "telegram"])
async def test_warned_sixty_and_fourteen_days_before_and_not_again(town: Town, chat: Open, door: str) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    await town.publishes(olga, "Lake", MONDAY + timedelta(days=300))
    await ann.says("hi")
    await proves(town, ann, 100)
    seen = []
    for days in (39, 1, 1, 44, 1, 1, 20):
        await town.waits(days=days)
        seen.append(warnings(ann))
    assert seen == [0, 1, 1, 1, 2, 2, 2]
    first = next(page for page in ann.pushed() if "runs out" in page.text)
    assert "last day 3 Mar 2027" in first.text
    assert "renewed" in first.text
    assert any("Show the new one" in button.label for button in first.buttons)


@pytest.mark.parametrize("door", ["web"])
async def test_whoever_renewed_it_is_not_warned(town: Town, chat: Open, door: str) -> None:
    olga, ann, bob = chat("Olga"), chat("Ann"), chat("Bob")
    await town.publishes(olga, "Lake", MONDAY + timedelta(days=300))
    for one in (ann, bob):
        await one.says("hi")
        await proves(town, one, 100)
    await town.waits(days=30)
    await proves(town, ann, 700)
    await town.waits(days=15)
    assert (warnings(ann), warnings(bob)) == (0, 1)


@pytest.mark.parametrize("door", ["web"])
async def test_what_was_accepted_late_is_warned_of_only_at_the_end(town: Town, chat: Open, door: str) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    await town.publishes(olga, "Lake", MONDAY + timedelta(days=300))
    await ann.says("hi")
    await proves(town, ann, 30)
    await town.waits(days=1)
    assert warnings(ann) == 0
    await town.waits(days=15)
    assert warnings(ann) == 1
