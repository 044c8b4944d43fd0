"""Processes that are measured: started, watched from outside, ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def server(kind: str, environment: dict[str, str] | None = None) -> Iterator[Served]:
    """One of benchmarks.servers for as long as the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.servers", kind],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        cwd=ROOT, env=environment or dict(os.environ),
    )  # fmt: skip
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
