"""The page on which WeChat asks for consent, and the picture of a code: what stands in them, and who gets none."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from bot.pages import grant
from bot.pages.grant import Asking
from bot.pages.site import HEADERS, Site

HELD = "http://weixin.qq.com/q/0123456789"


class Platform:
    """Signs, and has one code."""

    def __init__(self) -> None:
        self.signed: list[str] = []

    async def ask(self, kind: str, path: str) -> Asking | None:
        self.signed.append(path)
        return Asking(("t1", "t2"), "wx1", 17, 'n"<', "5163") if kind == "reminder" else None

    async def code(self, activity: int) -> str | None:
        return HELD if activity == 42 else None


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    site = Site(ZoneInfo("Asia/Shanghai"))
    site.attach(app)
    app.add_routes(grant.routes(site, platform.ask, platform.code))
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_the_page_carries_the_platforms_button_and_its_signature(
    client: TestClient[web.Request, web.Application], platform: Platform
) -> None:
    response = await client.get("/wechat/grant/reminder?from=singlemessage&x=%E4%B8%AD")
    text = await response.text()
    assert response.status == 200
    assert '<wx-open-subscribe id="allow" template="t1,t2">' in text
    assert 'data-app="wx1" data-timestamp="17" data-nonce="n&#34;&lt;" data-signature="5163"' in text
    assert "允许一次提醒" in text
    # Signed as the browser shows it, with whatever WeChat has put behind it.
    assert platform.signed == ["/wechat/grant/reminder?from=singlemessage&x=%E4%B8%AD"]


async def test_the_platforms_script_may_run_on_this_page_and_on_no_other(
    client: TestClient[web.Request, web.Application],
) -> None:
    response = await client.get("/wechat/grant/reminder")
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self' https://res.wx.qq.com;" in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert "res.wx.qq.com" not in HEADERS["Content-Security-Policy"]


async def test_there_is_no_page_for_what_nobody_asks(client: TestClient[web.Request, web.Application]) -> None:
    assert (await client.get("/wechat/grant/announcement")).status == 404
    assert (await client.get("/wechat/grant/reminder?" + "x" * 600)).status == 404


async def test_a_code_is_a_picture_that_can_be_read(client: TestClient[web.Request, web.Application]) -> None:
    response = await client.get("/wechat/code/42.png")
    assert response.content_type == "image/png"
    (found,) = zxingcpp.read_barcodes(Image.open(BytesIO(await response.read())))
    assert found.text == HELD


@pytest.mark.parametrize("number", ["43", "x", "99999999999", "-1", "４２"])
async def test_there_is_no_code_of_what_is_not_there(
    client: TestClient[web.Request, web.Application], number: str
) -> None:
    response = await client.get(f"/wechat/code/{number}.png")
    assert response.status == 404
    assert "weixin" not in json.dumps(await response.text())
