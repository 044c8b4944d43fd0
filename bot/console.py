"""What an operator sees of a command: how far it is, what was found, and one line with the way out of trouble.

What costs time to import is imported inside: `menkou --help` answers at once.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from bot.checks import Finding

TROUBLE = 1
WRONG_USE = 2
"""Also typer's own, for a wrong option."""
INTERRUPTED = 130
"""A shell's figure for Ctrl-C."""

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@contextmanager
def explained() -> Iterator[None]:
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
    from storage.snapshot import is_spoilt

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
        case _ if is_spoilt(fault):
            lines = ["The database's file is damaged. Keep it, and `menkou restore` the last backup into a new one."]
        case _ if type(fault).__module__.split(".")[0] in ("asyncpg", "sqlite3", "sqlalchemy"):
            lines = [f"The database refused ({_kind(fault)}). `menkou doctor` tells more."]
            _note(fault)
        case _:
            lines = [f"Menkou broke: {type(fault).__name__}. What is above tells where; please report it."]
            _note(fault)
    for line in lines:
        typer.secho(f"menkou: {line}", err=True, fg="red" if sys.stderr.isatty() else None)
    raise typer.Exit(code)


def warn(line: str) -> None:
    """What the operator should know, though the command goes on."""
    typer.secho(f"menkou: {line}", err=True, fg="yellow" if sys.stderr.isatty() else None)


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
def progress(title: str) -> Iterator[Told]:
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


@contextmanager
def table_by_table(title: str) -> Iterator[Callable[[str, int], None]]:
    """The same for what goes through all tables: which one, and how many rows of it."""
    with progress(title) as told:
        yield lambda table, rows: told(f"{table} {rows:,}", 0, 0)


def show(lines: list[Finding]) -> None:
    """One line a finding; the fix stands under it."""
    width = max(len(line.name) for line in lines)
    coloured = sys.stdout.isatty()
    for line in lines:
        level = typer.style(f"{line.level:<4}", fg=COLOURS[line.level].split()[-1], bold=line.level == "fail")
        typer.echo(f"{level if coloured else f'{line.level:<4}'}  {line.name:<{width}}  {line.says}")
        if line.fix:
            typer.echo(f"{'':<4}  {'':<{width}}  → {line.fix}")


def list_settings() -> None:
    """Every setting with its default and what it is for."""
    from bot.settings import describe

    for name, (default, sentence) in describe().items():
        typer.echo(f"{name}{f' = {default}' if default else ''}\n    {sentence}")
