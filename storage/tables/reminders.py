"""When those who come to an activity are reminded, where its organiser chose other moments than everybody's."""

from sqlalchemy import Column, ForeignKey, Integer, Table

from storage.tables.kinds import Id, Moment, metadata

reminding = Table(
    "reminding",
    metadata,
    Column("activity", Id, ForeignKey("activity.id"), primary_key=True),
    Column("minutes", Integer, primary_key=True, autoincrement=False),  # before the start
    Column("since", Moment, nullable=False),  # when it was chosen: a moment that had passed by then is not made up for
)
