"""Numbers of identity documents, for insurers: which activities need them, and who gave one."""

from sqlalchemy import Column, ForeignKey, String, Table

from storage.tables.kinds import Id, Moment, Sealed, metadata

document_need = Table(
    "document_need",
    metadata,
    Column("activity", Id, ForeignKey("activity.id"), primary_key=True),
    Column("since", Moment, nullable=False),
)

document = Table(
    "document",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("enrolment", Id, ForeignKey("enrolment.id"), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),  # resident | permit | passport
    Column("number", Sealed, nullable=False),  # bound to the sign-up
    Column("given", Moment, nullable=False),
)
