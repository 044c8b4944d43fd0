"""Several of PostgreSQL's turns in one transaction, walking in step.

A journey to the server costs more than most of what is asked there. So each turn of a batch goes on until it asks for
something, what all of them ask is fetched in as few journeys as it takes, and what they write goes with one commit.

The turns of one transaction do not wait for each other's locks, and are undone together. So they ask for nothing but
what may be shared (`storage.shared`), and write late. Whoever wants anything else leaves before it has been done; so
does whoever raises. They are done alone, from the beginning.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NoReturn

from storage.lines import Line
from storage.prepared import Outcome, Parameters, Prepared
from storage.shared import Shared

Work = Callable[["Member"], Coroutine[Any, Any, Any]]
Step = tuple[Prepared, Parameters]


class Inseparable(RuntimeError):
    """Somebody is not to stay who has changed something: it is undone with all the others' work."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a turn came to."""

    value: Any


class _Asking:
    """What a turn waits for: the rows of a statement. Without one it waits for what is not to be had in company."""

    __slots__ = ("given", "statement")

    def __init__(self, statement: Shared | None, given: Parameters) -> None:
        self.statement = statement
        self.given = given

    def __await__(self) -> Generator[_Asking, Outcome, Outcome]:
        return (yield self)


async def _leave(*_anything: Any, **_else: Any) -> NoReturn:
    await _Asking(None, {})
    raise AssertionError("unreachable: whoever leaves does not go on")


class _Elsewhere:
    """Instead of SQLAlchemy's connection: whoever calls anything of it leaves."""

    def __getattr__(self, _name: str) -> Callable[..., Coroutine[Any, Any, NoReturn]]:
        return _leave


class Member:
    """One of a batch: the driver of its unit."""

    def __init__(self, claimed: set[int]) -> None:
        """`claimed`: what any of the batch has claimed."""
        self.connection: Any = _Elsewhere()
        self.late: list[Step] = []
        self.foreseen: list[tuple[int, Sequence[Step]]] = []
        self.has_changed = False
        """Something was changed before the end."""
        self._claimed = claimed

    async def claim(self, whose: int) -> None:
        """Have somebody's rows for oneself: their lock keeps out all but those who share the transaction."""
        if whose in self._claimed:
            await _leave()
        self._claimed.add(whose)

    async def run(self, prepared: Prepared, given: Parameters) -> Outcome:
        """Run one statement, if it may be shared."""
        if not isinstance(prepared, Shared):
            await _leave()
        self.has_changed = self.has_changed or prepared.changes
        return await _Asking(prepared, given)

    async def run_late(self, prepared: Prepared, given: Parameters) -> None:
        """Run a change with the commit."""
        self.late.append((prepared, given))

    async def run_foreseen(self, row: int, steps: Sequence[Step]) -> None:
        """Run these with the commit."""
        self.foreseen.append((row, steps))

    async def run_each(self, _prepared: Prepared, _rows: Sequence[Parameters]) -> None:
        """Not in company."""
        await _leave()

    async def run_through(self, _steps: Sequence[Step]) -> int:
        """Not in company: it locks what others wait for."""
        await _leave()

    async def catch_up(self) -> None:
        """Not in company: something else is to be asked next, on SQLAlchemy's connection."""
        await _leave()

    def forget_late(self) -> None:
        """Nothing of it was done."""
        self.late.clear()


@dataclass(slots=True)
class _Walking:
    """One of them, on its way."""

    member: Member
    context: contextvars.Context
    steps: Coroutine[Any, Any, Any]
    asks: _Asking | None = None
    done: Done | None = None

    def go_on(self, heard: Outcome | None = None) -> None:
        """Until it asks for something, is done, or leaves."""
        self.asks = None
        try:
            asks = self.context.run(self.steps.send, heard)
        except StopIteration as stopped:
            self.done = Done(stopped.value)
        except Exception:  # noqa: BLE001 - it raises again when it is done alone, before whoever waits for it
            return
        else:
            if isinstance(asks, _Asking) and asks.statement is not None:
                self.asks = asks
            else:
                self.leave()

    def leave(self) -> None:
        """Stop where it stands; nothing, where it has ended."""
        with contextlib.suppress(RuntimeError):  # it would wait for something on its way out
            self.context.run(self.steps.close)


class Batch:
    """Turns for one transaction."""

    def __init__(self, several: Iterable[tuple[Work, contextvars.Context]]) -> None:
        self._several = list(several)
        self.has_begun = False
        """It has had its transaction."""

    async def walk(self, line: Line) -> list[Done | None]:
        """In that line's transaction, which is committed afterwards. Returns what each came to; None: it has left.
        Raises Inseparable, and what the database says: then all are to be done alone."""
        self.has_begun = True
        claimed: set[int] = set()
        walking: list[_Walking] = []
        try:
            for work, context in self._several:
                member = Member(claimed)
                walking.append(_Walking(member, context, work(member)))
                walking[-1].go_on()
            while asking := [one for one in walking if one.asks is not None]:
                await _answer(line, asking, in_company=len(self._several) > 1)
        finally:
            for one in walking:
                one.leave()
        if any(one.member.has_changed and one.done is None for one in walking):
            raise Inseparable
        await _write(line, [one.member for one in walking if one.done is not None])
        return [one.done for one in walking]


async def _answer(line: Line, asking: Sequence[_Walking], in_company: bool) -> None:
    """Each hears what it asked, and goes on. In company everything is asked as for many where it can be, even by one:
    that waits for nobody, and the others have locks."""
    alike: dict[Shared, list[_Walking]] = {}
    for one in asking:
        if one.asks is not None and one.asks.statement is not None:
            alike.setdefault(one.asks.statement, []).append(one)
    for statement, these in alike.items():
        given = [one.asks.given for one in these if one.asks is not None]
        if in_company and statement.for_many is not None:
            heard = await line.driver.run_for_many(statement, statement.for_many, given)
        else:
            heard = [await line.driver.run(statement, values) for values in given]
        for one, outcome in zip(these, heard, strict=True):
            one.go_on(outcome)


async def _write(line: Line, members: Sequence[Member]) -> None:
    """What they left for the end: what everybody wants at the very last, in the order of its rows, so that no two
    batches wait for each other."""
    late: dict[Prepared, list[Parameters]] = {}
    for member in members:
        for statement, given in member.late:
            late.setdefault(statement, []).append(given)
    for statement, rows in late.items():
        if len(rows) > 1 and isinstance(statement, Shared) and statement.for_many is not None:
            await line.driver.run_for_many(statement, statement.for_many, rows)
        else:
            for given in rows:
                await line.driver.run_late(statement, given)
    foreseen = [one for member in members for one in member.foreseen]
    for row, steps in sorted(foreseen, key=itemgetter(0)):
        await line.driver.run_foreseen(row, steps)
