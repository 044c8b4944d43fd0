"""Joins a second at one activity that everybody wants, beside the same statements by bare drivers and by pgbench."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import uvloop
from sqlalchemy import Executable, func, select, update
from sqlalchemy.engine import make_url

from benchmarks import crowd
from bot.desk.city import City
from bot.desk.desk import Desk
from bot.domain.enrolment import Joined
from bot.domain.people import Person
from storage.database import LINES, Unit
from storage.prepared import Parameters, Prepared
from storage.tables.activities import shift
from storage.tables.enrolment import enrolment
from tests.delivery.kit import SECRECY, SHANGHAI, SmallCity
from tests.postgres import find_binaries

AT_ONCE = {"sqlite": 32, "postgresql": 16}
"""Who want to join at once: as many as SQLite commits together, twice as many as have a connection to PostgreSQL."""

DESK = "desk"
BARE = "bare driver"
GROUPED = "bare driver, committed together"
PGBENCH = "pgbench"

PERSON = ("whose", "its_actor")
"""By which names the statements have whoever joins."""

SEEN = ("print", "own_id")
"""What one statement of PostgreSQL's finds and a later one must be told: columns of the one, values of the other."""


SETTLED = 6
"""Times that a statement runs before PostgreSQL keeps its plan: until then it is planned while the seats are locked."""


class NotAsExpected(RuntimeError):
    """A way did not do what the others do; the message says which."""


@dataclass(frozen=True)
class Part:
    """One statement of a join as the driver gets it: its names, and the values that it had the first time."""

    sql: str
    names: tuple[str, ...]
    values: tuple[Any, ...]

    def given(self, person: int, number: int, shift_id: int, seen: Mapping[str, Any] | None = None) -> list[Any]:
        """Its values for another join. `seen`: what a statement before it found."""
        fresh = dict.fromkeys(PERSON, person) | {"number": number, "wanted": shift_id, **(seen or {})}
        return [fresh.get(name, value) for name, value in zip(self.names, self.values, strict=True)]


class Overheard(Unit):
    """Runs statements as the unit behind it does, and remembers them."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit.connection, unit.dialect, unit.secrecy)
        self._unit = unit
        self.heard: list[tuple[Prepared, Parameters]] = []

    @property
    def foresees(self) -> bool:
        """As the unit behind it."""
        return self._unit.foresees

    async def run(self, statement: Executable | Prepared, parameters: Any = None) -> Any:
        """Only what is prepared: everything that a plain join needs is."""
        if not isinstance(statement, Prepared):
            raise NotAsExpected(f"a statement that is not prepared: {statement}")
        return await super().run(statement, parameters)

    async def run_aside(self, statement: Prepared, parameters: Parameters) -> Any:
        """Remember it, and hand it on."""
        self.heard.append((statement, parameters))
        return await self._unit.run_aside(statement, parameters)

    async def run_through(self, *steps: tuple[Prepared, Parameters]) -> int:
        """Remember them, and hand them on."""
        self.heard += steps
        return await self._unit.run_through(*steps)

    async def run_foreseen(self, row: int, *steps: tuple[Prepared, Parameters]) -> None:
        """Remember them, and hand them on."""
        self.heard += steps
        await self._unit.run_foreseen(row, *steps)

    async def run_late(self, statement: Prepared, parameters: Parameters) -> None:
        """The same for what may come late: here it is at once."""
        await self.run(statement, parameters)


class Hot:
    """A city with more people than seats are asked for, and a fresh activity for every round of every way."""

    def __init__(self, city: SmallCity, joins: int) -> None:
        self.city, self.joins = city, joins
        self.dialect = city.database.dialect
        self.parts: list[Part] = []
        self._desks = City(SHANGHAI, SECRECY, "http://city.test", "en")
        self._rounds = 0

    async def fresh(self) -> tuple[int, range]:
        """A shift with a seat for everybody who will come, and they."""
        self._rounds += 1
        number = 1 + self._rounds
        await self.city.shift(number, self.city.clock.now + timedelta(days=2 + self._rounds), kind="environment")
        async with self.city.database.write() as unit:
            await unit.run(update(shift).where(shift.c.id == number).values(capacity=self.joins))
        first = crowd.FIRST + (self._rounds - 1) * self.joins
        return number, range(first, first + self.joins)

    async def listen(self) -> None:
        """Which statements a join is made of, by one that is made."""
        shift_id, (person, *_rest) = await self.fresh()

        async def join(unit: Unit) -> list[tuple[Prepared, Parameters]]:
            overheard = Overheard(unit)
            await self._join(overheard, person, shift_id)
            return overheard.heard

        dialect = self.city.database.engine.dialect
        for statement, parameters in await self.city.database.turn(join):
            compiled = statement.compiled(dialect)
            self.parts.append(Part(compiled.sql, compiled.names, tuple(compiled.values(parameters))))

    async def _join(self, unit: Unit, person: int, shift_id: int) -> None:
        desk = Desk(unit, Person(person, "", "en", consented=True), self.city.clock.now, self._desks)
        outcome = await desk.enrolment.join(shift_id)
        if not isinstance(outcome, Joined):
            raise NotAsExpected(f"the desk answered {outcome}")

    async def by_desk(self) -> float:
        """As a turn does it, its own transaction on disk before the answer."""
        shift_id, people = await self.fresh()
        waiting = iter(people)

        async def lane() -> None:
            for person in waiting:
                await self.city.database.turn(lambda unit: self._join(unit, person, shift_id))  # noqa: B023

        began = time.perf_counter()
        await asyncio.gather(*(lane() for _lane in range(AT_ONCE[self.dialect])))
        seconds = time.perf_counter() - began
        await self._look(shift_id)
        return self.joins / seconds

    async def by_sqlite(self, together: int) -> float:
        """In one thread, so many joins in a transaction."""
        shift_id, people = await self.fresh()
        seconds = await asyncio.to_thread(self._in_thread, shift_id, people, together)
        await self._look(shift_id)
        return self.joins / seconds

    def _in_thread(self, shift_id: int, people: Sequence[int], together: int) -> float:
        file = sqlite3.connect(str(make_url(self.city.url).database), isolation_level=None)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "cache_size=-65536", "secure_delete=ON"):
            file.execute(f"PRAGMA {pragma}")
        began = time.perf_counter()
        for at in range(0, len(people), together):
            file.execute("BEGIN IMMEDIATE")
            for number, person in enumerate(people[at : at + together], at + 1):
                for part in self.parts:
                    file.execute(part.sql, part.given(person, number, shift_id)).fetchall()
            file.execute("COMMIT")
        seconds = time.perf_counter() - began
        file.close()
        return seconds

    async def by_asyncpg(self) -> float:
        """Over as many connections as the desk has."""
        shift_id, people = await self.fresh()
        waiting = iter(people)
        address = self.city.url.replace("+asyncpg", "")
        connections = [await asyncpg.connect(address) for _lane in range(LINES)]
        ended: list[tuple[int, float]] = []

        async def lane(client: int, connection: Any) -> None:
            for person in waiting:
                seen: dict[str, Any] = {}
                async with connection.transaction():
                    for part in self.parts:
                        for row in await connection.fetch(part.sql, *part.given(person, 0, shift_id, seen)):
                            seen |= {name: row[name] for name in SEEN if name in row}
                ended.append((client, time.perf_counter()))

        await asyncio.gather(*(lane(client, connection) for client, connection in enumerate(connections)))
        for connection in connections:
            await connection.close()
        await self._look(shift_id)
        return _once_settled(ended)

    async def by_pgbench(self, pgbench: Path) -> float:
        """PostgreSQL's own measure, prepared statements, as many clients as the desk has connections."""
        shift_id, people = await self.fresh()
        each = self.joins // LINES
        with TemporaryDirectory(prefix="menkou-bench-") as folder:
            script, log = Path(folder) / "join.sql", Path(folder) / "log"
            script.write_text(self._script(shift_id, people.start, each), encoding="utf-8")
            said = subprocess.run(
                [pgbench, "--no-vacuum", "--protocol=prepared", f"--client={LINES}", f"--transactions={each}",
                 "--define=n=-1", f"--file={script}", "--log", f"--log-prefix={log}",
                 self.city.url.replace("+asyncpg", "")],
                capture_output=True, text=True, check=False, env={"PATH": os.defpath, "LC_ALL": "C"},
            )  # fmt: skip
            if said.returncode:
                raise NotAsExpected(f"pgbench: {said.stderr[-2000:]}")
            logged = [line.split() for one in Path(folder).glob("log.*") for line in one.read_text().splitlines()]
        await self._look(shift_id)
        return _once_settled([(int(one[0]), int(one[4]) + int(one[5]) / 1e6) for one in logged])

    def _script(self, shift_id: int, first: int, each: int) -> str:
        """A join by each client for the next of its own people."""
        lines = ["\\set n :n + 1", f"\\set person {first} + :client_id * {each} + :n", "BEGIN;"]
        for part in self.parts:
            values = part.given(0, 0, shift_id)
            written = [
                ":person" if name in PERSON else f":seen_{name}" if name in SEEN else _literal(value)
                for name, value in zip(part.names, values, strict=True)
            ]
            sql = " ".join(re.sub(r"\$(\d+)", lambda place: written[int(place[1]) - 1], part.sql).split())  # noqa: B023
            found = all(f"AS {name}" in sql for name in SEEN) and not any(name in SEEN for name in part.names)
            lines.append(f"{sql} \\gset seen_" if found else f"{sql};")
        return "\n".join([*lines, "COMMIT;", ""])

    async def _look(self, shift_id: int) -> None:
        """Everybody has a seat and a number of their own, or the rate is worth nothing."""
        count, numbers = func.count(), func.count(enrolment.c.queue.distinct())
        async with self.city.database.read() as unit:
            here = select(count, numbers).where(enrolment.c.shift == shift_id, enrolment.c.state == "joined")
            found = tuple((await unit.run(here)).one())
            taken = (await unit.run(select(shift.c.taken).where(shift.c.id == shift_id))).scalar_one()
        if (*found, taken) != (self.joins,) * 3:
            raise NotAsExpected(f"{self.joins} joins left {found} sign-ups and numbers, {taken} seats taken")


def _once_settled(ended: Sequence[tuple[int, float]]) -> float:
    """A second, by (client, moment of an end): from when the last client has settled on its plans, as the desk has."""
    ends: dict[int, list[float]] = {}
    for client, moment in ended:
        ends.setdefault(client, []).append(moment)
    since = max(sorted(moments)[min(SETTLED, len(moments) - 2)] for moments in ends.values())
    until = max(moment for _client, moment in ended)
    return sum(moment > since for _client, moment in ended) / (until - since)


def _literal(value: Any) -> str:
    """As pgbench reads it, to which a colon begins a name."""
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value).lower()
    return "'" + str(value).replace("'", "''").replace(":", "-") + "'"


def pgbench() -> Path | None:
    """PostgreSQL's own measure beside the server's binaries, where it is there."""
    found = find_binaries() / "pgbench"
    return found if os.access(found, os.X_OK) else None


def measure(joins: int, rounds: int) -> dict[str, dict[str, float]]:
    """On both databases: by way, joins a second (the median over rounds in turns)."""
    with crowd.places("joins") as urls:
        return {name: uvloop.run(_measure(url, joins, rounds)) for name, url in urls.items()}


async def _measure(url: str, joins: int, rounds: int) -> dict[str, float]:
    city = await crowd.found(url, joins * (rounds * 3 + 2))
    try:
        hot = Hot(city, joins)
        await hot.listen()
        await hot.by_desk()  # warming up
        found: dict[str, list[float]] = {}
        for _round in range(rounds):
            for name, way in _ways(hot).items():
                found.setdefault(name, []).append(await way())
        return {name: statistics.median(rates) for name, rates in found.items()}
    finally:
        await city.close()


def _ways(hot: Hot) -> Mapping[str, Callable[[], Awaitable[float]]]:
    if hot.dialect == "sqlite":
        return {
            DESK: hot.by_desk,
            BARE: lambda: hot.by_sqlite(1),
            GROUPED: lambda: hot.by_sqlite(AT_ONCE["sqlite"]),
        }
    ways: dict[str, Callable[[], Awaitable[float]]] = {DESK: hot.by_desk, BARE: hot.by_asyncpg}
    if (found := pgbench()) is not None:
        ways[PGBENCH] = lambda: hot.by_pgbench(found)
    return ways
