"""Personal fields at rest: AES-256-GCM bound to their row, a key id in front, and a blind index with a key of
its own."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import from_json, to_json


class WrongKey(ValueError):
    """The field was sealed with another key, or belongs to another row."""


KEY_LENGTH = 32
"""Characters of a secret key at least: shorter words with a space between them are one key, not two."""


def keys_of(secret_key: str) -> list[str]:
    """The keys in the setting, newest first: one, or several with spaces between them once it was changed."""
    parts = secret_key.split()
    return parts if len(parts) > 1 and all(len(part) >= KEY_LENGTH for part in parts) else [secret_key]


class Secrecy:
    """Seals and opens personal fields. All keys come from the city's secret key; of several the newest one seals.

    Blind indexes, signatures, the log's witness and the mark by which a database knows its key come from the oldest:
    they stay equal for equal text however often the key that seals is changed.
    """

    def __init__(self, secret_key: str) -> None:
        keys = keys_of(secret_key)
        self._ciphers = {
            self._derived(key, b"menkou key id")[:4]: AESGCM(self._derived(key, b"menkou field key")) for key in keys
        }
        self._key_id, self._cipher = next(iter(self._ciphers.items()))
        self._index_key = self._derived(keys[-1], b"menkou index key")
        self._log_key = self._derived(keys[-1], b"menkou log key")

    @staticmethod
    def _derived(secret_key: str, purpose: bytes) -> bytes:
        return hmac.new(secret_key.encode(), purpose, hashlib.sha256).digest()

    def seal(self, plain: str | bytes, row: str) -> bytes:
        """Ciphertext for one field of one row (`person:7:phone`): moved to another row it does not open."""
        nonce = os.urandom(12)
        data = plain.encode() if isinstance(plain, str) else plain
        return self._key_id + nonce + self._cipher.encrypt(nonce, data, row.encode())

    def open_bytes(self, sealed: bytes, row: str) -> bytes:
        """The bytes. Raises WrongKey."""
        cipher = self._ciphers.get(sealed[:4])
        if cipher is None:
            raise WrongKey(f"{row} was sealed with another SECRET_KEY")
        try:
            return cipher.decrypt(sealed[4:16], sealed[16:], row.encode())
        except InvalidTag as broken:
            raise WrongKey(f"{row} does not open") from broken

    def open(self, sealed: bytes, row: str) -> str:
        """The text. Raises WrongKey."""
        return self.open_bytes(sealed, row).decode()

    def seal_json(self, value: Any, row: str) -> bytes:
        """Plain JSON as ciphertext of one row: what people typed and read may hold a name or a number.

        Written and read by pydantic's own reader, in a third of the time that `json` takes: two values a turn.
        """
        return self.seal(to_json(value), row)

    def open_json(self, sealed: bytes, row: str) -> Any:
        """The JSON. Raises WrongKey."""
        return from_json(self.open_bytes(sealed, row))

    def index(self, plain: str) -> str:
        """A blind index: equal for equal text, and nothing can be read from it without the key."""
        return hmac.new(self._index_key, plain.encode(), hashlib.sha256).hexdigest()[:32]

    def signature(self, text: str) -> str:
        """A short signature for an address that is handed out (the wall of an activity): 80 bits."""
        return hmac.new(self._index_key, b"link:" + text.encode(), hashlib.sha256).hexdigest()[:20]

    def signed(self, text: str, signature: str) -> bool:
        """Is this the text's signature? Compared in constant time."""
        return hmac.compare_digest(self.signature(text).encode(), signature.encode("utf-8", "replace"))

    def witness(self, text: str) -> str:
        """What only the holder of the key can say of a text, 64 hex digits: keeps the log of moves as it was."""
        return hmac.digest(self._log_key, text.encode(), "sha256").hex()
