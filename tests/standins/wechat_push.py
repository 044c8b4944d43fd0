"""WeChat's push side: signs and seals by its own code, repeats, and reads our answers as strictly as a phone."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from xml.etree import ElementTree

import aiohttp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.standins.wechat_api import WeChatApiStandIn

UNAVAILABLE = "该公众号提供的服务出现故障，请稍后再试"
_MENU_LINK = re.compile(
    r'<a href="weixin://bizmsgmenu\?msgmenucontent=([^&"]*)&msgmenuid=([^&"]*)">(.*?)</a>', re.DOTALL
)
_ANY_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)


class Broken(Exception):
    """An answer that a phone would not show."""


@dataclass(frozen=True)
class Answered:
    """What the person sees."""

    kind: Literal["silence", "text", "news", "unavailable"]
    text: str = ""
    article: dict[str, str] = field(default_factory=dict)
    why: str = ""
    """Why the service is “unavailable”."""
    tries: int = 1

    @property
    def options(self) -> list[tuple[str, str, str]]:
        """Tappable options: what is typed, its wire, its label."""
        return [(found[1], found[2], found[3]) for found in _MENU_LINK.finditer(self.text)]

    @property
    def shown(self) -> str:
        """The text as the phone shows it."""
        return _ANY_LINK.sub(lambda found: found[2], self.text)


class Seal:
    """The platform's own side of the envelope; shares no line with the door's."""

    def __init__(self, token: str, aes_key: str, app_id: str) -> None:
        self.token, self.app_id = token, app_id
        self.key = base64.b64decode(aes_key + "=")

    def signature(self, *parts: str) -> str:
        return hashlib.sha1("".join(sorted([self.token, *parts])).encode()).hexdigest()

    def lock(self, plain: bytes) -> str:
        framed = os.urandom(16) + struct.pack("!I", len(plain)) + plain + self.app_id.encode()
        pad = 32 - len(framed) % 32
        cipher = Cipher(algorithms.AES(self.key), modes.CBC(self.key[:16])).encryptor()
        return base64.b64encode(cipher.update(framed + bytes([pad] * pad)) + cipher.finalize()).decode()

    def unlock(self, sealed: str) -> bytes:
        cipher = Cipher(algorithms.AES(self.key), modes.CBC(self.key[:16])).decryptor()
        framed = cipher.update(base64.b64decode(sealed, validate=True)) + cipher.finalize()
        framed = framed[: -framed[-1]]
        (length,) = struct.unpack("!I", framed[16:20])
        if framed[20 + length :].decode() != self.app_id:
            raise Broken("answer sealed for another app id")
        return framed[20 : 20 + length]


class Platform:
    """Pushes to one address what people do, as the platform would."""

    def __init__(
        self,
        url: str,
        seal: Seal,
        api: WeChatApiStandIn,
        *,
        clock: Callable[[], float],
        account: str = "gh_0123456789ab",
        safe: bool = True,
        seconds: float = 5.0,
        passed: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """`seconds`: real time before a connection is cut; `passed(5)` lets an injected clock follow."""
        self.url, self.seal, self.api, self.clock, self.account = url, seal, api, clock, account
        self.safe, self.seconds, self.passed = safe, seconds, passed
        self._serial = 24_000_000_000_000_000
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Platform:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_of_it: object) -> None:
        if self._session:
            await self._session.close()

    def person(self, openid: str = "oTest_0000000000000000000001") -> Person:
        return Person(self, openid)

    def message_id(self) -> str:
        self._serial += 1
        return str(self._serial)

    def request(self, xml: str) -> tuple[dict[str, str], str]:
        """One push: query and body. Each delivery has its own timestamp and nonce."""
        stamp, nonce = str(int(self.clock())), str(secrets.randbelow(10**9))
        query = {"signature": self.seal.signature(stamp, nonce), "timestamp": stamp, "nonce": nonce}
        if not self.safe:
            return query, xml
        sealed = self.seal.lock(xml.encode("utf-8", "surrogatepass"))
        query |= {"encrypt_type": "aes", "msg_signature": self.seal.signature(stamp, nonce, sealed)}
        body = f"<xml><ToUserName><![CDATA[{self.account}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        return query, body

    async def check_url(self) -> bool:
        """What the console does when the address is saved."""
        stamp, nonce, echo = str(int(self.clock())), "1514711492", str(secrets.randbelow(10**19))
        query = {"signature": self.seal.signature(stamp, nonce), "timestamp": stamp, "nonce": nonce, "echostr": echo}
        assert self._session is not None
        async with self._session.get(self.url, params=query) as response:
            return response.status == 200 and await response.text() == echo

    async def push(self, openid: str, fields: dict[str, Any]) -> Answered:
        """Deliver one push, three times if nobody answers in time."""
        xml = xml_of({"ToUserName": self.account, "FromUserName": openid, **fields})
        for attempt in (1, 2, 3):
            try:
                status, body = await self.deliver(*self.request(xml))
            except (TimeoutError, aiohttp.ClientError):
                self.passed(5.0)
                continue
            try:
                answered = self.read(openid, status, body)
            except (Broken, ElementTree.ParseError, ValueError, struct.error, KeyError) as wrong:
                return Answered("unavailable", UNAVAILABLE, why=f"{type(wrong).__name__}: {wrong}", tries=attempt)
            return Answered(answered.kind, answered.text, answered.article, tries=attempt)
        return Answered("unavailable", UNAVAILABLE, why="no answer within 5 seconds, three times", tries=3)

    async def deliver(self, query: dict[str, str], body: str | bytes) -> tuple[int, bytes]:
        """One POST as it is, cut after the platform's time."""
        assert self._session is not None
        data = body.encode() if isinstance(body, str) else body
        async with (
            asyncio.timeout(self.seconds),
            self._session.post(self.url, params=query, data=data, headers={"Content-Type": "text/xml"}) as response,
        ):
            return response.status, await response.read()

    def read(self, openid: str, status: int, body: bytes) -> Answered:
        """An answer as the phone takes it. Raises Broken and what parsers raise."""
        if status != 200:
            raise Broken(f"HTTP {status}")
        if body in (b"", b"success"):
            return Answered("silence")
        xml = self._opened(body) if self.safe else body
        fields = _flat(ElementTree.fromstring(xml))
        if fields["ToUserName"] != openid or fields["FromUserName"] != self.account:
            raise Broken("sender and receiver are not swapped")
        if not re.fullmatch(r"\d{1,10}", fields["CreateTime"]):
            raise Broken("CreateTime is not whole seconds")
        if fields["MsgType"] == "text":
            text = fields["Content"]
            if not text or len(text.encode()) > 2048:
                raise Broken(f"text of {len(text.encode())} bytes")
            return Answered("text", text)
        if fields["MsgType"] == "news":
            (item,) = ElementTree.fromstring(xml).findall("Articles/item")
            article = _flat(item)
            if fields["ArticleCount"] != "1" or not article["Title"] or not article["Url"].startswith("http"):
                raise Broken("not one whole article")
            return Answered("news", article["Title"], article)
        raise Broken(f"MsgType {fields['MsgType']}")

    def _opened(self, body: bytes) -> bytes:
        outer = _flat(ElementTree.fromstring(body))
        if set(outer) != {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"}:
            raise Broken("answer is not sealed")
        if self.seal.signature(outer["TimeStamp"], outer["Nonce"], outer["Encrypt"]) != outer["MsgSignature"]:
            raise Broken("answer has a wrong signature")
        return self.seal.unlock(outer["Encrypt"])


class Person:
    """Somebody with the app in hand."""

    def __init__(self, platform: Platform, openid: str) -> None:
        self.platform, self.openid = platform, openid
        self.last = Answered("silence")

    async def says(self, text: str, **more: str) -> Answered:
        return await self._message({"MsgType": "text", "Content": text, **more})

    async def taps(self, number: int | str) -> Answered:
        """An option of the last text: arrives as a text of its own with the option's id."""
        for content, wire, _label in self.last.options:
            if content == str(number):
                return await self.says(content, bizmsgmenuid=wire)
        raise AssertionError(f"no option {number} in {self.last.text!r}")

    async def speaks(self, recognised: str = "") -> Answered:
        return await self._message(
            {"MsgType": "voice", "MediaId": "voice_1", "Format": "amr", "Recognition": recognised}
        )

    async def photographs(self) -> Answered:
        return await self._message({"MsgType": "image", "PicUrl": "http://mmbiz.qpic.cn/1", "MediaId": "image_1"})

    async def shares_place(self, latitude: float, longitude: float) -> Answered:
        """A pin of the map picker; the numbers are the map's, GCJ-02."""
        pin = {"Location_X": f"{latitude:.6f}", "Location_Y": f"{longitude:.6f}", "Scale": "15", "Label": "某地"}
        return await self._message({"MsgType": "location", **pin})

    async def sends_file(self) -> Answered:
        return await self._message({"MsgType": "file", "Title": "a.docx", "FileKey": "k", "FileTotalLen": "9"})

    async def follows(self, scene: str = "") -> Answered:
        more = {"EventKey": f"qrscene_{scene}", "Ticket": "t"} if scene else {"EventKey": ""}
        return await self._event({"Event": "subscribe", **more}, "action")

    async def scans(self, scene: str) -> Answered:
        return await self._event({"Event": "SCAN", "EventKey": scene, "Ticket": "t"}, "action")

    async def leaves(self) -> Answered:
        answered = await self._event({"Event": "unsubscribe", "EventKey": ""})
        self.platform.api.follow(self.openid).following = False
        return answered

    async def clicks(self, key: str) -> Answered:
        return await self._event({"Event": "CLICK", "EventKey": key}, "action")

    async def scans_from_menu(self, key: str, result: str) -> Answered:
        info = {"ScanType": "qrcode", "ScanResult": result}
        return await self._event({"Event": "scancode_waitmsg", "EventKey": key, "ScanCodeInfo": info}, "action")

    async def is_at(self, latitude: float, longitude: float, precision: float = 30.0) -> Answered:
        where = {"Latitude": f"{latitude:.6f}", "Longitude": f"{longitude:.6f}", "Precision": f"{precision:.6f}"}
        return await self._event({"Event": "LOCATION", **where})

    async def allows(self, template: str) -> Answered:
        """One tap on the page's button: one notice of this kind may be sent, and the account is told."""
        self.platform.api.follow(self.openid).grants[template] += 1
        return await self._popup(template, "accept")

    async def forbids(self, template: str) -> Answered:
        """The popup answered with no."""
        return await self._popup(template, "reject")

    async def _popup(self, template: str, answer: str) -> Answered:
        one = {"TemplateId": template, "SubscribeStatusString": answer, "PopupScene": "2"}
        event = {"Event": "subscribe_msg_popup_event", "SubscribeMsgPopupEvent": {"List": one}}
        return await self._event(event)

    async def _message(self, fields: dict[str, Any]) -> Answered:
        self.platform.api.heard(self.openid, "message")
        stamp = {"CreateTime": str(int(self.platform.clock())), "MsgId": self.platform.message_id()}
        return self._saw(await self.platform.push(self.openid, {**stamp, **fields}))

    async def _event(self, fields: dict[str, Any], opens: Literal["", "action"] = "") -> Answered:
        if opens:
            self.platform.api.heard(self.openid, "action")
        stamp = {"CreateTime": str(int(self.platform.clock())), "MsgType": "event"}
        return self._saw(await self.platform.push(self.openid, {**stamp, **fields}))

    def _saw(self, answered: Answered) -> Answered:
        if answered.kind != "silence":
            self.last = answered
        return answered


def xml_of(fields: dict[str, Any], root: str = "xml") -> str:
    """Fields as the platform writes them: numbers bare, text in CDATA with its end escaped, groups nested."""
    parts = []
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                parts.append(xml_of(one, name))
            elif name in ("CreateTime", "MsgId", "MsgID"):
                parts.append(f"<{name}>{one}</{name}>")
            else:
                parts.append(f"<{name}><![CDATA[{str(one).replace(']]>', ']]]]><![CDATA[>')}]]></{name}>")
    return f"<{root}>{''.join(parts)}</{root}>"


def _flat(element: ElementTree.Element) -> dict[str, str]:
    names = [child.tag for child in element]
    if len(set(names)) != len(names):
        raise Broken("an element stands twice")
    return {child.tag: child.text or "" for child in element}
