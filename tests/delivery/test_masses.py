"""A campaign's last readers: under a tag, told with one mass message, never twice, never over four a month."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError

from bot.account import Account
from bot.channels.wechat import Finished
from bot.channels.wechat.extras import Extras
from bot.desk.campaign_messages import segment
from bot.desk.city import City
from bot.domain.campaigns import Audience, Condition, Scope
from bot.domain.forecast import Means
from bot.domain.quotas import MASS_BY_KIND, WECHAT
from bot.domain.reach import Because, Offers, Reason, Way
from bot.talk.door import Overloaded
from storage import campaigns, fanouts, outbox, quotas
from storage.tables.delivery import State
from storage.tables.official import mass, tagged
from storage.tables.people import identity, subscription
from tests.channels.wechat_kit import MemoryShelf
from tests.delivery.kit import SECRECY, SHANGHAI, SmallCity
from tests.delivery.test_wechat_ways import WeChatTown, town_of
from tests.standins.wechat import Fault

MASS = MASS_BY_KIND["service"]
OFFERS = Offers(mass=True)
LIMITS = {**WECHAT, Way.MASS: MASS}
SENDALL = "/cgi-bin/message/mass/sendall"


class MassTown(WeChatTown):
    """The same with the account's own ticks."""

    account: Account

    async def campaign(self, people: range, revision: int = 1, mass: str = "yes", **changes: Any) -> int:
        """Everybody subscribes and is announced to; the WeChat sender finds no way and lets them wait."""
        number = await self.city.announces(revision=revision, **{"words": {"text": "来吧", "mass": mass}} | changes)
        await self.city.planner(("wechat",)).expand()
        await self.city.senders[0].drain()
        return number

    async def ticks(self, times: int = 4) -> None:
        for _time in range(times):
            await self.account.keep_masses()
            await self.city.senders[0].drain()
            self.city.clock.pass_by(seconds=30)

    async def counted(self) -> dict[tuple[str | None, State], int]:
        found: dict[tuple[str | None, State], int] = {}
        for row in await self.city.rows():
            if row.person:
                key = (row.route, State(row.state))
                found[key] = found.get(key, 0) + 1
        return found


@asynccontextmanager
async def massed(city: SmallCity, people: range = range(2, 122)) -> AsyncIterator[MassTown]:
    async with town_of(city, OFFERS) as made:
        town = MassTown(city, made.platform, made.door, OFFERS)
        town.speaking = made.speaking.__class__(SHANGHAI, "zh_CN", offers=OFFERS, limits=LIMITS)
        means = Means({"wechat": 5.0}, OFFERS, LIMITS)
        extras = Extras(made.door._api, made.platform.app_id, MemoryShelf())
        town.account = Account(city.database, City(SHANGHAI, SECRECY, means=means), extras, city.clock.city)
        await city.people(people, door="wechat")
        await city.subscribes(people)
        for one in people:
            made.platform.follow(f"wechat-{one}")
        town.sender()
        yield town


async def test_whom_nothing_else_reaches_gets_one_mass_message_and_the_others_their_own(city: SmallCity) -> None:
    async with massed(city) as town:
        for one in (2, 3):
            await town.writes(one)
        await town.campaign(range(2, 122))
        assert await town.counted() == {("window", State.SENT): 2, (None, State.PENDING): 118}
        await town.ticks()
        assert await town.counted() == {("window", State.SENT): 2, ("mass", State.SENT): 118}
        (message,) = [sent for kind, sent in town.platform.accepted if kind == "mass"]
        assert "来吧" in message["text"]["content"]
        assert {len(one.received) for one in town.platform.followers.values()} == {1}
        assert town.platform.calls["/cgi-bin/tags/members/batchtagging"] == 3  # fifty at a time
        assert town.platform.tags == {}  # its work is done
        assert town.overruns == {}
        async with city.database.read() as unit:
            left = await quotas.left(unit, "wechat", [MASS], city.clock.now)
            assert (await unit.run(select(tagged))).first() is None
        assert left["mass"].left == 3
        mine = next(row for row in await city.rows() if row.person == 9)
        assert mine.reason == Because.MASS.value


async def test_a_long_one_is_one_message_all_the_same(city: SmallCity) -> None:
    """500 characters with a card below them went as two of the four that an account may send in a month."""
    async with massed(city) as town:
        long = "种树" * 240 + "🌳" * 90
        await town.campaign(range(2, 122), words={"text": long, "mass": "yes"})
        await town.ticks()
        (message,) = [sent for kind, sent in town.platform.accepted if kind == "mass"]
        assert long in message["text"]["content"]
        assert "See it" in message["text"]["content"]
        async with city.database.read() as unit:
            left = await quotas.left(unit, "wechat", [MASS], city.clock.now)
        assert left["mass"].left == 3


async def test_a_campaign_is_told_to_its_audience_so_and_each_of_them_is_counted_once(city: SmallCity) -> None:
    async with massed(city, range(2, 12)) as town:
        everybody = segment(Audience(Scope(), (Condition("subscribed", ("green",)),)), city.clock.now)
        await town.campaign(range(2, 12), kind="campaign", segment=everybody, words={"activity": "1", "mass": "yes"})
        await town.ticks()
        assert await town.counted() == {("mass", State.SENT): 10}
        assert {len(one.received) for one in town.platform.followers.values()} == {1}
        async with city.database.read() as unit:
            assert await campaigns.outcomes(unit, 1) == {(State.SENT, Because.MASS.value): 10}
            assert len(await campaigns.messages(unit, 1, 100)) == 10


async def test_without_leave_no_mass_message_is_sent(city: SmallCity) -> None:
    async with massed(city, range(2, 6)) as town:
        await town.campaign(range(2, 6), mass="")
        await town.ticks()
        assert town.platform.calls[SENDALL] == 0
        assert await town.counted() == {(None, State.PENDING): 4}


async def test_who_unsubscribes_leaves_or_writes_before_it_goes_is_taken_out(city: SmallCity) -> None:
    async with massed(city, range(2, 12)) as town:
        await town.campaign(range(2, 12))
        await town.account.keep_masses()  # the tag is made
        async with city.database.write() as unit:
            await unit.run(update(mass).values(state=0))
            ((number, tag),) = await unit.run(select(mass.c.fanout, mass.c.tag))
        one_after_another = town.account._extras
        await one_after_another.put_under(tag, [f"wechat-{one}" for one in range(2, 12)])
        async with city.database.write() as unit:
            rows = [{"mass": 1, "person": one, "external": f"wechat-{one}"} for one in range(2, 12)]
            await unit.run(tagged.insert(), rows)
            await unit.run(delete(subscription).where(subscription.c.person == 3))
            await unit.run(update(identity).where(identity.c.person == 4).values(open=False))
        await town.writes(5)
        await town.ticks()
        heard = {openid for openid, one in town.platform.followers.items() if one.received}
        assert heard == {f"wechat-{one}" for one in range(2, 12)} - {"wechat-3", "wechat-4"}
        assert {len(one.received) for one in town.platform.followers.values()} <= {0, 1}
        assert (await town.counted())["window", State.SENT] == 1
        assert number == 1


async def test_four_a_month_and_not_one_more(city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.domain.campaigns.WEEKLY", 99)  # our own three a week come sooner
    async with massed(city, range(2, 5)) as town:
        for revision in range(1, 7):
            await town.campaign(range(2, 5), revision=revision)
            await town.ticks()
        assert town.platform.calls[SENDALL] == 4
        assert town.overruns == {}
        assert (await town.counted())[None, State.PENDING] == 6  # two campaigns wait until people write


async def test_without_the_ledger_the_fifth_is_one_too_many(city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: nothing is counted."""
    monkeypatch.setattr("bot.domain.campaigns.WEEKLY", 99)

    async def nothing(*_of_it: Any) -> None:
        return None

    monkeypatch.setattr(quotas, "spend", nothing)
    async with massed(city, range(2, 5)) as town:
        for revision in range(1, 6):
            await town.campaign(range(2, 5), revision=revision)
            await town.ticks()
        assert town.overruns == {45028: 1}


async def test_a_mass_message_whose_answer_was_lost_is_asked_for_again_and_heard_once(city: SmallCity) -> None:
    async with massed(city, range(2, 6)) as town:
        town.platform.fail(SENDALL, Fault(drop=True, after_effect=True))
        await town.campaign(range(2, 6))
        await town.ticks(6)
        assert town.platform.calls[SENDALL] == 2
        assert {len(one.received) for one in town.platform.followers.values()} == {1}
        assert await town.counted() == {("mass", State.SENT): 4}


async def test_a_sender_that_ended_while_calling_leaves_the_mass_message_to_its_key(city: SmallCity) -> None:
    async with massed(city, range(2, 6)) as town:
        await town.campaign(range(2, 6))
        for _tick in range(2):
            await town.account.keep_masses()
        dying = city.senders.pop()
        look = await dying._look()
        await dying._claim(look.ready)
        (one,) = look.ready
        assert one.page is not None
        assert one.due.tag is not None
        await town.door.broadcast(one.due.tag, one.page, f"menkou-{one.waiting.id}")
        city.clock.pass_by(minutes=20)  # its key is good for ever
        town.sender()
        await town.ticks()
        assert {len(follower.received) for follower in town.platform.followers.values()} == {1}
        assert await town.counted() == {("mass", State.SENT): 4}


async def test_a_refused_mass_message_lets_them_wait_until_they_write(city: SmallCity) -> None:
    async with massed(city, range(2, 6)) as town:
        town.platform.fail(SENDALL, 45008)
        await town.campaign(range(2, 6))
        await town.ticks()
        assert await town.counted() == {(None, State.PENDING): 4}
        assert {row.reason for row in await city.rows() if row.person} == {Reason.NO_WINDOW.value}
        assert town.platform.calls[SENDALL] == 1
        await town.writes(2)
        await city.senders[0].drain()
        assert (await town.counted())["window", State.SENT] == 1


async def test_a_campaign_that_is_stopped_before_it_leaves_stays_here(city: SmallCity) -> None:
    async with massed(city, range(2, 6)) as town:
        number = await town.campaign(range(2, 6))
        for _tick in range(2):
            await town.account.keep_masses()
        async with city.database.write() as unit:
            await fanouts.stop(unit, number, city.clock.now)
        await town.ticks()
        assert town.platform.calls[SENDALL] == 0
        assert await town.counted() == {("mass", State.SUPPRESSED): 4}


async def test_the_platforms_report_is_kept_with_the_message(city: SmallCity) -> None:
    async with massed(city, range(2, 6)) as town:
        await town.campaign(range(2, 6))
        await town.ticks()
        ((_kind, reached, number),) = town.platform.jobs
        await town.account.finished(Finished("mass", "", number, "send success", detail=reached))
        (row,) = [row for row in await city.rows() if not row.person]
        assert (State(row.state), row.reason) == (State.SENT, "platform: send success (4 of 4)")


async def test_a_report_that_comes_while_the_database_is_away_is_to_come_again(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble: list[Exception] = [KeyError("a fault of ours"), OperationalError("UPDATE outbox", {}, OSError("no route"))]

    async def breaks(*_of_it: object) -> None:
        raise trouble.pop()

    async with massed(city, range(2, 6)) as town:
        monkeypatch.setattr(outbox, "hear", breaks)
        for heard in (Overloaded, KeyError):
            with pytest.raises(heard):
                await town.account.finished(Finished("mass", "", "9", "send success"))


async def test_only_the_process_that_speaks_for_the_account_touches_its_tags(city: SmallCity) -> None:
    async with massed(city, range(2, 6)) as town:
        await town.campaign(range(2, 6))
        town.account._speaks = lambda: False
        await town.ticks()
        assert town.platform.calls["/cgi-bin/tags/create"] == 0


async def test_a_tag_that_was_made_before_a_kill_is_taken_up(city: SmallCity) -> None:
    async with massed(city, range(2, 6)) as town:
        number = await town.campaign(range(2, 6))
        await town.account._extras.new_tag(f"menkou {number}")  # and then the process ended
        await town.ticks()
        assert town.platform.calls["/cgi-bin/tags/create"] == 1
        assert await town.counted() == {("mass", State.SENT): 4}

