"""The check of a certificate in a real browser: what there is nothing to tell of is not shown."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import expect

from bot import server
from bot.domain.proofs import new_number
from bot.pages import proof
from bot.pages.site import Site
from tests.browser.conftest import OpenPage
from tests.pages.test_proof import GOOD, Register
from tests.webchat import BEIJING, serve


@pytest_asyncio.fixture(loop_scope="session")
async def url() -> AsyncIterator[str]:
    app, site, register = server.create(), Site(BEIJING), Register()
    site.attach(app)
    app.add_routes(proof.routes(site, register.check, register.paper))
    async with serve(app) as url:
        yield url


async def test_an_unknown_number_has_nothing_to_tell_and_nothing_to_compare(open_page: OpenPage, url: str) -> None:
    """Six lines with a dash stood there, and a field for the name on no certificate."""
    page = await open_page(f"{url}/proof/{new_number()}")
    await expect(page.locator("h1")).to_have_text("查无此证")
    await expect(page.locator("dd.number")).to_be_visible()
    await expect(page.locator("form")).to_be_hidden()
    await expect(page.locator("dd", has_text="—")).to_have_count(5 + 1)
    for line in await page.locator("dd", has_text="—").all():
        await expect(line).to_be_hidden()
    await page.goto(f"{url}/proof/{GOOD}")
    await expect(page.locator("form")).to_be_visible()  # control
    await expect(page.get_by_text("王**")).to_be_visible()
