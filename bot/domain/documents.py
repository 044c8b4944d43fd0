"""The number of an identity document: asked only where an activity's insurance needs it, and not kept for long."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from bot.domain.people import ABROAD

PURPOSE = "document"
"""Of the consent: a separate one, because the number is sensitive (PIPL, articles 28 and 29)."""

KINDS = ("resident", "permit", "passport")
"""Resident identity card, home-return or residence permit, passport."""

KEEP = timedelta(days=30)
"""How long a number is kept after its activity, for an insurer's late questions."""

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_OTHER = re.compile(r"[A-Z0-9]{6,18}\Z")


def read_number(text: str, kind: str) -> str | None:
    """The number as it is stored, from however it was typed; None: it is none of this kind.

    A resident's number has a day of birth in it and a check (GB 11643, ISO 7064 MOD 11-2).
    """
    bare = re.sub(r"[\s\-·]", "", unicodedata.normalize("NFKC", text)).upper()
    if kind != "resident":
        return bare if _OTHER.match(bare) and any(sign.isdigit() for sign in bare) else None
    if not re.fullmatch(r"[1-9]\d{16}[\dX]", bare):
        return None
    try:
        date(int(bare[6:10]), int(bare[10:12]), int(bare[12:14]))
    except ValueError:
        return None
    sum_ = sum(int(digit) * weight for digit, weight in zip(bare, _WEIGHTS, strict=False))
    return bare if _CHECKS[sum_ % 11] == bare[-1] else None


def masked_number(number: str) -> str:
    """As its owner recognises it: `110***********002X`."""
    head, tail = (3, 4) if len(number) >= 15 else (1, 2)
    return f"{number[:head]}{'*' * (len(number) - head - tail)}{number[-tail:]}"


def number_as_shown(number: str, door: str) -> str:
    """Masked; through a door whose servers stand abroad not one of its digits goes."""
    return "*" * len(number) if door in ABROAD else masked_number(number)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A sign-up of mine whose insurance asks for a document number; what I gave, masked."""

    enrolment: int
    title: str
    english: str
    given: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """The number is stored; masked."""

    number: str


@dataclass(frozen=True, slots=True)
class Insured:
    """One line of the list for the insurer."""

    volunteer: str
    name: str
    kind: str
    number: str
    """Masked in a chat; whole only in the file."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Whom an activity's insurance covers so far: who gave their number, how many have not."""

    title: str
    english: str
    asked: bool
    """Does this activity ask for the numbers at all?"""
    people: tuple[Insured, ...] = ()
    lacking: int = 0
