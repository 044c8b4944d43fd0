"""What the public is told of a city: counted against an oracle, told in the chat, kept when the database is away."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import OperationalError

from bot.answers import Answers
from bot.desk import figures
from bot.domain.figures import SPANS, Figures
from bot.domain.records import Interval, spent
from bot.domain.rulesets import SHIPPED
from storage.database import Database
from storage.tables.activities import activity, organisation, shift
from storage.tables.enrolment import attendance, enrolment, record
from storage.tables.people import person
from tests.conversations.kit import MONDAY, Chat, Town, number_of
from tests.conversations.test_linking import link

UNTIL = MONDAY.replace(hour=0)
STATES = ("open",) * 5 + ("cancelled",)
RULES = SHIPPED.on(MONDAY.date()).name
DISTRICTS, KINDS, GRADES = (110101, 110105, 110108, 110109), ("environment", "elderly", "online"), "AABBBCD"


@pytest.fixture
def town(database: Database) -> Town:
    return Town(database)


class Ledger:
    """Writes down who served when and where, as records are: and knows it all by heart."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.served: list[dict[str, Any]] = []
        self.held: list[dict[str, Any]] = []
        self.number = 0

    async def people(self, count: int) -> None:
        async with self.town.database.write() as unit:
            await unit.run(insert(person), [{"number": f"V{one}", "created": UNTIL} for one in range(1, count + 1)])
            rows = [
                {"name": f"Org {one}", "type": "association", "level": "city", "place": 110000, "created": UNTIL,
                 "english": "", "state": "active"}
                for one in range(1, 6)
            ]  # fmt: skip
            await unit.run(insert(organisation), rows)

    async def holds(self, days_ago: float, district: int, kind: str, by: int = 1, state: str = "open") -> int:
        """An activity of two hours; returns its number."""
        self.number += 1
        starts = UNTIL - timedelta(days=days_ago)
        row = {
            "id": self.number, "organisation": by, "title": "t", "kind": kind, "district": district, "address": "a",
            "starts": starts, "ends": starts + timedelta(hours=2), "state": state, "secret": b"", "created_by": 1,
            "created": starts, "changed": starts,
        }  # fmt: skip
        async with self.town.database.write() as unit:
            await unit.run(insert(activity).values(row))
            await unit.run(
                insert(shift).values(
                    id=self.number, activity=self.number, starts=row["starts"], ends=row["ends"], capacity=10_000
                )
            )
        self.held.append(row)
        return self.number

    async def serves(self, who: int, number: int, minutes: int = 120, grade: str = "A", made: float = 0.1) -> None:
        """`made`: days after the activity's end at which the record was written."""
        at = self.held[number - 1]
        starts, written = at["starts"], at["ends"] + timedelta(days=made)
        row = {
            "person": who, "organisation": at["organisation"], "activity": number, "starts": starts,
            "ends": starts + timedelta(minutes=minutes), "minutes": minutes, "grade": grade, "rules": RULES,
            "state": "counted" if minutes else "zero", "made": written, "settles": written + timedelta(days=7),
        }  # fmt: skip
        async with self.town.database.write() as unit:
            queue = len(self.served)
            made_one = insert(enrolment).values(
                shift=number, person=who, queue=queue, state="left", joined=starts, changed=starts
            )
            joined = (await unit.run(made_one.returning(enrolment.c.id))).scalar_one()
            there = insert(attendance).values(
                enrolment=joined, person=who, arrived=starts, left=row["ends"], arrived_by="code"
            )
            present = (await unit.run(there.returning(attendance.c.id))).scalar_one()
            await unit.run(insert(record).values(attendance=present, **row))
        self.served.append({**row, "district": at["district"], "kind": at["kind"]})

    async def crowd(self, number: int, people: range) -> None:
        for who in people:
            await self.serves(who, number)

    def begins(self, span: str) -> Any:
        month = UNTIL.replace(day=1)
        return {"month": month, "year": month.replace(month=1), "all": UNTIL - timedelta(days=9_999)}[span]

    def should_say(self, span: str, which: Callable[[dict[str, Any]], bool]) -> tuple[int, int, int, int]:
        """People, minutes, activities and organisations, reckoned one record after another, each minute once."""
        begins = self.begins(span)
        theirs: dict[int, list[Interval]] = defaultdict(list)
        for one in self.served:
            if one["minutes"] and one["made"] < UNTIL and one["starts"] >= begins and which(one):
                theirs[one["person"]].append((one["starts"], one["ends"]))
        held = [
            one
            for one in self.held
            if one["state"] == "open" and one["ends"] <= UNTIL and one["starts"] >= begins and which(one)
        ]
        minutes = sum(spent(intervals) for intervals in theirs.values())
        return len(theirs), minutes, len(held), len({one["organisation"] for one in held})


async def counted(town: Town) -> Figures:
    return await figures.count(town.database, town.city, town.now())


async def test_all_figures_are_those_of_an_oracle(town: Town) -> None:
    """A year and a half of service at random: some of it nothing, some written too late, some called off or to come."""
    chance, ledger = random.Random(7), Ledger(town)
    await ledger.people(60)
    days = sorted({chance.choice((1, 5, 12, 20, 40, 90, 200, 300, 350, 500)) + n / 7 for n in range(36)}, reverse=True)
    for day in days:
        where, kind = chance.choice(DISTRICTS), chance.choice(KINDS)
        number = await ledger.holds(day, where, kind, chance.randint(1, 5), chance.choice(STATES))
        for who in chance.sample(range(1, 61), chance.randint(0, 9)):
            late = 9_999.0 if chance.random() < 0.1 else 0.1
            await ledger.serves(who, number, chance.choice((0, 45, 90, 120)), chance.choice(GRADES), late)
    await ledger.holds(-3, DISTRICTS[0], KINDS[0])
    found = await counted(town)
    shown = 0
    tables: dict[str, Callable[[str], Callable[[dict[str, Any]], bool]]] = {
        "districts": lambda code: lambda one: str(one["district"]) == code,
        "kinds": lambda code: lambda one: one["kind"] == code,
        "grades": lambda code: lambda one: one.get("grade") == code,
        "notice": lambda code: lambda one: "made" in one and ("open" if one["settles"] > UNTIL else "final") == code,
    }
    rows = [(found.whole, lambda _one: True)]
    rows += [(row, which(code)) for name, which in tables.items() for code, row in found.tables[name].items()]
    for row, which in rows:
        for span in SPANS:
            people, minutes, activities, organisations = ledger.should_say(span, which)
            assert (row[span].activities, row[span].organisations) == (activities, organisations)
            assert row[span].is_hidden or (row[span].people, row[span].minutes) == (people, minutes)
            assert row[span].is_hidden or people == 0 or people >= 5
            shown += not row[span].is_hidden
    assert shown > 40, "an oracle of nothing"
    assert found.coming == 1
    assert found.first == min(one["starts"] for one in ledger.held if one["state"] == "open")
    assert len(found.tables["districts"]) == len(town.city.places.districts)


async def test_nobody_can_be_told_in_a_city_of_four(town: Town) -> None:
    ledger = Ledger(town)
    await ledger.people(5)
    number = await ledger.holds(3, DISTRICTS[0], "elderly")
    await ledger.crowd(number, range(1, 5))
    found = await counted(town)
    rows = [found.whole, *(row for table in found.tables.values() for row in table.values())]
    told = [one for row in rows for one in row.values() if one.people or one.minutes]
    assert told == []
    assert found.tables["districts"][str(DISTRICTS[0])]["month"].is_hidden
    await ledger.serves(5, number)
    found = await counted(town)
    assert found.whole["month"].people == 5  # control
    assert found.tables["districts"][str(DISTRICTS[0])]["month"].minutes == 600


async def test_somebody_in_two_chats_is_one_and_their_minute_is_counted_once(town: Town) -> None:
    """Ann has served by WeChat and by Telegram, at one time; then she links the two."""
    ledger = Ledger(town)
    await ledger.people(9)
    wechat, telegram = Chat(town, "wechat", "ann"), Chat(town, "telegram", "ann")
    for chat in (wechat, telegram):
        await chat.says("menu")
    one, other = await number_of(town, wechat), await number_of(town, telegram)
    trees, river = await ledger.holds(3, 110108, "environment"), await ledger.holds(3, 110108, "environment", by=2)
    await ledger.crowd(trees, range(2, 8))
    await ledger.serves(one, trees)
    await ledger.serves(other, river)
    before = (await counted(town)).whole["month"]
    assert "both chats are you" in await link(wechat, telegram)
    after = (await counted(town)).whole["month"]
    assert (before.people, after.people) == (8, 7)
    assert (before.minutes, after.minutes) == (8 * 120, 7 * 120)


async def test_one_shift_today_is_not_seen_before_tomorrow(town: Town) -> None:
    """Whoever looked twice in a day saw what the one shift between was worth, and knew who had it."""
    ledger = Ledger(town)
    await ledger.people(9)
    number = await ledger.holds(2, 110108, "environment")
    await ledger.crowd(number, range(1, 8))
    before = await counted(town)
    await ledger.serves(8, number, made=2.2)
    assert await counted(town) == before
    town.at += timedelta(days=1)
    assert (await counted(town)).whole["month"].people == 8  # control


async def test_the_chat_tells_the_main_figures_and_where_the_others_are(town: Town) -> None:
    lin = Chat(town, "web", "lin")
    await lin.says("menu")
    assert "being counted" in await lin.says("city")
    ledger = Ledger(town)
    await ledger.people(9)
    await ledger.crowd(await ledger.holds(3, 110108, "environment"), range(1, 8))
    await ledger.crowd(await ledger.holds(60, 110108, "environment"), range(1, 4))
    await counted(town)
    said = await lin.says("city")
    assert "In all: 7 volunteers, 20 h" in said
    assert "Nov 2026: too few people to tell of" in said, "the year less the month are the three of September"
    assert "Counted until the end of 22 Nov 2026." in said
    assert [button.url for button in lin.buttons if button.url] == ["http://city.test/city"]
    assert await Chat(town, "web", "lin").says("全市数据") == said


async def test_figures_stay_when_the_database_is_away_and_there_are_none_without_it(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(town.database, town.city, town.now)

    async def away(*_what: object) -> Figures:
        raise OperationalError("select", {}, OSError())

    with monkeypatch.context() as broken:
        broken.setattr(figures, "count", away)
        assert await answers.figures() is None
    kept = await answers.figures()
    assert kept is not None
    monkeypatch.setattr(figures, "count", away)
    assert await answers.figures() is kept


async def test_many_who_ask_at_first_are_answered_by_one_count(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, count, times = Answers(town.database, town.city, town.now), figures.count, []

    async def counting(*what: Any) -> Figures:
        times.append(1)
        return await count(*what)

    monkeypatch.setattr(figures, "count", counting)
    found = await asyncio.gather(*(answers.figures() for _look in range(9)))
    assert len(times) == 1
    assert all(one is found[0] for one in found)
    await answers.figures()
    assert len(times) == 1, "a look asks nothing of the database"


async def test_many_who_ask_while_the_database_is_away_wait_for_one_try(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each tried by itself, one after the other, for as long as a connection takes to be given up."""
    answers, times = Answers(town.database, town.city, town.now), []

    async def away(*_what: object) -> Figures:
        times.append(1)
        await asyncio.sleep(0)
        raise OperationalError("select", {}, OSError())

    monkeypatch.setattr(figures, "count", away)
    assert await asyncio.gather(*(answers.figures() for _look in range(9))) == [None] * 9
    assert len(times) == 1
    assert await answers.figures() is None
    assert len(times) == 2  # control: who comes later tries again


async def test_whoever_goes_away_takes_nobodys_figures_along(town: Town) -> None:
    answers = Answers(town.database, town.city, town.now)
    first, second = asyncio.create_task(answers.figures()), asyncio.create_task(answers.figures())
    await asyncio.sleep(0)
    first.cancel()
    assert await second is not None


async def test_a_correction_shows_at_the_next_count(town: Town) -> None:
    ledger = Ledger(town)
    await ledger.people(9)
    await ledger.crowd(await ledger.holds(3, 110108, "environment"), range(1, 8))
    await counted(town)
    async with town.database.write() as unit:
        first = (await unit.run(select(record.c.id).limit(1))).scalar_one()
        await unit.run(update(record).where(record.c.id == first).values(minutes=60))
    await counted(town)
    assert town.city.board.figures is not None
    assert town.city.board.figures.whole["month"].minutes == 7 * 120 - 60
