"""Telegram looks at addresses from its own servers: pictures that were drawn for it, and nothing else of anybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.pages.site import Site

Client = TestClient[web.Request, web.Application]

ROBOT = {"User-Agent": "TelegramBot (like TwitterBot)"}
PERSON = {"User-Agent": "Mozilla/5.0 (Linux; Android 15) Telegram-Android/12.1"}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    application = web.Application()
    Site(ZoneInfo("Asia/Shanghai")).attach(application)

    async def answers(request: web.Request) -> web.Response:
        return web.Response(text="Ann Lee")

    application.add_routes([web.get("/{path:.*}", answers)])
    async with TestClient(TestServer(application, host="127.0.0.1")) as client:
        yield client


@pytest.mark.parametrize("path", ["/roll/1?k=ab", "/proof/X.pdf?k=ab", "/calendar/X.ics?k=ab", "/mydata/ab"])
async def test_a_preview_gets_no_page_and_its_reader_does(client: Client, path: str) -> None:
    refused = await client.get(path, headers=ROBOT)
    assert refused.status == 403
    assert "Ann Lee" not in await refused.text()
    assert await (await client.get(path, headers=PERSON)).text() == "Ann Lee"


@pytest.mark.parametrize("path", ["/proof/X.png?k=ab", "/campaign/1/picture?k=ab"])
async def test_a_picture_is_there_for_it(client: Client, path: str) -> None:
    assert (await client.get(path, headers=ROBOT)).status == 200
