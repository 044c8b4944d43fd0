"""On WeChat a reminder needs consent where the window is closed: the page is offered there, and at no other door."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.account import Account
from bot.channels.wechat import WeChatApi
from bot.channels.wechat.extras import Extras
from bot.desk.city import City
from bot.domain.forecast import Means
from bot.domain.quotas import QR_CREATE, WECHAT
from bot.domain.reach import Offers
from storage import quotas
from tests.channels.wechat_kit import MemoryShelf
from tests.conversations.kit import MONDAY, Chat, Town
from tests.standins.wechat import WeChatApiStandIn

NOTICES = Offers(notices={"reminder": "n" * 20}, codes=True)


def with_notices(city: City) -> City:
    return replace(city, means=Means({"wechat": 5.0}, NOTICES, dict(WECHAT)))


@pytest.mark.parametrize("door", ["wechat", "telegram", "web", "terminal"])
async def test_whoever_signs_up_on_wechat_can_allow_a_reminder(town: Town, door: str) -> None:
    town.turns.city = with_notices(town.city)
    organiser, ann = Chat(town, "telegram", "organiser"), Chat(town, door, "ann")
    number = await town.publishes(organiser, "Trees", MONDAY + timedelta(days=5))
    await ann.joins(number)
    assert ("Allow a reminder on WeChat" in ann.labels) is (door == "wechat")
    if door == "wechat":
        (page,) = (button.url for button in ann.buttons if button.url)
        assert page == "http://city.test/wechat/grant/reminder"


async def test_without_notices_nothing_is_offered(town: Town) -> None:
    organiser, ann = Chat(town, "telegram", "organiser"), Chat(town, "wechat", "ann")
    await ann.joins(await town.publishes(organiser, "Trees", MONDAY + timedelta(days=5)))
    assert "Allow a reminder on WeChat" not in ann.labels


async def test_sharing_shows_the_code_that_opens_this_very_activity(town: Town) -> None:
    town.turns.city = city = with_notices(town.city)
    organiser = Chat(town, "telegram", "organiser")
    number = await town.publishes(organiser, "Trees", MONDAY + timedelta(days=5))
    await organiser.opens("share", number)
    assert organiser.pages[0].picture == f"http://city.test/wechat/code/{number}.png"

    async with WeChatApiStandIn(clock=lambda: town.at.timestamp()) as platform:
        api = WeChatApi(
            app_id=platform.app_id, app_secret=platform.secret, shelf=MemoryShelf(), clock=town.now, base=platform.base
        )
        account = Account(town.database, city, Extras(api, platform.app_id, MemoryShelf()), town.now)
        try:
            held = await account.code(number)
            assert held is not None
            assert platform.scenes[held] == f"activity-{number}"
            assert await account.code(number) == held  # kept: one call for a month
            assert platform.calls["/cgi-bin/qrcode/create"] == 1
            town.at += timedelta(days=24)
            assert await account.code(number) != held  # it would have ended within the week
            assert await account.code(number + 1) is None
            async with town.database.write() as unit:
                await quotas.learn(unit, "wechat", QR_CREATE, 1, 1, town.at)
            town.at += timedelta(days=24)
            async with town.database.write() as unit:
                await quotas.learn(unit, "wechat", QR_CREATE, 0, 0, town.at)
            assert await account.code(number) is None  # the day allows none: nothing is called
            assert platform.calls["/cgi-bin/qrcode/create"] == 2
            await account.ask_quotas()
            async with town.database.read() as unit:
                left = await quotas.left(unit, "wechat", WECHAT.values(), town.at)
            assert {one.allowed for one in left.values()} == {500_000, 100_000}
        finally:
            await api.close()
