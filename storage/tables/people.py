"""Who somebody is and where they can be reached: person, identity, conversation, consent, membership, subscription."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, SmallInteger, String, Table, UniqueConstraint, text

from storage.tables.kinds import Id, Json, Moment, Sealed, metadata

person = Table(
    "person",
    metadata,
    Column("id", Id, primary_key=True),
    Column("number", String(16), nullable=False, unique=True),  # the volunteer number, public, unguessable
    Column("language", String(8)),
    Column("elder", Boolean, nullable=False, server_default=text("false")),
    Column("quiet_from", SmallInteger),  # minutes after midnight; empty: the city's hours
    Column("quiet_until", SmallInteger),
    Column("district", Integer),
    Column("born", SmallInteger),  # year, kept only when an activity asked for an age
    Column("name", Sealed),
    Column("phone", Sealed),
    Column("phone_index", String(32), index=True),
    Column("created", Moment, nullable=False),
    Column("seen", Moment),
    Column("erasing", Moment),  # asked to be erased: nothing but the undo until this moment, nobody after it
    Column("merged", Id),  # one person with this one now (not a key: rows are put back in the order of their numbers)
    Column("refuses", SmallInteger),  # a sum of bot.domain.notices.Stream; empty: nothing
)

identity = Table(
    "identity",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("door", String(16), nullable=False),
    Column("external", String(64), nullable=False),
    Column("open", Boolean, nullable=False, server_default=text("true")),  # false: blocked, unfollowed, gone
    Column("inbound", Moment),  # the last message that came in
    Column("window_until", Moment),  # WeChat: until when we may speak first, and how often still
    Column("window_left", SmallInteger),
    Column("action_until", Moment),  # the same after a menu click, a scan, a follow
    Column("action_left", SmallInteger),
    UniqueConstraint("door", "external"),
)

conversation = Table(
    "conversation",
    metadata,
    Column("person", Id, ForeignKey("person.id"), primary_key=True),
    Column("session", Sealed, nullable=False),
    Column("pushed", Json),  # the options under what we last said first, so that a typed number means them
    Column("pushed_at", Moment),
    Column("emptied", Moment),  # they had fallen silent: what lay here went; worth something until they write again
    Column("pushed_before", Json),  # the same under what we had said first before that: they may not have seen the last
    Column("pushed_before_at", Moment),
)

consent = Table(
    "consent",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("version", String(16), nullable=False),
    Column("door", String(16), nullable=False),
    Column("given", Moment, nullable=False),
    Column("withdrawn", Moment),
    Column("guardian", Id, ForeignKey("person.id")),  # who gave it in a child's stead
    Index("ix_consent_person_purpose", "person", "purpose"),
)

subscription = Table(
    "subscription",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False),
    Column("topic", String(16), nullable=False),  # district | kind
    Column("value", String(32), nullable=False),
    Column("since", Moment, nullable=False),
    UniqueConstraint("person", "topic", "value"),
    Index("ix_subscription_topic_value", "topic", "value", "person"),
)
