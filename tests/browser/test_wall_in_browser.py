"""The wall in a real browser: a camera can read it, it changes its code, and it survives a lost network."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
import pytest_asyncio
import zxingcpp
from aiohttp import web
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Page, expect

from bot.pages.wall import WallFacts
from tests.browser.chromium import PHONE, PROJECTOR
from tests.browser.conftest import OpenPage
from tests.pages.test_wall import FACTS
from tests.webchat import ScriptedCity, WebChat, echo, serve


@dataclass
class City:
    facts: WallFacts | None = field(default=FACTS)

    async def wall(self, activity: int, key: str) -> WallFacts | None:
        return self.facts

    def show(self, code: str, arrived: int = 37) -> None:
        link = f"https://menkou.example/chat?go=checkin-2-{code}"
        self.facts = replace(FACTS, code=code, qr=link, arrived=arrived, seconds_left=15)


@pytest.fixture
def city() -> City:
    return City()


@pytest.fixture
def app(city: City) -> web.Application:
    return WebChat(ScriptedCity(echo), wall_facts=city.wall).app()


@pytest_asyncio.fixture(loop_scope="session")
async def url(app: web.Application) -> AsyncIterator[str]:
    async with serve(app) as url:
        yield url + "/wall/2?k=right"


async def read_code(page: Page) -> list[str]:
    """What a phone's camera would read from the wall."""
    with Image.open(io.BytesIO(await page.screenshot())) as picture:
        return [found.text for found in zxingcpp.read_barcodes(picture)]


@pytest.mark.parametrize("viewport", [PROJECTOR, {"width": 1280, "height": 720}, {"width": 1024, "height": 768}, PHONE])
async def test_a_camera_reads_the_check_in_link_from_the_wall(
    open_page: OpenPage, url: str, viewport: dict[str, int]
) -> None:
    page = await open_page(url, viewport=viewport)
    assert await read_code(page) == [FACTS.qr]


async def test_the_code_fills_sixty_percent_of_the_projectors_height(open_page: OpenPage, url: str) -> None:
    page = await open_page(url, viewport=PROJECTOR)
    box = await page.locator("#qr").bounding_box()
    assert box is not None
    modules = int((await page.locator("#qr").get_attribute("viewBox") or "").split()[2])
    assert box["height"] * (modules - 8) / modules >= 0.6 * PROJECTOR["height"]  # without the white around it
    digits = await page.locator("#code").bounding_box()
    assert digits is not None
    assert digits["x"] + digits["width"] <= PROJECTOR["width"]
    assert await page.evaluate(
        "document.getElementById('code').scrollWidth <= document.getElementById('code').clientWidth"
    )
    assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight")


async def test_a_new_code_and_a_new_arrival_appear_by_themselves(open_page: OpenPage, city: City, url: str) -> None:
    page = await open_page(url, viewport=PROJECTOR)
    city.show("11112222", arrived=38)
    await expect(page.locator("#code")).to_have_text("1111 2222")
    await expect(page.locator("#arrived")).to_have_text("38")
    assert await read_code(page) == ["https://menkou.example/chat?go=checkin-2-11112222"]


async def test_the_wall_survives_a_minute_without_network(open_page: OpenPage, city: City, url: str) -> None:
    """It shows the code as long as that is taken, says what is the matter, hides what is dead, and comes back."""
    page = await open_page("about:blank", viewport=PROJECTOR)
    await page.clock.install()
    city.show("11112222")
    await page.goto(url)
    await expect(page.locator("#notice")).to_be_hidden()
    await page.context.set_offline(True)
    await page.clock.fast_forward(5_000)
    await expect(page.locator("#notice")).to_contain_text("This code is still good for")
    await expect(page.locator("#code")).to_be_visible()
    assert await read_code(page) == [FACTS.qr.replace("48210937", "11112222")]  # the warning hides nothing of the code
    await page.clock.fast_forward(20_000)
    await expect(page.locator("#code")).to_be_visible()
    await page.clock.fast_forward(35_000)
    await expect(page.locator("#notice")).to_contain_text("This code is too old.")
    await expect(page.locator("#code")).to_be_hidden()
    assert await read_code(page) == []
    city.show("33334444", arrived=40)
    await page.context.set_offline(False)
    await page.clock.fast_forward(1_000)
    await expect(page.locator("#code")).to_have_text("3333 4444")
    await expect(page.locator("#code")).to_be_visible()
    await expect(page.locator("#notice")).to_be_hidden()


async def test_when_check_in_is_over_the_wall_says_so_and_hides_the_code(
    open_page: OpenPage, city: City, url: str
) -> None:
    page = await open_page(url, viewport=PROJECTOR)
    city.facts = None
    await expect(page.locator("#notice")).to_contain_text("Check-in is closed.")
    await expect(page.locator("#code")).to_be_hidden()


async def test_axe_finds_nothing_serious_on_the_wall(open_page: OpenPage, url: str) -> None:
    for viewport in (PROJECTOR, PHONE):
        page = await open_page(url, viewport=viewport)
        found = (await Axe().run(page)).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
