"""No name, telephone or document number goes to a platform whose servers stand abroad: over every script by everybody,
and (in the kit, at the end of each) over every conversation that the tests tell."""

from __future__ import annotations

import itertools

import pytest

from bot.desk import subject
from bot.domain.people import ABROAD
from storage import people
from tests.conversations.kit import DOORS, MONDAY, Chat, Town
from tests.promises.rights import TABLE, Who, World
from tests.promises.test_rights import rehearsed
from tests.promises.world import built

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])  # what a door may show has nothing to do with the database


@pytest.fixture
async def world(town: Town) -> World:
    return await built(town)


async def naming(town: Town, world: World, door: str) -> set[str]:
    """The scripts that show somebody's whole name or number through a door, over everybody who asks."""
    async with town.database.read() as unit:
        known = await people.personal(unit, town.city.secrecy, list(world.people.values()))
    secret = {said for pair in known.values() for said in pair if said} | {"13800138000"}
    found = set()
    for line, who in itertools.product(TABLE, Who):
        answer = await rehearsed(town, door, who, line, world.asked(line, there=True))
        found |= {line.script for said in secret if said in answer}
    return found


async def test_no_script_names_anybody_abroad(town: Town, world: World) -> None:
    for door in ABROAD:
        assert await naming(town, world, door) == set()


async def test_at_home_the_same_scripts_name_people(town: Town, world: World) -> None:
    """The control: the scan would see them."""
    (home, *_more) = sorted(set(DOORS) - ABROAD)
    assert await naming(town, world, home) >= {"roster", "decide", "present"}


async def told(town: Town) -> list[str]:
    olga, ann = Chat(town, "telegram", "Olga"), Chat(town, "telegram", "Ann")
    activity = await town.publishes(olga, "Reading to children", MONDAY.replace(day=28))
    await ann.joins(activity)
    await olga.opens("roster", activity)
    await ann.says("mydata")
    return await town.told_abroad()


async def test_a_story_told_abroad_names_nobody(town: Town) -> None:
    assert await told(town) == []


async def test_without_the_rule_the_kit_would_have_heard_it(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of what the kit looks for at the end of every story."""
    monkeypatch.setattr(subject, "as_shown", lambda name, *_rest: name)
    monkeypatch.setattr(subject, "phone_as_shown", lambda phone, *_rest: phone)
    assert len(await told(town)) == 2
