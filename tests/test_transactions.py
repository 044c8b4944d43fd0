"""A turn's transaction: what is written either way, in steps, late or foreseen is there whole, or not at all."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, func, insert, literal_column, select
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from storage.database import Database, Unit, is_away
from storage.prepared import Prepared, _spelt
from storage.tables.people import person
from tests.waiting import until

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
ADDED = Prepared(insert(person).values(number=bindparam("its_number"), created=bindparam("its_birth")))
EVERYBODY = Prepared(select(person.c.id))


@pytest.fixture
def on_a_server(engine: str) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has no server, and foresees nothing")


async def people_there(database: Database) -> int:
    async with database.read() as unit:
        return int((await unit.run(select(func.count()).select_from(person))).scalar_one())


async def backend(unit: Unit) -> tuple[int, Any]:
    """PostgreSQL's number of the process that serves it, and the driver's connection to that."""
    number = int((await unit.connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one())
    return number, (await unit.connection.get_raw_connection()).driver_connection


async def hang_up(database: Database, number: int, bare: Any = None) -> None:
    """The server closes that connection. With `bare`, until its end has come here."""
    other = Database(database.url)
    async with other.engine.connect() as connection:
        await connection.exec_driver_sql(f"SELECT pg_terminate_backend({number})")
    await other.close()
    if bare is not None:
        await until(bare.is_closed)


# --- What goes wrong ---


async def test_a_turn_that_breaks_undoes_what_either_way_has_written(database: Database) -> None:
    async def breaks(unit: Unit) -> None:
        await unit.run(ADDED, {"its_number": "V1", "its_birth": NOW})
        await unit.run(insert(person).values(number="V2", created=NOW))
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await database.turn(breaks)
    assert await people_there(database) == 0


async def test_both_ways_write_in_one_transaction(database: Database) -> None:
    async def both(unit: Unit) -> int:
        await unit.run(ADDED, {"its_number": "V1", "its_birth": NOW})
        async with unit.savepoint():
            await unit.run(insert(person).values(number="V2", created=NOW))
        return int((await unit.run(select(func.count()).select_from(person))).scalar_one())

    assert await database.turn(both) == 2
    assert await people_there(database) == 2


async def test_what_the_database_refuses_is_told_as_by_sqlalchemy_and_without_values(database: Database) -> None:
    async def twice(unit: Unit) -> None:
        for _time in range(2):
            await unit.run(ADDED, {"its_number": "13810012345", "its_birth": NOW})

    with pytest.raises(IntegrityError) as refused:
        await database.turn(twice)
    assert refused.value.params is None
    assert await people_there(database) == 0


@pytest.mark.parametrize("driven", [True, False])
async def test_steps_see_each_other_and_what_came_late_and_the_last_one_is_counted(
    database: Database, driven: bool
) -> None:
    everybody = Prepared(select(person.c.id).where(person.c.number.like(bindparam("such"))))

    async def steps(unit: Unit) -> list[int]:
        await unit.run_late(ADDED, {"its_number": "V1", "its_birth": NOW})
        added = (ADDED, {"its_number": "V'2", "its_birth": NOW})
        such = (everybody, {"such": "V%"})
        return [await unit.run_through(added, such), await unit.run_through(such), await unit.run_through(
            such, (everybody, {"such": "W%"})
        )]  # fmt: skip

    if driven:
        assert await database.turn(steps) == [2, 2, 0]
    else:
        async with database.write() as unit:
            assert await steps(unit) == [2, 2, 0]
    assert await people_there(database) == 2


async def test_a_step_that_is_refused_undoes_the_turn(database: Database) -> None:
    async def twice(unit: Unit) -> None:
        await unit.run_through(*[(ADDED, {"its_number": "V1", "its_birth": NOW})] * 2)

    with pytest.raises(IntegrityError):
        await database.turn(twice)
    assert await people_there(database) == 0


@pytest.mark.usefixtures("on_a_server")
async def test_a_connection_that_the_server_closed_is_thrown_away(database: Database) -> None:
    before, bare = await database.turn(backend)
    await hang_up(database, before, bare)
    assert (await database.turn(backend))[0] != before


@pytest.mark.usefixtures("on_a_server")
async def test_nor_is_it_given_to_a_page_that_looks(database: Database) -> None:
    async with database.read() as unit:
        before, bare = await backend(unit)
    await hang_up(database, before, bare)
    async with database.read() as unit:
        assert list(await unit.run(EVERYBODY, {})) == []


@pytest.mark.usefixtures("on_a_server")
async def test_a_turn_whose_connection_is_lost_asks_the_platform_to_come_again(database: Database) -> None:
    async def lost(unit: Unit) -> None:
        await hang_up(database, (await backend(unit))[0])
        await unit.run(ADDED, {"its_number": "V1", "its_birth": NOW})

    with pytest.raises((OperationalError, OSError)):  # whichever of the two notices it first; both mean “away”
        await database.turn(lost)
    assert await people_there(database) == 0


@pytest.mark.usefixtures("on_a_server")
async def test_a_connection_lost_under_a_statement_of_sqlalchemys_is_no_fault_of_the_message(
    database: Database,
) -> None:
    """Such a message was once kept apart as broken, with an apology, because SQLAlchemy names the loss vaguely."""

    async def lost(unit: Unit) -> None:
        await hang_up(database, *await backend(unit))
        await unit.run(select(person.c.number).where(person.c.number == "V1"))

    with pytest.raises((DBAPIError, OSError)) as raised:
        await database.turn(lost)
    assert is_away(raised.value)


async def test_a_value_that_no_column_takes_is_the_messages_own_fault(database: Database) -> None:
    """Or it would be brought again for ever."""
    found = Prepared(select(person.c.number).where(person.c.id == bindparam("whose")))
    with pytest.raises((DBAPIError, OverflowError)) as raised:
        await database.turn(lambda unit: unit.run(found, {"whose": 2**70}))
    assert not is_away(raised.value)
    with pytest.raises((DBAPIError, OverflowError)) as raised:
        await database.turn(lambda unit: unit.run(select(person.c.number).where(person.c.id == 2**70)))
    assert not is_away(raised.value)


# --- What may come late ---

LATE = {"its_number": "O'Brien\\'; -- 名", "its_birth": NOW}


async def put_late(unit: Unit) -> None:
    await unit.run_late(ADDED, LATE)


async def test_what_comes_late_is_there_after_the_commit_as_it_was_given(database: Database) -> None:
    await database.turn(put_late)
    async with database.read() as unit:
        kept = (await unit.run(select(person.c.number, person.c.created, person.c.name))).one()
    assert tuple(kept) == (LATE["its_number"], NOW, None)


async def test_whoever_asks_by_sqlalchemy_sees_what_comes_late(database: Database) -> None:
    async def both(unit: Unit) -> int:
        await put_late(unit)
        return int((await unit.run(select(func.count()).select_from(person))).scalar_one())

    assert await database.turn(both) == 1
    assert await people_there(database) == 1


async def test_what_comes_late_is_undone_with_its_turn(database: Database) -> None:
    async def breaks(unit: Unit) -> None:
        await put_late(unit)
        raise LookupError

    with pytest.raises(LookupError):
        await database.turn(breaks)
    await database.turn(_nothing)  # on the same connection, whose commit must not bring it
    assert await people_there(database) == 0


async def _nothing(_unit: Unit) -> None:
    pass


async def test_what_comes_late_belongs_to_its_savepoint(database: Database) -> None:
    async def half(unit: Unit) -> None:
        await put_late(unit)
        with contextlib.suppress(LookupError):
            async with unit.savepoint():
                await unit.run_late(ADDED, LATE | {"its_number": "V2"})
                raise LookupError
        async with unit.savepoint():
            await unit.run_late(ADDED, LATE | {"its_number": "V3"})

    await database.turn(half)
    async with database.read() as unit:
        numbers = {row.number for row in await unit.run(select(person.c.number))}
    assert numbers == {LATE["its_number"], "V3"}


async def test_what_the_database_refuses_of_what_comes_late_is_told_without_its_text(database: Database) -> None:
    async def twice(unit: Unit) -> None:
        await put_late(unit)
        await put_late(unit)

    with pytest.raises(IntegrityError) as refused:
        await database.turn(twice)
    assert "EXECUTE late" not in str(refused.value)
    assert await people_there(database) == 0


# --- What is foreseen ---

SAME = Prepared(insert(person).values(number=bindparam("its_number"), created=bindparam("its_birth")).returning(
    literal_column("1").op("/")(
        select(func.count()).select_from(person).where(person.c.number == LATE["its_number"]).scalar_subquery()
    ).label("one")
))  # fmt: skip
"""Adds somebody where somebody else is there, and divides by zero where they are not."""
FORESEEN = {"its_number": "V1", "its_birth": NOW}


async def foresee(unit: Unit) -> list[bool]:
    """Where it foresees; what it was asked by which unit."""
    if unit.foresees:
        await unit.run_foreseen(1, (SAME, FORESEEN))
    return [unit.foresees, unit.changed]


async def test_on_sqlite_and_outside_a_turn_nothing_is_foreseen(engine: str, database: Database) -> None:
    async with database.write() as unit:
        assert await foresee(unit) == [False, False]
        with pytest.raises(LookupError):
            await unit.run_foreseen(1, (SAME, FORESEEN))
    if engine == "sqlite":
        assert await database.turn(foresee) == [False, False]


@pytest.mark.usefixtures("on_a_server")
async def test_what_is_foreseen_comes_behind_what_comes_late(database: Database) -> None:
    async def both(unit: Unit) -> list[bool]:
        told = await foresee(unit)
        await put_late(unit)
        return told

    assert await database.turn(both) == [True, True]
    assert await people_there(database) == 2


@pytest.mark.usefixtures("on_a_server")
async def test_where_it_comes_to_something_else_the_work_is_done_again_without_foreseeing(database: Database) -> None:
    begun: list[bool] = []

    async def wrong(unit: Unit) -> list[bool]:
        begun.append(unit.foresees)
        await unit.run_late(ADDED, LATE | {"its_number": f"V{len(begun) + 1}"})
        return await foresee(unit)

    assert await database.turn(wrong) == [False, True]
    assert begun == [True, False]
    async with database.read() as unit:
        assert [row.number for row in await unit.run(select(person.c.number))] == ["V3"], "the first left no trace"


ASKS: dict[str, Callable[[Unit], Coroutine[Any, Any, Any]]] = {
    "on the driver": lambda unit: unit.run(EVERYBODY, {}),
    "by SQLAlchemy": lambda unit: unit.run(select(person.c.id)),
    "for each": lambda unit: unit.run_each(ADDED, [FORESEEN | {"its_number": "V9"}]),
    "through steps": lambda unit: unit.run_through((ADDED, FORESEEN | {"its_number": "V9"})),
}


@pytest.mark.usefixtures("on_a_server")
@pytest.mark.parametrize("asks", ASKS)
async def test_whoever_asks_afterwards_asks_behind_what_was_foreseen(database: Database, asks: str) -> None:
    there: list[bool] = []

    async def asked(unit: Unit) -> None:
        if unit.foresees:
            await foresee(unit)
            await ASKS[asks](unit)
            there.append(True)

    await database.turn(asked)
    assert there == [], "it came to something else, and was noticed there"
    assert await people_there(database) == 0


@pytest.mark.usefixtures("on_a_server")
async def test_what_is_foreseen_is_forgotten_with_its_turn(database: Database) -> None:
    async def breaks(unit: Unit) -> None:
        await foresee(unit)
        raise LookupError

    with pytest.raises(LookupError):
        await database.turn(breaks)
    await database.turn(put_late)
    assert await people_there(database) == 1


# --- How what is late or foreseen is written out ---


TYPED = ["'; DROP TABLE person; --", "\\'", "joined'", "a\n", "a b", "名", "ａ", b"'\x00", 5, -5, True, None]


@pytest.mark.parametrize("value", TYPED)
def test_nothing_that_somebody_typed_stands_in_a_statement(value: object) -> None:
    assert re.fullmatch(
        r"NULL|True|-?\d+|convert_from\('\\x[0-9a-f]*', 'UTF8'\)|'\\x[0-9a-f]*'", _spelt(value)
    )


@pytest.mark.parametrize("value", ["telegram", "7000000001", "enrolment:5", "12-3.a_B", ""])
def test_but_plain_words(value: str) -> None:
    assert _spelt(value) == f"'{value}'"
