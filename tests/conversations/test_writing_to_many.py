"""Writing to many, as an organiser does it: every question by typing alone, at every door, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import false, select

from bot.domain.campaigns import SECOND_PERSON, Audience, Condition
from bot.domain.parties import Ask, TeamKind
from bot.domain.skills import Proven
from storage import audiences, parties, skills
from storage.tables.activities import shift
from storage.tables.campaigns import campaign
from tests.conversations.campaign_kit import (
    CHAOYANG,
    HAIDIAN,
    centre,
    crowd,
    desk_of,
    drafted,
    follower,
    heard,
    organiser,
    sent,
    writes,
)
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)
Open = Callable[..., Chat]


# --- From the first question to the last message ---------------------------------------------------------------------


async def test_it_is_written_looked_at_sent_and_followed_by_typing_alone(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 12)
    assert "12 people" in await zhao.says("campaign")
    await writes(zhao, "done", "as soon as i send it", "来种树", "Come and plant", "no picture")
    assert "Come and plant" in zhao.text
    assert "来种树" in zhao.text
    assert "nothing has been sent" in zhao.text
    await zhao.says("send")
    assert "12 people would get it" in zhao.text
    assert "“send 12”" in zhao.text
    await zhao.says("send 12")
    assert "On its way to 12 people" in zhao.text
    await town.waits(minutes=2)
    assert len(heard(town)) == 12
    await zhao.says("campaigns")
    await zhao.picks("Come and plant")
    assert "Sent: 12. Waiting: 0." in zhao.text


async def test_in_chinese_too_down_to_the_confirmation(town: Town, door: str) -> None:
    zhao = Chat(town, door, "zhao", "zh_CN")
    await organiser(town, zhao)
    await crowd(town, 3)
    assert "3 人" in await zhao.says("群发")
    await writes(zhao, "完成", "我一发送就发出", "来种树", "跳过", "不要图片")
    assert "草稿" in zhao.text
    await writes(zhao, "发送", "发送 3")
    assert "3 人" in zhao.text
    assert "撤回" in zhao.text
    await zhao.says("撤回")
    assert "已撤回" in zhao.text
    await town.waits(minutes=3)
    assert not heard(town, "种树")


async def test_conditions_are_asked_said_back_and_counted(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 4)
    await follower(town, chat("ann"), ("district", str(HAIDIAN)), ("kind", "environment"), language="en")
    assert "5 people" in await zhao.says("campaign")
    await writes(zhao, "subscribers of a kind of service", "环境")
    assert "subscribed to" in zhao.text
    await zhao.says("without them")
    assert "not subscribed to" in zhao.text
    assert "4 people" in zhao.text
    await writes(zhao, "language", "english", "with them")
    assert "0 people" in zhao.text
    await zhao.says("back")
    await zhao.says("without them")
    assert "does not read: English" in zhao.text
    assert "4 people" in zhao.text
    await writes(zhao, "hours so far", "some", "10-50")
    assert "10 to 50 hours" in zhao.text
    await zhao.says("without them")
    await writes(zhao, "heard from lately", "90", "with them")
    assert "wrote to me within: 90 days" in zhao.text
    await writes(zhao, "district", "海淀、Chaoyang", "with them")
    assert "Haidian" in zhao.text
    await writes(zhao, "done", "as soon as i send it", "skip", "Only in English", "no picture")
    async with town.database.read() as unit:
        kept = (await unit.run(select(campaign.c.audience))).scalar_one()
    assert [tuple(one) for one in kept["where"]] == [
        ("subscribed", ["environment"], True),
        ("language", ["en"], True),
        ("hours", [600, 3000], True),
        ("seen", [90], False),
        ("district", [HAIDIAN, CHAOYANG], False),
    ]


async def test_several_are_named_by_their_numbers_too_on_every_leaf(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await writes(zhao, "campaign", "district")
    first = zhao.labels
    said = await zhao.says("2、3 and 4")
    assert f"around there: {first[1]} / {first[2]} / {first[3]}" in said
    await writes(zhao, "with them", "district", "more")
    second = zhao.labels
    assert second[0] != first[0]
    said = await zhao.says("1, 2")
    assert f"around there: {second[0]} / {second[1]}" in said, "it counted from the first leaf"


@pytest.mark.parametrize(
    ("said", "meant"), [("Haidian", "Haidian"), ("朝阳", "Chaoyang"), ("海淀、Chaoyang", "Haidian / Chaoyang")]
)
async def test_a_district_is_an_answer_to_whom_it_shall_reach(
    town: Town, chat: Open, said: str, meant: str
) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 3)
    await zhao.says("campaign")
    answer = await zhao.says(said)
    assert f"around there: {meant}\nWith these people, or without them?" in answer, "it went and looked for activities"
    await zhao.says("with them")
    assert f"around there: {meant}" in zhao.text
    assert "Add a condition" in zhao.text
    await zhao.says("back")
    await zhao.says("back")
    assert "Whom shall it reach?" in zhao.text


async def test_a_name_that_fits_several_is_asked_about_and_ends_nothing(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await writes(zhao, "campaign", "proven skill")
    said = await zhao.says("licence")
    assert "“licence” fits several of them: Lifeguard licence / Driving licence" in said, "the draft was put aside"
    assert "Which skill?" in said
    assert "has proven: First aid certificate" in await zhao.says("first aid")
    await zhao.says("back")
    assert "has proven: First aid certificate" in await zhao.says("急救"), "“应急救援培训” has these two signs too"


async def test_activities_of_one_title_are_told_apart_by_their_day(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    first = await town.publishes(zhao, "Brightening a stairwell", SATURDAY)
    second = await town.publishes(zhao, "Brightening a stairwell", SATURDAY + timedelta(days=7))
    for name, activity in (("ann", first), ("ben", first), ("cao", second)):
        await chat(name).joins(activity)
    await writes(zhao, "campaign", "an activity of ours")
    assert zhao.labels[:2] == ["Brightening a stairwell 5 Dec 2026", "Brightening a stairwell 28 Nov 2026"]
    said = await zhao.says("brightening a stairwell")
    assert "fits several of them" in said, "the first of them was taken for what was meant"
    await zhao.says("2")
    assert "signed up for: Brightening a stairwell 28 Nov 2026" in zhao.text
    await zhao.says("with them")
    assert "That is 2 people now." in zhao.text


async def test_a_theme_week_is_asked_day_by_day(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 1)
    await writes(zhao, "campaign", "done", "a theme week", "tomorrow 9:00", "2")
    assert "Message 1 of 2 in Chinese" in zhao.text
    await writes(zhao, "skip", "Day one: plant", "skip")
    assert "Message 2 of 2 in English" in zhao.text
    await writes(zhao, "Day two: plant", "no picture")
    assert "one a day for 2 days" in zhao.text
    await writes(zhao, "send", "send 1")
    await town.waits(days=1)
    assert len(heard(town, "Day one")) == 1
    assert not heard(town, "Day two")
    await town.waits(days=1)
    assert len(heard(town, "Day two")) == 1


async def test_steps_before_an_activity_and_a_button_that_joins(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    ann = chat("ann")
    await follower(town, ann, ("district", str(HAIDIAN)))
    planted = await town.publishes(zhao, "Trees", SATURDAY)
    await writes(zhao, "campaign", "done")
    await zhao.picks("Trees")
    await writes(zhao, "before the activity starts", "soon", "6 days, 1 day")
    assert "The first of them would have left" in zhao.text
    await zhao.says("3 days, 1 day")
    await writes(zhao, "skip", "Three days to plant", "skip", "Tomorrow we plant", "no picture")
    assert "Before the start: 3 days, 1 day" in zhao.text
    await writes(zhao, "send", "send 1")
    await town.waits(days=1)
    await ann.says("menu")
    await town.waits(days=1, minutes=1)
    page = ann.pushed()[-1]
    assert "Three days to plant" in page.text
    assert page.buttons[0].wire == f"join-{planted}"


async def test_one_language_at_least_is_written(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 1)
    await writes(zhao, "campaign", "done", "as soon as i send it", "skip", "skip")
    assert "one language at least" in zhao.text


# --- The confirmation ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["yes", "12", "send", "send 11", "send 120", "send twelve", "ok send it", "1"])
async def test_nothing_but_the_right_number_sends_it(town: Town, said: str) -> None:
    zhao = await organiser(town, Chat(town, "telegram", "zhao"))
    await crowd(town, 12)
    kept = await drafted(town, zhao)
    await zhao.opens("mailingsend", kept.campaign.id)
    await zhao.says(said)
    await town.waits(minutes=3)
    assert not heard(town)


@pytest.mark.parametrize("said", ["send 12", "Send 12.", "SEND  12 people", "发送12", "发送 12 人", "發送12"])
async def test_control_the_right_number_does(town: Town, said: str) -> None:
    zhao = await organiser(town, Chat(town, "telegram", "zhao"))
    await crowd(town, 12)
    kept = await drafted(town, zhao)
    await zhao.opens("mailingsend", kept.campaign.id)
    await zhao.says(said)
    await town.waits(minutes=3)
    assert len(heard(town)) == 12


async def test_undo_takes_it_back_for_a_minute_and_asks_afterwards(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 2)
    kept = await drafted(town, zhao)
    await zhao.opens("mailingsend", kept.campaign.id)
    await zhao.says("send 2")
    await town.waits(minutes=2)
    assert "Stop it for good?" in await zhao.says("undo")
    await zhao.says("no")
    assert "Nothing was changed" in zhao.text


async def test_a_test_comes_to_me_alone(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 5)
    kept = await drafted(town, zhao)
    await zhao.opens("mailing", kept.campaign.id)
    await zhao.picks("Test")
    await town.waits(seconds=5)
    await town.waits(seconds=5)
    assert heard(town) == [zhao.name]


async def test_it_rests_goes_on_and_stops_by_typing(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 2)
    kept = await drafted(town, zhao)
    await sent(town, zhao, kept)
    await zhao.opens("mailingpause", kept.campaign.id)
    assert "It rests" in zhao.text
    await town.waits(minutes=5)
    assert not heard(town)
    await zhao.says("the campaign")
    await zhao.says("let it go on")
    assert "goes on" in zhao.text
    await zhao.says("the campaign")
    await writes(zhao, "stop it", "stop it for good")


# --- The second person -----------------------------------------------------------------------------------------------


async def test_the_second_person_reads_all_of_it_and_agrees(town: Town, chat: Open) -> None:
    zhao, wu = await organiser(town, chat("zhao")), chat("wu")
    await centre(town, wu, HAIDIAN)
    await crowd(town, SECOND_PERSON + 1)
    kept = await drafted(town, zhao)
    await zhao.opens("mailingsend", kept.campaign.id)
    await zhao.says(f"send {SECOND_PERSON + 1}")
    assert "a second person must agree" in zhao.text
    await town.waits(seconds=5)
    if wu.pushed():
        await wu.says("look at it")
    else:
        await wu.opens("mailing", kept.campaign.id)
    assert "Come and plant" in wu.text
    assert "来种树" in wu.text
    assert f"{SECOND_PERSON + 1} people" in wu.text
    await wu.says("agree")
    assert "Do you agree that it is sent?" in wu.text
    assert "Haidian Green Shoots" in wu.text
    await wu.says("i agree")
    assert "Agreed" in wu.text
    await town.waits(minutes=2)
    assert len(set(heard(town))) == SECOND_PERSON + 1


async def test_what_waits_for_my_yes_is_found_without_the_notice(town: Town, chat: Open) -> None:
    zhao, wu, far = await organiser(town, chat("zhao")), chat("wu"), chat("far")
    await centre(town, wu, HAIDIAN)
    await centre(town, far, CHAOYANG)
    await crowd(town, SECOND_PERSON + 1)
    kept = await drafted(town, zhao)
    await zhao.opens("mailingsend", kept.campaign.id)
    await zhao.says(f"send {SECOND_PERSON + 1}")
    await wu.says("campaigns")
    await wu.picks("Come and plant")
    assert "Agree" in wu.labels
    assert "You have not written to many yet" in await far.says("campaigns")


async def test_a_refusal_comes_with_its_reason(town: Town, chat: Open) -> None:
    zhao, wu = await organiser(town, chat("zhao")), chat("wu")
    await centre(town, wu, HAIDIAN)
    await crowd(town, SECOND_PERSON + 1)
    kept = await drafted(town, zhao)
    await zhao.opens("mailingsend", kept.campaign.id)
    await zhao.says(f"send {SECOND_PERSON + 1}")
    await wu.opens("mailing", kept.campaign.id)
    await writes(wu, "decline", "Too long for older people")
    await zhao.opens("mailing", kept.campaign.id)
    assert "Too long for older people" in zhao.text
    await town.waits(minutes=5)
    assert not heard(town)


# --- Skills and teams ------------------------------------------------------------------------------------------------


async def test_skills_and_teams_can_be_meant(town: Town) -> None:
    zhao = await organiser(town, Chat(town, "telegram", "zhao"))
    chats = [Chat(town, "telegram", name) for name in ("ann", "ben", "cao")]
    numbers = [await follower(town, one, ("district", str(HAIDIAN))) for one in chats]
    today = town.at.date()
    async with town.database.write() as unit:
        made = []
        for who, last in zip(numbers, (None, today, today - timedelta(days=1)), strict=True):
            proof = {"document": "certificate", "issuer": "Red Cross", "number": "1", "photo": ""}
            made.append(await skills.propose(unit, who, "first_aid", town.organisation, proof, last, town.at))
        for one in made[1:]:
            await skills.decide(unit, one, Proven.ACCEPTED, town.at)
        team = await parties.found(unit, "Mill Lane", TeamKind.RESIDENTS, "abcd", numbers[0], town.at)
    async with desk_of(town, zhao) as desk:
        (voice,) = await desk.voices()

        async def means(condition: Condition) -> int:
            return await desk.count(Audience(voice.scope, (condition,)))

        assert await means(Condition("skill", ("first_aid",))) == 1, "not looked at, or run out: not proven"
        assert await means(Condition("skill", ("first_aid",), without=True)) == 2
        assert await means(Condition("team", (team,))) == 1
        assert await means(Condition("team", (team,), without=True)) == 2


async def test_a_team_that_came_along_may_be_written_to_and_no_other(town: Town) -> None:
    zhao = await organiser(town, Chat(town, "telegram", "zhao"))
    chats = [Chat(town, "telegram", name) for name in ("ann", "ben", "cao", "dan")]
    ann, ben, cao, dan = [await follower(town, one) for one in chats]
    planted = await town.publishes(zhao, "Trees", SATURDAY)
    async with town.database.write() as unit:
        place = (await unit.run(select(shift.c.id).where(shift.c.activity == planted))).scalar_one()
        came = await parties.found(unit, "Mill Lane", TeamKind.RESIDENTS, "abcd", ann, town.at)
        stayed = await parties.found(unit, "Elsewhere", TeamKind.FRIENDS, "efgh", cao, town.at)
        await parties.enter(unit, came, ben, town.at)
        await parties.enter(unit, stayed, dan, town.at)
        until = town.at + timedelta(days=1)
        await parties.ask(unit, Ask.TEAM, place, town.at, until, person=ann, inviter=ann, team_id=came)
    assert "the teams that came along" in await zhao.says("campaign")
    assert "2 people" in zhao.text
    await writes(zhao, "team", "Mill Lane", "with them")
    assert "in the team: Mill Lane" in zhao.text
    assert "2 people" in zhao.text
    await writes(zhao, "an activity of ours", "Trees", "without them")
    assert "did not sign up for: Trees" in zhao.text
    assert "2 people" in zhao.text, "a team may be told of what it did not sign up for"
    await writes(zhao, "done", "no activity", "as soon as i send it", "skip", "Come and plant", "no picture")
    await writes(zhao, "send", "send 2")
    await town.waits(minutes=2)
    assert set(heard(town)) == {chats[0].name, chats[1].name}


async def test_control_without_the_teams_nobody_of_them_could_be_meant(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audiences, "_came_along", lambda _organisation: false())
    with pytest.raises(AssertionError):
        await test_a_team_that_came_along_may_be_written_to_and_no_other(town)


# --- Who may ---------------------------------------------------------------------------------------------------------


async def test_a_resident_is_told_that_only_organisers_can(town: Town, chat: Open) -> None:
    ann = chat("ann")
    assert "Only organisers" in await ann.says("campaign")
    assert "Only organisers" in await ann.says("campaigns")
    zhao = await organiser(town, chat("zhao"))
    kept = await drafted(town, zhao)
    for script in ("mailing", "mailingtest", "mailingsend", "mailingagree", "mailingdecline", "mailingstop"):
        assert "no such campaign" in await ann.opens(script, kept.campaign.id), script
    for script in ("mailingpause", "mailinggoon"):
        assert "no longer possible" in await ann.opens(script, kept.campaign.id), script


async def test_elder_mode_asks_the_same(town: Town, chat: Open) -> None:
    zhao = await organiser(town, chat("zhao"))
    await crowd(town, 1)
    await zhao.says("elder")
    await zhao.says("campaign")
    await zhao.says("more")
    await writes(zhao, "done", "as soon as i send it", "skip", "Come and plant", "no picture")
    await writes(zhao, "send", "send 1")
    assert "On its way to 1 person" in zhao.text
