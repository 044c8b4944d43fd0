"""A draft is changed one thing at a time; what reached nobody is taken up again with its answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.domain.campaigns import SECOND_PERSON
from storage import campaigns
from storage.tables.campaigns import campaign
from tests.conversations.campaign_kit import HAIDIAN, centre, crowd, desk_of, drafted, heard, organiser, sent, writes
from tests.conversations.kit import MONDAY, Chat, Town

Open = Callable[..., Chat]


async def drafts(town: Town) -> int:
    async with town.database.read() as unit:
        counted = select(func.count()).select_from(campaign).where(campaign.c.standing == "draft")
        return int((await unit.run(counted)).scalar_one())


# --- Taken up again --------------------------------------------------------------------------------------------------


async def test_what_was_taken_back_in_its_minute_is_sent_again_without_one_question_of_before(
    town: Town, chat: Open
) -> None:
    """It had to be written anew from the first question."""
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 3)
    await writes(zhao, "campaign", "language", "english", "without them", "done", "as soon as i send it", "来种树")
    await writes(zhao, "Come and plant", "no picture", "send")
    people = zhao.text.split("“send ")[1].split("”")[0]
    await writes(zhao, f"send {people}", "undo")
    assert "Taken back" in zhao.text
    await zhao.picks("Change or send again")
    for part in ("来种树", "Come and plant", "does not read: English", "A draft: nothing has been sent"):
        assert part in zhao.text
    await writes(zhao, "send", f"send {people}")
    assert f"On its way to {people}" in zhao.text
    await town.waits(minutes=2)
    assert len(heard(town)) == int(people)


async def test_what_was_declined_is_changed_and_asked_again_and_what_was_read_stays(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, SECOND_PERSON + 1)
    qian = chat("qian")
    await centre(town, qian, HAIDIAN)
    kept = await drafted(town, zhao)
    await zhao.opens("mailingsend", kept.campaign.id)
    await zhao.says(f"send {kept.people}")
    await qian.opens("mailingdecline", kept.campaign.id)
    await qian.says("The date is wrong")
    await zhao.opens("mailing", kept.campaign.id)
    assert "Because: The date is wrong" in zhao.text
    await zhao.picks("Change or send again")
    await writes(zhao, "change", "its words", "周日来种树", "Come and plant on Sunday")
    assert "Come and plant on Sunday" in zhao.text
    await writes(zhao, "send", f"send {kept.people}")
    assert "a second person must agree" in zhao.text
    await zhao.opens("mailing", kept.campaign.id)
    assert "Sunday" not in zhao.text
    assert "did not agree" in zhao.text


async def test_pressed_twice_it_is_one_draft(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 3)
    kept = await drafted(town, zhao)
    await zhao.opens("mailingstop", kept.campaign.id)
    first = await zhao.opens("mailingagain", kept.campaign.id)
    assert await zhao.opens("mailingagain", kept.campaign.id) == first
    assert await drafts(town) == 1


async def test_its_picture_comes_along(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 3)
    kept = await drafted(town, zhao)
    async with desk_of(town, zhao) as desk:
        await desk.illustrate(kept.campaign.id, b"a picture")
        await desk.stop(kept.campaign.id)
        new = await desk.renew(kept.campaign.id)
        assert new.campaign.pictured  # type: ignore[union-attr]
        assert await campaigns.picture(desk.unit, new.campaign.id) == b"a picture"  # type: ignore[union-attr]


async def test_what_has_reached_somebody_is_not_offered_again(town: Town, chat: Open) -> None:
    """And the control: stopped a minute earlier it would be."""
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 3)
    late, early = await drafted(town, zhao), await drafted(town, zhao)
    await sent(town, zhao, late)
    await town.waits(minutes=2)
    await zhao.opens("mailing", late.campaign.id)
    assert "Change or send again" not in zhao.labels
    assert "no such campaign" in await zhao.opens("mailingagain", late.campaign.id)
    await zhao.opens("mailingstop", early.campaign.id)
    assert "Change or send again" in zhao.labels


async def test_nobody_takes_up_the_words_of_somebody_else(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 3)
    qian = chat("qian")
    await centre(town, qian, HAIDIAN)
    kept = await drafted(town, zhao)
    await zhao.opens("mailingstop", kept.campaign.id)
    await qian.opens("mailing", kept.campaign.id)
    assert "Change or send again" not in qian.labels
    assert "no such campaign" in await qian.opens("mailingagain", kept.campaign.id)
    assert await drafts(town) == 0


# --- Changed ---------------------------------------------------------------------------------------------------------


async def test_a_time_that_has_passed_is_mended_alone(town: Town, chat: Open) -> None:
    """Between the draft and its sending the time passed: all of it had to be written anew."""
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 3)
    await writes(zhao, "campaign", "done", "at a certain time", "Tue 9:00", "来种树", "Come and plant", "no picture")
    town.at += timedelta(days=2)
    assert "That time has passed" in await writes(zhao, "send"), "before the number is typed"
    await zhao.picks("Change")
    await writes(zhao, "its words", "skip", "Come and plant trees")
    assert "Come and plant trees" in zhao.text, "a time that has passed keeps nobody from mending the words"
    await writes(zhao, "change", "when it leaves", "as soon as i send it", "send", "send 3")
    assert "On its way to 3" in zhao.text


async def test_whom_it_reaches_and_one_message_of_a_week(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 3)
    await writes(zhao, "campaign", "done", "a theme week: one message a day", "Tue 9:00", "2")
    await writes(zhao, "第一天", "One", "第二天", "Two", "no picture")
    await writes(zhao, "change", "whom it reaches", "language", "english", "with them", "done")
    assert "reads: English" in zhao.text
    await writes(zhao, "change", "the words of message 2", "后一天", "Second")
    for part in ("1. One", "2. Second", "2. 后一天", "reads: English"):
        assert part in zhao.text
    assert "2. Two" not in zhao.text


async def test_a_longer_week_asks_for_the_words_that_it_lacks(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 3)
    await writes(zhao, "campaign", "done", "as soon as i send it", "第一天", "One", "no picture")
    await writes(zhao, "change", "when it leaves", "a theme week: one message a day", "Tue 9:00", "2")
    assert "Message 2 of 2 in Chinese" in zhao.text
    await writes(zhao, "第二天", "Two")
    assert "1. One" in zhao.text
    assert "2. Two" in zhao.text


async def test_steps_before_an_activity_that_its_button_leaves_are_asked_anew(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 3)
    await town.publishes(zhao, "Planting trees", MONDAY + timedelta(days=5))
    await writes(zhao, "campaign", "done", "planting trees", "before the activity starts", "2 days, 1 day")
    await writes(zhao, "第一天", "One", "第二天", "Two", "no picture", "change", "what its button opens", "no activity")
    assert "When shall it leave?" in zhao.text
    await zhao.says("as soon as i send it")
    assert "As soon as it is sent" in zhao.text
    assert "Its button opens" not in zhao.text
    async with town.database.read() as unit:
        kept = (await unit.run(select(campaign.c.activity, campaign.c.texts))).one()
    assert (kept.activity, len(kept.texts)) == (None, 1)


@pytest.mark.parametrize("what", ["whom it reaches", "its words"])
async def test_control_what_was_not_asked_stays(town: Town, chat: Open, what: str) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 3)
    await writes(zhao, "campaign", "done", "as soon as i send it", "来种树", "Come and plant", "no picture", "change")
    await writes(zhao, what, *(("done",) if what == "whom it reaches" else ("跳过", "Come and dig")))
    assert ("Come and plant" in zhao.text) == (what == "whom it reaches")
