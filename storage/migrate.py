"""The schema's revisions: which one the database has, and how it gets the newest.

`python -m storage.migrate "Add a column"` drafts the next revision from the difference; then `ruff format` and read it.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import snapshot
from storage.database import Database
from storage.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

# Alembic is imported where it is needed: a start whose schema is the newest only compares two numbers.

FOLDER = Path(__file__).parent / "migrations"

_KNOWN = frozenset(path.name[:4] for path in (FOLDER / "versions").glob("[0-9]*.py"))
"""Read when this file is: their names begin with their numbers."""

VERSIONS = "schema_revision"
"""The table that holds the revision."""

LOCK = 0x6D656E6B
"""PostgreSQL's advisory lock of migrations: two replicas that migrate at once do it one after the other."""


class NotReady(Exception):
    """The database cannot be used as it is; `fix` is what the operator does."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(f"{why} {fix}")
        self.why = why
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Migrated:
    """What became of the schema: revisions before (None: there was nothing) and after, and the copy made before."""

    before: str | None
    after: str | None
    copy: Path | None = None

    @property
    def changed(self) -> bool:
        """Was there anything to do?"""
        return self.before != self.after


def configuration() -> dict[str, Any]:
    """How Alembic compares and runs, in one place for migrations and their check."""
    return {
        "target_metadata": metadata,
        "version_table": VERSIONS,
        "compare_type": True,
        "compare_server_default": False,  # both databases rewrite defaults in their own words
        "transactional_ddl": True,  # true on both: a migration that breaks leaves nothing behind
    }


def configure() -> Config:
    """Where Alembic finds the revisions."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


@lru_cache(maxsize=1)
def scripts() -> ScriptDirectory:
    """The revisions, read from disk once."""
    from alembic.script import ScriptDirectory

    found = ScriptDirectory.from_config(configure())
    found.get_heads()
    return found


def known() -> frozenset[str]:
    """Every revision of this program."""
    return _KNOWN


def head() -> str:
    """The revision that this program needs."""
    return max(known())


async def current(database: Database) -> str | None:
    """The database's revision; None when it has none. Waits for nobody."""
    async with database.read() as unit:
        return await unit.connection.run_sync(_revision)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSIONS):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSIONS}")).scalar()  # noqa: S608 - a constant
    return found


async def upgrade(database: Database, to: str = "head") -> Migrated:
    """Bring the schema forward in one transaction. Raises NotReady if the database is not one that Menkou made."""
    return await _move(database, to, lambda found, _: scripts()._upgrade_revs(to, found))


async def downgrade(database: Database, to: str) -> Migrated:
    """Take the schema back in one transaction; `base` removes every table."""
    return await _move(database, to, lambda found, _: scripts()._downgrade_revs(to, found))


async def _move(database: Database, to: str, steps: Callable[[Any, Any], Any]) -> Migrated:
    await asyncio.to_thread(scripts)  # reads files

    def run(connection: Connection) -> None:
        from alembic.runtime.environment import EnvironmentContext

        with EnvironmentContext(configure(), scripts(), fn=steps, destination_rev=to) as environment:
            environment.configure(connection=connection, **configuration())
            environment.run_migrations()

    async with _alone(database) as connection:
        before = await connection.run_sync(_known_revision)
        await connection.run_sync(run)
        after = await connection.run_sync(_revision)
        if database.dialect == "sqlite":
            broken = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
            if broken:
                raise NotReady(
                    f"The migration would leave {len(broken)} rows without their parent.", "Nothing was done."
                )
    return Migrated(before, after)


def _known_revision(connection: Connection) -> str | None:
    """The revision, if this program knows it."""
    found = _revision(connection)
    if found is None and set(inspect(connection).get_table_names()) & set(metadata.tables):
        raise NotReady(
            "The database has tables of these names and no revision: it was not made by Menkou's migrations.",
            "Name an empty database in MENKOU_DATABASE_URL.",
        )
    if found is not None and found not in known():
        raise NotReady(
            f"The database has revision {found}, which this version of Menkou does not know.",
            "Install the newer version that made it.",
        )
    return found


@asynccontextmanager
async def _alone(database: Database) -> AsyncIterator[AsyncConnection]:
    """One transaction in which nobody else migrates."""
    if database.dialect != "sqlite":
        async with database.engine.begin() as connection:
            # Alembic is imported and reads its revisions meanwhile: on a busy machine that is no idleness.
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            yield connection
        return
    async with database.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        # A table that is made anew is dropped first, which foreign keys would follow; inside a transaction the switch
        # does nothing, so it is turned before. `_move` checks all keys at the end.
        await driver.execute("PRAGMA foreign_keys=OFF")
        try:
            async with connection.begin():
                yield connection
        finally:
            await driver.execute("PRAGMA foreign_keys=ON")


async def prepare(database: Database, now: datetime | None = None) -> Migrated:
    """Make the database ready at start.

    SQLite is brought forward by itself, after a copy when there is something to lose. PostgreSQL serves several
    programs at once, so there an operator decides when: raises NotReady, once no migration is under way any more.
    """
    newest, found = head(), await current(database)
    if found == newest:
        return Migrated(found, newest)
    if database.dialect != "sqlite":
        async with _alone(database) as connection:
            found = await connection.run_sync(_revision)
        if found == newest:
            return Migrated(found, newest)
        has = "has no tables yet" if found is None else f"is at revision {found}, this version needs {newest}"
        raise NotReady(f"The database {has}.", "Run `menkou migrate`.")
    kept: Path | None = None
    source = snapshot.file_of(database)
    if found in known() and source is not None:
        stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
        kept = source.parent / "backups" / f"{source.stem}-{found}-{stamp}.db"
        await snapshot.copy(database, kept)
    done = await upgrade(database)
    return Migrated(done.before, done.after, kept)


async def draft(message: str) -> Path:
    """Write the next revision: what the tables in the code have that the newest revision has not."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{folder}/draft.db")
        try:
            if known():
                await upgrade(database)

            def write(connection: Connection) -> Path:
                from alembic import command
                from alembic.script import Script

                number = f"{len(known()) + 1:04}"
                config = configure()
                config.set_main_option("file_template", f"{number}_{message.lower().replace(' ', '_')}")
                config.attributes["connection"] = connection
                config.attributes["first"] = not known()
                made = command.revision(config, message, autogenerate=True, rev_id=number)
                assert isinstance(made, Script)
                path = Path(made.path)
                path.write_text(_tidied(path.read_text(encoding="utf-8")), encoding="utf-8")
                return path

            async with database.write() as unit:
                return await unit.connection.run_sync(write)
        finally:
            await database.close()


def _tidied(drafted: str) -> str:
    """Without Alembic's marks; names are spelled out already, defaults are what both databases read."""
    plain = re.sub(r"(?:batch_)?op\.f\(('[a-z_0-9]*')\)", r"\1", drafted)
    plain = re.sub(r"text\('\((false|true)\)'\)", r"text('\1')", plain)
    return re.sub(r"^ *# ###.*\n", "", plain, flags=re.MULTILINE)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit('usage: python -m storage.migrate "What the revision does"')
    print(asyncio.run(draft(sys.argv[1])))
