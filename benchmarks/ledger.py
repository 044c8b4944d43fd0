"""A million records counted: by the rules again, and summed up by the databases; and the hours of a busy volunteer."""

from __future__ import annotations

import asyncio
import itertools
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKeyConstraint, MetaData, func, insert, select
from sqlalchemy.schema import CreateIndex, CreateTable

from bot.channels.web import WEB
from bot.desk.city import City
from bot.domain.records import Claim, count_again, whole_minutes
from bot.domain.rulesets import SHIPPED
from bot.talk.incoming import Address, Incoming
from bot.talk.router import Router
from bot.turn import Turns
from handlers.scripts import SCRIPTS
from storage import bulk, people
from storage.database import Database
from storage.secrecy import Secrecy
from storage.tables import metadata
from storage.tables.activities import activity, organisation
from storage.tables.enrolment import record
from tests.postgres import server as postgres_server

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 28, 4, tzinfo=UTC)
BUSY = 2_000
"""Records of the volunteer whose hours are asked for."""
EACH = 40
"""Records of everybody else."""
SLICE = 20_000
ACTIVITIES = 300


@dataclass(frozen=True)
class Figures:
    """What one database needs."""

    name: str
    records: int
    summed: float
    """Seconds to sum up everybody's minutes."""
    hours: float
    """Milliseconds of a whole turn: “hours” of the volunteer with 2,000 records."""
    records_page: float
    """The same for the list of records."""


def counted_again(records: int) -> float:
    """Seconds to count so many records again by the rules, each person's beside each other, one in four overlapping."""
    chance = random.Random(3)
    rules = SHIPPED.on(NOW.date())

    def zone_day(at: datetime) -> Any:
        return at.astimezone(ZONE).date()

    def theirs() -> list[Claim]:
        claims = []
        for number in range(EACH):
            start = NOW - timedelta(days=number // 2 * 3, minutes=chance.randint(0, 700))
            length = timedelta(minutes=chance.randint(60, 240))
            claims.append(Claim(number, *whole_minutes(start, start + length), rules))
        return claims

    people_ = [theirs() for _person in range(min(records // EACH, 2_500))]
    spent = 0.0
    done = 0
    for claims in itertools.cycle(people_):
        began = time.perf_counter()
        count_again(claims, (), zone_day)
        spent += time.perf_counter() - began
        done += EACH
        if done >= records:
            return spent
    raise AssertionError("a cycle has no end")


def stored(records: int) -> list[Figures]:
    """Both databases with so many records."""
    found = []
    with tempfile.TemporaryDirectory(prefix="menkou-bench-") as folder, postgres_server(durable=True) as running:
        urls = {"SQLite": f"sqlite+aiosqlite:///{Path(folder) / 'ledger.db'}", "PostgreSQL": running.create("ledger")}
        for name, url in urls.items():
            found.append(asyncio.run(_measure(name, url, records)))
    return found


async def _measure(name: str, url: str, records: int) -> Figures:
    secrecy = Secrecy("a key that only benchmarks use, 32 signs and more")
    database = Database(url, secrecy)
    turns = Turns(database, Router(SCRIPTS), City(ZONE, secrecy), {"web": WEB}, lambda: NOW)
    serial = itertools.count()

    async def says(text: str) -> float:
        incoming = Incoming(Address("web", "busy"), str(next(serial)), NOW, language="zh_CN", text=text)
        began = time.perf_counter()
        reply = await turns.take(incoming)
        if not reply.pages:
            raise RuntimeError(f"“{text}” was not answered")
        return time.perf_counter() - began

    await _make_tables(database)
    await says("你好")
    async with database.read() as unit:
        busy = await people.at_address(unit, "web", "busy")
    assert busy is not None
    rows = _rows(busy, records)
    while chunk := list(itertools.islice(rows, SLICE)):
        async with database.write() as unit:
            await bulk.insert_rows(unit, "record", chunk)
    async with database.write() as unit:
        await bulk.settle(unit)
    began = time.perf_counter()
    async with database.read() as unit:
        per_person = select(record.c.person, func.sum(record.c.minutes)).group_by(record.c.person)
        assert len(list(await unit.run(per_person))) == 1 + (records - BUSY) // EACH
    summed = time.perf_counter() - began
    hours = median([await says("时长") for _time in range(25)][3:])
    page = median([await says("记录") for _time in range(25)][3:])
    await database.close()
    return Figures(name, records, summed, hours * 1e3, page * 1e3)


async def _make_tables(database: Database) -> None:
    """The real tables; records without their foreign keys, because the presences behind them are not measured."""
    alone = record.to_metadata(MetaData())
    for constraint in [one for one in alone.constraints if isinstance(one, ForeignKeyConstraint)]:
        alone.constraints.discard(constraint)
    others = [table for table in metadata.sorted_tables if table is not record]
    async with database.write() as unit:
        await unit.connection.execute(CreateTable(alone))
        for index in sorted(alone.indexes, key=lambda one: str(one.name)):
            await unit.connection.execute(CreateIndex(index))
        await unit.connection.run_sync(lambda connection: metadata.create_all(connection, tables=others))
    async with database.write() as unit:
        await people.meet(unit, "web", "organiser", "zh_CN", NOW)
        for number in range(1, 11):
            team = insert(organisation).values(
                id=number, name=f"志愿服务队{number}", type="association", level="district", place=110108, created=NOW
            )
            await unit.run(team)
        for number in range(1, ACTIVITIES + 1):
            held = insert(activity).values(
                id=number, organisation=number % 10 + 1, title=f"植树{number}", kind="environment", district=110108,
                address="颐和园东门", starts=NOW, ends=NOW, created_by=1, created=NOW, changed=NOW, secret=b"",
            )  # fmt: skip
            await unit.run(held)


def _rows(busy: int, records: int) -> Iterator[dict[str, Any]]:
    for number in range(records):
        whose = busy if number < BUSY else 1_000 + (number - BUSY) // EACH
        starts = NOW - timedelta(hours=5 * (number % BUSY if whose == busy else number % EACH))
        yield {
            "id": number + 1, "attendance": number + 1, "person": whose, "organisation": number % 10 + 1,
            "activity": number % ACTIVITIES + 1, "starts": starts, "ends": starts + timedelta(hours=2), "minutes": 120,
            "grade": "AB"[number % 2], "state": "counted", "why": None, "rules": "beijing-2026", "made": starts,
        }  # fmt: skip
