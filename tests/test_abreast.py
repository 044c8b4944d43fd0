"""PostgreSQL's turns that wait share a transaction: together they come to what each would have come to alone."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import BigInteger, bindparam, func, insert, literal_column, select, text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage import abreast, batch
from storage import database as opening
from storage.database import Database, Unit
from storage.lines import Lines
from storage.prepared import OnPostgreSQL, Prepared
from storage.shared import Shared, looked_up
from storage.tables.people import person
from tests.leap import HOUR

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
ADDED = Prepared(insert(person).values(number=bindparam("its_number"), created=bindparam("its_birth")))
ADDED_AT_ONCE = Shared(ADDED.statement, changes=True)
TRANSACTION = Shared(select(func.txid_current().label("number")))
BY_NUMBER = looked_up(
    select(person.c.id, person.c.number)
    .where(person.c.number >= bindparam("least"), person.c.number <= bindparam("most"))
    .order_by(person.c.number.desc())
)
SAME = Prepared(
    insert(person)
    .values(number=bindparam("its_number"), created=bindparam("its_birth"))
    .returning(literal_column("1").op("/")(bindparam("divided_by", type_=BigInteger)).label("seats"))
)
"""Adds somebody, and divides."""

Work = Callable[[Unit], Coroutine[Any, Any, Any]]


@pytest.fixture
def engine() -> str:
    """SQLite's turns are committed together in another way."""
    return "postgresql"


@pytest.fixture(autouse=True)
def one_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes while somebody is at work waits, however long."""
    monkeypatch.setattr(abreast, "AT_WORK", 1)
    monkeypatch.setattr(abreast, "PATIENCE", HOUR)


def added(number: str) -> dict[str, Any]:
    return {"its_number": number, "its_birth": NOW}


async def transaction(unit: Unit) -> int:
    return int((await unit.run(TRANSACTION, {})).scalar_one())


def adds(number: str, then: Work | None = None) -> Work:
    """A turn that writes late. It tells its transaction, and what came of `then`."""

    async def work(unit: Unit) -> Any:
        number_of_mine = await transaction(unit)
        await unit.run_late(ADDED, added(number))
        return number_of_mine, await then(unit) if then else None

    return work


async def there(database: Database) -> list[str]:
    async with database.read() as unit:
        return [row.number for row in await unit.run(select(person.c.number).order_by(person.c.number))]


@contextlib.asynccontextmanager
async def somebody_at_work(database: Database) -> AsyncIterator[None]:
    """Until the end of it, whoever comes waits."""
    begun, over = asyncio.Event(), asyncio.Event()

    async def holds(_unit: Unit) -> None:
        begun.set()
        await over.wait()

    holder = asyncio.create_task(database.turn(holds, shares=True))
    await begun.wait()
    try:
        yield
    finally:
        over.set()
        await holder


def waiting(database: Database) -> int:
    assert database._abreast is not None
    return len(database._abreast._waiting)


async def all_wait(database: Database, several: Sequence[Work]) -> list[asyncio.Task[Any]]:
    before = waiting(database)
    tasks = [asyncio.create_task(database.turn(one, shares=True)) for one in several]
    while waiting(database) < before + len(several):  # noqa: ASYNC110
        await asyncio.sleep(0)
    return tasks


async def together(database: Database, *several: Work) -> list[Any]:
    """What becomes of turns that have waited for the same moment."""
    async with somebody_at_work(database):
        tasks = await all_wait(database, several)
    return await asyncio.gather(*tasks, return_exceptions=True)


# --- Together ---


async def test_turns_that_waited_share_a_transaction(database: Database) -> None:
    told = await together(database, adds("V1"), adds("V2"), adds("V3"))
    assert len({number for number, _none in told}) == 1
    assert await there(database) == ["V1", "V2", "V3"]


async def test_others_have_their_own(database: Database) -> None:
    async with somebody_at_work(database):
        alone = await database.turn(adds("V1"))
        tasks = await all_wait(database, [adds("V2")])
    waited = await tasks[0]
    assert alone != waited
    assert await there(database) == ["V1", "V2"]


async def test_so_many_at_most(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abreast, "MOST", 2)
    told = await together(database, *(adds(f"V{one}") for one in range(6)))
    numbers = [number for number, _none in told]
    assert numbers[0::2] == numbers[1::2]
    assert len(set(numbers)) == 3


async def test_what_they_ask_alike_is_asked_once_and_each_hears_its_own(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.write() as unit:
        await unit.run(insert(person), [{"number": f"V{one}", "created": NOW} for one in range(10)])
    journeys: list[str] = []
    sound = OnPostgreSQL.run_for_many

    async def counted(driver: OnPostgreSQL, *what: Any) -> Any:
        journeys.append("for many")
        return await sound(driver, *what)

    async def each(driver: OnPostgreSQL, *what: Any) -> Any:
        journeys.append("for one")
        return await run(driver, *what)

    run = OnPostgreSQL.run
    monkeypatch.setattr(OnPostgreSQL, "run_for_many", counted)
    monkeypatch.setattr(OnPostgreSQL, "run", each)

    def looks(least: str, most: str) -> Work:
        async def work(unit: Unit) -> list[str]:
            return [row.number for row in await unit.run(BY_NUMBER, {"least": least, "most": most})]

        return work

    told = await together(database, looks("V3", "V5"), looks("W", "X"), looks("V0", "V0"), looks("V3", "V4"))
    assert told == [["V5", "V4", "V3"], [], ["V0"], ["V4", "V3"]]
    assert journeys == ["for many"]
    journeys.clear()
    await together(database, looks("V3", "V5"), transaction)
    assert journeys == ["for many", "for one"], "in company even one asks so that it waits for nobody"


async def test_each_goes_on_in_its_own_context(database: Database) -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="")

    async def work(unit: Unit) -> str:
        await transaction(unit)
        before = name.get()
        name.set(f"{before} was here")
        await transaction(unit)
        return name.get()

    async with somebody_at_work(database):
        tasks = []
        for one in ("ann", "bo"):
            name.set(one)
            tasks += await all_wait(database, [work])
    assert await asyncio.gather(*tasks) == ["ann was here", "bo was here"]
    assert name.get() == "bo"


async def test_one_that_waited_by_itself_is_alone(database: Database) -> None:
    drivers: list[Any] = []

    async def work(unit: Unit) -> None:
        drivers.append(unit._driver)

    await together(database, work)
    assert [type(one) for one in drivers] == [OnPostgreSQL]


async def test_whoever_is_slow_holds_nobody_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abreast, "PATIENCE", 0.0)
    async with somebody_at_work(database):
        first, second = await asyncio.gather(*(database.turn(adds(one), shares=True) for one in ("V1", "V2")))
        assert first == second
    assert await there(database) == ["V1", "V2"]


async def test_a_text_is_compared_whole_however_long_it_is(database: Database) -> None:
    """Taken for a list of texts of the column's length it would be cut, and found."""
    async with database.write() as unit:
        await unit.run(insert(person).values(number="V" * 16, created=NOW))

    def looks(number: str) -> Work:
        async def work(unit: Unit) -> int:
            return len((await unit.run(BY_NUMBER, {"least": number, "most": number})).all())

        return work

    assert await together(database, looks("V" * 16), looks("V" * 17)) == [1, 0]


# --- Who does not stay ---


async def raises(_unit: Unit) -> None:
    raise ArithmeticError


async def test_one_that_raises_hears_it_and_leaves_no_trace_and_the_others_are_kept(database: Database) -> None:
    one, broken, other = await together(database, adds("V1"), adds("V2", raises), adds("V3"))
    assert isinstance(broken, ArithmeticError)
    assert one == other
    assert await there(database) == ["V1", "V3"]


async def asks_the_clock(_unit: Unit) -> None:
    await asyncio.sleep(0)


async def tries_within_a_savepoint(unit: Unit) -> None:
    async with unit.savepoint():
        await unit.run(insert(person).values(number="W1", created=NOW))


async def waits_on_its_way_out(unit: Unit) -> None:
    try:
        await unit.run(insert(person).values(number="W1", created=NOW))
    finally:
        await transaction(unit)


LEAVING: dict[str, Work] = {
    "by SQLAlchemy": lambda unit: unit.run(insert(person).values(number="W1", created=NOW)),
    "on its connection": lambda unit: unit.connection.execute(insert(person).values(number="W1", created=NOW)),
    "what is not shared": lambda unit: unit.run(ADDED, added("W1")),
    "once": lambda unit: unit.run_once(ADDED, added("W1")),
    "for each": lambda unit: unit.run_each(ADDED, [added("W1")]),
    "through steps": lambda unit: unit.run_through((ADDED, added("W1"))),
    "in a savepoint": tries_within_a_savepoint,
    "on its way out": waits_on_its_way_out,
}


@pytest.mark.parametrize("how", LEAVING)
async def test_whoever_wants_what_is_not_for_company_is_done_alone(database: Database, how: str) -> None:
    (one, _none), (alone, _what), (other, _none) = await together(
        database, adds("V1"), adds("V2", LEAVING[how]), adds("V3")
    )
    assert one == other != alone
    assert await there(database) == ["V1", "V2", "V3", "W1"]


async def test_so_is_whoever_waits_for_something_else(database: Database) -> None:
    (one, _none), (alone, _what) = await together(database, adds("V1"), adds("V2", asks_the_clock))
    assert one != alone
    assert await there(database) == ["V1", "V2"]


@pytest.mark.parametrize("separable", [False, True], ids=["sound", "control"])
async def test_where_somebody_leaves_who_has_changed_something_all_are_done_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch, separable: bool
) -> None:
    if separable:
        never = property(lambda _me: False, lambda _me, _to: None)
        monkeypatch.setattr(batch.Member, "has_changed", never, raising=False)

    async def changes_and_leaves(unit: Unit) -> str:
        await unit.run(ADDED_AT_ONCE, added("V2"))
        return str((await unit.run(text("SELECT 'left'"))).scalar_one())

    (one, _none), left, (other, _none) = await together(database, adds("V1"), changes_and_leaves, adds("V3"))
    if separable:
        assert isinstance(left, Exception), "what it had changed was there when it came again"
        return
    assert left == "left"
    assert one != other
    assert await there(database) == ["V1", "V2", "V3"]


async def test_who_changes_something_and_stays_is_kept_with_the_others(database: Database) -> None:
    async def changes(unit: Unit) -> int:
        await unit.run(ADDED_AT_ONCE, added("V2"))
        return await transaction(unit)

    (one, _none), changed = await together(database, adds("V1"), changes)
    assert one == changed
    assert await there(database) == ["V1", "V2"]


@pytest.mark.parametrize("claims", [True, False], ids=["sound", "control"])
async def test_what_one_has_claimed_no_other_has_in_the_same_transaction(database: Database, claims: bool) -> None:
    async def work(unit: Unit) -> int:
        if claims:
            await unit.claim(7)
        return await transaction(unit)

    first, second = await together(database, work, work)
    assert (first != second) is claims


# --- What goes wrong ---


async def test_what_the_database_refuses_of_one_is_refused_only_to_it(database: Database) -> None:
    (one, _none), refused, (other, _none) = await together(
        database, adds("V1"), adds("V2", lambda unit: unit.run_late(ADDED, added("V2"))), adds("V3")
    )
    assert "IntegrityError" in type(refused).__name__
    assert one != other
    assert await there(database) == ["V1", "V3"]


async def test_a_connection_that_is_lost_before_the_commit_costs_nobody_the_turn(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, lost = OnPostgreSQL.commit, [True]

    async def commit(driver: OnPostgreSQL, *how: Any, **more: Any) -> None:
        if driver._late and lost:
            lost.clear()
            driver._bare.terminate()
        await sound(driver, *how, **more)

    monkeypatch.setattr(OnPostgreSQL, "commit", commit)
    told = await together(database, adds("V1"), adds("V2"))
    assert not lost
    assert len(set(told)) == 2
    assert await there(database) == ["V1", "V2"]


async def test_where_there_is_no_connection_all_of_them_hear_it_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    async def take(_lines: Lines) -> None:
        asked.append(True)
        raise PoolTimeout("no connection was free in time")

    async with somebody_at_work(database):
        tasks = await all_wait(database, [adds("V1"), adds("V2"), adds("V3")])
        monkeypatch.setattr(Lines, "_take", take)
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in told] == [PoolTimeout] * 3
    assert asked == [True], "they did not wait for one again, each by itself"


async def test_where_something_came_to_what_nobody_foresaw_each_is_done_alone(database: Database) -> None:
    def foresees(number: str, divided_by: int) -> Work:
        async def work(unit: Unit) -> bool:
            if unit.foresees:
                await unit.run_foreseen(1, (SAME, added(number) | {"divided_by": divided_by}))
            else:
                await unit.run_late(ADDED, added(number))
            return unit.foresees

        return work

    told = await together(database, foresees("V1", 1), foresees("V2", 0), adds("V3"))
    assert told[:2] == [True, False]
    assert await there(database) == ["V1", "V2", "V3"]


async def test_what_everybody_wants_is_locked_in_the_order_of_its_rows_behind_all_that_is_late(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    sound = OnPostgreSQL._command

    async def command(driver: OnPostgreSQL, sql: str) -> str:
        written.append(sql)
        return await sound(driver, sql)

    monkeypatch.setattr(OnPostgreSQL, "_command", command)

    def foresees(row: int) -> Work:
        async def work(unit: Unit) -> None:
            await unit.run_foreseen(row, (SAME, added(f"R{row}") | {"divided_by": 1}))
            await unit.run_late(ADDED, added(f"L{row}"))

        return work

    await together(database, foresees(3), foresees(1), foresees(2))
    whole = next(one for one in written if "'R1'" in one)
    places = [whole.index(f"'{one}'") for one in ("R1", "R2", "R3")]
    assert places == sorted(places)
    assert places[0] > max(whole.index(f"'{one}'") for one in ("L1", "L2", "L3"))


# --- Who is told to stop ---


async def test_whoever_gives_up_waiting_is_not_done(database: Database) -> None:
    async with somebody_at_work(database):
        tasks = await all_wait(database, [adds("V1"), adds("V2"), adds("V3")])
        tasks[1].cancel()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(told[1], asyncio.CancelledError)
    assert await there(database) == ["V1", "V3"]


async def test_a_place_that_comes_as_somebody_is_told_to_stop_goes_to_the_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = abreast.Abreast._begin

    def begin(among: abreast.Abreast) -> None:
        sound(among)
        task.cancel()  # it has its place, and has not heard of it yet

    async with somebody_at_work(database):
        (task,) = await all_wait(database, [adds("V1")])
        monkeypatch.setattr(abreast.Abreast, "_begin", begin)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert database._abreast is not None
    assert database._abreast._at_work == 0
    await together(database, adds("V2"), adds("V3"))
    assert await there(database) == ["V2", "V3"]


async def test_who_was_in_a_batch_that_is_told_to_stop_is_told_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, sound = asyncio.Event(), OnPostgreSQL.commit

    async def commit(driver: OnPostgreSQL, *how: Any, **more: Any) -> None:
        if driver._late:
            begun.set()
            await asyncio.Event().wait()
        await sound(driver, *how, **more)

    monkeypatch.setattr(OnPostgreSQL, "commit", commit)
    async with somebody_at_work(database):
        tasks = await all_wait(database, [adds("V1"), adds("V2")])
    await begun.wait()
    for one in database._abreast._batches:  # type: ignore[union-attr]
        one.cancel()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in told] == [asyncio.CancelledError] * 2
    assert await there(database) == []


async def test_a_database_that_is_closed_finishes_what_was_begun(database: Database) -> None:
    async with somebody_at_work(database):
        tasks = await all_wait(database, [adds("V1"), adds("V2")])
    await database.close()
    assert len(await asyncio.gather(*tasks)) == 2
    assert isinstance(database._turns, Lines)
    assert database._turns._idle == [], "no connection is left open"


async def test_control_without_company_there_are_as_many_transactions_as_turns(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abreast, "MOST", 1)
    told = await together(database, adds("V1"), adds("V2"), adds("V3"))
    assert len({number for number, _none in told}) == 3


def test_lines_are_enough_for_all_who_are_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert abreast.AT_WORK < opening.LINES
