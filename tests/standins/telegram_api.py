"""A strict stand-in of the Bot API: its methods, its lengths, its errors in its own words, and faults on demand.

Descriptions are those of the public server (tdlib/telegram-bot-api) as people quote them; numbers are the Bot API's.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, web
from PIL import Image

TOKEN = "123456789:AAFakeTokenForTests_0123456789abcde"
UPDATE_KINDS = ("message", "edited_message", "callback_query", "my_chat_member", "poll", "channel_post")
TEXT_LIMIT, CAPTION_LIMIT, DATA_LIMIT, BUTTONS = 4096, 1024, 64, 100
QUERY_LIFE = 15.0
"""Seconds for which a pressed button's query can be answered."""
PER_SECOND, PER_CHAT_BURST, PER_GROUP_MINUTE = 30, 3, 20
PAID_PER_SECOND = 1000
"""With `allow_paid_broadcast`, which costs Stars. Bots FAQ."""

FETCHED_LIMIT, UPLOADED_LIMIT = 5_000_000, 10_000_000
"""Bytes of a picture that is sent by an address, and in a form. Bot API, sending files."""

CONSERVATIVE = {
    "sendMessage": {"chat_id", "text", "entities", "parse_mode", "reply_markup", "reply_parameters"}
    | {"disable_notification"},
}
"""What a smaller server takes: these parameters, and no maps or pictures at all."""
MISSING_THERE = {"sendVenue", "sendLocation", "sendPhoto"}


class Refusal(Exception):
    """An error answer."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


@dataclass
class Fault:
    """What the next call of a method meets instead of its answer."""

    status: int = 0
    description: str = "Internal Server Error"
    body: str | None = None
    """Not JSON, when given."""
    parameters: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    drops: bool = False
    """The connection breaks without an answer."""
    cut: bool = False
    """The answer's head comes, its body does not."""
    hangs: bool = False
    """No answer comes at all."""
    effective: bool = False
    """The call has its effect before the fault."""


@dataclass
class Call:
    """One call as it arrived."""

    method: str
    given: dict[str, Any]
    at: float


@dataclass
class Person:
    """Somebody on Telegram: what they got, and how they stand to the bot."""

    id: int
    language: str | None = None
    state: str = "member"
    """`member`, `kicked` (blocked the bot), `deactivated`."""
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [one.get("text") or one.get("caption") or "" for one in self.messages]


def units(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


class TelegramStandIn:
    """A Bot API server on 127.0.0.1. `async with`, then `base`."""

    def __init__(
        self,
        token: str = TOKEN,
        *,
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
        limits: bool = False,
        conservative: bool = False,
    ) -> None:
        self.token = token
        self.port = port
        self.clock = clock
        self.limits = limits
        self._groups: defaultdict[int, deque[float]] = defaultdict(deque)
        self.conservative = conservative
        self.people: dict[int, Person] = {}
        self.moved: dict[int, int] = {}
        self.calls: list[Call] = []
        self.delivered: Counter[int] = Counter()
        """Messages by recipient."""
        self.refused: Counter[int] = Counter()
        """Error answers by status."""
        self.queries: dict[str, float] = {}
        """Pressed buttons that wait for an answer, since when."""
        self.answered: list[str] = []
        self.pending: deque[dict[str, Any]] = deque()
        self.webhook: dict[str, Any] = {}
        self.commands: dict[str, list[dict[str, str]]] = {}
        self.base = ""
        self.hosts: dict[str, str] = {}
        """Where public hosts really stand: a picture that is sent by such an address is fetched, as Telegram does."""
        self.fetched: list[bytes] = []
        self.uploaded: list[bytes] = []
        """Pictures that came in forms, as they came."""
        self.photographed: dict[str, bytes] = {}
        """Pictures that people sent, by file id: the bot asks for them."""
        self.on_hang: Callable[[], None] = lambda: None
        """Told when a call begins to wait for an answer that will not come."""
        self._files: dict[str, list[dict[str, Any]]] = {}
        """Sizes of the pictures that were fetched, by address and by file id: Telegram fetches none of them again."""
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._numbers = 0
        self._update = 700_000_000
        self._news = asyncio.Event()
        self._poller: asyncio.Event | None = None
        self._closing = asyncio.Event()
        self._times: deque[tuple[float, int]] = deque()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=UPLOADED_LIMIT + (1 << 20))
        app.add_routes([web.route("*", "/bot{token}/{method}", self._serve)])
        app.add_routes([web.get("/file/bot{token}/photos/{name}.jpg", self._file)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.base = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        self._news.set()
        assert self._runner
        await self._runner.cleanup()

    # --- What a test says to it --------------------------------------------------------------------------------------

    def person(self, id_: int = 4242, language: str | None = None) -> Person:
        return self.people.setdefault(id_, Person(id_, language))

    def fail_next(self, method: str, times: int = 1, **fault: Any) -> None:
        """The next calls of a method meet a fault."""
        self._faults[method].extend(Fault(**fault) for _ in range(times))

    def called(self, method: str) -> list[dict[str, Any]]:
        return [call.given for call in self.calls if call.method == method]

    def queue(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        """A new update that waits to be fetched or brought."""
        self._update += 1
        update = {"update_id": self._update, kind: content}
        self.pending.append(update)
        self._news.set()
        return update

    def press_id(self) -> str:
        """The query of a button that was pressed just now."""
        self._numbers += 1
        query = f"49000000000000{self._numbers:05}"
        self.queries[query] = self.clock()
        return query

    # --- Serving -----------------------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if request.match_info["token"] != self.token:
            return self._error(Refusal(401, "Unauthorized"))
        handler = getattr(self, f"_{method}", None)
        if handler is None or (self.conservative and method in MISSING_THERE):
            return self._error(Refusal(404, "Not Found: method not found"))
        try:
            given = await self._given(request)
            self.calls.append(Call(method, given, self.clock()))
            fault = self._faults[method].popleft() if self._faults[method] else None
            if fault and not fault.effective:
                return await self._break(request, fault)
            if self.conservative and (extra := given.keys() - CONSERVATIVE.get(method, given.keys())):
                raise Refusal(400, f"Bad Request: unsupported parameter {min(extra)}")
            result = handler(given)
            if asyncio.iscoroutine(result):
                result = await result
            if fault:
                return await self._break(request, fault)
        except Refusal as refusal:
            return self._error(refusal)
        return web.json_response({"ok": True, "result": result})

    async def _break(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.hangs:
            self.on_hang()
            await self._closing.wait()
        if fault.cut:
            response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "500"})
            await response.prepare(request)
            await response.write(b'{"ok":true,')
        if fault.drops or fault.cut or fault.hangs:
            assert request.transport
            request.transport.abort()
            return web.Response()
        if fault.body is not None:
            return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
        return self._error(Refusal(fault.status, fault.description, **fault.parameters))

    def _error(self, refusal: Refusal) -> web.Response:
        self.refused[refusal.status] += 1
        answer: dict[str, Any] = {"ok": False, "error_code": refusal.status, "description": refusal.description}
        if refusal.parameters:
            answer["parameters"] = refusal.parameters
        return web.json_response(answer, status=refusal.status)

    async def _given(self, request: web.Request) -> dict[str, Any]:
        if request.content_type == "application/json":
            body = await request.json()
            if not isinstance(body, dict):
                raise Refusal(400, "Bad Request: can't parse JSON object")
            # The Bot API takes the same call as JSON and as a form: here it is looked at as if it were a form.
            return {name: one if isinstance(one, str) else json.dumps(one) for name, one in body.items()}
        form = await request.post()
        if request.content_type == "multipart/form-data" and len(form) != len(form.keys()):
            raise Refusal(400, "Bad Request: a field is given twice")
        return {**request.query, **form}

    # --- Messages ----------------------------------------------------------------------------------------------------

    def _sendMessage(self, given: dict[str, Any]) -> dict[str, Any]:
        text = str(given.get("text", "")).strip()
        person = self._recipient(given)
        if not text:
            raise Refusal(400, "Bad Request: message text is empty")
        if units(text) > TEXT_LIMIT:
            raise Refusal(400, "Bad Request: message is too long")
        return self._deliver(person, given, text=text)

    async def _sendPhoto(self, given: dict[str, Any]) -> dict[str, Any]:
        person = self._recipient(given)
        if units(str(given.get("caption", ""))) > CAPTION_LIMIT:
            raise Refusal(400, "Bad Request: message caption is too long")
        photo = given.get("photo", "")
        if isinstance(photo, str) and photo.startswith("attach://"):  # names the part of the form that holds it
            photo = given.get(photo.removeprefix("attach://"))
        if not photo:
            raise Refusal(400, "Bad Request: there is no photo in the request")
        if not isinstance(photo, str):
            shown: Any = self._upload(photo)
        elif photo in self._files:
            shown = self._files[photo]
        elif not _fetchable(photo):
            raise Refusal(400, "Bad Request: failed to get HTTP URL content")
        else:
            shown = await self._fetch(photo)
        return self._deliver(person, given, photo=shown, caption=given.get("caption", ""))

    def _upload(self, part: web.FileField) -> Any:
        """The picture in a part of a form."""
        body = part.file.read()
        if not body:
            raise Refusal(400, "Bad Request: file must be non-empty")
        shown = self._photo(body, UPLOADED_LIMIT)
        begins = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "application/octet-stream": b""}
        if not body.startswith(begins.get(part.content_type, b"\0")):
            raise Refusal(400, "Bad Request: PHOTO_EXT_INVALID")
        self.uploaded.append(body)
        return shown

    async def _fetch(self, url: str) -> Any:
        """The picture at an address; at a host of which we do not know where it stands, the address itself."""
        parts = urlsplit(url)
        base = self.hosts.get(parts.hostname or "")
        if base is None:
            return url
        try:
            async with ClientSession() as session, session.get(f"{base}{parts.path}?{parts.query}") as answer:
                body, kind = await answer.read(), answer.content_type
        except ClientError:
            raise Refusal(400, "Bad Request: failed to get HTTP URL content") from None
        if answer.status != 200:
            raise Refusal(400, "Bad Request: failed to get HTTP URL content")
        if not kind.startswith("image/"):
            raise Refusal(400, "Bad Request: wrong type of the web page content")
        self.fetched.append(body)
        self._files[url] = self._photo(body, FETCHED_LIMIT)
        return self._files[url]

    def _photo(self, body: bytes, most: int) -> list[dict[str, Any]]:
        """A picture as Telegram keeps it. Bot API, sendPhoto: 5 MB by address, 10 MB in a form; both sides together
        10,000 pixels; one side twenty times the other at most."""
        try:
            with Image.open(BytesIO(body)) as picture:
                picture.load()
                width, height = picture.size
        except OSError:
            raise Refusal(400, "Bad Request: IMAGE_PROCESS_FAILED") from None
        if len(body) > most:
            raise Refusal(400, "Bad Request: file is too big")
        if width + height > 10_000 or max(width, height) > 20 * min(width, height):
            raise Refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
        name = f"AgAC{hashlib.sha256(body).hexdigest()[:40]}"
        self._files[name] = [{"file_id": name, "width": width, "height": height, "file_size": len(body)}]
        return self._files[name]

    def _getFile(self, given: dict[str, Any]) -> dict[str, Any]:
        name = str(given.get("file_id"))
        if name not in self.photographed:
            raise Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        return {"file_id": name, "file_size": len(self.photographed[name]), "file_path": f"photos/{name}.jpg"}

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """The bytes under a file's path."""
        found = self.photographed.get(request.match_info["name"])
        if found is None or request.match_info["token"] != self.token:
            return self._error(Refusal(404, "Not Found"))
        return web.Response(body=found, content_type="image/jpeg")

    def _sendVenue(self, given: dict[str, Any]) -> dict[str, Any]:
        person = self._recipient(given)
        if not given.get("title") or not given.get("address"):
            raise Refusal(400, "Bad Request: title must be non-empty")
        place = {**_point(given), "title": given["title"], "address": given["address"]}
        return self._deliver(person, given, venue=place)

    def _sendLocation(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._deliver(self._recipient(given), given, location=_point(given))

    def _editMessageText(self, given: dict[str, Any]) -> dict[str, Any]:
        person, number = self._recipient(given), _whole(given, "message_id")
        message = next((one for one in person.messages if one["message_id"] == number), None)
        if message is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        text, markup = str(given.get("text", "")).strip(), _markup(given)
        if units(text) > TEXT_LIMIT:
            raise Refusal(400, "Bad Request: message is too long")
        if (message.get("text"), message.get("reply_markup")) == (text, markup):
            raise Refusal(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message",
            )
        message.update(text=text, reply_markup=markup)
        return message

    def _answerCallbackQuery(self, given: dict[str, Any]) -> bool:
        since = self.queries.pop(str(given.get("callback_query_id")), None)
        if since is None or self.clock() - since > QUERY_LIFE:
            raise Refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        if units(str(given.get("text", ""))) > 200:
            raise Refusal(400, "Bad Request: MESSAGE_TOO_LONG")
        self.answered.append(str(given["callback_query_id"]))
        return True

    def _recipient(self, given: dict[str, Any]) -> Person:
        chat = _whole(given, "chat_id")
        if chat in self.moved:
            raise Refusal(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=self.moved[chat],
            )
        person = self.people.get(chat)
        if person is None:
            raise Refusal(400, "Bad Request: chat not found")
        if person.state == "kicked":
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if person.state == "deactivated":
            raise Refusal(403, "Forbidden: user is deactivated")
        self._limit(chat, PAID_PER_SECOND if str(given.get("allow_paid_broadcast")).lower() == "true" else PER_SECOND)
        return person

    def _limit(self, chat: int, per_second: int) -> None:
        if not self.limits:
            return
        now = self.clock()
        if chat < 0:
            heard = self._groups[chat]
            while heard and now - heard[0] >= 60.0:
                heard.popleft()
            if len(heard) >= PER_GROUP_MINUTE:
                raise Refusal(429, "Too Many Requests: retry after 60", retry_after=60)
            heard.append(now)
        while self._times and now - self._times[0][0] >= PER_CHAT_BURST:
            self._times.popleft()
        # A token bucket of one second's rate; both limits speak with the same words.
        if sum(1 for at, _chat in self._times if now - at < 1.0) >= per_second:
            raise Refusal(429, "Too Many Requests: retry after 1", retry_after=1)
        if sum(1 for _at, one in self._times if one == chat) >= PER_CHAT_BURST:
            raise Refusal(429, f"Too Many Requests: retry after {PER_CHAT_BURST}", retry_after=PER_CHAT_BURST)
        self._times.append((now, chat))

    def _deliver(self, person: Person, given: dict[str, Any], **content: Any) -> dict[str, Any]:
        self._numbers += 1
        message = {
            "message_id": self._numbers,
            "date": int(time.time()),
            "chat": {"id": person.id, "type": "private"},
            **{name: value for name, value in content.items() if value},
        }
        markup = _markup(given)
        if markup:
            message["reply_markup"] = markup
        person.messages.append(message)
        self.delivered[person.id] += 1
        return message

    # --- Updates and the bot itself ----------------------------------------------------------------------------------

    def _getMe(self, _given: dict[str, Any]) -> dict[str, Any]:
        number = int(self.token.partition(":")[0])
        return {"id": number, "is_bot": True, "first_name": "Menkou", "username": "menkou_bot"}

    async def _getUpdates(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        if self.webhook:
            raise Refusal(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the "
                "webhook first",
            )
        offset, limit = int(given.get("offset") or 0), int(given.get("limit") or 100)
        patience = int(given.get("timeout") or 0)
        if not 1 <= limit <= 100 or not 0 <= patience <= 50:
            raise Refusal(400, "Bad Request: limit or timeout out of range")
        allowed = json.loads(given.get("allowed_updates", "[]")) or UPDATE_KINDS
        if self._poller is not None:
            self._poller.set()
        self._poller = pushed_out = asyncio.Event()
        while self.pending and self.pending[0]["update_id"] < offset:
            self.pending.popleft()
        deadline = asyncio.get_running_loop().time() + patience
        while not (found := [one for one in self.pending if one.keys() & set(allowed) or len(one) < 2][:limit]):
            self._news.clear()
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or self._closing.is_set():
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await _either(self._news, pushed_out)
            if pushed_out.is_set():
                raise Refusal(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                )
        self._poller = None
        return found

    def _setWebhook(self, given: dict[str, Any]) -> bool:
        url, secret = str(given.get("url", "")), str(given.get("secret_token", ""))
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname != "127.0.0.1":
            raise Refusal(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            raise Refusal(400, "Bad Request: secret token contains unallowed characters")
        if not 1 <= int(given.get("max_connections", 40)) <= 100:
            raise Refusal(400, "Bad Request: max_connections out of range")
        self.webhook = {"url": url, "secret": secret, "allowed": json.loads(given.get("allowed_updates", "[]"))}
        return True

    def _deleteWebhook(self, given: dict[str, Any]) -> bool:
        if str(given.get("drop_pending_updates", "")).lower() == "true":
            self.pending.clear()
        self.webhook = {}
        return True

    def _setMyCommands(self, given: dict[str, Any]) -> bool:
        commands = json.loads(given.get("commands", "[]"))
        language = str(given.get("language_code", ""))
        if language and not re.fullmatch(r"[a-z]{2}", language):
            raise Refusal(400, "Bad Request: invalid language code specified")
        if len(commands) > 100:
            raise Refusal(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        for one in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", one["command"]):
                raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(one["description"]) <= 256:
                raise Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands[language] = commands
        return True


async def _either(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()


def _whole(given: dict[str, Any], name: str) -> int:
    try:
        return int(given[name])
    except (KeyError, ValueError):
        raise Refusal(400, f"Bad Request: {name} is empty") from None


def _point(given: dict[str, Any]) -> dict[str, float]:
    try:
        latitude, longitude = float(given["latitude"]), float(given["longitude"])
    except (KeyError, ValueError):
        raise Refusal(400, "Bad Request: latitude is empty") from None
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise Refusal(400, "Bad Request: invalid location specified")
    return {"latitude": latitude, "longitude": longitude}


def _fetchable(url: str) -> bool:
    """Can Telegram's own servers open the address?"""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return parts.scheme in ("http", "https") and "." in host


def _markup(given: dict[str, Any]) -> dict[str, Any] | None:
    raw = given.get("reply_markup")
    if not raw:
        return None
    try:
        markup = json.loads(raw) if isinstance(raw, str) else raw
        rows = markup.get("inline_keyboard") or markup.get("keyboard") or []
        buttons = [button for row in rows for button in row]
    except (ValueError, AttributeError, TypeError):
        raise Refusal(400, "Bad Request: can't parse reply keyboard markup JSON object") from None
    if len(buttons) > BUTTONS or any(len(row) > 8 for row in rows):
        raise Refusal(400, "Bad Request: reply markup is too long")
    for button in buttons:
        if not str(button.get("text", "")).strip():
            raise Refusal(400, 'Bad Request: can\'t parse inline keyboard button: Field "text" must be non-empty')
        if "inline_keyboard" in markup:
            _check_inline(button)
    return dict(markup)


def _check_inline(button: dict[str, Any]) -> None:
    if not {"callback_data", "url"} & button.keys():
        raise Refusal(400, "Bad Request: Text buttons are unallowed in the inline keyboard")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= DATA_LIMIT:
        raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    if "url" in button and not _fetchable(button["url"]):
        raise Refusal(400, f"Bad Request: inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
