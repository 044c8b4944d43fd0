"""Reminders at the moments that the organiser chose: asked in chat, brought in time, moved with the activity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.reach import Offers
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]


def reminders(chat: Chat) -> list[str]:
    """First lines of what we said first."""
    return [page.text.splitlines()[0] for page in chat.pushed()]


async def test_people_are_reminded_when_the_organiser_said_and_not_when_everybody_else_is(
    town: Town, chat: Open
) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    # On WeChat a reminder is promised where it can come: by a template that the account has for it.
    offers = Offers(templates={"reminder": "reminder"})
    town.turns.city = replace(town.city, means=replace(town.city.means, offers=offers))
    lake = await town.publishes(olga, "Clean the lake", SATURDAY)
    await olga.opens("manage", lake)
    await olga.picks("Reminders")
    assert "1 day, 2 hours" in olga.text
    assert "reminders go out 3 days, 1 hour before" in await olga.says("3 days, 1 hour before")
    assert "Wed 25 Nov 10:00" in await ann.joins(lake)
    await town.waits(days=1)
    await ann.says("hi")
    await town.waits(days=1, seconds=1)
    assert reminders(ann) == ["Coming up: Clean the lake"]
    await ann.says("hi")
    await town.waits(days=1, hours=23)
    await ann.says("hi")
    await town.waits(hours=1)
    assert len(reminders(ann)) == 1  # control: a day before, when everybody else's comes, there is none
    await town.waits(hours=23)
    assert reminders(ann) == ["Coming up: Clean the lake", "Soon: Clean the lake"]


@pytest.mark.parametrize("door", ["web"])
async def test_a_moment_that_had_passed_when_it_was_chosen_is_not_made_up_for(
    town: Town, chat: Open, door: str
) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    lake = await town.publishes(olga, "Clean the lake", MONDAY + timedelta(days=2))
    await ann.joins(lake)
    await olga.opens("remind", lake)
    await olga.says("10 hours, 46 hours, 49 hours")
    await town.waits(seconds=5)
    assert reminders(ann) == []
    await town.waits(hours=2)
    assert reminders(ann) == ["Coming up: Clean the lake"]  # control: the one that lay ahead comes


@pytest.mark.parametrize("door", ["web"])
async def test_the_usual_moments_can_be_taken_again(town: Town, chat: Open, door: str) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    lake = await town.publishes(olga, "Clean the lake", SATURDAY)
    await ann.joins(lake)
    await olga.opens("remind", lake)
    await olga.says("20 hours")
    await olga.opens("remind", lake)
    assert "1 day, 2 hours" in await olga.picks("As everywhere")
    await town.waits(days=4, seconds=1)
    assert reminders(ann) == ["Tomorrow: Clean the lake"]


@pytest.mark.parametrize("door", ["web", "telegram"])
async def test_a_moved_activity_is_reminded_of_at_its_new_time_and_not_at_its_old_one(
    town: Town, chat: Open, door: str
) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    lake = await town.publishes(olga, "Clean the lake", SATURDAY)
    await olga.opens("remind", lake)
    await olga.says("30 hours")
    await ann.joins(lake)
    await olga.opens("move", lake)
    await olga.says("Sun 10:00-12:00")
    await olga.says("yes")
    await town.waits(days=4)
    assert not any("Coming up" in one for one in reminders(ann))
    await town.waits(hours=22, seconds=1)
    assert [one for one in reminders(ann) if "Coming up" in one] == ["Coming up: Clean the lake"]
    assert "Sun 29 Nov" in ann.pushed()[-1].text


@pytest.mark.parametrize("door", ["web"])
@pytest.mark.parametrize("said", ["5 minutes", "1 day, 2 days, 3 days, 4 days, 5 days", "soon"])
async def test_what_cannot_be_is_asked_again_with_what_can(town: Town, chat: Open, door: str, said: str) -> None:
    olga = chat("Olga")
    lake = await town.publishes(olga, "Clean the lake", SATURDAY)
    await olga.opens("remind", lake)
    assert "from 15 minutes to 4 weeks" in await olga.says(said)
    assert "reminders go out 1 hour before" in await olga.says("1 hour")


@pytest.mark.parametrize("door", ["web"])
async def test_nobody_but_its_organiser_chooses(town: Town, chat: Open, door: str) -> None:
    lake = await town.publishes(chat("Olga"), "Clean the lake", SATURDAY)
    assert "no such activity among those" in await chat("Eve").opens("remind", lake)
