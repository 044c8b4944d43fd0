"""Who may import whom: the house's table, held against the imports that are written in the sources.

Every import counts: at the top, inside a function, under TYPE_CHECKING, by `importlib.import_module("...")`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("bot", "handlers", "storage", "tests", "benchmarks")
READ = ("bot", "handlers", "storage")

SQL = frozenset({"sqlalchemy", "alembic", "aiosqlite", "asyncpg", "sqlite3"})
SDKS = frozenset({"aiogram", "wechatpy", "aiohttp"})
CLOCKS = frozenset({"time", "sched", "apscheduler"})
SHOWN = frozenset({"gettext", "babel", "jinja2", "rich", "prompt_toolkit", "typer"})
"""What words for people are made with."""
EVERYTHING = frozenset(READ)


@dataclass(frozen=True)
class Row:
    may: frozenset[str]
    """Prefixes of our modules, beside the part itself."""
    never: frozenset[str] = frozenset()
    """Libraries by their top name."""
    reads_clock: bool = True
    """Whether it may ask what time it is; who may not is told."""


def row(*may: str, never: frozenset[str] = frozenset(), reads_clock: bool = True) -> Row:
    return Row(frozenset(may), never, reads_clock)


# The longest prefix that fits a module names its part. What is said of `bot` holds for whatever has no row of its own:
# the outer ring (command line, settings, doctor, backup ...), which only the outer ring imports.
TABLE: Mapping[str, Row] = {
    "bot.facts": row(never=SQL | SDKS | CLOCKS | SHOWN, reads_clock=False),
    "bot.domain": row("bot.facts", never=SQL | SDKS | CLOCKS | SHOWN, reads_clock=False),
    "bot.talk": row("bot.facts", never=SQL | SDKS | CLOCKS, reads_clock=False),
    "storage": row("bot.domain", "bot.talk.session"),
    "storage.migrations": row("storage"),
    "bot.desk": row("bot.domain", "storage"),
    "handlers": row("bot.talk", "bot.desk", "bot.domain", never=SQL | SDKS),
    "bot.channels": row("bot.talk"),
    "bot.delivery": row("bot.domain", "storage", "bot.talk", never=SDKS),
    "bot.pages": row("bot.desk", "bot.domain", "bot.talk"),
    "bot.papers": row("bot.desk", "bot.domain", "bot.talk"),
    "bot.turn": row("bot.talk", "bot.desk", "bot.delivery", "storage"),
    "bot.clock": row("bot.talk", "bot.desk", "bot.delivery", "storage"),
    "bot.app": row(*EVERYTHING),
    "bot.commands": row(*EVERYTHING),
    "bot.cli": row(*EVERYTHING),
    "bot.__main__": row("bot.cli"),
    "bot": row(*EVERYTHING),
}

ONLY_FROM = {
    "bot.app": frozenset({"bot.commands"}),
    "bot.commands": frozenset({"bot.cli"}),
    "bot.cli": frozenset({"bot.__main__"}),
}
"""Who alone imports these."""

TELLS_TIME = {"now", "utcnow", "today"}


@dataclass(frozen=True)
class Import:
    module: str
    """Dotted name as written, with the imported name where that is a module of ours."""
    line: int


# --- Reading -------------------------------------------------------------------------------------------------------


def sources() -> dict[str, str]:
    """Every module of ours by its dotted name, with its text."""
    found = {}
    for path in sorted(path for top in READ for path in (ROOT / top).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def packages() -> set[str]:
    return {".".join(path.parent.relative_to(ROOT).parts) for top in READ for path in (ROOT / top).rglob("__init__.py")}


def imports(module: str, text: str, known: set[str], *, is_package: bool = False) -> Iterator[Import]:
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from (Import(name.name, node.lineno) for name in names)
            case ast.ImportFrom(module=source, names=names, level=level):
                if level:
                    here = module.split(".")
                    # One dot is the package itself, each further one its parent.
                    here = here[: len(here) - level + is_package]
                    source = ".".join([*here, *([source] if source else [])])
                for name in names:
                    whole = f"{source}.{name.name}"
                    yield Import(whole if whole in known else str(source), node.lineno)
            case ast.Call(args=[ast.Constant(value=str(name)), *_], func=func) if _name(func) in {
                "import_module",
                "__import__",
            }:
                yield Import(name, node.lineno)


def clock_reads(text: str) -> Iterator[int]:
    """Lines that ask `datetime` or `date` what time it is, called or handed on as a function."""
    tree = ast.parse(text)
    called = {"datetime", "date"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "datetime":
            called |= {name.asname for name in node.names if name.name in {"datetime", "date"} and name.asname}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in TELLS_TIME and _name(node.value) in called:
            yield node.lineno


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


# --- Judging -------------------------------------------------------------------------------------------------------


def part_of(module: str) -> str:
    return max((part for part in TABLE if _under(module, part)), key=len)


def _under(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def breaches(module: str, text: str, known: set[str], *, is_package: bool = False) -> list[str]:
    """What this module does that the table does not let it do, each as one sentence."""
    part = part_of(module)
    rules = TABLE[part]
    found = []
    for wanted in imports(module, text, known, is_package=is_package):
        where = f"{module}:{wanted.line} imports {wanted.module}"
        top = wanted.module.partition(".")[0]
        if top in rules.never:
            found.append(f"{where}, which {part} never does")
        if top not in OURS:
            continue
        if top not in READ:
            found.append(f"{where}, which is not part of the program")
            continue
        target = part_of(wanted.module)
        if target != part and not _may(rules, wanted.module, target):
            found.append(f"{where}; {part} may import {', '.join(sorted(rules.may)) or 'nothing of ours'}")
        if wanted.module in ONLY_FROM and module not in ONLY_FROM[wanted.module]:
            found.append(f"{where}, which only {', '.join(ONLY_FROM[wanted.module])} may")
    if not rules.reads_clock:
        found += [f"{module}:{line} reads the clock; {part} is told what time it is" for line in clock_reads(text)]
    return found


def _may(rules: Row, wanted: str, target: str) -> bool:
    # `storage` in a row does not open its migrations: nobody needs them but Alembic and the outer ring.
    return any(
        _under(wanted, prefix) and (rules.may == EVERYTHING or target != "storage.migrations") for prefix in rules.may
    )


def cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import one another in a circle (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for after in sorted(graph.get(node, ())):
            if after not in index:
                visit(after)
                low[node] = min(low[node], low[after])
            elif after in stack:
                low[node] = min(low[node], index[after])
        if low[node] == index[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1 or node in graph.get(node, ()):
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def graph_of(texts: Mapping[str, str], package_names: set[str]) -> dict[str, set[str]]:
    """Which module imports which, among the given ones."""
    known = set(texts)
    return {
        module: {
            wanted.module
            for wanted in imports(module, text, known, is_package=module in package_names)
            if wanted.module in known
        }
        for module, text in texts.items()
    }


# --- The house -----------------------------------------------------------------------------------------------------


def test_every_module_imports_only_what_its_part_may() -> None:
    texts, package_names = sources(), packages()
    found = [
        breach
        for module, text in texts.items()
        for breach in breaches(module, text, set(texts), is_package=module in package_names)
    ]
    assert not found, "\n".join(found)


def test_no_module_imports_itself_by_a_detour() -> None:
    found = cycles(graph_of(sources(), packages()))
    assert not found, "\n".join(" <-> ".join(group) for group in found)


def test_the_root_package_is_empty() -> None:
    assert (ROOT / "bot" / "__init__.py").read_text() == ""


def test_something_was_read() -> None:
    assert {"bot", "handlers", "storage"} <= set(sources())
    assert any(graph_of(sources(), packages()).values()), "not one import among our own modules"


# --- Negative controls ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("bot.domain.people", "import sqlalchemy"),
        ("bot.domain.people", "from sqlalchemy.orm import Session"),
        ("bot.domain.people", "import aiogram.types"),
        ("bot.domain.people", "from wechatpy import parse_message"),
        ("bot.domain.people", "from aiohttp import web"),
        ("bot.domain.people", "import time"),
        ("bot.domain.people", "from gettext import gettext as _"),
        ("bot.domain.people", "from bot.talk.wording import _"),
        ("bot.domain.people", "from ..talk import wording"),
        ("bot.domain.people", "def late():\n    from storage import tables"),
        ("bot.domain.people", "if TYPE_CHECKING:\n    from storage import tables"),
        ("bot.domain.people", "import importlib\nimportlib.import_module('bot.desk.enrolment')"),
        ("bot.domain.people", "from datetime import datetime\ndatetime.now()"),
        ("bot.domain.people", "import datetime as d\nd.datetime.utcnow()"),
        ("bot.domain.people", "from datetime import date as day\nday.today()"),
        ("bot.domain.people", "from datetime import datetime\nfield(default_factory=datetime.now)"),
        ("bot.talk.script", "from bot.domain import people"),
        ("bot.talk.script", "from bot import domain"),
        ("bot.talk.script", "import aiogram"),
        ("bot.talk.script", "from time import monotonic"),
        ("storage.queries", "from bot.talk.script import Script"),
        ("storage.queries", "from bot.desk import enrolment"),
        ("storage.queries", "import handlers.join"),
        ("storage.migrations.versions.first", "from bot.domain import people"),
        ("bot.desk.enrolment", "from bot.talk.view import View"),
        ("bot.desk.enrolment", "from storage.migrations import env"),
        ("handlers.join", "from storage import database"),
        ("handlers.join", "from bot.channels import telegram"),
        ("handlers.join", "import sqlalchemy as sa"),
        ("bot.channels.web", "from bot.domain import people"),
        ("bot.channels.web", "from bot.desk import enrolment"),
        ("bot.channels.web", "from storage.database import Database"),
        ("bot.delivery.sender", "import aiogram"),
        ("bot.delivery.sender", "import handlers.join"),
        ("bot.delivery.sender", "from bot.channels import telegram"),
        ("bot.pages.city", "from storage import database"),
        ("bot.papers.poster", "from bot.channels import web"),
        ("bot.turn", "from bot.channels import web"),
        ("bot.clock", "import handlers.join"),
        ("bot.clock", "from bot.settings import Settings"),
        ("bot.turn", "from bot.app import App"),
        ("bot.doctor", "from bot.app import App"),
        ("bot.doctor", "from bot import commands"),
        ("bot.app", "from bot import commands"),
        ("bot.cli", "from bot.app import App"),
        ("bot.commands", "from bot.cli import main"),
        ("bot.app", "from bot.cli import main"),
        ("bot.app", "from tests.postgres import server"),
    ],
)
def test_a_forbidden_import_is_caught(module: str, text: str) -> None:
    known = {"bot.domain", "bot.talk", "bot.talk.wording", "bot.domain.people", "bot.commands", "storage.tables"}
    assert breaches(module, text, known)


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("bot.domain.people", "from bot.domain import roles\nfrom datetime import datetime, time, timedelta"),
        ("bot.domain.people", "now = forecast.now()"),
        ("storage.queries", "from bot.talk.session import Session\nimport sqlalchemy"),
        ("bot.desk.enrolment", "from bot.domain import people\nfrom storage import database"),
        (
            "handlers.join",
            "from bot.talk import view\nfrom bot.desk import enrolment\nfrom bot.domain.people import Joined",
        ),
        ("bot.channels.telegram", "import aiogram\nfrom bot.talk.door import Door"),
        ("bot.delivery.sender", "from bot.talk.door import Door\nfrom storage import tables\nimport time"),
        ("bot.turn", "from bot.delivery import planner\nfrom bot.talk import router\nfrom storage import database"),
        ("storage.migrations.env", "from storage.tables import metadata\nfrom alembic import context"),
        ("bot.commands", "from bot.app import App"),
        ("bot.cli", "from bot import commands\nfrom bot.settings import Settings\nfrom storage.migrations import env"),
        ("bot.__main__", "from bot.cli import main"),
    ],
)
def test_an_import_that_the_table_allows_passes(module: str, text: str) -> None:
    assert breaches(module, text, {"bot.talk", "bot.domain", "bot.commands", "storage.tables"}) == []


def test_a_circle_of_modules_is_caught() -> None:
    texts = {
        "bot.talk.a": "from bot.talk import b",
        "bot.talk.b": "def late():\n    from bot.talk.c import see",
        "bot.talk.c": "if TYPE_CHECKING:\n    import bot.talk.a",
        "bot.talk.d": "from bot.talk import a",
    }
    assert cycles(graph_of(texts, set())) == [["bot.talk.a", "bot.talk.b", "bot.talk.c"]]


def test_a_tree_of_modules_is_no_circle() -> None:
    texts = {
        "bot.talk.a": "from bot.talk import b, c",
        "bot.talk.b": "from bot.talk import c",
        "bot.talk.c": "import ast",
    }
    assert cycles(graph_of(texts, set())) == []


def test_the_libraries_of_the_never_column_are_real_names() -> None:
    # A misspelt name would forbid nothing.
    import importlib.util

    for name in SQL | SDKS | CLOCKS | SHOWN:
        assert name in sys.stdlib_module_names or importlib.util.find_spec(name), name
