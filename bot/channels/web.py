"""The wire of the web chat: JSON in, server-sent letters out; who may come in stands in `entrance.py`.

A conversation is a row of *letters*, the person's and ours, numbered from 1 for each address. The browser posts with a
key that it made itself, so a post that is repeated has one effect; it listens to a stream that it can take up again at
any number, so nothing is lost and nothing comes twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from aiohttp import web

from bot.channels.entrance import Entrance
from bot.talk.capabilities import Capabilities
from bot.talk.door import Delivered, Listener, Outcome, Overloaded
from bot.talk.incoming import Address, BadLink, Incoming, Intent, Photo, Place
from bot.talk.order import Order
from bot.talk.view import Page
from bot.talk.wording import Wording

NAME = "web"

WEB = Capabilities(
    buttons=12,
    label_length=120,
    text_length=4000,
    replies_per_message=10,
    sends_pictures=True,
)
"""Our own page's numbers: twelve buttons fill a phone's height; a long label wraps, nothing is cut."""

BODY_LIMIT = 32 * 1024
"""Bytes of one post: 4,000 characters of Chinese escaped as JSON are 24,000."""
PHOTO = "/chat/photo"
PHOTO_LIMIT = 2 * 1024 * 1024
"""Bytes of one picture: the page makes it smaller before it posts it."""
PHOTO_TYPES = ("image/jpeg", "image/png", "image/webp")
STREAMS_PER_ADDRESS = 20
HISTORY = 60
"""Letters in one page of history."""
BEAT = 15.0
"""Seconds between signs of life on a stream: under the 30 s and 60 s after which common proxies cut a silent one."""

Who = Literal["me", "them"]
Reader = Callable[[str, str | None], Awaitable[Wording]]
"""Address id and the browser's language hint in, the reader's wording out."""

_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_PICK = re.compile(r"\d{1,9}\.\d{1,4}\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of a conversation, the person's or ours; `body` is plain JSON (ours: a `Page`)."""

    sequence: int
    key: str
    who: Who
    body: dict[str, Any]
    at: datetime


class Letterbox(Protocol):
    """Where letters are kept.

    An address's letters become visible in the order of their numbers: whoever has read number 8 will never find a new
    number 7. A number is never given again, not even when old letters have been deleted.
    """

    async def append(self, address_id: str, key: str, who: Who, body: dict[str, Any], at: datetime) -> int:
        """Keep a letter under the address's next number and return it; the same key again returns its first number."""

    async def since(self, address_id: str, after: int) -> list[Letter]:
        """All letters with a number greater than `after`, in order."""

    async def before(self, address_id: str, sequence: int | None, count: int) -> list[Letter]:
        """The newest `count` letters with a number smaller than `sequence` (None: the newest of all), in order."""


class WebDoor:
    """The web chat as the sender sees it, and the bell that wakes the open streams of this process."""

    name = NAME
    capabilities = WEB

    def __init__(self, letterbox: Letterbox, now: Callable[[], datetime]) -> None:
        self.letterbox = letterbox
        self.now = now
        self.closing = False
        self._bells: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        """Put one page into the person's letterbox; the key makes a second try harmless."""
        sequence = await self.append(to, key, "them", page.to_json())
        return Delivered(str(sequence))

    async def append(self, address_id: str, key: str, who: Who, body: dict[str, Any]) -> int:
        """Keep a letter and wake whoever listens to that address."""
        sequence = await self.letterbox.append(address_id, key, who, body, self.now())
        self._ring(address_id)
        return sequence

    def listen(self, address_id: str) -> asyncio.Event:
        """A bell that rings with each new letter of the address. Give it back with `leave`."""
        bell = asyncio.Event()
        self._bells[address_id].add(bell)
        return bell

    def leave(self, address_id: str, bell: asyncio.Event) -> None:
        """The stream is over."""
        self._bells[address_id].discard(bell)
        if not self._bells[address_id]:
            del self._bells[address_id]

    def streams(self, address_id: str) -> int:
        """How many streams of this process listen to the address."""
        return len(self._bells.get(address_id, ()))

    def close(self) -> None:
        """End every open stream, so that the process can stop."""
        self.closing = True
        for address_id in list(self._bells):
            self._ring(address_id)

    def _ring(self, address_id: str) -> None:
        for bell in self._bells.get(address_id, ()):
            bell.set()


def routes(
    door: WebDoor, listener: Listener, entrance: Entrance, reader: Reader, *, poll: float = 1.0
) -> list[web.RouteDef]:
    """The web chat's addresses. `poll`: seconds between looks for letters that another replica wrote."""
    return [*_posts(door, listener, entrance, reader), *_letters(door, entrance, poll)]


def _posts(door: WebDoor, listener: Listener, entrance: Entrance, reader: Reader) -> list[web.RouteDef]:
    """What the person says: a message, or a picture."""
    conversations = Order()

    async def say(request: web.Request) -> web.Response:
        entrance.check_origin(request)
        address_id = entrance.visitor(request)
        raw, posted = await _read(request)
        key, incoming, letter = _understand(address_id, posted, door.now(), language=hint(request), raw=raw)
        return await hear(request, address_id, key, incoming, letter)

    async def show(request: web.Request) -> web.Response:
        entrance.check_origin(request)
        address_id = entrance.visitor(request)
        key, picture = request.query.get("key", ""), await request.read()
        if not _KEY.match(key) or not picture:
            raise web.HTTPBadRequest
        if request.content_type not in PHOTO_TYPES:
            raise web.HTTPUnsupportedMediaType
        # The same picture has the same key, by which a claim knows it again.
        photo = Photo(hashlib.sha256(picture).hexdigest(), picture)
        incoming = Incoming(
            Address(NAME, address_id), f"{address_id}:{key}", door.now(), photo=photo, language=hint(request), raw=PHOTO
        )
        return await hear(request, address_id, key, incoming, {"photo": True})

    async def hear(
        request: web.Request, address_id: str, key: str, incoming: Incoming, letter: dict[str, Any] | None
    ) -> web.Response:
        if letter:
            await door.append(address_id, key, "me", letter)
        try:
            # Who writes again meanwhile is answered below the whole of this answer, not between two of its pages.
            async with conversations.of(address_id):
                reply = await listener.take(incoming)
                for index, page in enumerate(reply.pages):
                    await door.append(address_id, f"{key}/{index}", "them", page.to_json())
        except Overloaded:
            return _answer({"error": "overloaded"}, status=503, headers={"Retry-After": "1"})
        wording = await reader(address_id, hint(request))
        return _answer({"answered": key, "language": wording.language, "elder": wording.elder})

    return [web.post("/chat/say", say), web.post(PHOTO, show)]


def _letters(door: WebDoor, entrance: Entrance, poll: float) -> list[web.RouteDef]:
    """What the page shows: letters as they come, and those of before."""

    async def events(request: web.Request) -> web.StreamResponse:
        address_id = entrance.visitor(request)
        if door.closing or door.streams(address_id) >= STREAMS_PER_ADDRESS:
            return _answer({"error": "too many streams"}, status=429)
        after = max(_number(request.headers.get("Last-Event-ID", "")), _number(request.query.get("after", "")))
        stream = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no", **_PRIVATE}
        )
        bell = door.listen(address_id)
        try:
            await stream.prepare(request)
            await stream.write(b"retry: 1000\nevent: beat\ndata:\n\n")
            with suppress(ConnectionError):
                newest = await door.letterbox.before(address_id, None, 1)
                if after > (newest[0].sequence if newest else 0):
                    # The page knows letters that are here no more (erased, another demonstration): it begins anew.
                    await stream.write(b"event: forgotten\ndata:\n\n")
                    return stream
                await pour(request, stream, address_id, after, bell)
        finally:
            door.leave(address_id, bell)
        return stream

    async def pour(
        request: web.Request, stream: web.StreamResponse, address_id: str, after: int, bell: asyncio.Event
    ) -> None:
        quiet = 0.0
        while not door.closing and request.transport is not None and not request.transport.is_closing():
            bell.clear()
            for letter in await door.letterbox.since(address_id, after):
                data = json.dumps(_shown(letter, entrance.public_url), ensure_ascii=False)
                await stream.write(f"id: {letter.sequence}\ndata: {data}\n\n".encode())
                after, quiet = letter.sequence, 0.0
            if quiet >= BEAT:
                await stream.write(b"event: beat\ndata:\n\n")
                quiet = 0.0
            try:
                await asyncio.wait_for(bell.wait(), poll)
            except TimeoutError:
                quiet += poll

    async def history(request: web.Request) -> web.Response:
        address_id = entrance.visitor(request)
        before = _number(request.query.get("before", "")) or None
        letters = await door.letterbox.before(address_id, before, HISTORY)
        return _answer({"letters": [_shown(letter, entrance.public_url) for letter in letters]})

    return [web.get("/chat/events", events), web.get("/chat/history", history)]


def hint(request: web.Request) -> str | None:
    """The first language of the browser's list that we speak, by its first two letters."""
    for part in request.headers.get("Accept-Language", "").split(","):
        if (language := {"zh": "zh_CN", "en": "en"}.get(part.strip()[:2].lower())) is not None:
            return language
    return None


async def _read(request: web.Request) -> tuple[str, dict[str, Any]]:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    if (request.content_length or 0) > BODY_LIMIT:
        raise web.HTTPRequestEntityTooLarge(BODY_LIMIT, request.content_length or 0)
    body = await request.read()  # never `content`: the server's middleware has read it and keeps it here
    if len(body) > BODY_LIMIT:
        raise web.HTTPRequestEntityTooLarge(BODY_LIMIT, len(body))
    try:
        raw = body.decode()
        posted = json.loads(raw)
    except (ValueError, RecursionError) as unreadable:
        raise web.HTTPBadRequest from unreadable
    if not isinstance(posted, dict):
        raise web.HTTPBadRequest
    return _clean(raw), posted


def _understand(
    address_id: str, posted: dict[str, Any], at: datetime, *, language: str | None, raw: str
) -> tuple[str, Incoming, dict[str, Any] | None]:
    """What was posted: its key, the message, and the letter that the person sees as their own (none for `start`).

    The message's key carries the address, so that nobody is given the reply that was kept for somebody else's key.
    """
    key = posted.get("key")
    if not isinstance(key, str) or not _KEY.match(key):
        raise web.HTTPBadRequest
    spoken: dict[str, Any] = {}
    label = posted.get("label")
    letter: dict[str, Any] | None = {"text": _clean(label)[: WEB.label_length * 2]} if isinstance(label, str) else {}
    match posted:
        case {"text": str(text)} if (cleaned := _clean(text).strip()) and len(cleaned) <= WEB.text_length:
            spoken, letter = {"text": cleaned}, {"text": cleaned}
        case {"pick": str(pick)} if _PICK.match(pick):
            spoken = {"pick": pick}
        case {"link": str(link)}:
            try:
                spoken = {"intent": Intent.parse(link)}
            except BadLink as bad:
                raise web.HTTPBadRequest from bad
            letter = None if link == "start" else {**(letter or {}), "link": link}
        case {"place": {"latitude": latitude, "longitude": longitude, **rest}}:
            place = _place(latitude, longitude, rest.get("accuracy", 0))
            spoken, letter = {"place": place}, {"place": [place.latitude, place.longitude, place.accuracy]}
        case _:
            raise web.HTTPBadRequest
    incoming = Incoming(Address(NAME, address_id), f"{address_id}:{key}", at, language=language, raw=raw, **spoken)
    return key, incoming, letter


def _place(*numbers: object) -> Place:
    try:
        latitude, longitude, accuracy = (float(number) for number in numbers if isinstance(number, int | float))
    except (ValueError, OverflowError) as incomplete:
        raise web.HTTPBadRequest from incomplete
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 <= accuracy < math.inf):
        raise web.HTTPBadRequest
    return Place(latitude, longitude, accuracy, live=True)


def _clean(text: str) -> str:
    """Without control characters and half characters, which no database and no other door would take."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def _shown(letter: Letter, public_url: str) -> dict[str, Any]:
    """A letter as the page gets it. Addresses of our own become relative: they are on the host that was opened."""
    body = dict(letter.body)
    if picture := body.get("picture"):
        body["picture"] = _local(picture, public_url)
    if buttons := body.get("buttons"):
        body["buttons"] = [{**button, "url": _local(button.get("url", ""), public_url)} for button in buttons]
    shown = {"sequence": letter.sequence, "who": letter.who, "at": letter.at.isoformat(), "body": body}
    return {**shown, "key": letter.key} if letter.who == "me" else shown


def _local(url: str, public_url: str) -> str:
    public_url = public_url.rstrip("/")
    return url.removeprefix(public_url) if public_url and url.startswith(public_url + "/") else url


def _answer(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers={**_PRIVATE, **(headers or {})})


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
