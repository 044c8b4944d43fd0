"""The small city on either database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.talk.wording import catalogue
from tests.delivery.kit import Clockwork, SmallCity


@pytest.fixture
def clock() -> Clockwork:
    return Clockwork()


@pytest.fixture
def land(database_url: str, clock: Clockwork) -> SmallCity:
    """What reads files comes before the loop: a database makes its folder, the catalogues are read once."""
    catalogue("zh_CN")
    return SmallCity(database_url, clock)


@pytest.fixture
async def city(land: SmallCity) -> AsyncIterator[SmallCity]:
    """Once on SQLite, once on PostgreSQL."""
    await land.build()
    yield land
    await land.close()
