"""A sender that was frozen and has lost its slot: each of its statements, on waking up, changes nothing at all.

Each is tried with its guard and, as the control, without it. A receipt has its own guard, the number of its claim.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import ColumnElement, insert, select, true, update

from storage import fanouts, outbox, slots
from storage.database import Unit
from storage.outbox import Result, Unused
from storage.slots import fenced
from storage.tables.delivery import State, fanout, sender_slot
from storage.tables.delivery import outbox as messages
from storage.tables.people import conversation, identity
from tests.delivery.kit import TEN, Clockwork, SmallCity

TABLES = (messages, fanout, sender_slot, identity, conversation)
PENDING, CALLED, OLDER = range(3)


@dataclass(frozen=True)
class Frozen:
    """What a frozen sender held in its hands: its number, and the messages that it was about to do something with."""

    unit: Unit
    now: Any
    epoch: int
    ids: dict[int, int]

    @property
    def pending(self) -> list[int]:
        return [self.ids[PENDING]]

    def receipt(self, **more: Any) -> Result:
        what = {"id": self.ids[CALLED], "epoch": self.epoch, "attempt": 1, "person": 3, "state": State.SENT}
        return Result(**(what | {"account": "telegram", "due": 0} | more))

    async def settle(self, **what: Any) -> None:
        await outbox.settle(self.unit, "telegram", self.epoch, self.now, **what)

    async def record(self, **more: Any) -> None:
        await outbox.record(self.unit, [self.receipt(**more)], self.now)


WINDOW = Unused("telegram", "telegram-3", TEN, None)

Statement = Callable[[Frozen], Awaitable[object]]

FENCED: dict[str, Statement] = {
    "claim": lambda one: outbox.claim(one.unit, "telegram", one.epoch, one.pending),
    "drop": lambda one: one.settle(dropped={"x": one.pending}),
    "postpone": lambda one: one.settle(postponed={(9, "x"): one.pending}),
    "hand to another door": lambda one: one.settle(rerouted={"web": one.pending}),
    "hold": lambda one: one.settle(held={"x": one.pending}),
    "give up": lambda one: one.settle(dead={"x": one.pending}),
    "settle what older ones were calling": lambda one: outbox.recover(one.unit, "telegram", one.epoch, one.now),
    "let a campaign rest": lambda one: fanouts.pause(one.unit, 1, "x", fenced("telegram", one.epoch)),
    "renew": lambda one: slots.renew(one.unit, "telegram", one.epoch, 99_000, 500),
    "release": lambda one: slots.release(one.unit, "telegram", one.epoch),
    "halt the account": lambda one: slots.block(one.unit, "telegram", one.epoch, 99_000),
}
RECEIPTS: dict[str, Statement] = {
    "record": lambda one: one.record(),
    "record what was said": lambda one: one.record(shown=[{"label": "x"}]),
    "close an address": lambda one: one.record(state=State.FAILED, closes=("telegram", "telegram-3")),
    "close a window": lambda one: one.record(state=State.FAILED, window_closes=("telegram", "telegram-3")),
    "give a window back": lambda one: one.record(state=State.PENDING, gives_back=WINDOW),
}

ASIDE = {
    "record what was said": ("conversation",),
    "close an address": ("identity",),
    "close a window": ("identity",),
    "give a window back": ("identity",),
}
"""What a receipt changes beside its message."""


async def contents(unit: Unit) -> list[list[Any]]:
    return [list(await unit.run(select(table).order_by(*table.primary_key))) for table in TABLES]


async def frozen(city: SmallCity, clock: Clockwork, unit: Unit) -> Frozen:
    """One message waits, one was called by it and again by its successor, one was called by somebody before it."""
    await fanouts.expand(unit, clock.now)
    pending, called, older = [row.id for row in await unit.run(select(messages.c.id).order_by(messages.c.id))]
    dead = await slots.take(unit, "telegram", "dead", 1_000, 500)
    assert dead is not None
    assert older in await outbox.claim(unit, "telegram", dead.epoch, [older])
    old = await slots.take(unit, "telegram", "old", 2_000, 500)
    assert old is not None
    assert called in await outbox.claim(unit, "telegram", old.epoch, [called])
    new = await slots.take(unit, "telegram", "new", 9_000, 500)
    assert new is not None
    # The successor found that one, and a person had it said again: it is being called now, under the new number.
    again = update(messages).where(messages.c.id == called).values(state=State.PENDING, attempt=0)
    await unit.run(again)
    assert called in await outbox.claim(unit, "telegram", new.epoch, [called])
    return Frozen(unit, clock.now, old.epoch, {PENDING: pending, CALLED: called, OLDER: older})


@pytest.fixture
async def announced(city: SmallCity, clock: Clockwork) -> SmallCity:
    await city.shift(1, clock.now + timedelta(days=3))
    await city.people(range(2, 5))
    await city.subscribes(range(2, 5))
    async with city.database.write() as unit:
        await unit.run(insert(conversation), [{"person": one, "session": b"sealed"} for one in range(2, 5)])
        await unit.run(update(identity).values(window_left=3, window_until=TEN))
    await city.announces()
    return city


@pytest.mark.parametrize("statement", [*FENCED, *RECEIPTS])
async def test_of_a_sender_that_lost_its_slot_it_changes_nothing(
    announced: SmallCity, clock: Clockwork, statement: str
) -> None:
    async with announced.database.write() as unit:
        one = await frozen(announced, clock, unit)
        before = await contents(unit)
        await (FENCED | RECEIPTS)[statement](one)
        assert await contents(unit) == before


@pytest.mark.parametrize("statement", RECEIPTS)
async def test_nor_does_its_receipt_as_senders_write_it(
    announced: SmallCity, clock: Clockwork, statement: str
) -> None:
    """In a turn: on the driver itself, and on PostgreSQL with all results in one statement."""

    async def late(unit: Unit) -> None:
        one = await frozen(announced, clock, unit)
        before = await contents(unit)
        await RECEIPTS[statement](one)
        assert await contents(unit) == before

    await announced.database.turn(late)


def nothing(*_numbers: Any) -> ColumnElement[bool]:
    return true()


@pytest.mark.parametrize("statement", FENCED)
async def test_without_its_fence_it_does_harm(
    announced: SmallCity, clock: Clockwork, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: of each statement by itself."""
    async with announced.database.write() as unit:
        one = await frozen(announced, clock, unit)
        before = await contents(unit)
        for name in ("storage.outbox.fenced", "storage.slots._ours", f"{__name__}.fenced"):
            monkeypatch.setattr(name, nothing)
        monkeypatch.setattr(outbox, "_CLAIM", outbox._claiming(true()))
        await FENCED[statement](one)
        assert await contents(unit) != before


@pytest.mark.parametrize("statement", RECEIPTS)
async def test_the_receipt_of_the_claim_that_stands_is_taken(
    announced: SmallCity, clock: Clockwork, statement: str
) -> None:
    """The control: under its successor's number each of them changes something."""
    async with announced.database.write() as unit:
        one = await frozen(announced, clock, unit)
        before = await contents(unit)
        await RECEIPTS[statement](Frozen(unit, clock.now, one.epoch + 1, one.ids))
        after = await contents(unit)
    changed = [table.name for table, was, became in zip(TABLES, before, after, strict=True) if was != became]
    assert changed == ["outbox", *ASIDE.get(statement, ())]
