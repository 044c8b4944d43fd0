"""WeChat's pins and the phone's fix name the same spot."""

from __future__ import annotations

import math
import random

import pytest

from bot.channels.wechat.places import to_gcj02, to_wgs84


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    north = math.radians(one[0] - other[0]) * 6_371_000
    east = math.radians(one[1] - other[1]) * 6_371_000 * math.cos(math.radians(one[0]))
    return math.hypot(north, east)


def over_beijing(count: int) -> list[tuple[float, float]]:
    chance = random.Random(20261123)
    return [(chance.uniform(39.4, 41.1), chance.uniform(115.4, 117.5)) for _ in range(count)]


def test_the_fixed_pair_is_hit_to_a_metre() -> None:
    assert metres(to_gcj02(39.90872, 116.39748), (39.910124, 116.403724)) < 0.2
    assert metres(to_wgs84(39.910124, 116.403724), (39.90872, 116.39748)) < 0.2


def test_ten_thousand_points_come_back_within_ten_metres() -> None:
    worst = max(metres(to_wgs84(*to_gcj02(*point)), point) for point in over_beijing(10_000))
    assert worst <= 10
    assert worst < 0.001  # three iterations are worth far more than the promise


def test_control_without_conversion_a_pin_is_half_a_kilometre_off() -> None:
    offsets = [metres(to_gcj02(*point), point) for point in over_beijing(1_000)]
    assert 450 < min(offsets) < max(offsets) < 650


@pytest.mark.parametrize("point", [(51.5, -0.12), (-33.9, 151.2), (40.7, -74.0), (0.0, 0.0)])
def test_outside_china_nothing_moves(point: tuple[float, float]) -> None:
    assert to_gcj02(*point) == to_wgs84(*point) == point
