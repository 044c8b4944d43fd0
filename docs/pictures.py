"""The README's pictures: `python -m docs.pictures` starts the demonstration city and photographs it in the system's
Chromium, always at the same moment of the city's clock and from the same seed."""

from __future__ import annotations

import asyncio
import io
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch
from zoneinfo import ZoneInfo

from PIL import Image, ImageDraw
from playwright.async_api import Browser, Page, expect

from bot import logs
from bot.city.clock import MovableClock
from bot.city.demo import Demo
from bot.commands import open_demo
from bot.delivery.pace import Pace
from bot.settings import Settings, for_demo
from tests.browser.chromium import DESKTOP, PHONE, open_browser

FOLDER = Path(__file__).parent / "pictures"

MOMENT = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
"""A Monday morning."""

COLOURS = 128
"""Flat colours and grey edges of letters: more are not seen, and a picture stays under 200 kB."""

PAPER = (245, 242, 235)


@dataclass
class Shown:
    """The demonstration city while it is photographed."""

    address: str
    made: Demo
    clock: MovableClock


SLOWLY = {"web": Pace(rate=30.0)}
"""Messages a second, about as many as a bot of Telegram may send: at its own pace the page would be full at once."""


@asynccontextmanager
async def city(folder: Path) -> AsyncIterator[Shown]:
    """The demonstration city, served on a free port of this machine."""
    clock = MovableClock(lambda: MOMENT.astimezone(UTC))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = for_demo(Settings(listen=f"127.0.0.1:{port}"), folder)
    app, made, bar = await open_demo(settings, clock)
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(app.serve(stop, bar, lambda _address: ready.set()))
    await asyncio.wait([serving, asyncio.create_task(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    try:
        yield Shown(f"http://127.0.0.1:{port}", made, clock)
    finally:
        stop.set()
        await serving


@asynccontextmanager
async def opened(browser: Browser, url: str, *, language: str, size: dict[str, int]) -> AsyncIterator[Page]:
    """A page in a context of its own, twice as fine as a screen, in the city's time zone."""
    context = await browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        locale=language,
        timezone_id="Asia/Shanghai",
        device_scale_factor=2,
        reduced_motion="reduce",
    )
    try:
        page = await context.new_page()
        await page.goto(url)
        yield page
    finally:
        await context.close()


class Talk:
    """Somebody at the web chat."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.answers = page.locator(".them:not(#typing)")

    async def begins(self) -> None:
        """Wait for the greeting."""
        await expect(self.answers).not_to_have_count(0)
        await expect(self.page.locator("#state")).not_to_be_empty()

    async def says(self, words: str) -> None:
        """Type a line, and wait for what comes back."""
        await self._answered(self._types(words))

    async def presses(self, place: int) -> None:
        """Press the option of that number under the last answer, and wait."""
        button = self.page.locator(".options:not(.past) button.option").nth(place - 1)
        await self._answered(button.click())

    async def _types(self, words: str) -> None:
        await self.page.locator("#text").fill(words)
        await self.page.keyboard.press("Enter")

    async def _answered(self, deed: object) -> None:
        before = await self.answers.count()
        await deed  # type: ignore[misc] # a coroutine of either of the two deeds above
        await expect(self.page.locator("#typing")).to_be_hidden()
        await self.page.wait_for_function(
            "before => document.querySelectorAll('.them:not(#typing)').length > before", arg=before
        )
        await expect(self.page.locator("#typing")).to_be_hidden()


async def photograph(page: Page, *, demonstration: bool = False) -> Image.Image:
    """What the page shows now; without the demonstration's bar it is what a city's own people see."""
    if not demonstration:
        await page.evaluate("document.querySelector('.demo')?.remove()")
    await page.evaluate("document.activeElement?.blur()")
    await page.mouse.move(0, 0)
    return Image.open(io.BytesIO(await page.screenshot())).convert("RGB")


async def last_picture(page: Page) -> Image.Image:
    """The picture that came into the chat last, as it is at its own address."""
    address = await page.locator(".picture img").last.evaluate("image => image.src")
    answer = await page.request.get(address)
    return Image.open(io.BytesIO(await answer.body())).convert("RGB")


async def chinese(browser: Browser, shown: Shown) -> Image.Image:
    """A phone: somebody asks in a sentence and reads an activity's card."""
    async with opened(browser, f"{shown.address}/chat?as=mei", language="zh-CN", size=PHONE) as page:
        talk = Talk(page)
        await talk.begins()
        await talk.says("周末望京有什么活动")
        await talk.presses(2)
        return await photograph(page)


async def english(browser: Browser, shown: Shown) -> Image.Image:
    """Another phone: the sign-up to its last word."""
    async with opened(browser, f"{shown.address}/chat", language="en-GB", size=PHONE) as page:
        talk = Talk(page)
        await talk.begins()
        await talk.says("trees on Saturday")
        await talk.presses(1)
        await talk.presses(1)
        for words in ("yes", "Ann Lee", "138 0013 8000", "yes"):
            await talk.says(words)
        return await photograph(page)


async def desktop(browser: Browser, shown: Shown) -> Image.Image:
    """A desk: hours, then the clock is moved on and a reminder comes by itself."""
    async with opened(browser, f"{shown.address}/chat?as=lin", language="en-GB", size=DESKTOP) as page:
        talk = Talk(page)
        await talk.begins()
        await talk.says("english")
        await talk.presses(2)
        await talk.says("hours")
        await page.wait_for_timeout(3100)  # what comes sooner counts as part of the answer, and moves nothing
        before, clock = await talk.answers.count(), page.locator("#clock")
        morning = await clock.inner_text()
        await page.locator("[data-move*=next]").click()
        await expect(clock).not_to_have_text(morning)
        await expect(talk.answers).to_have_count(before + 1)
        if await page.locator("#below").is_visible():
            await page.locator("#below").click()
        await expect(page.locator(".options").last).to_be_in_viewport(ratio=1)
        return await photograph(page, demonstration=True)


async def wall(browser: Browser, shown: Shown) -> Image.Image:
    """The check-in wall as a projector shows it."""
    shown.clock.advance(timedelta(minutes=25))
    async with opened(browser, shown.address + shown.made.wall, language="zh-CN", size=DESKTOP) as page:
        await expect(page.locator("#seconds")).not_to_be_empty()
        return await photograph(page)


async def certificate(browser: Browser, shown: Shown) -> Image.Image:
    """The paper that comes into the chat."""
    async with opened(browser, f"{shown.address}/chat?as=lin", language="zh-CN", size=PHONE) as page:
        talk = Talk(page)
        await talk.begins()
        await talk.says("证明")
        for place in (2, 1, 1):
            await talk.presses(place)
        return await last_picture(page)


async def poster(browser: Browser, shown: Shown) -> Image.Image:
    """The sheet to hang up that comes into an organiser's chat."""
    async with opened(browser, f"{shown.address}/chat?as=zhao", language="zh-CN", size=PHONE) as page:
        talk = Talk(page)
        await talk.begins()
        await talk.says("海报")
        await talk.presses(2)
        return await last_picture(page)


async def figures(browser: Browser, shown: Shown) -> Image.Image:
    """What everybody may know of the city, as a phone shows it."""
    async with opened(browser, f"{shown.address}/city", language="zh-CN", size=PHONE) as page:
        return await photograph(page)


async def hours(browser: Browser, shown: Shown) -> Image.Image:
    """The picture of somebody's hours that comes into the chat."""
    async with opened(browser, f"{shown.address}/chat?as=lin", language="zh-CN", size=PHONE) as page:
        talk = Talk(page)
        await talk.begins()
        await talk.says("时长图")
        return await last_picture(page)


async def roll(browser: Browser, shown: Shown) -> Image.Image:
    """A leader's phone while people arrive."""
    async with opened(browser, f"{shown.address}/chat?as=zhao", language="zh-CN", size=PHONE) as page:
        talk = Talk(page)
        await talk.begins()
        await talk.says("组织者")
        await talk.presses(2)
        address = await page.locator("a[href*='/roll/']").last.get_attribute("href")
        assert address
        await page.goto(shown.address + address)
        for _arrival in range(3):
            await page.locator("#roll li[data-stand=expected]").first.get_by_role("button", name="到").click()
        await expect(page.locator("#saved")).to_have_text("全部已保存。")
        return await photograph(page)


async def campaign(browser: Browser, shown: Shown) -> list[Image.Image]:
    """Two phones: an organiser reads the plan before anything is sent, and then how far it is."""
    async with opened(browser, f"{shown.address}/chat?as=zhao", language="en-GB", size=PHONE) as page:
        talk = Talk(page)
        await talk.begins()
        for words in (
            "english", "English", "campaign", "District", "Chaoyang", "With them", "Language", "Chinese",
            "With them", "Done", "Phone lessons", "As soon as I send it", "手机课堂还缺三位老师，明天来吗？",
            "Phone lessons are three teachers short. Will you come tomorrow?", "No picture", "Send",
        ):  # fmt: skip
            await talk.says(words)
        plan = await photograph(page)
        asked = await talk.answers.last.inner_text()
        await talk.says(asked[asked.index("“send ") + 1 : asked.index("” to send it")])
        await talk.says("my campaigns")
        await talk.presses(2)
        shown.clock.advance(timedelta(minutes=2))
        address = await page.locator("a[href*='/campaign/']").last.get_attribute("href")
        assert address
        await page.goto(shown.address + address)
        while await page.locator("#bar").evaluate("bar => bar.value") < 55:
            await page.wait_for_timeout(100)
        return [plan, await photograph(page)]


def side_by_side(pictures: list[Image.Image], gap: int = 60, corner: int = 56) -> Image.Image:
    """Phones beside each other, with round corners, on paper."""
    width = sum(one.width for one in pictures) + gap * (len(pictures) + 1)
    sheet = Image.new("RGB", (width, max(one.height for one in pictures) + gap * 2), PAPER)
    left = gap
    for one in pictures:
        mask = Image.new("L", one.size, 0)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, one.width - 1, one.height - 1), corner, fill=255)
        sheet.paste(one, (left, gap), mask)
        edge = (left - 1, gap - 1, left + one.width, gap + one.height)
        ImageDraw.Draw(sheet).rounded_rectangle(edge, corner, outline=(203, 196, 182), width=3)
        left += one.width + gap
    return sheet


def save(picture: Image.Image, name: str, width: int) -> None:
    """As a small file of that width."""
    height = round(picture.height * width / picture.width)
    small = picture.resize((width, height), Image.Resampling.LANCZOS)
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)
    print(f"docs/pictures/{name}.png  {width}×{height}  {(FOLDER / f'{name}.png').stat().st_size / 1000:.0f} kB")


async def take() -> None:
    """All of them."""
    with tempfile.TemporaryDirectory() as folder:
        async with city(Path(folder)) as shown, open_browser() as browser:
            phones = [await chinese(browser, shown), await english(browser, shown)]
            save(side_by_side(phones), "chat", 1200)
            save(await certificate(browser, shown), "certificate", 760)
            save(await wall(browser, shown), "wall", 1280)
            save(side_by_side([await roll(browser, shown)]), "roll", 480)
            save(await poster(browser, shown), "poster", 560)
            save(side_by_side([await figures(browser, shown)]), "city", 480)
            save(await hours(browser, shown), "hours", 760)
            save(await desktop(browser, shown), "desktop", 1280)
    with tempfile.TemporaryDirectory() as folder, patch.dict("bot.delivery.pace.PACES", SLOWLY):
        async with city(Path(folder)) as shown, open_browser() as browser:
            save(side_by_side(await campaign(browser, shown)), "campaign", 960)


if __name__ == "__main__":
    logs.configure("error", (), "")
    asyncio.run(take())
