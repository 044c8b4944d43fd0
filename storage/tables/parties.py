"""Coming together: teams, their members, and what one person asks another about a shift."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, UniqueConstraint, text

from storage.tables.kinds import Id, Moment, metadata

team = Table(
    "team",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(60), nullable=False),
    Column("kind", String(16), nullable=False),  # family | friends | school | employer | residents
    Column("code", String(16), nullable=False, unique=True),  # who has it may join: it is passed around
    Column("leader", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("made", Moment, nullable=False),
    Column("ended", Moment),
)

team_member = Table(
    "team_member",
    metadata,
    Column("id", Id, primary_key=True),
    Column("team", Id, ForeignKey("team.id"), nullable=False),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("since", Moment, nullable=False),
    UniqueConstraint("team", "person"),
)

invitation = Table(
    "invitation",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),  # team | handover | swap | cover | lead
    Column("shift", Id, ForeignKey("shift.id"), nullable=False),
    Column("person", Id, ForeignKey("person.id")),  # who is asked; empty: whoever has the code
    Column("inviter", Id, ForeignKey("person.id")),  # empty: Menkou itself
    Column("enrolment", Id, ForeignKey("enrolment.id")),  # the inviter's own place
    Column("team", Id, ForeignKey("team.id")),
    Column("held", Boolean, nullable=False, server_default=text("false")),  # a seat waits for the answer
    Column("code", String(32), unique=True),  # blind index
    Column("state", String(16), nullable=False, server_default="open"),  # open | accepted | refused | over
    Column("made", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("answered", Moment),
    Index("ix_invitation_shift_person", "shift", "person"),
    Index("ix_invitation_person_made", "person", "made"),
    Index(
        "ix_invitation_open",
        "until",
        postgresql_where=text("state = 'open'"),
        sqlite_where=text("state = 'open'"),
    ),
)
