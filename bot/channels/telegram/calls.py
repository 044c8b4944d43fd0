"""What we ask of the Bot API all day, as it goes over the wire: a method's name and plain JSON.

What is asked once a start is said with aiogram's methods. Docs: docs/decisions/25-everyday-traffic-by-hand.md.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json


@dataclass(frozen=True, slots=True)
class Call:
    """A method as the server reads it, for whatever chat: thousands get the same bytes."""

    method: str
    _rest: bytes

    @classmethod
    def of(cls, method: str, given: Mapping[str, Any]) -> Call:
        """Encode it. As JSON a Chinese sentence is a third as long as in a form."""
        return cls(method, to_json(given)[1:])

    def to(self, chat: int, more: bytes = b"") -> bytes:
        """For one chat; `more`: further fields, as JSON behind the number."""
        return b'{"chat_id":%d%b,%b' % (chat, more, self._rest)


ATTACHED = "attach://picture"
"""Names the picture that stands beside the fields of a form. Bot API, "Sending files"."""


def in_form(call: bytes, picture: bytes) -> tuple[str, bytes]:
    """A call that says ATTACHED, with the picture, a PNG or a JPEG: the kind of the body, and the body (RFC 7578)."""
    parts = [
        (f'form-data; name="{name}"', b"", said.encode() if isinstance(said, str) else to_json(said))
        for name, said in parsed(call).items()
    ]
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    file = f'form-data; name="picture"; filename="picture.{kind}"'
    parts.append((file, b"Content-Type: image/%b\r\n" % kind.encode(), picture))
    boundary = _absent_from([body for _name, _kind, body in parts])
    whole = [
        b"--%b\r\nContent-Disposition: %b\r\n%b\r\n%b\r\n" % (boundary, named.encode(), kind_, body)
        for named, kind_, body in parts
    ]
    return f"multipart/form-data; boundary={boundary.decode()}", b"".join([*whole, b"--%b--\r\n" % boundary])


def _absent_from(bodies: Sequence[bytes]) -> bytes:
    """A line that is in none of them, and that nobody foresees."""
    while True:
        boundary = secrets.token_hex(16).encode()
        if not any(boundary in one for one in bodies):
            return boundary


def press_answered(press: str) -> bytes:
    """What answerCallbackQuery is given to stop the clock on a pressed button, silently."""
    return to_json({"callback_query_id": press})


def parsed(raw: bytes) -> Any:
    """What is JSON, read in a quarter of the time that `json` takes; what is refused here `json` may still take: half
    a surrogate pair, another encoding. Raises ValueError, RecursionError."""
    try:
        return from_json(raw)
    except ValueError:
        return json.loads(raw)
