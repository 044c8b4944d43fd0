"""The system's Chromium, driven by Playwright: for tests, and for the script that takes the pictures."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""No sandbox: tests run as root in CI, and open pages of our own only. The rest keeps it from calling its maker."""

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 860}
PROJECTOR = {"width": 1920, "height": 1080}


class BrowserMissing(Exception):
    """There is no Chromium on PATH."""


def find_chromium() -> str:
    """The program's path. Raises BrowserMissing."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise BrowserMissing("no Chromium on PATH: install the system's package chromium (and fonts-noto-cjk)")


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """A fresh browser, closed at the block's end. Raises BrowserMissing."""
    path = find_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()
