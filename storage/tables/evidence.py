"""How each presence was proven, piece by piece; rows are only added."""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, text

from storage.tables.kinds import Id, Moment, metadata

evidence = Table(
    "evidence",
    metadata,
    Column("id", Id, primary_key=True),
    Column("attendance", Id, ForeignKey("attendance.id"), nullable=False, index=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),  # whose presence it is
    Column("given_by", Id, ForeignKey("person.id"), index=True),  # empty: Menkou itself
    Column("kind", String(16), nullable=False),
    Column("part", String(16), nullable=False),  # arrival | departure | whole
    Column("at", Moment, nullable=False),
    Column("step", Integer),  # of the rotating code
    Column("band", String(16)),  # of the distance from the place; the point itself is not kept
    Column("accuracy", Integer),  # metres
    Column("photo", String(32)),  # blind index of the platform's key; the picture is not kept
    Column("nonce", String(64), unique=True),  # of a tick on the leader's page
    Column("sampled", Boolean, nullable=False, server_default=text("false")),  # drawn for the audit
)
