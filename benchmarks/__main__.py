"""`python -m benchmarks`: all of it in one run, one table, and the same as `benchmarks/results.md`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import structlog
from rich.console import Console

from benchmarks import claims, fanout, joins, ledger, machine, planner, queues, ready, sending, turns, wechat
from benchmarks.report import Line, Report

RESULTS = Path(__file__).with_name("results.md")

TURN = (
    "a turn runs six to fourteen statements, seals what was said and answered, words a page, keeps it and writes a "
    "record; the echo reads an update and writes one call. What is left is Python, and on PostgreSQL asyncpg's "
    "journeys, which turns share where they wait"
)
CORE = (
    "a look also asks which campaigns take turns, reads intentions and makes objects of rows; results are objects too, "
    "and are sorted into what they have in common; on SQLite look, claim and record each cross into a thread and back"
)
JOINS = (
    "nothing of ours is waited for behind the lock; what is left is the processor that asyncio has: a look, the gates, "
    "the log's seal and two journeys are a quarter of a millisecond of Python for each join"
)
SENDER = (
    "each message is looked at, decided by what is true now, put into its reader's words and written down twice; the "
    "pool posts a ready text and keeps nothing"
)
AIOGRAM = "importing aiogram takes half a CPU second; its models are built when they are first used"


PAID = 940.0
"""Messages a second against a limit of 1,000, as 28 stand against one of 30: at 960 some seconds get too many, the
platform refuses, and each refusal halts the account."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write after each subject; 1 if one broke. A missed aim is no error: it stands in the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few minutes; the figures are coarser")
    parser.add_argument("--only", choices=tuple(SUBJECTS), help="one subject; writes no file")
    given = parser.parse_args(arguments)
    console = Console()
    # A line for each turn of a measurement would be all that one sees.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    names = [name for name in SUBJECTS if given.only in (None, name)]
    report = Report(machine.describe(), given.quick, waiting=names)
    for name in list(names):
        with console.status(f"Measuring {name} ..."):
            try:
                report.measured(name, SUBJECTS[name](given.quick), machine.load())
            except Exception as error:  # noqa: BLE001 - the other subjects' figures are not lost
                console.print_exception()
                report.broke(name, error, machine.load())
        if given.only is None:
            RESULTS.write_text(report.page(), encoding="utf-8")
    console.print(report.table())
    if given.only is None:
        console.print(f"Written to {RESULTS}")
    return 1 if report.broken else 0


def _turns(quick: bool) -> list[Line]:
    with turns.databases() as made:
        rows = turns.webhook(made, *((3, 1.0) if quick else (7, 4.0)))
        alone = turns.direct(made, 2.0 if quick else 6.0)
        made.cores.share()
        mixed = turns.webhook(made, *((1, 1.0) if quick else (5, 4.0)))
    echo = next(row for row in rows if row.name == turns.ECHO)
    bare = next(row for row in rows if row.name == turns.BARE)
    lines = [
        Line(
            f"{row.name}: webhook calls a second",
            f"{row.rate:,.0f} ({row.cpu:.2f} ms CPU each, p95 {row.p95:.0f} ms at 64 at once)",
        )
        for row in rows
    ]
    for row in rows:
        if row not in (echo, bare):
            found = f"{_beside(row, echo)} ({row.rate / bare.rate:.3f} of bare)"
            lines.append(Line(f"{row.name}, beside aiogram's echo", found, "≥ 0.5", row.rate >= 0.5 * echo.rate, TURN))
    echo = next(row for row in mixed if row.name == turns.ECHO)
    for row in mixed:
        if row.name not in (turns.ECHO, turns.BARE):
            found = f"{_beside(row, echo)} ({row.rate:,.0f} of {echo.rate:,.0f} a second)"
            what = f"{row.name}, beside the echo, all on any core"
            lines.append(Line(what, found, "≥ 0.5", row.rate >= 0.5 * echo.rate, TURN))
    for name, figures in alone.items():
        acts = ", ".join(f"{act} {figures[act]:.1f}" for act in ("find", "join", "confirm", "hours"))
        found = f"{figures['rate']:,.0f} ({figures['cpu']:.2f} ms CPU each; alone, in ms: {acts})"
        lines.append(Line(f"Turns without a door, {name}: a second", found))
    return lines


def _beside(row: turns.Row, echo: turns.Row) -> str:
    return f"{row.rate / echo.rate:.2f} by calls, {echo.cpu / row.cpu:.2f} by CPU"


def _wechat(quick: bool) -> list[Line]:
    paced = wechat.measure(10.0 if quick else 60.0)
    what = f"WeChat, encrypted, {paced.rate:.0f} a second, SQLite FULL"
    return [
        Line(f"{what}: p50", f"{paced.p50:.1f} ms of {paced.answers:,} answers, {paced.texts:,} of them texts"),
        Line(f"{what}: p95", f"{paced.p95:.1f} ms", "≤ 150 ms", paced.p95 <= 150),
        Line(f"{what}: p99", f"{paced.p99:.1f} ms", "≤ 500 ms", paced.p99 <= 500),
        Line(f"{what}: longest", f"{paced.most:.1f} ms", "≤ 4,500 ms", paced.most <= 4_500),
    ]


def _ready(quick: bool) -> list[Line]:
    found = ready.measure(1 if quick else 5)
    return [
        Line("Process start to /readyz 200", f"{found.seconds:.2f} s", "≤ 3 s", found.seconds <= 3),
        Line(
            "The same with Telegram",
            f"{found.seconds_with_telegram:.2f} s",
            "≤ 3 s",
            found.seconds_with_telegram <= 3,
            AIOGRAM,
        ),
        Line("Resident memory, idle", f"{found.idle:.0f} MB", "≤ 200 MB", found.idle <= 200),
        Line(
            "Resident memory with Telegram",
            f"{found.with_telegram:.0f} MB",
            "≤ 200 MB",
            found.with_telegram <= 200,
            AIOGRAM,
        ),
        Line(
            f"Resident memory with Telegram after {ready.HELD:,} people wrote",
            f"{found.with_people:.0f} MB",
            "≤ 200 MB",
            found.with_people <= 200,
            AIOGRAM,
        ),
    ]


def _ledger(quick: bool) -> list[Line]:
    records = 100_000 if quick else 1_000_000
    again = ledger.counted_again(records)
    found = f"{again:.1f} s ({records / again:,.0f} a second)"
    lines = [Line(f"{records:,} records counted again by the rules", found)]
    for one in ledger.stored(records):
        lines += [
            Line(f"{one.records:,} records summed up by person, {one.name}", f"{one.summed:.2f} s"),
            Line(
                f"“hours” of a volunteer with {ledger.BUSY:,} records, {one.name}",
                f"{one.hours:.1f} ms the whole turn; the list of records {one.records_page:.1f} ms",
            ),
        ]
    return lines


def _fanout(quick: bool) -> list[Line]:
    people = 100_000 if quick else 1_000_000
    lines: list[Line] = []
    for name, made in fanout.measure(people, 3 if quick else 1).items():
        share = made.planned / made.bare
        found = f"{made.planned:,.0f} in chunks; bare {made.bare:,.0f}, {made.copied:,.0f} if it asks nothing"
        lines += [
            Line(f"Fan-out to {people:,}, {name}: rows a second", found),
            Line(f"Fan-out, {name}, beside one bare INSERT … SELECT", f"{share:.2f}", "≥ 0.5", share >= 0.5),
        ]
    alone, beside = fanout.beside(people, 3.0 if quick else 10.0)
    added = beside - alone
    what = f"p99 {beside:.1f} ms, alone {alone:.1f} ms"
    lines.append(Line("Small turns beside a fan-out, SQLite", what, "≤ 10 ms added", added <= 10))
    return lines


def _claims(quick: bool) -> list[Line]:
    rows = 20_000 if quick else 200_000
    lines: list[Line] = []
    for name, through in claims.measure(rows).items():
        aim = 0.5 if name == "SQLite" else 0.7
        share = through.ours / through.bare
        cpu = f"CPU {through.ours_cpu:.0f} and {through.bare_cpu:.0f} µs"
        found = f"{through.ours:,.0f}, bare {through.bare:,.0f}; {cpu}"
        lines += [
            Line(f"Look, claim and record, {name}: rows a second", found),
            Line(f"The same beside the bare driver, {name}", f"{share:.2f}", f"≥ {aim}", share >= aim, CORE),
        ]
    for name, rate in queues.measure(rows // 10).items():
        found = "not measured: it is not installed here" if rate is None else f"{rate:,.0f}"
        lines.append(Line(f"{name}, jobs that do nothing, PostgreSQL: a second", found))
    return lines


def _joins(quick: bool) -> list[Line]:
    lines: list[Line] = []
    for name, rates in joins.measure(*((200, 2) if quick else (960, 5))).items():
        desk = rates.pop(joins.DESK)
        lines.append(Line(f"Joins at one activity that everybody wants, by the desk, {name}: a second", f"{desk:,.0f}"))
        # Where pgbench is not there, our own loop over the bare driver stands in for it, by its name.
        measure = joins.PGBENCH if joins.PGBENCH in rates else joins.BARE
        for way, rate in rates.items():
            aimed = name == "PostgreSQL" and way == measure
            line = Line(f"The same beside {way}, same statements, {name}", f"{desk / rate:.2f} of {rate:,.0f}")
            lines.append(replace(line, aim="≥ 0.8", reached=desk >= rate * 0.8, why=JOINS) if aimed else line)
    return lines


def _sending(quick: bool) -> list[Line]:
    messages = 2_000 if quick else 20_000
    lines: list[Line] = []
    for latency in (0.0, 0.05):
        sent = sending.measure(messages, latency)
        pool = sent.pop("pool")
        for name, one in sent.items():
            share = one.heard.rate / pool.heard.rate
            found = f"{share:.2f} ({one.heard.rate:,.0f} and {pool.heard.rate:,.0f} a second; "
            found += f"CPU {one.cpu:.2f} and {pool.cpu:.2f} ms)"
            what = f"Sending, answers after {latency * 1e3:.0f} ms, {name}, beside an aiohttp pool"
            lines.append(Line(what, found, "≥ 0.75", share >= 0.75, SENDER))
    for name, rate in sending.broadcaster(200 if quick else 1_000).items():
        found = "not measured: it is not installed here" if rate is None else f"{rate:,.0f}"
        lines.append(Line(f"aiogram-broadcaster with its SQL storage, answers after 0 ms, {name}: a second", found))
    free = sending.paced(300 if quick else 1_500, 28.0, 30).heard
    refused = free.refused / free.calls
    found = f"{free.rate:.1f} a second, {refused:.1%} refused"
    good = free.rate >= 27.5 and refused <= 0.01
    lines.append(Line("Telegram's free limit, 30 a second", found, "≥ 27.5, ≤ 1 %", good))
    paid = sending.paced(messages, PAID, 1_000, warming=sending.WARMING).heard
    refused = paid.refused / paid.calls
    what, found = "Telegram's paid limit, 1,000 a second", f"{paid.rate:,.0f} a second, {refused:.1%} refused"
    lines.append(Line(what, found, "≥ 900", paid.rate >= 900, SENDER))
    few, many = (10_000, 100_000) if quick else (10_000, 1_000_000)
    light, heavy = sending.weigh((few, many), 1_000)
    found = f"{light:.0f} MB with {few:,}, {heavy:.0f} MB with {many:,}"
    lines.append(Line("Resident memory of a sender by messages waiting", found, "flat (≤ 10 %)", heavy <= light * 1.1))
    half, most, count = sending.urgent(20_000, 10.0 if quick else 60.0)
    found = f"p50 {half:.2f} s, p99 {most:.2f} s of {count}"
    lines.append(Line("A reminder behind a campaign at 28 a second", found, "≤ 1 s (p99)", most <= 1.0))
    return lines


def _planner(quick: bool) -> list[Line]:
    people = 100_000 if quick else 1_000_000
    return [
        Line(
            f"Plan of routes for {people:,} people, {name}",
            f"{seconds:.1f} s, {legs} routes",
            "≤ 30 s",
            seconds <= 30,
        )
        for name, (seconds, legs) in planner.measure(people).items()
    ]


SUBJECTS = {
    "turns": _turns,
    "wechat": _wechat,
    "ready": _ready,
    "planner": _planner,
    "fanout": _fanout,
    "claims": _claims,
    "joins": _joins,
    "sending": _sending,
    "ledger": _ledger,
}


if __name__ == "__main__":
    sys.exit(main())
