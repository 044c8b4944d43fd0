"""The two databases behind one door: how each is opened, how a transaction begins, and who waits for whom.

All differences between SQLite and PostgreSQL that are not a column type live in this file.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast, overload

import asyncpg
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Table,
    column,
    create_engine,
    event,
    exists,
    func,
    select,
    table,
    text,
    true,
)
from sqlalchemy import cast as in_sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.dml import UpdateBase

from storage import prepared
from storage.abreast import Abreast
from storage.batch import Member
from storage.lines import Line, Lines, opened
from storage.looking import AT_ONCE, Looking
from storage.prepared import (
    Driver,
    ForEach,
    Lists,
    OnAiosqlite,
    OnPostgreSQL,
    OnSQLite,
    Outcome,
    Parameters,
    Prepared,
    Unforeseen,
)
from storage.secrecy import Secrecy
from storage.together import InThread, ReadingAhead, Together, Work

T = TypeVar("T")

BUSY_TIMEOUT = 10_000
"""Milliseconds that SQLite waits for another process (a backup, `menkou migrate`) before it gives up."""

IDLE_IN_TRANSACTION = 10_000
"""Milliseconds after which PostgreSQL ends a transaction that somebody left open: dead rows slow the queue down."""

SERVER_SETTINGS = {
    "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION),
    "application_name": "menkou",
    "timezone": "UTC",
    "standard_conforming_strings": "on",
}
"""Of each connection to PostgreSQL."""

QUICK_LOOKS = SERVER_SETTINGS | {"random_page_cost": "1.1"}
"""Of each connection of turns. What they read lies in memory, where a page costs the same wherever it lies: at the
server's own 4.0 it reads small tables through for the seven rows that were asked for, at up to three times the cost."""

LONGEST_TURN = 30_000
"""Milliseconds after which PostgreSQL ends a turn's transaction, whoever it waits for: nobody waits so long for a turn.
A server that has heard half a statement is not idle; what a lost connection had locked then was locked for hours."""

SET_LONGEST_TURN = "SELECT set_config(name, '{}', false) FROM pg_settings WHERE name = 'transaction_timeout'"
"""PostgreSQL has it since 17, and refuses a connection that asks an older one for it by name."""

LINES = 8
"""Connections that turns and looks have for themselves, beside the one for their disk and ten for everything else."""

SIGNS_OF_LIFE = 0x4D4B
"""The class of PostgreSQL's advisory locks whose holders show by them that they live."""

_LOCKS = table("pg_locks", *map(column, ("locktype", "database", "classid", "objid", "objsubid", "granted")))


_HOLDING = (
    "SELECT oid::regclass::text FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND pg_relation_size(oid) > 0"
)


def _has_sign(number: ColumnElement[int]) -> ColumnElement[bool]:
    """On PostgreSQL: does somebody hold the sign of life of that number?"""
    here = select(text("oid")).select_from(table("pg_database")).where(column("datname") == func.current_database())
    found = select(text("1")).select_from(_LOCKS).where(
        _LOCKS.c.locktype == "advisory",
        _LOCKS.c.database == here.scalar_subquery(),
        _LOCKS.c.classid == in_sql(SIGNS_OF_LIFE, postgresql.OID),
        _LOCKS.c.objid == in_sql(number, postgresql.OID),
        _LOCKS.c.objsubid == 2,
        _LOCKS.c.granted,
    )  # fmt: skip
    return exists(found)


def is_away(error: Exception) -> bool:
    """Is the database gone, stopping, full or too busy, and neither a statement nor a value at fault?

    SQLAlchemy tells of a connection that asyncpg lost by its widest class; what it was stands behind it.
    """
    found = error.orig if isinstance(error, DBAPIError) else error
    causes = (found, found.__cause__ if found is not None else None)
    if any(isinstance(one, ValueError) for one in causes):
        return False
    known = isinstance(error, OperationalError | InterfaceError | PoolTimeout | OSError)
    return known or any(prepared.is_away(one) for one in causes)


CHANGES_OVER = 5
"""How often a new SQLite file is asked to keep a log, one program after another writing to it meanwhile."""


def _write_ahead(cursor: Any) -> None:
    """Let an SQLite file keep a log of changes, which is remembered in the file.

    Raises sqlite3.OperationalError where somebody keeps it for longer than `BUSY_TIMEOUT`. Whoever changes over while
    another has begun to write is refused at once, because both could wait for ever: so we wait as one who writes.
    """
    for last in (False,) * (CHANGES_OVER - 1) + (True,):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if last or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
        else:
            return


class Unit:
    """One transaction: runs statements and knows whether anything was changed."""

    def __init__(
        self,
        connection: AsyncConnection,
        dialect: str,
        secrecy: Secrecy | None = None,
        driver: Driver | None = None,
        foreseeing: OnPostgreSQL | Member | None = None,
        claim: Callable[[int], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """`driver`: where prepared statements run; by SQLAlchemy where there is none. `foreseeing`: where that may run
        whose outcome is foreseen, because the work is done again when it was not. `claim`: keeps somebody's rows from
        the other turns of the transaction."""
        self.connection = connection
        self._driver = driver
        self._foreseeing = foreseeing
        self._claim = claim
        self.dialect = dialect
        self._secrecy = secrecy
        self.changed = False
        """True once a statement has changed something on a person's behalf (`ask first, act last` rests on it)."""
        self.keeps_typed = True
        """False: what stood in the message of this turn is not kept with the reply to it."""

    @property
    def secrecy(self) -> Secrecy:
        """What seals and opens the columns that may hold personal data. Raises LookupError where no key was given."""
        if self._secrecy is None:
            raise LookupError("this database was opened without its secret key")
        return self._secrecy

    @property
    def locks_rows(self) -> bool:
        """PostgreSQL locks rows; on SQLite the whole database is already ours."""
        return self.dialect == "postgresql"

    @property
    def foresees(self) -> bool:
        """Is something to be gained and nothing to be lost by foreseeing what a change will come to?"""
        return self._foreseeing is not None

    def has_sign(self, number: ColumnElement[int]) -> ColumnElement[bool]:
        """Does somebody hold the sign of life of that number? On SQLite nobody is known not to."""
        return _has_sign(number) if self.dialect == "postgresql" else true()

    @overload
    async def run(self, statement: Prepared, parameters: Parameters) -> Outcome | CursorResult[Any]: ...

    @overload
    async def run(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]: ...

    async def run(self, statement: Executable | Prepared, parameters: Any = None) -> Outcome | CursorResult[Any]:
        """Run one statement; a change is remembered."""
        if isinstance(statement, Prepared):
            self.changed = self.changed or statement.changes
            return await self.run_aside(statement, parameters)
        if isinstance(statement, UpdateBase):
            self.changed = True
        if self._driver is not None:
            await self._driver.catch_up()
        return await self.connection.execute(statement, parameters)

    async def run_aside(self, statement: Prepared, parameters: Parameters) -> Outcome | CursorResult[Any]:
        """Run a statement of the turn itself: what it changes is not on the person's behalf."""
        if self._driver is not None:
            return await self._driver.run(statement, parameters)
        return await self.connection.execute(statement.statement, parameters)

    async def run_late(self, statement: Prepared, parameters: Parameters) -> None:
        """Run a change whose outcome nobody asks for: at the latest with the commit, or before SQLAlchemy is asked."""
        self.changed = True
        if self._driver is not None:
            await self._driver.run_late(statement, parameters)
        else:
            await self.connection.execute(statement.statement, parameters)

    async def run_through(self, *steps: tuple[Prepared, Parameters]) -> int:
        """Run a change that others wait for and what has to come before it, one after the other, with nothing of ours
        between them. Returns how many rows the last one gave."""
        self.changed = True
        if self._driver is not None:
            return await self._driver.run_through(steps)
        done = [await self.connection.execute(one.statement, given) for one, given in steps][-1]
        return len(done.all()) if done.returns_rows else done.rowcount

    async def claim(self, whose: int) -> None:
        """Have what was locked of this person for oneself, among turns of the same transaction too."""
        if self._claim is not None:
            await self._claim(whose)

    async def run_foreseen(self, row: int, *steps: tuple[Prepared, Parameters]) -> None:
        """Where the unit foresees: lock what everybody wants and change it, as the very last of the transaction and on
        the journey of its commit. It must divide by zero where it comes to anything else than was foreseen: then all is
        undone, and the work done again by a unit that does not foresee. What comes late goes before it. `row`: the
        number of what is locked."""
        if self._foreseeing is None:
            raise LookupError("this unit does not foresee")
        self.changed = True
        await self._foreseeing.run_foreseen(row, steps)

    async def run_once(self, statement: Prepared, parameters: Parameters) -> CursorResult[Any]:
        """Run what may not come again: SQLAlchemy compiles a shape once, and not each statement of it."""
        self.changed = self.changed or statement.changes
        if self._driver is not None:
            await self._driver.catch_up()
        return await self.connection.execute(statement.statement, parameters)

    async def run_each(self, statement: Prepared, rows: Sequence[Parameters]) -> None:
        """Run a prepared change once for each row; for none of them nothing happens."""
        if not rows:
            return
        self.changed = self.changed or statement.changes
        if self._driver is not None:
            await self._driver.run_each(statement, rows)
        else:
            await self.connection.execute(statement.statement, rows)

    async def run_lists(self, change: ForEach, lists: Lists, alike: Parameters = MappingProxyType({})) -> None:
        """Run a change for each row of these lists, all of the same length; for none nothing happens.

        `alike`: the values that all of them have in common.
        """
        if lists[change.each[0]]:
            await self.run(change.on(self.dialect), change.given(self.dialect, lists, alike))

    async def take_time(self) -> None:
        """Let this transaction pause for as long as it must, where it waits for a file and not for the database.

        PostgreSQL ends one that pauses for `IDLE_IN_TRANSACTION`; a slow disk, or a machine that is busy, is no fault.
        """
        if self.dialect == "postgresql":
            await self.run(text("SET LOCAL idle_in_transaction_session_timeout = 0"))

    async def stand_still(self) -> None:
        """Before the first statement of a look: let all of them see one state. SQLite's always do."""
        if self.dialect == "postgresql":
            await self.run(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))

    async def look_over(self) -> None:
        """Fresh statistics for the planner, of all tables that hold something.

        Of a table that PostgreSQL looked at while it was empty it believes that it still is, until its own round comes
        by, a minute later or more: meanwhile turns would keep plans that read the table through, however it grows. Of
        one that it never looked at it supposes ten pages, and takes the index.
        """
        if self.dialect == "sqlite":
            await self.connection.exec_driver_sql("ANALYZE")
            return
        for name in list((await self.connection.exec_driver_sql(_HOLDING)).scalars()):
            await self.connection.exec_driver_sql(f"ANALYZE {name}")

    def insert(self, table: Table) -> Any:
        """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` on either database."""
        return postgresql.insert(table) if self.dialect == "postgresql" else sqlite.insert(table)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What happens inside is undone alone if it raises."""
        if self._driver is None:
            async with self.connection.begin_nested():
                yield
            return
        await self._driver.catch_up()
        try:
            async with self.connection.begin_nested():
                yield
                await self._driver.catch_up()
        except BaseException:
            self._driver.forget_late()
            raise


class Database:
    """The city's database. `write()` for turns and everything that changes; `read()` for pages and reports."""

    def __init__(self, url: str, secrecy: Secrecy | None = None, *, pool: int = 10) -> None:
        """`secrecy` is needed by whatever reads or writes what people said; migrations and copies do without."""
        parsed = make_url(url)
        self.secrecy = secrecy
        self.url = url
        self.dialect = parsed.get_backend_name()
        if self.dialect == "sqlite":
            if parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._sqlite(url, "BEGIN IMMEDIATE", size=1)
            self._reader = self._sqlite(url, "BEGIN", size=4)
        else:
            self._writer = self._reader = self._postgresql(
                url, pool_size=pool, max_overflow=0, pool_timeout=10, pool_pre_ping=False
            )
        # SQLite has one writer. Waiting for it in the event loop instead of in its busy handler: 1,041 turns a second
        # with this lock, 179 without.
        self._turn = asyncio.Lock()
        self._sessions: list[Any] = []
        self._turns = (
            Together(self._threaded(url, 2), self._turn)  # one for turns, one that carries over what they wrote
            if self.dialect == "sqlite"
            else Lines(self._of_turns(url), LINES)
        )
        self._abreast = Abreast(self._turns) if isinstance(self._turns, Lines) else None
        self._looks = (
            self._turns if isinstance(self._turns, Lines) else Looking(self._threaded(url, AT_ONCE, only_reads=True))
        )

    @classmethod
    def _sqlite(cls, url: str, begin: str, size: int) -> AsyncEngine:
        engine = create_async_engine(url, pool_size=size, max_overflow=0, pool_timeout=30, hide_parameters=True)
        cls._set_up(engine.sync_engine, begin)
        return engine

    @staticmethod
    def _postgresql(url: str, settings: Mapping[str, str] = SERVER_SETTINGS, **pooling: Any) -> AsyncEngine:
        # A message of the database must not carry what a row holds.
        return create_async_engine(url, hide_parameters=True, connect_args={"server_settings": settings}, **pooling)

    @classmethod
    def _of_turns(cls, url: str) -> AsyncEngine:
        engine = cls._postgresql(url, QUICK_LOOKS, poolclass=NullPool)

        @event.listens_for(engine.sync_engine, "connect")
        def opened(connection: Any, _: Any) -> None:
            cursor = connection.cursor()
            cursor.execute(SET_LONGEST_TURN.format(LONGEST_TURN))
            cursor.execute(prepared.PREPARE_ON_DISK)
            cursor.close()
            connection.commit()

        return engine

    @classmethod
    def _threaded(cls, url: str, size: int, only_reads: bool = False) -> Engine:
        """For threads of our own: the bridge between threads costs four crossings a statement, a thread one a turn."""
        bare = make_url(url).set(drivername="sqlite")
        engine = create_engine(bare, pool_size=size, hide_parameters=True, connect_args={"factory": ReadingAhead})
        cls._set_up(engine, "")
        if only_reads:

            @event.listens_for(engine, "connect")
            def opened(connection: Any, _: Any) -> None:
                connection.execute("PRAGMA query_only=ON")

        return engine

    @staticmethod
    def _set_up(engine: Engine, begin: str) -> None:
        """`begin`: how SQLAlchemy begins a transaction; empty where we do it."""

        @event.listens_for(engine, "connect")
        def opened(connection: Any, _: Any) -> None:
            connection.isolation_level = None
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")
            _write_ahead(cursor)
            # FULL: 3,000 simulated power cuts lost no acknowledged sign-up; NORMAL lost some in 1,785 of them.
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA secure_delete=ON")
            # 8 MiB a connection; the system keeps the rest of the file at hand. With 64 a sender grew by 37 MB with a
            # million messages waiting, and no turn was quicker.
            cursor.execute("PRAGMA cache_size=-8192")
            cursor.close()

        if begin:

            @event.listens_for(engine, "begin")
            def began(connection: Any) -> None:
                connection.exec_driver_sql(begin)

    @property
    def engine(self) -> AsyncEngine:
        """The writing engine, for migrations and checks."""
        return self._writer

    @property
    def is_wanted(self) -> bool:
        """Does somebody have SQLite's one writer just now, or wait for it? PostgreSQL has one for everybody."""
        return self._turn.locked()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Unit]:
        """One transaction that may change things; committed at the end, undone if anything raises."""
        if self.dialect == "sqlite":
            async with self._turn, self._writer.begin() as connection:
                yield Unit(connection, self.dialect, self.secrecy)
        else:
            async with self._writer.begin() as connection:
                yield Unit(connection, self.dialect, self.secrecy)

    async def turn(self, work: Callable[[Unit], Coroutine[Any, Any, T]], *, shares: bool = False) -> T:
        """One turn in its transaction, back when it is on disk. Inside, nothing but the unit may be awaited.

        On SQLite the turns that wait are committed together, with one flush; one that raises is undone alone. On
        PostgreSQL it is done again where it foresaw wrongly; one that `shares` may have its transaction with others
        that do, and is begun again alone where that cannot be.
        """
        if isinstance(self._turns, Together):
            return await self._turns.do(self._in_thread(work))
        lines = self._turns

        async def alone(committed: Callable[[], None] | None = None) -> T:
            try:
                return await lines.transact(self._on_line(work, foresees=True), committed)
            except Unforeseen:
                return await lines.transact(self._on_line(work, foresees=False), committed)

        if self._abreast is None or not shares:
            return await alone()
        return await self._abreast.do(alone, self._in_batch(work))

    def _in_batch(self, work: Callable[[Unit], Coroutine[Any, Any, T]]) -> Callable[[Member], Coroutine[Any, Any, T]]:
        def on(member: Member) -> Coroutine[Any, Any, T]:
            return work(Unit(member.connection, self.dialect, self.secrecy, member, member, member.claim))

        return on

    def _on_line(
        self, work: Callable[[Unit], Coroutine[Any, Any, T]], foresees: bool
    ) -> Callable[[Line], Coroutine[Any, Any, T]]:
        def on(line: Line) -> Coroutine[Any, Any, T]:
            foreseeing = line.driver if foresees else None
            return work(Unit(line.connection, self.dialect, self.secrecy, line.driver, foreseeing))

        return on

    async def aside(self, work: Callable[[Unit], Coroutine[Any, Any, T]]) -> T:
        """A transaction that turns need not wait for before it begins, of what is made again if it is lost.

        On SQLite it goes when nobody else wants the one writer, and is not flushed by itself: a power cut takes it back
        whole, unless a turn came after it. Inside, nothing but the unit may be awaited.
        """
        if isinstance(self._turns, Lines):
            return await self.turn(work)
        return await self._turns.do(self._in_thread(work), patient=True)

    def _in_thread(self, work: Callable[[Unit], Coroutine[Any, Any, T]]) -> Work[T]:
        def on(connection: Connection) -> Coroutine[Any, Any, T]:
            # It has of a connection what a turn needs: `execute` and `begin_nested`.
            like = cast(AsyncConnection, InThread(connection))
            return work(Unit(like, self.dialect, self.secrecy, OnSQLite(connection)))

        return on

    @staticmethod
    async def _whole(engine: AsyncEngine) -> tuple[AsyncConnection, Any]:
        """A connection, with asyncpg's own; those that the server closed since they were used are thrown away."""
        while True:
            connection, bare = await opened(engine)
            if not bare.is_closed():
                return connection, bare
            await connection.invalidate()
            await connection.close()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Unit]:
        """One consistent look; waits for nobody."""
        if self.dialect == "sqlite":
            async with self._reader.connect() as connection, connection.begin():
                bare = (await connection.get_raw_connection()).driver_connection
                yield Unit(connection, self.dialect, self.secrecy, OnAiosqlite(bare, connection.dialect))
            return
        connection, bare = await self._whole(self._reader)
        try:
            async with connection.begin():
                # What is prepared looks without BEGIN: either way each statement sees what is committed by then.
                yield Unit(connection, self.dialect, self.secrecy, OnPostgreSQL(bare, connection.dialect))
        finally:
            await connection.close()

    async def look(self, work: Callable[[Unit], Coroutine[Any, Any, T]]) -> T:
        """One look of those that look all the time: at a fraction of what `read` costs, and it waits for nobody either.
        Inside, nothing but the unit may be awaited, and nothing is changed."""
        if isinstance(self._looks, Lines):
            return await self._looks.look(self._on_line(work, foresees=False))
        return await self._looks.do(self._in_thread(work))

    async def session(self, patience: float) -> Any:
        """asyncpg's own connection outside the pool, its receiver's until closed; None on SQLite, without sessions.

        `patience`: seconds for each thing that is asked of it, connecting included.
        """
        if self.dialect == "sqlite":
            return None
        _none, how = self._writer.dialect.create_connect_args(make_url(self.url))
        for ours in ("prepared_statement_cache_size", "prepared_statement_name_func"):
            how.pop(ours, None)
        made = await asyncpg.connect(
            **how, timeout=patience, command_timeout=patience, server_settings=SERVER_SETTINGS
        )
        self._sessions = [one for one in self._sessions if not one.is_closed()] + [made]
        return made

    async def scrub(self) -> bool:
        """Leave nothing in SQLite's files that was deleted: rewrite the database, empty its log.

        False: somebody reads an older state just now. Always True on PostgreSQL, which looks after its pages itself.
        """
        if self.dialect != "sqlite":
            return True
        async with self._turn, self._writer.connect() as connection:
            bare = (await connection.get_raw_connection()).driver_connection
            if bare is None:
                return False
            await bare.execute("VACUUM")
            cursor = await bare.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy = await cursor.fetchone()
            await cursor.close()
        return bool(busy) and busy[0] == 0

    async def close(self) -> None:
        """Give all connections back, also those that were handed out and are still open."""
        for session in self._sessions:
            if not session.is_closed():
                session.terminate()
        if self._abreast is not None:
            await self._abreast.close()
        await self._turns.close()
        if self._looks is not self._turns:
            await self._looks.close()
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()
