"""What the planner is told of a city that was just filled: of tables that hold something, and nothing of the others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, insert, select, text

from storage import bulk
from storage.database import Database, Unit
from storage.prepared import Prepared
from storage.tables.messages import inbox
from storage.tables.people import person

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
KEPT = Prepared(select(inbox.c.at).where(inbox.c.door == bindparam("door"), inbox.c.key == bindparam("key")))


@pytest.fixture
async def database(database: Database) -> Database:
    """Everybody is there, and nobody has written yet."""
    async with database.write() as unit:
        await unit.run(insert(person), [{"number": f"V{one}", "created": NOW} for one in range(500)])
    return database


async def read_through(database: Database) -> bool:
    """Does a line find a kept reply by reading all of them, by the plan that it keeps?"""

    async def ask(unit: Unit) -> bool:
        for number in range(8):  # the sixth time the plan is made that stays
            await unit.run(KEPT, {"door": "web", "key": str(number)})
        prepared = "SELECT name FROM pg_prepared_statements WHERE generic_plans > 0 AND statement LIKE 'SELECT inbox%'"
        name = (await unit.run(text(prepared))).scalar_one()
        plan = (await unit.run(text(f"EXPLAIN EXECUTE {name}('web', '1')"))).scalars().all()
        return any("Seq Scan on inbox" in line for line in plan)

    return await database.turn(ask)


@pytest.mark.usefixtures("on_a_server")
async def test_a_plan_that_was_made_in_an_empty_city_is_good_for_a_full_one(database: Database) -> None:
    async with database.write() as unit:
        await bulk.settle(unit)
    assert not await read_through(database)


@pytest.mark.usefixtures("on_a_server")
async def test_control_whoever_looks_at_empty_tables_reads_them_through(database: Database) -> None:
    async with database.write() as unit:
        await unit.run(text("ANALYZE"))
    assert await read_through(database)


@pytest.fixture
def on_a_server(engine: str) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite makes its plans anew in each process, and its tables have no size")


async def test_what_holds_something_is_looked_at(database: Database, engine: str) -> None:
    async with database.write() as unit:
        await unit.look_over()
        if engine == "sqlite":
            known = "SELECT stat FROM sqlite_stat1 WHERE tbl = 'person' LIMIT 1"
            assert (await unit.run(text(known))).scalar_one().split()[0] == "500"
        else:
            known = "SELECT reltuples FROM pg_class WHERE relname = 'person'"
            assert (await unit.run(text(known))).scalar_one() == 500
