"""What is agreed in writing: an activity's terms, the texts that were shown, and who accepted which."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from storage.tables.kinds import Id, Json, Moment, metadata

terms = Table(
    "terms",
    metadata,
    Column("activity", Id, ForeignKey("activity.id"), primary_key=True),
    Column("insurance", String(64), nullable=False, server_default=""),  # number of the policy
    Column("risks", Text, nullable=False, server_default=""),
    Column("conditions", Json, nullable=False),  # those of article 18 that only the organiser can know
    Column("stated_by", Id, ForeignKey("person.id"), nullable=False),  # the organiser's side of every agreement
    Column("stated", Moment, nullable=False),
)

agreement_text = Table(
    "agreement_text",
    metadata,
    Column("id", Id, primary_key=True),
    Column("activity", Id, ForeignKey("activity.id"), nullable=False),
    Column("digest", String(32), nullable=False),
    Column("version", String(16), nullable=False),
    Column("revision", Integer, nullable=False),  # of the activity, when it was shown
    Column("text", Text, nullable=False),  # names nobody: the volunteer stands in `agreement`
    Column("offered_by", Id, ForeignKey("person.id"), nullable=False),  # who accepted it for the organisation
    Column("offered", Moment, nullable=False),
    UniqueConstraint("activity", "digest"),
)

agreement = Table(
    "agreement",
    metadata,
    Column("id", Id, primary_key=True),
    Column("text", Id, ForeignKey("agreement_text.id"), nullable=False),
    Column("person", Id, ForeignKey("person.id"), nullable=False),
    Column("accepted_by", Id, ForeignKey("person.id"), nullable=False),  # a minor's guardian; else the same person
    Column("conditions", Json, nullable=False),
    Column("door", String(16), nullable=False),
    Column("accepted", Moment, nullable=False),
    UniqueConstraint("text", "person"),
    Index("ix_agreement_person", "person"),
)
