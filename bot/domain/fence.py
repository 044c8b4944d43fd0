"""Was it here? A shared place against an activity's point: inside, or in which band of distance.

A second evidence, never a proof: a place can be made up.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.evidence import INSIDE
from bot.domain.kinds import kind
from bot.domain.places import distance

RADIUS = 200
"""Metres around an activity's point, where its kind says nothing else: a courtyard and the street before it."""

RADII = {"environment": 500, "heritage": 500, "sports": 500, "safety": 500, "event": 1_000, "rescue": 1_000}
"""Kinds of service that spread out: a river bank, a park, a stadium, a patrol."""

ACCURACY_AT_MOST = 200
"""Metres of the phone's own error that are added to the radius. More would let in whoever switches precision off."""

BANDS: tuple[tuple[str, int], ...] = (("near", 500), ("far", 2_000))
"""Outside: how far from the point, in metres, each band reaches; beyond the last is `away`."""

AWAY = "away"


@dataclass(frozen=True, slots=True)
class Fence:
    """A circle: WGS-84 degrees, metres."""

    latitude: float
    longitude: float
    radius: int


@dataclass(frozen=True, slots=True)
class Nearness:
    """What is kept of a shared place: the band of its distance, and how exact it said it was, in metres."""

    band: str
    accuracy: int

    @property
    def inside(self) -> bool:
        """Within the fence."""
        return self.band == INSIDE


def fence(service: str, latitude: float | None, longitude: float | None) -> Fence | None:
    """The fence around an activity of a kind; None: it has no point, or its service is done from anywhere."""
    if latitude is None or longitude is None or kind(service).evidence == "online":
        return None
    return Fence(latitude, longitude, RADII.get(service, RADIUS))


def nearness(around: Fence, latitude: float, longitude: float, accuracy: float) -> Nearness:
    """How near a shared place is to an activity."""
    metres = distance(around.latitude, around.longitude, latitude, longitude)
    allowed = min(max(accuracy, 0.0), ACCURACY_AT_MOST)
    if metres <= around.radius + allowed:
        return Nearness(INSIDE, round(allowed))
    return Nearness(next((band for band, reach in BANDS if metres <= reach), AWAY), round(allowed))
