"""When people are reminded of what they signed up for: everybody's moments, or those that an organiser chose."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from bot.domain.when.words import CLOCK_NUMERAL, ENGLISH_NUMBERS, number_of

HOUR = 60
DAY = 24 * HOUR
WEEK = 7 * DAY

NEAR = 2 * HOUR
"""Minutes before the start within which a reminder may break quiet hours: for a start at six it comes at four."""

USUAL = (DAY, NEAR)
"""Minutes before the start."""

MOST = 4
EARLIEST = 4 * WEEK
LATEST = 15

_UNITS = {
    WEEK: "weeks?|wks?|周|个?星期|个?礼拜",
    DAY: "days?|d|天|日",
    HOUR: "hours?|hrs?|h|个?小时|个?钟头",
    1: "minutes?|mins?|分钟|分",
}
_UNIT = "|".join(f"(?P<u{minutes}>{words})" for minutes, words in _UNITS.items())
_WORD = "|".join(["an?", *ENGLISH_NUMBERS])
_ONE = re.compile(rf"(?<![a-z\d])(?P<n>\d{{1,4}}|[{CLOCK_NUMERAL}]{{1,3}}|{_WORD})\s*(?:{_UNIT})(?![a-z])")
_BETWEEN = re.compile(r"[\s,，、;；和与及]|\band\b|提前|开始|之?前|\bbefore\b|\bremind(?:ers?)?\b|提醒")


def read(text: str) -> tuple[int, ...] | None:
    """Moments before a start as people write them, the earliest first: `3 days, 2 hours before`, `提前3天和2小时`.

    None where something else is said, or a moment lies out of bounds, or there are too many.
    """
    plain = text.casefold()
    found = {_minutes(hit) for hit in _ONE.finditer(plain)}
    if _BETWEEN.sub("", _ONE.sub(" ", plain)) or not 0 < len(found) <= MOST:
        return None
    return tuple(sorted(found, reverse=True)) if all(LATEST <= one <= EARLIEST for one in found) else None


def _minutes(hit: re.Match[str]) -> int:
    unit = next(minutes for minutes in _UNITS if hit[f"u{minutes}"])
    return (1 if hit["n"] in ("a", "an") else number_of(hit["n"]) or 0) * unit


def useful_until(before: int) -> int:
    """Until how many minutes before the start a reminder is worth bringing that should have come `before`.

    What is near, until the start; what is far must leave time to give the place to somebody else: an eighth of it,
    three hours of a day.
    """
    return 0 if before <= NEAR else before // 8


def first(
    starts: datetime, now: datetime, befores: Iterable[int] = USUAL, awake: Callable[[datetime], datetime] | None = None
) -> datetime | None:
    """When somebody who signs up now is first reminded; None: it begins too soon.

    `awake`: when what is far leaves whose moment may lie in quiet hours; if that is too late, another one is first.
    """
    moments = []
    for before in befores:
        moment = starts - timedelta(minutes=before)
        if moment > now and awake is not None and before > NEAR:
            moment = awake(moment)
        if now < moment < starts - timedelta(minutes=useful_until(before)):
            moments.append(moment)
    return min(moments, default=None)
