"""A seat is never given twice; whoever was answered first stands earlier; every free seat goes to the head.

With `MENKOU_SOAK=1` twenty rounds of a thousand people for fifty seats; by default as many as fit into every run.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from bot.desk.desk import Desk
from bot.domain.enrolment import Joined, Left, Waitlisted
from bot.domain.people import Person
from storage import enrolment, offers
from storage.database import LINES, Unit
from storage.tables.delivery import fanout
from storage.tables.enrolment import audit
from tests.conversations.kit import MONDAY
from tests.promises.crowd import Ack, Count, Crowd, count, overtaken, said
from tests.promises.guards import BEFORE_THE_SEAT, unlocked

SOAK = os.environ.get("MENKOU_SOAK") == "1"
PEOPLE, SEATS, ROUNDS_OF_JOINS = (1_000, 50, 20) if SOAK else (300, 20, 2)
SATURDAY = MONDAY + timedelta(days=5)

pytestmark = pytest.mark.timeout(1_800 if SOAK else 120)


async def gather(crowd: Crowd, guards_off: tuple[str, ...] = (), people: int = PEOPLE) -> None:
    """Four processes serve the city; SQLite is meant for one, and others that are there by mistake do no harm."""
    crowd.starts(4, guards_off)
    await crowd.comes(people)


async def test_hundreds_want_a_few_seats_at_once_and_as_many_get_one(crowd: Crowd) -> None:
    await gather(crowd)
    for round_ in range(ROUNDS_OF_JOINS):
        # A day later each time: whoever has a seat would clash with another at the same hour.
        starts = SATURDAY + timedelta(days=round_)
        shift_id = await crowd.publishes(starts, starts + timedelta(hours=2), SEATS)
        acks = await crowd.joins(shift_id)
        assert said(acks) == {"joined": SEATS, "waiting": PEOPLE - SEATS}
        assert await count(crowd.town, shift_id, acks) == Count()


async def test_by_counting_first_a_seat_is_given_twice(crowd: Crowd) -> None:
    """The control: what people write who have never seen two customers at once."""
    await gather(crowd)
    shift_id = await crowd.publishes(SATURDAY, SATURDAY + timedelta(hours=2), SEATS)
    async with crowd.town.database.write() as unit:
        await unkeyed(unit)
    wrong = await count(crowd.town, shift_id, await crowd.joins(shift_id, by="counting"))
    assert wrong.oversold
    assert wrong.doubled


async def unkeyed(unit: Unit) -> None:
    """Take away the last line of defence, the unique queue number: the control is about what stands before it."""
    if unit.dialect == "postgresql":
        await unit.run(text("ALTER TABLE enrolment DROP CONSTRAINT uq_enrolment_shift_queue"))
        return
    made = (await unit.run(text("SELECT sql FROM sqlite_master WHERE name = 'enrolment'"))).scalar_one()
    plain = re.sub(r",\s*(CONSTRAINT \w+ )?UNIQUE \(shift, queue\)", "", made)
    assert plain != made
    await unit.run(text("DROP TABLE enrolment"))
    await unit.run(text(plain))


async def test_the_same_person_through_every_process_at_once_has_one_row_and_one_seat(crowd: Crowd) -> None:
    await gather(crowd, people=60)
    shift_id = await crowd.publishes(SATURDAY, SATURDAY + timedelta(hours=2), 40)
    acks = await crowd.joins(shift_id, everyone_everywhere=True)
    assert said(acks) == {
        "joined": 40, "waiting": 20, "alreadyin": (len(crowd.processes) - 1) * 60,
    }  # fmt: skip
    assert await count(crowd.town, shift_id, acks) == Count()


HELD_BACK = text(
    f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {BEFORE_THE_SEAT} AND NOT granted"
)


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgresql"])
async def test_without_the_lock_one_person_takes_two_seats(crowd: Crowd) -> None:
    """The control. On SQLite a transaction that writes locks everybody else out from its beginning."""
    await gather(crowd, ("lock",), people=60)
    shift_id = await crowd.publishes(SATURDAY, SATURDAY + timedelta(hours=2), 40)
    async with crowd.town.database.write() as holds_back, asyncio.timeout(60):
        await holds_back.run(text(f"SELECT pg_advisory_xact_lock({BEFORE_THE_SEAT})"))
        joining = asyncio.create_task(crowd.joins(shift_id, everyone_everywhere=True))
        # As many as have a connection: whoever is first in each process has looked, and saw no seat of theirs.
        everywhere = LINES * len(crowd.processes)
        while (await holds_back.run(HELD_BACK)).scalar_one() < everywhere:  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(0.01)
    wrong = await count(crowd.town, shift_id, await joining)
    assert wrong.taken_is_wrong > 0


# --- Histories -----------------------------------------------------------------------------------------------------

TASKS, ROUNDS, MOVES = 16, 4, 12


class History:
    """Sixteen people who cannot make up their minds, each with a task of their own."""

    def __init__(self, crowd: Crowd, shift_id: int, seed: int) -> None:
        self.crowd, self.shift_id = crowd, shift_id
        self.chance = random.Random(seed)
        self.acks: dict[int, Ack] = {}
        self.mine: dict[int, int] = {}
        self.promised = 0
        """How often somebody who left was told that their seat went to the next."""

    async def round(self) -> Count:
        await asyncio.gather(*(self._live(person) for person in self.crowd.people))
        return await count(self.crowd.town, self.shift_id, list(self.acks.values()))

    async def _live(self, person: int) -> None:
        for _move in range(MOVES):
            has_enough = person in self.mine and self.chance.random() < 0.6
            await (self._leave(person) if has_enough else self._join(person))

    async def _join(self, person: int) -> None:
        asked = time.monotonic()
        async with self.crowd.town.database.write() as unit:
            outcome = await self._desk(unit, person).enrolment.join(self.shift_id)
        if isinstance(outcome, Joined | Waitlisted):
            answer = "joined" if isinstance(outcome, Joined) else "waiting"
            self.mine[person] = outcome.enrolment
            self.acks[person] = Ack(person, answer, asked, time.monotonic())

    async def _leave(self, person: int) -> None:
        async with self.crowd.town.database.write() as unit:
            outcome = await self._desk(unit, person).enrolment.leave(self.mine[person])
        assert isinstance(outcome, Left)
        self.promised += outcome.promoted
        del self.mine[person], self.acks[person]

    def _desk(self, unit: Unit, person: int) -> Desk:
        return Desk(unit, Person(person, "", "en"), self.crowd.town.at, self.crowd.town.city)

    async def told(self) -> tuple[Counter[str], Counter[str]]:
        """By sign-up: moves up that were logged, and messages about them that were planned."""
        async with self.crowd.town.database.read() as unit:
            moves = await unit.run(select(audit.c.target).where(audit.c.deed == "offer"))
            planned = await unit.run(select(fanout.c.source).where(fanout.c.kind == "offer"))
            return Counter(row.target for row in moves), Counter(f"enrolment:{row.source}" for row in planned)


async def begin(crowd: Crowd, seats: int = 5) -> History:
    await crowd.comes(TASKS)
    return History(crowd, await crowd.publishes(SATURDAY, SATURDAY + timedelta(hours=2), seats), seed=seats)


async def test_whoever_comes_and_goes_the_seats_belong_to_the_first_of_the_queue(crowd: Crowd) -> None:
    history = await begin(crowd)
    for _round in range(ROUNDS):
        found = await history.round()
        # A number goes with whoever left and came back.
        found.missing = []
        assert found == Count()
    moves, planned = await history.told()
    assert history.promised > TASKS, "hardly anybody moved up: the test proves nothing"
    assert moves.total() == history.promised
    assert planned == moves, "each move up is told exactly once"


async def test_when_the_head_of_the_queue_is_forgotten_somebody_waits_beside_a_free_seat(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""

    async def forgets(_unit: Unit, _shift_id: int) -> None:
        return None

    monkeypatch.setattr(offers, "take_for_head", forgets)
    history = await begin(crowd)
    assert await goes_wrong(history)


async def goes_wrong(history: History) -> bool:
    """Within a few rounds: a seat that nobody has, or somebody who was passed over."""
    for _round in range(2 * ROUNDS):
        found = await history.round()
        if found.taken_is_wrong or found.idle_seats or found.passed_over:
            return True
    return False


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgresql"])
async def test_without_the_lock_two_who_leave_give_their_seats_to_the_same_person(
    crowd: Crowd, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a seat is lost for ever, or given twice."""
    monkeypatch.setattr(enrolment, "lock_shift", unlocked)
    history = await begin(crowd)
    assert await goes_wrong(history)


def test_the_count_sees_who_was_overtaken() -> None:
    """The control of the count itself."""
    first, second, third = Ack(1, "waiting", 0, 1), Ack(2, "waiting", 2, 3), Ack(3, "waiting", 2, 4)
    assert overtaken([first, second, third], {1: 1, 2: 2, 3: 3}) == []
    assert overtaken([first, second, third], {1: 2, 2: 1, 3: 3}) == [(first, second)]
    # Who asked while the other was still being answered may stand on either side.
    assert overtaken([first, second, third], {1: 1, 2: 3, 3: 2}) == []
