"""Calls to the Bot API: one call, no retry, a true account of what became of it.

What is told all day goes over our own wire, what is asked now and then by aiohttp (decision 37).

Only `ok`, `result` and the error fields of an answer are read here: an answer that aiogram's newest types cannot hold
would make a message look failed that was sent, and a whole batch of updates unreadable for one of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog

from bot.channels.photos import LARGEST
from bot.channels.telegram.calls import in_form, parsed
from bot.channels.telegram.errors import Answer, Done, Failed
from bot.channels.telegram.library import (
    AiohttpSession,
    BotCommand,
    DeleteWebhook,
    GetFile,
    GetMe,
    GetUpdates,
    SetMyCommands,
    SetWebhook,
    TelegramAPIServer,
    TelegramMethod,
)
from bot.channels.telegram.updates import KINDS
from bot.channels.wire import CONNECT_LIMIT, Unanswered, Unreached, Wire

BASE = "https://api.telegram.org"
CALL_LIMIT = 5.0
"""Seconds for one call: the sender gives up on a message after 9, and one may take two calls."""
ANSWER_LIMIT = 8 * 1024 * 1024
"""Bytes of an answer: 100 updates of the largest kind."""
WEBHOOK_CONNECTIONS = 40
"""Updates that Telegram may bring at once; the API's default."""

AS_JSON = {"Content-Type": "application/json"}
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_TOKEN_SHAPE = re.compile(r"\d{4,16}:[A-Za-z0-9_-]{30,64}")
_FILE_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,255}")
"""Relative, as the public server gives it; a server beside us names a path of its own disk, which is not ours."""
_NOT_A_LINE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")

log = structlog.get_logger("menkou.telegram")


class TelegramApi:
    """One bot's calls. The token is in every address that is called, so no address leaves this class."""

    def __init__(self, token: str, base: str = BASE, *, limit: float = CALL_LIMIT) -> None:
        """Raises ValueError for a token without Telegram's form, and for http to another machine."""
        parts = urlsplit(base)
        if not _TOKEN_SHAPE.fullmatch(token):
            raise ValueError("TELEGRAM_TOKEN is not a bot token")
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("TELEGRAM_API_BASE must begin with https://")
        self._token = token
        self._limit = limit
        self._timeout = aiohttp.ClientTimeout(total=limit, connect=CONNECT_LIMIT)
        self._server = TelegramAPIServer.from_base(base)
        self._session = AiohttpSession(api=self._server)
        self._client: aiohttp.ClientSession | None = None
        self._wire = Wire(base)
        self._heads: dict[str, bytes] = {}
        """What requests begin with, by method."""

    def __repr__(self) -> str:
        return f"TelegramApi(bot={self._token.partition(':')[0]})"

    async def call(self, method: TelegramMethod[Any], limit: float | None = None) -> Answer:
        """Make one call, in at most `limit` seconds. Never raises for what the platform or the network did."""
        body = method.model_dump_json(exclude_unset=True, exclude_none=True).encode()
        timeout = self._timeout if limit is None else aiohttp.ClientTimeout(total=limit, connect=CONNECT_LIMIT)
        url = self._server.api_url(self._token, method.__api_method__)
        client = await self._opened()
        status = 0
        # Only the kind of a client's error is told: its text may hold the address.
        try:
            async with client.post(url, data=body, headers=AS_JSON, timeout=timeout, allow_redirects=False) as response:
                status = response.status
                retry_after = response.headers.get("Retry-After", "")
                raw = await _whole(response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as wrong:
            return Failed(0, f"no connection ({type(wrong).__name__})", reached=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as wrong:
            if status == 200:  # it said yes before the answer broke off
                return Done()
            return Failed(status, f"no answer ({type(wrong).__name__})")
        return self._read(status, raw, retry_after)

    async def post(self, method: str, body: bytes, limit: float | None = None, picture: bytes = b"") -> Answer:
        """Call a method by name with what is JSON already, as we do all day; the rest is as with `call`.

        `picture`: what the body says is attached.
        """
        head = self._heads.get(method)
        if picture:
            kind, body = in_form(body, picture)
            head = self._wire.head(self._path(method), kind)
        elif head is None:
            head = self._heads[method] = self._wire.head(self._path(method))
        try:
            heard = await self._wire.post(head, body, self._limit if limit is None else limit)
        except Unreached as wrong:
            return Failed(0, f"no connection ({wrong})", reached=False)
        except Unanswered as wrong:
            if wrong.status == 200:  # it said yes before the answer broke off
                return Done()
            return Failed(wrong.status, f"no answer ({wrong})")
        return self._read(heard.status, heard.body, heard.retry_after)

    def _path(self, method: str) -> str:
        return urlsplit(self._server.api_url(self._token, method)).path

    def _read(self, status: int, raw: bytes, retry_after: str) -> Answer:
        try:
            answer = parsed(raw)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            # Not the Bot API's own words: a gateway in between, or an answer cut short.
            after = float(retry_after) if retry_after.isascii() and retry_after.isdecimal() else 0.0
            return Done() if status == 200 else Failed(status, "the answer is not JSON", after)
        if status == 200 and answer.get("ok") is not False:
            return Done(answer.get("result"))
        code = answer.get("error_code")
        found = answer.get("parameters")
        parameters = found if isinstance(found, dict) else {}
        return Failed(
            code if isinstance(code, int) and status == 200 else status,
            self._legible(answer.get("description")),
            _number(parameters.get("retry_after")),
            int(_number(parameters.get("migrate_to_chat_id"))),
        )

    def _legible(self, description: object) -> str:
        """The platform's words as one short line; a server that gives the token back does not get it into a log."""
        line = _NOT_A_LINE.sub(" ", description if isinstance(description, str) else "no description")
        return _TOKEN_SHAPE.sub("…", line.replace(self._token, "…"))[:200]

    async def _opened(self) -> aiohttp.ClientSession:
        if self._client is None or self._client.closed:
            self._client = await self._session.create_session()
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()
        if self._client is not None:
            await self._client.close()
            self._client = None

    # --- What the app asks -------------------------------------------------------------------------------------------

    async def username(self) -> str:
        """The bot's name in `https://t.me/name?start=…`; empty when Telegram cannot be asked just now."""
        answer = await self.call(GetMe())
        if isinstance(answer, Failed):
            log.warning("Telegram does not say who we are", reason=answer.told)
            return ""
        name = answer.result.get("username") if isinstance(answer.result, dict) else None
        return name if isinstance(name, str) else ""

    async def picture(self, file_id: str) -> bytes | None:
        """The bytes of a picture that somebody sent; None where it cannot be had, or is larger than anybody needs."""
        answer = await self.call(GetFile(file_id=file_id))
        found = answer.result if isinstance(answer, Done) and isinstance(answer.result, dict) else {}
        path, size = found.get("file_path"), found.get("file_size", 0)
        if not isinstance(path, str) or not _FILE_PATH.fullmatch(path) or ".." in path:
            return None
        if not isinstance(size, int) or size > LARGEST:
            return None
        client = await self._opened()
        # Only the kind of a client's error is told: its text may hold the address, and that the token.
        try:
            url = self._server.file_url(self._token, path)
            async with client.get(url, timeout=self._timeout, allow_redirects=False) as response:
                whole = await _whole(response, LARGEST)
                return whole if response.status == 200 and len(whole) <= LARGEST else None
        except (aiohttp.ClientError, TimeoutError, OSError) as wrong:
            log.info("a picture did not come", error=type(wrong).__name__)
            return None

    async def updates(self, offset: int | None, timeout: int, limit: int = 100) -> Answer:
        """Ask for updates and wait `timeout` seconds for the first; what lies before `offset` is confirmed by it."""
        method = GetUpdates(offset=offset, limit=limit, timeout=timeout, allowed_updates=list(KINDS))
        return await self.call(method, timeout + 10.0)

    async def set_webhook(self, url: str, secret: str) -> Answer:
        """Have updates brought to `url`; what waits is kept."""
        answer = await self.call(
            SetWebhook(url=url, secret_token=secret, allowed_updates=list(KINDS), max_connections=WEBHOOK_CONNECTIONS)
        )
        if isinstance(answer, Failed):
            log.error("Telegram does not take our webhook: messages will not come", reason=answer.told)
        return answer

    async def delete_webhook(self) -> Answer:
        """Have updates wait to be fetched; what waits is kept."""
        return await self.call(DeleteWebhook(drop_pending_updates=False))

    async def set_commands(self, commands: Sequence[tuple[str, str, str]]) -> bool:
        """Set the menu of commands: word, Chinese, English. Everybody but Chinese readers sees the English one."""
        fine = True
        for code, column in ((None, 2), ("en", 2), ("zh", 1)):
            menu = [BotCommand(command=row[0], description=row[column]) for row in commands]
            answer = await self.call(SetMyCommands(commands=menu, language_code=code))
            if isinstance(answer, Failed):
                log.warning("Telegram did not take the commands", language=code or "all", reason=answer.told)
                fine = False
        return fine


async def _whole(response: aiohttp.ClientResponse, limit: int = ANSWER_LIMIT) -> bytes:
    read = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        read += chunk
        if len(read) > limit:
            break
    return bytes(read)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
