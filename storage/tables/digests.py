"""Who wants a weekly letter of what is new, and when."""

from sqlalchemy import Column, ForeignKey, Index, SmallInteger, Table

from storage.tables.kinds import Id, Moment, metadata

digest = Table(
    "digest",
    metadata,
    Column("person", Id, ForeignKey("person.id"), primary_key=True, autoincrement=False),
    Column("weekday", SmallInteger, nullable=False),  # 0 is Monday, in the city's time
    Column("hour", SmallInteger, nullable=False),
    Column("since", Moment, nullable=False),
    Index("ix_digest_weekday_hour", "weekday", "hour", "person"),
)
