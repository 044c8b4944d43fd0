"""A copy of a SQLite database while it is in use, by SQLite's own online backup."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from storage.database import Database


class CopyBroken(Exception):
    """The copy is not a sound database and was removed."""


def file_at(url: str) -> Path | None:
    """The file of a SQLite address; None for PostgreSQL and for a database in memory."""
    parsed = make_url(url)
    name = parsed.database
    return Path(name) if parsed.get_backend_name() == "sqlite" and name and name != ":memory:" else None


_SPOILT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_spoilt(fault: BaseException) -> bool:
    """Does SQLite say with this that the file itself is damaged, or was never a database?"""
    inner = getattr(fault, "orig", None) or fault
    # The low byte is the kind; what is above it says where it was found.
    return isinstance(inner, sqlite3.Error) and getattr(inner, "sqlite_errorcode", 0) & 0xFF in _SPOILT


def file_of(database: Database) -> Path | None:
    """The SQLite database's file; None on PostgreSQL and in memory."""
    return file_at(database.url)


async def copy(database: Database, to: Path) -> None:
    """Copy the whole database to a new file that only its owner can read, and check the copy.

    Writers go on meanwhile and are not waited for; the copy shows one moment. Copying the file itself would miss what
    still stands in its write-ahead log. Raises CopyBroken, FileExistsError, and ValueError on PostgreSQL.
    """
    source = file_of(database)
    if source is None:
        raise ValueError("only a SQLite file can be copied; use a portable backup")
    await asyncio.to_thread(_copy, source, to)


def _copy(source: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(source)) as from_, closing(sqlite3.connect(to)) as into:
            # All pages in one step: a copy in several would begin anew at every commit from outside.
            from_.backup(into, pages=-1)
            found = into.execute("PRAGMA integrity_check").fetchone()[0]
            if found != "ok":
                raise CopyBroken(str(found))
            # One file, with no log beside it: it can be moved anywhere.
            into.execute("PRAGMA journal_mode=DELETE")
        with to.open("rb+") as file:
            os.fsync(file.fileno())
    except BaseException:
        to.unlink(missing_ok=True)
        raise
