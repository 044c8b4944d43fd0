"""The command line: `menkou demo`, `chat`, `serve` and what an operator needs beside them.

What a command needs is imported inside it: `menkou --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.console import TROUBLE, explained, list_settings, progress, show, table_by_table, warn
from bot.running import log, operating, run, run_with

if TYPE_CHECKING:
    from storage.database import Database

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
    # The database, its log and its copies are for whoever runs Menkou: not everything in them is sealed.
    os.umask(0o077)
    # Chinese goes in and out whatever the machine's locale says; what cannot be shown becomes a question mark.
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    menkou()


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
    with explained():
        from bot.settings import for_demo, load

        given = load()
        settings = for_demo(given, folder)
        # Somebody is trying Menkou out: requests and turns are not what the terminal is for.
        log(settings, settings.log_level if "log_level" in given.model_fields_set else "warning")
        from bot import commands

        run(commands.demo(settings, folder))


@menkou.command()
def chat(
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Who you are; `menkou demo` names people to be.")
    ] = None,
) -> None:
    """Talk in this terminal: with your city, or with the demonstration city while you have none."""
    with explained():
        from bot.settings import for_demo, load

        given = load()
        own = given.secret_key is not None
        settings = given if own else for_demo(given, DEMO)
        # The conversation is on this screen; only what is broken may interrupt it.
        log(settings, "error")
        from bot import commands

        run(commands.chat(settings, name, None if own else DEMO))


@menkou.command()
def serve() -> None:
    """Serve the city: all doors that are set up, the pages, the clock and the sender."""
    with operating() as settings:
        from bot import commands

        run(commands.serve(settings))


@menkou.command()
def migrate() -> None:
    """Bring the database's schema to the revision that this version needs."""
    with operating("warning", key=False) as settings:
        from storage import migrate as migrations

        async def bring(database: Database) -> migrations.Migrated:
            # SQLite is copied first, as at start; on PostgreSQL nobody else migrates meanwhile.
            if database.dialect == "sqlite":
                return await migrations.prepare(database)
            return await migrations.upgrade(database)

        done = run_with(settings, bring)
        if done.copy:
            typer.echo(f"Copied to {done.copy} before.")
        typer.echo(f"{done.before or 'nothing'} → {done.after}" if done.changed else f"At {done.after} already.")


@menkou.command()
def doctor(
    settings: Annotated[bool, typer.Option("--settings", help="List every setting instead.")] = False,
    ask: Annotated[bool, typer.Option(help="Ask the platforms whether they know us.")] = True,
) -> None:
    """Look over the settings, the database and the doors: each line is ok, warn or fail, with the fix."""
    if settings:
        list_settings()
        return
    with explained():
        from bot import doctor as practice
        from bot.settings import BadSettings, load

        try:
            found = load()
        except BadSettings as bad:
            lines = practice.examine_problems(bad)
        else:
            log(found, "error")
            asks: dict[str, practice.Ask] = {}
            if ask and (found.telegram_token or found.wechat_app_secret):
                from bot import commands

                asks = {"telegram": commands.ask_telegram, "wechat": commands.ask_wechat}
            lines = run(practice.Doctor(asks).examine(found))
        show(lines)
    if any(line.level == "fail" for line in lines):
        raise typer.Exit(TROUBLE)


@city.command()
def fill(
    volunteers: Annotated[int, typer.Option(min=1, max=20_000_000)] = 2_000,
    activities: Annotated[int, typer.Option(min=1, max=2_000_000)] = 300,
    seed: Annotated[int, typer.Option(help="The same seed makes the same city.")] = 1,
) -> None:
    """Fill an empty city with made-up people and activities, for trials and load."""
    with operating("warning") as settings:
        from bot import commands

        with progress("Filling the city") as told:
            typer.echo(run(commands.fill(settings, volunteers, activities, seed, told)))


@admin.command()
def grant(
    number: Annotated[str, typer.Argument(help="The person's volunteer number; “my data” in the chat shows it.")],
    role: Annotated[str, typer.Argument(help="The role.")],
    node: Annotated[str, typer.Argument(help="The organisation's number, or the place's code.")],
) -> None:
    """Give a person a role at an organisation or a place."""
    with operating("warning") as settings:
        from bot import commands

        typer.echo(run(commands.grant(settings, number, role, node)))


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
    with operating("warning") as settings:
        from bot import commands

        typer.echo(run(commands.register(settings, name, place, type_, english)))


@outbox.command("list")
def outbox_list() -> None:
    """List the messages that were given up, and those of which nobody knows whether they arrived."""
    with operating("warning") as settings:
        from bot import commands

        for line in run(commands.outbox_list(settings)) or ["Nothing waits for a decision."]:
            typer.echo(line)


@outbox.command("again")
def outbox_again(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[NUMBER]...", help="As listed; none: all that were given up.")
    ] = None,
) -> None:
    """Send messages again. One that is in doubt must be named: it may come twice."""
    with operating("warning") as settings:
        from bot import commands

        going, too_late = run(commands.outbox_again(settings, numbers or []))
        typer.echo(f"{going} go again." + (f" {too_late} cannot: too late, or sent already." if too_late else ""))


@menkou.command()
def backup(
    file: Annotated[Path | None, typer.Argument(help="Where to; by default a new file in var/backups.")] = None,
) -> None:
    """Write the whole city to one file, while it serves. Personal fields in it stay sealed."""
    with operating("warning", key=False) as settings:
        from storage import backup as backups

        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        to = file or BACKUPS / f"menkou-{stamp}.zip"
        with table_by_table("Backing up") as told:
            made = run_with(settings, lambda database: backups.dump(database, to, told=told))
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
    with operating("warning", key=False) as settings:
        from storage import backup as backups

        if check:
            found = run(backups.verify(file))
            typer.echo(f"Sound: {found.rows:,} rows of {len(found.tables)} tables, made at {found.made}.")
            return
        from bot import commands

        with table_by_table("Restoring") as told:
            done, again = run(commands.restore(settings, file, force, told))
        typer.echo(f"{done.rows:,} rows of {len(done.tables)} tables are back, as they were at {done.made}.")
        if again:
            typer.echo(f"{again} who were erased since then are erased again.")


@menkou.command()
def move(
    to: Annotated[
        str | None,
        typer.Option("--to", help="Where to, if MENKOU_MOVE_TO does not say it: postgresql+asyncpg://… or sqlite…"),
    ] = None,
) -> None:
    """Move the city into another, empty database; the old one stays as it is. Stop `menkou serve` first."""
    with operating("warning", key=False, move_to=to) as settings:
        from bot import commands
        from bot.settings import password_in

        if to and password_in(to):
            warn(
                "A password on the command line stands in the list of processes and in the shell's history. Change it "
                "when the city has moved; MENKOU_MOVE_TO_FILE names a file with the address instead."
            )
        with table_by_table("Moving") as told:
            moved = run(commands.move(settings, told))
        for table, rows in moved.tables:
            if rows:
                typer.echo(f"{table:20} {rows:>12,}")
        typer.echo(f"{moved.rows:,} rows of {len(moved.tables)} tables arrived; every value was compared.")
        typer.echo("Set MENKOU_DATABASE_URL to the new address and start `menkou serve`.")
        typer.echo("Move erased.txt and MENKOU_SECRET_KEY along; the old database still holds the city.")


@wechat.command()
def menu() -> None:
    """Set the account's menu from the conversations that Menkou has."""
    with operating("warning", key=False) as settings:
        from bot import commands

        typer.echo(run(commands.set_wechat_menu(settings)))
