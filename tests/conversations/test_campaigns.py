"""Writing to many: whom it means, who must agree, when it leaves, and that it stops; by the desk, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.desk import campaign_rounds
from bot.desk.organising import Organising
from bot.domain.activities import NotAllowed
from bot.domain.campaigns import (
    SECOND_PERSON,
    WEEKLY,
    Asked,
    Audience,
    Changed,
    Condition,
    Miscounted,
    NobodyMeant,
    Progress,
    Scope,
    Sent,
    Standing,
    Timing,
    Unwritable,
)
from bot.domain.roles import Role
from storage import fanouts, people
from storage.database import Unit
from storage.tables.delivery import Lane
from tests.conversations.campaign_kit import (
    CHAOYANG,
    HAIDIAN,
    centre,
    counted,
    crowd,
    desk_of,
    drafted,
    follower,
    organiser,
    sent,
)
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)


@pytest.fixture
async def zhao(town: Town) -> Chat:
    """The organiser."""
    return await organiser(town, Chat(town, "telegram", "zhao"))


def reader(town: Town, name: str, language: str = "en", door: str = "telegram") -> Chat:
    return Chat(town, door, name, language)


async def test_it_reaches_whoever_subscribes_and_nobody_else_each_in_their_language(town: Town, zhao: Chat) -> None:
    mei, ann, far = reader(town, "mei", "zh_CN"), reader(town, "ann"), reader(town, "far")
    await follower(town, mei, ("district", str(HAIDIAN)), language="zh_CN")
    await follower(town, ann, ("district", str(HAIDIAN)))
    await follower(town, far, ("district", str(CHAOYANG)))
    kept = await drafted(town, zhao)
    assert kept.people == 2
    await sent(town, zhao, kept)
    await town.waits(minutes=2)
    assert [page.text.splitlines()[0] for page in mei.pushed()] == ["来种树"]
    assert [page.text.splitlines()[0] for page in ann.pushed()] == ["Come and plant"]
    assert not far.pushed()
    await town.waits(minutes=1)
    async with desk_of(town, zhao) as desk:
        found = await desk.progress(kept.campaign.id)
    assert isinstance(found, Progress)
    assert (found.sent, found.waiting, found.campaign.standing) == (2, 0, Standing.DONE)
    assert any("is through" in page.text for page in zhao.pushed())


async def test_a_language_in_which_it_was_not_written_is_read_in_the_other(town: Town, zhao: Chat) -> None:
    mei = reader(town, "mei", "zh_CN")
    await follower(town, mei, ("district", str(HAIDIAN)), language="zh_CN")
    await sent(town, zhao, await drafted(town, zhao, texts=[{"en": "Only in English"}]))
    await town.waits(minutes=2)
    assert mei.pushed()[-1].text.startswith("Only in English")


async def test_each_condition_and_its_opposite_means_whom_it_says(town: Town, zhao: Chat) -> None:
    planted = await town.publishes(zhao, "Trees", SATURDAY, kind="environment")
    await follower(town, reader(town, "young"), ("district", str(HAIDIAN)), born=2020)
    en = await follower(town, reader(town, "ann"), ("district", str(HAIDIAN)), language="en")
    zh = await follower(town, reader(town, "mei"), ("kind", "environment"), language="zh_CN", district=CHAOYANG)
    await counted(town, en, 600, planted, town.organisation)
    town.at += timedelta(days=40)
    await reader(town, "mei").says("menu")
    async with desk_of(town, zhao) as desk:
        (voice,) = await desk.voices()

        async def means(*conditions: Condition) -> int:
            return await desk.count(Audience(voice.scope, conditions))

        assert await means() == 2, "the child is never meant"
        for condition, people_ in (
            (Condition("language", ("en",)), 1),
            (Condition("district", (HAIDIAN,)), 1),
            (Condition("district", (CHAOYANG,)), 1),
            (Condition("subscribed", ("environment",)), 1),
            (Condition("served", ("environment",)), 1),
            (Condition("joined", (planted,)), 1),
            (Condition("hours", (600, "")), 1),
            (Condition("hours", ("", 599)), 1),
            (Condition("seen", (30,)), 1),
        ):
            assert await means(condition) == people_, condition
            opposite = Condition(condition.by, condition.values, without=True)
            assert await means(opposite) == 2 - people_, opposite
            assert await means(condition, opposite) == 0
        assert await means(Condition("served", ("environment",)), Condition("seen", (30,))) == 0
        with pytest.raises(ValueError, match="no such condition"):
            await means(Condition("shoes", (42,)))  # type: ignore[arg-type]
    assert zh != en


async def test_the_number_must_be_typed_as_it_is_now(town: Town, zhao: Chat) -> None:
    await crowd(town, 12)
    kept = await drafted(town, zhao)
    await crowd(town, 1, CHAOYANG)
    async with desk_of(town, zhao) as desk:
        assert await desk.send(kept.campaign.id, 11) == Miscounted(12)
    await follower(town, reader(town, "late"), ("district", str(HAIDIAN)))
    async with desk_of(town, zhao) as desk:
        assert await desk.send(kept.campaign.id, 12) == Miscounted(13)
        assert isinstance(await desk.send(kept.campaign.id, 13), Sent)
        assert await desk.send(kept.campaign.id, 13) == NotAllowed(), "twice is once"


async def test_nobody_is_an_answer_too(town: Town, zhao: Chat) -> None:
    kept = await drafted(town, zhao)
    async with desk_of(town, zhao) as desk:
        assert await desk.send(kept.campaign.id, 0) == NobodyMeant()


async def test_for_sixty_seconds_it_can_be_taken_back(town: Town, zhao: Chat) -> None:
    ann = reader(town, "ann")
    await follower(town, ann, ("district", str(HAIDIAN)))
    kept = await drafted(town, zhao)
    await sent(town, zhao, kept)
    await town.waits(seconds=58)
    assert not ann.pushed()
    async with desk_of(town, zhao) as desk:
        assert isinstance(await desk.stop(kept.campaign.id), Changed)
    await town.waits(minutes=10)
    assert not ann.pushed()


async def test_without_the_undo_it_would_have_left(town: Town, zhao: Chat) -> None:
    """Control of the test above."""
    ann = reader(town, "ann")
    await follower(town, ann, ("district", str(HAIDIAN)))
    await sent(town, zhao, await drafted(town, zhao))
    await town.waits(seconds=61)
    assert ann.pushed()


async def test_above_five_hundred_a_second_person_must_agree_and_never_its_author(town: Town, zhao: Chat) -> None:
    await crowd(town, SECOND_PERSON + 1)
    wu = reader(town, "wu")
    await centre(town, wu, HAIDIAN)
    kept = await drafted(town, zhao)
    async with desk_of(town, zhao) as desk:
        assert await desk.send(kept.campaign.id, SECOND_PERSON + 1) == Asked(
            kept.campaign.id, SECOND_PERSON + 1, 1
        )
        assert await desk.decide(kept.campaign.id, agreed=True) == NotAllowed()
    await town.waits(minutes=5)
    assert not [to for to, page in town.mailboxes["telegram"].sent if "plant" in page.text]
    assert any("second person" in page.text for page in wu.pushed())
    async with desk_of(town, wu) as desk:
        assert isinstance(await desk.decide(kept.campaign.id, agreed=True), Changed)
        assert await desk.decide(kept.campaign.id, agreed=False) == NotAllowed(), "decided is decided"
    await town.waits(minutes=2)
    assert len({to for to, page in town.mailboxes["telegram"].sent if "plant" in page.text}) == SECOND_PERSON + 1


async def test_a_declined_campaign_goes_nowhere(town: Town, zhao: Chat) -> None:
    await crowd(town, SECOND_PERSON + 1)
    wu = reader(town, "wu")
    await centre(town, wu, HAIDIAN)
    kept = await drafted(town, zhao)
    async with desk_of(town, zhao) as desk:
        await desk.send(kept.campaign.id, SECOND_PERSON + 1)
    async with desk_of(town, wu) as desk:
        assert isinstance(await desk.decide(kept.campaign.id, agreed=False, reason="too long"), Changed)
    await town.waits(minutes=5)
    assert any("not agreed" in page.text for page in zhao.pushed())
    async with desk_of(town, zhao) as desk:
        assert await desk.send(kept.campaign.id, SECOND_PERSON + 1) == NotAllowed()
    assert not [page for _to, page in town.mailboxes["telegram"].sent if "plant" in page.text]


async def test_of_two_who_agree_at_once_the_slower_one_reads_how_it_stands(town: Town, zhao: Chat) -> None:
    await crowd(town, SECOND_PERSON + 1)
    ann, ben = reader(town, "ann"), reader(town, "ben")
    for second in (ann, ben):
        await centre(town, second, HAIDIAN)
    number = (await drafted(town, zhao)).campaign.id
    await zhao.opens("mailingsend", number)
    await zhao.says(f"send {SECOND_PERSON + 1}")
    for second in (ann, ben):
        await second.opens("mailingagree", number)
    assert "Agreed" in await ann.says("i agree")
    said = await ben.says("i agree")
    assert "It is on its way." in said, "it was no campaign of theirs any more"
    assert "It is on its way." in await zhao.opens("mailingsend", number), "pressed once more, it was gone as well"


async def test_the_whole_city_needs_a_second_person_however_few_it_has(town: Town) -> None:
    mayor, other = reader(town, "mayor"), reader(town, "other")
    await centre(town, mayor, 110000, Role.CITY)
    await centre(town, other, 110000, Role.CITY)
    kept = await drafted(town, mayor)
    assert kept.campaign.audience.scope == Scope()
    async with desk_of(town, mayor) as desk:
        assert isinstance(await desk.send(kept.campaign.id, kept.people), Asked)


async def test_who_opts_out_while_it_runs_hears_nothing_more(town: Town, zhao: Chat) -> None:
    ann, ben = reader(town, "ann"), reader(town, "ben")
    number = await follower(town, ann, ("district", str(HAIDIAN)))
    await follower(town, ben, ("district", str(HAIDIAN)))
    await sent(town, zhao, await drafted(town, zhao))
    await town.waits(seconds=30)
    async with town.database.write() as unit:
        await people.unsubscribe(unit, number)
    await town.waits(minutes=2)
    assert not ann.pushed()
    assert ben.pushed()


async def test_nobody_gets_more_than_three_in_a_week(town: Town, zhao: Chat) -> None:
    ann = reader(town, "ann")
    await follower(town, ann, ("district", str(HAIDIAN)))
    for _one in range(WEEKLY + 2):
        await sent(town, zhao, await drafted(town, zhao))
        await town.waits(minutes=3)
    assert len(ann.pushed()) == WEEKLY
    await town.waits(days=7)
    await sent(town, zhao, await drafted(town, zhao))
    await town.waits(minutes=3)
    assert len(ann.pushed()) == WEEKLY + 1


async def test_a_theme_week_says_one_thing_a_day(town: Town, zhao: Chat) -> None:
    ann = reader(town, "ann")
    await follower(town, ann, ("district", str(HAIDIAN)))
    nine = MONDAY.replace(hour=9) + timedelta(days=1)
    texts = [{"en": f"Day {day}"} for day in (1, 2, 3)]
    await sent(town, zhao, await drafted(town, zhao, texts=texts, timing=Timing("daily", nine)))
    heard = []
    for _half_day in range(8):
        await town.waits(hours=12)
        heard.append([page.text.splitlines()[0] for page in ann.pushed()])
    assert heard[-1] == ["Day 1", "Day 2", "Day 3"]
    assert heard[1] == ["Day 1"]


async def test_steps_before_an_activity_follow_it_when_it_is_moved(town: Town, zhao: Chat) -> None:
    ann = reader(town, "ann")
    await follower(town, ann, ("district", str(HAIDIAN)))
    planted = await town.publishes(zhao, "Trees", SATURDAY)
    timing = Timing("before", offsets=(-3 * 24 * 60, -24 * 60))
    texts = [{"en": "Three days"}, {"en": "Tomorrow"}]
    await sent(town, zhao, await drafted(town, zhao, texts=texts, timing=timing, activity=planted))
    await town.waits(days=2, minutes=1)
    assert ann.pushed()[-1].text.startswith("Three days")
    async with desk_of(town, zhao) as desk:
        await Organising(desk.unit, desk.me, town.at, town.city).reschedule(
            planted, SATURDAY + timedelta(days=7), SATURDAY + timedelta(days=7, hours=2)
        )
    await town.waits(days=3)
    assert not any(page.text.startswith("Tomorrow") for page in ann.pushed())
    await town.waits(days=6)
    assert any(page.text.startswith("Tomorrow") for page in ann.pushed())


async def test_a_step_whose_time_went_by_in_the_draft_is_not_promised(town: Town, zhao: Chat) -> None:
    await follower(town, reader(town, "ann"), ("district", str(HAIDIAN)))
    planted = await town.publishes(zhao, "Trees", SATURDAY)
    steps = (SATURDAY - timedelta(days=days) for days in (3, 1))
    timing = Timing("before", offsets=(-3 * 24 * 60, -24 * 60))
    drafts = [
        await drafted(town, zhao, texts=[{"en": "Three days"}, {"en": "Tomorrow"}], timing=timing, activity=planted)
        for _draft in range(3)
    ]
    for kept, first in zip(drafts, (*steps, None), strict=True):
        async with desk_of(town, zhao) as desk:
            told = await desk.send(kept.campaign.id, kept.people)
        assert (told.first if isinstance(told, Sent) else None) == first
        await town.waits(days=2, minutes=1)
    assert told == Unwritable("past")


async def test_one_activity_is_announced_once_a_day_whoever_does_it(town: Town, zhao: Chat) -> None:
    await follower(town, reader(town, "ann"), ("district", str(HAIDIAN)))
    planted = await town.publishes(zhao, "Trees", SATURDAY)
    await sent(town, zhao, await drafted(town, zhao, activity=planted))
    await town.waits(minutes=2)
    again = await drafted(town, zhao, activity=planted)
    async with desk_of(town, zhao) as desk:
        assert await desk.send(again.campaign.id, again.people) == Unwritable("today")


async def test_what_hinders_a_campaign_is_said_before_its_number_is_typed(town: Town, zhao: Chat) -> None:
    """Its author read the whole plan and typed the number, to be told that the activity was announced that day."""
    await follower(town, reader(town, "ann"), ("district", str(HAIDIAN)))
    planted = await town.publishes(zhao, "Trees", SATURDAY)
    first, again = [await drafted(town, zhao, activity=planted) for _draft in range(2)]
    assert "Type “send 1”" in await zhao.opens("mailingsend", again.campaign.id)  # control
    await zhao.says("cancel")
    await sent(town, zhao, first)
    await town.waits(minutes=2)
    assert "announced today already" in await zhao.opens("mailingsend", again.campaign.id)
    assert "Type “send" not in zhao.text


async def test_paused_nothing_leaves_and_it_goes_on_where_it_was(town: Town, zhao: Chat) -> None:
    ann = reader(town, "ann")
    await follower(town, ann, ("district", str(HAIDIAN)))
    kept = await drafted(town, zhao)
    await sent(town, zhao, kept)
    await town.waits(seconds=5)
    async with desk_of(town, zhao) as desk:
        assert isinstance(await desk.pause(kept.campaign.id), Changed)
    await town.waits(minutes=10)
    assert not ann.pushed()
    async with desk_of(town, zhao) as desk:
        assert isinstance(await desk.resume(kept.campaign.id), Changed)
    await town.waits(seconds=5)
    assert ann.pushed()


async def test_two_replicas_that_look_at_once_plan_each_message_once(town: Town, zhao: Chat) -> None:
    await crowd(town, 3)
    await sent(town, zhao, await drafted(town, zhao))
    made = await asyncio.gather(
        *(campaign_rounds.advance(town.database, town.city, town.at + timedelta(seconds=1)) for _replica in range(4))
    )
    assert sum(made) == 1


@pytest.mark.parametrize("refuses", [False, True], ids=["at night", "who hears no campaigns"])
async def test_a_test_comes_in_a_moment_whatever_holds_up_campaigns(town: Town, zhao: Chat, refuses: bool) -> None:
    await crowd(town, 1)
    kept = await drafted(town, zhao)
    if refuses:
        await zhao.says("no campaigns")
    town.at = MONDAY.replace(hour=23)
    await zhao.opens("mailingtest", kept.campaign.id)
    assert "in a moment" in zhao.text
    await town.waits(seconds=5)
    pushed = [page.text for page in zhao.pushed() if "plant" in page.text]
    assert len(pushed) == 1, "it waited for the morning, and was too late by then"


async def test_without_the_lane_of_answers_it_would_wait_like_any_other(
    town: Town, zhao: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = fanouts.plan

    async def like_any_other(unit: Unit, **given: Any) -> object:
        return await plan(unit, **{**given, "lane": Lane.PERSONAL})

    monkeypatch.setattr("bot.desk.campaigns.fanouts.plan", like_any_other)
    await crowd(town, 1)
    kept = await drafted(town, zhao)
    town.at = MONDAY.replace(hour=23)
    await zhao.opens("mailingtest", kept.campaign.id)
    await town.waits(seconds=5)
    assert not [page for page in zhao.pushed() if "plant" in page.text]


async def test_sent_at_night_it_says_when_it_really_leaves(town: Town, zhao: Chat) -> None:
    town.at = MONDAY.replace(hour=23)
    await crowd(town, 1)
    kept = await drafted(town, zhao)
    await zhao.opens("mailingsend", kept.campaign.id)
    await zhao.says("send 1")
    assert "The first leaves Tue 24 Nov 08:00." in zhao.text, "it named a minute at which nothing leaves"
    assert "Until then “undo”" not in zhao.text, "that word is forgotten by then"
    assert "Take it back" in zhao.labels


@pytest.mark.parametrize(("days", "warned"), [(3, False), (4, True)])
async def test_a_theme_week_that_is_too_much_for_anybody_says_so(
    town: Town, zhao: Chat, days: int, warned: bool
) -> None:
    texts = [{"en": f"Day {day}"} for day in range(days)]
    kept = await drafted(town, zhao, texts=texts, timing=Timing("daily", town.at + timedelta(hours=1)))
    await zhao.opens("mailing", kept.campaign.id)
    assert ("Nobody gets more than 3 such messages in seven days" in zhao.text) == warned


async def test_a_test_comes_to_its_author_alone(town: Town, zhao: Chat) -> None:
    await crowd(town, 5)
    kept = await drafted(town, zhao)
    async with desk_of(town, zhao) as desk:
        assert await desk.test(kept.campaign.id)
        assert await desk.test(kept.campaign.id)
    await town.waits(seconds=5)
    await town.waits(seconds=5)
    assert [to for to, page in town.mailboxes["telegram"].sent if "plant" in page.text] == [zhao.name, zhao.name]
