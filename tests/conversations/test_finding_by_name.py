"""What an activity is called is enough to find it: on a poster, in a friend's message, in a list shown before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.conversations.kit import MONDAY, Chat, Town

Open = Callable[..., Chat]

FRIDAY = MONDAY + timedelta(days=4)


async def finds(one: Chat, said: str) -> str:
    """The answer with its list, wherever a door puts the lines of one."""
    return "\n".join((await one.says(said), *one.labels))


async def test_a_name_alone_finds_it_and_nothing_else_is_guessed(town: Town, chat: Open) -> None:
    olga, ann = chat("olga"), chat("ann")
    await town.publishes(olga, "旧物交换集市", FRIDAY)
    await ann.says("hello")
    assert "旧物交换集市 · " in await finds(ann, "旧物交换集市")
    assert "旧物交换集市 · " in await finds(ann, "交换集市")
    assert "Bring gloves." in await ann.says("旧物")  # under the list that shows it, a part of its line means it
    for said in ("旧物", "新物交换集市", "no such thing"):
        await ann.says("hello")
        assert "I did not understand that." in await ann.says(said), said


async def test_a_name_with_a_day_in_it_is_found_on_whatever_day_it_is(town: Town, chat: Open) -> None:
    olga, ann = chat("olga"), chat("ann")
    await town.publishes(olga, "周六读书会", FRIDAY)
    await town.publishes(olga, "Sweeping the park", FRIDAY + timedelta(days=1))
    await ann.says("hello")
    found = await finds(ann, "周六读书会")
    assert "周六读书会 · " in found
    assert "Sweeping" not in found
    assert "Sweeping the park · " in await finds(ann, "找周六跳舞的活动")  # control: no name, and so a Saturday


async def test_a_draft_is_nobodys_to_find(town: Town, chat: Open) -> None:
    olga, ann = chat("olga"), chat("ann")
    await ann.says("hello")
    await olga.says("hello")
    await town.has_organisation(olga)
    await olga.says("publish")
    for said in ("旧物交换集市", "environment", "Sat 9:00-11:30", "海淀区 颐和园东门", "20", "none", "Not yet"):
        await olga.says(said)
    assert "as a draft" in olga.text
    assert "I did not understand that." in await ann.says("旧物交换集市")


async def test_a_list_takes_the_name_at_the_head_of_its_line(town: Town, chat: Open) -> None:
    olga = chat("olga")
    await town.publishes(olga, "旧物交换集市", FRIDAY)
    await town.publishes(olga, "Sweeping the park", FRIDAY)
    for _again in range(2):
        await town.publishes(olga, "Reading to children", FRIDAY + timedelta(days=1))
    await olga.says("organise")
    assert "0 of 10 seats taken" in await olga.says("旧物交换集市")
    await olga.says("organise")
    assert "2 activities for “reading to children”" in await olga.says("reading to children")  # two have it
