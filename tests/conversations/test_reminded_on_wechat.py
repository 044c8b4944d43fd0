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
from storage import grants, quotas
from tests.channels.wechat_kit import MemoryShelf
from tests.conversations.kit import MONDAY, Chat, Town
from tests.conversations.test_linking import link as linked
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


@pytest.mark.parametrize("door", ["wechat", "telegram", "web", "terminal"])
async def test_a_reminder_is_promised_only_where_it_can_come(town: Town, door: str) -> None:
    """“I will remind you” was said of a day on which WeChat let nobody be reminded who had allowed nothing."""
    town.turns.city = with_notices(town.city)
    organiser, ann = Chat(town, "telegram", "organiser"), Chat(town, door, "ann")
    await ann.joins(await town.publishes(organiser, "Trees", MONDAY + timedelta(days=5)))
    assert ("allow a reminder here" in ann.text) is (door == "wechat")
    assert ("I will remind you" in ann.text) is (door != "wechat")
    await ann.opens("join", await town.publishes(organiser, "Soon", MONDAY + timedelta(days=2, hours=12)))
    await ann.says("yes")
    assert "I will remind you" in ann.text, "control: on that day the window of this very message is still open"


async def test_who_has_allowed_one_is_promised_it_and_so_is_who_has_another_chat(town: Town) -> None:
    town.turns.city = city = with_notices(town.city)
    organiser, ann, bea = Chat(town, "telegram", "organiser"), Chat(town, "wechat", "ann"), Chat(town, "wechat", "bea")
    one, other = [await town.publishes(organiser, name, MONDAY + timedelta(days=5)) for name in ("Trees", "Shrubs")]
    await ann.says("menu")
    async with town.database.write() as unit:
        assert await grants.hear(unit, ann.name, city.means.offers.notices["reminder"], True, town.at, once=True)
    await ann.joins(one)
    assert "I will remind you" in ann.text
    await linked(bea, Chat(town, "telegram", "bea"))
    await bea.joins(other)
    assert "I will remind you" in bea.text


async def test_an_account_without_notices_says_that_a_reminder_may_not_come(town: Town) -> None:
    organiser, ann = Chat(town, "telegram", "organiser"), Chat(town, "wechat", "ann")
    await ann.joins(await town.publishes(organiser, "Trees", MONDAY + timedelta(days=5)))
    assert "a reminder may not reach you" in ann.text


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
            assert await account.code(number, town.at + timedelta(days=30)) == held  # good until then, to the day
            assert await account.code(number, town.at + timedelta(days=31)) is None  # no code lives as long as that
            assert platform.calls["/cgi-bin/qrcode/create"] == 1
            town.at += timedelta(days=8)
            lasting = await account.code(number, town.at + timedelta(days=29))
            assert lasting not in (None, held)  # on paper it would have ended before the activity
            town.at += timedelta(days=24)
            assert await account.code(number) not in (held, lasting)  # it would have ended within the week
            assert await account.code(number + 1) is None
            async with town.database.write() as unit:
                await quotas.learn(unit, "wechat", QR_CREATE, 1, 1, town.at)
            town.at += timedelta(days=24)
            async with town.database.write() as unit:
                await quotas.learn(unit, "wechat", QR_CREATE, 0, 0, town.at)
            assert await account.code(number) is None  # the day allows none: nothing is called
            assert platform.calls["/cgi-bin/qrcode/create"] == 3
            await account.ask_quotas()
            async with town.database.read() as unit:
                left = await quotas.left(unit, "wechat", WECHAT.values(), town.at)
            assert {one.allowed for one in left.values()} == {500_000, 100_000}
        finally:
            await api.close()
