"""How was it? Asked of those who were there, once; a figure shows from five answers on, and names nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.domain.evaluations import Evaluated, TooFew, summed
from storage.tables.enrolment import enrolment
from storage.tables.evaluations import evaluation
from tests.conversations.kit import MONDAY, Chat, Town

Open = Callable[..., Chat]


def test_a_figure_shows_from_five_answers_on() -> None:
    answers = [(5, "b"), (4, ""), (3, "a"), (5, "")]
    assert summed(answers) == TooFew()
    assert summed([*answers, (4, "c")]) == Evaluated(5, 4.2, ["a", "b", "c"])  # control


def questions(chat: Chat) -> list[str]:
    return [page.text for page in chat.pushed() if "How was it?" in page.text]


async def were_there(town: Town, count: int, stand: str = "completed") -> None:
    """The first `count` sign-ups were there to the end."""
    async with town.database.write() as unit:
        await unit.run(update(enrolment).where(enrolment.c.id <= count).values(state=stand))


async def test_who_was_there_is_asked_once_and_may_answer(town: Town, chat: Open) -> None:
    olga, ann, bob = chat("Olga"), chat("Ann"), chat("Bob")
    lake = await town.publishes(olga, "Clean the lake", MONDAY + timedelta(hours=3))
    await ann.joins(lake)
    await bob.joins(lake)
    await town.waits(hours=5)
    await were_there(town, 1)
    await town.waits(hours=2, minutes=59)
    assert questions(ann) == []
    await town.waits(minutes=2)
    await town.waits(hours=1)
    assert len(questions(ann)) == 1
    assert questions(bob) == []  # control: was not there
    await ann.opens("feedback", 1)
    assert "One star to five" in ann.text
    await ann.says("4")
    assert "Thank you" in await ann.says("Bring more bags")
    async with town.database.read() as unit:
        kept = (await unit.run(select(evaluation))).one()
    assert (kept.enrolment, kept.stars) == (1, 4)
    assert b"bags" not in kept.words  # sealed
    assert "where you were there" in await bob.opens("feedback", 2)
    assert "where you were there" in await bob.opens("feedback", 1)


@pytest.mark.parametrize("door", ["web"])
async def test_its_organiser_reads_it_once_five_have_answered(town: Town, chat: Open, door: str) -> None:
    olga, eve = chat("Olga"), chat("Eve")
    people = [chat(name) for name in ("Ann", "Bob", "Cat", "Dan", "Fay")]
    lake = await town.publishes(olga, "Clean the lake", MONDAY + timedelta(hours=3))
    for one in people:
        await one.joins(lake)
    await town.waits(hours=9)
    await were_there(town, 5)
    for number, one in enumerate(people, 1):
        assert "Shown once 5 people" in await olga.opens("evaluations", lake)
        await one.opens("feedback", number)
        await one.says(str(number))
        await (one.says("More bags") if number == 1 else one.picks("that is all"))
    await olga.opens("manage", lake)
    said = await olga.picks("How it was")
    assert "3 of 5 stars, 5 answers" in said
    assert "More bags" in said
    assert "Ann" not in said
    assert "no such activity among those" in await eve.opens("evaluations", lake)
