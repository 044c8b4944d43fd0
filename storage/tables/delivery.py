"""What we say first: fanout (one intention), outbox (one message to one person), outbox_done, sender_slot, quota.

Moments here are bare milliseconds in UTC and states are small numbers: this path moves hundreds of thousands of rows.
"""

from enum import IntEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    text,
)

from storage.tables.kinds import Id, Json, Milliseconds, metadata


class State(IntEnum):
    """Where a message stands. Only `PENDING` and `SENDING` are alive; the others are for the report."""

    PENDING = 0
    SENDING = 1
    SENT = 2
    FAILED = 3
    UNCERTAIN = 4
    SUPPRESSED = 5
    DEAD = 6


class Lane(IntEnum):
    """What goes first: each lane strictly before the next; campaigns keep a floor of 10 %."""

    REPLY = 0
    CHANGE = 1
    REMINDER = 2
    PERSONAL = 5
    CAMPAIGN = 9


class Running(IntEnum):
    """Where a fanout stands."""

    DRAFT = 0
    RUNNING = 1
    PAUSED = 2
    STOPPED = 3
    DONE = 4


fanout = Table(
    "fanout",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),  # reminder | checkout | promotion | change | announcement | reply
    Column("source", Id, nullable=False),  # the shift, enrolment or activity that it speaks of
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("offset", Integer, nullable=False, server_default="0"),  # minutes before (−) or after the source's time
    Column("lane", SmallInteger, nullable=False),
    Column("segment", Json, nullable=False),  # who: compiled to SQL when it is expanded
    Column("words", Json),  # an announcement's own text by language, and its link
    Column("state", SmallInteger, nullable=False, server_default="1"),
    Column("not_before", Milliseconds, nullable=False),
    Column("expires", Milliseconds, nullable=False),
    Column("cursor", Id, nullable=False, server_default="0"),
    Column("upper", Id),  # highest person's number at the start: who comes later is not chased
    Column("made", Integer, nullable=False, server_default="0"),
    Column("created_by", Id),
    Column("created", Milliseconds, nullable=False),
    Column("reason", String(200)),  # why it was paused
    UniqueConstraint("kind", "source", "revision", "offset"),
    Index("ix_fanout_state_not_before", "state", "not_before"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("fanout", Id, ForeignKey("fanout.id"), nullable=False),
    Column("person", Id, nullable=False),
    Column("account", String(16), nullable=False, server_default=""),  # the door, chosen when it is sent
    Column("lane", SmallInteger, nullable=False),
    Column("state", SmallInteger, nullable=False, server_default="0"),
    Column("attempt", SmallInteger, nullable=False, server_default="0"),
    Column("repeated", SmallInteger, nullable=False, server_default="0"),  # 1: it may have arrived before
    Column("due", Milliseconds, nullable=False),
    Column("expires", Milliseconds, nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default="0"),  # of the sender that called
    Column("receipt", String(64)),
    Column("reason", String(200)),
    Column("done", Milliseconds),
    Column("route", String(16)),  # how it went out, or goes: bot.domain.reach.Way
    Column("keyed", Milliseconds),  # first call under the platform's own key for repeats, while its end is unknown
    Column("page", SmallInteger, nullable=False, server_default="0"),  # how many of its pages have arrived
    UniqueConstraint("fanout", "person"),
    Index(
        "ix_outbox_ready",
        "account",
        "lane",
        "due",
        "id",
        postgresql_where=text("state = 0"),
        sqlite_where=text("state = 0"),
    ),
    Index(
        "ix_outbox_sending",
        "account",
        "epoch",
        postgresql_where=text("state = 1"),
        sqlite_where=text("state = 1"),
    ),
    Index("ix_outbox_person", "person", "id"),
    Index("ix_outbox_done", "done", postgresql_where=text("state > 1"), sqlite_where=text("state > 1")),
    # Campaigns take turns: which of them have messages waiting at an account?
    Index(
        "ix_outbox_campaign",
        "account",
        "fanout",
        "id",
        postgresql_where=text("state = 0 AND lane = 9"),
        sqlite_where=text("state = 0 AND lane = 9"),
    ),
    # Held until they write: let go in the turn that answers them.
    Index(
        "ix_outbox_held",
        "person",
        postgresql_where=text("state = 0 AND account = ''"),
        sqlite_where=text("state = 0 AND account = ''"),
    ),
    # Replies on their way: asked for in every turn, and by the sender, for whom the next ones stand behind.
    Index(
        "ix_outbox_reply",
        "person",
        postgresql_where=text("lane = 0 AND state <= 1"),
        sqlite_where=text("lane = 0 AND state <= 1"),
    ),
    # The platform tells later what became of a message, by its own number.
    Index(
        "ix_outbox_receipt",
        "receipt",
        postgresql_where=text("account = 'wechat' AND receipt IS NOT NULL"),
        sqlite_where=text("account = 'wechat' AND receipt IS NOT NULL"),
    ),
    # What a person must look at: uncertain, dead, perhaps told twice.
    Index(
        "ix_outbox_attention",
        "state",
        "id",
        postgresql_where=text("state = 4 OR state = 6 OR repeated = 1"),
        sqlite_where=text("state = 4 OR state = 6 OR repeated = 1"),
    ),
)

outbox_done = Table(
    "outbox_done",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("fanout", Id, nullable=False),
    Column("person", Id, nullable=False),
    Column("account", String(16), nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("repeated", SmallInteger, nullable=False),
    Column("due", Milliseconds, nullable=False),
    Column("expires", Milliseconds, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("receipt", String(64)),
    Column("reason", String(200)),
    Column("done", Milliseconds),
    Column("route", String(16)),
    Index("ix_outbox_done_person", "person", "id"),
    Index("ix_outbox_done_fanout", "fanout"),
)
"""Finished messages, moved out of the hot table by age: what somebody was told years ago is still answerable."""

sender_slot = Table(
    "sender_slot",
    metadata,
    Column("account", String(16), primary_key=True),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    Column("owner", String(64), nullable=False, server_default=""),
    Column("lease_until", Milliseconds, nullable=False, server_default="0"),
    Column("blocked_until", Milliseconds, nullable=False, server_default="0"),  # a 429 said so
    Column("reason", String(200)),  # why it is silent
    Column("session", Integer, nullable=False, server_default="0"),  # number of the holder's sign of life; 0: none
)

quota = Table(
    "quota",
    metadata,
    Column("account", String(16), primary_key=True),
    Column("api", String(64), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("used", Integer, nullable=False, server_default="0"),
    Column("allowed", Integer),  # as the platform told; empty: the figure that the code holds
    Column("paused_until", Milliseconds),  # the platform wants no call until then
)
