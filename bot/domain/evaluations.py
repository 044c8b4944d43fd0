"""What people say of an activity after it: who may, and from how many answers on anybody sees a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.enrolment import Stand

BEEN = frozenset({Stand.LEFT, Stand.COMPLETED})
"""Only who was there is asked."""

STARS = range(1, 6)
WORDS_LENGTH = 500

SHOWN_FROM = 5
"""Answers; fewer would show who said what."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An activity in the eyes of those who were there. Nobody is named."""

    count: int
    mean: float
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class TooFew:
    """Not enough have answered for anybody to see a figure."""


def summed(answers: Sequence[tuple[int, str]]) -> Evaluated | TooFew:
    """What the organiser may see of stars and words. The words stand in the order of their text, not of time."""
    if len(answers) < SHOWN_FROM:
        return TooFew()
    mean = sum(stars for stars, _words in answers) / len(answers)
    return Evaluated(len(answers), round(mean, 1), sorted(words for _stars, words in answers if words))
