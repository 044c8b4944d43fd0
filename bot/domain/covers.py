"""Calling for cover where people are short: small rounds, least-asked first, until the seats are filled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ROUND_LEAST = 5
ROUND_MOST = 30
PER_SEAT = 3
"""People asked in a round for each seat that is missing: about one in three says yes."""

PAUSE = timedelta(minutes=30)
PAUSE_LEAST = timedelta(minutes=5)
SHARE = 12
"""A pause takes at most this part of the time that is left."""

LAST = timedelta(minutes=30)
"""Before the start nobody is asked any more: they could not get there."""

SHORT_FROM = timedelta(hours=24)
"""Before the start from which a shift that is short calls by itself, where its organiser has switched that on."""

WITHIN = timedelta(days=7)
ASKED_MOST = 2
"""Nobody is asked more often within that time, whoever is short."""

COUNTED = timedelta(days=90)
"""How far back it is counted who has been asked least."""


class Calling(StrEnum):
    """Where a call stands."""

    OFF = "off"
    RUNNING = "running"
    FILLED = "filled"
    STOPPED = "stopped"
    OVER = "over"
    """Everybody who fits was asked, or it begins too soon."""


@dataclass(frozen=True, slots=True)
class Call:
    """The call for one shift, as its organiser sees it."""

    shift: int
    starts: datetime
    ends: datetime
    missing: int
    state: Calling
    automatic: bool
    rounds: int
    asked: int
    refused: int
    fitting: int
    """People who could still be asked."""


def round_size(missing: int) -> int:
    """How many people one round asks."""
    return min(max(ROUND_LEAST, missing * PER_SEAT), ROUND_MOST)


def pause(starts: datetime, now: datetime) -> timedelta:
    """Until the next round: time to answer, less as the start nears."""
    return max(PAUSE_LEAST, min(PAUSE, (starts - now) / SHARE))


def too_late(starts: datetime, now: datetime) -> bool:
    """Does it begin too soon for anybody to come?"""
    return starts - now <= LAST
