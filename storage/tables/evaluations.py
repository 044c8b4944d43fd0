"""What people say of an activity after it: stars, and words if they like."""

from sqlalchemy import Column, ForeignKey, SmallInteger, Table

from storage.tables.kinds import Id, Moment, Sealed, metadata

evaluation = Table(
    "evaluation",
    metadata,
    Column("id", Id, primary_key=True),
    Column("enrolment", Id, ForeignKey("enrolment.id"), nullable=False, unique=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("stars", SmallInteger, nullable=False),  # 1 to 5
    Column("words", Sealed),
    Column("at", Moment, nullable=False),
)
