"""Statements that nearly every turn needs: compiled once, run on the driver itself, their rows read by hand.

SQLAlchemy finds a statement in its cache, makes a context, a cursor and a result of it: 60 µs on SQLite and 250 µs on
PostgreSQL, of which the database needs ten and eighty. A turn has about nine statements, so this was a third of it.
Everything else stays with SQLAlchemy, and so do these outside a turn; tests/test_prepared.py compares the two.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Protocol

import asyncpg
from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    Executable,
    Float,
    Integer,
    LargeBinary,
    Select,
    String,
    bindparam,
    cast,
    column,
    exc,
    false,
    func,
    literal,
    literal_column,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import ClauseList
from sqlalchemy.sql.visitors import replacement_traverse
from sqlalchemy.types import TypeEngine

Parameters = Mapping[str, Any]
Convert = Callable[[Any], Any]
Given = Mapping[str, ColumnElement[Any]]
Kinds = Mapping[str, type[TypeEngine[Any]]]
Lists = Mapping[str, Sequence[Any]]
"""Values of many rows, by name: those of the first row stand first in each list."""

_PLAIN = re.compile("[0-9A-Za-z_:.-]*")
"""Nothing that could end a text in quotes, or mean anything within it."""


class Prepared:
    """One statement. Its values come by name from `bindparam`s; lists of changing length have no place in it."""

    def __init__(self, statement: Executable, *, named: bool = True, changes: bool = False) -> None:
        """`named`: False where hundreds of rows are made into something else at once, and are read by place. `changes`:
        True of a SELECT with a change within it."""
        self.statement = statement
        self._named = named
        self.changes = changes or isinstance(statement, UpdateBase)
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Dialect) -> Compiled:
        """As this database reads it."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = Compiled.of(self.statement, dialect, self._named)
        return found


class ForEach:
    """A change that is made for each of many rows of values, as one statement that begins once instead of hundreds of
    times: a server is given a list of each value, SQLite all rows as JSON.

    The rows are not to meet: where two of them change the same row, either may be the one that does.
    """

    def __init__(
        self, change: Callable[[Given], Executable], each: Kinds, alike: Kinds = MappingProxyType({})
    ) -> None:
        """`change`: the statement, of values by name; `each`: of what type those are that each row has for itself,
        numbers, truths or texts; `alike`: those that all rows of one run have in common."""
        self.each, self.alike = tuple(each), tuple(alike)
        common = {name: bindparam(name, type_=kind()) for name, kind in alike.items()}
        given = columns_of_lists({name: kind() for name, kind in each.items()})
        self._on = {
            "postgresql": Prepared(change({**common, **given})),
            "sqlite": Prepared(change({**common, **_listed(each)})),
        }

    def on(self, dialect: str) -> Prepared:
        """The statement in the words of this database."""
        return self._on[dialect]

    def given(self, dialect: str, lists: Lists, alike: Parameters) -> Parameters:
        """Its values."""
        if dialect == "postgresql":
            return {**lists, **alike}
        # What no database can hold is refused when it is bound: with only ASCII it would stand there in disguise.
        rows = json.dumps(list(zip(*(lists[name] for name in self.each), strict=True)), ensure_ascii=False)
        return {"rows": rows, **alike}


def columns_of_lists(kinds: Mapping[str, TypeEngine[Any]]) -> Given:
    """The columns of rows that are given as one array for each, on PostgreSQL."""
    lists = (bindparam(name, type_=ARRAY(kind)) for name, kind in kinds.items())
    columns = (column(name, kind) for name, kind in kinds.items())
    return dict(func.unnest(*lists).table_valued(*columns, name="given").render_derived(name="given").c)


def _listed(kinds: Kinds) -> Given:
    """The columns of rows that are given as an array of arrays, in JSON."""
    row = func.json_each(bindparam("rows", type_=String())).table_valued("value").c.value
    values = (
        func.json_extract(row, literal_column(f"'$[{place}]'"), type_=kind()).label(name)
        for place, (name, kind) in enumerate(kinds.items())
    )
    return dict(select(*values).subquery("given").c)


def written_out(chosen: Select[Any]) -> Select[Any]:
    """The same SELECT, where each list is as long as it is now, so that it can be prepared."""

    def written(element: Any, **_more: Any) -> Any:
        if not (isinstance(element, BindParameter) and element.expanding):
            return None
        values = [literal(value, element.type) for value in element.value or ()]
        nothing = select(cast(null(), element.type)).where(false()).scalar_subquery()
        return ClauseList(*values).self_group() if values else nothing

    made: Select[Any] = replacement_traverse(chosen, {}, written)  # type: ignore[assignment] # a SELECT stays one
    return made


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement as text, and how its values go in and its rows come out."""

    sql: str
    names: tuple[str, ...]
    """Of its values, in order."""
    take: Callable[[Parameters], tuple[Any, ...]]
    """The values out of what is given by name."""
    fixed: Mapping[str, Any]
    """Values that are part of the statement."""
    writers: tuple[tuple[int, Convert], ...]
    row: Callable[[Sequence[Any]], Any] | None
    """None: it gives no rows."""
    readers: tuple[tuple[int, Convert], ...]

    @classmethod
    def of(cls, statement: Any, dialect: Dialect, named: bool = True) -> Compiled:
        """Compile it."""
        made: SQLCompiler = _compiler(dialect.statement_compiler)(dialect, statement)
        names = tuple(made.positiontup or ())
        binds = [made.binds[name] for name in names]
        columns = list(made.returning or () if isinstance(statement, UpdateBase) else statement.selected_columns)
        made_up = [*made.insert_prefetch, *made.update_prefetch]
        if "POSTCOMPILE" in made.string or made_up:
            raise ValueError("a prepared statement has no list of changing length and no value that Python makes up")
        readers = ((place, _reader(column.type, dialect)) for place, column in enumerate(columns))
        writers = enumerate(_writer(bind.type, dialect) for bind in binds)
        shape: Any = namedtuple("Row", [column.name for column in columns], rename=True) if columns else None
        return cls(
            made.string,
            names,
            _taker(names),
            {name: bind.value for name, bind in zip(names, binds, strict=True) if not bind.required},
            tuple((place, writer) for place, writer in writers if writer is not None),
            # Not `_make`: it is Python, called for each row, and asks whether the statement has as many columns.
            (partial(tuple.__new__, shape) if named else tuple) if shape else None,
            tuple((place, reader) for place, reader in readers if reader is not None),
        )

    def values(self, given: Parameters) -> Sequence[Any]:
        """What goes to the driver."""
        taken = self.take({**self.fixed, **given} if self.fixed else given)
        if not self.writers:
            return taken
        written = list(taken)
        for place, write in self.writers:
            written[place] = write(written[place])
        return written

    def rows(self, raw: Sequence[Sequence[Any]]) -> list[Any]:
        """What came from the driver, as rows with names."""
        make, readers = self.row, self.readers
        if make is None:
            return []
        if not readers:
            return list(raw) if make is tuple else list(map(make, raw))
        read = []
        for one in raw:
            values = list(one)
            for place, convert in readers:
                value = values[place]
                if value is not None:  # nothing stays nothing
                    values[place] = convert(value)
            read.append(make(values))
        return read


def _compiler(usual: type[SQLCompiler]) -> type[SQLCompiler]:
    """Writes out what is part of the statement: a state by its name need not be sent and read again at every turn."""

    class WritingOut(usual):  # type: ignore[valid-type,misc] # one for each dialect
        def visit_bindparam(self, bindparam: BindParameter[Any], **how: Any) -> str:
            if _is_a_word(bindparam):
                how["literal_binds"] = True
            return str(super().visit_bindparam(bindparam, **how))

    return WritingOut


def _is_a_word(bind: BindParameter[Any]) -> bool:
    """A number, a truth or a plain word that our code put into a statement."""
    if bind.required or bind.expanding or not isinstance(bind.type, Integer | String | Boolean):
        return False
    return isinstance(bind.value, int) or (isinstance(bind.value, str) and _PLAIN.fullmatch(bind.value) is not None)


def _taker(names: tuple[str, ...]) -> Callable[[Parameters], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda given: tuple(given[name] for name in names)


def _writer(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """What makes of a value of our type what the driver takes."""
    if isinstance(kind, LargeBinary):
        return None  # both drivers take bytes; SQLAlchemy would wrap them, and sqlite3 ask what that is
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """What makes a value of our type of what the driver gives."""
    if isinstance(kind, Float | LargeBinary):
        return None  # both drivers give them; SQLAlchemy would ask the server for a number, and copy
    return kind.dialect_impl(dialect).result_processor(dialect, None)


class Outcome:
    """What a statement gave; as much of SQLAlchemy's result as our statements use."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        """Every row."""
        return self._rows

    def first(self) -> Any:
        """The first row, or None."""
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        """The only row. Raises NoResultFound, MultipleResultsFound."""
        if len(self._rows) == 1:
            return self._rows[0]
        raise exc.MultipleResultsFound("more than one row") if self._rows else exc.NoResultFound("no row")

    def scalar_one(self) -> Any:
        """The first column of the only row. Raises as `one` does."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        """The first column of the only row, or None. Raises MultipleResultsFound."""
        return self.one()[0] if self._rows else None


class Driver(Protocol):
    """A driver's own connection, within the turn's transaction."""

    async def run(self, prepared: Prepared, given: Parameters) -> Outcome:
        """Run one statement. Raises what SQLAlchemy would raise."""

    async def run_each(self, prepared: Prepared, rows: Sequence[Parameters]) -> None:
        """Run a change once for each row. Raises what SQLAlchemy would raise."""

    async def run_late(self, prepared: Prepared, given: Parameters) -> None:
        """Run a change at the latest with the commit."""

    async def run_through(self, steps: Sequence[tuple[Prepared, Parameters]]) -> int:
        """Run one after the other, with as few journeys as it takes. Returns how many rows the last one gave."""

    async def catch_up(self) -> None:
        """Run what came late now."""

    def forget_late(self) -> None:
        """What came late since is undone before it was done."""


class Unforeseen(RuntimeError):
    """What was foreseen did not come about: the transaction is undone, and its work is to be done again."""


class _AtHand:
    """Where no statement is a journey, nothing is saved by coming late."""

    async def run_late(self: Driver, prepared: Prepared, given: Parameters) -> None:
        """Run a change, at once."""
        await self.run(prepared, given)

    async def run_through(self: Driver, steps: Sequence[tuple[Prepared, Parameters]]) -> int:
        """Run one after the other. Returns how many rows the last one gave."""
        last = [await self.run(*step) for step in steps][-1]
        return max(last.rowcount, len(last.all()))  # SQLite counts no rows that are read

    async def catch_up(self) -> None:
        """Nothing came late."""

    def forget_late(self) -> None:
        """Nothing came late."""


def _as_it_is(value: Any) -> Any:
    return value


for _kind in (type(None), bool, bytes):
    # sqlite3 knows them, and yet asks of each whether it wants to be something else, by two attributes that are not
    # there. It takes three times as long as this does, for each value of each row.
    sqlite3.register_adapter(_kind, _as_it_is)


class OnSQLite(_AtHand):
    """The connection of the thread of turns."""

    def __init__(self, connection: Connection) -> None:
        bare = connection.connection.driver_connection
        if not isinstance(bare, sqlite3.Connection):
            raise TypeError(bare)
        self._bare = bare
        self._dialect = connection.dialect

    async def run(self, prepared: Prepared, given: Parameters) -> Outcome:
        """Run one statement."""
        compiled = prepared.compiled(self._dialect)
        values = compiled.values(given)
        try:
            # A cursor of the plain kind: what it gives is fetched at once anyway.
            cursor = sqlite3.Cursor(self._bare).execute(compiled.sql, values)
            raw = cursor.fetchall() if compiled.row else []
        except sqlite3.Error as error:
            raise translated(compiled.sql, error) from error
        return Outcome(compiled.rows(raw), cursor.rowcount)

    async def run_each(self, prepared: Prepared, rows: Sequence[Parameters]) -> None:
        """Run a change once for each row."""
        compiled = prepared.compiled(self._dialect)
        try:
            sqlite3.Cursor(self._bare).executemany(compiled.sql, map(compiled.values, rows))
        except sqlite3.Error as error:
            raise translated(compiled.sql, error) from error



class OnAiosqlite(_AtHand):
    """A connection with a thread of its own, for those who only look: one crossing for a statement, where SQLAlchemy's
    cursor makes four.
    """

    def __init__(self, bare: Any, dialect: Dialect) -> None:
        self._bare = bare
        self._dialect = dialect

    async def run(self, prepared: Prepared, given: Parameters) -> Outcome:
        """Run one statement."""
        compiled = prepared.compiled(self._dialect)
        values = compiled.values(given)
        try:
            raw = await self._bare.execute_fetchall(compiled.sql, values)
        except sqlite3.Error as error:
            raise translated(compiled.sql, error) from error
        return Outcome(compiled.rows(raw), -1)

    async def run_each(self, prepared: Prepared, rows: Sequence[Parameters]) -> None:
        """Run a change once for each row."""
        compiled = prepared.compiled(self._dialect)
        try:
            await self._bare.executemany(compiled.sql, list(map(compiled.values, rows)))
        except sqlite3.Error as error:
            raise translated(compiled.sql, error) from error



_TROUBLE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


PREPARE_ON_DISK = "PREPARE on_disk AS SELECT pg_logical_emit_message(true, '', '')"
ON_DISK = "EXECUTE on_disk"
"""Something to write that means nothing, so that a commit waits until all that was committed before it is on disk. It
must be prepared on each connection, once: to read the statement each time costs more than to run it."""

WITHOUT_DISK = "SET LOCAL synchronous_commit TO off"
"""Let this transaction's commit come back before the disk has it."""

LET_GO = (WITHOUT_DISK, "COMMIT AND CHAIN", ON_DISK)
"""Commit, let those in who wait for what we have locked, and have it on disk with the commit that follows: they write
behind us in the server's log, so nothing of theirs can be on disk without ours."""


class OnPostgreSQL:
    """asyncpg keeps a statement prepared in the server, and needs one journey for each after the first.

    What may come late goes with the commit, all in one journey: by name, with values of plain words and hex digits.
    What is foreseen goes behind it, so that a row which everybody wants is locked while nothing of ours is waited for.
    """

    def __init__(self, bare: Any, dialect: Dialect) -> None:
        self._bare = bare
        self._dialect = dialect
        self._named: dict[Prepared, str] = {}
        """The server's own prepared statements, by which a text of several can call them."""
        self._late: list[str] = []
        self._foreseen: list[str] = []
        self._waited_for = False
        """Something is locked that others wait for."""

    async def begin(self) -> None:
        """Begin a transaction."""
        await self._command("BEGIN")

    async def commit(self, begin: bool = False, on_disk: bool = True) -> None:
        """Run what came late, commit, and `begin` another transaction at once. Raises Unforeseen. `on_disk`: False
        where somebody else sees to it that this comes to the disk."""
        let_go: Sequence[str] = LET_GO if self._waited_for or self._foreseen else ()
        before = let_go if on_disk else (WITHOUT_DISK,)
        await self._catch_up_and(*before, "COMMIT AND CHAIN" if begin else "COMMIT")
        self._waited_for = False

    async def flush(self) -> None:
        """Outside a transaction: come back when all that is committed is on disk."""
        await self._command(ON_DISK)

    async def rollback(self) -> None:
        """Undo the transaction."""
        self.forget_late()
        self._waited_for = False
        await self._command("ROLLBACK")

    async def run_late(self, prepared: Prepared, given: Parameters) -> None:
        """Run a change at the latest with the commit."""
        self._late.append(await self._called(prepared, given))

    async def run_through(self, steps: Sequence[tuple[Prepared, Parameters]]) -> int:
        """Run one after the other in one journey, after what came late: each sees what was committed before it began.
        Returns how many rows the last one gave. Others wait for what they change."""
        self._waited_for = True
        status = await self._catch_up_and(*[await self._called(*step) for step in steps])
        return int(status.rpartition(" ")[2])

    async def run_foreseen(self, _row: int, steps: Sequence[tuple[Prepared, Parameters]]) -> None:
        """Run one after the other behind everything that comes late, at the latest with the commit or before anything
        is asked. The last of them divides by zero where it does not come to what was foreseen."""
        self._foreseen += [await self._called(*step) for step in steps]

    async def _called(self, prepared: Prepared, given: Parameters) -> str:
        """How a text calls a statement, by the server's own name for it."""
        compiled = prepared.compiled(self._dialect)
        name = self._named.get(prepared)
        if name is None:
            name = f"called_{len(self._named)}"
            await self._command(f"PREPARE {name} AS {compiled.sql}")
            self._named[prepared] = name
        return f"EXECUTE {name}({', '.join(map(_spelt, compiled.values(given)))})"

    async def catch_up(self) -> None:
        """Run what came late now: something may want to read it. Raises Unforeseen."""
        if self._late or self._foreseen:
            await self._catch_up_and()

    async def _catch_up_and(self, *then: str) -> str:
        late, foreseen = self._late, self._foreseen
        self._late, self._foreseen = [], []
        self._waited_for = self._waited_for or bool(foreseen)
        try:
            return await self._command("; ".join([*late, *foreseen, *then]))
        except exc.DBAPIError as error:
            if foreseen and isinstance(error.orig, asyncpg.DivisionByZeroError):
                raise Unforeseen from error
            raise

    def forget_late(self) -> None:
        """What came late since is undone before it was done."""
        self._late.clear()
        self._foreseen.clear()

    async def _command(self, text: str) -> str:
        """Run a text. Returns what the server says of its last statement."""
        try:
            return str(await self._bare.execute(text))
        except _TROUBLE as error:
            raise translated(text.partition(" ")[0], error) from error

    async def run(self, prepared: Prepared, given: Parameters) -> Outcome:
        """Run one statement, after what was foreseen."""
        if self._foreseen:
            await self.catch_up()
        compiled = prepared.compiled(self._dialect)
        values = compiled.values(given)
        try:
            if compiled.row is None:
                status = await self._bare.execute(compiled.sql, *values)
                return Outcome([], int(status.rpartition(" ")[2]))
            raw = await self._bare.fetch(compiled.sql, *values)
        except _TROUBLE as error:
            raise translated(compiled.sql, error) from error
        return Outcome(compiled.rows(raw), len(raw))

    async def run_for_many(self, one: Prepared, many: Prepared, given: Sequence[Parameters]) -> list[Outcome]:
        """What `one` gives of each of these values, from `many`, which is given a list of each and gives rows with
        whose they are before them, counted from 1."""
        compiled = many.compiled(self._dialect)
        values = compiled.values({name: [each[name] for each in given] for name in compiled.names})
        try:
            raw = await self._bare.fetch(compiled.sql, *values)
        except _TROUBLE as error:
            raise translated(compiled.sql, error) from error
        theirs: list[list[Any]] = [[] for _one in given]
        for whose, *row in raw:
            theirs[whose - 1].append(row)
        read = one.compiled(self._dialect).rows
        return [Outcome(read(rows), len(rows)) for rows in theirs]

    async def run_each(self, prepared: Prepared, rows: Sequence[Parameters]) -> None:
        """Run a change once for each row, all of them on their way at once."""
        if self._foreseen:
            await self.catch_up()
        compiled = prepared.compiled(self._dialect)
        try:
            await self._bare.executemany(compiled.sql, [compiled.values(one) for one in rows])
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise translated(compiled.sql, error) from error



_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what it says of a connection that breaks under a statement
    asyncpg.exceptions.InvalidCachedStatementError,
    sqlite3.OperationalError,
)


def is_away(error: BaseException | None) -> bool:
    """Of a driver's trouble: is the database gone, stopping, full or too busy, and no value at fault?"""
    return isinstance(error, _AWAY) and not isinstance(error, ValueError)


def _spelt(value: Any) -> str:
    """A value in a statement's text. Nothing that somebody typed stands there as it is but plain words and numbers: all
    else in hex digits, which PostgreSQL reads ten times slower."""
    if value is None:
        return "NULL"
    if isinstance(value, int):  # True and False too
        return str(value)
    if isinstance(value, str):
        if _PLAIN.fullmatch(value):
            return f"'{value}'"
        return f"convert_from('\\x{value.encode().hex()}', 'UTF8')"
    return f"'\\x{bytes(value).hex()}'"  # a statement knows of what kind its values are


def translated(sql: str, error: Exception) -> exc.DBAPIError:
    """The driver's trouble as SQLAlchemy's, without the row's values."""
    wrong = (asyncpg.IntegrityConstraintViolationError, sqlite3.IntegrityError)
    shape = exc.OperationalError if is_away(error) else exc.DBAPIError
    if isinstance(error, wrong):
        shape = exc.IntegrityError
    return shape(sql, None, error, hide_parameters=True)
