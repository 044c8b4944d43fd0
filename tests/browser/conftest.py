"""Browser fixtures: one browser, a fresh context for each page, and a failure when a page's script breaks.

A browser takes two seconds to start, so there is one for all tests here, and with it one event loop: asynchronous
fixtures beside these tests say `@pytest_asyncio.fixture(loop_scope="session")`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.chromium import PHONE, BrowserMissing, find_chromium, open_browser
from tests.conftest import fail_or_skip

OpenPage = Callable[..., Awaitable[Page]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            if pytest_asyncio.is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    try:
        find_chromium()
    except BrowserMissing as missing:
        fail_or_skip(str(missing))
    async with open_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """Opens an address in a context of its own (a phone, Chinese, unless told otherwise).

    An error in a page's script, or anything that its security policy refused, fails the test at the end.
    """
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def note(message: ConsoleMessage) -> None:
        # A request that a test lets fail is written to the console as well, and is no fault of the script.
        if message.type == "error" and "Failed to load resource" not in message.text and "net::ERR" not in message.text:
            complaints.append(message.text)

    async def open_page(url: str, **options: Any) -> Page:
        options = {"viewport": PHONE, "locale": "zh-CN", "timezone_id": "Europe/London", **options}
        context = await browser.new_context(**options)
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(8000)
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(url)
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert complaints == []
