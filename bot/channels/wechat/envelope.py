"""The sealed envelope around WeChat's pushes and our answers: signature, age, AES, and one exception out.

In plain mode the signature covers token, timestamp and nonce but not the body, so whoever once saw a signed address
could post anything as anybody. Safe mode signs the ciphertext; plain mode exists for trials and must be asked for.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.channels.wechat.parsing import NotWeChat, check_bounds, legible

BODY_LIMIT = 64 * 1024
"""Bytes of a push. A real one has about 600; the cap keeps the parser from ever seeing more."""
AGE_LIMIT = 300
"""Seconds that a push's timestamp may lie from our clock, either way."""

_AES_KEY = re.compile(r"[A-Za-z0-9]{43}\Z")
_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}\Z")
_BLOCK = 32
"""WeChat pads to 32 bytes, not to AES's 16."""
_FORMAT_SETTING = (
    "this push is JSON: choose XML as the data format (数据格式) of the message push (消息推送, formerly 服务器配置) "
    "in the console"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """What an envelope held: the message as XML bytes, and the key that opened it (None: it came in plain mode)."""

    body: bytes
    key: bytes | None = field(repr=False)


class Envelope:
    """Opens pushes and seals answers for one official account."""

    def __init__(
        self,
        *,
        app_id: str,
        token: str,
        aes_key: str,
        aes_key_previous: str = "",
        plaintext: bool = False,
        clock: Callable[[], datetime],
        random: Callable[[], bytes] = lambda: secrets.token_hex(8).encode(),
    ) -> None:
        """`random` gives the 16 bytes in front of a sealed answer. Raises ValueError naming the wrong setting."""
        if not app_id:
            raise ValueError("WECHAT_APP_ID is empty")
        if not _TOKEN.match(token):
            raise ValueError("WECHAT_TOKEN must be 3 to 32 letters and digits, the same as in the console")
        self._app_id = app_id.encode()
        self._token = token
        self._keys = [_aes_key(aes_key, "WECHAT_AES_KEY")] if aes_key or not plaintext else []
        if aes_key_previous:
            self._keys.append(_aes_key(aes_key_previous, "WECHAT_AES_KEY_PREVIOUS"))
        self._plaintext = plaintext
        self._clock = clock
        self._random = random
        # wechatpy imports its blocking HTTP client on the way; a city without WeChat never comes here and never pays.
        from wechatpy.crypto import PrpCrypto
        from wechatpy.utils import WeChatSigner

        self._cipher: Callable[[bytes], Any] = PrpCrypto
        self._signer: Callable[[], Any] = WeChatSigner

    def check_url(self, query: Mapping[str, str]) -> str:
        """The `echostr` that the console wants back when it checks our address. Raises NotWeChat."""
        echo = _one(query, "echostr", 1024)
        if query.get("encrypt_type", "raw") == "aes":
            return self.unlock(query, echo).body.decode("utf-8", "replace")
        self._check(query, "signature")
        return echo

    def open(self, query: Mapping[str, str], body: bytes) -> Opened:
        """The message in a push, proved to be WeChat's and fresh. Raises NotWeChat and nothing else."""
        if len(body) > BODY_LIMIT:
            raise NotWeChat(413, "body over 64 KiB")
        if body.lstrip()[:1] == b"{":
            raise NotWeChat(415, _FORMAT_SETTING)
        if query.get("encrypt_type", "raw") == "aes":
            opened = self.unlock(query, check_bounds(legible(body)).get("Encrypt", ""))
        elif self._plaintext:
            self._check(query, "signature")
            opened = Opened(body, None)
        else:
            raise NotWeChat(403, "plain mode is off: choose safe mode (安全模式) in the console")
        if opened.body.lstrip()[:1] == b"{":
            raise NotWeChat(415, _FORMAT_SETTING)
        return opened

    def unlock(self, query: Mapping[str, str], encrypted: str) -> Opened:
        """Check `msg_signature` over the ciphertext, then decrypt by this key or the one before. Raises NotWeChat."""
        self._check(query, "msg_signature", encrypted)
        for key in self._keys:
            body = self._decrypted(key, encrypted)
            if body is not None:
                return Opened(body, key)
        raise NotWeChat(403, "neither AES key opens it for this app id: compare WECHAT_AES_KEY and WECHAT_APP_ID")

    def seal(self, xml: str, opened: Opened, timestamp: int | None = None, nonce: str = "") -> str:
        """Our answer as WeChat wants it: encrypted by the key that opened the push, or bare when that came bare."""
        if opened.key is None:
            return xml
        stamp = str(timestamp if timestamp is not None else int(self._clock().timestamp()))
        nonce = nonce or str(secrets.randbelow(10**10))
        encrypted = self._encrypted(opened.key, xml.encode())
        return (
            f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt>"
            f"<MsgSignature><![CDATA[{self.signature(stamp, nonce, encrypted)}]]></MsgSignature>"
            f"<TimeStamp>{stamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )

    def signature(self, *parts: str) -> str:
        """WeChat's signature: SHA-1 over token and parts, sorted."""
        signer = self._signer()
        signer.add_data(self._token, *parts)
        return str(signer.signature)

    def _check(self, query: Mapping[str, str], name: str, *signed: str) -> None:
        given, stamp, nonce = _one(query, name, 64), _one(query, "timestamp", 16), _one(query, "nonce", 128)
        if not hmac.compare_digest(self.signature(stamp, nonce, *signed).encode(), given.encode("utf-8", "replace")):
            raise NotWeChat(403, f"wrong {name}: compare WECHAT_TOKEN with the console")
        if not (stamp.isascii() and stamp.isdigit()):
            raise NotWeChat(400, "timestamp is not a number")
        if abs(int(stamp) - self._clock().timestamp()) > AGE_LIMIT:
            raise NotWeChat(403, "timestamp over 300 s away: an old push repeated, or this machine's clock is wrong")

    def _decrypted(self, key: bytes, encrypted: str) -> bytes | None:
        """The message, or None if this key does not open it for our app id.

        wechatpy's own framing trusts padding and length and lets five kinds of exception out; ours checks them.
        """
        try:
            sealed = base64.b64decode(encrypted, validate=True)
        except (binascii.Error, ValueError) as wrong:
            raise NotWeChat(400, "Encrypt is not base64") from wrong
        if not sealed or len(sealed) % 16:
            raise NotWeChat(400, "Encrypt is not whole AES blocks")
        plain: bytes = self._cipher(key).cipher.decrypt(sealed)
        padding = plain[-1]
        if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
            return None
        content = plain[16:-padding]
        if len(content) < 4:
            return None
        (length,) = struct.unpack(">I", content[:4])
        body, app_id = content[4 : 4 + length], content[4 + length :]
        if len(body) != length or not hmac.compare_digest(app_id, self._app_id):
            return None
        return body

    def _encrypted(self, key: bytes, body: bytes) -> str:
        framed = self._random() + struct.pack(">I", len(body)) + body + self._app_id
        padding = _BLOCK - len(framed) % _BLOCK
        sealed: bytes = self._cipher(key).cipher.encrypt(framed + bytes([padding]) * padding)
        return base64.b64encode(sealed).decode()


def _aes_key(written: str, setting: str) -> bytes:
    if not _AES_KEY.match(written):
        raise ValueError(f"{setting} must be the 43 letters and digits of EncodingAESKey in the console")
    return base64.b64decode(written + "=")


def _one(query: Mapping[str, str], name: str, longest: int) -> str:
    value = query.get(name, "")
    if not value or len(value) > longest or "\x00" in value:
        raise NotWeChat(400, f"{name} is missing or too long")
    # A lone surrogate cannot be hashed; the query string of a real push is ASCII.
    if not value.isascii():
        raise NotWeChat(400, f"{name} is not ASCII")
    return value
