"""Recruiting by broadcast: campaign (what an author wrote and to whom), and the picture that goes with it."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, SmallInteger, String, Table, false

from storage.tables.kinds import Id, Json, Moment, Sealed, metadata

campaign = Table(
    "campaign",
    metadata,
    Column("id", Id, primary_key=True),
    Column("author", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("organisation", Id, ForeignKey("organisation.id")),  # for which it speaks; empty: for a place
    Column("place", Integer),
    Column("audience", Json, nullable=False),  # scope and conditions
    Column("texts", Json, nullable=False),  # one mapping a message: language → text
    Column("timing", Json, nullable=False),
    Column("activity", Id, ForeignKey("activity.id")),  # that its button opens
    Column("standing", String(16), nullable=False),
    Column("people", Integer, nullable=False, server_default="0"),  # counted when it was confirmed
    Column("step", SmallInteger, nullable=False, server_default="0"),  # messages that have been planned
    Column("created", Moment, nullable=False),
    Column("started", Moment),
    Column("decided_by", Id, ForeignKey("person.id")),  # the second person
    Column("reason", String(200), nullable=False, server_default=""),
    Column("mass", Boolean, nullable=False, server_default=false()),  # one of WeChat's mass messages may be used
    Index("ix_campaign_standing", "standing"),
    Index("ix_campaign_organisation", "organisation", "id"),
)

campaign_picture = Table(
    "campaign_picture",
    metadata,
    Column("campaign", Id, ForeignKey("campaign.id"), primary_key=True),
    Column("picture", Sealed, nullable=False),  # JPEG, made fit for every door
    Column("kept", Moment),  # tells it from the one before it: platforms keep what they fetched from an address
)
