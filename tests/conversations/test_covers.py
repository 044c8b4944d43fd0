"""A call for cover: few are asked at a time, least-asked first; a no is remembered; it stops when seats are filled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from storage.tables.parties import invitation
from tests.conversations.kit import MONDAY, Chat, Town

TUESDAY = MONDAY + timedelta(days=1)
SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]


async def followers(town: Town, chat: Open, many: int, kind: str = "environment") -> list[Chat]:
    """People who follow a kind and have introduced themselves at some other activity."""
    first = await town.publishes(chat("Olga"), "An earlier one", SATURDAY + timedelta(days=30), seats=500)
    crowd = [chat(f"Follower {n}") for n in range(many)]
    for one in crowd:
        await one.joins(first)
        await one.opens("subscribe", "kind", kind)
    return crowd


async def asked(town: Town) -> int:
    async with town.database.read() as unit:
        return int((await unit.run(select(func.count()).select_from(invitation))).scalar_one())


def heard(crowd: list[Chat]) -> list[Chat]:
    return [one for one in crowd if any("People are short" in page.text for page in one.pushed())]


async def test_an_organiser_calls_and_it_stops_when_the_seats_are_filled(town: Town, chat: Open) -> None:
    olga = chat("Olga")
    crowd = await followers(town, chat, 8)
    trees = await town.publishes(olga, "Planting trees", SATURDAY, seats=2)
    await olga.opens("cover", trees)
    assert "8 people fit" in olga.text
    assert "6 in a round" in olga.text
    assert "asked now" in await olga.picks("Ask people now")
    await town.waits(seconds=5)
    first = heard(crowd)
    assert len(first) == 6
    assert "You are in" in await first[0].joins(trees)
    await first[1].opens("uninvited", 2)
    await town.waits(minutes=31)
    await town.waits(seconds=5)
    assert len(heard(crowd)) == 8
    assert "You are in" in await crowd[-1].joins(trees)
    await town.waits(minutes=31)
    await town.waits(seconds=5)
    assert any("seats are filled: Planting trees" in page.text for page in olga.pushed())
    assert await asked(town) == 8
    async with town.database.read() as unit:
        states = sorted((await unit.run(select(invitation.c.state))).scalars())
    assert states == ["accepted", "accepted", "over", "over", "over", "over", "over", "refused"]


@pytest.mark.parametrize("door", ["web"])
async def test_a_no_is_remembered_for_the_activity_and_least_asked_come_first(
    town: Town, chat: Open, door: str
) -> None:
    olga = chat("Olga")
    crowd = await followers(town, chat, 7)
    trees = await town.publishes(olga, "Planting trees", SATURDAY, seats=1)
    river = await town.publishes(olga, "River walk", SATURDAY + timedelta(days=1), seats=1)
    await olga.opens("cover", trees)
    await olga.picks("Ask people now")
    await town.waits(seconds=5)
    first = heard(crowd)
    assert len(first) == 5
    await olga.opens("cover", trees)
    await olga.picks("Stop asking")
    assert "2 people fit" in await olga.opens("cover", trees)  # nobody is asked twice about one activity
    await olga.opens("cover", river)
    assert "7 people fit" in olga.text  # control: for another they are
    await olga.picks("Ask people now")
    await town.waits(seconds=5)
    fresh = [one for one in crowd if one not in first]
    assert all(any("River walk" in page.text for page in one.pushed()) for one in fresh)


@pytest.mark.parametrize("door", ["web"])
async def test_nobody_is_asked_a_third_time_in_a_week(town: Town, chat: Open, door: str) -> None:
    olga = chat("Olga")
    crowd = await followers(town, chat, 1)
    for day in range(3):
        activity = await town.publishes(olga, f"Activity {day}", SATURDAY + timedelta(days=day), seats=1)
        await olga.opens("cover", activity)
        assert ("1 person fits" in olga.text) == (day < 2)
        if day < 2:
            await olga.picks("Ask people now")
            await town.waits(seconds=5)
    assert len([page for page in crowd[0].pushed() if "People are short" in page.text]) == 2
    town.at += timedelta(days=7)
    last = await town.publishes(olga, "A week later", SATURDAY + timedelta(days=9), seats=1)
    assert "1 person fits" in await olga.opens("cover", last)  # control


@pytest.mark.parametrize("door", ["web"])
async def test_at_night_nobody_is_asked(town: Town, chat: Open, door: str) -> None:
    olga = chat("Olga")
    crowd = await followers(town, chat, 1)
    trees = await town.publishes(olga, "Planting trees", SATURDAY, seats=1)
    town.at += timedelta(hours=12)  # ten in the evening
    await olga.opens("cover", trees)
    await olga.picks("Ask people now")
    await town.waits(seconds=5)
    assert await asked(town) == 0
    await town.waits(hours=10, minutes=1)
    await town.waits(seconds=5)
    assert len(heard(crowd)) == 1


@pytest.mark.parametrize("door", ["web"])
async def test_it_calls_by_itself_only_where_that_was_switched_on(town: Town, chat: Open, door: str) -> None:
    olga = chat("Olga")
    crowd = await followers(town, chat, 2)
    quiet = await town.publishes(olga, "Not switched on", TUESDAY + timedelta(hours=4), seats=1)
    short = await town.publishes(olga, "Switched on", TUESDAY + timedelta(hours=8), seats=1)
    await olga.opens("cover", short)
    assert "by myself" in await olga.picks("Ask by yourself")
    await town.waits(hours=4)
    assert await asked(town) == 0
    await town.waits(hours=5)
    await town.waits(seconds=5)
    assert all("Switched on" in page.text for one in crowd for page in one.pushed() if "short" in page.text)
    assert len(heard(crowd)) == 2
    assert "Nobody has been asked yet" in await olga.opens("cover", quiet)


@pytest.mark.parametrize("door", ["web"])
async def test_only_who_fits_is_asked(town: Town, chat: Open, door: str) -> None:
    """Busy then, in already, opted for another kind, under age: none of these."""
    olga = chat("Olga")
    [busy, inside, other, fits] = await followers(town, chat, 4)
    trees = await town.publishes(olga, "Planting trees", SATURDAY, seats=5)
    clash = await town.publishes(olga, "At the same time", SATURDAY + timedelta(hours=1))
    await busy.joins(clash)
    await inside.joins(trees)
    await other.opens("unsubscribe", "kind", "environment")
    await olga.opens("cover", trees)
    assert "1 person fits" in olga.text
    await olga.picks("Ask people now")
    await town.waits(seconds=5)
    assert heard([busy, inside, other, fits]) == [fits]


@pytest.mark.parametrize("door", ["web"])
async def test_nobody_but_its_organiser_calls(town: Town, chat: Open, door: str) -> None:
    trees = await town.publishes(chat("Olga"), "Planting trees", SATURDAY)
    assert "no such activity among those" in await chat("Eve").opens("cover", trees)
