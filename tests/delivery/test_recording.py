"""Results of one group: what was sent is written by what it has in common, and it comes to what each would alone."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from storage import fanouts, outbox, slots
from storage.database import Unit
from storage.outbox import Result
from storage.tables.delivery import State
from storage.tables.delivery import outbox as messages
from storage.tables.kinds import to_milliseconds
from tests.delivery.kit import Clockwork, SmallCity

EVERYBODY = range(2, 12)


class Undone(Exception):
    """All of it was seen."""


@dataclass
class Called:
    """Messages that are being called under a slot's number."""

    unit: Unit
    epoch: int
    attempts: dict[int, int]
    persons: dict[int, int]

    def result(self, id_: int, **more: Any) -> Result:
        usual = {"state": State.SENT, "account": "telegram", "due": 0, "route": "telegram", "arrived": 1}
        return Result(id_, self.epoch, self.attempts[id_], self.persons[id_], **(usual | more))

    async def rows(self) -> dict[int, Any]:
        return {row.id: row for row in await self.unit.run(select(messages).order_by(messages.c.id))}


async def called(city: SmallCity, clock: Clockwork, unit: Unit) -> Called:
    await fanouts.expand(unit, clock.now)
    persons = {row.id: row.person for row in await unit.run(select(messages).order_by(messages.c.id))}
    slot = await slots.take(unit, "telegram", "one", 1_000, 500)
    assert slot is not None
    return Called(unit, slot.epoch, await outbox.claim(unit, "telegram", slot.epoch, list(persons)), persons)


@pytest.fixture
async def told(city: SmallCity, clock: Clockwork) -> SmallCity:
    """A city in which ten people are about to hear of an activity."""
    await city.shift(1, clock.now + timedelta(days=3))
    await city.crowd(EVERYBODY)
    await city.announces()
    return city


def mixed(them: Called) -> list[Result]:
    """What may come back at once."""
    one, two, three, four, five, six, seven, eight, nine, ten = sorted(them.attempts)
    return [
        them.result(ten, receipt="r10"),
        them.result(two, receipt="r2", reason="window"),
        them.result(one, receipt="r1", reason="window"),
        them.result(three, receipt=None, route=None),
        them.result(four, receipt="r" * 70, reason="x" * 300),
        them.result(five, repeated=True, receipt="r5"),
        them.result(six, state=State.PENDING, tried=0, receipt="r6", due=9),
        them.result(seven, state=State.FAILED, reason="blocked"),
        them.result(eight, account="web", route="web", receipt="r8"),
        them.result(nine, state=State.PENDING, reason="busy", due=77, arrived=None),
    ]


async def written(them: Called, results: Sequence[Result], now: datetime, together: bool) -> dict[int, Any]:
    """The rows after it, and all as it was again. `together` is how it is done, else as if nothing were in common."""
    rows: dict[int, Any] = {}
    with contextlib.suppress(Undone):
        async with them.unit.savepoint():
            if together:
                await outbox.record(them.unit, results, now)
            for one in () if together else results:
                values = outbox._becomes(one, to_milliseconds(now))
                await them.unit.run_lists(outbox._RECORD, {name: [value] for name, value in values.items()})
            rows = await them.rows()
            raise Undone
    return rows


async def test_a_group_of_all_kinds_comes_to_what_each_would_alone(told: SmallCity, clock: Clockwork) -> None:
    async with told.database.write() as unit:
        them = await called(told, clock, unit)
        await unit.run(update(messages).values(due=0))  # what was sent keeps its due time: here it is what results say
        results = mixed(them)
        together = await written(them, results, clock.now, together=True)
        assert together == await written(them, results, clock.now, together=False)
        assert Counter(State(row.state) for row in together.values()) == {
            State.SENT: 7, State.PENDING: 2, State.FAILED: 1
        }  # fmt: skip


def sent(row: Any) -> tuple[State, str | None, str | None, int]:
    return State(row.state), row.receipt, row.reason, row.page


async def test_what_one_was_told_stays_with_that_one(told: SmallCity, clock: Clockwork) -> None:
    """They are written as lists: each receipt must still come to the message that it is of, in whatever order."""
    async with told.database.write() as unit:
        them = await called(told, clock, unit)
        order: Sequence[int] = [*list(them.attempts)[::2], *list(them.attempts)[1::2]]
        await outbox.record(unit, [them.result(id_, receipt=f"of {id_}") for id_ in order], clock.now)
        rows = await them.rows()
        assert {id_: sent(row) for id_, row in rows.items()} == {
            id_: (State.SENT, f"of {id_}", None, 1) for id_ in them.attempts
        }


async def test_one_of_another_claim_among_many_changes_nothing(told: SmallCity, clock: Clockwork) -> None:
    async with told.database.write() as unit:
        them = await called(told, clock, unit)
        stale, *good = sorted(them.attempts)
        await unit.run(update(messages).where(messages.c.id == stale).values(attempt=2))  # somebody called it again
        await outbox.record(unit, [them.result(id_, receipt="r") for id_ in (stale, *good)], clock.now)
        rows = await them.rows()
        assert sent(rows[stale]) == (State.SENDING, None, None, 0)
        assert {State(rows[id_].state) for id_ in good} == {State.SENT}


async def test_a_late_receipt_settles_what_was_to_be_said_once_more_elsewhere(
    told: SmallCity, clock: Clockwork
) -> None:
    """It was said once after all, by the account that called."""
    async with told.database.write() as unit:
        them = await called(told, clock, unit)
        late = min(them.attempts)
        again = {"state": State.PENDING, "repeated": 1, "account": "web", "reason": "its sender was stopped"}
        await unit.run(update(messages).where(messages.c.id == late).values(**again))
        await outbox.record(unit, [them.result(late, receipt="r")], clock.now)
        row = (await them.rows())[late]
        assert (*sent(row), row.repeated, row.account) == (State.SENT, "r", None, 1, 0, "telegram")


# --- What it costs -------------------------------------------------------------------------------------------------

VALUES = {"p_epoch": 1, "p_page": 0, "p_account": "telegram", "p_arrived": 1, "p_repeated": 0}
REST = {"p_reason": None, "p_done": 1, "p_route": None}


async def plan(unit: Unit, change: Callable[[str], str] = str) -> str:
    """How the database finds the rows of three receipts."""
    receipts = outbox._SENT.given(unit.dialect, {"p_id": [1, 2, 3], "p_attempt": [1] * 3, "p_receipt": ["r"] * 3}, {})
    compiled = outbox._SENT.on(unit.dialect).compiled(unit.connection.dialect)
    values, sql = compiled.values({**receipts, **VALUES, **REST}), change(compiled.sql)
    if unit.dialect == "sqlite":
        steps = await unit.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (*values,))
        return "\n".join(row[-1] for row in steps)
    bare: Any = (await unit.connection.get_raw_connection()).driver_connection
    return "\n".join(row[0] for row in await bare.fetch(f"EXPLAIN {sql}", *values))


@pytest.fixture
async def crowded(told: SmallCity, clock: Clockwork) -> SmallCity:
    """Three thousand are about to hear of it, and the database has counted them."""
    everybody = range(100, 3_100)
    await told.crowd(everybody)
    async with told.database.write() as unit:
        await fanouts.expand(unit, clock.now, ahead=len(everybody))
    async with told.database.write() as unit:
        await unit.connection.exec_driver_sql("ANALYZE outbox")
    return told


async def test_a_receipt_finds_its_row_by_its_number(crowded: SmallCity) -> None:
    """PostgreSQL walked through the index of what is being sent, where all stood that was sent since it cleared up."""
    async with crowded.database.write() as unit:
        found = await plan(unit)
        assert "USING INTEGER PRIMARY KEY" in found or "using pk_outbox" in found
        assert "ix_outbox" not in found


async def test_control_by_its_bare_state_it_is_looked_for_elsewhere(crowded: SmallCity, engine: str) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite takes the number all the same")
    async with crowded.database.write() as unit:
        assert "ix_outbox" in await plan(unit, lambda sql: sql.replace("outbox.state + 0", "outbox.state"))
