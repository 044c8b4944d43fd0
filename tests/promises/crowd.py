"""Many people at one city: made at a stroke, let loose through several processes, and counted afterwards."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from bot.desk.desk import Desk
from bot.domain.activities import Plan, Published
from bot.domain.enrolment import SEATED, Stand
from bot.domain.people import Person
from bot.domain.roles import Role
from storage import people
from storage.database import Unit
from storage.tables.activities import organisation, shift
from storage.tables.enrolment import enrolment
from storage.tables.people import person
from tests.conversations.kit import Town

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ack:
    """What somebody was answered, and between which moments."""

    person: int
    said: str
    asked: float
    answered: float


class Process:
    """One process that may open a city."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.promises.worker"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ready(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return dict(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


class Crowd:
    """Processes over one database."""

    def __init__(self, town: Town, url: str, processes: Sequence[Process]) -> None:
        self.town, self.url = town, url
        self._there = processes
        self.processes: Sequence[Process] = ()
        self.people: list[int] = []
        self._organiser: Person | None = None

    def starts(self, processes: int, guards_off: Sequence[str] = ()) -> None:
        self.processes = self._there[:processes]
        for one in self.processes:
            one.ask({"open": self.url, "guards_off": guards_off})

    def close(self) -> None:
        for one in self.processes:
            one.ask({"close": True})

    async def comes(self, count: int) -> None:
        """So many people, known to the city, and an organiser."""
        at = self.town.at
        async with self.town.database.write() as unit:
            rows = [{"number": f"V{one:09}", "created": at} for one in range(count + 1)]
            made = await unit.run(insert(person).returning(person.c.id), rows)
            organiser, *self.people = sorted(row.id for row in made)
            named = {"name": "绿芽", "english": "Green", "type": "association", "level": "district", "place": 110108}
            founded = organisation.insert().values(created=at, **named).returning(organisation.c.id)
            self.town.organisation = (await unit.run(founded)).scalar_one()
            await people.appoint(unit, organiser, Role.ORGANISER, self.town.organisation, None, at)
        self._organiser = Person(organiser, "", "en")

    def desk(self, unit: Unit, who: int) -> Desk:
        """The desk with one of them before it, by their place among them."""
        return Desk(unit, Person(self.people[who], "", "en"), self.town.at, self.town.city)

    async def publishes(self, starts: datetime, ends: datetime, seats: int) -> int:
        """An activity by the desk; its shift."""
        assert self._organiser is not None
        async with self.town.database.write() as unit:
            desk = Desk(unit, self._organiser, self.town.at, self.town.city)
            plan = Plan("Planting trees", "environment", starts, ends, 110108, "East Gate", seats, "")
            published = await desk.organising.publish(self.town.organisation, plan)
            assert isinstance(published, Published)
            return published.shift

    async def order(self, orders: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """One order for each process, all at once."""
        asked = zip(self.processes, orders, strict=True)
        return await asyncio.gather(*(asyncio.to_thread(one.ask, order) for one, order in asked))

    async def joins(self, shift_id: int, by: str = "desk", everyone_everywhere: bool = False) -> list[Ack]:
        """Everybody wants to join: each through one of the processes, or each through all of them at once."""
        count = len(self.processes)
        parts = [self.people if everyone_everywhere else self.people[one::count] for one in range(count)]
        base = {"shift": shift_id, "by": by, "now": self.town.at.isoformat()}
        told = await self.order([{**base, "people": part} for part in parts])
        return [Ack(*answer) for one in told for answer in one["answers"]]


@dataclass
class Count:
    """What is wrong with a shift, by the rows; empty lists and zeros are right."""

    oversold: int = 0
    lost: list[Ack] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    rows_too_many: int = 0
    taken_is_wrong: int = 0
    passed_over: list[tuple[int, int]] = field(default_factory=list)
    """Somebody waits (queue number) while somebody behind them has a seat (theirs)."""
    idle_seats: int = 0
    """Seats that are free while somebody waits."""
    overtaken: list[tuple[Ack, Ack]] = field(default_factory=list)
    """The first had been answered when the second asked, and yet stands behind."""


async def count(town: Town, shift_id: int, acks: Sequence[Ack]) -> Count:
    """Look at the rows as anybody may, from outside."""
    async with town.database.read() as unit:
        rows = list(await unit.run(select(enrolment).where(enrolment.c.shift == shift_id)))
        seats = (await unit.run(select(shift).where(shift.c.id == shift_id))).one()
    live = [row for row in rows if row.state != Stand.CANCELLED]
    seated = [row.queue for row in live if row.state in SEATED]
    waiting = [row.queue for row in live if row.state == Stand.WAITING]
    numbers = Counter(row.queue for row in rows)
    places = {row.person: row for row in live}
    last = min(waiting, default=0)
    placed = [ack for ack in acks if ack.said in ("joined", "waiting")]
    return Count(
        oversold=max(0, len(seated) - seats.capacity),
        lost=[ack for ack in placed if ack.person not in places],
        doubled=[number for number, times in numbers.items() if times > 1],
        missing=sorted(set(range(1, max(numbers, default=0) + 1)) - set(numbers)),
        rows_too_many=len(rows) - len({row.person for row in rows}),
        taken_is_wrong=seats.taken - len(seated),
        passed_over=[(last, number) for number in seated if waiting and number > last],
        idle_seats=min(seats.capacity - len(seated), len(waiting)),
        overtaken=overtaken([ack for ack in placed if ack.person in places], {a: b.queue for a, b in places.items()}),
    )


def overtaken(acks: Sequence[Ack], queue: dict[int, int]) -> list[tuple[Ack, Ack]]:
    """Pairs where whoever was answered first stands behind whoever asked only then: one for each of the latter."""
    answered = sorted(acks, key=lambda ack: ack.answered)
    found, furthest, index = [], None, 0
    for ack in sorted(acks, key=lambda ack: ack.asked):
        while index < len(answered) and answered[index].answered < ack.asked:
            if furthest is None or queue[answered[index].person] > queue[furthest.person]:
                furthest = answered[index]
            index += 1
        if furthest is not None and queue[furthest.person] > queue[ack.person]:
            found.append((furthest, ack))
    return found


def said(acks: Sequence[Ack]) -> dict[str, int]:
    """How often each answer was given."""
    return {word: len(list(group)) for word, group in groupby(sorted(ack.said for ack in acks))}
