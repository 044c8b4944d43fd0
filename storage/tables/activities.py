"""What there is to do: organisation, membership, activity, shift."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from storage.tables.kinds import Id, Json, Moment, Sealed, metadata

organisation = Table(
    "organisation",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("english", String(160), nullable=False, server_default=""),
    Column("type", String(16), nullable=False),  # government | association | employer | residents
    Column("level", String(16), nullable=False),  # city | district | street
    Column("place", Integer, nullable=False),
    Column("state", String(16), nullable=False, server_default="active"),  # active | frozen
    Column("created", Moment, nullable=False),
)

membership = Table(
    "membership",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("organisation", Id, ForeignKey("organisation.id")),  # an organiser's organisation
    Column("place", Integer),  # or the node of the place tree that a centre looks after
    Column("since", Moment, nullable=False),
    UniqueConstraint("person", "role", "organisation", "place"),
)

activity = Table(
    "activity",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organisation", Id, ForeignKey("organisation.id"), nullable=False, index=True),
    Column("title", String(200), nullable=False),
    Column("english", String(240), nullable=False, server_default=""),
    Column("about", Text, nullable=False, server_default=""),
    Column("kind", String(16), nullable=False),
    Column("risk", String(8), nullable=False, server_default="low"),
    Column("minimum_age", SmallInteger, nullable=False, server_default="0"),
    Column("district", Integer, nullable=False),
    Column("street", Integer),
    Column("address", String(200), nullable=False),
    Column("latitude", Float),  # WGS-84
    Column("longitude", Float),
    Column("starts", Moment, nullable=False),
    Column("ends", Moment, nullable=False),
    Column("state", String(16), nullable=False, server_default="open"),  # draft | open | cancelled | gone (no draft)
    Column("revision", Integer, nullable=False, server_default="1"),  # raised by every change people must hear of
    Column("secret", Sealed, nullable=False),  # of the rotating check-in code
    Column("words", Text, nullable=False, server_default=""),  # search tokens
    Column("created_by", Id, ForeignKey("person.id"), nullable=False),
    Column("created", Moment, nullable=False),
    Column("changed", Moment, nullable=False),
    Column("approval", Boolean, nullable=False, server_default=text("false")),  # the organiser lets people in
    Column("questions", Json),  # the organiser's own, asked at sign-up
    Column("leave_before", Integer, nullable=False, server_default="0"),  # minutes before the start: later is late
    Column("counts_as", String(16), nullable=False, server_default="service"),  # service | training | duty | giving
    Column("cover_before", SmallInteger),  # minutes on the way there; empty: as the rules say
    Column("cover_after", SmallInteger),
    Index("ix_activity_state_starts", "state", "starts"),
    Index("ix_activity_district_starts", "district", "starts"),
)

shift = Table(
    "shift",
    metadata,
    Column("id", Id, primary_key=True),
    Column("activity", Id, ForeignKey("activity.id"), nullable=False, index=True),
    Column("starts", Moment, nullable=False, index=True),
    Column("ends", Moment, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("taken", Integer, nullable=False, server_default="0"),
    Column("next_queue", Integer, nullable=False, server_default="0"),
    Column("seated", Boolean, nullable=False, server_default=text("false")),  # did the latest join get a seat?
    Column("role", String(60), nullable=False, server_default=""),
    Column("role_english", String(80), nullable=False, server_default=""),
    Column("minimum_age", SmallInteger, nullable=False, server_default="0"),  # beside the activity's
    Column("needs", Json),  # codes of skills that must be proven
    CheckConstraint("taken <= capacity", name="never_oversold"),
    CheckConstraint("taken >= 0", name="never_negative"),
)
