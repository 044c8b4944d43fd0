"""SQLite's turns in a thread of their own, several in one transaction: one flush to disk serves all who waited.

A turn that raises is undone alone, by its savepoint; nobody is answered before the commit that holds their turn. Work
that is patient goes when no turn waits, and needs no flush of its own.
"""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, CursorResult, Engine, Executable
from sqlalchemy.exc import InterfaceError, OperationalError

from storage.checkpoints import Checkpoints
from storage.prepared import translated

T = TypeVar("T")

Work = Callable[[Connection], Coroutine[Any, Any, T]]
"""What is done in a transaction. It may await nothing but what it does with its connection."""

AT_ONCE = 32
"""Turns in one transaction at most: the first of them waits for the last, about a millisecond each."""


PATIENCE = 0.05
"""Seconds that patient work lets everybody else go first at most: it stands still for nobody."""

FLUSHED = {True: "PRAGMA synchronous=FULL", False: "PRAGMA synchronous=NORMAL"}
"""NORMAL: its commit survives a kill; a power cut takes it back, whole, unless somebody flushed after it."""


class Waited(RuntimeError):
    """A turn or a look awaited something else than its database, which would hold up everybody behind it."""


@dataclass(slots=True)
class _Asked(Generic[T]):
    """Work that waits for its transaction."""

    work: Work[T]
    context: contextvars.Context
    done: asyncio.Future[T]


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one work once its transaction is committed."""

    value: Any = None
    raised: Exception | None = None


class Together:
    """Runs work one after another, and commits it together."""

    def __init__(self, engine: Engine, alone: asyncio.Lock) -> None:
        """`alone` is held during a transaction: SQLite has one writer."""
        self._engine = engine
        self._alone = alone
        self._asked: deque[_Asked[Any]] = deque()
        self._patient: deque[tuple[float, _Asked[Any]]] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._flushed = True
        self._checkpoints = Checkpoints(engine)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="turns")

    async def do(self, work: Work[T], *, patient: bool = False) -> T:
        """Do it, and come back when it is on disk. Raises what it raised, or why its transaction was not committed.

        `patient`: alone in its transaction, when nobody else waits, and back before it is flushed.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        asked = _Asked(work, contextvars.copy_context(), done)
        if patient:
            self._patient.append((loop.time(), asked))
        else:
            self._asked.append(asked)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run(), name="turns")
        return await done

    def _next(self) -> tuple[list[_Asked[Any]], bool]:
        """Whose turn it is, and whether they wait for the disk."""
        if self._patient and (not self._asked or self._patient[0][0] + PATIENCE < asyncio.get_running_loop().time()):
            return [self._patient.popleft()[1]], False
        return [self._asked.popleft() for _one in range(min(AT_ONCE, len(self._asked)))], True

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._asked or self._patient:
            async with self._alone:
                batch, flushed = self._next()
                batch = [one for one in batch if not one.done.done()]  # nobody waits for it any more
                if not batch:
                    continue
                try:
                    outcomes = await loop.run_in_executor(self._thread, self._transact, batch, flushed)
                except Exception as failed:  # noqa: BLE001 - each of them hears it
                    outcomes = [_Done(raised=failed)] * len(batch)
                except BaseException:
                    for one in batch:
                        one.done.cancel()
                    raise
            if not flushed:
                self._checkpoints.ask()  # it wrote much, and whoever commits next would have to carry that over
            for one, outcome in zip(batch, outcomes, strict=True):
                if one.done.done():
                    continue
                if outcome.raised is not None:
                    one.done.set_exception(outcome.raised)
                else:
                    one.done.set_result(outcome.value)

    def _transact(self, batch: list[_Asked[Any]], flushed: bool = True) -> list[_Done]:
        """All of them in one transaction; in the thread."""
        if self._connection is None:
            self._connection, self._flushed = self._engine.connect(), True
        connection = self._connection
        try:
            if flushed != self._flushed:
                bare: Any = connection.connection.driver_connection
                bare.execute(FLUSHED[flushed])
                self._flushed = flushed
            with within(connection, "BEGIN IMMEDIATE", "COMMIT"):
                if len(batch) == 1:
                    return [_Done(batch[0].context.run(driven, batch[0].work(connection)))]
                return [self._apart(connection, one) for one in batch]
        except (OperationalError, InterfaceError, sqlite3.Error):
            # Whatever state this connection is in: the next transaction begins with a new one.
            self._connection = None
            connection.close()
            raise

    @staticmethod
    def _apart(connection: Connection, one: _Asked[Any]) -> _Done:
        """One of several: what it did is undone alone if it raises."""
        bare: Any = connection.connection.driver_connection
        bare.execute("SAVEPOINT turn")
        try:
            done = _Done(one.context.run(driven, one.work(connection)))
        except Exception as raised:
            if not bare.in_transaction:
                raise  # a full or broken disk: SQLite has undone them all
            bare.execute("ROLLBACK TO turn")
            done = _Done(raised=raised)
        bare.execute("RELEASE turn")
        return done

    async def close(self) -> None:
        """Finish what was asked, close the connections and end the threads."""
        if self._runner is not None:
            await asyncio.wait({self._runner})
        await self._checkpoints.close()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._hang_up)
        self._thread.shutdown()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()


@contextmanager
def within(connection: Connection, begin: str, end: str) -> Iterator[None]:
    """A transaction in this thread, undone if anything raises. Raises what SQLAlchemy would raise of its own.

    Begun and ended on the driver's connection: SQLAlchemy's words for it cost ten times as much as SQLite's work. What
    SQLAlchemy runs meanwhile is within it.
    """
    bare: Any = connection.connection.driver_connection
    try:
        bare.execute(begin)
        try:
            yield
            bare.execute(end)
        finally:
            if bare.in_transaction:
                bare.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise translated(begin, error) from error
    finally:
        if connection.in_transaction():  # SQLAlchemy's word for having been used
            connection.rollback()


def driven(work: Coroutine[Any, Any, T]) -> T:
    """Run it here, to its end: with a connection of this thread it never has to wait. Raises Waited if it does."""
    try:
        work.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    work.close()
    raise Waited("inside a turn or a look nothing but its database may be awaited")


class InThread:
    """A connection of this thread behind the calls of an asynchronous one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement."""
        return self._connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement as it is written."""
        return self._connection.exec_driver_sql(statement, parameters)

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        """A savepoint."""
        with self._connection.begin_nested():
            yield


class ReadAhead(sqlite3.Cursor):
    """A cursor that has fetched all its rows when the statement has run: what follows may change what it read."""

    _rows: deque[Any] = deque()

    def execute(self, *statement: Any) -> ReadAhead:
        """Run one statement."""
        super().execute(*statement)
        self._rows = deque(super().fetchall()) if self.description else deque()
        return self

    def fetchone(self) -> Any:
        """The next row, or None."""
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows."""
        wanted = self.arraysize if size is None else size
        return [self._rows.popleft() for _row in range(min(wanted, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        rows, self._rows = list(self._rows), deque()
        return rows

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override] # sqlite3 declares itself its own iterator
        while self._rows:
            yield self._rows.popleft()


class ReadingAhead(sqlite3.Connection):
    """A connection whose cursors read ahead."""

    def cursor(self, *_factory: Any) -> Any:
        """A new cursor."""
        return super().cursor(ReadAhead)
