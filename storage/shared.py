"""Statements that may run in a transaction which several turns share, and how one statement answers for many of them.

Turns in one transaction do not wait for each other's locks. So a statement is shared only where it locks nothing but
what belongs to its own person, and changes nothing else (`storage.batch`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BindParameter,
    Executable,
    Select,
    String,
    Update,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.visitors import iterate, replacement_traverse
from sqlalchemy.types import TypeEngine

from storage.prepared import Given, Prepared, columns_of_lists

TURN = "its_turn"
"""Of a row that one statement gave for many turns: whose it is, counted from 1."""


class Shared(Prepared):
    """One that may; see above."""

    def __init__(
        self,
        statement: Executable,
        *,
        named: bool = True,
        changes: bool = False,
        for_many: Callable[[], Executable] | None = None,
    ) -> None:
        """`for_many`: PostgreSQL's statement that does the same for many at once, of lists of the same values by the
        same names, made when it is first needed; a SELECT says in its first column whose a row is."""
        super().__init__(statement, named=named, changes=changes)
        self._for_many = for_many

    @cached_property
    def for_many(self) -> Prepared | None:
        """The same for many at once; None: each asks for itself."""
        return None if self._for_many is None else Prepared(self._for_many(), named=False, changes=self.changes)


def looked_up(chosen: Select[Any]) -> Shared:
    """A SELECT of values by name that may be asked for many at once. It locks nothing; a WITH is to be nested in it."""
    return Shared(chosen, for_many=lambda: each(chosen))


def each(chosen: Select[Any]) -> Select[Any]:
    """The rows of that SELECT for each of many values, with whose they are before them: each keeps its order."""
    kinds = _asked(chosen)
    lists = (bindparam(name, type_=ARRAY(kind)) for name, kind in kinds.items())
    columns = (column(name, kind) for name, kind in kinds.items())
    given = func.unnest(*lists).table_valued(*columns, with_ordinality=TURN, name="given").render_derived(name="given")
    # As text: what stands deep within must not take the lists for a table of its own.
    texts = {name: literal_column(f'given."{name}"', kind) for name, kind in kinds.items()}
    theirs = _with(chosen, texts).lateral("theirs")
    return select(given.c[TURN], *theirs.c).select_from(given.join(theirs, true()))


def change_of_each(change: Update) -> Update:
    """That UPDATE for each of many values. The rows are not to meet."""
    changed: Update = _with(change, columns_of_lists(_asked(change)))
    return changed


def _asked(statement: Select[Any] | Update) -> dict[str, TypeEngine[Any]]:
    """What it has to be given, and of what type. A text is of any length: PostgreSQL would cut a list's."""
    found = (one for one in iterate(statement) if isinstance(one, BindParameter) and one.required)
    return {one.key: String() if isinstance(one.type, String) else one.type for one in found}


def _with(statement: Any, given: Given) -> Any:
    """The same statement of these columns."""

    def replaced(element: Any, **_more: Any) -> Any:
        return given[element.key] if isinstance(element, BindParameter) and element.required else None

    return replacement_traverse(statement, {}, replaced)
