"""How long a start takes and what the process weighs."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import city, load
from benchmarks.processes import Served, menkou
from tests.standins.telegram import TelegramStandIn

PATIENCE = 60.0
HELD = 1_000
"""People who write before memory is read again."""


@dataclass(frozen=True)
class Ready:
    """Seconds and MB (10^6 bytes)."""

    seconds: float
    idle: float
    seconds_with_telegram: float
    with_telegram: float
    with_people: float


def measure(starts: int) -> Ready:
    """Starts without a platform and with Telegram, on a filled SQLite city."""
    with tempfile.TemporaryDirectory(prefix="menkou-bench-") as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'city.db'}"
        activities = asyncio.run(city.found(url))
        log = Path(folder) / "log"
        bare = [_started(city.environment(url), log) for _start in range(starts)]
        return asyncio.run(_with_telegram(url, log, activities, bare, starts))


async def _with_telegram(
    url: str, log: Path, activities: list[int], bare: list[tuple[float, float]], starts: int
) -> Ready:
    async with TelegramStandIn() as api:
        environment = city.environment(url, **city.telegram(), TELEGRAM_API_BASE=api.base)
        for person in range(1, city.PEOPLE + 1):
            api.person(city.FIRST_CHAT + person)
        full = [await asyncio.to_thread(_started, environment, log) for _start in range(starts)]
        with ExitStack() as stack:
            served = await asyncio.to_thread(lambda: stack.enter_context(menkou(environment, log)))
            await asyncio.to_thread(_wait_until_ready, served)
            first = (story[:1] for story in itertools.islice(city.updates(activities), HELD))
            held = await load.busy(served.port, first, PATIENCE, 16)
            if len(held.latencies) < HELD:
                raise TimeoutError(f"only {len(held.latencies)} of {HELD} conversations within a minute")
            after = served.resident
            await asyncio.to_thread(stack.close)
    return Ready(
        median(seconds for seconds, _weight in bare),
        median(weight for _seconds, weight in bare),
        median(seconds for seconds, _weight in full),
        median(weight for _seconds, weight in full),
        after,
    )


def _started(environment: dict[str, str], log: Path) -> tuple[float, float]:
    """Seconds from the process' start to /readyz 200, and its weight a moment later."""
    began = time.perf_counter()
    with menkou(environment, log) as served:
        _wait_until_ready(served)
        seconds = time.perf_counter() - began
        time.sleep(1.0)
        return seconds, served.resident


def _wait_until_ready(served: Served) -> None:
    until = time.perf_counter() + PATIENCE
    while time.perf_counter() < until:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        finally:
            connection.close()
        time.sleep(0.005)
    raise TimeoutError("not ready within a minute")
