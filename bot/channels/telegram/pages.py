"""From a page to the Bot API's methods: plain text and a keyboard, nothing that a smaller server could refuse.

No parse mode is ever set, so nothing in a name or a sentence can be markup.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from bot.channels.telegram.calls import ATTACHED, Call
from bot.channels.telegram.numbers import CAPTION_LIMIT, DATA_LIMIT, TELEGRAM, TEXT_LIMIT
from bot.talk.view import Button, Page

SHARE_PLACE = {"zh_CN": "📍 分享位置", "en": "📍 Share my place", "": "📍 分享位置 Share my place"}
SHARE_NUMBER = {"zh_CN": "📱 分享手机号", "en": "📱 Share my number", "": "📱 分享手机号 Share my number"}
"""By the reader's language, in both where it is not known; the press brings no words back."""

NOTHING_SAID = "👇"
"""Over buttons that came without words: Telegram takes no empty text."""

ROW_WIDTH = 30
"""Columns that the labels of one row may fill; a Chinese character fills two."""
ROW_LENGTH = 3
VENUE_LIMIT = 200
"""Characters of a venue's title and address that are shown; the API names no limit."""

_UNSENDABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

Keyboard = dict[str, Any]
"""The Bot API's InlineKeyboardMarkup or ReplyKeyboardMarkup."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A page as Telegram shows it."""

    text: str
    keyboard: Keyboard | None
    message: Call
    """All of it as a text; a picture as its address."""
    photo: Call | None
    """As a picture with its words under it; None where there is none, or they do not fit there."""
    attached: bool
    """Must the picture be brought with it? Its address is one that Telegram's servers cannot open."""
    is_empty: bool
    buttons_open_pages: bool
    """Has it buttons with addresses, which Telegram may find fault with?"""


@lru_cache(maxsize=16)  # a campaign shows thousands the same page, one after the other
def layout(page: Page, *, pages_in_text: bool = False, file: str = "") -> Shown:
    """How Telegram shows the page. `pages_in_text`: addresses as lines of the text, no button opens one. `file`: the
    name under which Telegram has the picture already."""
    in_text: list[str] = []
    pressable: list[Button] = []
    opens_pages = False
    for button in page.buttons[: TELEGRAM.buttons]:
        if button.url and (pages_in_text or page.wants in ("place", "phone") or not is_public(button.url)):
            in_text.append(f"{clean(button.label)}: {clean(button.url)}")
        elif button.url or 0 < len(button.wire.encode()) <= DATA_LIMIT:
            pressable.append(button)
            opens_pages = opens_pages or bool(button.url)
    picture = clean(page.picture)
    attached = bool(picture) and not file and not is_public(picture)
    words = clean(page.text)
    text = _fitted(words, in_text, TEXT_LIMIT)
    keyboard = _keyboard(page.wants, pressable, page.language)
    return Shown(
        text,
        keyboard,
        _message(_fitted(words, [*in_text, picture], TEXT_LIMIT) if picture else text, keyboard),
        _photo(text, keyboard, ATTACHED if attached else file or picture) if picture else None,
        attached,
        is_empty=not (text or picture or keyboard),
        buttons_open_pages=opens_pages,
    )


def _message(text: str, keyboard: Keyboard | None) -> Call:
    return Call.of("sendMessage", {"text": text or NOTHING_SAID, **_under(keyboard)})


def _photo(text: str, keyboard: Keyboard | None, picture: str) -> Call | None:
    if TELEGRAM.length(text) > CAPTION_LIMIT:
        return None
    words = {"caption": text} if text else {}
    return Call.of("sendPhoto", {"photo": picture, **words, **_under(keyboard)})


def _under(keyboard: Keyboard | None) -> dict[str, Keyboard]:
    return {} if keyboard is None else {"reply_markup": keyboard}


def venue(spot: tuple[float, float, str, str]) -> Call:
    """A place with its name on a map."""
    latitude, longitude, name, address = spot
    title = clean(name)[:VENUE_LIMIT] or "📍"
    where = clean(address)[:VENUE_LIMIT] or title
    return Call.of("sendVenue", {"latitude": latitude, "longitude": longitude, "title": title, "address": where})


def location(spot: tuple[float, float, str, str]) -> Call:
    """A bare point on a map."""
    return Call.of("sendLocation", {"latitude": spot[0], "longitude": spot[1]})


def directions(spot: tuple[float, float, str, str]) -> Call:
    """A place in words, with the address of a map that takes WGS-84."""
    latitude, longitude, name, address = spot
    title = quote(clean(name)[:40] or "-", safe="")
    on_map = f"https://uri.amap.com/marker?position={longitude:.6f},{latitude:.6f}&coordinate=wgs84&name={title}"
    words = " ".join(part for part in (clean(name), clean(address)) if part)
    return Call.of("sendMessage", {"text": _fitted(f"📍 {words}".strip(), [on_map], TEXT_LIMIT)})


def clean(text: str) -> str:
    """The text without what JSON or a terminal would stumble over, and without blank ends, which Telegram trims."""
    return _UNSENDABLE.sub("", text).strip()


def is_public(url: str) -> bool:
    """Can a phone or Telegram's servers open this address? A button with any other makes the whole message refused."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or re.search(r"\s", url):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".") and not host.endswith((".local", ".localhost", ".internal", ".lan"))


def _fitted(text: str, below: Sequence[str], limit: int) -> str:
    """The text with the lines under it; when all together is too long, the text is cut and the lines stay."""
    lines = "\n".join(below)
    room = limit - (TELEGRAM.length(lines) + 1 if lines else 0)
    if room <= 0:
        return _cut(lines, limit)
    if 2 * len(text) > room and TELEGRAM.length(text) > room:  # no sign takes more than two units
        text = _cut(text, room - 1) + "…"
    return f"{text}\n{lines}" if text and lines else text or lines


def _cut(text: str, units: int) -> str:
    """As much as fits into so many UTF-16 units, no character halved."""
    return text.encode("utf-16-le")[: max(units, 0) * 2].decode("utf-16-le", "ignore")


def _keyboard(wants: str, buttons: Sequence[Button], language: str) -> Keyboard | None:
    """One message carries one keyboard: where a place or number is wanted, the options stand under its share button.

    A press there types the option's label, or its number where the label was shortened.
    """
    if wants in ("place", "phone"):
        share = (
            {"text": SHARE_PLACE.get(language, SHARE_PLACE[""]), "request_location": True}
            if wants == "place"
            else {"text": SHARE_NUMBER.get(language, SHARE_NUMBER[""]), "request_contact": True}
        )
        typed = [(button, str(button.number) if button.label.endswith("…") else _label(button)) for button in buttons]
        rows = [[{"text": words} for _button, words in row] for row in _rows(typed)]
        return {"keyboard": [[share], *rows], "resize_keyboard": True, "one_time_keyboard": True}
    if not buttons:
        return None
    labelled = [(button, _label(button)) for button in buttons]
    return {"inline_keyboard": [[_inline(button, words) for button, words in row] for row in _rows(labelled)]}


def _label(button: Button) -> str:
    """What stands on a button: Telegram takes no empty one."""
    return _words(button.label) or str(button.number)


_words = lru_cache(maxsize=1024)(clean)
"""Of a label: the same ones go to everybody."""


def _inline(button: Button, words: str) -> dict[str, str]:
    return {"text": words, "url": clean(button.url)} if button.url else {"text": words, "callback_data": button.wire}


def _rows(labelled: Iterable[tuple[Button, str]]) -> list[list[tuple[Button, str]]]:
    """Short labels side by side, a long one alone."""
    rows: list[list[tuple[Button, str]]] = []
    width = 0
    for one in labelled:
        needs = _width(one[1])
        if rows and len(rows[-1]) < ROW_LENGTH and width + needs <= ROW_WIDTH:
            rows[-1].append(one)
            width += needs
        else:
            rows.append([one])
            width = needs
    return rows


@lru_cache(maxsize=1024)
def _width(words: str) -> int:
    """Columns that a button takes with these words on it."""
    return max(sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in words), 4) + 2
