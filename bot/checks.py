"""The lines of an examination, a function each: of what was found it says ok, warn or fail, and what to do."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

from bot.domain.rulesets import Rules
from bot.settings import NEW_KEY, PREFIX, Settings
from bot.talk.wording import LANGUAGES
from storage.audit import Verified
from storage.condition import Condition
from storage.seals import Key

Level = Literal["ok", "warn", "fail"]

PYTHON = (3, 11)
DISK_FAIL = 200 * 1024**2
DISK_WARN = 2 * 1024**3
SKEW_WARN = 2.0
SKEW_FAIL = 15.0
"""Seconds: a check-in code lives for thirty."""

AGE_WARN = 60.0
AGE_FAIL = 900.0
SILENT_WARN = 30.0
"""Seconds; shorter silences are the platform's usual pace."""

MISCONFIGURED = re.compile(r"\b(40001|40013|40125|40164|61004|48001|48004|50002)\b|token|401")
"""In the reason for a silence: what no waiting mends."""

FLUSHING = ("fsync", "full_page_writes", "synchronous_commit")
"""PostgreSQL's settings without which a commit is not on disk when it is answered, or not whole after a power cut."""

BACKUP_AGE = timedelta(hours=24)
ENOUGH_MINUTES = 3
"""Minutes in which messages came before the quickest tells that our clock is ahead: after an outage all come late."""
DIFFERENT_SIGNS = 12
"""A key with fewer different signs was typed by hand."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    name: str
    level: Level
    says: str
    fix: str = ""


PUT_BACK = "Stop Menkou, put the file aside and keep it, and restore the last backup: `menkou restore FILE`."
"""The way out for a SQLite file that is damaged."""


def ok(name: str, says: str) -> Finding:
    """Well."""
    return Finding(name, "ok", says)


def warn(name: str, says: str, fix: str) -> Finding:
    """Works, but somebody should look."""
    return Finding(name, "warn", says, fix)


def fail(name: str, says: str, fix: str) -> Finding:
    """Does not work, or must not go on like this."""
    return Finding(name, "fail", says, fix)


# --- The machine -----------------------------------------------------------------------------------------------------


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """3.11 or newer."""
    shown = ".".join(map(str, version))
    if version[:2] < PYTHON:
        return fail("python", shown, "Install Python 3.11 or newer.")
    return ok("python", shown)


def check_folder(folder: Path) -> Finding:
    """Can Menkou write where it keeps its files?"""
    where = folder
    while not where.exists() and where != where.parent:
        where = where.parent
    if not os.access(where, os.W_OK | os.X_OK):
        return fail("folder", f"{folder} cannot be written", f"Give the user that runs Menkou the folder {where}.")
    return ok("folder", f"{folder} can be written")


def check_readers(files: Iterable[Path]) -> Finding:
    """Can everybody who has an account on this machine read these files?"""
    shown = [str(file) for file in files if _is_open(file)]
    if shown:
        return warn("readers", f"everybody here can read {', '.join(shown)}", f"Run `chmod o= {' '.join(shown)}`.")
    return ok("readers", "no file of ours is open to everybody on this machine")


def _is_open(file: Path) -> bool:
    """Readable for others, in a folder that they can reach. Elsewhere than on POSIX these bits say nothing."""
    if os.name != "posix" or not file.exists():
        return False
    reached = all(folder.stat().st_mode & stat.S_IXOTH for folder in file.resolve().parents)
    return reached and bool(file.stat().st_mode & stat.S_IROTH)


def check_disk(free: int) -> Finding:
    """`free`: bytes."""
    shown = f"{free / 1024**3:.1f} GiB free"
    if free < DISK_FAIL:
        return fail("disk", shown, "Make room: a full disk stops every sign-up.")
    if free < DISK_WARN:
        return warn("disk", shown, "Make room soon.")
    return ok("disk", shown)


# --- Settings --------------------------------------------------------------------------------------------------------


def check_settings(problems: Iterable[str]) -> list[Finding]:
    """The lines of BadSettings; none: well."""
    return [fail("settings", problem, "") for problem in problems] or [ok("settings", "every name and value is known")]


def check_key(settings: Settings) -> Finding:
    """Is there a secret key, and does it look made by chance?"""
    name = "secret key"
    if settings.secret_key is None:
        return fail(name, "is missing", f"Set {PREFIX}SECRET_KEY and keep it safe: {NEW_KEY}")
    key = settings.secret_key.get_secret_value()
    if len(set(key)) < DIFFERENT_SIGNS:
        return fail(name, "looks typed by hand", f"Make one by chance before anybody signs up: {NEW_KEY}")
    return ok(name, f"{len(key)} characters")


def check_address(settings: Settings) -> Finding:
    """Can the platforms and people reach the pages?"""
    name = "public address"
    connected = settings.telegram_token is not None or settings.wechat_app_id is not None
    if settings.public_url is None:
        if connected or not settings.on_loopback:
            return warn(name, "is not set", f"Set {PREFIX}PUBLIC_URL: links and QR codes lead to {settings.address}.")
        return ok(name, f"{settings.address}, this machine only")
    if settings.public_url.startswith("https://"):
        return ok(name, settings.public_url)
    if settings.on_loopback and not connected:
        return ok(name, f"{settings.public_url}, without TLS")
    return warn(name, f"{settings.public_url} is not https", "Put a proxy with a certificate in front of Menkou.")


def check_listen(settings: Settings) -> Finding:
    """Who can reach the server directly?"""
    if settings.on_loopback:
        return ok("listen", f"{settings.listen}, behind whatever proxy this machine has")
    if settings.chat:
        return warn(
            "listen", f"{settings.listen} with the web chat on: anybody in this network can talk to it",
            f"Set {PREFIX}LISTEN to 127.0.0.1:{settings.port} and put a proxy in front.",
        )  # fmt: skip
    return ok("listen", settings.listen)


def check_telegram(settings: Settings) -> Finding:
    """Settings only; whether Telegram knows the token is asked by `ask_telegram`."""
    if settings.telegram_token is None:
        return ok("telegram", f"not connected ({PREFIX}TELEGRAM_TOKEN connects it)")
    if settings.telegram_mode == "webhook":
        return ok("telegram", f"webhook at {settings.address}/telegram")
    return ok("telegram", "long polling")


def check_wechat(settings: Settings) -> list[Finding]:
    """Settings only."""
    name = "wechat"
    if settings.wechat_app_id is None:
        return [ok(name, f"not connected ({PREFIX}WECHAT_APP_ID connects it)")]
    found = []
    if settings.wechat_plaintext:
        found.append(
            fail(
                name, "plaintext mode: whoever has seen one message can write any other, in anybody's name",
                f"Choose safe mode in the console, set {PREFIX}WECHAT_AES_KEY, remove {PREFIX}WECHAT_PLAINTEXT.",
            )
        )  # fmt: skip
    else:
        found.append(ok(name, f"safe mode, messages at {settings.address}/wechat"))
    if settings.wechat_aes_key_previous is not None:
        found.append(
            warn(
                name, "the previous AES key is still accepted",
                f"Remove {PREFIX}WECHAT_AES_KEY_PREVIOUS a day after the change.",
            )
        )  # fmt: skip
    if settings.wechat_app_secret is None and settings.wechat_kind != "unverified":
        found.append(
            warn(
                name, "can answer, but not speak first", f"Set {PREFIX}WECHAT_APP_SECRET (AppSecret in the console).",
            )
        )  # fmt: skip
    return found


def check_rules(rules: Rules, today: date, named: Collection[str]) -> Finding:
    """By which rules minutes count today, and from when by others. `named`: the sets that records name."""
    name = "rules"
    lost = sorted(set(named) - {one.name for one in rules.sets})
    if lost:
        fix = f"Put the set back into the file that {PREFIX}RULES names: a record is counted again by its own rules."
        return fail(name, f"records name sets that are not there: {', '.join(lost)}", fix)
    now = rules.on(today)
    cap = f", at most {now.daily_cap / 60:g} h a day" if now.daily_cap else ""
    coming = "".join(f"; {one.english} from {one.since}" for one in rules.sets if one.since > today)
    return ok(name, f"{now.english}{cap}{coming}")


# --- The database ----------------------------------------------------------------------------------------------------


def check_migrations(found: str | None, newest: str, dialect: str) -> Finding:
    """Is the schema the one that this version needs?"""
    name = "migrations"
    if found == newest:
        return ok(name, f"at {newest}")
    has = "none yet" if found is None else f"at {found}, this version needs {newest}"
    if dialect == "sqlite":
        return warn(name, has, "Nothing to do: `menkou serve` brings it forward, after a copy.")
    return fail(name, has, "Run `menkou migrate`.")


def check_pragmas(journal: str, synchronous: int, foreign_keys: int) -> Finding:
    """SQLite as its connections have it: with less than FULL a power cut loses sign-ups that were answered."""
    wrong = [
        wrong
        for wrong, is_wrong in (
            (f"journal mode {journal}", journal != "wal"),
            (f"synchronous {synchronous}", synchronous < 2),
            ("foreign keys off", not foreign_keys),
        )
        if is_wrong
    ]
    if wrong:
        return fail("sqlite", ", ".join(wrong), "Keep the database on a local disk; network folders have no WAL.")
    return ok("sqlite", "WAL, synchronous FULL, foreign keys")


def check_pages(found: str) -> Finding:
    """SQLite's own look at every page: what is spoilt is often not met for weeks, and by then in the backups too."""
    return ok("pages", "whole") if found == "ok" else fail("pages", "the database's file is damaged", PUT_BACK)


def check_flushing(settings: Mapping[str, str]) -> Finding:
    """PostgreSQL as our connections have it: with one of these off a power cut loses what was answered, or more."""
    off = [name for name, value in settings.items() if value == "off"]
    if off:
        fix = "Switch it on, in postgresql.conf and for our role and database."
        return warn("postgresql", f"{', '.join(off)} off: a power cut loses what was answered", fix)
    return ok("postgresql", ", ".join(f"{name} {value}" for name, value in settings.items()))


def check_seal(found: Key) -> Finding:
    """Is the secret key the one with which this city's data were sealed?"""
    if found == "other":
        fix = "Set the key that was used before; with another one nobody's name or number can be read."
        return fail("seal", "the secret key is not the one of this database", fix)
    return ok("seal", "the secret key is this database's" if found == "same" else "no key was used yet")


def check_log(found: Verified) -> Finding:
    """Is the log of moves as it was written? Its head is worth noting elsewhere: nobody can make another one of it."""
    name = "log of moves"
    if found.fault is None:
        at = f", {found.at:%Y-%m-%d %H:%M} UTC" if found.at else ""
        waiting = f", {found.waiting} more sealed" if found.waiting else ""
        return ok(name, f"{found.number} chained, head {found.hash[:16]}{at}{waiting}")
    says = {
        "foreign": f"row {found.where} was not written by Menkou",
        "altered": f"row {found.where} was altered",
        "missing": f"the move at place {found.where} is missing",
        "copied": f"row {found.where} is the copy of another",
        "head": "its head was altered or put back",
    }[found.fault]
    return fail(name, says, "Keep this database apart as evidence, and compare it with a backup.")


def check_retention(overdue: Mapping[str, int]) -> Finding:
    """`overdue`: rows that should have been gone for a day, by the name of their timer."""
    name = "retention"
    if not overdue:
        return ok(name, "nothing of anybody is kept longer than it may be")
    shown = ", ".join(f"{what}: {count}" for what, count in sorted(overdue.items()))
    return warn(name, f"kept too long: {shown}", "Is `menkou serve` running? It forgets every hour.")


def check_clock(skew: float) -> Finding:
    """`skew`: seconds by which this machine's clock is ahead of the database's."""
    shown = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the database's"
    if abs(skew) >= SKEW_FAIL:
        return fail("clock", shown, "Set both machines' clocks by NTP: check-in codes live for 30 s.")
    if abs(skew) >= SKEW_WARN:
        return warn("clock", shown, "Set both machines' clocks by NTP.")
    return ok("clock", "agrees with the database's")


# --- Messages and platforms ------------------------------------------------------------------------------------------


def check_platform_clock(name: str, arrivals: Sequence[tuple[datetime, datetime]]) -> list[Finding]:
    """`arrivals`: when a platform says that something was said there, and when it came in by our clock.

    On the way a message only loses time, so the quickest of several tells by how much our clock is ahead; one that came
    in before it was said tells at once that our clock is behind.
    """
    if not arrivals:
        return []
    skew = min((came - said).total_seconds() for said, came in arrivals)
    minutes = {came.replace(second=0, microsecond=0) for _said, came in arrivals}
    if skew >= 0 and len(minutes) < ENOUGH_MINUTES:
        return []
    line = f"clock of {name}"
    fix = "Set this machine's clock by NTP: codes, quiet hours and reminders go by it."
    shown = f"ours is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}, by the last {len(arrivals)} messages"
    if abs(skew) >= SKEW_FAIL:
        return [fail(line, shown, fix)]
    return [warn(line, shown, fix) if abs(skew) >= SKEW_WARN else ok(line, "agrees with ours")]


def check_letters(found: Condition) -> Finding:
    """Messages from people that nobody could read or whose script broke."""
    if not found.dead_letters:
        return ok("dead letters", "none")
    newest = f", the newest at {found.newest_dead:%Y-%m-%d %H:%M} UTC" if found.newest_dead else ""
    # The reason's first word is the fault's kind; what follows may quote the message.
    kind = found.newest_why.split(":")[0].split()[0] if found.newest_why.strip() else ""
    return warn("dead letters", f"{found.dead_letters}{newest}{f' ({kind})' if kind else ''}", "Look into the log.")


def check_outbox(found: Condition) -> list[Finding]:
    """What we say first: is it going out, and what needs a person's eye?"""
    waiting = sum(found.outbox.waiting.values())
    shown = f"{waiting} waiting, the oldest urgent one due for {found.urgent_age:.0f} s"
    if found.urgent_age >= AGE_FAIL:
        lines = [fail("outbox", shown, "Is `menkou serve` running, and can it reach the platforms? Look into its log.")]
    elif found.urgent_age >= AGE_WARN:
        lines = [warn("outbox", shown, "Is `menkou serve` running? A platform may also have told it to wait.")]
    else:
        lines = [ok("outbox", f"{waiting} waiting")]
    if found.outbox.uncertain:
        says = f"{found.outbox.uncertain} may or may not have arrived"
        lines.append(warn("outbox", says, "Ask whoever it matters to; they are listed by name in the reports."))
    if found.outbox.dead:
        says = f"{found.outbox.dead} could not be sent"
        fix = "`menkou outbox list` tells why, `menkou outbox again` sends them again."
        lines.append(warn("outbox", says, fix))
    return lines


def check_accounts(found: Condition) -> list[Finding]:
    """Has a platform silenced an account, or is a quota used up?"""
    lines = []
    for name, (seconds, why) in found.silent.items():
        if seconds < SILENT_WARN:
            continue
        says = f"may not speak for {seconds / 60:.0f} more minutes: {why or 'the platform did not say why'}"
        fix = "Mend it in the console or the settings; it is tried again by itself."
        lines.append(fail(name, says, fix) if MISCONFIGURED.search(why) else warn(name, says, fix))
    for name, api in found.used_up:
        says = f"today's quota of {api} is used up; what can goes by other ways, the rest waits for tomorrow"
        lines.append(warn(name, says, "Ask the platform for more, or reset it in the console (ten times a month)."))
    return lines or [ok("accounts", "no platform keeps one silent")]


def check_token(name: str, value: str, expires: datetime | None, now: datetime) -> Finding:
    """A platform's access token, shared by the replicas."""
    if not value:
        return warn(name, "no access token was ever given", "Check AppID, AppSecret and the list of allowed addresses.")
    if expires is None or expires < now:
        return warn(name, "the access token has run out", "It is fetched anew when needed; is `menkou serve` running?")
    return ok(name, f"access token for {(expires - now).total_seconds() / 60:.0f} more minutes")


# --- The rest --------------------------------------------------------------------------------------------------------


def check_backup(newest: datetime | None, now: datetime) -> Finding:
    """When was the last backup made here?"""
    if newest is None:
        return warn("backup", "none here", "Run `menkou backup` every day and keep it on another machine.")
    hours = (now - newest).total_seconds() / 3600
    if now - newest > BACKUP_AGE:
        return warn("backup", f"the newest is {hours:.0f} hours old", "Run `menkou backup` every day.")
    return ok("backup", f"the newest is {hours:.0f} hours old")


def check_locales(missing: Mapping[str, int]) -> Finding:
    """`missing`: sentences without a translation, by language."""
    incomplete = {language: count for language, count in missing.items() if count}
    if incomplete:
        shown = ", ".join(f"{language}: {count} missing" for language, count in incomplete.items())
        return warn("languages", shown, "Those sentences appear in English. Run `make messages` and translate them.")
    return ok("languages", ", ".join(LANGUAGES))
