"""What people can do, with its proof and the organisation that looked at it."""

from sqlalchemy import Column, Date, ForeignKey, Index, String, Table

from storage.tables.kinds import Id, Moment, Sealed, metadata

skill = Table(
    "skill",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("code", String(24), nullable=False),
    Column("organisation", Id, ForeignKey("organisation.id"), nullable=False),  # which is asked to look at the proof
    Column("proof", Sealed, nullable=False),  # document, issuer, number, photo
    Column("expires", Date),  # the last day; empty: it does not run out
    Column("state", String(16), nullable=False),  # proposed | accepted | declined
    Column("proposed", Moment, nullable=False),
    Column("decided", Moment),
    Index("ix_skill_organisation_state", "organisation", "state"),
    Index("ix_skill_state_expires", "state", "expires"),
)
