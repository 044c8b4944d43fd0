"""Calendar feeds: who has one, and which of their addresses holds."""

from sqlalchemy import Column, ForeignKey, Integer, Table

from storage.tables.kinds import Id, Moment, metadata

calendar = Table(
    "calendar",
    metadata,
    Column("person", Id, ForeignKey("person.id"), primary_key=True, autoincrement=False),
    Column("serial", Integer, nullable=False, server_default="1"),  # of the address; the ones before it are worthless
    Column("made", Moment, nullable=False),
)
