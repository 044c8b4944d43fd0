"""The leader's page: its signed address, ticks that come late, twice, or from the future; on both databases."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import delete, func, select

from bot.desk.records import close_shifts
from bot.desk.rolls import Rolls, roll_of, take_ticks
from bot.domain.roll import AlreadySo, Mark, Marked, NotMarked, Outcome, Tick
from storage import people
from storage.tables.activities import membership
from storage.tables.enrolment import attendance, enrolment, record
from storage.tables.evidence import evidence
from tests.conversations.kit import MONDAY, Chat, Town

SATURDAY = MONDAY + timedelta(days=5)

Open = Callable[..., Chat]

pytestmark = pytest.mark.parametrize("door", ["telegram"])


class Phone:
    """A leader's page: ticks kept until it is said that they are written down."""

    def __init__(self, town: Town, activity: int, number: str, key: str) -> None:
        self.town, self.activity, self.number, self.key = town, activity, number, key

    def tick(self, id_: int, mark: Mark = Mark.HERE, at: datetime | None = None) -> Tick:
        return Tick(secrets.token_hex(16), id_, mark, at or self.town.at)

    async def sends(self, *ticks: Tick) -> list[Outcome] | None:
        town = self.town
        taken = await take_ticks(town.database, town.city, self.activity, self.number, self.key, town.at, ticks)
        return None if taken is None else [taken[0][one.nonce] for one in ticks]

    async def sees(self) -> list[tuple[int, str, str]] | None:
        town = self.town
        page = await roll_of(town.database, town.city, self.activity, self.number, self.key, town.at)
        return page and [(one.number, page.names[one.person], one.shown[0]) for one in page.lines]


@pytest.fixture
async def phone(town: Town, chat: Open) -> Phone:
    """Olga's, at the start of an activity with Ann and Bob; the address comes from the chat."""
    olga = chat("Olga")
    activity = await town.publishes(olga, "Reading to children", SATURDAY)
    for name in ("Ann", "Bob"):
        one = chat(name)
        await one.opens("join", activity)
        for said in ("yes", f"{name} Lee", "13800138000", "yes"):
            await one.says(said)
    town.at = SATURDAY.astimezone(town.at.tzinfo)
    await olga.opens("manage", activity)
    [address] = [button.url for button in olga.buttons if "/roll/" in button.url]
    asked = parse_qs(urlsplit(address).query)
    return Phone(town, activity, asked["v"][0], asked["k"][0])


async def kept(town: Town) -> tuple[list[str], int]:
    async with town.database.read() as unit:
        states = list((await unit.run(select(enrolment.c.state).order_by(enrolment.c.id))).scalars())
        return states, int((await unit.run(select(func.count()).select_from(evidence))).scalar_one())


async def test_the_page_shows_the_roll_to_its_leader(town: Town, phone: Phone) -> None:
    assert await phone.sees() == [(1, "Ann Lee", "expected"), (2, "Bob Lee", "expected")]


@pytest.mark.parametrize("wrong", ["key", "activity", "number", "early", "late", "dismissed"])
async def test_nobody_else_sees_it_and_all_refusals_are_alike(town: Town, phone: Phone, wrong: str) -> None:
    match wrong:
        case "key":
            phone.key = phone.key[::-1]
        case "activity":
            phone.activity += 1
        case "number":
            phone.number = "V234567892"
        case "early":
            town.at -= timedelta(hours=12, seconds=1)
        case "late":
            town.at += timedelta(hours=26)
        case "dismissed":
            async with town.database.write() as unit:
                await unit.run(delete(membership))
    assert await phone.sees() is None
    assert await phone.sends(phone.tick(1)) is None
    assert (await kept(town))[1] == 0


async def test_ticks_that_come_twice_or_thrice_have_one_effect(town: Town, phone: Phone) -> None:
    ticks = [phone.tick(1), phone.tick(2), phone.tick(2, Mark.BACK)]
    assert [type(one) for one in await phone.sends(*ticks) or ()] == [Marked, Marked, Marked]
    before = await kept(town)
    for _again in range(3):
        town.at += timedelta(minutes=1)
        assert {type(one) for one in await phone.sends(*ticks) or ()} == {AlreadySo}
        await phone.sends(ticks[1])  # the one that was taken back, alone
    assert await kept(town) == before == (["arrived", "joined"], 3)


async def test_without_the_names_a_tick_sent_again_would_undo_what_came_after_it(
    town: Town, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control."""

    async def nothing_known(*_asked: object) -> set[str]:
        return set()

    tick, back = phone.tick(2), phone.tick(2, Mark.BACK)
    await phone.sends(tick)
    await phone.sends(back)
    monkeypatch.setattr("storage.evidence.known_nonces", nothing_known)
    with pytest.raises(Exception, match="nonce"):  # the database's own key is the last guard
        await phone.sends(tick)


async def test_a_tick_on_whom_was_there_already_is_known_again(town: Town, chat: Open, phone: Phone) -> None:
    ann = chat("Ann")
    await ann.opens("checkin", phone.activity, (await town.code(phone.activity)).token)
    first, second, back = phone.tick(1), phone.tick(1), phone.tick(1, Mark.BACK)
    await phone.sends(first)
    await phone.sends(second)
    await phone.sends(back)
    await phone.sends(first, second)
    assert (await kept(town))[0] == ["joined", "joined"]


async def test_a_hole_in_the_network_loses_nothing_and_keeps_the_times(town: Town, phone: Phone) -> None:
    ticks = [phone.tick(1), phone.tick(2, at=town.at + timedelta(minutes=5))]
    ticks.append(phone.tick(1, Mark.LEFT, town.at + timedelta(minutes=100)))
    town.at += timedelta(minutes=110)
    await phone.sends(*ticks)
    async with town.database.read() as unit:
        rows = list(await unit.run(select(attendance.c.arrived, attendance.c.left).order_by(attendance.c.enrolment)))
    assert [tuple(row) for row in rows] == [
        (SATURDAY, SATURDAY + timedelta(minutes=100)),
        (SATURDAY + timedelta(minutes=5), None),
    ]


async def test_what_was_closed_by_rule_meanwhile_is_counted_when_the_phone_is_back(town: Town, phone: Phone) -> None:
    ticks = [phone.tick(1), phone.tick(1, Mark.LEFT, town.at + timedelta(minutes=90))]
    town.at += timedelta(hours=5)
    async with town.database.write() as unit:
        await close_shifts(unit, town.city, town.at)
    assert (await kept(town))[0] == ["absent", "absent"]
    await phone.sends(*ticks)
    async with town.database.read() as unit:
        assert [row.minutes for row in await unit.run(select(record.c.minutes))] == [90]


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        (SATURDAY - timedelta(minutes=60) - SECOND, "early"),
        (SATURDAY - timedelta(minutes=60), ""),
        (SATURDAY + timedelta(hours=2) - SECOND, ""),
        (SATURDAY + timedelta(hours=2), "over"),
        (SATURDAY + timedelta(hours=3) + SECOND, "future"),
    ],
)
async def test_a_ticks_time_must_lie_inside_the_window_and_not_in_the_future(
    town: Town, phone: Phone, moment: datetime, why: str
) -> None:
    town.at = (SATURDAY + timedelta(hours=3)).astimezone(town.at.tzinfo)
    [outcome] = await phone.sends(phone.tick(1, at=moment)) or ()
    assert (outcome.why if isinstance(outcome, NotMarked) else "") == why
    assert (await kept(town))[1] == int(not why)


async def test_somebody_of_another_activity_cannot_be_ticked(town: Town, chat: Open, phone: Phone) -> None:
    town.at -= timedelta(days=1)
    other = await town.publishes(chat("Olga"), "Planting trees", SATURDAY + timedelta(hours=5))
    await chat("Cy").joins(other)
    town.at += timedelta(days=1)
    assert await phone.sends(phone.tick(3)) == [NotMarked("unknown")]


async def test_the_rights_are_those_of_this_moment_in_the_table(town: Town, chat: Open, phone: Phone) -> None:
    """Control of “dismissed” above: the same person at the desk."""
    async with town.database.read() as unit:
        id_ = await people.by_number(unit, phone.number)
        me = await people.find(unit, id_ or 0)
        assert me is not None
        assert await Rolls(unit, me, town.at, town.city).lines(phone.activity) is not None
