"""What somebody on WeChat still lets us send of each kind of notice: counted up by their consents, down by messages."""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, UniqueConstraint, text

from storage.tables.kinds import Id, Moment, metadata

notice_grant = Table(
    "notice_grant",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("external", String(64), nullable=False),  # the address: a consent belongs to an account, not to a person
    Column("template", String(64), nullable=False),
    Column("left", Integer, nullable=False, server_default="0"),  # subscription notices: one consent, one message
    Column("declined", Boolean, nullable=False, server_default=text("false")),  # wants none of this template
    Column("heard", Moment),  # the latest consent that was counted: the platform may tell it twice
    UniqueConstraint("external", "template"),
)
