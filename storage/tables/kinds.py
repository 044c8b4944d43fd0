"""Column types that are the same on both databases: moments, ids, small JSON, sealed text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
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


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept as milliseconds in UTC so that both databases compare it alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """A naive moment is a bug and raises."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return to_milliseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """In UTC."""
        return None if value is None else from_milliseconds(value)


class Json(TypeDecorator[Any]):
    """Small JSON, compact, with Chinese left readable; text on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Compact text."""
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The value."""
        return None if value is None else json.loads(value)


Sealed = LargeBinary
"""A personal field: ciphertext only (`storage.secrecy` seals and opens)."""
