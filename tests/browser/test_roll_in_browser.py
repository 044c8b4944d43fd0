"""The leader's page in a real browser, phone size, with a city that can be reached and cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, Page, expect

from bot.domain.roll import Mark
from tests.browser.chromium import PHONE
from tests.browser.conftest import OpenPage
from tests.pages.roll_kit import RollCity
from tests.webchat import BEIJING, serve


@pytest.fixture
def city() -> RollCity:
    return RollCity()


@pytest.fixture
def app(city: RollCity) -> web.Application:
    return city.app()


@pytest_asyncio.fixture(loop_scope="session")
async def url(app: web.Application) -> AsyncIterator[str]:
    async with serve(app) as url:
        yield url.replace("127.0.0.1", "localhost") + "/roll/7?v=V1&k=right"


def row(page: Page, id_: int) -> Locator:
    return page.locator(f'#roll li[data-id="{id_}"]')


async def test_a_tap_is_written_down_and_can_be_taken_back(open_page: OpenPage, url: str, city: RollCity) -> None:
    page = await open_page(url)
    await expect(page.locator("#count")).to_have_text("已到 1 人，还有 3 人未到")
    await row(page, 11).get_by_role("button", name="到").click()
    await expect(page.locator("#saved")).to_have_text("全部已保存。")
    await expect(row(page, 11)).to_have_attribute("data-stand", "here")
    await row(page, 12).get_by_role("button", name="走").click()
    await expect(row(page, 12)).to_have_attribute("data-stand", "left")
    await row(page, 11).get_by_role("button", name="到").click()
    await expect(page.locator("#count")).to_have_text("已到 0 人，还有 3 人未到")
    await expect(page.locator("#saved")).to_have_text("全部已保存。")
    assert [(one.enrolment, one.mark) for one in city.effects] == [(11, Mark.HERE), (12, Mark.LEFT), (11, Mark.BACK)]


async def test_nobody_can_tap_themselves(open_page: OpenPage, url: str) -> None:
    page = await open_page(url)
    await expect(row(page, 16)).to_contain_text("请用签到码")
    assert await row(page, 16).locator("button:enabled").count() == 0


async def test_a_network_hole_loses_nothing_and_doubles_nothing(open_page: OpenPage, url: str, city: RollCity) -> None:
    """Off, three taps, loaded again without network, back: each tap once, with the time of the tap."""
    page = await open_page(url)
    await expect(page.locator("body[data-kept]")).to_be_attached()
    city.unreachable = True
    await row(page, 11).get_by_role("button", name="到").click()
    await row(page, 15).get_by_role("button", name="到").click()
    await row(page, 12).get_by_role("button", name="走").click()
    tapped = datetime.now(UTC)
    await expect(page.locator("#saved")).to_contain_text("3 条")
    await page.reload()
    await expect(page.locator("#saved")).to_contain_text("3 条")
    await expect(row(page, 15)).to_have_attribute("data-stand", "here")
    await expect(row(page, 12)).to_have_attribute("data-stand", "left")
    assert city.effects == []
    city.swallowed = 1  # the first answer gets lost on its way: everything is sent again
    city.unreachable = False
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(page.locator("#saved")).to_have_text("全部已保存。", timeout=12_000)
    assert [(one.enrolment, one.mark) for one in city.effects] == [(11, Mark.HERE), (15, Mark.HERE), (12, Mark.LEFT)]
    assert len(city.arrived) >= 6  # they did come twice
    assert all(abs(one.at - tapped) < timedelta(seconds=5) for one in city.effects)
    assert await page.evaluate("JSON.parse(localStorage.getItem('/roll/7:ticks')).length") == 0


async def test_closed_and_opened_again_while_the_city_cannot_be_reached(
    open_page: OpenPage, app: web.Application, city: RollCity
) -> None:
    async with serve(app) as first:
        address = first.replace("127.0.0.1", "localhost") + "/roll/7?v=V1&k=right"
        page = await open_page(address)
        await expect(page.locator("body[data-kept]")).to_be_attached()
    await row(page, 11).get_by_role("button", name="到").click()
    await expect(page.locator("#saved")).to_contain_text("1 条")
    again = await page.context.new_page()
    await page.close()
    await again.goto(address)
    await expect(row(again, 11)).to_have_attribute("data-stand", "here")
    assert city.effects == []
    async with serve(city.app(), port=int(first.rpartition(":")[2])):
        await expect(again.locator("#saved")).to_have_text("全部已保存。", timeout=12_000)
    assert [(one.enrolment, one.mark) for one in city.effects] == [(11, Mark.HERE)]


async def test_without_the_kept_page_a_reload_would_show_nothing(
    open_page: OpenPage, url: str, city: RollCity
) -> None:
    """Control: the worker and its store are what opens the page without network."""
    page = await open_page(url, service_workers="block")
    city.unreachable = True
    with pytest.raises(Exception, match="ERR_EMPTY_RESPONSE"):
        await page.reload()


async def test_what_was_refused_is_said_by_name(open_page: OpenPage, url: str, city: RollCity) -> None:
    page = await open_page(url)
    city.refuses = "over"
    await row(page, 11).get_by_role("button", name="到").click()
    await expect(page.locator("#refused")).to_contain_text("李秀英")
    await expect(row(page, 11)).to_have_attribute("data-stand", "expected")


async def test_when_it_is_over_no_name_stays_on_the_phone(open_page: OpenPage, url: str, city: RollCity) -> None:
    page = await open_page(url)
    await expect(page.locator("body[data-kept]")).to_be_attached()
    assert await page.evaluate("caches.has('roll')")
    await expect(page.locator("#saved")).to_have_text("全部已保存。")
    assert "李秀英" in await page.evaluate("localStorage.getItem('/roll/7:roll')")
    city.over = True
    await row(page, 11).get_by_role("button", name="到").click()
    await expect(page.locator("#saved")).to_contain_text("已从这部手机上清除")
    await expect(page.locator("#roll li")).to_have_count(0)
    assert await page.evaluate("localStorage.length") == 0
    assert not await page.evaluate("caches.has('roll')")


async def test_a_tap_without_network_shows_the_citys_time(open_page: OpenPage, url: str, city: RollCity) -> None:
    """A phone set to London, its clock 25 minutes slow, showed 03:07 for a tap at 11:32."""
    page = await open_page(url)  # the kit's browser stands in London
    await expect(page.locator("#saved")).to_have_text("全部已保存。")
    await page.evaluate("() => { const real = Date.now; ahead += 25 * 60000; Date.now = () => real() - 25 * 60000; }")
    city.unreachable = True
    await row(page, 11).get_by_role("button", name="到").click()
    shown = await row(page, 11).locator(".who span").inner_text()
    now = datetime.now(BEIJING)
    assert shown in {f"{at:%H:%M} 到" for at in (now, now - timedelta(minutes=1))}


async def test_it_fits_a_phone_and_thumbs(open_page: OpenPage, url: str) -> None:
    page = await open_page(url, viewport={"width": 320, "height": 640})
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in await page.locator("#roll button:enabled").all():
        box = await button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["width"] >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_on_the_roll(
    open_page: OpenPage, url: str, city: RollCity, scheme: str
) -> None:
    page = await open_page(url, viewport=PHONE, color_scheme=scheme)
    await expect(page.locator("body[data-kept]")).to_be_attached()
    city.unreachable = True
    await row(page, 11).get_by_role("button", name="到").click()
    found = (await Axe().run(page)).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
