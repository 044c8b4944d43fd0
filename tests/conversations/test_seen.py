"""A typed number answers what somebody had before them when they typed it, and nothing that arrived meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from storage import fanouts, people
from storage.tables.delivery import Lane
from tests.conversations.kit import MONDAY, Chat, Town, number_of

SATURDAY = MONDAY + timedelta(days=5)
TICK = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def ann(town: Town) -> Chat:
    """Somebody at a door without buttons, who has the menu before her."""
    olga = Chat(town, "wechat", "olga")
    for title in ("Trees", "Books", "Soup"):
        await town.publishes(olga, title, SATURDAY)
    chat = Chat(town, "wechat", "ann")
    await chat.says("menu")
    return chat


async def notice(town: Town, who: Chat, about: int, at: datetime) -> None:
    """Something that we say first, whose first option is to sign up for an activity, arrives at this moment."""
    person = await number_of(town, who)
    town.at = at
    async with town.database.write() as unit:
        await fanouts.plan(
            unit, kind="campaign", source=about, lane=Lane.PERSONAL, segment={"person": person},
            words={"en": "Come", "activity": str(about), "campaign": "1"}, not_before=at, expires=at + SECOND * 3600,
        )  # fmt: skip
    await town.ticks.run_once()


async def types(who: Chat, said: str, sent: datetime) -> str:
    """A message that was sent at this moment and reaches us now."""
    reply = await who.town.turns.take(replace(who.incoming(text=said), at=sent))
    who.pages = reply.pages
    return who.text


def is_menu(text: str) -> bool:
    """The first line of the menu was followed; that of the notice leads to signing up."""
    return "Do you agree" not in text


@pytest.mark.parametrize("before", [timedelta(0), TICK, SECOND], ids=["the same moment", "just before", "well before"])
async def test_a_number_typed_before_the_notice_arrived_means_the_menu(
    town: Town, ann: Chat, before: timedelta
) -> None:
    arrives = town.at + 10 * SECOND
    await notice(town, ann, 3, arrives)
    assert is_menu(await types(ann, "1", arrives - before))


async def test_a_number_typed_after_it_arrived_means_the_notice(town: Town, ann: Chat) -> None:
    arrives = town.at + 10 * SECOND
    await notice(town, ann, 3, arrives)
    assert not is_menu(await types(ann, "1", arrives + SECOND))


async def test_a_list_that_we_answer_with_in_the_moment_of_the_notice_comes_after_it(town: Town, ann: Chat) -> None:
    arrives = town.at + 10 * SECOND
    await notice(town, ann, 3, arrives)
    await types(ann, "menu", arrives - SECOND)
    assert is_menu(await types(ann, "1", arrives + 5 * SECOND))


async def test_a_notice_that_arrives_after_our_answer_is_answered(town: Town, ann: Chat) -> None:
    await types(ann, "menu", town.at)
    arrives = town.at + TICK
    await notice(town, ann, 3, arrives)
    assert not is_menu(await types(ann, "1", arrives + SECOND))


async def test_between_two_notices_a_number_means_the_first(town: Town, ann: Chat) -> None:
    arrives = town.at + 10 * SECOND
    await notice(town, ann, 2, arrives)
    await notice(town, ann, 3, arrives + 10 * SECOND)
    await types(ann, "1", arrives + 5 * SECOND)
    await ann.introduces_itself()
    assert "Books" in ann.text


async def test_after_both_it_means_the_last(town: Town, ann: Chat) -> None:
    arrives = town.at + 10 * SECOND
    await notice(town, ann, 2, arrives)
    await notice(town, ann, 3, arrives + 10 * SECOND)
    await types(ann, "1", arrives + 15 * SECOND)
    await ann.introduces_itself()
    assert "Soup" in ann.text


async def test_control_by_what_arrived_last_alone_an_unseen_notice_would_be_answered(
    town: Town, ann: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = people.Met.seen
    monkeypatch.setattr(people.Met, "seen", lambda met, at: seen(met, at + timedelta(days=1)))
    arrives = town.at + 10 * SECOND
    await notice(town, ann, 3, arrives)
    assert not is_menu(await types(ann, "1", arrives - SECOND))


async def test_control_where_the_answer_does_not_count_the_older_notice_would_be_answered(
    town: Town, ann: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def whatever(_session: object, *pushed: tuple[datetime | None, object]) -> list[tuple[int, object]]:
        return [(round(at.timestamp() * 1000), options) for at, options in pushed if at and options]

    monkeypatch.setattr(people, "_since", whatever)
    arrives = town.at + 10 * SECOND
    await notice(town, ann, 3, arrives)
    await types(ann, "menu", arrives - SECOND)
    assert not is_menu(await types(ann, "1", arrives + 5 * SECOND))
