"""Who looks at a page that anybody may ask, by their network address, and how often they may."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from aiohttp import web

BURST = 60
RATE = 1.0
"""Looks a second that one address may take for long, after a burst of sixty: a school office checks a class at once."""

REMEMBERED = 10_000
"""Addresses whose looks are counted; the longest silent is forgotten first."""


class Bucket:
    """How often each address may look: a burst, refilled by and by."""

    def __init__(self, burst: float = BURST, rate: float = RATE, steady: Callable[[], float] = time.monotonic) -> None:
        self.burst = burst
        self.rate = rate
        self.steady = steady
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> bool:
        """May this address look once more?"""
        now = self.steady()
        left, at = self._left.pop(address, (self.burst, now))
        left = min(self.burst, left + (now - at) * self.rate)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left, now)
        if len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        return allowed


def visitor(request: web.Request) -> str:
    """The visitor's address; behind a proxy of this machine or of a private network, as that proxy says: else a city
    behind its balancer would share one allowance. IPv6 by its network: a household has 2^64 addresses of its own."""
    remote = request.remote or ""
    try:
        address = ipaddress.ip_address(remote)
        if not address.is_global and (forwarded := request.headers.getall("X-Forwarded-For", [])):
            address = ipaddress.ip_address(forwarded[-1].rpartition(",")[2].strip())
    except ValueError:
        return remote
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
