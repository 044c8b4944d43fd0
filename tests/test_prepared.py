"""Statements that run on the driver itself: they give what SQLAlchemy gives, in the turn's transaction."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import pkgutil
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Integer,
    SmallInteger,
    String,
    Update,
    bindparam,
    create_engine,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError, NoResultFound, OperationalError

import storage
from storage import activities, enrolment, people, search
from storage.database import Database, Unit, is_away
from storage.lists import among
from storage.prepared import ForEach, Given, Prepared, _spelt
from storage.search import Wanted
from storage.secrecy import Secrecy
from storage.tables import metadata
from storage.tables.activities import activity, organisation, shift
from storage.tables.delivery import outbox
from storage.tables.people import person

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
ADDED = Prepared(insert(person).values(number=bindparam("its_number"), created=bindparam("its_birth")))


@pytest.fixture
def opened(database_url: str) -> Database:
    return Database(database_url, Secrecy("a key that only tests use, 32 signs and more"))


@pytest.fixture
async def database(opened: Database) -> AsyncIterator[Database]:
    async with opened.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield opened
    await opened.close()


def prepared() -> Iterator[tuple[str, Prepared]]:
    """Every prepared statement of the program."""
    for module in pkgutil.iter_modules(storage.__path__, "storage."):
        if module.ispkg:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            yield from ((f"{module.name}.{name}", one) for one in _within(value))


def _within(value: object) -> Iterator[Prepared]:
    match value:
        case Prepared():
            yield value
        case ForEach():
            yield from map(value.on, DIALECTS)
        case dict():
            for one in value.values():
                yield from _within(one)
        case tuple():
            for one in value:
                yield from _within(one)


async def people_there(database: Database) -> int:
    async with database.read() as unit:
        return int((await unit.run(select(func.count()).select_from(person))).scalar_one())


# --- The statements ---


DIALECTS = {"sqlite": sqlite.dialect(), "postgresql": asyncpg.dialect()}


@pytest.mark.parametrize(
    "one", [pytest.param(one, id=f"{name} {place}") for place, (name, one) in enumerate(prepared())]
)
def test_every_prepared_statement_can_be_compiled_once(one: Prepared) -> None:
    for dialect in own_words(one) or DIALECTS:
        assert one.compiled(DIALECTS[dialect]).sql


def own_words(one: Prepared) -> list[str]:
    """The databases in whose own words a statement is written."""
    return [name for name in DIALECTS if f"dialects.{name}" in type(one.statement).__module__]


def prepared_again(one: Prepared, path: Path) -> bool:
    """Does SQLite prepare it anew when it is run a second time?"""
    compiled = one.compiled(DIALECTS["sqlite"])
    asked: list[str | None] = []

    def asks(_action: int, first: str | None, *_more: str | None) -> int:
        asked.append(first)  # while a statement is prepared SQLite asks what it may do
        return sqlite3.SQLITE_OK

    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.set_authorizer(asks)
        file.execute("BEGIN")
        for _time in range(2):
            asked.clear()
            try:
                file.execute(compiled.sql, [None] * len(compiled.names)).fetchall()
            except sqlite3.IntegrityError:  # nothing is no value: prepared it was
                continue
            except sqlite3.OperationalError:  # it is in PostgreSQL's words, or takes what somebody is never
                return False
    return bool(asked)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and nothing in them."""
    path = tmp_path_factory.mktemp("empty") / "city.db"
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    return path


OF_SQLITE = [(name, one) for name, one in prepared() if "sqlite" in (own_words(one) or DIALECTS)]


@pytest.mark.parametrize(
    "one", [pytest.param(one, id=f"{name} {place}") for place, (name, one) in enumerate(OF_SQLITE)]
)
def test_sqlite_prepares_a_statement_once_whatever_its_values_are(one: Prepared, empty: Path) -> None:
    """A look for what is due took three quarters of its time to be planned again: the account that it asked for might
    have been the one of a partial index."""
    assert not prepared_again(one, empty)


def test_control_the_bare_value_beside_a_partial_index_is_planned_again_each_time(empty: Path) -> None:
    bare = select(outbox.c.id).where(outbox.c.account == bindparam("p_account"), outbox.c.lane == literal_column("9"))
    assert prepared_again(Prepared(bare), empty)


def test_most_of_what_every_turn_runs_is_prepared() -> None:
    assert {"storage.people._MEET", "storage.turns._BEGIN"} <= {name for name, _one in prepared()}


def test_a_list_whose_length_changes_is_refused() -> None:
    one = Prepared(select(person).where(person.c.id.in_(bindparam("ids", expanding=True))))
    with pytest.raises(ValueError, match="length"):
        one.compiled(sqlite.dialect())


# --- What they give ---


async def fill(unit: Unit) -> int:
    founder = (await people.meet(unit, "web", "olga", "en", NOW)).person.id
    held = insert(organisation).values(
        name="绿芽", english="Green Shoots", type="association", level="district", place=110108, created=NOW
    )
    holder = (await unit.run(held.returning(organisation.c.id))).scalar_one()
    starts = NOW + timedelta(days=3)
    number = 0
    for place, words in enumerate((" 植树 100% ", " 植树 ", " 100a ")):
        opened = insert(activity).values(
            organisation=holder, title=f"植树{place}", english="", about="", kind="environment", risk="low",
            minimum_age=0, district=110108, street=None, address="颐和园", latitude=39.99 + place / 100,
            longitude=116.27, starts=starts + timedelta(hours=place), ends=starts + timedelta(hours=place + 2),
            words=words, created_by=founder, created=NOW, changed=NOW, secret=b"",
        )  # fmt: skip
        number = (await unit.run(opened.returning(activity.c.id))).scalar_one()
        for half in range(place):  # the first has no shift
            moment = starts + timedelta(hours=place + half)
            await unit.run(insert(shift).values(activity=number, starts=moment, ends=moment, capacity=half + 1))
    return int(number)


WISHES = {
    "everything": Wanted(),
    "by place and kind": Wanted(districts=[110108], streets=[110108003], kinds=["environment"], not_kinds=["sport"]),
    "by time": Wanted(times=[(NOW, NOW + timedelta(days=4)), (NOW, NOW + timedelta(days=9))]),
    "by a word that looks like a pattern": Wanted(words=["100%"]),
    "near": Wanted(near=(39.99, 116.27)),
    "within": Wanted(near=(39.99, 116.27), radius=1_500.0),
    "nothing": Wanted(kinds=["sport"]),
}
EXPECTED = {
    "everything": "012", "by place and kind": "012", "by time": "012", "by a word that looks like a pattern": "0",
    "near": "012", "within": "01", "nothing": "",
}  # fmt: skip


async def by_each(database: Database, work: Callable[[Unit], Coroutine[Any, Any, Any]]) -> list[Any]:
    """What it gives by SQLAlchemy alone, to a page that only looks, in a turn."""
    async with database.write() as unit:
        plain = await work(unit)
    async with database.read() as unit:
        looked = await work(unit)
    return [plain, looked, await database.turn(work)]


@pytest.mark.parametrize("wish", WISHES)
async def test_a_turn_and_a_page_find_what_sqlalchemy_finds(database: Database, wish: str) -> None:
    async with database.write() as unit:
        await fill(unit)

    async def find(unit: Unit) -> list[Any]:
        found, first = await search.find(unit, WISHES[wish], NOW, in_full=2)
        cards = await activities.cards(unit, found, WISHES[wish].near)
        assert first == cards[:2]
        return cards

    plain, looked, in_turn = await by_each(database, find)
    assert plain == looked == in_turn
    assert "".join(one.title[-1] for one in in_turn) == EXPECTED[wish]
    assert [len(one.shifts) for one in in_turn] == [int(place) for place in EXPECTED[wish]]


async def test_a_turn_and_a_page_read_a_card_as_sqlalchemy_does(database: Database) -> None:
    async with database.write() as unit:
        number = await fill(unit)

    async def read(unit: Unit) -> Any:
        return await activities.card(unit, number)

    plain, looked, in_turn = await by_each(database, read)
    assert plain == looked == in_turn
    assert [one.capacity for one in in_turn.shifts] == [1, 2]
    assert in_turn.starts == NOW + timedelta(days=3, hours=2)


OF_THESE = Prepared(select(person.c.number).where(among(person.c.id, "ids")).order_by(person.c.id))


@pytest.mark.parametrize("ids", [[], [2], [3, 1, 3], list(range(5_000))], ids=["none", "one", "some", "very many"])
async def test_a_list_is_one_value_however_long_it_is(database: Database, ids: list[int]) -> None:
    async with database.write() as unit:
        await unit.run(insert(person), [{"id": one, "number": f"V{one}", "created": NOW} for one in (1, 2, 3)])

    async def ask(unit: Unit) -> list[str]:
        return [row.number for row in await unit.run(OF_THESE, {"ids": ids})]

    wanted = [f"V{one}" for one in (1, 2, 3) if one in ids]
    assert await by_each(database, ask) == [wanted] * 3


async def test_rows_without_names_hold_the_same_in_the_same_places(database: Database) -> None:
    async with database.write() as unit:
        await unit.run(insert(person), [{"number": one, "created": NOW} for one in ("V1", "V2")])
    everybody = select(person.c.number, person.c.created, literal_column("7")).order_by(person.c.number)
    plain = select(person.c.number, literal_column("7")).order_by(person.c.number)

    async def read(unit: Unit) -> list[Any]:
        found = [await unit.run(Prepared(one, named=False), {}) for one in (everybody, plain)]
        return [(row[0], *row[1:-1], row[-1]) for rows in found for row in rows.all()]

    for one in await by_each(database, read):
        assert one == [("V1", NOW, 7), ("V2", NOW, 7), ("V1", 7), ("V2", 7)]


def _spoken(value: Given) -> Update:
    return (
        update(person)
        .where(person.c.number == value["p_number"], person.c.elder == value["p_elder"])
        .values(language=func.coalesce(value["p_language"], person.c.language), quiet_from=value["p_quiet"])
    )


SPOKEN = ForEach(_spoken, {"p_number": String, "p_language": String, "p_quiet": SmallInteger}, {"p_elder": Boolean})


async def changed_by(database: Database, change: Callable[[Unit], Coroutine[Any, Any, None]]) -> list[Any]:
    """Three people after a change, each way of making it."""
    async with database.write() as unit:
        await unit.run(insert(person), [{"number": one, "created": NOW} for one in ("V1", "V2", "V3")])

    async def changed(unit: Unit) -> list[Any]:
        await unit.run(update(person).values(language="en", quiet_from=20, elder=False))
        await unit.run(update(person).where(person.c.number == "V3").values(elder=True))
        await change(unit)
        found = select(person.c.number, person.c.language, person.c.quiet_from).order_by(person.c.number)
        return [tuple(row) for row in await unit.run(found)]

    return await by_each(database, changed)


async def test_a_change_for_each_row_is_the_same_at_once_and_one_after_another(database: Database) -> None:
    async def change(unit: Unit) -> None:
        numbers, languages, quiet = ["V2", "V1", "V3", "V9"], [None, "zh", "zh", "zh"], [22, None, 21, 21]
        lists = {"p_number": numbers, "p_language": languages, "p_quiet": quiet}
        await unit.run_lists(SPOKEN, lists, {"p_elder": False})

    for one in await changed_by(database, change):
        assert one == [("V1", "zh", None), ("V2", "en", 22), ("V3", "en", 20)]


async def test_what_all_rows_have_in_common_is_converted_like_any_value(database: Database) -> None:
    """SQLite has no truth values: what is given as one must be written as a number there, in every row."""

    async def change(unit: Unit) -> None:
        lists: dict[str, list[Any]] = {"p_number": ["V3", "V1"], "p_language": ["zh", "zh"], "p_quiet": [21, 21]}
        await unit.run_lists(SPOKEN, lists, {"p_elder": True})

    for one in await changed_by(database, change):
        assert one == [("V1", "en", 20), ("V2", "en", 20), ("V3", "zh", 21)]


async def test_a_text_that_no_database_can_hold_is_refused_and_does_not_stand_there_in_disguise(
    database: Database,
) -> None:
    """As JSON of ASCII alone half a sign would be written, and nobody could read the row again."""
    lists: dict[str, list[Any]] = {"p_number": ["V1"], "p_language": ["\ud83d"], "p_quiet": [21]}
    with pytest.raises((UnicodeError, DBAPIError)):
        await database.turn(lambda unit: unit.run_lists(SPOKEN, lists, {"p_elder": False}))


async def test_texts_of_any_kind_come_through_a_list(database: Database) -> None:
    texts = ["汉字🌱", "it's \"q\"", "a\\b\n", "[1]"]

    async def change(unit: Unit) -> None:
        for text in texts:
            lists: dict[str, list[Any]] = {"p_number": ["V1"], "p_language": [text], "p_quiet": [21]}
            await unit.run_lists(SPOKEN, lists, {"p_elder": False})
            found = select(person.c.language).where(person.c.number == "V1")
            assert (await unit.run(found)).scalar_one() == text

    await changed_by(database, change)


async def test_no_row_is_no_statement(database: Database) -> None:
    async def change(unit: Unit) -> bool:
        await unit.run_lists(SPOKEN, {name: [] for name in SPOKEN.each}, {"p_elder": True})
        return unit.changed

    assert await by_each(database, change) == [False] * 3


async def test_what_a_page_may_not_ask_is_told_as_by_sqlalchemy(database: Database) -> None:
    wrong = Prepared(select(literal_column("nothing").label("x")).select_from(person))
    with pytest.raises(DBAPIError):
        async with database.read() as unit:
            await unit.run(wrong, {})


async def test_whoever_signs_up_again_keeps_their_row(database: Database) -> None:
    async with database.write() as unit:
        number = await fill(unit)
        who = (await people.meet(unit, "web", "mei", "en", NOW)).person.id
        card = await activities.card(unit, number)
    assert card is not None
    seat = card.shifts[0].id

    async def join(unit: Unit) -> tuple[int, bool]:
        return await enrolment.seat(unit, seat, who, NOW)

    first, seated = await database.turn(join)
    again, seated_again = await database.turn(join)
    assert (first, seated, seated_again) == (again, True, False)


async def test_a_statement_that_reads_is_no_change_and_one_that_writes_is(database: Database) -> None:
    async def look(unit: Unit) -> tuple[bool, bool]:
        await activities.card(unit, 1)
        before = unit.changed
        await unit.run(ADDED, {"its_number": "V1", "its_birth": NOW})
        return before, unit.changed

    assert await database.turn(look) == (False, True)


async def test_a_statement_of_the_turn_itself_is_no_change(database: Database) -> None:
    async def keep(unit: Unit) -> bool:
        await unit.run_aside(ADDED, {"its_number": "V1", "its_birth": NOW})
        return unit.changed

    assert not await database.turn(keep)


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


async def test_one_row_is_asked_for_as_of_sqlalchemy(database: Database) -> None:
    none = Prepared(select(person.c.id).where(person.c.number == bindparam("whose")))

    async def ask(unit: Unit) -> Any:
        found = await unit.run(none, {"whose": "nobody"})
        assert (found.first(), found.scalar_one_or_none()) == (None, None)
        return (await unit.run(none, {"whose": "nobody"})).one()

    with pytest.raises(NoResultFound):
        await database.turn(ask)


async def test_a_connection_that_the_server_closed_is_thrown_away(engine: str, database: Database) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has no server")

    async def who(unit: Unit) -> int:
        return int((await unit.connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one())

    before = await database.turn(who)
    other = Database(database.url)
    async with other.engine.connect() as connection:
        await connection.exec_driver_sql(f"SELECT pg_terminate_backend({before})")
    await other.close()
    await asyncio.sleep(0.1)  # until the end of the connection has come
    assert await database.turn(who) != before


async def test_nor_is_it_given_to_a_page_that_looks(engine: str, database: Database) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has no server")
    async with database.read() as unit:
        before = int((await unit.connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one())
    other = Database(database.url)
    async with other.engine.connect() as connection:
        await connection.exec_driver_sql(f"SELECT pg_terminate_backend({before})")
    await other.close()
    await asyncio.sleep(0.1)  # until the end of the connection has come
    async with database.read() as unit:
        assert list(await unit.run(OF_THESE, {"ids": [1]})) == []


async def test_a_turn_whose_connection_is_lost_asks_the_platform_to_come_again(engine: str, database: Database) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has no server")

    async def lost(unit: Unit) -> None:
        mine = int((await unit.connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one())
        async with database.engine.connect() as other:
            await other.exec_driver_sql(f"SELECT pg_terminate_backend({mine})")
        await unit.run(ADDED, {"its_number": "V1", "its_birth": NOW})

    with pytest.raises((OperationalError, OSError)):  # whichever of the two notices it first; both mean “away”
        await database.turn(lost)
    assert await people_there(database) == 0


async def test_a_connection_lost_under_a_statement_of_sqlalchemys_is_no_fault_of_the_message(
    engine: str, database: Database
) -> None:
    """Such a message was once kept apart as broken, with an apology, because SQLAlchemy names the loss vaguely."""
    if engine == "sqlite":
        pytest.skip("SQLite has no server")

    async def lost(unit: Unit) -> None:
        mine = int((await unit.connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one())
        async with database.engine.connect() as other:
            await other.exec_driver_sql(f"SELECT pg_terminate_backend({mine})")
        await asyncio.sleep(0.05)  # until the end of the connection has come
        await unit.run(select(person.c.number).where(person.c.number == "V1"))

    with pytest.raises((DBAPIError, OSError)) as raised:
        await database.turn(lost)
    assert is_away(raised.value)


async def test_a_value_that_no_column_takes_is_the_messages_own_fault(engine: str, database: Database) -> None:
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
        await unit.run_foreseen((SAME, FORESEEN))
    return [unit.foresees, unit.changed]


@pytest.fixture
def on_a_server(engine: str) -> None:
    if engine == "sqlite":
        pytest.skip("on SQLite nothing is foreseen")


async def test_on_sqlite_and_outside_a_turn_nothing_is_foreseen(engine: str, database: Database) -> None:
    async with database.write() as unit:
        assert await foresee(unit) == [False, False]
        with pytest.raises(LookupError):
            await unit.run_foreseen((SAME, FORESEEN))
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
    "on the driver": lambda unit: unit.run(Prepared(select(person.c.id)), {}),
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


TYPED = ["'; DROP TABLE person; --", "\\'", "joined'", "a\n", "a b", "名", "ａ", b"'\x00", 5, -5, True, None]


@pytest.mark.parametrize("value", TYPED)
def test_nothing_that_somebody_typed_stands_in_a_statement(value: object) -> None:
    assert re.fullmatch(
        r"NULL|True|-?\d+|convert_from\('\\x[0-9a-f]*', 'UTF8'\)|'\\x[0-9a-f]*'::bytea", _spelt(value)
    )


@pytest.mark.parametrize("value", ["telegram", "7000000001", "enrolment:5", "12-3.a_B", ""])
def test_but_plain_words(value: str) -> None:
    assert _spelt(value) == f"'{value}'"


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_words_that_are_part_of_a_statement_are_written_out(dialect: Any) -> None:
    there = person.c.number.in_([literal("joined", String), literal(5, Integer)])
    one = Prepared(select(person.c.id).where(there, person.c.number == bindparam("its_number"))).compiled(dialect)
    assert "IN ('joined', 5)" in one.sql
    assert one.names == ("its_number",)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("value", ["it's", "100%", "名", "a\n", "(?)"])
def test_but_nothing_that_is_no_plain_word(dialect: Any, value: str) -> None:
    one = Prepared(select(person.c.id).where(person.c.number == literal(value, String))).compiled(dialect)
    assert value not in one.sql
    assert list(one.values({})) == [value]
