"""The city in which is sent: very many subscribers made inside the database, and announcements to all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import String as Text
from sqlalchemy import cast, update

from bot.talk.wording import catalogue
from storage import fanouts
from storage.tables.people import identity
from tests.delivery.kit import Clockwork, SmallCity
from tests.postgres import server as postgres_server

FIRST = 2
EVERYBODY = 10**9
"""As many waiting rows as there are people."""


@contextmanager
def places(subject: str) -> Iterator[dict[str, str]]:
    """An empty database of each kind, by name: its URL."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="menkou-bench-")))
        running = stack.enter_context(postgres_server(durable=True))
        yield {"SQLite": f"sqlite+aiosqlite:///{folder / subject}.db", "PostgreSQL": running.create(subject)}


async def found(url: str, people: int) -> SmallCity:
    """A city with so many subscribers, each with a chat of Telegram's, and an activity to announce."""
    catalogue("zh_CN")
    city = SmallCity(url, Clockwork())
    await city.build()
    await city.shift(1, city.clock.now + timedelta(days=3))
    await city.crowd(range(FIRST, FIRST + people))
    return city


async def announce(city: SmallCity, revision: int = 1) -> None:
    """A row for every subscriber, all of them waiting."""
    await city.announces("招募：周六上午颐和园东门植树，还差二十人。", revision)
    while True:
        async with city.database.write() as unit:
            if await fanouts.expand(unit, city.clock.now, ahead=EVERYBODY) is None:
                return


async def number_chats(city: SmallCity) -> None:
    """Chats as Telegram numbers them."""
    async with city.database.write() as unit:
        await unit.run(update(identity).values(external=cast(identity.c.person, Text)))
