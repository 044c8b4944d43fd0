"""The wire to a PostgreSQL server, torn where a test says: at a COMMIT, or at any other word of ours."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import repeat
from pathlib import Path
from typing import Literal

SOCKET = ".s.PGSQL.5432"
COMMITS = (b"COMMIT\x00", b"COMMIT AND CHAIN\x00")
"""As a turn ends: the last words of a simple query, which is one chunk on a Unix socket."""

Tear = Literal["", "before", "after", "amid", "alone"]
"""What becomes of something that we say: the server hears it, and we its answer; the wire tears before the server hears
of it; the server does it, and we never hear; we hear a part; our end is torn off, and the server waits for more."""


def ends_a_turn(said: bytes) -> bool:
    """Is it a COMMIT?"""
    return said.endswith(COMMITS)


class Wire:
    """Stands between: whoever connects to its folder speaks to the server in the other."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self.tears: Iterator[Tear] = repeat("")
        """What becomes of each of those that may tear."""
        self.may_tear: Callable[[bytes], bool] = ends_a_turn
        self.torn: Counter[Tear] = Counter()
        self._under_way: set[asyncio.Task[None]] = set()

    async def hang_up(self) -> None:
        """Every connection ends, as at a server that nobody spoke to for long."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, to_server = await asyncio.open_unix_connection(str(self._server / SOCKET))
        back = asyncio.create_task(self._back(theirs, writer))
        try:
            while chunk := await reader.read(65_536):
                tear = next(self.tears) if self.may_tear(chunk) else ""
                if tear:
                    self.torn[tear] += 1
                if tear in ("after", "amid"):
                    back.cancel()
                    await asyncio.wait({back})  # two may not read at once
                    to_server.write(chunk)
                    answer = await theirs.read(65_536)  # it is done, and nobody will know
                    writer.write(answer[: len(answer) // 2] if tear == "amid" else b"")
                if tear == "alone":
                    writer.close()
                    await asyncio.Event().wait()
                if tear:
                    return
                to_server.write(chunk)
        finally:
            back.cancel()
            to_server.close()
            writer.close()

    @staticmethod
    async def _back(theirs: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # it ended while we still spoke
            while chunk := await theirs.read(65_536):
                writer.write(chunk)
        writer.close()

    @asynccontextmanager
    async def strung(self, folder: Path) -> AsyncIterator[None]:
        """A server's socket in this folder."""

        async def comes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            with suppress(asyncio.CancelledError):
                await self._carry(reader, writer)

        listening = await asyncio.start_unix_server(comes, str(folder / SOCKET))
        yield
        listening.close()
        await self.hang_up()
