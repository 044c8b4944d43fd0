"""What people say that they did where nothing else shows it, and what the organiser decided."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, text

from storage.tables.kinds import Id, Moment, Sealed, metadata

claim = Table(
    "claim",
    metadata,
    Column("id", Id, primary_key=True),
    Column("enrolment", Id, ForeignKey("enrolment.id"), nullable=False, index=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),  # whose claim it is
    Column("starts", Moment, nullable=False),
    Column("ends", Moment, nullable=False),
    Column("what", Sealed),  # in their own words
    Column("photo", String(32)),  # blind index of the platform's key; the picture is not kept
    Column("state", String(16), nullable=False),  # open | approved | declined
    Column("given_by", Id, ForeignKey("person.id"), index=True),  # who decided
    Column("made", Moment, nullable=False),
    Column("decided", Moment),
    Column("reason", Sealed),  # of a refusal, in the organiser's words
    Index(
        "uq_claim_enrolment_open",
        "enrolment",
        unique=True,
        postgresql_where=text("state = 'open'"),
        sqlite_where=text("state = 'open'"),
    ),
)
