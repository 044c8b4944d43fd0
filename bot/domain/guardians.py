"""Whoever is under age, and their guardian: what each age needs, and what a guardian may answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

CHILD_BELOW = 14
"""Years below which nothing personal is taken without the guardian (PIPL, articles 28 and 31)."""

OF_AGE = 18

CODE_LASTS = timedelta(hours=24)
"""How long the code that a child shows works: the guardian may come home late."""

VERSION = "2026-11"
"""Of the two notices that a guardian agrees to."""


class Band(StrEnum):
    """What somebody's age means for their sign-ups."""

    CHILD = "child"
    YOUTH = "youth"
    ADULT = "adult"


class Answer(StrEnum):
    """Where a guardian's permission for one activity stands."""

    ASKED = "asked"
    AGREED = "agreed"
    ACCOMPANIED = "accompanied"
    """The guardian agrees and comes along."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


PERMITS = frozenset({Answer.AGREED, Answer.ACCOMPANIED})

ANSWERS: dict[Answer, frozenset[Answer]] = {
    Answer.ASKED: frozenset({Answer.AGREED, Answer.ACCOMPANIED, Answer.REFUSED}),
    Answer.AGREED: frozenset({Answer.ACCOMPANIED, Answer.WITHDRAWN}),
    Answer.ACCOMPANIED: frozenset({Answer.AGREED, Answer.WITHDRAWN}),
    Answer.REFUSED: frozenset({Answer.AGREED, Answer.ACCOMPANIED}),
    Answer.WITHDRAWN: frozenset({Answer.AGREED, Answer.ACCOMPANIED}),
}
"""What a guardian may say next: every answer can be taken back, and only by the guardian."""


def band(born: int | None, now: datetime) -> Band:
    """By the year of birth alone: whoever may still have their birthday before them this year counts as younger.

    Nobody who said that they are of age is asked for the year.
    """
    if born is None or now.year - born - 1 >= OF_AGE:
        return Band.ADULT
    return Band.YOUTH if now.year - born - 1 >= CHILD_BELOW else Band.CHILD


@dataclass(frozen=True, slots=True)
class GuardianAsked:
    """The guardian decides: so many guardians were asked, 0 while there is none yet."""

    guardians: int


@dataclass(frozen=True, slots=True)
class Permitted:
    """The guardian agreed; the organiser's own questions are for the child to answer."""


@dataclass(frozen=True, slots=True)
class MayCome:
    """The guardian agreed to what has begun: whoever leads can add the child on the spot."""


@dataclass(frozen=True, slots=True)
class GuardianRefused:
    """The guardian said no to this activity, or took the yes back."""


@dataclass(frozen=True, slots=True)
class Ward:
    """Somebody under age whom I am to decide for: known by a code, or mine already."""

    person: int
    number: str
    name: str
    """Empty until the guardian has given it, and where it is not taken."""
    born: int | None


@dataclass(frozen=True, slots=True)
class Permission:
    """What a guardian is asked: somebody under age, one shift, and how it was answered so far."""

    id: int
    child: int
    name: str
    shift: int
    activity: int
    title: str
    english: str
    starts: datetime
    ends: datetime
    answer: Answer


@dataclass(frozen=True, slots=True)
class Wished:
    """What somebody under age wishes to join, as they see it while their guardian has not answered."""

    activity: int
    title: str
    english: str
    starts: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """I am the guardian from now on; this is what waits for my answer."""

    waiting: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class Released:
    """I am the guardian no more; so many sign-ups were given up."""

    given_up: int


@dataclass(frozen=True, slots=True)
class NotMine:
    """Nobody asks me this, or the shift is over."""


@dataclass(frozen=True, slots=True)
class MustBeOfAge:
    """A guardian is of age."""
