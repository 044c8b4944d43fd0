"""What a city has before it serves: an organisation and its activities, made by the desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from bot.desk.desk import Desk
from bot.domain.activities import Plan, Published
from bot.domain.people import Person
from bot.domain.roles import Role
from storage import people
from storage.tables.activities import organisation
from storage.tables.people import person
from tests.conversations.kit import Town


async def publish(
    town: Town, title: str, seats: int, after: timedelta, hours: float = 2, at: datetime | None = None
) -> int:
    """An activity in Haidian that begins so much after now; its number."""
    town.at = at or datetime.now(UTC).replace(microsecond=0)
    async with town.database.write() as unit:
        made = insert(person).values(number=f"V{title[:9]}", created=town.at).returning(person.c.id)
        organiser = (await unit.run(made)).scalar_one()
        founded = organisation.insert().values(
            name="海淀绿芽志愿服务队", english="Haidian Green Shoots", type="association", level="district",
            place=110108, created=town.at,
        )  # fmt: skip
        group = (await unit.run(founded.returning(organisation.c.id))).scalar_one()
        await people.appoint(unit, organiser, Role.ORGANISER, group, None, town.at)
        starts = town.at + after
        plan = Plan(title, "environment", starts, starts + timedelta(hours=hours), 110108, "East Gate", seats, "")
        desk = Desk(unit, Person(organiser, "", "en"), town.at, town.city)
        published = await desk.organising.publish(group, plan)
        assert isinstance(published, Published), published
    return published.activity
