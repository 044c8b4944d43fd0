"""China's map datum: WeChat's map picker speaks GCJ-02, everything inside speaks WGS-84.

Mixed up, a point over Beijing is 504 to 611 metres off: more than a check-in fence is wide.
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt

_AXIS = 6378245.0
"""Semi-major axis of the Krasovsky 1940 ellipsoid, metres: the one that GCJ-02 is defined on."""
_ECCENTRICITY = 0.00669342162296594323
"""Square of that ellipsoid's first eccentricity."""


def to_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """The same place as a Chinese map shows it, in degrees. Outside China's box both datums are the same."""
    if not _in_china(latitude, longitude):
        return latitude, longitude
    north, east = _offset(latitude, longitude)
    return latitude + north, longitude + east


def to_wgs84(latitude: float, longitude: float) -> tuple[float, float]:
    """The place that a Chinese map shows at this point, in degrees; exact to less than a millimetre inside China.

    The offset has no inverse in closed form, but it changes so slowly that each iteration gains more than three digits.
    """
    if not _in_china(latitude, longitude):
        return latitude, longitude
    guess = latitude, longitude
    for _iteration in range(3):
        north, east = _offset(*guess)
        guess = latitude - north, longitude - east
    return guess


def _in_china(latitude: float, longitude: float) -> bool:
    """The box that every published form of the offset uses; it is coarse and takes in neighbours' land as well."""
    return 0.8293 <= latitude <= 55.8271 and 72.004 <= longitude <= 137.8347


def _offset(latitude: float, longitude: float) -> tuple[float, float]:
    """Degrees north and east from WGS-84 to GCJ-02."""
    y, x = latitude - 35.0, longitude - 105.0
    ripple = (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + ripple
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + ripple
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    angle = latitude / 180.0 * pi
    bent = 1.0 - _ECCENTRICITY * sin(angle) ** 2
    metres_north = _AXIS * (1.0 - _ECCENTRICITY) / (bent * sqrt(bent)) * pi / 180.0
    metres_east = _AXIS / sqrt(bent) * cos(angle) * pi / 180.0
    return north / metres_north, east / metres_east
