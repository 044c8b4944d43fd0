"""What WeChat's account keeps for us: codes that open an activity, tags for mass messages and who is under them."""

from sqlalchemy import Column, ForeignKey, Integer, SmallInteger, String, Table, UniqueConstraint

from storage.tables.kinds import Id, Moment, metadata

scene = Table(
    "scene",
    metadata,
    Column("link", String(64), primary_key=True),  # what scanning it starts
    Column("url", String(200), nullable=False),  # what the code holds
    Column("expires", Moment, nullable=False),
)

mass = Table(
    "mass",
    metadata,
    Column("id", Id, primary_key=True),
    Column("fanout", Id, ForeignKey("fanout.id"), nullable=False, unique=True),
    Column("tag", Integer, nullable=False),  # the platform's number of it
    Column("state", SmallInteger, nullable=False, server_default="0"),  # 0 being tagged, 1 on its way, 2 over
    Column("made", Moment, nullable=False),
)

tagged = Table(
    "tagged",
    metadata,
    Column("id", Id, primary_key=True),
    Column("mass", Id, ForeignKey("mass.id"), nullable=False),
    Column("person", Id, ForeignKey("person.id"), nullable=False, index=True),
    Column("external", String(64), nullable=False),
    UniqueConstraint("mass", "external"),
)
