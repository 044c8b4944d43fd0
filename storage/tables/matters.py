"""What is asked about records, and what was changed in them: matter, matter_word, correction."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, text

from storage.tables.kinds import Id, Json, Moment, Sealed, metadata

matter = Table(
    "matter",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),  # dispute | overlap | objection | review
    Column("mark", String(64), nullable=False, unique=True),  # what it is about, so that it is opened once
    Column("record", Id, ForeignKey("record.id"), nullable=False, index=True),
    Column("other", Id, ForeignKey("record.id"), index=True),  # of an overlap
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),  # whose minutes they are
    Column("organisation", Id, ForeignKey("organisation.id"), nullable=False, index=True),  # who recorded
    Column("node", Integer),  # the centre where it stands; empty: with who recorded
    Column("state", String(16), nullable=False),  # open | settled
    Column("verdict", String(16)),
    Column("facts", Json),  # of a review: the rule and its numbers
    Column("opened", Moment, nullable=False),
    Column("due", Moment, nullable=False),  # when it goes on by itself
    Column("settled", Moment),
    Index(
        "ix_matter_due",
        "due",
        postgresql_where=text("state = 'open'"),
        sqlite_where=text("state = 'open'"),
    ),
)

matter_word = Table(
    "matter_word",
    metadata,
    Column("id", Id, primary_key=True),
    Column("matter", Id, ForeignKey("matter.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("person", Id, ForeignKey("person.id"), index=True),  # who said it; empty: Menkou, when a clock ran out
    Column("organisation", Id),  # that they spoke for
    Column("node", Integer),  # the centre that they spoke for
    Column("said", String(16), nullable=False),
    Column("words", Sealed),
)

correction = Table(
    "correction",
    metadata,
    Column("id", Id, primary_key=True),
    Column("record", Id, ForeignKey("record.id"), nullable=False, index=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),  # who corrects
    Column("second", Id, ForeignKey("person.id"), index=True),  # who agreed or refused, where two are needed
    Column("matter", Id, ForeignKey("matter.id")),  # the question that it answers
    Column("before", Json, nullable=False),  # from, to (milliseconds), minutes, reason of a zero
    Column("after", Json, nullable=False),
    Column("words", Sealed),  # why
    Column("state", String(16), nullable=False),  # waiting | done | refused
    Column("asked", Moment, nullable=False),
    Column("decided", Moment),
)
