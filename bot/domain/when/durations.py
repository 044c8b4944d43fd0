"""How long, as people write it: 2个半小时, 90分钟, for 2 hours."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.domain.when.days import DAY_MINUTES
from bot.domain.when.words import CLOCK_NUMERAL, number_of

_DURATION = re.compile(
    rf"(?<![\d.第:/-])(?:"
    rf"(\d{{1,2}}(?:\.\d)?|[{CLOCK_NUMERAL}]{{1,3}}|半|an?|one|two|three|four|five|six)"
    r"\s*(?:个\s*)?(半)?\s*(?:小时|钟头|hours?\b|hrs?\b|h\b)(半)?"
    r"|(\d{1,3})\s*(?:分钟|minutes?\b|mins?\b))",
    re.ASCII,
)


def read_durations(plain: str) -> Iterator[tuple[int, int, int]]:
    """Where a text says how long, and so many minutes, of a day at most."""
    for hit in _DURATION.finditer(plain):
        if hit[4]:
            minutes = int(hit[4])
        else:
            word = hit[1]
            hours = 0.5 if word == "半" else float(word) if "." in word else number_of(word) or 0
            minutes = round(60 * (hours + (0.5 if hit[2] or hit[3] else 0)))
        if 0 < minutes <= DAY_MINUTES:
            yield hit.start(), hit.end(), minutes
