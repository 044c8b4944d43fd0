"""Durable full turns a second, over the webhook and without it, beside aiogram's echo and a bare server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import uvloop

from benchmarks import city, load
from benchmarks.processes import ROOT, Cores, NotServing, Served, cores_apart, keep_to, server
from tests.postgres import server as postgres_server


@dataclass(frozen=True)
class Made:
    """Filled cities, and which cores are whose."""

    cities: dict[str, tuple[str, list[int]]]
    """By the database's name: its URL and the activities to join."""
    stories: dict[str, Iterator[load.Story]]
    """By the database's name: what its people say, told on from run to run; nobody says anything twice."""
    cores: Cores


BARE, ECHO = "bare aiohttp POST (keeps nothing)", "aiogram echo (keeps nothing)"


@dataclass
class Subject:
    """One server's rounds."""

    name: str
    served: Served
    stories: Iterator[load.Story]
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Milliseconds of the server's processor time, one answer's share."""
    p95: list[float] = field(default_factory=list)

    async def round(self, seconds: float) -> None:
        """Measure for so long."""
        before = self.served.cpu
        measured = await load.busy(self.served.port, self.stories, seconds)
        self.rates.append(measured.rate)
        self.cpu.append((self.served.cpu - before) / len(measured.latencies) * 1e3)
        self.p95.append(measured.percentile(0.95) * 1e3)

    def forget(self) -> None:
        """What was measured while it was warming up."""
        for kept in (self.rates, self.cpu, self.p95):
            kept.clear()


@dataclass(frozen=True)
class Row:
    """One server's medians: answers a second, processor milliseconds each, p95 in milliseconds."""

    name: str
    rate: float
    cpu: float
    p95: float


@contextmanager
def databases() -> Iterator[Made]:
    """A filled city on each database."""
    with ExitStack() as stack:
        cores = stack.enter_context(cores_apart())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="menkou-bench-")))
        running = stack.enter_context(postgres_server(durable=True))
        urls = {"SQLite": f"sqlite+aiosqlite:///{folder / 'city.db'}", "PostgreSQL": running.create("bench")}
        cities = {name: (url, asyncio.run(city.found(url))) for name, url in urls.items()}
        yield Made(cities, {name: city.updates(activities) for name, (_url, activities) in cities.items()}, cores)


def webhook(made: Made, rounds: int, seconds: float) -> list[Row]:
    """Rounds in turn, so that whatever disturbs the machine disturbs all alike; medians."""
    with ExitStack() as stack:
        some = next(iter(made.cities.values()))[1]
        subjects = [
            Subject(BARE, stack.enter_context(server("bare", cores=made.cores.measured)), city.updates(some)),
            Subject(ECHO, stack.enter_context(server("aiogram", cores=made.cores.measured)), city.updates(some)),
        ]
        for name, (url, _activities) in made.cities.items():
            settings = city.environment(url, **city.telegram())
            served = stack.enter_context(server("menkou", settings, made.cores.measured))
            subjects.append(Subject(f"Menkou's turn, {name}", served, made.stories[name]))
        for number in range(rounds + 1):
            for subject in subjects:
                uvloop.run(subject.round(seconds))  # as the servers do: the far end is to be light
                if not number:
                    subject.forget()
        return [Row(one.name, median(one.rates), median(one.cpu), median(one.p95)) for one in subjects]


def direct(made: Made, seconds: float) -> dict[str, dict[str, float]]:
    """Turns without a door: answers a second, processor milliseconds each, and milliseconds of each act alone."""
    figures: dict[str, dict[str, float]] = {}
    for name, (url, activities) in made.cities.items():
        run = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.direct", str(seconds), *map(str, activities)],
            cwd=ROOT, env=city.environment(url), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        keep_to(run, made.cores.measured)
        said, _nothing = run.communicate()
        if run.returncode:
            raise NotServing(f"turns without a door on {name}")
        figures[name] = json.loads(said)
    return figures
