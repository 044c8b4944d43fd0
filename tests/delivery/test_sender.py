"""The sender's decisions and what becomes of each call, against a door that does what the test says."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.delivery.pace import Pace
from bot.domain.reach import ATTEMPTS
from bot.talk.door import Delivered, NotSent, Outcome, Refused, Uncertain
from storage import fanouts, outbox, outbox_reports, slots, waiting
from storage.tables.activities import activity
from storage.tables.delivery import Lane, Running, State, fanout, sender_slot
from storage.tables.delivery import outbox as messages
from storage.tables.enrolment import enrolment
from storage.tables.messages import inbox
from storage.tables.people import conversation, identity, person, subscription
from tests.delivery.kit import FAST, Clockwork, SmallCity, until

TELEGRAM = Pace(rate=28.0, per_chat=1.0, latency=0.1)


async def announced(city: SmallCity, *people: int, doors: tuple[str, ...] = ("telegram",)) -> None:
    """Activity 1 in three days is announced to these people, and the rows are made."""
    await city.shift(1, city.clock.now + timedelta(days=3))
    for number in people:
        await city.person(number, *doors)
    await city.subscribes(people)
    await city.announces()
    await city.planner(doors).expand()


async def reminded(city: SmallCity, *people: int, doors: tuple[str, ...] = ("telegram",)) -> None:
    """These people joined shift 1, which begins in a day; the reminder is made."""
    await city.shift(1, city.clock.now + timedelta(hours=24))
    for number in people:
        await city.person(number, *doors)
    await city.joins(people, 1)
    planner = city.planner(doors)
    await planner.tick()
    await planner.expand()


async def only_row(city: SmallCity) -> Any:
    (row,) = await city.rows()
    return row


async def address(city: SmallCity, external: str) -> Any:
    async with city.database.read() as unit:
        return (await unit.run(select(identity).where(identity.c.external == external))).one()


# --- The plain way -------------------------------------------------------------------------------------------------


async def test_a_message_is_put_into_words_when_it_leaves_and_recorded_with_its_receipt(city: SmallCity) -> None:
    await reminded(city, 2)
    async with city.database.write() as unit:
        await unit.run(update(activity).values(title="Trees and tea"))
    sender = city.sender()
    assert await sender.drain() == 1
    (call,) = city.doors["telegram"].calls
    assert call.to == "telegram-2"
    assert "Trees and tea" in call.text
    row = await only_row(city)
    assert (State(row.state), row.receipt, row.attempt, row.reason) == (
        State.SENT,
        "r1",
        1,
        "where they wrote last",
    )
    assert row.route == "chat"
    assert call.key == str(row.id)
    assert await sender.drain() == 0


async def test_a_typed_number_means_the_options_that_were_delivered(city: SmallCity) -> None:
    await reminded(city, 2, 3)
    city.doors["telegram"] = city.sender().__dict__["_door"]
    city.doors["telegram"].script["telegram-3"] = [Refused("no")]
    await city.senders[0].drain()
    async with city.database.read() as unit:
        rows = list(await unit.run(select(conversation.c.pushed, conversation.c.pushed_at).order_by("person")))
    assert rows[0].pushed[0] | {"pick": ""} == {"label": "Still coming", "pick": "", "link": "coming-1"}
    assert rows[0].pushed_at == city.clock.now
    assert (rows[1].pushed, rows[1].pushed_at) == (None, None)


async def test_each_reader_gets_their_own_language(city: SmallCity) -> None:
    await reminded(city, 2, 3)
    async with city.database.write() as unit:
        await unit.run(update(activity).values(title="植树"))
        await unit.run(update(person).where(person.c.id == 3).values(language="zh_CN"))
    await city.sender().drain()
    said = {call.to: call.text for call in city.doors["telegram"].calls}
    assert "Nov" in said["telegram-2"]
    assert "11月25日" in said["telegram-3"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (update(activity).values(state="cancelled"), "activity cancelled"),
        (update(activity).values(revision=2), "activity changed since"),
        (update(enrolment).values(state="cancelled"), "no longer signed up"),
        (update(fanout).values(expires=1).returning(fanout.c.id), None),
        (update(messages).values(expires=1), "too late"),
    ],
)
async def test_what_stopped_being_true_after_planning_is_not_sent(
    city: SmallCity, change: Any, reason: str | None
) -> None:
    await reminded(city, 2)
    async with city.database.write() as unit:
        await unit.run(change)
    await city.sender().drain()
    row = await only_row(city)
    if reason is None:  # an intention's own expiry was copied to its rows
        assert State(row.state) is State.SENT
    else:
        assert (State(row.state), row.reason) == (State.SUPPRESSED, reason)
        assert city.doors["telegram"].calls == []


async def test_whoever_unsubscribes_in_the_last_moment_is_spared(city: SmallCity) -> None:
    await announced(city, 2, 3)
    async with city.database.write() as unit:
        await unit.run(subscription.delete().where(subscription.c.person == 2))
    await city.sender().drain()
    assert city.doors["telegram"].to == ["telegram-3"]


async def test_at_night_a_reminder_moves_to_the_morning_and_no_attempt_is_counted(
    city: SmallCity, clock: Clockwork
) -> None:
    clock.pass_by(hours=12)  # ten in the evening
    await reminded(city, 2)
    sender = city.sender()
    await sender.drain()
    row = await only_row(city)
    assert (State(row.state), row.attempt, row.reason) == (State.PENDING, 0, "quiet hours")
    clock.pass_by(hours=9, minutes=59)
    assert await sender.drain() == 0
    clock.pass_by(minutes=1)
    assert await sender.drain() == 1
    assert len(city.doors["telegram"].calls) == 1


async def test_a_persons_own_quiet_hours_come_before_the_citys(city: SmallCity, clock: Clockwork) -> None:
    clock.pass_by(hours=12)
    await reminded(city, 2)
    async with city.database.write() as unit:
        await unit.run(update(person).where(person.c.id == 2).values(quiet_from=23 * 60, quiet_until=6 * 60))
    await city.sender().drain()
    assert len(city.doors["telegram"].calls) == 1


# --- What becomes of calls -----------------------------------------------------------------------------------------


async def test_what_was_certainly_not_sent_goes_again_after_a_while(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [NotSent("connection refused")]
    await sender.drain()
    row = await only_row(city)
    assert (State(row.state), row.attempt, row.reason) == (State.PENDING, 1, "connection refused")
    assert await sender.drain() == 0
    clock.pass_by(seconds=2)
    await sender.drain()
    assert State((await only_row(city)).state) is State.SENT
    assert len(city.doors["telegram"].calls) == 2


async def test_attempts_used_up_make_it_dead_listed_and_resendable(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [NotSent("no route") for _attempt in range(ATTEMPTS)]
    for _attempt in range(ATTEMPTS + 2):
        await sender.drain()
        clock.pass_by(minutes=16)
    async with city.database.write() as unit:
        (dead,) = await outbox_reports.list_dead(unit)
        assert (dead.person, dead.attempt, dead.reason) == (2, ATTEMPTS, "no route")
        assert (await outbox_reports.counts(unit, clock.now)).dead == 1
        assert await outbox.resend(unit, dead.id, clock.now)
        assert not await outbox.resend(unit, dead.id, clock.now)
    await sender.drain()
    assert State((await only_row(city)).state) is State.SENT
    assert len(city.doors["telegram"].calls) == ATTEMPTS + 1


async def test_a_429_halts_the_account_counts_no_attempt_and_a_successor_obeys_it(
    city: SmallCity, clock: Clockwork
) -> None:
    await announced(city, 2, 3)
    sender = city.sender(pace=Pace(rate=1000, most_in_flight=1))
    city.doors["telegram"].script["*"] = [NotSent("429", after=30, halts="account")]
    await sender.drain()
    assert len(city.doors["telegram"].calls) == 1
    assert {row.attempt for row in await city.rows()} == {0}
    await sender.stop()
    successor = city.sender()
    clock.pass_by(seconds=29)
    assert await successor.drain() == 0
    clock.pass_by(seconds=2)
    await successor.drain()
    assert await city.states() == {State.SENT: 2}


async def test_a_blocked_bot_closes_the_address_and_another_one_is_tried(city: SmallCity) -> None:
    await announced(city, 2, doors=("telegram", "web"))
    first, second = city.sender(doors=["web"]), city.sender("web", doors=["telegram"])
    city.doors["telegram"].script["*"] = [Refused("403 blocked", closes=True)]
    await first.drain()
    await second.drain()
    assert not (await address(city, "telegram-2")).open
    assert city.doors["web"].to == ["web-2"]
    row = await only_row(city)
    assert (State(row.state), row.account) == (State.SENT, "web")


async def test_a_blocked_bot_with_no_other_address_is_a_failure(city: SmallCity) -> None:
    await announced(city, 2)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [Refused("403 blocked", closes=True)]
    await sender.drain()
    row = await only_row(city)
    assert (State(row.state), row.reason) == (State.FAILED, "403 blocked")


async def test_a_refused_message_fails_alone(city: SmallCity) -> None:
    await announced(city, 2, 3)
    sender = city.sender()
    city.doors["telegram"].script["telegram-2"] = [Refused("400 too odd")]
    await sender.drain()
    assert await city.states() == {State.FAILED: 1, State.SENT: 1}
    assert (await address(city, "telegram-2")).open


async def test_an_announcement_nobody_knows_about_is_listed_and_not_sent_again(
    city: SmallCity, clock: Clockwork
) -> None:
    await announced(city, 2)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [Uncertain("read time-out")]
    await sender.drain()
    clock.pass_by(hours=1)
    await sender.drain()
    async with city.database.read() as unit:
        (listed,) = await outbox_reports.list_uncertain(unit)
    assert (listed.person, listed.state, listed.reason) == (2, State.UNCERTAIN, "read time-out")
    assert len(city.doors["telegram"].calls) == 1


async def test_a_reminder_nobody_knows_about_is_said_once_more_in_words_that_make_sense_twice(
    city: SmallCity, clock: Clockwork
) -> None:
    await reminded(city, 2)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [Uncertain("reset"), Uncertain("reset")]
    await sender.drain()
    clock.pass_by(minutes=1)
    await sender.drain()
    clock.pass_by(minutes=1)
    await sender.drain()
    first, second = city.doors["telegram"].got("telegram-2")
    assert second == f"again: {first}"
    row = await only_row(city)
    assert (State(row.state), row.repeated) == (State.UNCERTAIN, 1)
    async with city.database.read() as unit:
        assert len(await outbox_reports.list_uncertain(unit)) == 1


async def test_what_was_said_twice_and_then_arrived_is_still_listed(city: SmallCity, clock: Clockwork) -> None:
    await reminded(city, 2)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [Uncertain("reset")]
    await sender.drain()
    clock.pass_by(minutes=1)
    await sender.drain()
    async with city.database.read() as unit:
        (listed,) = await outbox_reports.list_uncertain(unit)
    assert (listed.state, listed.repeated) == (State.SENT, True)


async def test_a_door_that_raises_or_hangs_leaves_it_uncertain_and_the_rest_goes_on(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.sender.CALL_LIMIT", 0.05)
    await announced(city, 2, 3, 4)
    sender = city.sender()

    def breaks() -> None:
        raise RuntimeError("bug")

    city.doors["telegram"].script["telegram-2"] = [breaks]
    city.doors["telegram"].script["telegram-3"] = [lambda: asyncio.sleep(60)]
    await sender.drain()
    reasons = {row.person: (State(row.state), row.reason) for row in await city.rows()}
    assert reasons[2] == (State.UNCERTAIN, "RuntimeError")
    assert reasons[3] == (State.UNCERTAIN, "no answer in 0.05 s")
    assert reasons[4][0] is State.SENT


async def test_a_message_that_cannot_be_put_into_words_stops_nothing(city: SmallCity) -> None:
    await announced(city, 2)
    await city.announces(text="", revision=2)
    await city.planner().expand()
    await city.sender().drain()
    assert await city.states() == {State.SENT: 1, State.DEAD: 1}
    assert city.doors["telegram"].got("telegram-2") == ["hello"]


# --- WeChat's window -----------------------------------------------------------------------------------------------


async def open_window(city: SmallCity, left: int, hours: float = 48) -> None:
    async with city.database.write() as unit:
        await unit.run(
            update(identity)
            .where(identity.c.door == "wechat")
            .values(window_until=city.clock.now + timedelta(hours=hours), window_left=left)
        )


async def test_within_wechats_window_each_message_is_counted_and_then_the_rest_waits_until_they_write(
    city: SmallCity,
) -> None:
    await announced(city, 2, doors=("wechat",))
    for revision in (2, 3):
        await city.announces(f"more {revision}", revision)
    await city.planner(["wechat"]).expand()
    await open_window(city, left=2)
    sender = city.sender("wechat")
    await sender.drain()
    assert len(city.doors["wechat"].calls) == 2
    assert (await address(city, "wechat-2")).window_left == 0
    (held,) = [row for row in await city.rows() if State(row.state) is State.PENDING]
    assert (held.account, held.reason) == ("", "waits until they write")
    # They write: the turn opens the window anew and lets go what was held.
    await open_window(city, left=5)
    async with city.database.write() as unit:
        assert await outbox.release_held(unit, 2) == 1
        assert not unit.changed
    await sender.drain()
    assert await city.states() == {State.SENT: 3}
    assert (await address(city, "wechat-2")).window_left == 4


async def test_a_window_that_was_not_used_is_given_back(city: SmallCity) -> None:
    await announced(city, 2, doors=("wechat",))
    await open_window(city, left=3)
    sender = city.sender("wechat")
    city.doors["wechat"].script["*"] = [NotSent("busy")]
    await sender.drain()
    assert (await address(city, "wechat-2")).window_left == 3


async def test_a_window_that_the_platform_says_is_over_is_over(city: SmallCity) -> None:
    await announced(city, 2, doors=("wechat",))
    await open_window(city, left=3)
    sender = city.sender("wechat")
    city.doors["wechat"].script["*"] = [Refused("45015", window=True)]
    await sender.drain()
    assert (await address(city, "wechat-2")).window_left == 0
    row = await only_row(city)
    assert (State(row.state), row.account) == (State.PENDING, "")


async def test_outside_the_window_another_door_of_theirs_is_taken(city: SmallCity) -> None:
    await announced(city, 2, doors=("wechat", "telegram"))
    wechat, telegram = city.sender("wechat", doors=["telegram"]), city.sender(doors=["wechat"])
    await wechat.drain()
    row = await only_row(city)
    assert (row.account, row.reason) == ("telegram", "was to go by wechat")
    await telegram.drain()
    assert city.doors["telegram"].to == ["telegram-2"]


async def test_somebody_with_no_open_address_is_told_when_they_come_back(city: SmallCity) -> None:
    await reminded(city, 2)
    async with city.database.write() as unit:
        await unit.run(update(identity).values(open=False))
    sender = city.sender()
    await sender.drain()
    assert (await only_row(city)).reason == "no open address"
    async with city.database.write() as unit:
        await unit.run(update(identity).values(open=True))
        await outbox.release_held(unit, 2, "telegram")
    await sender.drain()
    assert city.doors["telegram"].to == ["telegram-2"]


# --- Replies -------------------------------------------------------------------------------------------------------


def sealed(city: SmallCity, key: str, pages: Any) -> bytes:
    assert city.database.secrecy is not None
    return city.database.secrecy.seal_json(pages, f"inbox:telegram:{key}:reply")


async def kept_reply(city: SmallCity, external: str = "telegram-2", pages: Any = None) -> None:
    kept = [{"text": "one"}, {"text": "two"}] if pages is None else pages
    async with city.database.write() as unit:
        await unit.run(
            insert(inbox).values(
                door="telegram", key="u1", external=external, at=city.clock.now, state=0, reply=sealed(city, "u1", kept)
            )
        )
        await fanouts.plan_reply(unit, "telegram", "telegram-2", "u1", city.clock.now)
        await fanouts.plan_reply(unit, "telegram", "telegram-2", "u1", city.clock.now)


async def test_a_kept_reply_is_brought_once_at_night_too_to_where_it_was_asked(
    city: SmallCity, clock: Clockwork
) -> None:
    clock.pass_by(hours=14)
    await city.person(2, "web", "telegram")
    await kept_reply(city)
    sender = city.sender(doors=["web"])
    await sender.drain()
    assert city.doors["telegram"].got("telegram-2") == ["one", "two"]
    assert [call.key for call in city.doors["telegram"].calls] == ["1.0", "1.1"]


@pytest.mark.parametrize("fault", [NotSent("busy"), Uncertain("reset"), NotSent("429", after=1, halts="account")])
async def test_a_message_that_fails_at_its_second_page_goes_on_there(
    city: SmallCity, clock: Clockwork, fault: Outcome
) -> None:
    """What happened before: the first page came again, or the second one never."""
    await city.person(2, "telegram")
    await kept_reply(city, pages=[{"text": "one"}, {"text": "two"}, {"text": "three"}])
    sender = city.sender()
    city.doors["telegram"].script["*"] = [Delivered("1"), fault]
    await sender.drain()
    row = await only_row(city)
    assert (State(row.state), row.page, row.receipt) == (State.PENDING, 1, "1")
    assert row.reason == f"page 2 of 3: {fault.reason}"
    assert row.repeated == isinstance(fault, Uncertain)
    # Whoever goes on is another process; all that it knows is on disk.
    await sender.stop()
    clock.pass_by(minutes=1)
    await city.sender().drain()
    assert city.doors["telegram"].got("telegram-2") == ["one", "two", "two", "three"]
    row = await only_row(city)
    assert (State(row.state), row.page, row.attempt) == (State.SENT, 3, 1)


async def test_each_page_is_written_ahead_so_that_a_kill_in_the_middle_goes_on_there(city: SmallCity) -> None:
    await city.person(2, "telegram")
    await kept_reply(city)
    sender = city.sender(owner="dead")
    city.doors["telegram"].script["*"] = [Delivered("1"), lambda: asyncio.sleep(60)]
    running = asyncio.create_task(sender.run())
    await until(lambda: len(city.doors["telegram"].calls) == 2)
    running.cancel()
    for call in list(sender._calls):
        call.cancel()
    await asyncio.gather(running, *sender._calls, return_exceptions=True)
    city.senders.remove(sender)
    assert State((await only_row(city)).state) is State.SENDING
    city.clock.pass_by(seconds=16)
    await city.sender().drain()
    assert city.doors["telegram"].got("telegram-2") == ["one", "two", "two"]


async def test_the_pages_of_one_message_keep_the_chats_pace_too(city: SmallCity, clock: Clockwork) -> None:
    await city.person(2, "telegram")
    await kept_reply(city, pages=[{"text": "one"}, {"text": "two"}, {"text": "three"}])
    sender = city.sender(pace=TELEGRAM)
    for _second in range(5):
        await sender.drain()
        clock.pass_by(seconds=1)
    moments = [call.at for call in city.doors["telegram"].calls]
    assert city.doors["telegram"].got("telegram-2") == ["one", "two", "three"]
    assert all(later - earlier >= 0.999 for earlier, later in itertools.pairwise(moments))


async def test_a_reply_of_which_a_part_was_said_already_goes_on_behind_it(city: SmallCity) -> None:
    await city.person(2, "telegram")
    async with city.database.write() as unit:
        pages = [{"text": "one"}, {"text": "two"}, {"text": "three"}]
        kept = {"door": "telegram", "key": "u1", "external": "telegram-2", "at": city.clock.now, "state": 0}
        await unit.run(insert(inbox).values(**kept, reply=sealed(city, "u1", pages)))
        await fanouts.plan_reply(unit, "telegram", "telegram-2", "u1", city.clock.now, said=2)
    await city.sender().drain()
    assert city.doors["telegram"].got("telegram-2") == ["three"]


# --- Pace and lanes ------------------------------------------------------------------------------------------------


async def test_messages_leave_no_faster_than_the_account_may_speak(city: SmallCity, clock: Clockwork) -> None:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.people(range(2, 102))
    await city.subscribes(range(2, 102))
    await city.announces()
    await city.planner().expand()
    sender = city.sender(pace=TELEGRAM)
    await sender.drain()
    moments = sorted(call.at for call in city.doors["telegram"].calls)
    assert len(moments) == 100
    assert all(sum(start <= moment < start + 1 for moment in moments) <= 30 for start in moments)
    assert moments[-1] < 4.5


async def test_one_chat_hears_once_a_second_and_nobody_waits_behind_it(
    city: SmallCity, clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.domain.campaigns.WEEKLY", 99)  # how much one hears in a week is held elsewhere
    await announced(city, 2)
    for revision in range(2, 7):
        await city.announces(f"{revision}", revision)
    await city.people([3])
    await city.subscribes([3])
    await city.announces("last", 9)
    await city.planner().expand()
    sender = city.sender(pace=TELEGRAM)
    for _second in range(12):
        await sender.drain()
        clock.pass_by(seconds=1)
    moments = [call.at for call in city.doors["telegram"].calls if call.to == "telegram-2"]
    assert len(moments) == 7
    assert all(later - earlier >= 0.999 for earlier, later in itertools.pairwise(moments))
    assert next(call.at for call in city.doors["telegram"].calls if call.to == "telegram-3") < 1.0


async def test_a_reply_leaves_before_a_reminder_and_a_reminder_before_a_campaign(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.people(range(2, 60))
    await city.subscribes(range(2, 50))
    await city.joins(range(50, 55), 1)
    await city.announces()
    planner = city.planner()
    await planner.expand()
    await planner.tick()
    await planner.expand()
    await city.person(99, "telegram")
    async with city.database.write() as unit:
        await unit.run(
            insert(inbox).values(
                door="telegram",
                key="u",
                external="telegram-99",
                at=clock.now,
                state=0,
                reply=sealed(city, "u", [{"text": "answer"}]),
            )
        )
        await fanouts.plan_reply(unit, "telegram", "telegram-99", "u", clock.now)
    sender = city.sender(pace=Pace(rate=20, most_in_flight=1))
    await sender.step()
    await sender.settled()
    said = [call.text for call in city.doors["telegram"].calls]
    assert said[0] == "answer"
    assert all(text.startswith("reminder") for text in said[1:6])
    assert said[6:] == ["hello"] * 4


async def test_campaigns_keep_a_tenth_behind_everything_else_and_take_turns(city: SmallCity, clock: Clockwork) -> None:
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.people(range(2, 120))
    await city.subscribes(range(2, 40))
    await city.joins(range(40, 120), 1)
    await city.announces("first")
    await city.announces("second", 2)
    planner = city.planner()
    await planner.tick()
    await planner.expand()
    async with city.database.read() as unit:
        found = await waiting.peek(unit, "telegram", clock.now, 20, campaigns=2)
        alone = await waiting.peek(unit, "telegram", clock.now, 90, campaigns=2)
    assert [one.kind for one in found] == ["announcement"] * 2 + ["reminder"] * 18
    assert {one.words["text"] for one in found[:2]} == {"first", "second"}
    assert [one.kind for one in alone].count("announcement") == 10
    assert [one.words.get("text") for one in alone].count("first") == 5


async def test_behind_an_endless_row_of_reminders_a_tenth_goes_to_campaigns_each_in_its_turn(
    city: SmallCity, clock: Clockwork
) -> None:
    await city.shift(1, clock.now + timedelta(hours=24))
    await city.people(range(2, 402))
    await city.subscribes(range(2, 102))
    await city.joins(range(102, 402), 1)
    for number, text in enumerate(("first", "second", "third"), 1):
        await city.announces(text, number)
    planner = city.planner()
    await planner.tick()
    await planner.expand()
    sender = city.sender(pace=Pace(rate=28.0, latency=0.1))
    while len(city.doors["telegram"].calls) < 200:
        await sender.step()
        await sender.settled()
    said = Counter(call.text.split()[0] for call in city.doors["telegram"].calls[:200])
    assert 18 <= said["first"] + said["second"] + said["third"] <= 22
    assert max(said["first"], said["second"], said["third"]) - min(said["first"], said["second"], said["third"]) <= 1


async def test_a_paused_campaign_takes_no_place_of_one_that_runs(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, *range(2, 12))
    await city.announces("second", 2)
    await city.planner().expand()
    async with city.database.write() as unit:
        assert await fanouts.pause(unit, 1, "an organiser wanted it")
        assert not await fanouts.pause(unit, 1, "twice")
        found = await waiting.peek(unit, "telegram", clock.now, 8)
    assert [one.words["text"] for one in found] == ["second"] * 8
    await city.sender().drain()
    assert await city.states() == {State.SENT: 10, State.PENDING: 10}
    async with city.database.write() as unit:
        assert await fanouts.resume(unit, 1)
        assert not await fanouts.resume(unit, 1)
    await city.planner().expand()
    await city.senders[0].drain()
    assert await city.states() == {State.SENT: 20}


@pytest.mark.parametrize("failure", [Refused("400 too odd"), Uncertain("502")])
async def test_a_campaign_of_which_more_than_a_twentieth_fails_rests_by_itself(
    city: SmallCity, failure: Outcome
) -> None:
    await announced(city, *range(2, 102))
    sender = city.sender(pace=Pace(rate=1000, most_in_flight=1))
    city.doors["telegram"].script["*"] = [failure] * 100
    await sender.drain()
    assert len(city.doors["telegram"].calls) == 11
    async with city.database.read() as unit:
        row = (await unit.run(select(fanout))).one()
    assert (Running(row.state), row.reason) == (Running.PAUSED, "11 of its last messages failed")
    # Somebody looked and lets it go on; what failed before is not held against it.
    async with city.database.write() as unit:
        await fanouts.resume(unit, row.id)
    await city.planner().expand()
    await sender.drain()
    assert len(city.doors["telegram"].calls) == 22


async def test_a_campaign_of_which_a_twentieth_fails_goes_on(city: SmallCity) -> None:
    """The control: ten in two hundred are not too many."""
    await city.shift(1, city.clock.now + timedelta(days=3))
    await city.people(range(2, 402))
    await city.subscribes(range(2, 402))
    await city.announces()
    await city.planner().expand()
    sender = city.sender(pace=Pace(rate=1000, most_in_flight=1))
    city.doors["telegram"].script["*"] = [
        Refused("400 too odd") if number % 20 == 0 else Delivered() for number in range(400)
    ]
    await sender.drain()
    assert await city.states() == {State.SENT: 380, State.FAILED: 20}


async def test_a_reply_planned_in_the_middle_of_a_look_leaves_next(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, *range(2, 42))
    await city.person(99, "telegram")
    sender = city.sender(pace=TELEGRAM)
    asked: list[float] = []

    async def somebody_asks() -> Delivered:
        async with city.database.write() as unit:
            kept = {"door": "telegram", "key": "u", "external": "telegram-99", "at": clock.now, "state": 0}
            await unit.run(insert(inbox).values(**kept, reply=sealed(city, "u", [{"text": "answer"}])))
            await fanouts.plan_reply(unit, "telegram", "telegram-99", "u", clock.now)
        asked.append(clock.seconds)
        sender.nudge()
        return Delivered()

    city.doors["telegram"].script["*"] = [Delivered(), Delivered(), somebody_asks]
    await sender.drain()
    (answered,) = (call.at for call in city.doors["telegram"].calls if call.text == "answer")
    assert answered - asked[0] <= 3 / 28 + 0.001
    assert await city.states() == {State.SENT: 41}


async def test_a_paused_intention_is_not_sent(city: SmallCity) -> None:
    await announced(city, 2)
    async with city.database.write() as unit:
        await unit.run(update(fanout).values(state=2))
        taken = await slots.take(unit, "telegram", "me", 1, 1000)
        assert taken is not None
        ids = [row.id for row in await unit.run(select(messages.c.id))]
        # Paused between the look and the write-ahead: that takes hold too.
        assert await outbox.claim(unit, "telegram", taken.epoch, ids) == {}
    await city.sender().drain()
    assert city.doors["telegram"].calls == []


# --- The slot ------------------------------------------------------------------------------------------------------


async def test_only_one_sender_speaks_for_an_account(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2)
    first, second = city.sender(owner="a"), city.sender(owner="b")
    assert await first.lease.hold()
    assert not await second.lease.hold()
    clock.pass_by(seconds=14)
    assert await first.lease.renew()
    clock.pass_by(seconds=14)
    assert not await second.lease.hold()
    clock.pass_by(seconds=2)
    assert await second.lease.hold()
    assert not await first.lease.renew()
    assert not first.lease.holds


async def test_a_dead_process_need_not_be_waited_for(city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = city.sender(owner="elsewhere:1:dead.1")
    assert await gone.lease.hold()
    assert not await city.sender().lease.hold()
    monkeypatch.setattr("bot.delivery.slot.is_gone", lambda owner: owner == "elsewhere:1:dead.1")
    assert await city.sender().lease.hold()


async def test_a_late_receipt_settles_what_had_become_uncertain(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2)
    async with city.database.write() as unit:
        old = await slots.take(unit, "telegram", "old", 1_000, 500)
        assert old is not None
        (row,) = await unit.run(select(messages))
        await outbox.claim(unit, "telegram", old.epoch, [row.id])
        new = await slots.take(unit, "telegram", "new", 9_000, 500)
        assert new is not None
        assert await outbox.recover(unit, "telegram", new.epoch, clock.now) == (0, 1)
        await outbox.record(
            unit, [outbox.Result(row.id, old.epoch, 1, 2, State.SENT, "telegram", row.due, receipt="9")], clock.now
        )
    row = await only_row(city)
    assert (State(row.state), row.receipt) == (State.SENT, "9")


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
async def test_a_takeover_does_not_wait_for_what_a_frozen_holder_is_writing_down(
    city: SmallCity, clock: Clockwork
) -> None:
    """On PostgreSQL: SQLite has one writer, and whoever freezes inside a transaction there holds everybody up."""
    await announced(city, 2, 3)
    async with city.database.write() as unit:
        old = await slots.take(unit, "telegram", "old", 1_000, 500)
        assert old is not None
        first, second = [row.id for row in await unit.run(select(messages.c.id).order_by(messages.c.id))]
        await outbox.claim(unit, "telegram", old.epoch, [first, second])
    async with city.database.write() as frozen:
        await outbox.record(frozen, [outbox.Result(first, old.epoch, 1, 2, State.SENT, "telegram", 0)], clock.now)
        async with asyncio.timeout(5), city.database.write() as unit:
            new = await slots.take(unit, "telegram", "new", 9_000, 500)
            assert new is not None
            assert await outbox.recover(unit, "telegram", new.epoch, clock.now) == (0, 1)
    assert await city.states() == {State.SENT: 1, State.UNCERTAIN: 1}


async def test_an_orderly_stop_leaves_nothing_uncertain_and_the_slot_free(city: SmallCity) -> None:
    await city.shift(1, city.clock.now + timedelta(days=3))
    await city.people(range(2, 202))
    await city.subscribes(range(2, 202))
    await city.announces()
    await city.planner().expand()
    sender = city.sender(pace=Pace(rate=5000, most_in_flight=16))
    city.doors["telegram"].script["*"] = [lambda: slow() for _call in range(200)]

    async def slow() -> Delivered:
        await asyncio.sleep(0.02)
        return Delivered("x")

    running = asyncio.create_task(sender.run())
    await until(lambda: len(city.doors["telegram"].calls) >= 40)
    await sender.stop()
    await running
    states = await city.states()
    assert set(states) == {State.SENT, State.PENDING}
    assert states[State.SENT] == len(city.doors["telegram"].calls)
    assert await city.sender(owner="next").lease.hold()


async def test_results_are_written_down_in_groups(city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> None:
    await announced(city, *range(2, 42))
    record, groups = outbox.record, []

    async def counted(unit: Any, results: Any, now: Any) -> None:
        groups.append(len(results))
        await record(unit, results, now)

    monkeypatch.setattr(outbox, "record", counted)
    await city.sender().drain()
    assert await city.states() == {State.SENT: 40}
    assert sum(groups) == 40
    assert len(groups) <= 10


async def test_one_result_that_cannot_be_written_holds_up_nobody_and_is_settled_like_a_kill(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    await announced(city, 2, 3, 4)
    record = outbox.record

    async def poisoned(unit: Any, results: Any, now: Any) -> None:
        if any(result.person == 3 for result in results):
            raise ValueError("our own mistake")
        await record(unit, results, now)

    monkeypatch.setattr(outbox, "record", poisoned)
    sender = city.sender(owner="me")
    await sender.drain()
    assert await city.states() == {State.SENT: 2, State.UNCERTAIN: 1}
    assert city.doors["telegram"].to.count("telegram-3") == 1


async def test_a_result_is_not_lost_because_the_database_was_away_for_a_moment(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    await announced(city, 2)
    record, failures = outbox.record, iter((OSError("gone"), OSError("gone")))

    async def sometimes(*arguments: Any) -> None:
        if failure := next(failures, None):
            raise failure
        await record(*arguments)

    monkeypatch.setattr(outbox, "record", sometimes)
    await city.sender().drain()
    assert await city.states() == {State.SENT: 1}


async def test_a_claim_whose_end_nobody_saw_is_found_again_under_a_new_number(
    city: SmallCity, clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reminded(city, 2)
    sender = city.sender(owner="me")
    claim = sender._claim

    async def lost(batch: Any) -> dict[int, int]:
        monkeypatch.setattr(sender, "_claim", claim)
        await claim(batch)
        raise ConnectionResetError

    monkeypatch.setattr(sender, "_claim", lost)
    running = asyncio.create_task(sender.run())
    await until(lambda: city.doors["telegram"].calls)
    await sender.settled()
    await sender.stop()
    await running
    (call,) = city.doors["telegram"].calls
    assert call.text.startswith("again: ")
    assert await city.states() == {State.SENT: 1}


# --- Reports -------------------------------------------------------------------------------------------------------


async def test_why_it_did_not_arrive_is_answerable_years_later(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2)
    await reminded_again(city)
    sender = city.sender()
    city.doors["telegram"].script["*"] = [Delivered("a"), Refused("403 blocked", closes=True)]
    await sender.drain()
    async with city.database.read() as unit:
        before = await outbox_reports.why(unit, 2)
    clock.pass_by(days=8)
    planner = city.planner()
    await announce_more(city)
    assert await planner.retire() >= 1
    async with city.database.read() as unit:
        after = await outbox_reports.why(unit, 2)
    assert [(told.kind, told.state) for told in before] == [
        ("announcement", State.FAILED),
        ("announcement", State.SENT),
    ]
    assert after[-len(before) :] == before
    async with city.database.read() as unit:
        assert await outbox_reports.report(unit, 1) == {State.SENT: 1}


async def reminded_again(city: SmallCity) -> None:
    await city.announces("second", 2)
    await city.planner().expand()


async def announce_more(city: SmallCity) -> None:
    await city.announces("third", 3)
    await city.planner().expand()


async def test_retiring_never_frees_a_number_for_reuse(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2, 3)
    await city.sender().drain()
    clock.pass_by(days=30)
    await city.planner().retire()
    numbers = {row.id for row in await city.rows()}
    await announce_more(city)
    assert min({row.id for row in await city.rows()} - numbers) > 2
    clock.pass_by(days=30)
    await city.planner().sweep()
    clock.pass_by(days=30)
    await city.planner().retire()
    assert len(await city.rows()) == 1


async def test_the_meters_see_what_waits_and_for_how_long(city: SmallCity, clock: Clockwork) -> None:
    await announced(city, 2, 3)
    await city.person(4)
    await city.plans(
        kind="change", source=9, lane=Lane.CHANGE, segment={"person": 4}, not_before=clock.now,
        expires=clock.now + timedelta(days=9),
    )  # fmt: skip
    clock.pass_by(minutes=3)
    async with city.database.read() as unit:
        counted = await outbox_reports.counts(unit, clock.now)
    assert counted.waiting == {("telegram", 9): 2, ("", 1): 1}
    assert counted.oldest == pytest.approx(180)
    assert (counted.sending, counted.uncertain, counted.dead) == (0, 0, 0)


async def test_an_address_refused_by_the_slot_table_is_nobodys(city: SmallCity) -> None:
    sender = city.sender(pace=FAST)
    await sender.step()
    async with city.database.read() as unit:
        row = (await unit.run(select(sender_slot))).one()
        assert await slots.held(unit) == {"telegram": (row.owner, row.lease_until)}
