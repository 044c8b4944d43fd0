"""Reading WeChat's XML without trusting it: bounded before it is parsed, typed field by field afterwards."""

from __future__ import annotations

import re
from typing import Any
from xml.parsers import expat

DEPTH_LIMIT = 8
NODE_LIMIT = 200
"""Elements of one push: a real one has 5 to 20, a mass message's report about 90."""

# XML 1.0 has no place for these, and WeChat forwards raw whatever a person typed. They become U+FFFD before parsing and
# vanish after it: taken out at once, `]]`, a control character and `>` would close the CDATA section they stand in.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MARK = "\ufffd"


class NotWeChat(Exception):
    """What came is not a push of our account, or none that can be read: answer `status` and nothing more."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        """HTTP status: 400 malformed, 403 not authentic or too old, 413 too large, 415 JSON."""
        self.why = why


class Push:
    """One message as wechatpy classified it, with fields that are what they are said to be."""

    def __init__(self, kind: str, event: str, fields: dict[str, Any]) -> None:
        self.kind = kind
        """`text`, `voice` … or `event`, in lower case."""
        self.event = event
        """`subscribe`, `subscribe_scan` … in lower case, or empty."""
        self._fields = fields

    def text(self, name: str) -> str:
        """A field's text, empty if it is absent. Raises NotWeChat if it is doubled or has children."""
        value = self._fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise NotWeChat(400, f"{name} is not text")
        return value.replace(_MARK, "").strip()

    def need(self, name: str) -> str:
        """A field that must have text. Raises NotWeChat."""
        value = self.text(name)
        if not value:
            raise NotWeChat(400, f"{name} is missing")
        return value

    def number(self, name: str) -> float:
        """A field that must be a finite number. Raises NotWeChat."""
        written = self.need(name)
        if not re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,20})?", written, re.ASCII):
            raise NotWeChat(400, f"{name} is not a number")
        return float(written)

    def group(self, name: str) -> Push:
        """A field with children. Raises NotWeChat if it is something else; absent, it is empty."""
        value = self._fields.get(name) or {}
        if not isinstance(value, dict):
            raise NotWeChat(400, f"{name} has no fields")
        return Push(self.kind, self.event, value)

    def groups(self, name: str) -> list[Push]:
        """A field that may stand several times with children; xmltodict gives one dict, or a list of them."""
        value = self._fields.get(name) or []
        several = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in several):
            raise NotWeChat(400, f"{name} has no fields")
        return [Push(self.kind, self.event, one) for one in several]


def legible(body: bytes) -> str:
    """The body as text in which every byte and character that XML cannot carry is marked."""
    return ILLEGAL.sub(_MARK, body.decode("utf-8", "replace"))


def check_bounds(text: str) -> dict[str, str]:
    """Refuse what a push never has: a DTD, attributes, deep nesting, many elements, another root. Raises NotWeChat.

    Gives the text of the elements right under `<xml>`; of one that stands twice, all of it joined.
    """
    depth = nodes = 0
    name = ""
    pieces: dict[str, list[str]] = {}

    def started(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, nodes, name
        depth, nodes = depth + 1, nodes + 1
        if depth > DEPTH_LIMIT or nodes > NODE_LIMIT:
            raise NotWeChat(400, "XML too deep or too many elements")
        if attributes or (depth == 1 and tag != "xml"):
            raise NotWeChat(400, "XML is not a push's")
        if depth == 2:
            name = tag

    def ended(_tag: str) -> None:
        nonlocal depth
        depth -= 1

    def read(data: str) -> None:
        if depth == 2:
            pieces.setdefault(name, []).append(data)

    def refused(*_of_it: object) -> None:
        raise NotWeChat(400, "XML with a DTD")

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    parser.CharacterDataHandler = read
    parser.StartDoctypeDeclHandler = refused
    parser.EntityDeclHandler = refused
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as wrong:
        raise NotWeChat(400, "not XML") from wrong
    return {tag: "".join(parts).strip() for tag, parts in pieces.items()}


def parse(body: bytes) -> Push:
    """The message in the body, classified by wechatpy. Raises NotWeChat and nothing else."""
    text = legible(body)
    check_bounds(text)
    from bot.channels.wechat.kinds import UnknownMessage, parse_message

    try:
        message = parse_message(text)
    except Exception as wrong:  # KeyError, TypeError, AttributeError and others: the library names none of them
        raise NotWeChat(400, f"wechatpy cannot read it: {type(wrong).__name__}") from wrong
    fields = getattr(message, "_data", None)
    if not isinstance(fields, dict):
        raise NotWeChat(400, "XML without fields")
    if isinstance(message, UnknownMessage):
        plain = Push("", "", fields)
        kind = plain.need("MsgType").lower()
        return Push(kind, plain.text("Event").lower() if kind == "event" else "", fields)
    return Push(str(message.type), str(getattr(message, "event", "")), fields)
