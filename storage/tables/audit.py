"""Where the chain of moves ends: audit_head."""

from sqlalchemy import Column, Integer, String, Table

from storage.tables.kinds import Id, Moment, metadata

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("number", Id, nullable=False),  # of the last move in the chain; 0: the chain is empty
    Column("hash", String(64), nullable=False),
    Column("at", Moment, nullable=False),  # when that move was chained
    Column("mac", String(64), nullable=False),  # keyed, over the number and the hash: nobody can put the end back
)
