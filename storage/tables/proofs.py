"""What was certified and who asked: certificate, verification."""

from sqlalchemy import Column, Date, ForeignKey, Index, String, Table

from storage.tables.kinds import Id, Json, Moment, Sealed, metadata

certificate = Table(
    "certificate",
    metadata,
    Column("id", Id, primary_key=True),
    Column("number", String(28), nullable=False, unique=True),  # 128 random bits and their check
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("volunteer", String(16), nullable=False),  # their public number, as printed
    Column("organisation", Id, ForeignKey("organisation.id"), nullable=False, index=True),  # who recorded certifies
    Column("issuer", String(120), nullable=False),  # its name on that day, in Chinese
    Column("issuer_english", String(160), nullable=False, server_default=""),
    Column("since", Date, nullable=False),  # days in the city's zone, both included
    Column("until", Date, nullable=False),
    Column("minutes", Json, nullable=False),  # by grade
    Column("entries", Json, nullable=False),  # the records as they stood: the copy that the issuer must keep
    Column("name", Sealed, nullable=False),  # of the volunteer, as issued
    Column("responsible", Sealed),  # the issuer's responsible person, as issued
    Column("issued", Moment, nullable=False),
    Column("state", String(16), nullable=False, server_default="valid"),  # valid | withdrawn
    Column("reason", String(16), nullable=False, server_default=""),  # of a withdrawal
    Column("withdrawn", Moment),
    Column("replaces", Id),  # the withdrawn one in whose place it was issued
    Column("content", String(32), nullable=False),  # keyed hash of all that it says
    Index("ix_certificate_person_content", "person", "content"),
)

verification = Table(
    "verification",
    metadata,
    Column("id", Id, primary_key=True),
    Column("certificate", Id, ForeignKey("certificate.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("person", Id, ForeignKey("person.id")),  # who asked in a chat; empty: somebody on the public page
    Index("ix_verification_certificate_at", "certificate", "at"),
)
