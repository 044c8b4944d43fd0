"""Whoever comes, goes, is offered a seat, takes it or does not: one fair queue explains every answer, in real time.

By default a few short histories, so that they run with every change; with `MENKOU_SOAK=1` fifty of 500 operations.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from bot.desk import offers as offering
from bot.desk.desk import Desk
from bot.desk.organising import Seats, Told
from bot.domain.enrolment import Booking, Joined, Left, Stand, Waitlisted
from bot.domain.people import Person
from storage import enrolment, offers
from storage.database import Unit
from storage.tables.activities import shift
from storage.tables.enrolment import audit
from storage.tables.enrolment import enrolment as signed_up
from tests.conversations.kit import MONDAY
from tests.promises.crowd import Crowd
from tests.promises.guards import unlocked
from tests.promises.histories import Move, Operation, Queue, faults, overtaken, written

SOAK = os.environ.get("MENKOU_SOAK") == "1"
HISTORIES, OPERATIONS = (50, 500) if SOAK else (3, 160)
CLIENTS, PEOPLE, SEATS = 32, 40, 6
FAR = MONDAY + timedelta(days=300)

pytestmark = pytest.mark.timeout(1_800 if SOAK else 120)


class Clients:
    """Thirty-two clients of one activity, who do by chance what people do."""

    def __init__(self, crowd: Crowd, shift_id: int, activity: int, chance: random.Random) -> None:
        self.crowd, self.shift_id, self.activity, self.chance = crowd, shift_id, activity, chance
        self.town = crowd.town
        self.done: list[Operation] = []
        self.left = OPERATIONS
        self.refused = 0
        """Stopped by the last line of defence, the database's own checks: never, when what stands before it holds."""
        self.mine: dict[int, int] = {}
        """The latest sign-up of each person, whatever became of it."""
        assert crowd._organiser is not None
        self.organiser = crowd._organiser.id

    async def run(self) -> None:
        await asyncio.gather(*(self._live(client) for client in range(CLIENTS)))
        if self.chance.random() < 0.5:
            self.left = 8
            await asyncio.gather(self._one(0, "cancel"), *(self._one(n, "join") for n in range(1, 8)))

    async def _live(self, client: int) -> None:
        while self.left > 0:
            deeds = ["join", "leave", "accept", "decline", "seats", "lapse"]
            (deed,) = self.chance.choices(deeds, [40, 22, 18, 6, 6, 4])
            await self._one(client, deed)

    async def _one(self, client: int, deed: str) -> None:
        self.left -= 1
        if deed == "lapse":
            self.town.at += timedelta(hours=25)
            try:
                await offering.lapse(self.town.database, self.town.city, self.town.at)
            except DBAPIError:
                self.refused += 1
            return
        person = self.chance.choice(self.crowd.people)
        asked, about = time.monotonic(), self.mine.get(person, 0)

        async def turn(unit: Unit) -> tuple[str, int, int, int]:
            desk = Desk(unit, Person(person, "", "en"), self.town.at, self.town.city)
            said, id_, number = self._said(await self._did(desk, deed, about), about)
            last = select(func.max(audit.c.id))
            return said, id_, number, int((await unit.run(last)).scalar_one() or 0) if said else 0

        try:
            said, id_, number, witness = await self.town.database.turn(turn)
        except DBAPIError:
            self.refused += 1
            return
        if deed == "join" and id_:
            self.mine[person] = id_
        self.done.append(Operation(client, deed, asked, time.monotonic(), said, id_, number, witness))

    async def _did(self, desk: Desk, deed: str, about: int) -> object:
        if deed == "join":
            return await desk.enrolment.join(self.shift_id)
        if deed == "leave":
            return await desk.enrolment.leave(about)
        if deed == "accept":
            return await desk.offers.accept(about)
        if deed == "decline":
            mine = await desk.enrolment.booking(about)
            return await desk.enrolment.leave(about) if mine and mine.stand == Stand.OFFERED else None
        organising = Desk(desk.unit, Person(self.organiser, "", "en"), desk.now, desk.city).organising
        if deed == "cancel":
            return await organising.call_off(self.activity)
        return await organising.set_seats(self.shift_id, self.chance.randint(SEATS - 3, SEATS + 3))

    def _said(self, outcome: object, about: int) -> tuple[str, int, int]:
        match outcome:
            case Joined(id_):
                return "joined", id_, 0
            case Waitlisted(id_, position):
                return "waiting", id_, position
            case Left():
                return "left", about, 0
            case Booking():
                return "accepted", about, 0
            case Seats(_card, there):
                return "seats", 0, there
            case Told():
                return "cancelled", 0, 0
        return "", 0, 0

    async def faults(self) -> tuple[list[str], list[Move]]:
        async with self.town.database.read() as unit:
            rows = await unit.run(select(audit).order_by(audit.c.id))
            moves = [Move(row.id, row.deed, row.target, row.before, row.after) for row in rows]
            stand = list(await unit.run(select(signed_up).where(signed_up.c.shift == self.shift_id)))
        ours = {f"enrolment:{row.id}" for row in stand} | {f"shift:{self.shift_id}", f"activity:{self.activity}"}
        moves = [one for one in moves if one.target in ours]
        refused = ["the database's own checks were needed"] if self.refused else []
        return refused + faults(SEATS, self.done, moves, stand), moves


async def history(crowd: Crowd, seed: int) -> Clients:
    crowd.town.at = MONDAY
    if not crowd.people:
        await crowd.comes(PEOPLE)
    starts = FAR + timedelta(days=seed)
    shift_id = await crowd.publishes(starts, starts + timedelta(hours=2), SEATS)
    async with crowd.town.database.read() as unit:
        activity = (await unit.run(select(shift.c.activity).where(shift.c.id == shift_id))).scalar_one()
    clients = Clients(crowd, shift_id, activity, random.Random(seed))
    await clients.run()
    return clients


async def test_every_history_of_a_queue_is_one_that_a_fair_queue_explains(crowd: Crowd, tmp_path: Path) -> None:
    seen: set[str] = set()
    for seed in range(HISTORIES):
        clients = await history(crowd, seed)
        wrong, moves = await clients.faults()
        assert not wrong, written(tmp_path / f"history-{seed}.jsonl", clients.done, moves, wrong)
        seen |= {one.said for one in clients.done} | {move.deed for move in moves}
    assert seen >= {"joined", "waiting", "left", "accepted", "seats", "offer", "lapse"}, "too little happened"


async def goes_wrong(crowd: Crowd) -> str:
    """What a few histories with a guard taken out show."""
    for seed in range(4):
        wrong, _moves = await (await history(crowd, seed)).faults()
        if wrong:
            return "\n".join(wrong)
    return ""


async def test_a_head_that_is_forgotten_is_found(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control."""

    async def forgets(_unit: Unit, _shift_id: int) -> None:
        return None

    monkeypatch.setattr(offers, "take_for_head", forgets)
    assert "a seat is free and" in await goes_wrong(crowd)


async def test_a_seat_for_the_last_of_the_queue_is_found(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control."""
    monkeypatch.setattr(offers, "_HEAD", offers._HEAD.order_by(None).order_by(signed_up.c.queue.desc()))
    assert "the head of the queue was" in await goes_wrong(crowd)


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgresql"])
async def test_clients_that_do_not_wait_for_each_other_are_found(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: without the lock. On SQLite a transaction that writes locks everybody else out from its beginning."""
    monkeypatch.setattr(enrolment, "lock_shift", unlocked)
    assert await goes_wrong(crowd)


# --- The checker's own controls ------------------------------------------------------------------------------------


def joined(id_: int, about: int, after: str = "joined") -> Move:
    return Move(id_, "join", f"enrolment:{about}", None, after)


def asked(about: int, said: str, at: float, witness: int, number: int = 0) -> Operation:
    return Operation(about, "join", at, at + 1, said, about, number, witness)


@pytest.fixture
def sound() -> tuple[list[Operation], list[Move], list[Any]]:
    """Two people and one seat."""

    class Row:
        def __init__(self, id_: int, state: str, queue: int) -> None:
            self.id, self.state, self.queue = id_, state, queue

    operations = [asked(1, "joined", 0, 1), asked(2, "waiting", 2, 2, number=1)]
    return operations, [joined(1, 1), joined(2, 2, "waiting")], [Row(1, "joined", 1), Row(2, "waiting", 2)]


Sound = tuple[list[Operation], list[Move], list[Any]]


def test_the_checker_has_nothing_against_a_sound_history(sound: Sound) -> None:
    assert faults(1, *sound) == []


def test_the_checker_sees_who_was_overtaken(sound: Sound) -> None:
    operations, _moves, _rows = sound
    late = replace(operations[1], asked=-3.0, answered=-2.0)
    assert overtaken([operations[0], late]) == [(late, operations[0])]
    # Who asked while the other was still being answered may come after it or before it.
    assert overtaken([operations[0], replace(late, answered=0.5)]) == []


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (lambda o, m, r: (o, m, r[:1]), "2 stands as None, by its moves"),
        (lambda o, m, r: (o, m[:1], r), "left no trace"),
        (lambda o, m, r: (o, [m[0], joined(2, 2)], r), "1 of 1 seats were taken"),
        (lambda o, m, r: ([o[0], replace(o[1], number=2)], m, r), "but it is number 1"),
        (lambda o, m, r: (o, [*m, Move(3, "accept", "enrolment:2", "offered", "joined")], r), "it stood at waiting"),
    ],
)
def test_the_checker_sees(sound: Sound, spoilt: Any, why: str) -> None:
    found: Sequence[str] = faults(1, *spoilt(*sound))
    assert any(why in one for one in found), found


def test_the_reference_hands_seats_on_in_order() -> None:
    queue = Queue(1)
    moves = [joined(1, 1), joined(2, 2, "waiting"), joined(3, 3, "waiting")]
    moves += [Move(4, "leave", "enrolment:1", "joined", "cancelled")]
    moves += [Move(5, "offer", "enrolment:3", "waiting", "offered")]
    assert [queue.wrong_with(one) for one in moves] == ["", "", "", "", "the head of the queue was 2"]
