"""A real `menkou serve` in a process of its own, people at its doors, and a hand that holds its database still."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from tests.standins.telegram import TOKEN, Hand, TelegramStandIn, bring
from tests.standins.wechat import Person, Platform, Seal, WeChatApiStandIn

ROOT = Path(__file__).parents[2]

KEY = "a key that only tests use, 32 signs and more"
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
                found = re.search(rb'"listening": "(http://[^"]+)"', said.read())
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


# --- People --------------------------------------------------------------------------------------------------------


class Browser:
    """Somebody at the web chat, with the page's own habits: a key for each post, the same key when it is repeated."""

    def __init__(self, serving: Serving, session: aiohttp.ClientSession) -> None:
        self.serving, self.session = serving, session
        self.cookie = ""

    async def opens(self) -> None:
        async with self.session.get(f"{self.serving.address}/chat", headers={"Accept-Language": "en"}) as answer:
            assert answer.status == 200
            (kept,) = answer.cookies.values()
            self.cookie = f"{kept.key}={kept.value}"

    @staticmethod
    def key() -> str:
        return str(uuid.uuid4())

    async def posts(self, key: str, **what: Any) -> int:
        """One delivery of one message: the status. Raises what a broken connection raises."""
        address = self.serving.address
        headers = {"Cookie": self.cookie, "Origin": address, "Accept-Language": "en"}
        async with self.session.post(f"{address}/chat/say", json={"key": key, **what}, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def letters(self) -> list[dict[str, Any]]:
        """The conversation as the page shows it."""
        headers = {"Cookie": self.cookie}
        async with self.session.get(f"{self.serving.address}/chat/history", headers=headers) as answer:
            return list((await answer.json())["letters"])

    async def heard(self) -> list[str]:
        return [letter["body"]["text"] for letter in await self.letters() if letter["who"] == "them"]

    async def says(self, text: str) -> str:
        assert await self.posts(self.key(), text=text) == 200
        return (await self.heard())[-1]

    async def follows(self, link: str) -> str:
        assert await self.posts(self.key(), link=link) == 200
        return (await self.heard())[-1]


class OnTelegram:
    """Somebody with Telegram, whether the bot fetches or is brought its updates."""

    def __init__(self, serving: Serving, api: TelegramStandIn, id_: int) -> None:
        self.serving, self.api = serving, api
        self.hand = Hand(api, id_, "en")

    @property
    def heard(self) -> list[str]:
        return self.hand.person.texts

    async def brings(self, update: Mapping[str, Any]) -> int:
        status, _headers = await bring(f"{self.serving.address}/telegram", update, TELEGRAM_SECRET)
        return status

    async def _sends(self, update: dict[str, Any]) -> str:
        before = len(self.heard)
        if self.serving.environment.get("MENKOU_TELEGRAM_MODE") == "webhook":
            self.api.pending.remove(update)
            assert await self.brings(update) == 200
        await until(lambda: len(self.heard) > before, what=f"an answer to {update}")
        return self.heard[-1]

    async def says(self, text: str) -> str:
        return await self._sends(self.hand.says(text))

    async def opens(self, payload: str = "") -> str:
        return await self._sends(self.hand.starts(payload))

    async def picks(self, label: str) -> str:
        """A button whose label begins so."""
        rows = self.hand.person.messages[-1]["reply_markup"].get("inline_keyboard", [])
        (data,) = [one["callback_data"] for row in rows for one in row if label in one["text"]]
        return await self._sends(self.hand.presses(data))

    async def is_told(self, words: str) -> str:
        """Something that nobody asked for just now."""
        await until(lambda: any(words in one for one in self.heard), what=f"{words} in {self.heard}")
        return next(one for one in self.heard if words in one)


class OnWeChat:
    """Somebody with WeChat."""

    def __init__(self, person: Person) -> None:
        self.person = person

    async def says(self, text: str) -> str:
        answered = await self.person.says(text)
        assert answered.kind == "text", answered
        return answered.shown

    async def opens(self, payload: str = "") -> str:
        answered = await self.person.follows(payload)
        assert answered.kind == "text", answered
        return answered.shown

    async def picks(self, label: str) -> str:
        whole = dict(re.findall(r"^(\d+)  (.*)$", self.person.last.shown, re.MULTILINE))
        for number, _wire, short in self.person.last.options:
            if label in whole.get(number, short):
                answered = await self.person.taps(number)
                assert answered.kind == "text", answered
                return answered.shown
        raise AssertionError(f"“{label}” is not offered in {self.person.last.text!r}")

    @property
    def heard(self) -> list[str]:
        """Customer messages."""
        received = self.person.platform.api.follow(self.person.openid).received
        return [str(one.get("text", {}).get("content") or json.dumps(one, ensure_ascii=False)) for one in received]

    async def is_told(self, words: str) -> str:
        await until(lambda: any(words in one for one in self.heard), what=f"{words} in {self.heard}")
        return next(one for one in self.heard if words in one)


Resident = OnTelegram | OnWeChat


async def joins(who: Resident | Browser, link: str) -> str:
    """The whole sign-up from a link to its outcome."""
    said = await (who.follows(link) if isinstance(who, Browser) else who.opens(link))
    answers = {"Do you agree": "yes", "name": "Ann Lee", "phone": "13800138000", "Join ": "yes"}
    for words, answer in answers.items():
        assert words in said, (words, said)
        said = await who.says(answer)
    return said


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
