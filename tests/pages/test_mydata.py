"""The address of one's own data: works once, tells nothing to a link checker, and never where it should not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.pages import mydata, tables
from bot.pages.site import Site

TOKEN = "0123456789abcdef" * 2


class Shelf:
    """What stands behind the address: one export, for one taker."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def export(self, token: str) -> dict[str, Any] | None:
        self.asked.append(token)
        return {"data": {"person": [{"name": "䶮"}]}} if self.asked.count(TOKEN) == 1 and token == TOKEN else None


    async def table(self, taken: dict[str, Any]) -> bytes:
        return b"PK" + str(taken["data"]["person"][0]["name"]).encode()


    async def insured(self, token: str) -> bytes | None:
        self.asked.append(token)
        return b"PK" if token == TOKEN and self.asked.count(TOKEN) == 1 else None


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def client(shelf: Shelf) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    application = web.Application()
    site = Site(ZoneInfo("Asia/Shanghai"))
    site.attach(application)
    application.add_routes(mydata.routes(site, shelf.export, shelf.table, shelf.insured))
    async with TestClient(TestServer(application, host="127.0.0.1")) as client:
        yield client


async def test_the_file_comes_once(client: TestClient[web.Request, web.Application]) -> None:
    first = await client.post(f"/mydata/{TOKEN}")
    assert first.status == 200
    assert first.headers["Content-Disposition"] == 'attachment; filename="menkou-my-data.json"'
    assert first.headers["Cache-Control"] == "no-store"
    assert (await first.json())["data"]["person"][0]["name"] == "䶮"
    assert (await client.post(f"/mydata/{TOKEN}")).status == 404


async def test_the_table_comes_once_and_is_a_file_to_keep(client: TestClient[web.Request, web.Application]) -> None:
    first = await client.post(f"/mydata/{TOKEN}.xlsx")
    assert (first.status, await first.read()) == (200, b"PK" + "䶮".encode())
    assert first.headers["Content-Disposition"] == 'attachment; filename="menkou-my-data.xlsx"'
    assert first.content_type == tables.XLSX
    assert (await client.post(f"/mydata/{TOKEN}.xlsx")).status == 404


async def test_an_insurers_list_comes_once(client: TestClient[web.Request, web.Application], shelf: Shelf) -> None:
    first = await client.post(f"/insured/{TOKEN}.xlsx")
    assert (first.status, first.content_type, await first.read()) == (200, tables.XLSX, b"PK")
    assert (await client.post(f"/insured/{TOKEN}.xlsx")).status == 404
    assert (await client.post("/insured/x.xlsx")).status == 404
    assert shelf.asked == [TOKEN, TOKEN]


PATHS = (f"/mydata/{TOKEN}", f"/mydata/{TOKEN}.xlsx", f"/insured/{TOKEN}.xlsx")


@pytest.mark.parametrize("path", PATHS)
async def test_neither_a_link_checker_nor_a_look_uses_it_up(
    client: TestClient[web.Request, web.Application], shelf: Shelf, path: str
) -> None:
    assert (await client.head(path)).status == 405
    for _look in range(3):
        page = await client.get(path)
        assert (page.status, page.content_type) == (200, "text/html")
        assert '<form method="post">' in await page.text()
    assert not shelf.asked
    assert (await client.post(path)).headers["Content-Disposition"].startswith("attachment")


async def test_control_an_address_that_a_look_uses_up_is_gone_for_its_owner(
    client: TestClient[web.Request, web.Application], shelf: Shelf
) -> None:
    assert (await client.post(PATHS[0])).status == 200
    assert (await client.post(PATHS[0])).status == 404
    assert (await client.get(PATHS[0])).status == 200, "the page itself tells nobody whether the address is good"


@pytest.mark.parametrize("token", ["x", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), "%00" * 8, "..%2f" * 4])
async def test_what_cannot_be_an_address_is_not_looked_up(
    client: TestClient[web.Request, web.Application], shelf: Shelf, token: str
) -> None:
    assert (await client.get(f"/mydata/{token}")).status == 404
    assert (await client.post(f"/mydata/{token}")).status == 404
    assert not shelf.asked
