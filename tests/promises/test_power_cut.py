"""The power goes in the middle of turns: whatever was acknowledged is there afterwards, whatever the disk had kept.

A process answers people under strace; then the disk is rebuilt as it may have been at any moment, with none, all, some
or torn parts of what was not flushed. With `MENKOU_SOAK=1` three thousand power cuts; by default three hundred. Only
SQLite: PostgreSQL's own stop is in `tests/promises/test_server_stops.py`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import func, select

from bot.domain.campaigns import Audience, Scope
from bot.talk import Incoming, Intent
from storage import fanouts
from storage.database import Database
from storage.tables.delivery import Lane, fanout, outbox
from storage.tables.kinds import to_milliseconds
from tests.conversations.kit import MONDAY, SECRECY, Chat, Town
from tests.postgres import apart, find_memory
from tests.promises.crowd import Count, count
from tests.promises.disk import HOWS, Disk, How, Step, hinders_tracing, traced
from tests.promises.traced import last_word, somebody

pytestmark = [pytest.mark.durable, pytest.mark.timeout(600)]

SEED = 20261125
SOAK = os.environ.get("MENKOU_SOAK") == "1"
CUTS = 3_000 if SOAK else 300
PEOPLE = 150
SEATS = 40
RESTARTS = 50 if SOAK else len(HOWS)
"""Disks on which the city is started again and everybody comes again."""
PATIENCE = 120
"""Seconds for the process that is traced, on a machine that has other things to do."""

DAMAGE = """
SELECT 'a seat too many' FROM shift WHERE (SELECT count(*) FROM enrolment WHERE state = 'joined') > capacity
UNION ALL SELECT 'seats are counted wrong' FROM shift
    WHERE taken <> (SELECT count(*) FROM enrolment WHERE state = 'joined')
UNION ALL SELECT 'a gap in the queue'
    WHERE (SELECT count(*) FROM enrolment) <> (SELECT coalesce(max(queue), 0) FROM enrolment)
UNION ALL SELECT 'a number twice' FROM enrolment GROUP BY queue HAVING count(*) > 1
UNION ALL SELECT 'a sign-up without its row in the log'
    WHERE (SELECT count(*) FROM enrolment) <> (SELECT count(*) FROM audit WHERE deed IN ('join', 'wait'))
UNION ALL SELECT 'half a turn: ' || i.key FROM inbox i JOIN identity a ON a.door = i.door AND a.external = i.external
    LEFT JOIN enrolment e ON e.person = a.person
    WHERE i.key LIKE '%:last' AND (i.reply IS NULL OR e.id IS NULL)
UNION ALL SELECT 'half a turn, of person ' || e.person FROM enrolment e
    WHERE NOT EXISTS (SELECT 1 FROM inbox i JOIN identity a ON a.door = i.door AND a.external = i.external
                      WHERE a.person = e.person AND i.key LIKE '%:last')
UNION ALL SELECT 'a chunk without its cursor, or a cursor without its chunk' FROM fanout f WHERE kind = 'announcement'
    AND (SELECT count(*) FROM outbox WHERE fanout = f.id) <> (SELECT count(*) FROM person WHERE id <= f.cursor)
"""
"""What no moment of a city may show."""

KEPT = """
SELECT i.key, e.state FROM inbox i JOIN identity a ON a.door = i.door AND a.external = i.external
JOIN enrolment e ON e.person = a.person WHERE i.key LIKE '%:last'
"""
STOOD = {"seated": "joined", "waiting": "waiting"}


@pytest.fixture(scope="module")
def gathered(sqlite_at_head: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city whose people have answered all questions but the last; its file is whole, with no log beside it."""
    file = tmp_path_factory.mktemp("gathered") / "city.db"
    shutil.copy(sqlite_at_head, file)
    apart(lambda: gather(file))
    assert not file.with_name("city.db-wal").exists()
    return file


def opened(file: Path) -> Town:
    return Town(Database(f"sqlite+aiosqlite:///{file}", SECRECY))


async def gather(file: Path) -> None:
    town = await asyncio.to_thread(opened, file)
    saturday = MONDAY + timedelta(days=5)
    activity = await town.publishes(Chat(town, "web", "Olga"), "Reading to children", saturday, seats=SEATS)

    async def comes(number: int) -> None:
        address = somebody(number)
        link = Intent("join", (str(activity),))
        await town.turns.take(Incoming(address, f"{number}:link", MONDAY, intent=link, language="en"))
        for turn, word in enumerate(("yes", "Ann Lee", f"138{number:08}")):
            await town.turns.take(Incoming(address, f"{number}:{turn}", MONDAY, text=word, language="en"))

    await asyncio.gather(*map(comes, range(PEOPLE)))
    async with town.database.write() as unit:
        everybody = Audience(Scope()).segment() | {"at": to_milliseconds(MONDAY)}
        await fanouts.plan(
            unit, kind="announcement", source=activity, lane=Lane.CAMPAIGN, segment=everybody, not_before=MONDAY,
            expires=saturday,
        )  # fmt: skip
    await town.database.close()


@dataclass(frozen=True, slots=True)
class Story:
    """What a process did from its start to its end, on which file."""

    folder: Path
    before: bytes
    steps: Sequence[Step]


@pytest.fixture(scope="module")
def told(gathered: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Story]:
    """The story of a process whose connections flush so much."""
    hindered = hinders_tracing(tmp_path_factory.mktemp("tried"))
    if hindered:
        # No promise fails for it: a container may forbid to look into a process.
        pytest.skip(f"no power can be cut here: {hindered}")

    @cache
    def tell(synchronous: str) -> Story:
        folder = tmp_path_factory.mktemp(synchronous.lower())
        city, line = folder / "city.db", folder / "acknowledged"
        shutil.copy(gathered, city)
        line.touch()
        program = [sys.executable, "-m", "tests.promises.traced", str(city), str(line), str(PEOPLE), synchronous]
        seen = [city, folder / "city.db-wal", folder / "city.db-journal", folder, line]
        steps = traced(program, folder.with_suffix(".trace"), seen, PATIENCE)
        heard = b"".join(step.data for step in steps if step.kind == "acknowledge")
        assert heard == line.read_bytes() != b"", "the trace has missed something"
        return Story(folder, gathered.read_bytes(), steps)

    return tell


@dataclass
class Found:
    """After so many power cuts."""

    cuts: int = 0
    acknowledged: int = 0
    corrupt: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Power cuts after which somebody who had been answered was not there, or stood otherwise than they were told."""
    broken: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.corrupt or self.lost or self.broken)

    def look(self, disk: Mapping[str, bytes], room: Path, acknowledged: Mapping[str, str], which: str) -> None:
        """Open one disk as SQLite does after a power cut, and count what is wrong with it."""
        self.cuts += 1
        self.acknowledged += len(acknowledged)
        try:
            with closing(sqlite3.connect(laid_out(disk, room))) as file:
                file.execute("PRAGMA synchronous=OFF")  # of what is looked at and thrown away
                (said,) = file.execute("PRAGMA integrity_check(1)").fetchone()
                if said != "ok":
                    self.corrupt.append(f"{which}: {said}")
                    return
                kept = dict(file.execute(KEPT).fetchall())
                damage = [words for (words,) in file.execute(DAMAGE)]
        except sqlite3.DatabaseError as error:
            self.corrupt.append(f"{which}: {error}")
            return
        missing = [key for key, stood in acknowledged.items() if kept.get(key) != stood]
        self.lost += [f"{which}: {len(missing)} of {len(acknowledged)}"] if missing else []
        self.broken += [f"{which}: {'; '.join(damage)}"] if damage else []


def laid_out(disk: Mapping[str, bytes], room: Path) -> Path:
    """A disk's files in an empty folder; the database among them."""
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    for name, content in disk.items():
        (room / Path(name).name).write_bytes(content)
    return room / "city.db"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is some: looking at a disk writes it."""
    with TemporaryDirectory(dir=find_memory() or tmp_path) as folder:
        yield Path(folder) / "found"


@dataclass(frozen=True, slots=True)
class Moment:
    """A power cut: after how many steps, whom had been answered by then, and what the disk kept."""

    after: int
    how: How
    acknowledged: Mapping[str, str]
    disk: Mapping[str, bytes]

    @property
    def which(self) -> str:
        return f"seed {SEED}, after step {self.after}, {self.how}"


def power_cuts(story: Story, cuts: int) -> Iterator[Moment]:
    """So many, at random steps in their order."""
    chance = Random(SEED)
    disk = Disk(str(story.folder), {str(story.folder / "city.db"): story.before})
    moments = sorted((chance.randint(1, len(story.steps)), HOWS[number % len(HOWS)]) for number in range(cuts))
    acknowledged: dict[str, str] = {}
    taken = 0
    for after, how in moments:
        for step in story.steps[taken:after]:
            disk.take(step)
            if step.kind == "acknowledge":
                number, word = step.data.decode().split()
                acknowledged[f"{number}:last"] = STOOD[word]
        taken = after
        yield Moment(after, how, dict(acknowledged), disk.without_power(how, chance))


def cut(story: Story, cuts: int, room: Path) -> Found:
    found = Found()
    for moment in power_cuts(story, cuts):
        found.look(moment.disk, room, moment.acknowledged, moment.which)
    return found


def test_when_the_power_is_back_nothing_acknowledged_is_missing(
    told: Callable[[str], Story], room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = told("FULL")
    kinds = Counter(step.kind for step in story.steps)
    assert kinds["acknowledge"] == PEOPLE
    assert kinds["flush"] >= PEOPLE / 6, "too few to prove anything: every commit has its own"
    assert any(step.kind == "write" and step.file.endswith("city.db") for step in story.steps), "no checkpoint"
    found = cut(story, CUTS, room)
    with capsys.disabled():
        print(f"\n{found.cuts} power cuts, {found.acknowledged / found.cuts:.0f} acknowledged before each", end=" ")
    assert found.sound, found


async def test_after_a_power_cut_the_city_goes_on_and_whoever_was_not_answered_comes_again(
    told: Callable[[str], Story], room: Path
) -> None:
    story = await asyncio.to_thread(told, "FULL")
    for moment in power_cuts(story, RESTARTS):
        town = await asyncio.to_thread(opened, laid_out(moment.disk, room))
        replies = await asyncio.gather(*(town.turns.take(last_word(number)) for number in range(PEOPLE)))
        for number, reply in enumerate(replies):
            if was := moment.acknowledged.get(f"{number}:last"):
                assert reply.replayed, moment.which
                assert ("You are in" in reply.pages[0].text) == (was == "joined"), moment.which
        assert sum("You are in" in reply.pages[0].text for reply in replies) == SEATS, moment.which
        assert await count(town, 1, []) == Count(), moment.which
        while await town.database.aside(lambda unit: fanouts.expand(unit, MONDAY)):
            pass
        assert await announced(town) == (PEOPLE + 1, PEOPLE + 1), moment.which
        await town.database.close()


async def announced(town: Town) -> tuple[int, int]:
    """Rows of the announcement, and people who have one."""
    found = select(func.count(), func.count(outbox.c.person.distinct())).select_from(outbox.join(fanout))
    async with town.database.read() as unit:
        rows, people = (await unit.run(found.where(fanout.c.kind == "announcement"))).one()
    return rows, people


def test_control_with_less_flushing_acknowledged_people_are_lost(told: Callable[[str], Story], room: Path) -> None:
    """SQLite's own default in many programs: sound, and yet without the last answers."""
    found = cut(told("NORMAL"), 60, room)
    assert found.lost
    assert not found.corrupt


def test_control_without_flushing_the_database_itself_is_lost(told: Callable[[str], Story], room: Path) -> None:
    found = cut(told("OFF"), 60, room)
    assert found.lost
    assert found.corrupt or found.broken
