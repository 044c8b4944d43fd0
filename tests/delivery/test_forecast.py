"""The plan of routes: what it says before the first message is sent, and whether it then comes so."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, update

from bot.delivery.pace import Pace
from bot.desk.city import City
from bot.desk.desk import Desk
from bot.domain.forecast import Account, Counted, Left, Means, finished, plan_of_routes
from bot.domain.people import Person
from bot.domain.quotas import CUSTOMER, MASS_BY_KIND, TEMPLATE, WECHAT, ends, period_of
from bot.domain.reach import ByAddress, Hold, Offers, Reachable, Reason, Way, route
from storage import forecast, quotas
from storage.tables.grants import notice_grant
from storage.tables.people import identity
from tests.delivery.kit import SECRECY, TEN, SmallCity

SHANGHAI = ZoneInfo("Asia/Shanghai")
QUIET = (21 * 60, 8 * 60)
GREEN = {"subscribers": [["kind", "green"]]}


def at(hour: int, minute: int = 0, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


# --- When it is through --------------------------------------------------------------------------------------------


def test_ten_million_at_thirty_a_second_are_ninety_three_hours_of_sending() -> None:
    through = finished(10_000_000, at(8), 30.0, SHANGHAI, None)
    assert through is not None
    assert (through - at(8)).total_seconds() / 3600 == pytest.approx(92.6, abs=0.1)


def test_at_night_nothing_leaves_and_the_next_morning_it_goes_on() -> None:
    assert finished(3600, at(20, 30), 1.0, SHANGHAI, QUIET) == at(8, 30, day=25)
    assert finished(1, at(23), 1.0, SHANGHAI, QUIET) == at(8, day=25) + timedelta(seconds=1)


def test_what_a_day_allows_is_not_exceeded_and_the_rest_waits_for_beijings_midnight() -> None:
    limit = Left(TEMPLATE, left=10, allowed=100)
    assert finished(110, at(12), 1.0, SHANGHAI, None, limit) == at(0, day=25) + timedelta(seconds=100)
    assert finished(10, at(12), 1.0, SHANGHAI, None, limit) == at(12) + timedelta(seconds=10)


def test_what_can_never_be_sent_has_no_hour() -> None:
    assert finished(1, at(12), 1.0, SHANGHAI, None, Left(TEMPLATE, 0, 0)) is None


@given(st.integers(1, 200_000), st.integers(0, 1439), st.floats(0.5, 500))
def test_it_never_ends_at_night_and_never_faster_than_the_rate(count: int, minute: int, rate: float) -> None:
    now = at(0) + timedelta(minutes=minute)
    through = finished(count, now, rate, SHANGHAI, QUIET)
    assert through is not None
    assert (through - now).total_seconds() >= count / rate - 1e-3
    local = (through - timedelta(milliseconds=1)).astimezone(SHANGHAI)
    assert 8 * 60 <= local.hour * 60 + local.minute < 21 * 60


def test_a_period_of_a_month_begins_on_its_first_day() -> None:
    month = MASS_BY_KIND["service"]
    assert str(period_of(month, at(23, day=30))) == "2026-11-01"
    assert ends(month, at(23, day=30)) == datetime(2026, 12, 1, tzinfo=SHANGHAI)
    # Beijing's day, wherever the city lies: at four in the afternoon in London it is tomorrow there.
    assert str(period_of(CUSTOMER, datetime(2026, 11, 24, 16, 30, tzinfo=UTC))) == "2026-11-25"


def test_the_plan_names_every_route_and_who_must_wait() -> None:
    counted = Counted(
        {
            (Way.CHAT, "telegram"): 8_100,
            (Way.TEMPLATE, "wechat"): 2_900,
            (Way.WINDOW, "wechat"): 900,
            (Way.MASS, "wechat"): 500,
        },
        waiting=70,
        unreachable=30,
    )
    limits = {
        Way.TEMPLATE: Left(TEMPLATE, 100_000, 100_000),
        Way.WINDOW: Left(CUSTOMER, 500_000, 500_000),
        Way.MASS: Left(MASS_BY_KIND["service"], 2, 4),
    }
    accounts = {"telegram": Account(28.0), "wechat": Account(5.0, ahead=100)}
    plan = plan_of_routes(counted, at(10), SHANGHAI, QUIET, accounts, limits)
    assert [(leg.way, leg.people) for leg in plan.legs] == [
        (Way.CHAT, 8_100), (Way.TEMPLATE, 2_900), (Way.WINDOW, 900), (Way.MASS, 500)
    ]  # fmt: skip
    assert (plan.people, plan.waiting, plan.unreachable) == (12_500, 70, 30)
    telegram, template, _window, mass = plan.legs
    assert telegram.ends == at(10) + timedelta(seconds=8_100 / 28)
    assert template.ends == at(10) + timedelta(seconds=3_900 / 5)  # beside the others of the account, after what waits
    assert (mass.ends, mass.left, mass.of) == (None, 2, 4)
    assert plan.ends == template.ends


def test_nobody_to_tell_is_a_plan_too() -> None:
    plan = plan_of_routes(Counted(), at(10), SHANGHAI, QUIET, {}, {})
    assert (plan.legs, plan.people, plan.ends) == ((), 0, None)


# --- The same rule in SQL and in Python ------------------------------------------------------------------------------

OFFERS = Offers(
    templates={"reminder": "t" * 16}, notices={"reminder": "n" * 16, "announcement": "a" * 16}, mass=True
)
DOORS = ("telegram", "web", "wechat")


async def mixed(city: SmallCity, count: int = 60) -> dict[int, list[Reachable]]:
    """People with all kinds of addresses, open and closed, within windows and outside."""
    kinds: dict[int, list[Reachable]] = {}
    for one in range(2, 2 + count):
        doors = [door for bit, door in enumerate(("telegram", "wechat", "web")) if one >> bit & 1]
        await city.person(one, *doors, inbound=timedelta(hours=one % 5))
    now = city.clock.now
    async with city.database.write() as unit:
        for one in range(2, 2 + count):
            here = identity.c.person == one
            wechat = (here, identity.c.door == "wechat")
            if one % 3 == 0:
                until = now + timedelta(minutes=(one % 4) * 30)
                await unit.run(update(identity).where(*wechat).values(window_until=until, window_left=one % 5))
            if one % 7 == 0:
                clicked = {"action_until": now + timedelta(seconds=50), "action_left": one % 2}
                await unit.run(update(identity).where(*wechat).values(clicked))
            if one % 11 == 0:
                await unit.run(update(identity).where(here, identity.c.door == "telegram").values(open=False))
            if one % 5 == 0:
                # After somebody in the wechat door, before them in the others.
                await unit.run(update(identity).where(*wechat).values(inbound=now))
            if one % 4 == 0 and one >> 1 & 1:
                template = ("t" if one % 8 else "n") * 16
                await unit.run(
                    insert(notice_grant).values(
                        person=one, external=f"wechat-{one}", template=template, left=one % 3, declined=one % 8 != 0
                    )
                )
        grants = {(row.external, row.template): row for row in await unit.run(notice_grant.select())}
        for row in await unit.run(identity.select().order_by(identity.c.id)):
            theirs = {template: one for (external, template), one in grants.items() if external == row.external}
            kinds.setdefault(row.person, []).append(
                Reachable(
                    row.door, row.external, row.open, row.inbound, row.window_until, row.window_left,
                    row.action_until, row.action_left, {name: one.left for name, one in theirs.items()},
                    frozenset(name for name, one in theirs.items() if one.declined),
                )
            )  # fmt: skip
    return kinds


@pytest.mark.parametrize("kind", ["reminder", "announcement", "change"])
async def test_sql_counts_what_the_rule_says_of_each_person(city: SmallCity, kind: str) -> None:
    people = await mixed(city)
    await city.subscribes(range(2, 62))
    expected: Counter[object] = Counter()
    for one in range(2, 62):
        theirs = [address for address in people.get(one, []) if address.door in DOORS]
        match route(theirs, city.clock.now, kind, OFFERS):  # type: ignore[arg-type]
            case ByAddress(door, _external, way):
                expected[way, door] += 1
            case Hold(Reason.NO_ADDRESS):
                expected["unreachable"] += 1
            case Hold(_):
                mass = kind == "announcement" and any(one.open and one.door == "wechat" for one in theirs)
                expected[(Way.MASS, "wechat") if mass else "waiting"] += 1
    async with city.database.read() as unit:
        counted = await forecast.by_route(unit, GREEN, kind, city.clock.now, DOORS, OFFERS)  # type: ignore[arg-type]
    found = Counter(dict(counted.routes)) + Counter(waiting=counted.waiting, unreachable=counted.unreachable)
    assert found == expected
    assert len(expected) >= 4


async def test_the_desk_plans_with_what_the_ledger_has_left(city: SmallCity) -> None:
    await city.people(range(2, 12))
    await city.people(range(12, 15), door="wechat")
    await city.subscribes(range(2, 15))
    means = Means({"telegram": 2.0, "wechat": 5.0}, Offers(mass=True), {**WECHAT, Way.MASS: MASS_BY_KIND["service"]})
    async with city.database.write() as unit:
        await quotas.spend(unit, "wechat", {MASS_BY_KIND["service"]: 3}, TEN)
        desk = Desk(unit, Person(1, "V0", "en"), TEN, City(SHANGHAI, SECRECY, means=means))
        plan = await desk.reach.plan_of_routes(GREEN)
    assert [(leg.way, leg.door, leg.people, leg.left) for leg in plan.legs] == [
        (Way.CHAT, "telegram", 10, None),
        (Way.MASS, "wechat", 3, 1),
    ]
    assert plan.ends == TEN + timedelta(seconds=5)


async def test_what_the_plan_says_is_within_five_percent_of_what_then_happens(city: SmallCity) -> None:
    await city.shift(1, TEN + timedelta(days=2))
    await city.people(range(2, 142))
    await city.subscribes(range(2, 142))
    means = Means({"telegram": 28.0})
    async with city.database.read() as unit:
        desk = Desk(unit, Person(1, "V0", "en"), city.clock.now, City(SHANGHAI, SECRECY, means=means))
        plan = await desk.reach.plan_of_routes(GREEN)
    began = city.clock.now
    await city.announces()
    await city.planner().expand()
    sender = city.sender(pace=Pace(28.0, per_chat=1.0))
    await sender.drain()
    assert len(city.doors["telegram"].calls) == 140
    assert plan.ends is not None
    took, said = (city.clock.now - began).total_seconds(), (plan.ends - began).total_seconds()
    assert took == pytest.approx(said, rel=0.05)
