"""All ways of naming days, in both languages."""

from __future__ import annotations

from bot.domain.when import chinese_dates, chinese_days, english, feasts
from bot.domain.when.days import Asked
from bot.domain.when.words import Day

READERS = (*chinese_dates.READERS, *chinese_days.READERS, *feasts.READERS, *english.READERS)
"""Of two that read the same letters the earlier one is heard."""


def read_days(plain: str, asked: Asked) -> list[Day]:
    """Every reading of every day word in a plain text, overlapping ones too."""
    return [day for reader in READERS for day in reader.found_in(plain, asked)]
