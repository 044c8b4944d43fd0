"""What people say that they did where nothing else shows it: for how long it can be said, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.enrolment import COMING, Stand

WITHIN = timedelta(days=30)
"""After the end of a shift, how long something can be claimed of it: the organiser still remembers."""

CLAIMED_OF = COMING | {Stand.ABSENT, Stand.ARRIVED, Stand.COMPLETED}
"""Stands of a sign-up of which something may be missing."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A sign-up of mine without a record that counts. `arrived`: the check-in is there, only the end is missing."""

    enrolment: int
    activity: int
    shift: int
    title: str
    english: str
    starts: datetime
    ends: datetime
    stand: Stand
    arrived: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim, for whoever decides on it, or for its owner. `before`: the same photo came with another claim."""

    id: int
    enrolment: int
    person: int
    activity: int
    shift: int
    title: str
    english: str
    shift_starts: datetime
    shift_ends: datetime
    stand: Stand
    starts: datetime
    ends: datetime
    what: str
    photo: bool
    before: bool
    state: str
    reason: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """It waits for the organiser."""

    claim: int


@dataclass(frozen=True, slots=True)
class Decided:
    """The organiser has said yes or no; `minutes` that it counted."""

    claim: Claim
    minutes: int
