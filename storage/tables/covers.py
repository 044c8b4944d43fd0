"""Calls for cover: one row for a shift and what it lacks."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from storage.tables.kinds import Id, Moment, metadata

cover = Table(
    "cover",
    metadata,
    Column("id", Id, primary_key=True),
    Column("shift", Id, ForeignKey("shift.id"), nullable=False),
    Column("kind", String(16), nullable=False, server_default="cover"),  # cover | lead
    Column("state", String(16), nullable=False, server_default="off"),  # off | running | filled | stopped | over
    Column("automatic", Boolean, nullable=False, server_default=text("false")),  # calls by itself when it is short
    Column("rounds", Integer, nullable=False, server_default="0"),
    Column("next_at", Moment),
    Column("created_by", Id, ForeignKey("person.id")),
    Column("changed", Moment, nullable=False),
    UniqueConstraint("shift", "kind"),
    Index(
        "ix_cover_running",
        "next_at",
        postgresql_where=text("state = 'running'"),
        sqlite_where=text("state = 'running'"),
    ),
)
