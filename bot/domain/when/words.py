"""What the day words of both languages share: the piece that a word gives, how it is found, numbers and links.

All patterns here read a text in its plain form (`bot.domain.writing`): lower case, simplified characters, half-width
digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeVar

from bot.domain.digits import read_numeral
from bot.domain.when.days import Asked, Days, date_of, months_later, one_day

Shape = Literal["weekday", "week", "date", "monthday", "month", "year", "feast", "relative"]
Read = TypeVar("Read")

TO = r"(?:到|至|-|–|—|−|~|to\b|through\b|thru\b|until\b|till\b)"
"""What stands between the halves of a range."""

AND = r"(?:、|,|和|与|及|或者?|/|&|and\b|or\b)"
"""What stands between the items of a list."""

NUMBER = r"(?:\d{1,3}|[零〇一二两三四五六七八九十廿]{1,4})"

CLOCK_NUMERAL = "零〇一二两三四五六七八九十"
"""Characters of the numerals up to 24 and 60."""

COUNTED_THINGS = "人|个|岁|名|位|元|小时|公里|天|周|米|people|years|km|hours|days"
"""Before one of these a number is a count, neither a day nor an hour."""

_ONE_TO_TEN = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SOME = {"a": 1, "an": 1, "couple of": 2, "a couple of": 2, "few": 3, "a few": 3, "two or three": 3}
ENGLISH_NUMBERS = {word: number for number, word in enumerate(_ONE_TO_TEN, start=1)} | _SOME


@dataclass(frozen=True, slots=True)
class Day:
    """A day word at `[start, end)` of a plain text, and the days that it means."""

    start: int
    end: int
    ranges: tuple[Days, ...]
    shape: Shape
    bare: bool = False
    """A weekday without 这 or 下, a date without a year: free to follow what stands before it."""
    weekday: int | None = None
    number: int | None = None
    """The day of the month, where only this is told."""
    alternatives: tuple[Days, ...] = ()
    gathered: bool = False
    """Made of several pieces: takes no further one."""


@dataclass(frozen=True, slots=True)
class DayReader:
    """One way of naming days: its letters, and what they mean when they are asked (None: something else)."""

    pattern: re.Pattern[str]
    read: Callable[[re.Match[str], Asked], Day | None]

    def found_in(self, plain: str, asked: Asked) -> Iterator[Day]:
        """The days that a plain text names this way, in order."""
        return each_read(self.pattern, plain, lambda hit: self.read(hit, asked))


def reads(pattern: str) -> Callable[[Callable[[re.Match[str], Asked], Day | None]], DayReader]:
    """Make a function the reader of a pattern; digits and word ends are those of ASCII."""
    return lambda read: DayReader(re.compile(pattern, re.ASCII), read)


def each_read(pattern: re.Pattern[str], plain: str, read: Callable[[re.Match[str]], Read | None]) -> Iterator[Read]:
    """What `read` makes of a pattern's hits; where it makes nothing, the search goes on one letter later."""
    position = 0
    while hit := pattern.search(plain, position):
        found = read(hit)
        if found is not None:
            yield found
        position = max(hit.end(), hit.start() + 1) if found is not None else hit.start() + 1


def day_at(
    hit: re.Match[str],
    ranges: Iterable[Days],
    shape: Shape,
    *,
    bare: bool = False,
    weekday: int | None = None,
    number: int | None = None,
    alternatives: tuple[Days, ...] = (),
) -> Day | None:
    """The piece that stands where a pattern hit; None: it means no day, or one that ends before it begins."""
    kept = tuple(ranges)
    if not kept or any(first >= after for first, after in kept):
        return None
    return Day(hit.start(), hit.end(), kept, shape, bare, weekday, number, alternatives)


def number_of(text: str) -> int | None:
    """The value of digits, a Chinese numeral or an English number word; None: it is none."""
    return ENGLISH_NUMBERS[text] if text in ENGLISH_NUMBERS else read_numeral(text)


# --- Second halves ----

DATE_TAIL = rf"(?:\s*(?P<link>{TO}|{AND})\s*(?P<last>{NUMBER})\s*[日号])?"
"""What may follow a date of the same month: the 至7日 of 12月5日至7日, the 、6日 of 12月5日、6日."""


def with_tail(hit: re.Match[str], first: date) -> list[Days] | None:
    """The days of a date with its DATE_TAIL, once the first is known; None: the second half is no day."""
    if hit["last"] is None:
        return [one_day(first)]
    number = number_of(hit["last"])
    last = date_of(first.year, first.month, number) if number else None
    if last is None:
        return None
    if last < first:  # 12月30日到2日: of the month that follows
        last = months_later(first.replace(day=1), 1).replace(day=min(last.day, 28))
    return linked_days(first, last, hit["link"])


def linked_days(first: date, last: date, link: str) -> list[Days]:
    """From the first to the last where the link says so, else these two days."""
    if re.match(TO, link):
        return [(first, last + timedelta(days=1))]
    return [one_day(first), one_day(last)]


# --- Parts of a month ----


def part_of_month(
    hit: re.Match[str], part: str | None, months: Sequence[Days], asked: Asked | None, *, bare: bool = False
) -> Day | None:
    """A month or a stretch of it; `asked`: the nearest of the months, None: the only one."""
    if not months:
        return None
    stretches = [_stretch_of(month, part)[0] if part else month for month in months]
    chosen = asked.nearest(stretches) if asked else stretches[0]
    if chosen is None:
        return None
    alternatives = _stretch_of(months[stretches.index(chosen)], part)[1] if part else ()
    return day_at(hit, [chosen], "month", alternatives=alternatives, bare=bare)


def _stretch_of(month: Days, part: str) -> tuple[Days, tuple[Days, ...]]:
    """The stretch of a month that 月初, 中旬, "late" and their like mean, and what else they may mean."""
    first, after = month
    fifth, tenth, twentieth = (first + timedelta(days=days) for days in (5, 10, 20))
    last_five = after - timedelta(days=5)
    match part:
        case "初" | "beginning" | "start":
            return (first, fifth), ((first, tenth),)
        case "上旬" | "early":
            return (first, tenth), ((first, fifth),)
        case "中" | "中旬" | "mid" | "middle":
            return (tenth, twentieth), ()
        case "下旬" | "late":
            return (twentieth, after), ((last_five, after),)
        case _:
            return (last_five, after), ((twentieth, after),)
