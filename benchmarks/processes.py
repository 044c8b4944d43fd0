"""Processes that are measured: started, watched from outside, ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped] # it ships no types

ROOT = Path(__file__).resolve().parents[1]
STOP_SECONDS = 20.0


class NotServing(RuntimeError):
    """The process ended instead; the message is the end of what it said."""


class Served:
    """A server's process and its port."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port
        self._watched = psutil.Process(process.pid)

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far."""
        spent = self._watched.cpu_times()
        return float(spent.user + spent.system)

    @property
    def resident(self) -> float:
        """Resident memory in MB (10^6 bytes)."""
        return float(self._watched.memory_info().rss / 1e6)


class Cores:
    """Which cores are whose while servers are compared.

    Left to itself the system wakes a database's process on the core of whoever asked it, though another has nothing to
    do, and two that push each other away cost a tenth more. Docs: docs/decisions/43-a-core-for-what-is-measured.md.
    """

    def __init__(self) -> None:
        self._every = frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset[int]()
        self.measured = frozenset[int]()
        """Of what is measured; empty: wherever the system has it."""

    def part(self) -> None:
        """One for whatever is measured; the others for us and what we start from now on: the far end, the database.
        Nothing where the machine has but one or does not let us choose."""
        if len(self._every) > 1:
            self.measured = frozenset({min(self._every)})
            os.sched_setaffinity(0, self._every - self.measured)

    def share(self) -> None:
        """All of them for everybody, what was started before too."""
        self.measured = frozenset()
        if len(self._every) > 1:
            for one in (psutil.Process(), *psutil.Process().children(recursive=True)):
                one.cpu_affinity(sorted(self._every))


@contextmanager
def cores_apart() -> Iterator[Cores]:
    """One core for whatever is measured, until the block ends or says `share`."""
    cores = Cores()
    cores.part()
    try:
        yield cores
    finally:
        cores.share()


def keep_to(process: subprocess.Popen[Any], cores: frozenset[int]) -> None:
    """Let a process that has just begun, and has one thread yet, run on these cores only; empty: wherever it is."""
    if cores:
        os.sched_setaffinity(process.pid, cores)


@contextmanager
def server(
    kind: str, environment: dict[str, str] | None = None, cores: frozenset[int] = frozenset()
) -> Iterator[Served]:
    """One of benchmarks.servers for as long as the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.servers", kind],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        cwd=ROOT, env=environment or dict(os.environ),
    )  # fmt: skip
    keep_to(process, cores)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise NotServing(kind)
        yield Served(process, int(line))
    finally:
        process.stdin.close()
        process.wait(STOP_SECONDS)
        process.stdout.close()


@contextmanager
def menkou(environment: dict[str, str], log: Path) -> Iterator[Served]:
    """`menkou serve` itself; its log goes to a file, where its address stands."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            cwd=ROOT, env=environment,
        )  # fmt: skip
    try:
        yield Served(process, _port(process, log))
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    with log.open(encoding="utf-8") as lines:
        while True:
            line = lines.readline()
            if line.startswith("{") and line.endswith("\n") and (address := json.loads(line).get("listening")):
                return int(address.rpartition(":")[2])
            if not line:
                try:
                    process.wait(0.002)
                except subprocess.TimeoutExpired:
                    continue
                raise NotServing(log.read_text(encoding="utf-8")[-2000:])
