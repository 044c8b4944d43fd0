"""A seat that comes free is held for the head of the queue: until when they may answer, and what follows if they do
not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from bot.domain.reach import quiet_until

LONGEST = timedelta(hours=24)
SHORTEST = timedelta(minutes=30)
SHARE = 4
"""An offer takes a quarter of the time that is left, so that it can go on to three more people."""

LAPSES = 2
"""So many offers may run out for one person: after the first they queue again at the end, after the last no more."""


def answer_until(starts: datetime, now: datetime, zone: tzinfo, quiet: tuple[int, int]) -> datetime | None:
    """Until when a seat that comes free now is held. None: it begins too soon to wait for a yes, the seat is given.

    24 hours, less as the start nears; nobody is woken for it, and the last half hour never lies in the quiet hours.
    """
    window = min(LONGEST, (starts - now) / SHARE)
    if window < SHORTEST:
        return None
    heard = _morning(now, zone, quiet) or now
    until = max(now + window, heard + SHORTEST)
    morning = _morning(until, zone, quiet)
    if morning is not None:
        until = morning + SHORTEST
    return until if until <= starts - SHORTEST else None


def _morning(at: datetime, zone: tzinfo, quiet: tuple[int, int]) -> datetime | None:
    """The end of the quiet hours that a moment lies in."""
    until = quiet_until(at.astimezone(zone), *quiet)
    return until.astimezone(UTC) if until else None
