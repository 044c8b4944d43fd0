"""What people may do with their own data, and who is one person: erasure, takeaway, link codes and offers, merge."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, text

from storage.tables.kinds import Id, Moment, Sealed, metadata

erasure = Table(
    "erasure",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("identity", Id),  # only this address (unfollowed); empty: the whole person
    Column("door", String(16), nullable=False),
    Column("asked", Moment, nullable=False),
    Column("due", Moment, nullable=False),
    Column("undone", Moment),
    Column("done", Moment),
    Column("scrubbed", Moment),  # when the database's file held no trace any more
    Index(
        "ix_erasure_due",
        "due",
        postgresql_where=text("undone IS NULL AND scrubbed IS NULL"),
        sqlite_where=text("undone IS NULL AND scrubbed IS NULL"),
    ),
)

erased = Table(
    "erased",
    metadata,
    Column("fingerprint", String(32), primary_key=True),  # blind index of a volunteer number or an address
    Column("at", Moment, nullable=False),
)

takeaway = Table(
    "takeaway",
    metadata,
    Column("token", String(32), primary_key=True),  # blind index: the address itself is not kept
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("made", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Column("used", Moment),
    Column("activity", Id),  # an insurer's list of this activity; both empty: one's own data
    Column("campaign", Id),  # the list of this campaign's messages
)

link_code = Table(
    "link_code",
    metadata,
    Column("code", String(32), primary_key=True),  # blind index
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("made", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
)

link_try = Table(
    "link_try",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_link_try_person_at", "person", "at"),
)

link_offer = Table(
    "link_offer",
    metadata,
    Column("id", Id, primary_key=True),
    Column("shower", Id, ForeignKey("person.id"), nullable=False, index=True),  # showed the code, agrees last
    Column("typer", Id, ForeignKey("person.id"), nullable=False, index=True),  # typed it and has agreed
    Column("made", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
)

merge = Table(
    "merge",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kept", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("gone", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("door", String(16), nullable=False),
    Column("made", Moment, nullable=False),
    Column("until", Moment, nullable=False),  # can be undone
    Column("undone", Moment),
    Column("settled", Moment),  # the week is over: nothing is kept that only the undo needed
    Column("before", Sealed),
)
