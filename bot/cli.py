"""The command line: `menkou demo`, `chat`, `serve` and what an operator needs beside them.

What a command needs is imported inside it: `menkou --help` answers at once.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from bot.checks import Finding
    from bot.settings import Settings
    from storage.database import Database

T = TypeVar("T")

TROUBLE = 1
WRONG_USE = 2
"""Also typer's own, for a wrong option."""
INTERRUPTED = 130
"""A shell's figure for Ctrl-C."""

DEMO = Path("var/demo")
BACKUPS = Path("var/backups")

menkou = typer.Typer(
    name="menkou",
    help="A chat front door to a city's volunteering.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
city = typer.Typer(help="Make a city for trials.", no_args_is_help=True)
outbox = typer.Typer(help="Messages of ours that did not arrive.", no_args_is_help=True)
admin = typer.Typer(help="Give people their roles.", no_args_is_help=True)
wechat = typer.Typer(help="The WeChat official account.", no_args_is_help=True)
menkou.add_typer(city, name="city")
menkou.add_typer(admin, name="admin")
menkou.add_typer(outbox, name="outbox")
menkou.add_typer(wechat, name="wechat")


def main() -> None:
    """Run the program; what goes wrong is one line and an exit code."""
    # Chinese goes in and out whatever the machine's locale says; what cannot be shown becomes a question mark.
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    menkou()


# --- Commands ------------------------------------------------------------------------------------------------------


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"menkou {version('menkou')}")
        raise typer.Exit


@menkou.callback()
def begin(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """A chat front door to a city's volunteering."""


@menkou.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demonstration city is made anew.")] = DEMO,
) -> None:
    """Make a fresh demonstration city and serve its web chat and pages."""
    with _told():
        given = _settings()
        settings = given.for_demo(folder)
        # Somebody is trying Menkou out: requests and turns are not what the terminal is for.
        _log(settings, settings.log_level if "log_level" in given.model_fields_set else "warning")
        from bot import commands

        _run(commands.demo(settings, folder))


@menkou.command()
def chat(
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Who you are; `menkou demo` names people to be.")
    ] = None,
) -> None:
    """Talk in this terminal: with your city, or with the demonstration city while you have none."""
    with _told():
        given = _settings()
        own = given.secret_key is not None
        settings = given if own else given.for_demo(DEMO)
        # The conversation is on this screen; only what is broken may interrupt it.
        _log(settings, "error")
        from bot import commands

        _run(commands.chat(settings, name, None if own else DEMO))


@menkou.command()
def serve() -> None:
    """Serve the city: all doors that are set up, the pages, the clock and the sender."""
    with _told():
        settings = _settings()
        _log(settings)
        _ = settings.key
        from bot import commands

        _run(commands.serve(settings))


@menkou.command()
def migrate() -> None:
    """Bring the database's schema to the revision that this version needs."""
    with _told():
        settings = _settings()
        _log(settings, "warning")
        from storage import migrate as migrations

        async def bring(database: Database) -> migrations.Migrated:
            # SQLite is copied first, as at start; on PostgreSQL nobody else migrates meanwhile.
            if database.dialect == "sqlite":
                return await migrations.prepare(database)
            return await migrations.upgrade(database)

        done = _run_with(settings, bring)
        if done.copy:
            typer.echo(f"Copied to {done.copy} before.")
        typer.echo(f"{done.before or 'nothing'} → {done.after}" if done.changed else f"At {done.after} already.")


@menkou.command()
def doctor(
    settings: Annotated[bool, typer.Option("--settings", help="List every setting instead.")] = False,
    ask: Annotated[bool, typer.Option(help="Ask the platforms whether they know us.")] = True,
) -> None:
    """Look over the settings, the database and the doors: each line is ok, warn or fail, with the fix."""
    from bot.settings import BadSettings

    if settings:
        _list_settings()
        return
    with _told():
        from bot import doctor as practice

        try:
            found = _settings()
        except BadSettings as bad:
            lines = practice.examine_problems(bad)
        else:
            _log(found, "error")
            asks: dict[str, practice.Ask] = {}
            if ask and (found.telegram_token or found.wechat_app_secret):
                from bot import commands

                asks = {"telegram": commands.ask_telegram, "wechat": commands.ask_wechat}
            lines = _run(practice.Doctor(asks).examine(found))
        _show(lines)
    if any(line.level == "fail" for line in lines):
        raise typer.Exit(TROUBLE)


@city.command()
def fill(
    volunteers: Annotated[int, typer.Option(min=1, max=20_000_000)] = 2_000,
    activities: Annotated[int, typer.Option(min=1, max=2_000_000)] = 300,
    seed: Annotated[int, typer.Option(help="The same seed makes the same city.")] = 1,
) -> None:
    """Fill an empty city with made-up people and activities, for trials and load."""
    with _told():
        settings = _settings()
        _log(settings, "warning")
        _ = settings.key
        from bot import commands

        with _progress("Filling the city") as told:
            typer.echo(_run(commands.fill(settings, volunteers, activities, seed, told)))


@admin.command()
def grant(
    number: Annotated[str, typer.Argument(help="The person's volunteer number; “my data” in the chat shows it.")],
    role: Annotated[str, typer.Argument(help="The role.")],
    node: Annotated[str, typer.Argument(help="The organisation's number, or the place's code.")],
) -> None:
    """Give a person a role at an organisation or a place."""
    with _told():
        settings = _settings()
        _log(settings, "warning")
        _ = settings.key
        from bot import commands

        typer.echo(_run(commands.grant(settings, number, role, node)))


@admin.command()
def register(
    name: Annotated[str, typer.Argument(help="The organisation's name.")],
    place: Annotated[int, typer.Argument(help="The code of its district or street, such as 110108.")],
    type_: Annotated[
        str, typer.Option("--type", help="government, association, employer or residents.")
    ] = "association",
    english: Annotated[str, typer.Option(help="Its name in English.")] = "",
) -> None:
    """Register an organisation; then `menkou admin grant NUMBER organiser` makes somebody its organiser."""
    with _told():
        settings = _settings()
        _log(settings, "warning")
        _ = settings.key
        from bot import commands

        typer.echo(_run(commands.register(settings, name, place, type_, english)))


@outbox.command("list")
def outbox_list() -> None:
    """List the messages that were given up, and those of which nobody knows whether they arrived."""
    with _told():
        settings = _settings()
        _log(settings, "warning")
        _ = settings.key
        from bot import commands

        for line in _run(commands.outbox_list(settings)) or ["Nothing waits for a decision."]:
            typer.echo(line)


@outbox.command("again")
def outbox_again(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[NUMBER]...", help="As listed; none: all that were given up.")
    ] = None,
) -> None:
    """Send messages again. One that is in doubt must be named: it may come twice."""
    with _told():
        settings = _settings()
        _log(settings, "warning")
        _ = settings.key
        from bot import commands

        going, too_late = _run(commands.outbox_again(settings, numbers or []))
        typer.echo(f"{going} go again." + (f" {too_late} cannot: too late, or sent already." if too_late else ""))


@menkou.command()
def backup(
    file: Annotated[Path | None, typer.Argument(help="Where to; by default a new file in var/backups.")] = None,
) -> None:
    """Write the whole city to one file, while it serves. Personal fields in it stay sealed."""
    with _told():
        settings = _settings()
        _log(settings, "warning")
        from storage import backup as backups

        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        to = file or BACKUPS / f"menkou-{stamp}.zip"
        with _progress("Backing up") as told:

            def tell(table: str, rows: int) -> None:
                told(f"{table} {rows:,}", 0, 0)

            made = _run_with(settings, lambda database: backups.dump(database, to, told=tell))
        size = to.stat().st_size / 1024**2
        typer.echo(f"{to}: {made.rows:,} rows of {len(made.tables)} tables, {size:.1f} MiB.")
        typer.echo("Keep it and MENKOU_SECRET_KEY in different places: only together they tell names.")
        typer.echo("Keep erased.txt beside the database too: restore erases those people again.")


@menkou.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `menkou backup` made.")],
    check: Annotated[bool, typer.Option("--check", help="Only look whether the file is sound.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what is in the database.")] = False,
) -> None:
    """Put a backup into an empty database, SQLite or PostgreSQL, whichever it came from."""
    with _told():
        settings = _settings()
        _log(settings, "warning")
        from storage import backup as backups

        if check:
            found = _run(backups.verify(file))
            typer.echo(f"Sound: {found.rows:,} rows of {len(found.tables)} tables, made at {found.made}.")
            return
        from bot import commands

        with _progress("Restoring") as told:

            def tell(table: str, rows: int) -> None:
                told(f"{table} {rows:,}", 0, 0)

            done, again = _run(commands.restore(settings, file, force, tell))
        typer.echo(f"{done.rows:,} rows of {len(done.tables)} tables are back, as they were at {done.made}.")
        if again:
            typer.echo(f"{again} who were erased since then are erased again.")


@menkou.command()
def move(
    to: Annotated[str, typer.Option("--to", help="Where to: postgresql+asyncpg://… or sqlite+aiosqlite:///…")],
) -> None:
    """Move the city into another, empty database; the old one stays as it is. Stop `menkou serve` first."""
    with _told():
        settings = _settings()
        _log(settings, "warning")
        from bot import commands

        with _progress("Moving") as told:

            def tell(table: str, rows: int) -> None:
                told(f"{table} {rows:,}", 0, 0)

            moved = _run(commands.move(settings, to, tell))
        for table, rows in moved.tables:
            if rows:
                typer.echo(f"{table:20} {rows:>12,}")
        typer.echo(f"{moved.rows:,} rows of {len(moved.tables)} tables arrived; every value was compared.")
        typer.echo("Set MENKOU_DATABASE_URL to the new address and start `menkou serve`.")
        typer.echo("Move erased.txt and MENKOU_SECRET_KEY along; the old database still holds the city.")


@wechat.command()
def menu() -> None:
    """Set the account's menu from the conversations that Menkou has."""
    with _told():
        settings = _settings()
        _log(settings, "warning")
        from bot import commands

        typer.echo(_run(commands.set_wechat_menu(settings)))


# --- What commands share -------------------------------------------------------------------------------------------


def _settings() -> Settings:
    from bot.settings import load

    return load()


def _log(settings: Settings, level: str = "") -> None:
    import structlog

    from bot import logs

    key = settings.secret_key.get_secret_value() if settings.secret_key else ""
    logs.configure(level or settings.log_level, settings.secrets, key)
    logs.hook_crashes(structlog.get_logger("menkou").critical)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end, in the fast event loop where there is one."""
    import asyncio

    loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with suppress(ImportError):  # Windows has none
        from uvloop import new_event_loop as loop
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work)


def _run_with(settings: Settings, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Run with the city's database, opened before the event loop begins: that may make its folder."""
    from storage.database import Database

    database = Database(settings.database_url)

    async def to_the_end() -> T:
        try:
            return await work(database)
        finally:
            await database.close()

    return _run(to_the_end())


@contextmanager
def _told() -> Iterator[None]:
    """Whatever goes wrong inside becomes one line for the operator, with the way out, and an exit code."""
    try:
        yield
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except Exception as fault:  # noqa: BLE001 - the outermost place; an operator never sees a traceback of ours
        _end(fault)


def _end(fault: Exception) -> NoReturn:
    from sqlalchemy.exc import DBAPIError, InterfaceError

    from bot.settings import BadSettings, NotPossible
    from storage.backup import BadBackup
    from storage.migrate import NotReady

    code = TROUBLE
    match fault:
        case BadSettings():
            lines, code = list(fault.problems), WRONG_USE
        case NotReady() | BadBackup() | NotPossible():
            lines = [str(fault)]
        case FileExistsError():
            lines = [f"{fault}. Name another file: nothing is ever replaced."]
        case OSError(errno=errno.EADDRINUSE):
            lines = ["The address is taken by another program. End it, or set MENKOU_LISTEN to another port."]
        case OSError(errno=errno.EACCES | errno.EPERM | errno.EROFS | errno.ENOSPC):
            lines = [f"{fault.strerror}: {fault.filename or 'a file of Menkou'}. `menkou doctor` tells more."]
        case InterfaceError() | DBAPIError(connection_invalidated=True) | ConnectionError() | TimeoutError():
            lines = [f"The database does not answer ({type(fault).__name__}). `menkou doctor` tells more."]
        case _ if type(fault).__module__.split(".")[0] in ("asyncpg", "sqlite3", "sqlalchemy"):
            lines = [f"The database refused ({_kind(fault)}). `menkou doctor` tells more."]
            _note(fault)
        case _:
            lines = [f"Menkou broke: {type(fault).__name__}. What is above tells where; please report it."]
            _note(fault)
    for line in lines:
        typer.secho(f"menkou: {line}", err=True, fg="red" if sys.stderr.isatty() else None)
    raise typer.Exit(code)


def _kind(fault: Exception) -> str:
    """The driver's own name for what is wrong; its text may quote a row."""
    inner = getattr(fault, "orig", None) or fault
    return type(inner.__cause__ or inner).__name__


def _note(fault: Exception) -> None:
    """With its frames and without values, through the log's redaction."""
    import structlog

    structlog.get_logger("menkou").critical("broke", exc_info=fault)


Told = Callable[[str, int, int], None]
"""What is being done, how far, of how much (0: nobody knows)."""


@contextmanager
def _progress(title: str) -> Iterator[Told]:
    """A progress bar on a terminal, silence elsewhere."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def told(what: str, done: int, whole: int) -> None:
            bar.update(task, description=f"{title}: {what}", completed=done, total=whole or None)

        yield told


COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def _show(lines: list[Finding]) -> None:
    """One line a finding; the fix stands under it."""
    width = max(len(line.name) for line in lines)
    coloured = sys.stdout.isatty()
    for line in lines:
        level = typer.style(f"{line.level:<4}", fg=COLOURS[line.level].split()[-1], bold=line.level == "fail")
        typer.echo(f"{level if coloured else f'{line.level:<4}'}  {line.name:<{width}}  {line.says}")
        if line.fix:
            typer.echo(f"{'':<4}  {'':<{width}}  → {line.fix}")


def _list_settings() -> None:
    from bot.settings import describe

    for name, (default, sentence) in describe().items():
        typer.echo(f"{name}{f' = {default}' if default else ''}\n    {sentence}")
