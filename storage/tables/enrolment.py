"""Who has a seat and whose minutes counted: enrolment, attendance, record, and the log of every move."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, SmallInteger, String, Table, UniqueConstraint, text

from storage.tables.kinds import Id, Json, Moment, Sealed, metadata

enrolment = Table(
    "enrolment",
    metadata,
    Column("id", Id, primary_key=True),
    Column("shift", Id, ForeignKey("shift.id"), nullable=False),
    Column("person", Id, ForeignKey("person.id"), nullable=False),
    Column("queue", Integer, nullable=False),  # the order in which people were answered
    Column("state", String(16), nullable=False),  # bot.domain.enrolment.Stand
    Column("joined", Moment, nullable=False),
    Column("changed", Moment, nullable=False),
    Column("reason", String(200)),  # of a cancellation or an absence: a word of bot.domain.reliability.REASONS
    Column("offered_until", Moment),  # until when a freed seat is held for them
    Column("offers", Integer, nullable=False, server_default="0"),  # ever made to them: each is told once
    Column("lapses", Integer, nullable=False, server_default="0"),  # that ran out since they queued
    Column("admitted", Boolean, nullable=False, server_default=text("true")),  # false: the organiser decides first
    Column("ended_by", String(16)),  # who cancelled: self | organiser | rule
    Column("late", Integer),  # minutes after the deadline at which a seat was given up; empty: in time
    Column("answers", Sealed),  # to the organiser's own questions
    Column("why", Sealed),  # what the organiser wrote when they let somebody in against a rule, or declined
    Column("guests", SmallInteger, nullable=False, server_default="0"),  # seats beside their own: companions, team
    Column("promised", Boolean, nullable=False, server_default=text("true")),  # false: came or moved without their yes
    UniqueConstraint("shift", "person"),
    UniqueConstraint("shift", "queue"),
    Index("ix_enrolment_person_state", "person", "state"),
    Index(
        "ix_enrolment_waiting",
        "shift",
        "queue",
        postgresql_where=text("state = 'waiting'"),
        sqlite_where=text("state = 'waiting'"),
    ),
    Index(
        "ix_enrolment_offered",
        "offered_until",
        postgresql_where=text("state = 'offered'"),
        sqlite_where=text("state = 'offered'"),
    ),
)

attendance = Table(
    "attendance",
    metadata,
    Column("id", Id, primary_key=True),
    Column("enrolment", Id, ForeignKey("enrolment.id"), nullable=False, unique=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("arrived", Moment, nullable=False),
    Column("left", Moment),
    Column("arrived_by", String(16), nullable=False),  # evidence: code | link | leader
    Column("left_by", String(16)),  # code | link | leader | rule
    Column("stood", String(16)),  # where the sign-up stood before; cancelled: it was made on the spot
)

record = Table(
    "record",
    metadata,
    Column("id", Id, primary_key=True),
    Column("attendance", Id, ForeignKey("attendance.id"), nullable=False, unique=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False),
    Column("organisation", Id, ForeignKey("organisation.id"), nullable=False),
    Column("activity", Id, ForeignKey("activity.id"), nullable=False),
    Column("starts", Moment, nullable=False),
    Column("ends", Moment, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("grade", String(1), nullable=False),  # A two-sided, B one-sided
    Column("state", String(16), nullable=False),  # counted | zero
    Column("why", Json),  # of a zero, or of a part by the day's cap: the rule's fact and its numbers
    Column("rules", String(32), nullable=False),  # the rule set that made the number
    Column("made", Moment, nullable=False),
    Column("training", Integer, nullable=False, server_default="0"),  # minutes that are no service
    Column("settles", Moment),  # when its public notice is over; empty: final from the first
    Column("cover_starts", Moment),  # covered on the way there and back; never service
    Column("cover_ends", Moment),
    Column("fresh", Boolean, nullable=False, server_default=text("false")),  # nobody has looked for anything odd yet
    Index("ix_record_person_starts", "person", "starts"),
    Index("ix_record_fresh", "made", postgresql_where=text("fresh"), sqlite_where=text("fresh")),
)

wrong_code = Table(
    "wrong_code",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Id, nullable=False),
    Column("activity", Id),
    Column("at", Moment, nullable=False),
    Index("ix_wrong_code_person_at", "person", "at"),
    Index("ix_wrong_code_activity_at", "activity", "at"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Id),  # empty: Menkou itself
    Column("door", String(16), nullable=False, server_default=""),
    Column("deed", String(32), nullable=False),
    Column("target", String(48), nullable=False, index=True),  # enrolment:17
    Column("before", String(48)),
    Column("after", String(48)),
    Column("seal", String(48)),  # keyed, over the row as it was written; `storage.audit` says what chains the rows
    Column("chain", Id, unique=True),  # place in the chain, 1, 2, 3 …; empty: not chained yet
    Column("hash", String(64)),  # keyed, over this row and the hash before it
)
