"""What was said to whom: inbox (what came in and its reply), which replies were brought, letters of the web chat, kept
tokens."""

from sqlalchemy import Column, Index, Integer, SmallInteger, String, Table, Text, UniqueConstraint

from storage.tables.kinds import Moment, Sealed, metadata

inbox = Table(
    "inbox",
    metadata,
    Column("door", String(16), primary_key=True),
    Column("key", String(160), primary_key=True),
    Column("external", String(64), nullable=False, server_default=""),
    Column("at", Moment, nullable=False),
    Column("raw", Sealed),
    Column("state", SmallInteger, nullable=False),  # 0 answered, 1 dead: a script broke or nobody could read it
    Column("reply", Sealed),
    Column("error", String(400)),
    Index("ix_inbox_state_at", "state", "at"),
)

# Which replies have been brought; known on PostgreSQL, where other replicas ask. Not a column of the inbox: to mark a
# row there is to write it whole a second time, with the sealed message and its reply, and both its index entries.
brought = Table(
    "brought",
    metadata,
    Column("door", String(16), primary_key=True),
    Column("key", String(160), primary_key=True),
    Column("at", Moment, nullable=False),
    Index("ix_brought_at", "at"),
)

letter = Table(
    "letter",
    metadata,
    Column("address", String(64), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("key", String(160), nullable=False),
    Column("who", String(4), nullable=False),  # me | them
    Column("body", Sealed, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("address", "key"),
)

token = Table(
    "token",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False, server_default=""),
    Column("expires", Moment),
    Column("fetching_until", Moment),  # one replica fetches, the others wait
    Column("fetcher", String(64)),
)
