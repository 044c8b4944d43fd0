"""People at the doors of a served city: at the web chat, on Telegram, on WeChat."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

import aiohttp

from tests.standins.telegram import Hand, TelegramStandIn, bring
from tests.standins.wechat import Person
from tests.system.serving import TELEGRAM_SECRET, Serving, until


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
