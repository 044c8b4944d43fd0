"""A seeded city on either database, both platforms' stand-ins, and the real program to serve it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.promises.conftest import city_url, founded, sqlite_at_head, town
from tests.standins.telegram import TelegramStandIn
from tests.standins.wechat import WeChatApiStandIn
from tests.system.serving import Doors, Serving

__all__ = ["city_url", "doors", "founded", "serves", "sqlite_at_head", "town"]


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    """Telegram and WeChat on free ports of this machine."""
    async with TelegramStandIn() as telegram, WeChatApiStandIn() as wechat:
        platforms = Doors(telegram, wechat)
        yield platforms
        # The city was killed by now: whom the backlog still holds is accepted first, so that closing closes him too.
        await asyncio.sleep(0.05)
        await platforms.close()
    await asyncio.sleep(0)


@pytest.fixture
def serves(city_url: str, tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Make the process that serves the city; settings by their names without the prefix."""
    made: list[Serving] = []

    def make(**settings: str) -> Serving:
        folder = tmp_path / f"serving{len(made)}"
        folder.mkdir()
        made.append(Serving(city_url, folder, **settings))
        return made[-1]

    yield make
    for one in made:
        one.end()
