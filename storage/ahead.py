"""Replies that wait with the sender hold up the later ones of their chat, so that answers come in the order in which
they were given. Docs: docs/decisions/44-answers-in-their-order.md."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, literal_column, select

from bot.domain.reach import NEXT_TRY, REPLY_HOLDS_UP, REPLY_KEEPS
from storage.tables.delivery import outbox
from storage.tables.kinds import to_milliseconds

BY = bindparam("tried_by", type_=outbox.c.due.type)
SINCE = bindparam("kept_until", type_=outbox.c.expires.type)


def is_reply(row: Any) -> tuple[ColumnElement[bool], ...]:
    """Of a row of the outbox: is it a reply that has not been brought yet?

    The condition of ix_outbox_reply, to the letter: a look into an index that is nearly always empty.
    """
    return row.lane == literal_column("0"), row.state <= literal_column("1")


def goes_first(row: Any, person: ColumnElement[int], account: ColumnElement[str]) -> tuple[ColumnElement[bool], ...]:
    """Is it one to this person by this account, which is tried again soon?"""
    # No bare column: PostgreSQL would rather walk through all that waits at the account.
    at = row.account + literal_column("''")
    return (row.person == person, *is_reply(row), at == account, row.due <= BY)


def one(*which: ColumnElement[bool]) -> ColumnElement[Any]:
    """A row of the outbox like this, or null.

    No EXISTS: PostgreSQL would make a table of all of them first, by a plan of the time when there were none.
    """
    return select(literal_column("1")).where(*which).limit(literal_column("1")).scalar_subquery()


def bounds(now: datetime) -> dict[str, int]:
    """By when a reply must be tried again, and until when it must be kept (from which follows when it was put off), to
    hold up others."""
    return {
        "tried_by": to_milliseconds(now + NEXT_TRY),
        "kept_until": to_milliseconds(now + REPLY_KEEPS - REPLY_HOLDS_UP),
    }
