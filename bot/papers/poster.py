"""The poster of an activity: one A4 sheet for the notice board of a neighbourhood, as PDF and as PNG.

Chinese is large on it, because that is what the neighbours read, whoever asked for it; English stands under it where
the activity has an English title.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.papers.sheet import Kind, code, drawn, template, wide
from bot.talk.wording import Named, Text, Wording, Words, _

TEMPLATE = template("poster.typ")

TITLE = 140
"""Columns of half a Chinese character: beyond, the largest letters that fit are no longer read from across a yard."""

LINE = 120
TOLD = 180
"""Columns of what the organiser wrote for those who come."""

ASKS = 5
"""Lines of what is asked of them."""

UNBROKEN = 18
"""Letters of a word without a place to break it."""

WORDS: dict[str, Text] = {
    "wanted": _("Volunteers wanted"),
    "when": _("When"),
    "where": _("Where"),
    "who": _("Held by"),
    "asks": _("Please note"),
    "join": _("Scan to sign up"),
    "write": _("Write to us to sign up"),
    "wechat": _("Scan with WeChat"),
    "camera": _("Scan with your phone"),
    "unable": _("Cannot scan? Send us:"),
    "send": _("Send us:"),
    "open": _("Or open this address:"),
    "latest": _("Should anything change, the chat has the latest."),
}


@dataclass(frozen=True, slots=True)
class Poster:
    """What one says."""

    kind: Words
    title: Named
    times: Sequence[Words]
    where: Words
    organiser: Words
    asks: Sequence[Words]
    typed: tuple[str, str]
    """What somebody sends who cannot scan, in Chinese and in English."""
    chats: Sequence[Words] = ()
    """Where to send it."""
    address: str = ""
    """Of the page that opens the activity; empty: there is none."""
    code: str = ""
    """What the QR holds out; empty: there is none, and the words take its place."""
    for_wechat: bool = False
    """The code is one that only WeChat opens."""


def draw(poster: Poster, chinese: Wording, english: Wording, kind: Kind) -> bytes:
    """The sheet; for a thread."""
    return drawn(TEMPLATE, facts(poster, chinese, english), kind)


def facts(poster: Poster, chinese: Wording, english: Wording) -> dict[str, Any]:
    """All that the template sets: each text as [Chinese, English], the English empty where nobody reads it."""
    spoken = bool(poster.title.english)

    def both(words: Words, most: int = LINE) -> list[str]:
        first, second = cut(chinese(words), most), cut(english(words), most) if spoken else ""
        return [first, second if second != first else ""]

    return {
        "words": {name: both(text) for name, text in WORDS.items()},
        "kind": both(poster.kind),
        "title": both(poster.title, TITLE),
        "times": [both(one) for one in poster.times],
        "where": both(poster.where),
        "organiser": both(poster.organiser),
        "asks": [both(one, TOLD) for one in poster.asks[:ASKS]],
        "typed": [poster.typed[0], poster.typed[1] if spoken else ""],
        "chats": [both(one) for one in poster.chats],
        "address": breakable(poster.address.removeprefix("https://")),
        "link": poster.address,
        "qr": code(poster.code) if poster.code else "",
        "wechat": poster.for_wechat,
    }


def cut(text: str, most: int) -> str:
    """One paragraph of at most so many columns, whose longest words can be broken."""
    flat = " ".join(text.split())
    if wide(flat) > most:
        end = next(n for n in range(min(len(flat), most), 0, -1) if wide(flat[:n]) < most)
        flat = f"{flat[:end].rstrip()}…"
    return breakable(flat)


def breakable(text: str) -> str:
    """Places to break where letters follow each other without end."""
    return re.sub(rf"([!-~]{{{UNBROKEN}}})(?=[!-~])", "\\1\u200b", text)
