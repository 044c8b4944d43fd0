"""What the figures were measured on: without it a figure says nothing."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path

from tests.postgres import binary_version, find_binaries

LIBRARIES = ("aiogram", "aiohttp", "sqlalchemy", "asyncpg", "aiosqlite", "uvloop")


def describe() -> list[tuple[str, str]]:
    """Names and values, for the head of the report."""
    return [
        ("Machine", f"{os.cpu_count()} cores, {_processor()}, {_memory():.1f} GiB memory, {platform.system()}"),
        ("Load average before", load()),
        ("Python", platform.python_version()),
        ("Databases", f"SQLite {sqlite3.sqlite_version} (WAL, FULL); {binary_version(find_binaries())} (fsync on)"),
        ("Libraries", ", ".join(f"{name} {version(name)}" for name in LIBRARIES)),
    ]


def load() -> str:
    """How busy the machine was, over one, five and fifteen minutes."""
    return " ".join(f"{one:.2f}" for one in os.getloadavg())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
