"""Access tokens of a platform, shared by all replicas: one fetches, the others wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import or_, select, update

from storage.database import Database
from storage.tables.messages import token

FETCH_TIME = timedelta(seconds=15)
"""How long a replica may fetch before another tries."""


class KeptToken:
    """One named token in the database."""

    def __init__(self, database: Database, name: str, now: Callable[[], datetime]) -> None:
        self.database, self.name, self.now = database, name, now
        self.me = uuid4().hex

    async def load(self) -> tuple[str, datetime] | None:
        """The token and when it ends, or None if none was ever fetched."""
        async with self.database.read() as unit:
            row = (await unit.run(select(token.c.value, token.c.expires).where(token.c.name == self.name))).first()
            if not row or not row.value or not row.expires:
                return None
            return unit.secrecy.open(bytes.fromhex(row.value), f"token:{self.name}"), row.expires

    async def save(self, value: str, expires: datetime) -> None:
        """Keep a fresh token for everyone."""
        async with self.database.write() as unit:
            sealed = unit.secrecy.seal(value, f"token:{self.name}").hex()
            row = unit.insert(token).values(name=self.name, value=sealed, expires=expires)
            await unit.run(
                row.on_conflict_do_update(index_elements=["name"], set_={"value": sealed, "expires": expires})
            )

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Inside, no other replica fetches; waits its turn."""
        # The other fetcher may be in another process: there is no event to wait for, only its row.
        while not await self._claim():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        try:
            yield
        finally:
            async with self.database.write() as unit:
                mine = update(token).where(token.c.name == self.name, token.c.fetcher == self.me)
                await unit.run(mine.values(fetching_until=None, fetcher=None))

    async def _claim(self) -> bool:
        now = self.now()
        async with self.database.write() as unit:
            await unit.run(unit.insert(token).values(name=self.name).on_conflict_do_nothing())
            free = or_(token.c.fetching_until.is_(None), token.c.fetching_until < now)
            claimed = await unit.run(
                update(token)
                .where(token.c.name == self.name, free)
                .values(fetching_until=now + FETCH_TIME, fetcher=self.me)
            )
            return bool(claimed.rowcount)
