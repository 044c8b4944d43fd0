"""A real `menkou serve` in a process of its own, people at its doors, and a hand that holds its database still."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import asyncpg

from tests.keys import KEY
from tests.standins.telegram import TOKEN, TelegramStandIn
from tests.standins.wechat import Platform, Seal, WeChatApiStandIn

ROOT = Path(__file__).parents[2]

TELEGRAM_SECRET = "only-tests-use-this-secret-0123456789"
WECHAT_TOKEN, AES_KEY = "menkoutoken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
PROGRAM = ("-m", "bot", "serve")
START, STOP = 60.0, 15.0
"""Seconds: machines that test are busy; the stop is what service managers give."""
PUBLIC = "https://city.test"


async def until(happened: Callable[[], object], seconds: float = 15.0, what: str = "") -> None:
    """Wait for something that will happen; fails when it does not."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"it did not happen: {what or happened}"
        await asyncio.sleep(0.02)


def surroundings(database_url: str, **more: str) -> dict[str, str]:
    """The environment of a city on this machine: nothing of ours but what is given."""
    now = datetime.now(UTC) + timedelta(hours=8)
    # Never quiet now, whenever the tests run.
    quiet = f"{now + timedelta(hours=6):%H}:00-{now + timedelta(hours=7):%H}:00"
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    own = {
        "DATABASE_URL": database_url, "SECRET_KEY": KEY, "LISTEN": "127.0.0.1:0", "LOCALE": "en", "CHAT": "1",
        "QUIET_HOURS": quiet, "PUBLIC_URL": PUBLIC,
    } | more  # fmt: skip
    return kept | {"PYTHONPATH": str(ROOT)} | {f"MENKOU_{name}": value for name, value in own.items()}


class Serving:
    """One city's process; `start` it again after its end."""

    def __init__(self, database_url: str, folder: Path, **more: str) -> None:
        self.database_url, self.folder = database_url, folder
        self.environment = surroundings(database_url, **more)
        self.program: tuple[str, ...] = PROGRAM
        self.log = folder / "serve.log"
        self.address = ""
        self.started: list[float] = []
        """Seconds from each start until it was ready."""
        self.cost: list[float] = []
        """Of the processor, at that moment: the same whatever else the machine does."""
        self.up = asyncio.Event()
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start and wait until it says that it is ready."""
        self.log.touch()
        began, read = time.monotonic(), self.log.stat().st_size
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, *self.program], cwd=self.folder, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip

        def address() -> str:
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()[-3000:]
            with self.log.open("rb") as said:
                said.seek(read)
                found = re.search(rb'"listening": ?"(http://[^"]+)"', said.read())
            self.address = found[1].decode() if found else ""
            return self.address

        await until(address, START, "serve listens")
        async with aiohttp.ClientSession() as session:
            while (await session.get(f"{self.address}/readyz")).status != 200:
                assert time.monotonic() - began < START
                await asyncio.sleep(0.02)
        self.started.append(time.monotonic() - began)
        self.cost.append(processor_seconds(self.pid))
        self.up.set()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, what: signal.Signals) -> None:
        os.kill(self.pid, what)

    async def ended(self, seconds: float = STOP) -> int:
        """Wait for its end; returns its exit code."""
        process = self._process
        assert process is not None
        await until(lambda: process.poll() is not None, seconds, "serve ended")
        return process.returncode

    async def kill(self) -> None:
        self.up.clear()
        self.signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return await self.ended()

    def end(self) -> None:
        """Whatever happened, nothing is left running."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    async def get(self, path: str) -> str:
        async with aiohttp.ClientSession() as session, session.get(f"{self.address}{path}") as answer:
            assert answer.status == 200, (path, answer.status)
            return await answer.text()


def processor_seconds(pid: int) -> float:
    """What a process has used so far (Linux; 0 elsewhere). proc_pid_stat(5): fields 14 and 15."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def held(database_url: str) -> AsyncIterator[None]:
    """Nobody can begin a turn meanwhile: another connection holds the database (SQLite) or its inbox (PostgreSQL)."""
    if database_url.startswith("sqlite"):
        file = sqlite3.connect(database_url.split("///", 1)[1], timeout=5, isolation_level=None)
        file.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            file.execute("ROLLBACK")
            file.close()
        return
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    holding = connection.transaction()
    await holding.start()
    await connection.execute("LOCK TABLE inbox IN EXCLUSIVE MODE")
    try:
        yield
    finally:
        await holding.rollback()
        await connection.close()


# --- Platforms -----------------------------------------------------------------------------------------------------


class Doors:
    """Stand-ins of both platforms, and the settings that lead a city to them."""

    def __init__(self, telegram: TelegramStandIn, wechat: WeChatApiStandIn) -> None:
        self.telegram, self.wechat = telegram, wechat
        self._leaving: list[Callable[[], Awaitable[object]]] = []

    def settings(self, mode: str = "polling", only: str = "") -> dict[str, str]:
        telegram = {
            "TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API_BASE": self.telegram.base, "TELEGRAM_MODE": mode,
            "TELEGRAM_SECRET": TELEGRAM_SECRET,
        }  # fmt: skip
        wechat = {
            "WECHAT_APP_ID": self.wechat.app_id, "WECHAT_APP_SECRET": self.wechat.secret,
            "WECHAT_TOKEN": WECHAT_TOKEN, "WECHAT_AES_KEY": AES_KEY, "WECHAT_API_BASE": self.wechat.base,
        }  # fmt: skip
        return {"telegram": telegram, "wechat": wechat}.get(only, telegram | wechat)

    async def platform(self, serving: Serving) -> Platform:
        """WeChat's push side for a city."""
        seal = Seal(WECHAT_TOKEN, AES_KEY, self.wechat.app_id)
        pushes = Platform(f"{serving.address}/wechat", seal, self.wechat, clock=time.time)
        await pushes.__aenter__()
        self._leaving.append(lambda: pushes.__aexit__(None, None, None))
        return pushes

    async def close(self) -> None:
        for leave in self._leaving:
            await leave()
