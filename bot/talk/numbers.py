"""What people type, in the form that words are compared in; numbers to choose: `2`, `２`, `二`, `第二个`, `2.`, `②`."""

from __future__ import annotations

import re
import unicodedata

from opencc import OpenCC

_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_NUMBER = re.compile(
    r"(?:第|选|选择|no\.?|#|option)?\s*(\d{1,3}|[零〇一二两三四五六七八九十]{1,3})\s*(?:个|项|号|\.|、|。|\))?\Z"
)


class _Simplified(dict[int, str]):
    """A character's simplified form, by its code; each is looked up once: 簽到 is 签到."""

    def __init__(self) -> None:
        self._simplifier = OpenCC("t2s")

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = simple = self._simplifier.convert(character) if character > "⺀" else character
        return simple


_SIMPLIFIED = _Simplified()


def plain(text: str) -> str:
    """What was typed, in the form that words are compared in: half-width, lower case, simplified characters, single
    spaces, no trailing stop."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_SIMPLIFIED)
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
