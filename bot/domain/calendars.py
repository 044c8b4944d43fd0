"""What stands in a calendar: shifts as entries, of an activity or of one's own; nobody's name is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.enrolment import HELD, SEATED, Stand

KEPT = timedelta(days=60)
"""How long after its end a sign-up stays in its owner's feed."""

SHOWN = (HELD | SEATED) - {Stand.ABSENT, Stand.EXCUSED}
"""Sign-ups that stand in their owner's feed."""


class Status(StrEnum):
    """As calendars name it."""

    CONFIRMED = "CONFIRMED"
    TENTATIVE = "TENTATIVE"
    """In the queue, or offered and not taken."""
    CANCELLED = "CANCELLED"
    """Called off by the organiser."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One shift as a calendar shows it. Coordinates are WGS-84 degrees."""

    activity: int
    shift: int
    title: str
    english: str
    role: str
    role_english: str
    organisation: str
    organisation_english: str
    address: str
    starts: datetime
    ends: datetime
    revision: int
    changed: datetime
    status: Status
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """What is behind an address, and for whom it is worded."""

    entries: Sequence[Entry]
    language: str


def status(state: str, stand: Stand | None = None) -> Status:
    """How certain a shift is, of an activity in this state, for whoever stands so."""
    if state == "cancelled":
        return Status.CANCELLED
    return Status.TENTATIVE if stand in (Stand.WAITING, Stand.OFFERED) else Status.CONFIRMED
