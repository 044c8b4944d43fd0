"""People who join an activity one after another through several doors, and repeat each message until it is answered.

That is what the page, Telegram and WeChat do on their own: whatever was answered, with 200, must never be missing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

import aiohttp

from tests.standins.telegram import Hand, TelegramStandIn
from tests.standins.wechat import Platform, xml_of
from tests.system.people import Browser, OnTelegram
from tests.system.serving import Serving

ANSWERS = ("yes", "Ann Lee", "13800138000", "yes")
"""To what is asked between the link and the outcome."""

Broken = (aiohttp.ClientError, TimeoutError, ConnectionError)


class Way(Protocol):
    """One person's way in: what they say, delivered as often as it takes, and what they were told."""

    door: str

    def words(self, link: str) -> Iterator[Any]:
        """The messages of a whole sign-up."""

    async def deliver(self, message: Any) -> bool:
        """Deliver once: was it acknowledged?"""

    def key(self, message: Any) -> str:
        """By which the inbox knows the message; of the web chat only the part that the page made."""

    async def told(self) -> list[str]:
        """All that was said to them."""


class ByBrowser:
    """The web chat."""

    door = "web"

    def __init__(self, serving: Serving, session: aiohttp.ClientSession) -> None:
        self.browser = Browser(serving, session)

    def words(self, link: str) -> Iterator[Any]:
        yield {"key": Browser.key(), "link": link}
        for answer in ANSWERS:
            yield {"key": Browser.key(), "text": answer}

    async def deliver(self, message: Any) -> bool:
        if not self.browser.cookie:
            await self.browser.opens()
        return await self.browser.posts(**message) == 200

    def key(self, message: Any) -> str:
        return str(message["key"])

    async def told(self) -> list[str]:
        return await self.browser.heard()


class ByTelegram:
    """Updates brought to the webhook."""

    door = "telegram"

    def __init__(self, serving: Serving, api: TelegramStandIn, id_: int) -> None:
        self.chat = OnTelegram(serving, api, id_)

    def words(self, link: str) -> Iterator[Any]:
        hand: Hand = self.chat.hand
        yield hand.starts(link)
        for answer in ANSWERS:
            yield hand.says(answer)

    async def deliver(self, message: Any) -> bool:
        return await self.chat.brings(message) == 200

    def key(self, message: Any) -> str:
        return str(message["update_id"])

    async def told(self) -> list[str]:
        return self.chat.heard


class ByWeChat:
    """Pushes in safe mode. A menu's entry makes the language English; the QR is scanned after that."""

    door = "wechat"

    def __init__(self, serving: Serving, platform: Platform, number: int) -> None:
        self.serving, self.platform = serving, platform
        self.openid = f"oLoad_{number:022}"
        self.shown: dict[str, str] = {}

    def words(self, link: str) -> Iterator[Any]:
        self.platform.api.heard(self.openid, "action")
        yield {"MsgType": "event", "Event": "CLICK", "EventKey": "language-en", **self._now()}
        yield {"MsgType": "event", "Event": "SCAN", "EventKey": link, "Ticket": "t", **self._now()}
        for answer in ANSWERS:
            self.platform.api.heard(self.openid, "message")
            yield {"MsgType": "text", "Content": answer, "MsgId": self.platform.message_id(), **self._now()}

    @staticmethod
    def _now() -> dict[str, str]:
        return {"CreateTime": str(int(time.time()))}

    async def deliver(self, message: Any) -> bool:
        self.platform.url = f"{self.serving.address}/wechat"
        xml = xml_of({"ToUserName": self.platform.account, "FromUserName": self.openid, **message})
        status, body = await self.platform.deliver(*self.platform.request(xml))
        if status != 200:
            return False
        self.shown[str(message)] = self.platform.read(self.openid, status, body).shown
        return True

    def key(self, message: Any) -> str:
        if "MsgId" in message:
            return f"{message['MsgId']} {self.openid} {message['CreateTime']}"
        return f"{self.openid} {message['CreateTime']} {message['Event'].lower()} {message['EventKey']}"

    async def told(self) -> list[str]:
        return [*self.shown.values()]


@dataclass
class Signed:
    """Somebody who has said all: their messages, each acknowledged."""

    way: Way
    messages: list[Any] = field(default_factory=list)


@dataclass
class Load:
    """Lanes of people, one after another in each, until `stop`."""

    serving: Serving
    link: str
    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    """(door, key)."""
    signed: list[Signed] = field(default_factory=list)
    deliveries: int = 0
    stopping: bool = False
    _numbers: Iterator[int] = field(default_factory=lambda: count(1000))
    _lanes: list[asyncio.Task[None]] = field(default_factory=list)

    def begin(self, make: Any, lanes: int) -> None:
        """`make(number)` gives a new person's way in."""
        self._lanes += [asyncio.create_task(self._lane(make)) for _lane in range(lanes)]

    async def stop(self) -> None:
        """Whoever is in the middle says the rest."""
        self.stopping = True
        await asyncio.gather(*self._lanes)

    async def _lane(self, make: Any) -> None:
        while not self.stopping:
            signed = Signed(make(next(self._numbers)))
            for message in signed.way.words(self.link):
                await self.insist(signed.way, message)
                signed.messages.append(message)
                self.acknowledged.append((signed.way.door, signed.way.key(message)))
            self.signed.append(signed)

    async def insist(self, way: Way, message: Any) -> None:
        """Deliver until it is acknowledged."""
        while True:
            self.deliveries += 1
            try:
                if await way.deliver(message):
                    return
            except Broken:
                # Whoever sends again and again meanwhile only takes the processor from the start.
                await self.serving.up.wait()
            await asyncio.sleep(0.02)
