"""The weekly letter: asked for, never empty, at the hour that was chosen, ended by a word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from storage.tables.delivery import fanout
from tests.conversations.kit import MONDAY, Chat, Town

SUNDAY = MONDAY + timedelta(days=6, hours=8)
"""At six in the evening."""

Open = Callable[..., Chat]


async def follows(chat: Chat, kind: str = "environment") -> None:
    await chat.opens("subscribe", "kind", kind)


def letters(chat: Chat) -> list[str]:
    return [page.text for page in chat.pushed() if "New this week" in page.text]


@pytest.mark.parametrize("door", ["web", "telegram"])
async def test_on_sunday_evening_comes_one_letter_of_what_is_new_and_fits(town: Town, chat: Open, door: str) -> None:
    olga, ann, bob = chat("Olga"), chat("Ann"), chat("Bob")
    await follows(ann)
    await follows(bob)
    assert "Your weekly letter comes: Sunday 18:00" in (await ann.opens("digest"), await ann.picks("Sunday 18:00"))[1]
    for number in range(8):
        await town.publishes(olga, f"Clean lake {number}", SUNDAY + timedelta(days=2 + number))
    await town.publishes(olga, "Read to children", SUNDAY + timedelta(days=1), kind="education")
    mine = await town.publishes(olga, "Mine already", SUNDAY + timedelta(days=1))
    await ann.joins(mine)
    await town.waits(days=6, hours=7, minutes=59)
    assert letters(ann) == []
    await town.waits(minutes=1)
    await town.waits(seconds=30)
    (letter,) = letters(ann)
    assert [f"Clean lake {number}" in letter for number in range(8)] == [True] * 7 + [False]  # seven at most, soonest
    assert "Read to children" not in letter
    assert "Mine already" not in letter
    assert letters(bob) == []  # opt-in: following alone brings none
    await town.waits(days=7)
    assert len(letters(ann)) == 1  # nothing new: none comes


@pytest.mark.parametrize("door", ["web"])
async def test_at_another_day_and_hour_if_they_like(town: Town, chat: Open, door: str) -> None:
    olga, ann = chat("Olga"), chat("Ann", "zh_CN")
    await follows(ann)
    await ann.says("周报")
    await ann.picks("换个时间")
    await ann.picks("周三")
    assert "周三 09:00" in await ann.says("9")
    await town.publishes(olga, "Clean the lake", SUNDAY)
    await town.waits(days=1, hours=22)
    assert not ann.pushed()
    await town.waits(hours=1)
    assert len(ann.pushed()) == 1
    await town.waits(days=4, hours=9)
    assert len(ann.pushed()) == 1


@pytest.mark.parametrize("door", ["web"])
async def test_without_the_letter_at_its_hour_nothing_is_sent_and_undo_brings_it_back(
    town: Town, chat: Open, door: str
) -> None:
    olga, ann, bob = chat("Olga"), chat("Ann"), chat("Bob")
    for one in (ann, bob):
        await follows(one)
        await one.says("digest")
        await one.picks("Sunday")
    await town.publishes(olga, "Clean the lake", SUNDAY + timedelta(days=2))
    assert "No weekly letter any more" in await ann.says("no digest")
    await town.waits(days=6, hours=8, seconds=10)
    assert letters(ann) == []
    assert len(letters(bob)) == 1  # control
    assert "You get no weekly letter" in await ann.says("no digest")


@pytest.mark.parametrize("door", ["web"])
async def test_letters_of_one_hour_are_one_intention_however_often_the_clock_ticks(
    town: Town, chat: Open, door: str
) -> None:
    olga, people = chat("Olga"), [chat(name) for name in ("Ann", "Bob", "Cat")]
    for one in people:
        await follows(one)
        await one.says("digest")
        await one.picks("Sunday")
    await town.publishes(olga, "Clean the lake", SUNDAY + timedelta(days=2))
    await town.waits(days=6, hours=8)
    for days in (0, -2, 2, 0):
        await town.waits(days=days, seconds=1)
    assert [len(letters(one)) for one in people] == [1, 1, 1]
    async with town.database.read() as unit:
        planned = select(func.count()).select_from(fanout).where(fanout.c.kind == "digest")
        assert (await unit.run(planned)).scalar_one() == 1


@pytest.mark.parametrize("door", ["web"])
async def test_a_letter_comes_within_hours_of_its_time_or_not_at_all(town: Town, chat: Open, door: str) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    await follows(ann)
    await ann.says("digest")
    await ann.picks("Sunday")
    await town.publishes(olga, "Clean the lake", SUNDAY + timedelta(days=2))
    await town.waits(days=6, hours=8 + 7)
    await town.waits(hours=9)
    assert letters(ann) == []
