"""Telegram as the sender sees it: one page to one chat, as plainly as the server takes it, and what became of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from bot.channels.telegram.api import TelegramApi
from bot.channels.telegram.calls import Call
from bot.channels.telegram.errors import Answer, Done, Failed, lacks_method, outcome, refuses_content
from bot.channels.telegram.numbers import NAME, PICTURE_LIMIT, TELEGRAM
from bot.channels.telegram.pages import Shown, directions, layout, location, venue
from bot.talk.capabilities import Capabilities
from bot.talk.door import Delivered, Outcome, Refused
from bot.talk.order import Order
from bot.talk.view import Page

LARGEST_CHAT = 2**52
"""Chats have at most 52 significant bits. Bot API, Chat."""

FILES = 64
"""Pictures whose names are kept: a campaign's goes to thousands, a person's own chart to one."""

DRAWING = 2.0
"""Seconds for a picture to be drawn; then it goes as its address."""
WAITING = 1.5
"""Seconds for which a message waits while another brings its picture: with these two and a call it is still below the
9 s after which the sender gives up on a message."""

log = structlog.get_logger("menkou.telegram")

Pictures = Callable[[str], Awaitable[bytes | None]]
"""An address in, the picture there out, a PNG or a JPEG; None: it is none of ours, or there is none now."""


async def none_of_ours(_address: str) -> bytes | None:
    """Every picture goes by its address."""
    return None


class TelegramDoor:
    """One bot. Never retries, never raises for what the platform or the network did."""

    def __init__(
        self,
        api: TelegramApi,
        steady: Callable[[], float] = time.monotonic,
        *,
        paid: bool = False,
        pictures: Pictures = none_of_ours,
    ) -> None:
        """`paid`: beyond 30 messages a second Telegram takes Stars for each; without it, it refuses them.

        `pictures`: asked for those whose addresses Telegram cannot open.
        """
        self._api = api
        self._pictures = pictures
        self._bringing = Order()
        """By address: each picture is brought once, and those who want it too wait for its name."""
        self._paid = b',"allow_paid_broadcast":true' if paid else b""
        self._traffic = Traffic(steady)
        self._lacking: set[str] = set()
        self._files: dict[str, str] = {}
        """Telegram's names of the pictures that it has, by their address: it need not be given them again."""

    @property
    def name(self) -> str:
        """The door's name in addresses."""
        return NAME

    @property
    def capabilities(self) -> Capabilities:
        """Its numbers."""
        return TELEGRAM

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        """Send one page to one chat. `sendMessage` has no key for repeats, so `key` names the message in our log only.

        What became of the words is the outcome; a map that follows them is an extra, for which nothing is sent again.
        """
        chat = _chat(to)
        if chat is None:
            return Refused("not a Telegram chat", closes=True)
        shown = self._laid_out(page)
        if shown.is_empty:
            if page.spot is None:
                return Refused("there is nothing on the page")
            return self._outcome(chat, await self._show(chat, page.spot))
        answer = await self._say(chat, page, shown)
        if shown.buttons_open_pages and isinstance(answer, Failed) and refuses_content(answer):
            answer = await self._say(chat, page, self._laid_out(page, plain=True), plain=True)
        if page.spot is not None and isinstance(answer, Done):
            extra = await self._show(chat, page.spot)
            if isinstance(extra, Failed):
                log.warning("a map did not follow its message", key=key, reason=extra.told)
        if isinstance(answer, Failed) and answer.status == 400:
            log.warning("Telegram refused a message", key=key, reason=answer.told)
        return self._outcome(chat, answer)

    def _laid_out(self, page: Page, *, plain: bool = False) -> Shown:
        return layout(page, pages_in_text=plain, file=self._files.get(page.picture, ""))

    async def _say(self, chat: int, page: Page, shown: Shown, *, plain: bool = False) -> Answer:
        """As a picture where the server has it, fetches it or is brought it, else as a text that names its address."""
        if shown.photo is not None:
            if not shown.attached:
                answer = await self._optional(chat, shown.photo)
            elif (brought := await self._bring(chat, page.picture, shown.photo)) is not None:
                answer = brought
            else:
                return await self._say(chat, page, self._laid_out(page, plain=plain), plain=plain)
            if isinstance(answer, Done):
                self._has(page.picture, answer)
                return answer
            if not refuses_content(answer):
                return answer
            if self._files.pop(page.picture, None) is not None:  # the name is not good any more
                return await self._say(chat, page, self._laid_out(page, plain=plain), plain=plain)
        return await self._call(chat, shown.message)

    async def _bring(self, chat: int, address: str, photo: Call) -> Answer | None:
        """With the picture itself; None: another message has brought it meanwhile, so it has a name."""
        try:
            async with asyncio.timeout(WAITING) as waiting, self._bringing.of(address):
                waiting.reschedule(None)
                if address in self._files:
                    return None
                picture = await self._drawn(address)
                if picture is None:
                    return Failed(400, "its picture cannot be had")
                answer = await self._optional(chat, photo, picture)
                if isinstance(answer, Done):
                    self._has(address, answer)
                return answer
        except TimeoutError:
            return Failed(409, "its picture is under way with another message")

    async def _drawn(self, address: str) -> bytes | None:
        """A picture of ours; None when there is none in time that Telegram would take."""
        try:
            async with asyncio.timeout(DRAWING):
                picture = await self._pictures(address)
        except Exception as wrong:  # noqa: BLE001 - whatever keeps it away, its words can go
            log.warning("a picture could not be drawn", error=type(wrong).__name__)
            return None
        return picture if picture and len(picture) <= PICTURE_LIMIT else None

    def _has(self, address: str, answer: Done) -> None:
        """Keep the name that Telegram gave to the picture of this address."""
        name = file_of(answer.result)
        if name and address not in self._files:
            self._files[address] = name
            if len(self._files) > FILES:
                del self._files[next(iter(self._files))]

    async def _show(self, chat: int, spot: tuple[float, float, str, str]) -> Answer:
        """A map with a name, else a bare one, else words with a map's address."""
        for map_ in (venue(spot), location(spot)):
            answer = await self._optional(chat, map_)
            if isinstance(answer, Done) or not refuses_content(answer):
                return answer
        return await self._call(chat, directions(spot))

    async def _optional(self, chat: int, call: Call, picture: bytes = b"") -> Answer:
        """A call that a smaller server may not know; asked once, not with every message."""
        if call.method in self._lacking:
            return Failed(404, f"this server has no {call.method}")
        answer = await self._call(chat, call, picture)
        if isinstance(answer, Failed) and lacks_method(answer):
            self._lacking.add(call.method)
        return answer

    async def _call(self, chat: int, call: Call, picture: bytes = b"") -> Answer:
        """One call, and one more to a chat's new number: the first is known to have sent nothing."""
        answer = await self._api.post(call.method, call.to(chat, self._paid), picture=picture)
        if isinstance(answer, Failed) and answer.moved_to:
            answer = await self._api.post(call.method, call.to(answer.moved_to, self._paid), picture=picture)
        if isinstance(answer, Done):
            self._traffic.taken()
        return answer

    def _outcome(self, chat: int, answer: Answer) -> Outcome:
        if isinstance(answer, Failed):
            return outcome(answer, crowded=answer.status == 429 and self._traffic.crowded(chat))
        return Delivered(receipt(answer.result))


class Traffic:
    """Whose limit was hit: the chat's, of one message a second, or the account's, of about 30? A 429 does not say.

    Past the account's own limit whoever is written to next is refused as well; past a chat's, that chat alone. So the
    first refusal is taken for its chat's, one of another chat, with nothing taken in between, for the account's. A
    mistake costs one refusal more; counting what this process sent to a chat does not tell, where several bring
    replies to it. Bots FAQ, "broadcasting to users".
    """

    SPAN = 3.0
    """Seconds for which a refusal is remembered."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._refused: tuple[float, int] | None = None
        """When a chat was refused last, with nothing taken since."""

    def taken(self) -> None:
        """A call was done: the account is free."""
        self._refused = None

    def crowded(self, chat: int) -> bool:
        """A chat was refused: by its own limit?"""
        now, before = self._steady(), self._refused
        self._refused = now, chat
        return before is None or before[1] == chat or now - before[0] > self.SPAN


def receipt(result: object) -> str:
    """The message's id; it may be 0 when the server postpones it, which is no id."""
    number = result.get("message_id") if isinstance(result, dict) else None
    return str(number) if isinstance(number, int) and number > 0 else ""


def file_of(result: object) -> str:
    """The name of the picture in a message that was sent; of its sizes the largest is the last."""
    sizes = result.get("photo") if isinstance(result, dict) else None
    largest = sizes[-1] if isinstance(sizes, list) and sizes else None
    name = largest.get("file_id") if isinstance(largest, dict) else None
    return name if isinstance(name, str) else ""


def _chat(to: str) -> int | None:
    """An address's id as the number that Telegram wants; None if it never was one."""
    digits = to.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 16):
        return None
    chat = int(to)
    return chat if 0 < abs(chat) < LARGEST_CHAT else None
