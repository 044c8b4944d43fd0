"""Clock words in Chinese and English: 下午2点半, 9:00-11:30, 2-5pm, 晚上, noon."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bot.domain.digits import read_numeral
from bot.domain.when.days import DAY_MINUTES
from bot.domain.when.words import CLOCK_NUMERAL, COUNTED_THINGS, TO, each_read


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


@dataclass(frozen=True, slots=True)
class ClockReader:
    """One way of naming a time of day: its letters, and what they mean (None: something else)."""

    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], Clock | None]

    def found_in(self, plain: str) -> Iterator[Clock]:
        """The times of day that a plain text names this way, in order."""
        return each_read(self.pattern, plain, self.read)


def _reads(pattern: str) -> Callable[[Callable[[re.Match[str]], Clock | None]], ClockReader]:
    return lambda read: ClockReader(re.compile(pattern, re.ASCII), read)


# --- Parts of a day ----

_MORNING, _NOON, _AFTERNOON, _DUSK, _EVENING, _SMALL_HOURS = (6, 12), (11, 14), (12, 18), (17, 20), (18, 24), (0, 6)
_PARTS = {
    word: hours
    for hours, words in {
        _MORNING: "早上|早晨|清晨|一大早|一早|上午|早|晨|morning",
        _NOON: "中午|正午|午间|noon|midday|lunchtime",
        _AFTERNOON: "下午|午后|afternoon",
        _DUSK: "傍晚|黄昏",
        _EVENING: "晚上|晚间|夜里|夜间|夜晚|深夜|晚|夜|evening|night|tonight",
        _SMALL_HOURS: "凌晨|半夜",
        (6, 18): "白天",
        (0, 24): "全天|整天|一整天|all day",
    }.items()
    for word in words.split("|")
}
"""Words for a part of the day, and its first hour and the hour that ends it."""

_CHINESE_PARTS = sorted((part for part in _PARTS if not part.isascii()), key=lambda part: (-len(part), part))
_ANY_CHINESE_PART = "|".join(_CHINESE_PARTS)

# --- Guards: what looks like a time and is none. tests/domain/test_when.py shows what each keeps away. ----

NOT_A_POINT_OF_SPEECH = r"(?!击|评|心|名|赞|子|滴|数|位|燃|缀|建议|意见|要求|体会|疑问|想法)"
"""三点 is no time before these: 三点建议, 9点评."""

NOT_A_MATTER_OF_TIME = r"(?!候|间|长|常|段|尚|机|装|刻|不|代|期|节|差|令|光|而|效|速|空|时)"
"""Nor 3时 before these: 分3时段, 3时长."""

NOT_COUNTED = rf"(?![\d%:/]|[.-]\d|\s*(?:{COUNTED_THINGS}|号|日|月|persons|volunteers|°))"
"""Nor are 5-10 hours in 周六5-10人."""

NOT_IN_A_WORD = r"(?<![a-su-z第])(?<![a-z]t)"
"""Nor 4点 in 第4点. The T of 2026-12-05T14:00 is no word."""

NOT_IN_A_NUMBER = r"(?<![\d.:/-])(?<![\d.:/-][ap])"
"""Nor the tail of 1.5点."""

NOT_A_GREETING = r"(?!好|安|茶|觉|餐|饭)"
"""Nor is a part of the day meant in 早上好, 中午饭, 下午茶."""

NOT_A_MEAL = r"(?!会|餐|饭|宴|报|安|年|辈|期|点)"
"""Nor in 今早餐, 周六晚会."""

NOT_WISHED = r"(?<!good )(?<!gd )"
"""Nor in good morning."""


# --- Clock times ----


def _time(n: int) -> str:
    """A pattern for one clock time, its groups numbered; 9 alone is one too, and is judged by what stands around it."""
    minutes = (
        rf"(?:(?P<half{n}>半|一刻|三刻|整)|(?P<cm{n}>"
        rf"[0-5]\d(?![\d.])|\d(?=分)|[{CLOCK_NUMERAL}](?=分)|[{CLOCK_NUMERAL}]{{2,3}}(?!人|名|个|位|元|天)"
        r")分?)?"
    )
    with_colon = rf"(?P<h{n}>\d{{1,2}}):(?P<m{n}>[0-5]\d)(?::[0-5]\d)?"
    with_sign = (
        rf"(?P<c{n}>\d{{1,2}}|[{CLOCK_NUMERAL}]{{1,3}})"
        rf"(?:\s*(?P<sign{n}>点钟?{NOT_A_POINT_OF_SPEECH}|时{NOT_A_MATTER_OF_TIME}){minutes})?"
    )
    return (
        rf"(?:(?P<part{n}>{_ANY_CHINESE_PART})\s*的?\s*)?(?:次日|第二天|翌日)?"
        rf"(?:{with_colon}|{with_sign})"
        rf"(?:\.(?P<e{n}>[0-5]\d)(?=\s*[ap]\.?m))?"  # 9.30am
        rf"(?:\s*(?P<ap{n}>a\.?m\b\.?|p\.?m\b\.?|o'?clock\b))?"
        rf"(?:\s+(?:in the|at)\s+(?P<in{n}>morning|afternoon|evening|night)\b)?"
    )


@dataclass(frozen=True, slots=True)
class _Time:
    """One clock time as written: hour, minute, and the half of the day as far as it is told."""

    hour: int
    minute: int = 0
    part: str = ""
    half: str = ""
    """a or p, of am and pm."""
    two_digits: bool = False
    told: bool = True
    """Written as a clock time: with 点, a colon, am or a part of the day."""

    def minutes(self) -> int | None:
        """Minutes after midnight, by the conventions of this package; None: no such time."""
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
    """The hour of 24 (or after midnight more) that an hour beside a part of the day means."""
    hours = _PARTS[part]
    if hours == _EVENING:
        if hour == 12:
            return 24
        return hour + 12 if 5 <= hour <= 11 else hour + 24 if hour <= 4 else hour
    if hours == _SMALL_HOURS:
        return 0 if hour == 12 else hour
    if hours in (_AFTERNOON, _DUSK):
        return hour + 12 if hour < 12 else hour
    if hours == _NOON:
        return hour + 12 if hour <= 3 else hour
    return hour


_FRACTIONS = {"半": 30, "一刻": 15, "三刻": 45, "整": 0}


def _written_time(hit: re.Match[str], n: int) -> _Time | None:
    word = hit[f"h{n}"] or hit[f"c{n}"]
    hour = read_numeral(word)
    if hour is None:
        return None
    minute = 0
    if hit[f"m{n}"] or hit[f"e{n}"]:
        minute = int(hit[f"m{n}"] or hit[f"e{n}"])
    elif hit[f"half{n}"]:
        minute = _FRACTIONS[hit[f"half{n}"]]
    elif hit[f"cm{n}"]:
        minute = read_numeral(hit[f"cm{n}"]) or 0
        if minute > 59:
            return None
    mark = hit[f"ap{n}"] or ""
    part = hit[f"part{n}"] or hit[f"in{n}"] or ""
    told = bool(hit[f"h{n}"] or hit[f"sign{n}"] or mark or part)
    return _Time(hour, minute, part, mark[:1] if mark[:1] in ("a", "p") else "", word.startswith("0"), told)


# --- Readers ----


@_reads(rf"(?:\bat\s+)?{NOT_IN_A_WORD}{NOT_IN_A_NUMBER}{_time(1)}{NOT_COUNTED}")
def clock_point(hit: re.Match[str]) -> Clock | None:
    """9点半, 14:00, 9.30am."""
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


@_reads(
    rf"(?:\b(?:from|between)\s+)?{NOT_IN_A_WORD}{NOT_IN_A_NUMBER}{_time(1)}"
    rf"\s*(?:{TO}|and(?=\s))\s*{_time(2)}{NOT_COUNTED}"
)
def clock_range(hit: re.Match[str]) -> Clock | None:
    """9:00-11:30, 下午2点到5点, 2-5pm, from 9 to 11."""
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
        high = next((late for late in (plain, plain + 720) if late > low), plain + DAY_MINUTES)
    if high - low > DAY_MINUTES:
        return None
    return Clock(hit.start(), hit.end(), low, high, exact=True, weak=not (first.told or last.told))


@_reads(
    r"(?<![a-z])at\s+(\d{1,2})(?![\d:.%/-]|\s*(?:am|pm|people|street|road))"
    r"|(?<=tonight )(\d{1,2})(?![\d:.%/-])"
)
def at_hour(hit: re.Match[str]) -> Clock | None:
    """at 9."""
    low = _Time(int(hit[1] or hit[2])).minutes()
    return None if low is None else Clock(hit.start(), hit.end(), low, None, exact=True, weak=True)


@_reads(r"(?<![a-z])(?:half past|(quarter past)|(quarter to))\s+(\d{1,2})(?!\d)")
def half_past(hit: re.Match[str]) -> Clock | None:
    """half past 9, quarter to 3."""
    low = _Time(int(hit[3])).minutes()
    if not low:
        return None
    return Clock(hit.start(), hit.end(), low + (15 if hit[1] else -15 if hit[2] else 30), None, exact=True)


@_reads(
    rf"(?P<strong>{'|'.join(part for part in _CHINESE_PARTS if len(part) > 1)}){NOT_A_GREETING}"
    rf"|(?<=[今明昨天一二三四五六日末号])[早晚夜晨]{NOT_A_MEAL}|(?<=[今明昨])晚"
)
def chinese_part(hit: re.Match[str]) -> Clock | None:
    """上午, 晚上, the 晚 of 明晚."""
    low, high = _PARTS[hit[0]]
    return Clock(hit.start(), hit.end(), low * 60, high * 60, exact=False, weak=hit["strong"] is None)


@_reads(
    rf"{NOT_WISHED}(?:\b(?:in the|at|during the)\s+)?(?<![a-z]){NOT_WISHED}"
    r"(morning|noon|midday|lunchtime|afternoon|evening|night|tonight|all day|midnight)s?(?![a-z])"
)
def english_part(hit: re.Match[str]) -> Clock | None:
    """in the morning, evenings, midnight."""
    if hit[1] == "midnight":
        return Clock(hit.start(), hit.end(), DAY_MINUTES, None, exact=True)
    low, high = _PARTS[hit[1]]
    return Clock(hit.start(), hit.end(), low * 60, high * 60, exact=False)


READERS = (clock_range, clock_point, at_hour, half_past, chinese_part, english_part)
"""Of two that read the same letters the earlier one is heard."""


def read_clocks(plain: str) -> list[Clock]:
    """Every reading of every clock word in a plain text, overlapping ones too."""
    return [clock for reader in READERS for clock in reader.found_in(plain)]
