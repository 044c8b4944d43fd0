"""Before anything is sent to many: by which route, until when, and whether one of the few mass messages is worth it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain.campaigns import Sent, Timing
from bot.domain.forecast import Means
from bot.domain.quotas import MASS_BY_KIND
from bot.domain.reach import Offers, Way
from storage.tables.campaigns import campaign
from storage.tables.delivery import fanout
from tests.conversations.campaign_kit import HAIDIAN, centre, desk_of, drafted, follower, organiser
from tests.conversations.kit import MONDAY, Chat, Town

Open = Callable[..., Chat]

ASKED = "1 person is reached on WeChat by a mass message only; 4 of 4 are left. Use one?"
HERE = ("district", str(HAIDIAN))


@pytest.fixture
def means() -> Means:
    return Means({"telegram": 28.0, "wechat": 5.0}, Offers(mass=True), {Way.MASS: MASS_BY_KIND["service"]})


@pytest.fixture
async def zhao(town: Town, means: Means, chat: Open) -> Chat:
    """An organiser, a reader at Telegram, and one at WeChat who has not written for days."""
    town.city = town.turns.city = replace(town.city, means=means)
    zhao = await organiser(town, chat("zhao"))
    await follower(town, Chat(town, "wechat", "mei"), HERE)
    town.at += timedelta(days=3)
    await follower(town, Chat(town, "telegram", "ann"), HERE)
    await town.publishes(zhao, "Trees", MONDAY + timedelta(days=6))
    return zhao


async def planned(town: Town) -> list[dict[str, Any]]:
    async with town.database.read() as unit:
        found = await unit.run(select(fanout.c.words).where(fanout.c.kind.in_(("announcement", "campaign"))))
        return list(found.scalars())


async def announces(zhao: Chat) -> None:
    await zhao.opens("announce", 1)
    await zhao.picks("Haidian")
    await zhao.says("Come and plant with us!")


async def test_an_announcement_shows_its_routes_with_their_ends_before_it_is_sent(town: Town, zhao: Chat) -> None:
    await announces(zhao)
    assert ASKED in zhao.text
    await zhao.says("let them wait until they write")
    assert "2 people would get it:" in zhao.text
    assert "1 person · Telegram · chat message · through by Thu 26 Nov 10:00" in zhao.text
    assert "1 person: when they next write" in zhao.text
    assert "mass message" not in zhao.text, "it told of a mass message that had just been declined"
    assert not await planned(town)
    await zhao.says("send")
    assert [one.get("mass") for one in await planned(town)] == [None]


async def test_an_announcement_may_use_a_mass_message(town: Town, zhao: Chat) -> None:
    await announces(zhao)
    await zhao.says("use one")
    assert "1 person · WeChat · mass message · 4 of 4 are left" in zhao.text
    await zhao.says("send")
    assert [one.get("mass") for one in await planned(town)] == ["yes"]


@pytest.mark.parametrize(("said", "kept"), [("use one", "yes"), ("let them wait until they write", None)])
async def test_a_campaign_uses_one_where_its_author_says_so(
    town: Town, zhao: Chat, said: str, kept: str | None
) -> None:
    number = (await drafted(town, zhao)).campaign.id
    assert ASKED in await zhao.opens("mailingsend", number)
    await zhao.says(said)
    assert ("mass message" in zhao.text) == (kept == "yes")
    assert ("1 person: when they next write" in zhao.text) == (kept is None)
    await zhao.says("send 2")
    assert "On its way to 2 people" in zhao.text
    await town.waits(minutes=1)
    assert [one.get("mass") for one in await planned(town)] == [kept]


async def asked_to_agree(town: Town, zhao: Chat, wu: Chat, choice: str) -> Chat:
    """The centre's person before a campaign for which its author has chosen about a mass message."""
    await centre(town, wu, HAIDIAN)
    number = (await drafted(town, zhao)).campaign.id
    await zhao.opens("mailingsend", number)
    await zhao.says(choice)
    await zhao.says("send 2")
    await wu.opens("mailingagree", number)
    return wu


async def test_the_second_person_reads_that_one_is_used(
    town: Town, zhao: Chat, chat: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.domain.campaigns.SECOND_PERSON", 1)
    wu = await asked_to_agree(town, zhao, chat("wu"), "use one")
    assert "One of WeChat's mass messages" in wu.text
    assert "1 person · WeChat · mass message · 4 of 4 are left" in wu.text
    await wu.says("i agree")
    await town.waits(minutes=1)
    assert [one.get("mass") for one in await planned(town)] == ["yes"]


async def test_the_second_person_reads_that_none_is_used(
    town: Town, zhao: Chat, chat: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.domain.campaigns.SECOND_PERSON", 1)
    wu = await asked_to_agree(town, zhao, chat("wu"), "let them wait until they write")
    assert "1 person: when they next write" in wu.text
    assert "mass message" not in wu.text


async def test_a_theme_week_uses_none(town: Town, zhao: Chat) -> None:
    days = Timing("daily", town.at + timedelta(hours=1))
    number = (await drafted(town, zhao, texts=[{"en": "Day one"}, {"en": "Day two"}], timing=days)).campaign.id
    assert "Use one?" not in await zhao.opens("mailingsend", number)
    assert "mass message" not in zhao.text
    async with desk_of(town, zhao) as desk:
        assert isinstance(await desk.send(number, 2, mass=True), Sent)
    await town.waits(hours=1)
    assert [one.get("mass") for one in await planned(town)] == [None]


async def test_what_leaves_later_is_through_later(town: Town, zhao: Chat) -> None:
    kept = await drafted(town, zhao, timing=Timing("at", town.at + timedelta(days=1, hours=2)))
    await zhao.opens("mailingsend", kept.campaign.id)
    await zhao.says("no")
    assert "through by Fri 27 Nov 12:00" in zhao.text, "it named the present minute, a day before anything left"


async def test_where_none_is_left_none_is_offered(town: Town, zhao: Chat, means: Means) -> None:
    used_up = {Way.MASS: replace(MASS_BY_KIND["service"], allowed=0)}
    town.city = town.turns.city = replace(town.city, means=replace(means, limits=used_up))
    await announces(zhao)
    assert "Use one?" not in zhao.text
    async with town.database.read() as unit:
        assert not (await unit.run(select(campaign.c.id))).first()
