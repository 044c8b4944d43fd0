"""What differs between the tables in the code and those in a database."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from storage.database import Database
from storage.migrate import configuration


async def differences(database: Database) -> list[str]:
    """A line each; empty: nothing."""

    def compare(connection: Connection) -> list[str]:
        options = configuration()
        tables = options.pop("target_metadata")
        context = MigrationContext.configure(connection, opts=options)
        return [str(difference) for difference in compare_metadata(context, tables)]

    async with database.read() as unit:
        return await unit.connection.run_sync(compare)
