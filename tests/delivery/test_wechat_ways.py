"""WeChat's windows, consents and quotas against a platform that counts strictly: never one call too many."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.channels.wechat import WeChatApi, WeChatDoor
from bot.checks import check_accounts
from bot.delivery.decisions import City
from bot.delivery.ledger import Ledger
from bot.delivery.pace import Pace
from bot.delivery.sender import Sender
from bot.domain.forecast import Left
from bot.domain.notices import Notice
from bot.domain.quotas import CUSTOMER, NOTICE, TEMPLATE, WECHAT
from bot.domain.reach import PLAIN, Offers, Reason, Way
from bot.meters import Meters
from handlers.forms import fields
from storage import condition, grants, outbox, people, quotas, slots
from storage.tables.delivery import Lane, State, quota
from storage.tables.grants import notice_grant
from storage.tables.people import identity
from tests.channels.wechat_kit import MemoryShelf
from tests.delivery.kit import SHANGHAI, TEN, SmallCity, word
from tests.standins.wechat import Fault, WeChatApiStandIn
from tests.standins.wechat_api import OVERRUNS

T, N = "t" * 20, "n" * 20
FIELDS = {"thing1": "title", "time2": "when", "thing3": "where", "thing4": "what"}
OFFERS = Offers(templates={"reminder": T}, notices={"announcement": N, "reminder": N})
SEND = "/cgi-bin/message/custom/send"
PACE = Pace(rate=1000.0, most_in_flight=8, latency=0.1)


class WeChatTown:
    """A small city whose WeChat door leads to the strict stand-in, both on the city's clock."""

    def __init__(self, city: SmallCity, platform: WeChatApiStandIn, door: WeChatDoor, offers: Offers) -> None:
        self.city, self.platform, self.door = city, platform, door
        self.speaking = City(SHANGHAI, "zh_CN", offers=offers, limits=WECHAT)

    def sender(self) -> Sender:
        made = Sender(
            self.city.database, self.door, word, self.city.clock.times, self.speaking, pace=PACE,
            chance=lambda: 0.0, fields=fields,
        )  # fmt: skip
        self.city.senders.append(made)
        self.city.made.append(made)
        return made

    async def writes(self, one: int, kind: str = "message") -> None:
        """A person's message or click reaches the platform and us."""
        self.platform.heard(f"wechat-{one}", kind)  # type: ignore[arg-type]
        window = (48 * 3600, 5, False) if kind == "message" else (60, 3, True)
        async with self.city.database.write() as unit:
            address = select(identity.c.id).where(identity.c.external == f"wechat-{one}")
            await people.heard_from(unit, (await unit.run(address)).scalar_one(), self.city.clock.now, window)
            await outbox.release_held(unit, one)

    async def tells(self, one: int, times: int = 1, **values: Any) -> None:
        """Something to say to one person, several times."""
        for _time in range(times):
            self.serial = getattr(self, "serial", 0) + 1
            await self.city.plans(
                **{
                    "kind": "announcement", "source": 1, "revision": self.serial, "lane": Lane.PERSONAL,
                    "segment": {"person": one}, "words": {"text": f"hello {self.serial}"},
                    "not_before": self.city.clock.now, "expires": self.city.clock.now + timedelta(days=7),
                } | values
            )  # fmt: skip

    async def ways(self) -> list[tuple[str | None, State]]:
        return [(row.route, State(row.state)) for row in await self.city.rows()]

    @property
    def overruns(self) -> dict[int, int]:
        return {code: self.platform.refusals[code] for code in OVERRUNS if self.platform.refusals[code]}


@asynccontextmanager
async def town_of(
    city: SmallCity, offers: Offers = PLAIN, quotas: dict[str, int] | None = None
) -> AsyncIterator[WeChatTown]:
    def seconds() -> float:
        return city.clock.now.timestamp()

    async with WeChatApiStandIn(clock=seconds, quotas=quotas) as platform:
        platform.templates = {T: set(FIELDS), N: set(FIELDS)}
        api = WeChatApi(
            app_id=platform.app_id, app_secret=platform.secret, shelf=MemoryShelf(), clock=city.clock.city,
            base=platform.base,
        )  # fmt: skip
        door = WeChatDoor(api, "service", {T: FIELDS, N: FIELDS})
        await city.shift(1, TEN + timedelta(days=1))
        try:
            yield WeChatTown(city, platform, door, offers)
            for sender in city.senders:
                await sender.stop()
            city.senders.clear()
        finally:
            await api.close()


@pytest.fixture
async def town(city: SmallCity) -> AsyncIterator[WeChatTown]:
    async with town_of(city) as made:
        yield made


# --- Windows ---------------------------------------------------------------------------------------------------------


async def test_five_go_out_after_a_message_and_the_sixth_waits_without_a_call(town: WeChatTown) -> None:
    await town.city.person(2, "wechat")
    await town.writes(2)
    await town.tells(2, times=7)
    await town.sender().drain()
    assert len(town.platform.accepted) == 5
    assert town.platform.calls[SEND] == 5
    assert await town.ways() == [("window", State.SENT)] * 5 + [(None, State.PENDING)] * 2
    assert {row.reason for row in (await town.city.rows())[5:]} == {Reason.NO_WINDOW.value}
    await town.writes(2)
    await town.city.senders[0].drain()
    assert len(town.platform.accepted) == 7
    assert town.overruns == {}


async def test_a_click_opens_a_minute_beside_the_two_days_and_does_not_take_them_away(town: WeChatTown) -> None:
    """What happened before: a click replaced the 48 hours that a message had opened by its minute."""
    await town.city.person(2, "wechat")
    await town.writes(2)
    await town.writes(2, "action")
    town.city.clock.pass_by(minutes=5)
    await town.tells(2, times=3)
    await town.sender().drain()
    assert len(town.platform.accepted) == 3
    assert town.overruns == {}


async def test_after_a_click_alone_three_go_out_within_the_minute(town: WeChatTown) -> None:
    await town.city.person(2, "wechat")
    await town.writes(2, "action")
    await town.tells(2, times=4)
    await town.sender().drain()
    assert len(town.platform.accepted) == 3
    await town.writes(2, "action")
    town.city.clock.pass_by(seconds=55)  # what is left of the minute belongs to the way there
    await town.city.senders[0].drain()
    assert len(town.platform.accepted) == 3
    assert town.overruns == {}


@pytest.mark.parametrize("order", [("message", "action"), ("action", "message")])
async def test_with_both_windows_open_the_platform_is_never_asked_too_often(
    town: WeChatTown, order: tuple[str, str]
) -> None:
    await town.city.person(2, "wechat")
    for kind in order:
        await town.writes(2, kind)
    await town.tells(2, times=9)
    await town.sender().drain()
    assert len(town.platform.accepted) == 5
    town.city.clock.pass_by(hours=49)
    await town.tells(2, times=2)
    await town.city.senders[0].drain()
    assert town.overruns == {}


async def test_the_last_minute_of_two_days_is_left_alone(town: WeChatTown) -> None:
    await town.city.person(2, "wechat")
    await town.writes(2)
    town.city.clock.pass_by(hours=47, minutes=59, seconds=30)
    await town.tells(2)
    await town.sender().drain()
    assert town.platform.calls[SEND] == 0


async def test_without_the_count_the_platform_is_asked_too_often(
    town: WeChatTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: nothing is counted in the write-ahead."""

    async def forgets(*_of_it: object) -> None:
        return None

    monkeypatch.setattr(outbox, "spend_window", forgets)
    await town.city.person(2, "wechat")
    await town.writes(2)
    await town.tells(2, times=7)
    await town.sender().drain()
    assert town.overruns == {45047: 1}


async def test_what_was_not_sent_is_given_back_but_not_to_a_window_that_began_since(town: WeChatTown) -> None:
    """What happened before: five were left after they wrote again, the one given back made six, and the sixth call
    was one too many."""
    await town.city.person(2, "wechat")
    await town.writes(2)
    await town.tells(2)

    class Busy(WeChatDoor):
        async def send(self, *of_it: Any) -> Any:
            outcome = await town_door.send(*of_it)
            town.city.clock.pass_by(seconds=5)
            await town.writes(2)  # they write while the call is under way
            return outcome

    town_door = town.door
    town.door = Busy(town_door._api, "service", {})
    town.platform.fail(SEND, -1)
    await town.sender().drain()
    async with town.city.database.read() as unit:
        left = (await unit.run(select(identity.c.window_left).where(identity.c.person == 2))).scalar_one()
    assert left == 5


# --- Forms -----------------------------------------------------------------------------------------------------------


async def test_outside_the_window_a_reminder_goes_as_a_template_message_of_short_fields(city: SmallCity) -> None:
    async with town_of(city, OFFERS) as town:
        await city.person(2, "wechat")
        town.platform.follow("wechat-2")
        title = "一个名字\n非常非常非常非常非常非常非常非常长的活动"
        await city.shift(5, TEN + timedelta(hours=24), title=title, address="")
        await city.joins([2], 5)
        await city.planner().tick()
        await city.planner().expand()
        await town.sender().drain()
        ((kind, sent),) = town.platform.accepted
        assert (kind, sent["client_msg_id"]) == ("template", str((await city.rows())[0].id))
        assert {name: one["value"] for name, one in sent["data"].items()} == {
            "thing1": "一个名字 非常非常非常非常非常非常非常…",
            "time2": "2026年11月25日 10:00",
            "thing3": "—",
            "thing4": "还来吗？请在聊天里告诉我",
        }
        (row,) = await city.rows()
        assert (row.route, State(row.state), row.reason) == ("template", State.SENT, "window closed: as a notice")
        assert town.overruns == {}


async def test_whoever_refused_a_template_is_not_asked_again_and_the_message_waits(city: SmallCity) -> None:
    async with town_of(city, Offers(templates={"announcement": T})) as town:
        await city.person(2, "wechat")
        town.platform.follow("wechat-2").refused.add(T)
        await town.tells(2, times=3)
        await town.sender().drain()
        assert town.platform.refusals[43101] == 1
        assert await town.ways() == [("template", State.PENDING)] + [(None, State.PENDING)] * 2
        assert {row.account for row in await city.rows()} == {""}


async def test_consents_are_counted_up_once_each_and_spent_one_by_one(city: SmallCity) -> None:
    async with town_of(city, OFFERS) as town:
        await city.person(2, "wechat")
        follower = town.platform.follow("wechat-2")
        for second in (1, 2, 2):  # the second is told twice
            follower.grants[N] = min(follower.grants[N] + 1, 2)
            async with city.database.write() as unit:
                at = city.clock.now + timedelta(seconds=second)
                await grants.hear(unit, "wechat-2", N, True, at, once=True)
        await town.tells(2, times=3)
        await town.sender().drain()
        assert [kind for kind, _sent in town.platform.accepted] == ["notice", "notice"]
        assert await town.ways() == [("grant", State.SENT)] * 2 + [(None, State.PENDING)]
        assert town.overruns == {}


async def test_a_consent_told_twice_counts_twice_without_its_moment(city: SmallCity) -> None:
    """Control of the test above: the platform's moment is what tells a repetition from a second consent."""
    async with town_of(city, OFFERS) as town:
        await city.person(2, "wechat")
        town.platform.follow("wechat-2").grants[N] = 1
        for second in (1, 2):
            async with city.database.write() as unit:
                await grants.hear(unit, "wechat-2", N, True, city.clock.now + timedelta(seconds=second), once=True)
        await town.tells(2, times=2)
        await town.sender().drain()
        assert town.overruns == {43101: 1}


async def test_switched_off_in_the_settings_no_consent_is_left(city: SmallCity) -> None:
    async with town_of(city, OFFERS) as town:
        await city.person(2, "wechat")
        async with city.database.write() as unit:
            await grants.hear(unit, "wechat-2", N, True, TEN, once=True)
            await grants.hear(unit, "wechat-2", N, False, TEN + timedelta(seconds=1), once=False)
            row = (await unit.run(select(notice_grant))).one()
        assert (row.left, row.declined) == (0, True)
        await town.tells(2)
        await town.sender().drain()
        assert town.platform.accepted == []


async def test_a_template_message_whose_answer_was_lost_is_asked_for_again_under_its_key(city: SmallCity) -> None:
    async with town_of(city, Offers(templates={"announcement": T})) as town:
        await city.person(2, "wechat")
        town.platform.follow("wechat-2")
        town.platform.fail("/cgi-bin/message/template/send", Fault(drop=True, after_effect=True))
        await town.tells(2)
        sender = town.sender()
        await sender.drain()
        (row,) = await city.rows()
        assert (State(row.state), row.keyed is not None) == (State.PENDING, True)
        await town.writes(2)  # a window is open now, and yet it goes by the same way
        city.clock.pass_by(seconds=30)
        await sender.drain()
        (row,) = await city.rows()
        assert (State(row.state), row.route, row.keyed) == (State.SENT, "template", None)
        assert [kind for kind, _sent in town.platform.accepted] == ["template"]


async def test_after_ten_minutes_the_key_is_worth_nothing_and_it_stays_uncertain(city: SmallCity) -> None:
    async with town_of(city, Offers(templates={"announcement": T, "change": T})) as town:
        await city.person(2, "wechat")
        town.platform.follow("wechat-2")
        town.platform.fail("/cgi-bin/message/template/send", *[Fault(drop=True, after_effect=True)] * 2)
        await town.tells(2)
        await town.tells(2, kind="change", lane=Lane.CHANGE, source=1, revision=1, segment={"person": 2})
        sender = town.sender()
        await sender.drain()
        city.clock.pass_by(minutes=11)
        await sender.drain()
        states = {row.kind: (State(row.state), row.repeated) for row in await city.rows()}
        assert states["announcement"] == (State.UNCERTAIN, 0)
        assert len([1 for _kind, sent in town.platform.accepted if sent["client_msg_id"] == "1"]) == 1


async def test_a_sender_that_ended_while_calling_leaves_its_key_to_the_next(city: SmallCity) -> None:
    async with town_of(city, Offers(templates={"announcement": T})) as town:
        await city.person(2, "wechat")
        town.platform.follow("wechat-2")
        await town.tells(2)

        class Killed(WeChatDoor):
            async def fill(self, *of_it: Any) -> Any:
                await whole.fill(*of_it)
                raise KeyboardInterrupt

        whole, town.door = town.door, Killed(town.door._api, "service", {})
        dying = town.sender()
        await dying.lease.hold()
        look = await dying._look()
        await dying._claim(look.ready)
        (one,) = look.ready
        assert one.form is not None
        await whole.fill(one.external, one.form, str(one.waiting.id))  # it was sent, and nobody wrote that down
        city.senders.clear()
        town.door = whole
        city.clock.pass_by(seconds=20)
        await town.sender().drain()
        (row,) = await city.rows()
        assert (State(row.state), row.repeated) == (State.SENT, 0)
        assert len(town.platform.accepted) == 1


async def test_what_became_of_a_template_message_is_written_on_its_row(city: SmallCity) -> None:
    async with town_of(city, Offers(templates={"announcement": T})) as town:
        await city.person(2, "wechat")
        town.platform.follow("wechat-2")
        sender = town.sender()
        for _time in range(2):
            await town.tells(2)
            await sender.drain()
            city.clock.pass_by(seconds=61)  # the same fields twice in a minute would be one message
        first, second = (job[2] for job in town.platform.jobs)
        async with city.database.write() as unit:
            assert await outbox.hear(unit, first, True, "success", city.clock.now)
            assert await outbox.hear(unit, second, False, "failed:user block", city.clock.now)
            assert not await outbox.hear(unit, second, False, "failed:user block", city.clock.now)
            assert not await outbox.hear(unit, "999", False, "failed", city.clock.now)
        assert [(State(row.state), row.reason) for row in await city.rows()] == [
            (State.SENT, "platform: success"),
            (State.FAILED, "platform: failed:user block"),
        ]


# --- Quotas ----------------------------------------------------------------------------------------------------------


async def test_what_a_day_allows_is_counted_before_each_call_and_the_rest_goes_the_next_day(city: SmallCity) -> None:
    async with town_of(city, quotas={SEND: 3}) as town:
        async with city.database.write() as unit:
            await quotas.learn(unit, "wechat", CUSTOMER, 3, 0, city.clock.now)
        for one in range(2, 7):
            await city.person(one, "wechat")
            await town.writes(one)
            await town.tells(one)
        sender = town.sender()
        await sender.drain()
        assert town.platform.calls[SEND] == 3
        waiting = [row for row in await city.rows() if row.state == State.PENDING]
        assert {row.reason for row in waiting} == {Reason.QUOTA.value}
        city.clock.pass_by(hours=14, minutes=1)  # midnight in Beijing
        async with city.database.write() as unit:
            await quotas.learn(unit, "wechat", CUSTOMER, 3, 0, city.clock.now)
        city.clock.pass_by(hours=9)
        for one in range(2, 7):
            town.platform.heard(f"wechat-{one}", "message")
        await sender.drain()
        assert {State(row.state) for row in await city.rows()} == {State.SENT}
        assert town.overruns == {}


async def test_without_the_ledger_the_day_is_overrun(city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: every way is always free."""
    monkeypatch.setattr(Ledger, "_free", lambda *_of_it: True)
    async with town_of(city, quotas={SEND: 1}) as town:
        async with city.database.write() as unit:
            await quotas.learn(unit, "wechat", CUSTOMER, 1, 0, city.clock.now)
        for one in range(2, 4):
            await city.person(one, "wechat")
            await town.writes(one)
            await town.tells(one)
        await town.sender().step()
        await city.senders[0].settled()
        assert town.overruns == {45009: 1}


async def test_a_used_up_quota_of_one_api_leaves_the_others_open(city: SmallCity) -> None:
    """What happened before: the whole account was silent until midnight when one API's day was over."""
    async with town_of(city, Offers(templates={"announcement": T}), quotas={SEND: 1}) as town:
        for one in (2, 3):
            await city.person(one, "wechat")
            await town.writes(one)
            await town.tells(one)
        town.platform.used[SEND, int(city.clock.now.timestamp() + 8 * 3600) // 86_400] = 1
        await town.sender().drain()
        assert [kind for kind, _sent in town.platform.accepted] == ["template", "template"]
        async with city.database.read() as unit:
            row = (await unit.run(select(quota).where(quota.c.api == SEND))).one()
        assert row.paused_until is not None  # a successor obeys it too
        assert row.used <= 2


async def test_too_many_in_a_minute_slow_that_api_down(city: SmallCity) -> None:
    async with town_of(city) as town:
        town.platform.per_minute = 4
        for one in range(2, 12):
            await city.person(one, "wechat")
            await town.writes(one)
            await town.tells(one)
        sender = town.sender()
        await sender.drain()
        refused = town.platform.refusals[45011]
        assert refused >= 1
        for _minute in range(6):
            city.clock.pass_by(seconds=61)
            await sender.drain()
        assert len(town.platform.accepted) == 10
        assert town.platform.refusals[45011] == refused  # learned: not once again


async def test_the_ledger_counts_in_the_transaction_of_the_write_ahead(city: SmallCity) -> None:
    async with town_of(city, OFFERS) as town:
        for one in (2, 3):
            await city.person(one, "wechat")
            await town.writes(one)
            await town.tells(one)
        await town.sender().drain()
        async with city.database.read() as unit:
            left = await quotas.left(unit, "wechat", WECHAT.values(), city.clock.now)
        assert left[CUSTOMER.api] == Left(CUSTOMER, CUSTOMER.allowed - 2, CUSTOMER.allowed)
        assert left[TEMPLATE.api].left == TEMPLATE.allowed
        assert left[NOTICE.api].left == NOTICE.allowed


# --- Alarms ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "level"), [(40125, "fail"), (40164, "fail"), (48008, "warn")])
async def test_a_wrong_configuration_stops_the_account_and_the_operator_hears_of_it(
    city: SmallCity, code: int, level: str
) -> None:
    async with town_of(city) as town:
        for one in (2, 3):
            await city.person(one, "wechat")
            await town.writes(one)
        await town.tells(2)
        town.platform.fail(SEND, code)
        sender = town.sender()
        await sender.drain()
        await town.tells(3)
        await sender.drain()
        assert town.platform.calls[SEND] == 1  # nobody knocks at a closed door
        wall = city.clock.times.wall() * 1000
        async with city.database.read() as unit:
            ((until, why),) = (await slots.silent(unit, round(wall))).values()
            counts = await condition.look(unit, city.clock.now)
        assert (until - wall) / 1000 == pytest.approx(600, abs=5)
        assert str(code) in why
        seen = replace(counts, silent={"wechat": (600.0, why)})
        (line,) = check_accounts(seen)
        assert (line.name, line.level) == ("wechat", level)
        assert "10 more minutes" in line.says
        meters = Meters()
        meters.told(seen)
        assert 'menkou_account_silent_seconds{door="wechat"} 600.0' in meters.written().decode()


async def test_a_used_up_quota_is_a_line_for_the_operator(city: SmallCity) -> None:
    async with city.database.write() as unit:
        await quotas.learn(unit, "wechat", CUSTOMER, 5, 5, city.clock.now)
        await quotas.learn(unit, "wechat", TEMPLATE, 5, 4, city.clock.now)
        seen = await condition.look(unit, city.clock.now)
    (line,) = check_accounts(seen)
    assert line.level == "warn"
    assert SEND in line.says


# --- What a form says ------------------------------------------------------------------------------------------------


def test_a_notice_without_an_activity_is_no_form() -> None:
    assert fields(Notice("reply", None)) == {}


async def test_a_way_of_wechats_is_no_way_of_other_doors(city: SmallCity) -> None:
    async with town_of(city, OFFERS) as town:
        await city.person(2, "wechat", "telegram")
        town.platform.follow("wechat-2")
        await town.tells(2)
        made = Sender(
            city.database, town.door, word, city.clock.times, town.speaking, pace=PACE, doors=("telegram", "wechat")
        )
        city.senders.append(made)
        city.made.append(made)
        telegram = city.sender("telegram", doors=("telegram", "wechat"))
        for _round in range(2):
            await made.drain()
            await telegram.drain()
        (row,) = await city.rows()
        assert (row.account, row.route, row.reason) == (
            "telegram", Way.CHAT.value, "no way in where they wrote last: another address of theirs"
        )  # fmt: skip
        assert city.doors["telegram"].to == ["telegram-2"]
        async with city.database.write() as unit:
            await unit.run(update(identity).values(open=True))
