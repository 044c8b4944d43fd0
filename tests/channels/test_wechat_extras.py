"""The account beside its messages: pages signed for WeChat, codes, quotas, tags; each against the strict stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.channels.wechat.api import WeChatApi
from bot.channels.wechat.extras import Extras, NoAnswer, signature
from tests.channels.wechat_kit import MemoryShelf, at
from tests.standins.wechat import ManualClock, WeChatApiStandIn

TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"


@asynccontextmanager
async def extras() -> AsyncIterator[tuple[WeChatApiStandIn, Extras, ManualClock]]:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform:
        api = WeChatApi(
            app_id=platform.app_id, app_secret=platform.secret, shelf=MemoryShelf(), clock=at(clock), base=platform.base
        )
        try:
            yield platform, Extras(api, platform.app_id, MemoryShelf()), clock
        finally:
            await api.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://mp.weixin.qq.com", "f4d90daf4b3bca3078ab155816175ba34c443a7b"),
        ("http://mp.weixin.qq.com?params=value", "0f9de62fce790f9a083d5c99e95740ceb90c27ed"),
        ("http://mp.weixin.qq.com?params=value#part", "0f9de62fce790f9a083d5c99e95740ceb90c27ed"),
    ],
)
def test_a_page_is_signed_as_the_platform_publishes_it(url: str, expected: str) -> None:
    assert signature(TICKET, "Wm3WZYTPz0wzccnW", 1414587457, url) == expected


async def test_one_ticket_signs_all_pages_until_it_ends() -> None:
    async with extras() as (platform, account, clock):
        first, second = await account.sign("https://city.example/a"), await account.sign("https://city.example/a")
        assert platform.calls["/cgi-bin/ticket/getticket"] == 1
        assert first.nonce != second.nonce
        assert (first.app, first.timestamp) == (platform.app_id, int(clock()))
        clock.advance(7200)
        await account.sign("https://city.example/a")
        assert platform.calls["/cgi-bin/ticket/getticket"] == 2


async def test_a_ticket_that_is_refused_is_told_without_secrets() -> None:
    async with extras() as (platform, account, _clock):
        platform.fail("/cgi-bin/ticket/getticket", 48001)
        with pytest.raises(NoAnswer, match="48001") as told:
            await account.sign("https://city.example/a")
        assert platform.secret not in str(told.value)


async def test_a_code_holds_an_address_that_starts_its_scene() -> None:
    async with extras() as (platform, account, _clock):
        url = await account.code("activity-42")
        assert platform.scenes == {url: "activity-42"}
        with pytest.raises(NoAnswer):
            await account.code("a" * 65)


async def test_the_platform_tells_what_it_allows_and_has_counted() -> None:
    async with extras() as (platform, account, _clock):
        platform.quotas["/cgi-bin/message/custom/send"] = 1_000
        assert await account.quota("/cgi-bin/message/custom/send") == (1_000, 0)
        with pytest.raises(NoAnswer):
            await account.quota("/cgi-bin/no/such")


async def test_followers_come_under_a_tag_fifty_at_a_time_and_out_of_it() -> None:
    async with extras() as (platform, account, _clock):
        everybody = [f"o{number}" for number in range(60)]
        for openid in everybody:
            platform.follow(openid)
        tag = await account.new_tag("menkou-1")
        await account.put_under(tag, everybody[:50])
        with pytest.raises(NoAnswer):
            await account.put_under(tag, everybody)
        await account.take_out(tag, everybody[:10])
        assert sum(tag in one.tags for one in platform.followers.values()) == 40
        await account.drop_tag(tag)
        assert platform.tags == {}
