"""Check-in, check-out, hours, reminders and announcements: through every door's numbers, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.desk.records import close_shifts
from handlers.arrivals import first_words
from storage import people
from storage.tables.messages import inbox
from storage.tables.people import conversation
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]


async def test_from_the_reminder_to_the_hours(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.joins(activity)
    town.at = (SATURDAY - timedelta(hours=30)).astimezone(town.at.tzinfo)
    await ann.says("my")  # on WeChat a reminder can come for 48 hours after the last message
    town.at = (SATURDAY - timedelta(hours=24)).astimezone(town.at.tzinfo)
    await town.waits(seconds=3)
    [reminder] = ann.pushed()
    assert reminder.text.startswith("Tomorrow: Reading to children")
    assert [button.label for button in reminder.buttons] == ["Yes, I am coming", "No, give up my seat"]
    ann.pages = (reminder,)
    assert "see you Sat 28 Nov 10:00" in await ann.picks("Yes, I am coming")
    town.at = (SATURDAY - timedelta(minutes=10)).astimezone(town.at.tzinfo)
    assert "8 digits" in await ann.says("check in")
    code = await town.code(activity)
    assert "Checked in at 09:50" in await ann.says(f"{code.digits[:4]} {code.digits[4:]}")
    town.at = (SATURDAY + timedelta(hours=2)).astimezone(town.at.tzinfo)
    await ann.says("checkout")
    code = await town.code(activity)
    answer = await ann.says(code.digits)
    assert "2 hours were counted" in answer
    answer = await ann.says("hours")
    assert "2 hours over 1 activity" in answer
    assert "Reading to children" in answer


@pytest.mark.parametrize(
    ("language", "wrong", "right"),
    [
        ("en", "Tomorrow", "Coming up: Night bus for the homeless"),
        ("zh_CN", "明天", "快到了：Night bus for the homeless"),
    ],
)
async def test_a_days_reminder_that_the_night_held_up_does_not_speak_of_tomorrow(
    town: Town, chat: Open, language: str, wrong: str, right: str
) -> None:
    late = SATURDAY.replace(hour=22)
    activity = await town.publishes(chat("Olga"), "Night bus for the homeless", late)
    ann = chat("Ann")
    await ann.joins(activity)
    async with town.database.write() as unit:
        who = await people.at_address(unit, ann.door, ann.name)
        assert who is not None
        await people.change(unit, who, language=language)
    town.at = (late - timedelta(hours=24)).astimezone(town.at.tzinfo)
    await ann.says("my")
    await town.waits(seconds=3)
    assert not ann.pushed(), "nobody is reminded at ten in the evening"
    town.at = SATURDAY.replace(hour=8).astimezone(town.at.tzinfo)
    await town.waits(seconds=3)
    [reminder] = ann.pushed()
    assert reminder.text.startswith(right)
    assert wrong not in reminder.text, "it is this evening"


async def test_a_code_from_the_wall_works_as_a_link_and_scanned_again_offers_to_leave(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.joins(activity)
    town.at = SATURDAY.astimezone(town.at.tzinfo)
    code = await town.code(activity)
    assert "Checked in at 10:00" in await ann.opens("checkin", activity, code.token)
    assert "You checked in at 10:00" in await ann.opens("checkin", activity, code.token)
    town.at += timedelta(minutes=90)
    code = await town.code(activity)
    await ann.opens("checkin", activity, code.token)
    assert "1.5 hours were counted" in await ann.picks("Check out")


@pytest.mark.parametrize("who", ["old", "other", "unregistered"])
async def test_a_code_is_worthless_when_old_elsewhere_or_not_registered_and_all_sound_the_same(
    town: Town, chat: Open, who: str
) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    here = await town.publishes(olga, "Here", SATURDAY)
    there = await town.publishes(olga, "There", SATURDAY)
    await ann.joins(here)
    eve = chat("Eve")
    await eve.joins(await town.publishes(olga, "Eve's own", SATURDAY))
    town.at = SATURDAY.astimezone(town.at.tzinfo)
    code = await town.code(there if who == "other" else here)
    if who == "old":
        town.at += timedelta(seconds=31)
    if who == "unregistered":
        ann = eve
    await ann.says("checkin")
    assert "That code does not fit" in await ann.says(code.digits)
    assert "That code does not fit" in await ann.opens("checkin", here, (await town.code(there)).token)


async def test_whoever_just_came_along_hears_how_they_are_added(town: Town, chat: Open) -> None:
    """They read that the code did not fit and tried again five times."""
    eve = chat("Eve")
    here = await town.publishes(chat("Olga"), "Here", SATURDAY)
    town.at = SATURDAY.astimezone(town.at.tzinfo)
    for given in (await town.code(here)).token, "A" * 16:
        assert "show your own code to whoever leads" in await eve.opens("checkin", here, given)
    assert "show your own code" in await eve.says((await town.code(here)).digits)
    assert "Your volunteer number" in await eve.picks("My own code")


async def test_whoever_is_there_already_is_not_asked_for_digits(town: Town, chat: Open) -> None:
    ann = chat("Ann")
    here = await town.publishes(chat("Olga"), "Here", SATURDAY)
    await ann.joins(here)
    town.at = SATURDAY.astimezone(town.at.tzinfo)
    await ann.says("check in")
    await ann.says((await town.code(here)).digits)
    assert "You checked in at 10:00." in await ann.says("check in")
    await ann.says("my")
    await ann.picks("Here")
    assert "Show that I am there" in ann.labels
    await ann.says("check out")
    await ann.says("00000000")
    assert ann.labels == ["Check out"]  # was: Check in


async def test_after_five_wrong_codes_one_must_wait(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.joins(activity)
    town.at = SATURDAY.astimezone(town.at.tzinfo)
    right = (await town.code(activity)).digits
    wrong = f"{(int(right) + 1) % 100_000_000:08d}"
    for _attempt in range(5):
        await ann.says(wrong)
    assert "too many wrong codes" in await ann.says((await town.code(activity)).digits)
    town.at += timedelta(minutes=11)
    assert "Checked in" in await ann.says((await town.code(activity)).digits)


async def test_who_forgets_to_check_out_gets_nothing_and_the_reason(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann, bob = chat("Ann"), chat("Bob")
    await ann.joins(activity)
    await bob.joins(activity)
    town.at = SATURDAY.astimezone(town.at.tzinfo)
    await ann.opens("checkin", activity, (await town.code(activity)).token)
    town.at += timedelta(hours=1, minutes=51)
    await town.waits(seconds=3)
    assert "do not forget to check out" in ann.pushed()[-1].text
    assert not [page for page in bob.pushed() if "check out" in page.text]
    town.at += timedelta(hours=3)
    async with town.database.write() as unit:
        assert await close_shifts(unit, town.city, town.at) == 1
    async with town.database.write() as unit:
        assert await close_shifts(unit, town.city, town.at) == 0
    assert "0 h: there was no check-out." in await ann.says("hours")


async def test_who_was_there_too_short_is_told_how_much_was_missing(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.joins(activity)
    town.at = SATURDAY.astimezone(town.at.tzinfo)
    await ann.opens("checkin", activity, (await town.code(activity)).token)
    town.at += timedelta(minutes=30)
    await ann.says("checkout")
    assert "0 h: present 25 % of 50 % needed." in await ann.picks("No screen here")
    await ann.says("undo")
    town.at += timedelta(minutes=90)
    await ann.says("checkout")
    assert "2 hours were counted" in await ann.picks("No screen here")


async def test_an_organiser_publishes_in_six_questions_and_announces_to_subscribers(town: Town, chat: Open) -> None:
    olga, ann, bob = chat("Olga"), chat("Ann"), chat("Bob")
    await ann.says("subscribe")
    await ann.picks("A kind of service")
    while not any("Environment" in label for label in ann.labels):
        await ann.picks("More")
    await ann.picks("Environment")
    assert "You will hear of new activities" in ann.text
    await bob.says("hello")
    await olga.says("menu")
    assert "Only organisers" in await olga.says("publish")
    await town.has_organisation(olga)
    await olga.says("publish")
    for answer in (
        "Cleaning the canal",
        "tree planting",
        "Sat 9:00-11:30",
        "海淀区 颐和园东门",
        "20 people",
        "Bring boots.",
    ):
        await olga.says(answer)
    assert "Open it to the city?" in olga.text
    assert "Sat 28 Nov 09:00–11:30" in olga.text
    assert "It is open" in await olga.picks("Publish")
    await olga.picks("Announce")
    while not any("Environment" in label for label in olga.labels):
        await olga.picks("More")
    await olga.picks("Environment")
    await olga.says("Come and help us clean the canal!")
    assert "1 person would get it" in olga.text
    assert "On its way to 1 person" in await olga.picks("Send")
    await town.waits(seconds=5)
    [page] = ann.pushed()
    assert page.text.startswith("Come and help us clean the canal!")
    assert not bob.pushed()
    await olga.says("announce")
    await olga.picks("Cleaning")
    await olga.picks("Both")
    await olga.says("Again!!!")
    assert "announced today already" in await olga.picks("Send")


async def test_the_roster_is_whole_for_the_organiser_and_nothing_for_others(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    activity = await town.publishes(olga, "Reading to children", SATURDAY)
    await ann.joins(activity)
    answer = await olga.opens("roster", activity)
    assert olga.sees("Ann Lee") in answer
    assert olga.sees_phone("+8613800138000") in answer
    denied = await ann.opens("roster", activity)
    assert "Ann Lee" not in denied
    assert denied == await ann.opens("roster", 999_999)


async def test_an_organiser_with_nothing_ahead_is_not_told_to_become_one(town: Town, chat: Open) -> None:
    olga = chat("Olga")
    await town.publishes(olga, "Reading to children", SATURDAY)
    assert "Which" in await olga.says("roster") or "roster of which" in olga.text
    town.at = SATURDAY + timedelta(days=30)
    assert "Nothing that you look after is ahead" in await olga.says("roster")
    assert "Only organisers" in await chat("Ann").says("roster")  # control


async def test_calling_off_tells_everybody_who_signed_up(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    activity = await town.publishes(olga, "Reading to children", SATURDAY)
    await ann.joins(activity)
    await ann.opens("calloff", activity)
    assert "Yes, call it off" not in ann.labels
    await olga.opens("calloff", activity)
    assert "1 person will be told" in await olga.picks("Yes")
    await town.waits(seconds=5)
    assert "Called off" in ann.pushed()[-1].text
    assert "takes no more people" in await ann.opens("join", activity)


async def test_a_moved_activity_reminds_at_its_new_time_only(town: Town, chat: Open) -> None:
    olga, ann = chat("Olga"), chat("Ann")
    activity = await town.publishes(olga, "Reading to children", SATURDAY)
    await ann.joins(activity)
    await olga.opens("move", activity)
    await olga.says("Sun 14:00-16:00")
    assert "1 person will be told" in await olga.picks("Yes")
    await town.waits(seconds=5)
    assert "Time or place have changed" in ann.pushed()[-1].text
    town.at = (SATURDAY - timedelta(hours=23)).astimezone(town.at.tzinfo)
    await town.waits(seconds=5)
    assert not [page for page in ann.pushed() if "Tomorrow" in page.text]
    town.at = (SATURDAY + timedelta(days=1, hours=4) - timedelta(hours=24)).astimezone(town.at.tzinfo)
    await ann.says("hello")
    await town.waits(seconds=5)
    assert "Sun 29 Nov 14:00–16:00" in ann.pushed()[-1].text


async def test_nothing_is_sent_to_who_has_gone_until_they_come_back(town: Town, chat: Open) -> None:
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.joins(activity)
    assert await ann.opens("gone") == ""
    town.at = (SATURDAY - timedelta(hours=24)).astimezone(town.at.tzinfo)
    await town.waits(seconds=3)
    assert not ann.pushed()
    await ann.says("hello")
    await town.waits(seconds=3)
    assert len(ann.pushed()) == 1


async def test_the_language_changes_in_two_taps_and_stays(town: Town, chat: Open) -> None:
    ann = chat("Ann")
    await ann.says("hello")
    await ann.picks("中文")
    assert "中文" in ann.text
    assert "找活动" in await ann.says("菜单") + " ".join(ann.labels)
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    await ann.opens("activity", activity)
    assert "11月28日（周六）" in ann.text


async def test_first_contact_says_what_is_stored_and_why_whatever_it_was_about(town: Town, chat: Open) -> None:
    town.turns.first_words = first_words
    ann, bob = chat("Ann"), chat("Bob")
    answer = await ann.says("find")
    assert "I ask before I store your name or phone" in answer
    assert "Where?" in answer
    assert "I ask before" not in await ann.says("menu")
    assert (await bob.says("hello")).count("I ask before") == 1


async def test_near_me_shows_the_nearest_and_does_not_keep_the_place(town: Town, chat: Open) -> None:
    await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.shares_place(39.9990, 116.2750)
    assert "m away" in ann.labels[0]
    async with town.database.read() as unit:
        kept = [row.session for row in await unit.run(select(conversation.c.session))]
        raw = [row.raw for row in await unit.run(select(inbox.c.raw))]
    assert "116.275" not in str(kept) + str(raw)


@pytest.mark.parametrize("asked_for", [False, True])
async def test_what_is_near_has_more_and_can_be_asked_anew(town: Town, chat: Open, asked_for: bool) -> None:
    """A place that was shared without being asked for was forgotten at once: “more” asked for it again."""
    olga = chat("Olga")
    for number in range(9):
        await town.publishes(olga, f"Reading {number}", SATURDAY + timedelta(hours=number))
    ann = chat("Ann")
    if asked_for:
        await ann.says("near me")
    first = await ann.shares_place(39.9990, 116.2750)
    assert "9 activities" in first
    assert "9 activities" in await ann.says("more")
    assert "m away" in ann.labels[0]
    assert "Reading" in await ann.says("1")
    await ann.shares_place(39.9990, 116.2750)
    assert "9 activities" in await ann.shares_place(39.9000, 116.3000)  # while the list is open
    assert "km away" in ann.labels[0]


@pytest.mark.parametrize("begins", ["near me", "find"])
async def test_near_me_is_no_answer_to_where(town: Town, chat: Open, begins: str) -> None:
    """It was searched for as if it were a sentence, and everything in the city was shown as what was near."""
    olga = chat("Olga")
    await town.publishes(olga, "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.says(begins)
    assert "Share your place" in await ann.says("near me")
    await ann.shares_place(39.9990, 116.2750)
    assert "m away" in ann.labels[0]


async def test_elder_mode_shows_short_lists(town: Town, chat: Open) -> None:
    ann = chat("Ann")
    await ann.says("elder")
    await ann.says("find")
    assert len(ann.labels) == 5


async def test_half_an_answer_is_asked_for_its_other_half_and_not_taken_for_a_search(town: Town, chat: Open) -> None:
    """What happened before: “Saturday” typed for the hours of a new activity began a search, and the plan was aside."""
    olga = chat("Olga")
    await olga.says("hello")
    await town.has_organisation(olga)
    await olga.says("publish")
    await olga.says("Cleaning the canal")
    await olga.says("tree planting")
    assert "both times" in await olga.says("Saturday")
    assert "4/6" in await olga.says("Sat 9:00-11:30")


async def test_a_sentence_about_something_else_is_heard_whatever_was_asked(town: Town, chat: Open) -> None:
    """What happened before: whoever was asked for the code could not look for activities without saying “cancel”."""
    activity = await town.publishes(chat("Olga"), "Reading to children", SATURDAY)
    ann = chat("Ann")
    await ann.joins(activity)
    town.at = SATURDAY.astimezone(town.at.tzinfo)
    assert "8 digits" in await ann.says("checkin")
    assert "I found nothing open" in await ann.says("any reading in Haidian on Sunday?")
