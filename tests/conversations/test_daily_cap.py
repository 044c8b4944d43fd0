"""A city whose day counts at most eight hours: what is beyond says so and can be disputed, whoever recorded it; through
every door's numbers, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from bot.desk import counting
from bot.domain.rulesets import with_own
from storage import people
from storage.tables.enrolment import record
from storage.tables.matters import matter
from tests.conversations.kit import Chat, Town
from tests.conversations.test_ledger import SATURDAY, minutes_of, rows, second_organisation, was_there, watched
from tests.conversations.test_linking import link as linked
from tests.conversations.test_linking import other as another

Open = Callable[..., Chat]

OWN = "name,chinese,english,since,daily_cap\nhere-2026,本地2026,Ours 2026,2026-11-01,480\n"


def caps(town: Town) -> None:
    """The city has switched the cap on."""
    town.city = town.turns.city = replace(town.city, rules=with_own(OWN))


async def long_day(town: Town, chat: Open) -> Chat:
    """Ann was there for eleven hours."""
    number = await town.publishes(chat("Olga"), "Reading to children", SATURDAY, hours=11)
    ann = chat("Ann")
    await was_there(town, ann, number, hours=11)
    return ann


async def test_a_capped_day_says_how_much_of_it_counts_and_can_be_disputed(town: Town, chat: Open) -> None:
    caps(town)
    ann = await long_day(town, chat)
    why = "8 of 11 h count: a day counts at most 8 h."
    assert why in ann.text  # at the check-out already
    assert "That is wrong" in ann.labels
    assert await minutes_of(town) == [480]
    answer = await ann.says("hours")
    assert "8 hours over 1 activity" in answer
    assert why in answer
    answer = await ann.opens("record", 1)
    assert why in answer
    assert "Counted by the rules “Ours 2026”." in answer
    await ann.picks("It is wrong")
    await ann.picks("It counts nothing, or too little")
    await ann.says("It was an emergency, the city asked for it.")
    [dispute] = await rows(town, select(matter))
    assert (dispute.kind, dispute.record) == ("dispute", 1)


async def test_where_no_set_has_a_cap_the_whole_day_counts(town: Town, chat: Open) -> None:
    """The control."""
    ann = await long_day(town, chat)
    assert "11 hours were counted" in ann.text
    assert "a day counts at most" not in await ann.says("hours")
    assert await minutes_of(town) == [660]


async def test_how_long_a_day_was_is_looked_at_by_what_was_spent_and_not_by_what_counts(
    town: Town, chat: Open
) -> None:
    caps(town)
    await long_day(town, chat)
    await watched(town, minutes=11)
    await watched(town)
    [review] = await rows(town, select(matter))
    assert (review.facts["rule"], review.facts["found"]) == ("long-day", 660)


async def two_organisations(town: Town, chat: Open, door: str) -> tuple[Chat, Chat]:
    """Ann was with one organisation from ten to four, and from another chat with another one from three to seven."""
    olga, otto, ann, there = chat("Olga"), chat("Otto"), chat("Ann"), another(town, door)
    await otto.says("menu")
    first = await town.publishes(olga, "Reading to children", SATURDAY, hours=6)
    mine, other = town.organisation, await second_organisation(town, otto)
    town.organisation = other
    second = await town.publishes(otto, "Clearing the yard", SATURDAY + timedelta(hours=5), hours=4)
    town.organisation = mine
    await was_there(town, ann, first, hours=6)
    await was_there(town, there, second, SATURDAY + timedelta(hours=5), hours=4)
    assert await minutes_of(town) == [360, 240]
    await linked(ann, there)
    return olga, ann


async def test_over_all_organisations_no_minute_counts_twice_and_then_the_day_is_capped(
    town: Town, chat: Open, door: str
) -> None:
    """Ten hours were recorded, nine were spent, eight count."""
    caps(town)
    _olga, ann = await two_organisations(town, chat, door)
    assert await minutes_of(town) == [360, 120]
    assert "2 of 3 h count: a day counts at most 8 h." in await ann.says("hours")


async def test_without_the_cap_only_the_shared_hour_is_missing(
    town: Town, chat: Open, door: str
) -> None:
    """The control."""
    await two_organisations(town, chat, door)
    assert await minutes_of(town) == [360, 180]


async def test_what_a_correction_takes_from_one_record_another_of_that_day_may_count(
    town: Town, chat: Open, door: str
) -> None:
    caps(town)
    olga, ann = await two_organisations(town, chat, door)
    await olga.opens("amend", 1)
    await olga.says("11:00-16:00")
    await olga.says("The bus was late, we began at eleven.")
    assert await minutes_of(town) == [300, 180]
    assert "a day counts at most" not in await ann.says("hours")


async def test_counting_a_capped_day_again_changes_nothing(
    town: Town, chat: Open, door: str
) -> None:
    caps(town)
    await two_organisations(town, chat, door)
    async with town.database.write() as unit:
        [whose] = set((await unit.run(select(record.c.person))).scalars())
        await people.lock(unit, whose)
        assert not await counting.again(unit, town.city, whose, SATURDAY, town.at)
