"""The clock words of the date grammar, in Chinese and English: 下午2点半, 9:00-11:30, 2-5pm, 晚上, noon.

Read by `bot.domain.when`, whose first lines say what each word means. All texts here are in their plain form
(`bot.domain.writing`): lower case, simplified characters, half-width digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.domain.digits import read_numeral

DAY_MINUTES = 24 * 60

TO = r"(?:到|至|-|–|—|−|~|to\b|through\b|thru\b|until\b|till\b)"
"""What stands between the halves of a range."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock word at `[start, end)` of a plain text, and the time of day that it means."""

    start: int
    end: int
    low: int
    high: int | None
    """Minutes after midnight; None: a point. May lie beyond the day's 1440 minutes."""
    exact: bool
    weak: bool = False
    """Counts only beside a day: the 9-11 of 周六 9-11."""
    alternatives: tuple[tuple[int, int | None], ...] = ()


_PARTS = {
    word: hours
    for hours, words in {
        (6, 12): "早上|早晨|清晨|一大早|一早|上午|早|晨|morning",
        (11, 14): "中午|正午|午间|noon|midday|lunchtime",
        (12, 18): "下午|午后|afternoon",
        (17, 20): "傍晚|黄昏",
        (18, 24): "晚上|晚间|夜里|夜间|夜晚|深夜|晚|夜|evening|night|tonight",
        (0, 6): "凌晨|半夜",
        (6, 18): "白天",
        (0, 24): "全天|整天|一整天|all day",
    }.items()
    for word in words.split("|")
}
"""Words for a part of the day, and its first hour and the hour that ends it."""

_CHINESE_PARTS = "|".join(sorted((part for part in _PARTS if not part.isascii()), key=lambda part: (-len(part), part)))
_BAD_POINT = r"(?!击|评|心|名|赞|子|滴|数|位|燃|缀|建议|意见|要求|体会|疑问|想法)"
_BAD_HOUR = r"(?!候|间|长|常|段|尚|机|装|刻|不|代|期|节|差|令|光|而|效|速|空|候|时)"
NUMERAL = "零〇一二两三四五六七八九十"


def _point(n: int) -> str:
    """A pattern for one clock time, its groups numbered; 9 alone is one too, and is judged by what stands around it."""
    minutes = (
        rf"(?P<half{n}>半|一刻|三刻|整)|(?P<cm{n}>[0-5]\d(?![\d.])|\d(?=分)|[{NUMERAL}]{{2,3}}(?!人|名|个|位|元|天)|"
        rf"[{NUMERAL}](?=分))分?"
    )
    return (
        rf"(?:(?P<part{n}>{_CHINESE_PARTS})\s*的?\s*)?(?:次日|第二天|翌日)?"
        rf"(?:(?P<h{n}>\d{{1,2}}):(?P<m{n}>[0-5]\d)(?::[0-5]\d)?|"
        rf"(?P<c{n}>\d{{1,2}}|[{NUMERAL}]{{1,3}})(?:\s*(?P<sign{n}>点钟?{_BAD_POINT}|时{_BAD_HOUR})(?:{minutes})?)?)"
        rf"(?:\.(?P<e{n}>[0-5]\d)(?=\s*[ap]\.?m))?"
        rf"(?:\s*(?P<ap{n}>a\.?m\b\.?|p\.?m\b\.?|o'?clock\b))?"
        rf"(?:\s+(?:in the|at)\s+(?P<in{n}>morning|afternoon|evening|night)\b)?"
    )


_NOT_IN_A_WORD = r"(?<![a-su-z第])(?<![a-z]t)"  # the T of 2026-12-05T14:00 is no word
_FREE = r"(?<![\d.:/-])(?<![\d.:/-][ap])"
_NOT_COUNTED = (
    r"(?![\d%:/]|[.-]\d|"
    r"\s*(?:人|个|岁|名|位|元|小时|公里|天|周|米|号|日|月|people|persons|volunteers|years|km|hours|days|°))"
)
_CLOCK_RANGE = re.compile(
    rf"(?:\b(?:from|between)\s+)?{_NOT_IN_A_WORD}{_FREE}{_point(1)}\s*(?:{TO}|and(?=\s))\s*{_point(2)}{_NOT_COUNTED}",
    re.ASCII,
)
_CLOCK_POINT = re.compile(rf"(?:\bat\s+)?{_NOT_IN_A_WORD}{_FREE}{_point(1)}{_NOT_COUNTED}", re.ASCII)
_AT_HOUR = re.compile(
    r"(?<![a-z])at\s+(\d{1,2})(?![\d:.%/-]|\s*(?:am|pm|people|street|road))|(?<=tonight )(\d{1,2})(?![\d:.%/-])",
    re.ASCII,
)
_HALF_PAST = re.compile(r"(?<![a-z])(?:half past|(quarter past)|(quarter to))\s+(\d{1,2})(?!\d)", re.ASCII)
_CHINESE_PART = re.compile(
    rf"(?P<strong>{'|'.join(part for part in _CHINESE_PARTS.split('|') if len(part) > 1)})(?!好|安|茶|觉|餐|饭)|"
    rf"(?<=[今明昨天一二三四五六日末号])[早晚夜晨](?!会|餐|饭|宴|报|安|年|辈|期|点)|(?<=[今明昨])晚",
    re.ASCII,
)
_ENGLISH_PART = re.compile(
    r"(?<!good )(?<!gd )(?:\b(?:in the|at|during the)\s+)?(?<![a-z])(?<!good )(morning|noon|midday|lunchtime|"
    r"afternoon|evening|night|tonight|all day|midnight)s?(?![a-z])",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class _Time:
    """One clock time as written: hour, minute, and the half of the day as far as it is told."""

    hour: int
    minute: int
    part: str
    half: str
    two_digits: bool
    told: bool
    """Written as a clock time: with 点, a colon, am or a part of the day."""

    def minutes(self) -> int | None:
        """Minutes after midnight, by the conventions above; None: no such time."""
        hour = self.hour
        if hour > 24 or (hour == 24 and self.minute):
            return None
        if self.half and hour <= 12:
            hour = hour % 12 + (12 if self.half == "p" else 0)
        elif self.part:
            hour = _hour_in(self.part, hour)
        elif 1 <= hour <= 5 and not self.two_digits:
            hour += 12
        return hour * 60 + self.minute

    @property
    def open(self) -> bool:
        """Whether nothing tells the half of the day."""
        return not self.half and not self.part and 1 <= self.hour <= 12


def _hour_in(part: str, hour: int) -> int:
    low, high = _PARTS[part]
    if (low, high) == (18, 24):
        return hour + 12 if 5 <= hour <= 11 else hour + 24 if hour <= 4 else 24 if hour == 12 else hour
    if (low, high) == (0, 6):
        return 0 if hour == 12 else hour
    if low in (12, 17):
        return hour + 12 if hour < 12 else hour
    if (low, high) == (11, 14):
        return hour + 12 if hour <= 3 else hour
    return hour


def _written_time(hit: re.Match[str], n: int) -> _Time | None:
    word = hit[f"h{n}"] or hit[f"c{n}"]
    hour = read_numeral(word)
    if hour is None:
        return None
    minute = 0
    if hit[f"m{n}"] or hit[f"e{n}"]:
        minute = int(hit[f"m{n}"] or hit[f"e{n}"])
    elif hit[f"half{n}"]:
        minute = {"半": 30, "一刻": 15, "三刻": 45, "整": 0}[hit[f"half{n}"]]
    elif hit[f"cm{n}"]:
        minute = read_numeral(hit[f"cm{n}"]) or 0
        if minute > 59:
            return None
    mark = hit[f"ap{n}"] or ""
    part = hit[f"part{n}"] or hit[f"in{n}"] or ""
    told = bool(hit[f"h{n}"] or hit[f"sign{n}"] or mark or part)
    return _Time(hour, minute, part, mark[:1] if mark[:1] in ("a", "p") else "", word.startswith("0"), told)


def _read_clock_point(hit: re.Match[str]) -> Clock | None:
    written = _written_time(hit, 1)
    if written is None or not written.told:
        return None
    low = written.minutes()
    if low is None:
        return None
    # 一点 is as often "a little": it needs a day or a part of the day beside it.
    weak = hit["c1"] == "一" and not written.part and not hit["half1"] and not hit["cm1"] and hit["sign1"] == "点"
    early = ((low - 720, None),) if written.open and low >= 780 and written.hour <= 5 else ()
    return Clock(hit.start(), hit.end(), low, None, exact=True, weak=weak, alternatives=early)


def _read_clock_range(hit: re.Match[str]) -> Clock | None:
    first, last = _written_time(hit, 1), _written_time(hit, 2)
    if first is None or last is None:
        return None
    if not hit["part2"] and hit["part1"] and last.open:
        last = replace(last, part=first.part)
    low, high = first.minutes(), last.minutes()
    if low is None or high is None:
        return None
    if first.open and last.half and first.hour < 12:
        low = first.hour * 60 + first.minute  # 2-5pm, but 11-1pm
        if last.half == "p" and low + 720 < high:
            low += 720
    elif first.hour == 12 and first.open and last.half == "a":
        low = 0
    if high <= low or (last.open and high - low > 720):
        plain = last.hour * 60 + last.minute
        high = next((late for late in (plain, plain + 720, plain + DAY_MINUTES) if late > low), plain + DAY_MINUTES)
    if high - low > DAY_MINUTES:
        return None
    return Clock(hit.start(), hit.end(), low, high, exact=True, weak=not (first.told or last.told))


def _read_at_hour(hit: re.Match[str]) -> Clock | None:
    hour = int(hit[1] or hit[2])
    low = _Time(hour, 0, "", "", False, False).minutes()
    return None if low is None else Clock(hit.start(), hit.end(), low, None, exact=True, weak=True)


def _read_half_past(hit: re.Match[str]) -> Clock | None:
    low = _Time(int(hit[3]), 0, "", "", False, True).minutes()
    if low is None or low == 0:
        return None
    return Clock(hit.start(), hit.end(), low + (15 if hit[1] else -15 if hit[2] else 30), None, exact=True)


def _read_chinese_part(hit: re.Match[str]) -> Clock | None:
    low, high = _PARTS[hit[0]]
    return Clock(hit.start(), hit.end(), low * 60, high * 60, exact=False, weak=hit["strong"] is None)


def _read_english_part(hit: re.Match[str]) -> Clock | None:
    if hit[1] == "midnight":
        return Clock(hit.start(), hit.end(), DAY_MINUTES, None, exact=True)
    low, high = _PARTS[hit[1]]
    return Clock(hit.start(), hit.end(), low * 60, high * 60, exact=False)


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Clock | None]], ...] = (
    (_CLOCK_RANGE, _read_clock_range),
    (_CLOCK_POINT, _read_clock_point),
    (_AT_HOUR, _read_at_hour),
    (_HALF_PAST, _read_half_past),
    (_CHINESE_PART, _read_chinese_part),
    (_ENGLISH_PART, _read_english_part),
)


def read_clocks(plain: str) -> list[Clock]:
    """Every reading of every clock word in a plain text, overlapping ones too."""
    found: list[Clock] = []
    for pattern, read in _READERS:
        position = 0
        while hit := pattern.search(plain, position):
            clock = read(hit)
            if clock is not None:
                found.append(clock)
            position = max(hit.end() if clock else hit.start() + 1, hit.start() + 1)
    return found
