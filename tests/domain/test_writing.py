"""A note in two languages: each reads their own; a note in one language is everybody's."""

from __future__ import annotations

import pytest

from bot.domain.writing import for_readers


@pytest.mark.parametrize(
    ("note", "chinese", "english"),
    [
        ("请带手套。\nBring gloves.", "请带手套。", "Bring gloves."),
        ("请带手套。\n穿平底鞋。\nBring gloves.\nFlat shoes.", "请带手套。\n穿平底鞋。", "Bring gloves.\nFlat shoes."),
        ("请带手套。", "请带手套。", "请带手套。"),
        ("Bring gloves.", "Bring gloves.", "Bring gloves."),
        ("请带 WiFi 密码。\n9:00–11:00", "请带 WiFi 密码。\n9:00–11:00", "请带 WiFi 密码。\n9:00–11:00"),
        ("请带手套。\n☎ 010\nBring gloves.", "请带手套。\n☎ 010", "☎ 010\nBring gloves."),
    ],
)
def test_a_note_is_read_in_ones_own_language(note: str, chinese: str, english: str) -> None:
    assert for_readers(note) == (chinese, english)
