"""Calls to WeChat's API: one token, one retry when it is refused, and the truth about what may have happened."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from bot.channels.photos import LARGEST
from bot.channels.wechat.errors import TOKEN_CODES, reason
from bot.channels.wechat.token import Fetched, FetchFailed, StableToken, TokenShelf, Unavailable

log = logging.getLogger(__name__)

API_BASE = "https://api.weixin.qq.com"
ANSWER_LIMIT = 256 * 1024
"""Bytes of an answer; the longest that we ask for has some hundred."""
TIMEOUT = aiohttp.ClientTimeout(total=9.0, sock_connect=3.0, sock_read=7.0)
"""Seconds. The platform answers in tens of milliseconds; nothing of ours waits longer than 10."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said. `errcode` can be absent on success, and the body may call itself text/plain."""

    code: int
    data: dict[str, Any] = field(default_factory=dict)


class NotReached(Exception):
    """It is known that the call had no effect; the text says why. `after`: seconds to wait."""

    def __init__(self, why: str, after: float = 2.0) -> None:
        super().__init__(why)
        self.why = why
        self.after = after


class Unsettled(Exception):
    """Nobody can know whether the call had its effect; the text says why."""


class WeChatApi:
    """The account's side of WeChat's API. Never puts token, secret or a person's words into a log or an error."""

    def __init__(
        self,
        *,
        app_id: str,
        app_secret: str,
        shelf: TokenShelf,
        clock: Callable[[], datetime],
        base: str = API_BASE,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        """Raises ValueError if `base` would carry the secret in the clear over a network."""
        parts = urlsplit(base)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("WECHAT_API_BASE must begin with https://")
        self._app_id = app_id
        self._app_secret = app_secret
        self._base = URL(base.rstrip("/"))
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self.clock = clock
        self.token = StableToken(self._fetch_token, shelf, clock)

    def __repr__(self) -> str:
        return f"WeChatApi(app_id={self._app_id!r})"

    async def call(self, path: str, payload: dict[str, Any]) -> Answer:
        """POST as JSON. A refused token is replaced once. Raises Unavailable, NotReached, Unsettled."""
        token = await self.token.current()
        answer = await self._post(path, payload, token)
        if answer.code in TOKEN_CODES:
            token = await self.token.replace(token, reason(answer.code))
            answer = await self._post(path, payload, token)
        if answer.code in TOKEN_CODES:
            raise self.token.distrust(f"{reason(answer.code)}, and again with a new token; compare WECHAT_APP_SECRET")
        self.token.trust()
        return answer

    async def ask(self, path: str, **query: str) -> Answer:
        """The same with GET, for the few that want it."""
        token = await self.token.current()
        answer = await self._get(path, query, token)
        if answer.code in TOKEN_CODES:
            token = await self.token.replace(token, reason(answer.code))
            answer = await self._get(path, query, token)
        return answer

    async def _get(self, path: str, query: dict[str, str], token: str) -> Answer:
        url = self._base.joinpath(path.lstrip("/")).with_query({"access_token": token, **query})
        try:
            async with self._opened().get(url, allow_redirects=False) as response:
                return _answer(response.status, await response.content.read(ANSWER_LIMIT))
        except (aiohttp.ClientError, TimeoutError, OSError) as wrong:
            raise NotReached(f"no answer ({type(wrong).__name__})") from None

    async def picture(self, media_id: str) -> bytes | None:
        """The bytes of a picture that somebody sent, by its media id; None where it cannot be had.

        Never by the `PicUrl` of the push: whoever forged one would have us fetch any address.
        """
        try:
            token = await self.token.current()
            found = await self._media(media_id, token)
            if isinstance(found, int) and found in TOKEN_CODES:
                found = await self._media(media_id, await self.token.replace(token, reason(found)))
        except (Unavailable, aiohttp.ClientError, TimeoutError, OSError) as wrong:
            log.info("a picture did not come (%s)", type(wrong).__name__)
            return None
        return found if isinstance(found, bytes) else None

    async def _media(self, media_id: str, token: str) -> bytes | int | None:
        """The picture, or the code with which it was refused."""
        url = self._base.joinpath("cgi-bin/media/get").with_query(access_token=token, media_id=media_id)
        async with self._opened().get(url, allow_redirects=False) as response:
            raw = bytearray()
            async for chunk in response.content.iter_chunked(64 * 1024):
                raw += chunk
                if len(raw) > LARGEST:
                    return None
            if response.status != 200:
                return None
            if response.content_type.startswith("image/"):
                return bytes(raw)
        with suppress(Unsettled):
            return _answer(200, bytes(raw)).code
        return None

    async def close(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()
            self._session = None

    async def _fetch_token(self, force: bool) -> Fetched:
        asked = {"grant_type": "client_credential", "appid": self._app_id, "secret": self._app_secret}
        try:
            answer = await self._post("/cgi-bin/stable_token", {**asked, "force_refresh": force})
        except (NotReached, Unsettled) as wrong:
            raise FetchFailed(f"stable_token: {wrong}") from None
        token, seconds = answer.data.get("access_token"), answer.data.get("expires_in")
        if answer.code or not isinstance(token, str) or not token or not isinstance(seconds, int):
            raise FetchFailed(f"stable_token: {reason(answer.code)}")
        return Fetched(token, seconds)

    async def _post(self, path: str, payload: dict[str, Any], token: str = "") -> Answer:
        # Chinese as it is: escaped as \uXXXX it would be refused (40033) or shown so.
        body = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        url = self._base.joinpath(path.lstrip("/"))
        if token:
            url = url.with_query(access_token=token)
        # Only the kind of a client error is told: its text holds the address, and that holds the token.
        try:
            async with self._opened().post(url, data=body, allow_redirects=False) as response:
                status = response.status
                raw = await response.content.read(ANSWER_LIMIT)
                while not response.content.at_eof() and len(raw) < ANSWER_LIMIT:
                    raw += await response.content.read(ANSWER_LIMIT - len(raw))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as wrong:
            raise NotReached(f"no connection ({type(wrong).__name__})") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as wrong:
            raise Unsettled(f"connection broke after the call was made ({type(wrong).__name__})") from None
        return _answer(status, raw)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                headers={"Content-Type": "application/json; charset=utf-8"},
                connector=aiohttp.TCPConnector(limit=200, keepalive_timeout=15),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _answer(status: int, raw: bytes) -> Answer:
    """Read an answer. A gateway's 500, 502 or 504 hides what happened behind it; 503 and 429 turn us away."""
    if status in (429, 503):
        raise NotReached(f"HTTP {status}", after=5.0)
    if status >= 500:
        raise Unsettled(f"HTTP {status}")
    if status != 200:
        raise NotReached(f"HTTP {status}", after=60.0)
    try:
        data = json.loads(raw)
    except ValueError:
        raise Unsettled("the answer is not JSON") from None
    code = data.get("errcode", 0) if isinstance(data, dict) else None
    if not isinstance(code, int):
        raise Unsettled("the answer has no errcode that can be read")
    return Answer(code, data)
