"""Column types that are the same on both databases: moments, ids, small JSON, sealed text."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")
"""A row's number. SQLite counts rows by itself only in a column called INTEGER."""

Milliseconds = BigInteger
"""A moment as a bare number, for the delivery path: milliseconds since 1970 in UTC."""


def to_milliseconds(at: datetime) -> int:
    """The moment as the databases keep it."""
    return round(at.timestamp() * 1000)


def from_milliseconds(kept: int) -> datetime:
    """The moment in UTC."""
    return datetime.fromtimestamp(kept / 1000, UTC)


def _kept(at: datetime | None) -> int | None:
    """A naive moment is a bug and raises."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return round(at.timestamp() * 1000)


@lru_cache(maxsize=16_384)
def _read(kept: int | None) -> datetime | None:
    """Most of what is read are activities' moments, again and again: seven times as quick as made anew."""
    return None if kept is None else datetime.fromtimestamp(kept / 1000, UTC)


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept as milliseconds in UTC so that both databases compare it alike."""

    impl = BigInteger
    cache_ok = True

    # Not by `process_bind_param` and `process_result_value`: two calls more for each of a turn's hundred moments.
    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:
        """On the way in."""
        return _kept

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[int | None], datetime | None]:
        """On the way out, in UTC."""
        return _read


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Made once: `json.dumps` makes one for each value that is not written its own way."""


def _as_text(value: Any) -> str | None:
    return None if value is None else _COMPACT(value)


def _from_text(kept: str | None) -> Any:
    return None if kept is None else json.loads(kept)


class Json(TypeDecorator[Any]):
    """Small JSON, compact, with Chinese left readable; text on both databases."""

    impl = Text
    cache_ok = True

    # As a moment: most of a turn's JSON is nothing at all, and asked for all the same.
    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        """On the way in, compact."""
        return _as_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Any]:
        """On the way out."""
        return _from_text


Sealed = LargeBinary
"""A personal field: ciphertext only (`storage.secrecy` seals and opens)."""
