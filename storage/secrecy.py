"""Personal fields at rest: AES-256-GCM bound to their row, a key id in front, and a blind index with a key of
its own."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class WrongKey(ValueError):
    """The field was sealed with another key, or belongs to another row."""


class Secrecy:
    """Seals and opens personal fields. Both keys come from the city's one secret key."""

    def __init__(self, secret_key: str) -> None:
        self._cipher = AESGCM(self._derived(secret_key, b"menkou field key"))
        self._index_key = self._derived(secret_key, b"menkou index key")
        self._log_key = self._derived(secret_key, b"menkou log key")
        self._key_id = self._derived(secret_key, b"menkou key id")[:4]

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
        if sealed[:4] != self._key_id:
            raise WrongKey(f"{row} was sealed with another SECRET_KEY")
        try:
            return self._cipher.decrypt(sealed[4:16], sealed[16:], row.encode())
        except InvalidTag as broken:
            raise WrongKey(f"{row} does not open") from broken

    def open(self, sealed: bytes, row: str) -> str:
        """The text. Raises WrongKey."""
        return self.open_bytes(sealed, row).decode()

    def seal_json(self, value: Any, row: str) -> bytes:
        """Plain JSON as ciphertext of one row: what people typed and read may hold a name or a number."""
        return self.seal(json.dumps(value, ensure_ascii=False, separators=(",", ":")), row)

    def open_json(self, sealed: bytes, row: str) -> Any:
        """The JSON. Raises WrongKey."""
        return json.loads(self.open_bytes(sealed, row))

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
