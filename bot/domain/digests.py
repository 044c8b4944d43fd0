"""The weekly letter of what is new: when it is due, how much fits in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

SUNDAY = 6
USUAL = (SUNDAY, 18)
"""Weekday and hour, in the city's time."""

HOURS = range(8, 21)
"""Outside the quiet hours of any city."""

MOST = 7
"""Activities in one letter."""

COVERS = timedelta(days=7)
KEEPS = timedelta(hours=20)
"""It comes on its day or not at all."""

LOOK_BACK = timedelta(hours=6)
"""After an outage a letter still goes out this late."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A weekday and an hour, and the moment of its letters that has come."""

    weekday: int
    hour: int
    at: datetime

    @property
    def source(self) -> int:
        """The number under which its letters are planned."""
        return self.weekday * 24 + self.hour + 1

    def issue(self, zone: tzinfo) -> int:
        """The number of this week's letter: its day's."""
        return self.at.astimezone(zone).toordinal()


def due(now: datetime, zone: tzinfo) -> Iterator[Slot]:
    """The slots whose moment has come lately, the latest first."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for back in range(LOOK_BACK // timedelta(hours=1) + 1):
        at = hour - timedelta(hours=back)
        local = at.astimezone(zone)
        if not local.minute and local.hour in HOURS:
            yield Slot(local.weekday(), local.hour, at)
