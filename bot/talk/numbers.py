"""Numbers as people type them to choose: `2`, `２`, `二`, `第二个`, `2.`, `②`."""

from __future__ import annotations

import re
import unicodedata

_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_NUMBER = re.compile(
    r"(?:第|选|选择|no\.?|#|option)?\s*(\d{1,3}|[零〇一二两三四五六七八九十]{1,3})\s*(?:个|项|号|\.|、|。|\))?\Z"
)


def plain(text: str) -> str:
    """What was typed, in the form that words are compared in: half-width, lower case, single spaces, no
    trailing stop."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).strip(" .。!！?？,，~～")


def chosen_number(text: str) -> int | None:
    """The number that somebody typed to choose from a list, or None if the text is anything else."""
    found = _NUMBER.match(plain(text))
    if not found:
        return None
    digits = found[1]
    if digits.isdecimal():
        return int(digits)
    tens, ten, ones = digits.rpartition("十")
    if not ten:
        return int("".join(str(_DIGITS[digit]) for digit in digits))
    if (tens and tens not in _DIGITS) or (ones and ones not in _DIGITS):
        return None
    return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)
