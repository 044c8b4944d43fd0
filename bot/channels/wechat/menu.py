"""The account's menu: three columns of up to five entries, each a link into a script."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.channels.wechat.api import NotReached, Unsettled, WeChatApi
from bot.channels.wechat.errors import reason
from bot.channels.wechat.token import Unavailable
from bot.talk.incoming import Intent

COLUMNS = 3
ENTRIES = 5
COLUMN_WIDTH = 8
"""Half-width places that a column's label is shown with: 4 Chinese characters (16 bytes are allowed)."""
ENTRY_WIDTH = 16
"""The same for an entry: 8 Chinese characters (60 bytes are allowed, 40 by older pages)."""
KEY_LIMIT = 128
"""Bytes of a key. Platform page on menus; clients show a new menu after 5 minutes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `link`: a script's link, or an address to open when it begins with https://."""

    column: str
    label: str
    link: str
    kind: Literal["click", "scan"] = "click"
    """`scan` opens the scanner first; what it read arrives with the key."""


MENU = (
    Entry("找活动", "找活动", "find"),
    Entry("找活动", "附近活动", "near"),
    Entry("找活动", "订阅通知", "subscribe"),
    Entry("找活动", "从头开始", "start"),
    Entry("我的", "我的报名", "my"),
    Entry("我的", "扫码签到", "checkin", "scan"),
    Entry("我的", "签退", "checkout"),
    Entry("我的", "服务时长", "hours"),
    Entry("我的", "设置", "settings"),
    Entry("更多", "发布活动", "publish"),
    Entry("更多", "招募通知", "announce"),
    Entry("更多", "报名名单", "roster"),
    Entry("更多", "语言 Language", "language"),
    Entry("更多", "帮助", "help"),
)
"""What a city starts with; the app may pass its own."""


class BadMenu(ValueError):
    """WeChat would not take or not show this menu; the text says which entry."""


class MenuRefused(Exception):
    """WeChat did not take the menu; the text says why."""


def build_menu(entries: Sequence[Entry]) -> dict[str, Any]:
    """The menu as WeChat wants it. Raises BadMenu, and BadLink for a key that is no link."""
    columns: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        _check_label(entry.label, ENTRY_WIDTH, 60)
        columns.setdefault(entry.column, []).append(_button(entry))
    if not 1 <= len(columns) <= COLUMNS:
        raise BadMenu(f"{len(columns)} columns; 1 to {COLUMNS} are allowed")
    for label, below in columns.items():
        _check_label(label, COLUMN_WIDTH, 16)
        if len(below) > ENTRIES:
            raise BadMenu(f"“{label}” has {len(below)} entries; {ENTRIES} are allowed")
    return {"button": [{"name": label, "sub_button": below} for label, below in columns.items()]}


async def set_menu(api: WeChatApi, entries: Sequence[Entry] = MENU) -> None:
    """Give the account this menu. Raises BadMenu or BadLink before anything is sent, MenuRefused afterwards."""
    menu = build_menu(entries)
    try:
        answer = await api.call("/cgi-bin/menu/create", menu)
    except (Unavailable, NotReached, Unsettled) as wrong:
        raise MenuRefused(str(wrong)) from wrong
    if answer.code:
        raise MenuRefused(reason(answer.code))


def _button(entry: Entry) -> dict[str, Any]:
    if entry.link.startswith("https://"):
        if len(entry.link.encode()) > 1024:
            raise BadMenu(f"the address of “{entry.label}” is over 1,024 bytes")
        return {"type": "view", "name": entry.label, "url": entry.link}
    key = Intent.parse(entry.link).link
    if len(key.encode()) > KEY_LIMIT:
        raise BadMenu(f"the key of “{entry.label}” is over {KEY_LIMIT} bytes")
    return {"type": "scancode_waitmsg" if entry.kind == "scan" else "click", "name": entry.label, "key": key}


def _check_label(label: str, width: int, limit: int) -> None:
    shown = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in label)
    if not label or shown > width or len(label.encode()) > limit:
        raise BadMenu(f"the label “{label}” is empty or too long to be shown")
