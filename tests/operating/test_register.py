"""A real city begins with an organisation and its organiser: both by the command line, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from bot import commands
from bot.domain.roles import Post, Role
from bot.settings import NotPossible, Settings
from storage import migrate, people
from storage.database import Database
from storage.secrecy import Secrecy
from tests.operating.conftest import NOW

KEY = "a key that only the test of registering uses"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, secret_key=SecretStr(KEY))


@pytest.fixture
def database(settings: Settings) -> Database:
    return Database(settings.database_url, Secrecy(KEY))


async def numbered(database: Database, name: str) -> tuple[int, str]:
    async with database.write() as unit:
        person = (await people.meet(unit, "web", name, "en", NOW)).person
        return person.id, person.number


async def test_an_organisation_is_registered_and_somebody_is_made_its_organiser(
    settings: Settings, database: Database
) -> None:
    await migrate.upgrade(database)
    who, number = await numbered(database, "zhao")
    said = await commands.register(settings, "海淀绿芽志愿服务队", 110108, "association", "Haidian Green Shoots")
    assert "has the number 1" in said
    assert "海淀" in await commands.grant(settings, number.lower(), "organiser", "1")
    await commands.grant(settings, number, "organiser", "1")
    assert "海淀区" in await commands.grant(settings, number, "centre", "110108")
    async with database.read() as unit:
        posts = await people.posts(unit, who)
    assert posts == [Post(Role.ORGANISER, organisation=1), Post(Role.CENTRE, place=110108)]
    await database.close()


@pytest.mark.parametrize(
    "wrong", [{"place": 7}, {"type_": "club"}, {"name": "x"}, {"name": "海淀绿芽志愿服务队"}], ids=str
)
async def test_what_cannot_be_registered_is_told_in_one_line(
    settings: Settings, database: Database, wrong: dict[str, Any]
) -> None:
    await migrate.upgrade(database)
    await commands.register(settings, "海淀绿芽志愿服务队", 110108, "association", "")
    asked = {"name": "另一支队伍", "place": 110108, "type_": "association", "english": ""} | wrong
    with pytest.raises(NotPossible) as refused:
        await commands.register(settings, **asked)
    assert "\n" not in str(refused.value)
    await database.close()
