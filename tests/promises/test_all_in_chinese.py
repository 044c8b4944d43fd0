"""No reply to somebody who reads Chinese has an English sentence in it: every script, by everybody, at every door."""

from __future__ import annotations

import gettext
import itertools
import re

import pytest
from sqlalchemy import update

from bot.talk import wording
from storage.tables.people import person
from tests.conversations.kit import DOORS, Town
from tests.promises.rights import CODES, OWN, TABLE, Line, Who, World
from tests.promises.test_rights import rehearsed
from tests.promises.world import built

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])  # words are the same on both

SENTENCE = re.compile(r"[A-Za-z][a-z']+(?:[ ,;:]+[A-Za-z][a-z']*){2,}")
"""Three English words in a row: more than a name or a term."""

SAID = re.compile(r"https?://\S+|→ \S+")
"""Addresses, and where buttons lead."""

EVERY = (*TABLE, *(Line(script, (), frozenset(Who)) for script in sorted({*OWN, *CODES})))


@pytest.fixture
async def world(town: Town) -> World:
    return await built(town)


async def in_english(town: Town, world: World, door: str) -> dict[str, str]:
    """What a reader of Chinese is told in English, by script."""
    async with town.database.write() as unit:
        await unit.run(update(person).values(language="zh_CN"))
    found = {}
    for line, who in itertools.product(EVERY, (Who.OWNER, Who.ORGANISER, Who.STRANGER, Who.CITY)):
        answer = SAID.sub("", await rehearsed(town, door, who, line, world.asked(line, there=True)))
        for said in ("It was longer", *(f"Ann {name}"[:20] for name in Who)):  # what people of this world wrote
            answer = answer.replace(said, "")
        if sentence := SENTENCE.search(answer):
            found[line.script] = sentence[0]
    return found


@pytest.mark.parametrize("door", sorted(DOORS))
async def test_nothing_is_said_in_english(town: Town, world: World, door: str) -> None:
    assert await in_english(town, world, door) == {}


async def test_without_the_catalogue_it_would_be_heard(
    town: Town, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(wording, "catalogue", lambda _language: gettext.NullTranslations())
    # What these remember is Chinese, and what they would learn here no other test may hear.
    for remembered in ("_in_language", "_without_values"):
        monkeypatch.setattr(wording, remembered, getattr(wording, remembered).__wrapped__)
    assert len(await in_english(town, world, "web")) > 50
