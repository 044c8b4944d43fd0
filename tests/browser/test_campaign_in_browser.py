"""A campaign's page in a real browser: it fills by itself, says when it has lost its connection, and stops asking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from bot.pages.campaign import CampaignFacts
from bot.talk.wording import Named
from tests.browser.conftest import OpenPage
from tests.pages.test_campaign import FACTS
from tests.webchat import ScriptedCity, WebChat, echo, serve


@dataclass
class City:
    facts: CampaignFacts = field(default=FACTS)
    asked: int = 0

    async def campaign(self, number: int, key: str) -> CampaignFacts | None:
        self.asked += 1
        return self.facts


@pytest.fixture
def city() -> City:
    return City()


@pytest_asyncio.fixture(loop_scope="session")
async def url(city: City) -> AsyncIterator[str]:
    async with serve(WebChat(ScriptedCity(echo), campaign_facts=city.campaign).app()) as url:
        yield url + "/campaign/7?k=right"


async def test_the_bar_fills_and_the_page_stops_asking_when_it_is_through(
    open_page: OpenPage, city: City, url: str
) -> None:
    page = await open_page(url, locale="en-GB")
    await expect(page.locator("#bar")).to_have_js_property("value", 42)
    done = Named("已发完。", "It is through.")
    city.facts = replace(FACTS, share=1.0, sent=800, waiting=0, over=True, standing=done, refusals=[])
    await expect(page.locator("#bar")).to_have_js_property("value", 100)
    await expect(page.locator("#standing")).to_have_text("It is through.")
    await expect(page.locator("#rows")).to_contain_text("800")
    await expect(page.locator("#refusals")).to_be_hidden()
    await expect(page.locator("#omissions")).to_be_visible()
    asked = city.asked
    await page.evaluate("ask()")
    assert city.asked == asked


async def test_it_says_why_it_rests_as_soon_as_it_does(open_page: OpenPage, city: City, url: str) -> None:
    page = await open_page(url, locale="en-GB")
    await expect(page.locator("#why")).to_be_hidden()
    city.facts = replace(FACTS, standing=Named("已暂停。", "It rests."), why=Named("失败太多。", "Too many failed."))
    await expect(page.locator("#why")).to_have_text("Too many failed.")
    await expect(page.locator("#standing")).to_have_text("It rests.")


async def test_it_says_that_the_figures_are_old_and_comes_back(open_page: OpenPage, url: str) -> None:
    page = await open_page(url)
    await page.context.set_offline(True)
    await expect(page.locator("#lost")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.locator("#lost")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
async def test_it_is_accessible_and_fits_a_phone(open_page: OpenPage, url: str, scheme: str, locale: str) -> None:
    page = await open_page(url, color_scheme=scheme, locale=locale)
    assert (await Axe().run(page)).response["violations"] == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
