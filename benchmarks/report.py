"""The table of what was measured: on the screen, and as the page that `results.md` is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.markup import escape
from rich.table import Table

PREFACE = """\
Compare figures of one run only: whatever else the machine does shifts them all. Each server ran in a process
of its own, a round each in turns; figures are medians over the rounds. Whoever takes whole turns, and the
echo and the bare server beside them, had a core alone, the database and the far end the others, but where it
says "on any core". A turn is whole: found, joined, confirmed and the hours asked for in equal parts, on disk
before its answer (SQLite with synchronous FULL, PostgreSQL with fsync). aiogram's echo and the bare server
keep nothing. Only the socket to the Bot API is left out, on both sides: calls are encoded, answers parsed."""

REASON = 200
"""Letters of an error that a cell of the table holds."""


@dataclass(frozen=True)
class Line:
    """A line of the table: what was measured, what came out, what was aimed at, whether it was reached."""

    what: str
    found: str
    aim: str = ""
    reached: bool | None = None
    why: str = ""
    """What stands in the way, for when it is not reached."""

    @property
    def verdict(self) -> str:
        """In a word."""
        return "" if self.reached is None else "yes" if self.reached else "no"


@dataclass
class Report:
    """A run's lines, subject by subject, whole or not."""

    about: list[tuple[str, str]]
    """What it was measured on: names and values."""
    quick: bool
    waiting: list[str]
    """Subjects still to come."""
    lines: list[Line] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    load: str = ""

    def measured(self, subject: str, lines: list[Line], load: str) -> None:
        """A subject has its figures."""
        self.waiting.remove(subject)
        self.lines += lines
        self.load = load

    def broke(self, subject: str, error: Exception, load: str) -> None:
        """A subject has none: its line says why."""
        reason = " ".join(str(error).split()) or "no more is known"
        if len(reason) > REASON:
            reason = reason[:REASON] + " …"
        self.broken.append(subject)
        self.measured(subject, [Line(f"Broken: {subject}", f"{type(error).__name__}: {reason}")], load)

    def table(self) -> Table:
        """For the screen."""
        caption = "\n".join(f"{name}: {value}" for name, value in self._about())
        table = Table(title="Menkou", caption=caption, caption_justify="left")
        for column in ("Measured", "Found", "Aim", "Reached"):
            table.add_column(column, overflow="fold")
        for line in self.lines:
            table.add_row(escape(line.what), escape(line.found), line.aim, line.verdict)
        return table

    def page(self) -> str:
        """In Markdown."""
        length = "a short run (`--quick`): coarse" if self.quick else "a full run"
        parts = [
            "# Measurements",
            "",
            f"By `make bench` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {length}.",
            PREFACE,
            "",
            *self._missing(),
            *(f"- {name}: {value}" for name, value in self._about()),
            "",
            "| Measured | Found | Aim | Reached |",
            "|---|---|---|---|",
            *(f"| {line.what} | {_cell(line.found)} | {line.aim} | {line.verdict} |" for line in self.lines),
            "",
        ]
        missed = [line for line in self.lines if line.reached is False]
        if missed:
            parts += ["Missed in this run:", ""]
            parts += [f"- {line.what}: {line.found}; the aim is {line.aim}{_because(line.why)}." for line in missed]
            parts.append("")
        return "\n".join(parts)

    def _missing(self) -> list[str]:
        said = [f"{', '.join(self.broken)} broke"] if self.broken else []
        said += [f"{', '.join(self.waiting)} still to come"] if self.waiting else []
        return [f"Not whole: {'; '.join(said)}.", ""] if said else []

    def _about(self) -> list[tuple[str, str]]:
        return [*self.about, ("Load average after", self.load)]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _because(why: str) -> str:
    return f". Why: {why}" if why else ""
