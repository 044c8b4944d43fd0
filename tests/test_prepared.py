"""Statements that run on the driver itself: they are compiled once, and give what SQLAlchemy gives."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
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
from sqlalchemy.exc import DBAPIError, NoResultFound

import storage
from storage import activities, enrolment, people, search
from storage.database import Database, Unit
from storage.lists import among
from storage.prepared import ForEach, Given, Prepared
from storage.search import Wanted
from storage.shared import Shared
from storage.tables import metadata
from storage.tables.activities import activity, organisation, shift
from storage.tables.delivery import outbox
from storage.tables.people import person

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
ADDED = Prepared(insert(person).values(number=bindparam("its_number"), created=bindparam("its_birth")))


class ForMany(Prepared):
    """One that answers for many turns, on PostgreSQL."""


def prepared() -> Iterator[tuple[str, Prepared]]:
    """Every prepared statement of the program."""
    for module in pkgutil.iter_modules(storage.__path__, "storage."):
        if module.ispkg:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            yield from ((f"{module.name}.{name}", one) for one in _within(value))


def _within(value: object) -> Iterator[Prepared]:
    match value:
        case Shared():
            yield value
            if value.for_many is not None:
                yield ForMany(value.for_many.statement, named=False)
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
    if isinstance(one, ForMany):
        return ["postgresql"]
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


LOCKS_OR_CHANGES = re.compile(r"\b(FOR (NO KEY )?UPDATE|FOR (KEY )?SHARE|UPDATE|INSERT|DELETE|MERGE)\b")
ITS_OWN_PERSONS = {
    "storage.turns._BEGIN": "the person, their conversation and address, each of one turn alone",
    "storage.turns._AT_ONCE": "the same, and the message's own row",
    "storage.wishes._SEEN_ACCEPTING": "the agreement of this very person",
}
"""What turns that share a transaction may lock or change before its end."""


def locks_or_changes(one: Prepared) -> bool:
    return LOCKS_OR_CHANGES.search(one.compiled(DIALECTS["postgresql"]).sql) is not None


def test_what_turns_share_locks_and_changes_nothing_but_what_is_its_own_persons() -> None:
    shared = [(name, one) for name, one in prepared() if isinstance(one, Shared | ForMany)]
    assert {name for name, one in shared if locks_or_changes(one)} == ITS_OWN_PERSONS.keys()
    assert len(shared) > 2 * len(ITS_OWN_PERSONS)


def test_control_a_lock_and_a_change_are_seen() -> None:
    lock = select(shift.c.id).where(shift.c.id == bindparam("wanted")).with_for_update(key_share=True)
    assert locks_or_changes(Shared(lock))
    assert locks_or_changes(Shared(update(shift).values(taken=bindparam("seats", type_=Integer))))


def test_a_list_whose_length_changes_is_refused() -> None:
    one = Prepared(select(person).where(person.c.id.in_(bindparam("ids", expanding=True))))
    with pytest.raises(ValueError, match="length"):
        one.compiled(sqlite.dialect())


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
        for half in reversed(range(place)):  # the first has no shift; the later one is made first
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
    assert [[one.capacity for one in card.shifts] for card in in_turn] == [
        list(range(1, int(place) + 1)) for place in EXPECTED[wish]
    ], "soonest first"


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


async def test_one_row_is_asked_for_as_of_sqlalchemy(database: Database) -> None:
    none = Prepared(select(person.c.id).where(person.c.number == bindparam("whose")))

    async def ask(unit: Unit) -> Any:
        found = await unit.run(none, {"whose": "nobody"})
        assert (found.first(), found.scalar_one_or_none()) == (None, None)
        return (await unit.run(none, {"whose": "nobody"})).one()

    with pytest.raises(NoResultFound):
        await database.turn(ask)
