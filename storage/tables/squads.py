"""1+N: which proven skill a shift demands, and for how many people."""

from sqlalchemy import Column, ForeignKey, Integer, SmallInteger, String, Table

from storage.tables.kinds import Id, Moment, metadata

squad = Table(
    "squad",
    metadata,
    Column("shift", Id, ForeignKey("shift.id"), primary_key=True),
    Column("skill", String(24), nullable=False),
    Column("per", SmallInteger, nullable=False),
    Column("frozen", Moment),  # its people know that it waits for a professional
    Column("times", Integer, nullable=False, server_default="0"),  # how often that was told: each time once
)
