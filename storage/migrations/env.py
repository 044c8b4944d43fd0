"""Alembic's entry when a revision is drafted (`storage.migrate.draft`); running them needs no such file."""

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeDecorator

from storage.migrate import configuration


def render(kind: str, thing: Any, _: Any) -> str | Literal[False]:
    """A revision names plain types: what our own types are made of today must not change what was done then."""
    if kind == "type" and isinstance(thing, TypeDecorator):
        return f"sa.{type(thing.impl_instance).__name__}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    render_item=render,
    # SQLite changes a column by making the table anew.
    render_as_batch=not context.config.attributes["first"],
    **configuration(),
)
with context.begin_transaction():
    context.run_migrations()
