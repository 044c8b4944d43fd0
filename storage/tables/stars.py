"""Stars on their way from an application to a grant, what was said against them, and small steps that were thanked."""

from sqlalchemy import Column, ForeignKey, Index, Integer, SmallInteger, String, Table, UniqueConstraint

from storage.tables.kinds import Id, Moment, metadata

star = Table(
    "star",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("level", SmallInteger, nullable=False),
    Column("rules", String(32), nullable=False),  # the rule set by which it is decided
    Column("minutes", Integer, nullable=False),  # counted when it was applied for
    Column("place", Integer, nullable=False),  # whose centre decides
    Column("state", String(16), nullable=False),  # applied | notice | granted | refused
    Column("applied", Moment, nullable=False),
    Column("until", Moment),  # end of the public notice
    Column("settled", Moment),  # granted or refused
    Column("reason", String(16), nullable=False, server_default=""),  # of a refusal
    Index("ix_star_state_until", "state", "until"),
)

objection = Table(
    "objection",
    metadata,
    Column("id", Id, primary_key=True),
    Column("star", Id, ForeignKey("star.id"), nullable=False),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("reason", String(16), nullable=False),
    Column("at", Moment, nullable=False),
    Column("dismissed", Moment),  # the centre has looked and found nothing in it
    UniqueConstraint("star", "person"),
)

step = Table(
    "step",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False),
    Column("hours", SmallInteger, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("person", "hours"),
)
