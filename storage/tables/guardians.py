"""Who decides for whoever is under age: codes, guardians, and their answer for each activity."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, UniqueConstraint

from storage.tables.kinds import Id, Moment, metadata

guardian_code = Table(
    "guardian_code",
    metadata,
    Column("code", String(32), primary_key=True),  # blind index
    Column("child", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("made", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
)

guardianship = Table(
    "guardianship",
    metadata,
    Column("id", Id, primary_key=True),
    Column("guardian", Id, ForeignKey("person.id"), nullable=False),
    Column("child", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("version", String(16), nullable=False),  # of the notice that the guardian agreed to
    Column("door", String(16), nullable=False),
    Column("given", Moment, nullable=False),
    Column("ended", Moment),
    UniqueConstraint("guardian", "child"),
)

permission = Table(
    "permission",
    metadata,
    Column("id", Id, primary_key=True),
    Column("child", Id, ForeignKey("person.id"), nullable=False),
    Column("shift", Id, ForeignKey("shift.id"), nullable=False, index=True),
    Column("state", String(16), nullable=False),  # asked | agreed | accompanied | refused | withdrawn
    Column("guardian", Id, ForeignKey("person.id")),  # who answered last
    Column("door", String(16), nullable=False, server_default=""),
    Column("round", Id, nullable=False, server_default="0"),  # how often it was answered: each answer is told once
    Column("asked", Moment, nullable=False),
    Column("answered", Moment),
    UniqueConstraint("child", "shift"),
    Index("ix_permission_guardian", "guardian"),
)
