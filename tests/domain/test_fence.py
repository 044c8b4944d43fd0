"""The fence: 10,000 points at its border against the ellipsoid, and the datum that moves it by half a kilometre."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest

from bot.channels.wechat.places import to_gcj02, to_wgs84
from bot.domain.evidence import INSIDE
from bot.domain.fence import ACCURACY_AT_MOST, RADII, RADIUS, Fence, Nearness, fence, nearness
from bot.domain.kinds import KINDS

AXIS, FLATTENING = 6_378_137.0, 1 / 298.257223563
"""The WGS-84 ellipsoid."""

POINTS = 10_000


def moved(latitude: float, longitude: float, metres: float, bearing: float) -> tuple[float, float]:
    """The point so many metres away on the ellipsoid: by its radii of curvature there, exact to centimetres."""
    square = FLATTENING * (2 - FLATTENING)
    bent = 1 - square * math.sin(math.radians(latitude)) ** 2
    north = AXIS * (1 - square) / bent**1.5
    east = AXIS / math.sqrt(bent) * math.cos(math.radians(latitude))
    return (
        latitude + math.degrees(metres * math.cos(bearing) / north),
        longitude + math.degrees(metres * math.sin(bearing) / east),
    )


def border_points() -> Iterator[tuple[Fence, float, float, float, float]]:
    """(fence, latitude, longitude, accuracy, metres beyond the border): within 60 m of it, at least 10 m off."""
    chance = random.Random(11)
    for _point in range(POINTS):
        radius = chance.choice([RADIUS, *RADII.values()])
        around = Fence(chance.uniform(39.5, 41.0), chance.uniform(115.5, 117.4), radius)
        accuracy = chance.choice([0.0, 5.0, 20.0, 65.0, 200.0])
        beyond = chance.choice([-1, 1]) * chance.uniform(10, 60)
        metres = around.radius + accuracy + beyond
        latitude, longitude = moved(around.latitude, around.longitude, metres, chance.uniform(0, 2 * math.pi))
        yield around, latitude, longitude, accuracy, beyond


def test_of_ten_thousand_points_at_the_border_none_beyond_ten_metres_is_judged_wrong() -> None:
    wrong = [
        beyond
        for around, latitude, longitude, accuracy, beyond in border_points()
        if nearness(around, latitude, longitude, accuracy).inside is (beyond > 0)
    ]
    assert wrong == []


def test_the_same_points_through_wechats_map_datum() -> None:
    """What the WeChat door makes of a pin on its map."""
    wrong = [
        beyond
        for around, latitude, longitude, accuracy, beyond in border_points()
        if nearness(around, *to_wgs84(*to_gcj02(latitude, longitude)), accuracy).inside is (beyond > 0)
    ]
    assert wrong == []


def test_without_the_conversion_most_of_those_who_are_there_would_be_outside() -> None:
    """Control: the offset of the map's datum is wider than a fence."""
    inside = [one for one in border_points() if one[4] < 0]
    lost = [one for one in inside if not nearness(one[0], *to_gcj02(one[1], one[2]), one[3]).inside]
    assert len(lost) > len(inside) / 2


def test_without_the_accuracy_whoever_has_a_poor_signal_would_be_outside() -> None:
    """Control: the phone's own error is added."""
    lost = [
        one for one in border_points() if one[4] < 0 and one[3] > 60 and not nearness(*one[:3], accuracy=0.0).inside
    ]
    assert lost


def test_no_phone_can_claim_an_error_that_lets_in_everybody() -> None:
    around = Fence(39.9998, 116.2755, RADIUS)
    there = moved(around.latitude, around.longitude, RADIUS + ACCURACY_AT_MOST + 20, 1.0)
    assert not nearness(around, *there, accuracy=5_000.0).inside
    assert not nearness(around, *there, accuracy=-50_000.0).inside
    assert nearness(around, around.latitude, around.longitude, accuracy=-5.0) == Nearness(INSIDE, 0)


@pytest.mark.parametrize(
    ("metres", "band"), [(150, INSIDE), (201, "near"), (499, "near"), (502, "far"), (1_990, "far"), (2_020, "away")]
)
def test_outside_only_the_band_is_told(metres: float, band: str) -> None:
    around = Fence(39.9998, 116.2755, RADIUS)
    assert nearness(around, *moved(around.latitude, around.longitude, metres, 2.0), accuracy=0.0).band == band


def test_every_radius_belongs_to_a_kind_and_online_service_has_none() -> None:
    assert set(RADII) <= {one.code for one in KINDS}
    assert fence("online", 39.9, 116.4) is None
    assert fence("environment", None, None) is None
    assert fence("environment", 39.9, None) is fence("environment", None, 116.4) is None
    assert fence("environment", 39.9, 116.4) == Fence(39.9, 116.4, RADII["environment"])
    assert fence("community", 39.9, 116.4) == Fence(39.9, 116.4, RADIUS)
