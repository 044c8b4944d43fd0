"""Numbers as people write them: 2, ２, 二, 两, 第二个, No. 2, ②, 二十人."""

from __future__ import annotations

import re

from bot.domain.writing import fold

_DIGITS = {character: value for value, characters in enumerate(
    ("零〇", "一壹幺", "二贰两俩", "三叁仨", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
) for character in characters}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000, "万": 10_000}
_SHORTHAND = {"廿": "二十", "卅": "三十"}

CHINESE = "零〇一壹二贰两俩三叁仨四肆五伍六陆七柒八捌九玖十拾百佰千仟万廿卅"
"""Characters that a Chinese numeral is made of."""

_WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "hundred": 100,
}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7}
_NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,9}}|[{CHINESE}]{{1,9}})"

_ALONE = re.compile(
    rf"(?:第|no\.?|nr\.?|number|#|\(|\[|选项?|选择|option)?\s*({_NUMBER})\s*"
    r"(?:st|nd|rd|th)?\s*(?:个|项|号|条|场|班)?[.。,、)\]!]?"
)
_COUNT = re.compile(
    rf"(?<![\d.:/-])({_NUMBER}|\b(?:{'|'.join(_WORDS)})\b)\s*"
    r"(个人|人|名|位|个名额|个|席|people\b|persons?\b|volunteers?\b|seats?\b|places?\b|participants?\b|ppl\b)?"
    r"(?!\.?[\d:/-])"
)


def normalise(text: str) -> str:
    """A text as it is compared: NFKC, lower case, simplified characters, single spaces, none at the ends."""
    return " ".join(fold(text).split())


def read_numeral(text: str) -> int | None:
    """The value of digits or of a Chinese numeral (`十二`, `二百零五`, `二〇二六`); None: it is neither."""
    text = text.replace(",", "")
    if text.isascii():
        return int(text) if text.isdigit() and len(text) <= 9 else None
    for short, long in _SHORTHAND.items():
        text = text.replace(short, long)
    if not text or any(character not in _DIGITS and character not in _UNITS for character in text):
        return None
    if not any(character in _UNITS for character in text):
        return int("".join(str(_DIGITS[character]) for character in text)) if len(text) <= 9 else None
    total = section = 0
    digit: int | None = None
    last_unit = 1
    for character in text:
        if character in _DIGITS:
            if digit not in (None, 0):
                return None  # 二三十 is "twenty or thirty"
            digit = _DIGITS[character]
            if character in "零〇":
                last_unit = 1
            continue
        unit = _UNITS[character]
        if unit == 10_000:
            total = (total + section + (digit or 0)) * unit
            section = 0
        else:
            section += (1 if digit is None else digit) * unit
        digit, last_unit = None, unit
    # 一百五 is a hundred and fifty; after 零 or after tens the last digit counts ones.
    return total + section + (digit or 0) * (last_unit // 10 if last_unit >= 100 else 1)


def read_number(text: str) -> int | None:
    """The number that a whole message is: `2`, `２`, `二`, `第二个`, `No. 2`, `2.`, `②`; None: it is something else."""
    plain = normalise(text)
    if plain in _WORDS:
        return _WORDS[plain]
    if plain in _ORDINALS:
        return _ORDINALS[plain]
    found = _ALONE.fullmatch(plain)
    return read_numeral(found[1]) if found else None


def read_count(text: str) -> int | None:
    """How many people a message speaks of: `二十人`, `20 people`, `大概30个`; None where it is none or several."""
    plain = normalise(text)
    counted: set[int] = set()
    bare: set[int] = set()
    for found in _COUNT.finditer(plain):
        value = _WORDS[found[1]] if found[1] in _WORDS else read_numeral(found[1])
        if value is not None:
            (counted if found[2] else bare).add(value)
    values = counted or bare  # 20人一起: the number with a unit is the count
    return values.pop() if len(values) == 1 else None
