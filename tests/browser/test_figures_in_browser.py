"""The city's figures in a real browser: on the smallest phone, in both languages and schemes, link by link."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser.conftest import OpenPage
from tests.pages.test_city import Town, app_of, lively, of_nobody
from tests.webchat import serve

SMALL = {"width": 360, "height": 740}


@pytest.fixture
def town() -> Town:
    return Town(lively())


@pytest_asyncio.fixture(loop_scope="session")
async def url(town: Town) -> AsyncIterator[str]:
    async with serve(app_of(town)) as url:
        yield url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
async def test_axe_finds_nothing_and_nothing_runs_over_the_edge(
    open_page: OpenPage, url: str, town: Town, language: str, scheme: str
) -> None:
    page = await open_page(f"{url}/city?of=month", locale=language, viewport=SMALL, color_scheme=scheme)
    for figures in (lively(), of_nobody()):
        town.figures = figures
        await page.reload()
        found = (await Axe().run(page)).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await page.evaluate(
            "[...document.querySelectorAll('.wide')].every(one => one.scrollWidth <= one.clientWidth)"
        )


async def test_spans_and_languages_are_links_that_keep_each_other(open_page: OpenPage, url: str) -> None:
    page = await open_page(f"{url}/city", viewport=SMALL)
    await expect(page.locator(".spans [aria-current]")).to_have_text("2026年")
    await page.get_by_role("link", name="English").click()
    await expect(page.locator("h1")).to_have_text("Volunteering in figures")
    await page.get_by_role("link", name="Nov 2026").click()
    await expect(page.locator(".spans [aria-current]")).to_have_text("Nov 2026")
    await expect(page.locator("h1")).to_have_text("Volunteering in figures")
    await expect(page.get_by_role("row", name="Chaoyang")).to_contain_text("1,483")


async def test_bars_are_as_long_as_their_figures(open_page: OpenPage, url: str) -> None:
    page = await open_page(f"{url}/city?of=month", locale="en-GB", viewport=SMALL)
    bars = await page.locator(".grades .bar").evaluate_all(
        "all => all.map(one => one.children[1].getBoundingClientRect().width / one.getBoundingClientRect().width)"
    )
    assert [round(100 * share, 1) for share in bars] == [98.8, 1.2]
    assert await page.get_by_role("row", name="Mentougou").locator(".bar").count() == 0
