"""What the account can do beside messages: sign pages, make codes, tell its quotas, put followers under tags."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.channels.wechat.api import NotReached, Unsettled, WeChatApi
from bot.channels.wechat.errors import reason
from bot.channels.wechat.token import Fetched, FetchFailed, StableToken, TokenShelf, Unavailable

SCENE_LIFE = timedelta(days=30)
"""Of a temporary code, at most. Page Generating_a_Parametric_QR_Code: 2,592,000 s."""


class NoAnswer(Exception):
    """WeChat did not do it; the text says why, without secrets."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a page of ours needs to use WeChat's functions."""

    app: str
    timestamp: int
    nonce: str
    signature: str


def signature(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """SHA-1 of the four, sorted by name, as the platform's page on the JS-SDK has it; `url` without its fragment."""
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url.partition('#')[0]}"
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - the platform's choice


class Extras:
    """One account's side functions. Every call raises NoAnswer where there is none."""

    def __init__(self, api: WeChatApi, app: str, shelf: TokenShelf) -> None:
        """`shelf` keeps the ticket that pages are signed with, for all replicas."""
        self._api = api
        self._app = app
        self._ticket = StableToken(self._fetch_ticket, shelf, api.clock)

    async def sign(self, url: str) -> Signed:
        """Sign a page's address, as the browser shows it."""
        try:
            ticket = await self._ticket.current()
        except Unavailable as closed:
            raise NoAnswer(closed.reason) from None
        nonce, moment = secrets.token_hex(8), int(self._api.clock().timestamp())
        return Signed(self._app, moment, nonce, signature(ticket, nonce, moment, url))

    async def code(self, scene: str) -> str:
        """What a code holds that starts `scene` when it is scanned, for 30 days."""
        action = {"scene": {"scene_str": scene}}
        wanted = {"expire_seconds": int(SCENE_LIFE.total_seconds()), "action_name": "QR_STR_SCENE"}
        answer = await self._call("/cgi-bin/qrcode/create", {**wanted, "action_info": action})
        url = answer.get("url")
        if not isinstance(url, str) or not url:
            raise NoAnswer("a code without an address")
        return url

    async def quota(self, api: str) -> tuple[int, int]:
        """What one API allows in a day, and what it has counted of that."""
        found = (await self._call("/cgi-bin/openapi/quota/get", {"cgi_path": api})).get("quota")
        if not isinstance(found, dict) or not isinstance(found.get("daily_limit"), int):
            raise NoAnswer("a quota without a number")
        used = found.get("used")
        return int(found["daily_limit"]), used if isinstance(used, int) else 0

    async def new_tag(self, name: str) -> int:
        """Make a tag; its number. One of that name that is there already is taken up."""
        for known in await self._tags():
            if known.get("name") == name and isinstance(number := known.get("id"), int):
                return number
        tag = (await self._call("/cgi-bin/tags/create", {"tag": {"name": name}})).get("tag")
        number = tag.get("id") if isinstance(tag, dict) else None
        if not isinstance(number, int):
            raise NoAnswer("a tag without a number")
        return number

    async def _tags(self) -> list[dict[str, object]]:
        try:
            answer = await self._api.ask("/cgi-bin/tags/get")
        except (Unavailable, NotReached, Unsettled) as wrong:
            raise NoAnswer(str(wrong)) from None
        found = answer.data.get("tags")
        if answer.code or not isinstance(found, list):
            raise NoAnswer(f"tags: {reason(answer.code)}")
        return [one for one in found if isinstance(one, dict)]

    async def drop_tag(self, tag: int) -> None:
        """Take a tag away."""
        await self._call("/cgi-bin/tags/delete", {"tag": {"id": tag}})

    async def put_under(self, tag: int, openids: Sequence[str]) -> None:
        """Put up to fifty followers under a tag."""
        await self._call("/cgi-bin/tags/members/batchtagging", {"tagid": tag, "openid_list": list(openids)})

    async def take_out(self, tag: int, openids: Sequence[str]) -> None:
        """Take up to fifty out again."""
        await self._call("/cgi-bin/tags/members/batchuntagging", {"tagid": tag, "openid_list": list(openids)})

    async def _call(self, path: str, payload: dict[str, object]) -> dict[str, object]:
        try:
            answer = await self._api.call(path, payload)
        except (Unavailable, NotReached, Unsettled) as wrong:
            raise NoAnswer(str(wrong)) from None
        if answer.code:
            raise NoAnswer(reason(answer.code))
        return answer.data

    async def _fetch_ticket(self, _force: bool) -> Fetched:
        try:
            answer = await self._api.ask("/cgi-bin/ticket/getticket", type="jsapi")
        except (Unavailable, NotReached, Unsettled) as wrong:
            raise FetchFailed(f"getticket: {wrong}") from None
        ticket, seconds = answer.data.get("ticket"), answer.data.get("expires_in")
        if answer.code or not isinstance(ticket, str) or not isinstance(seconds, int):
            raise FetchFailed(f"getticket: {reason(answer.code)}")
        return Fetched(ticket, seconds)
