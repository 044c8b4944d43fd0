"""Looks over a city before and while it runs: asks the machine, the database and the platforms, and lists what `checks`
say of it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.pofile import read_po
from sqlalchemy import select, text

from bot.channels.said import said_at
from bot.checks import (
    FLUSHING,
    PUT_BACK,
    Finding,
    check_accounts,
    check_address,
    check_backup,
    check_clock,
    check_disk,
    check_flushing,
    check_folder,
    check_key,
    check_letters,
    check_listen,
    check_locales,
    check_log,
    check_migrations,
    check_outbox,
    check_pages,
    check_platform_clock,
    check_pragmas,
    check_python,
    check_readers,
    check_retention,
    check_rules,
    check_seal,
    check_settings,
    check_telegram,
    check_token,
    check_wechat,
    fail,
    ok,
    warn,
)
from bot.settings import FILE, FOLDER, PREFIX, BadSettings, Settings
from bot.talk.wording import CATALOGUES, LANGUAGES
from storage import audit, condition, inbox, migrate, seals, snapshot, timers
from storage.database import Database, Unit
from storage.secrecy import Secrecy
from storage.tables.messages import token

LOOK_AGAIN = "Look again once the database is set up: `menkou migrate` does it, and `menkou serve`."


def missing_words(folder: Path = CATALOGUES) -> dict[str, int]:
    """Sentences of the template that a catalogue lacks or has only guessed; English needs none."""
    template = folder / "menkou.pot"
    if not template.exists():
        return dict.fromkeys(LANGUAGES, 0)
    with template.open("rb") as file:
        wanted = [message.id for message in read_po(file) if message.id]
    found = {}
    for language in LANGUAGES:
        if language == "en":
            continue
        catalogue = folder / language / "LC_MESSAGES" / "menkou.po"
        if not catalogue.exists():
            found[language] = len(wanted)
            continue
        with catalogue.open("rb") as file:
            known = read_po(file, locale=language)
        found[language] = sum(
            1 for msgid in wanted if not (entry := known.get(msgid)) or not entry.string or entry.fuzzy
        )
    return found


LAST_MESSAGES = 100
"""Of each platform, for comparing its clock with ours."""

Ask = Callable[[Settings], Awaitable[str]]
"""Asks a platform who we are; gives its answer in a few words, raises whatever went wrong."""


@dataclass(slots=True)
class Doctor:
    """Examines one city. `asks`: by platform, who asks it who we are; only connected ones are asked."""

    asks: Mapping[str, Ask] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    folder: Path = FOLDER

    async def examine(self, settings: Settings) -> list[Finding]:
        """Every line, in the order in which they are worth reading. Raises nothing."""
        folder = self._folder(settings)
        before, doors, rest = await asyncio.to_thread(self._local, settings, folder)
        database = await self._database(settings)
        stands = any(line.name == "migrations" and line.level == "ok" for line in database)
        return [*before, *database, *doors, *await self._platforms(settings, stands), *rest]

    def _local(self, settings: Settings, folder: Path) -> tuple[list[Finding], ...]:
        """What needs no network: the machine and its settings, the doors, the rest."""
        before = [
            check_python(),
            ok("settings", "every name and value is known"),
            check_key(settings),
            check_listen(settings),
            check_address(settings),
            check_folder(folder),
            check_disk(_free(folder)),
            check_readers(_files(settings)),
        ]
        doors = [check_telegram(settings), *check_wechat(settings)]
        rest = [
            # Beside the database, and where `menkou backup` puts them wherever that is.
            check_backup(_newest(folder / "backups", self.folder / "backups"), self.now()),
            check_locales(missing_words()),
        ]
        return before, doors, rest

    def _folder(self, settings: Settings) -> Path:
        file = snapshot.file_at(settings.database_url)
        return file.parent if file is not None else self.folder

    async def _database(self, settings: Settings) -> list[Finding]:
        file = snapshot.file_at(settings.database_url)
        if file is not None and not await asyncio.to_thread(file.exists):
            return [ok("database", f"SQLite, will be made at {file}")]
        secrecy = Secrecy(settings.key) if settings.secret_key else None
        database = await asyncio.to_thread(Database, settings.database_url, secrecy)
        try:
            return await self._look(database, settings)
        except Exception as fault:  # noqa: BLE001 - drivers raise what they like; its text may hold the password
            if snapshot.is_spoilt(fault):
                return [fail("database", f"{file} is damaged", PUT_BACK)]
            fix = f"Is the server up, and is {PREFIX}DATABASE_URL right? ({type(fault).__name__})"
            return [fail("database", f"{database.dialect} does not answer", fix)]
        finally:
            await database.close()

    async def _look(self, database: Database, settings: Settings) -> list[Finding]:
        lines = []
        async with database.read() as unit:
            if database.dialect == "sqlite":
                lines.append(ok("database", f"SQLite at {snapshot.file_of(database)}"))
                pragmas = [
                    (await unit.run(text(f"PRAGMA {name}"))).scalar_one()
                    for name in ("journal_mode", "synchronous", "foreign_keys")
                ]
                lines.append(check_pragmas(str(pragmas[0]), int(pragmas[1]), int(pragmas[2])))
                lines.append(check_pages(str((await unit.run(text("PRAGMA quick_check(1)"))).scalar_one())))
            else:
                version = (await unit.run(text("SHOW server_version"))).scalar_one()
                lines.append(ok("database", f"PostgreSQL {version}"))
                flushing = {name: str((await unit.run(text(f"SHOW {name}"))).scalar_one()) for name in FLUSHING}
                lines.append(check_flushing(flushing))
                theirs = (await unit.run(text("SELECT clock_timestamp()"))).scalar_one()
                lines.append(check_clock((datetime.now(UTC) - theirs).total_seconds()))
        found = await migrate.current(database)
        lines.append(check_migrations(found, migrate.head(), database.dialect))
        if found == migrate.head():
            now = self.now()
            async with database.read() as unit:
                seen = await condition.look(unit, now)
                kept_too_long = await timers.overdue(unit, now)
                tokens = list(await unit.run(select(token.c.name, token.c.value, token.c.expires)))
                named = await condition.rules_named(unit)
                seal = await seals.compare(unit, Secrecy(settings.key)) if settings.secret_key else None
            lines += [check_seal(seal)] if seal else []
            if seal == "same":
                async with database.read() as unit:
                    lines.append(check_log(await audit.verify(unit)))
                    for door in _connected(settings):
                        lines += check_platform_clock(door, await _arrivals(unit, door))
            lines += [check_letters(seen), *check_outbox(seen), *check_accounts(seen), check_retention(kept_too_long)]
            lines.append(check_rules(settings.rules, now.astimezone(settings.zone).date(), named))
            if settings.wechat_app_id and settings.wechat_app_secret:
                lines += [check_token("wechat", one.value, one.expires, now) for one in tokens if "wechat" in one.name]
        return lines

    async def _platforms(self, settings: Settings, stands: bool) -> list[Finding]:
        """`stands`: the database, where WeChat's token is kept."""
        known = {"telegram": settings.telegram_token, "wechat": settings.wechat_app_secret}
        lines = []
        for name, ask in self.asks.items():
            if not known.get(name):
                continue
            if name == "wechat" and not stands:
                lines.append(warn(name, "not asked: its token is kept in the database", LOOK_AGAIN))
                continue
            try:
                lines.append(ok(name, await ask(settings)))
            except Exception as fault:  # noqa: BLE001 - whatever a client library raises; its text may hold the token
                fix = f"Is the token right and the network open? ({type(fault).__name__})"
                lines.append(fail(name, "does not know us, or does not answer", fix))
        return lines


def examine_problems(bad: BadSettings) -> list[Finding]:
    """What can be said when the settings cannot even be read."""
    return [check_python(), *check_settings(bad.problems)]


def _connected(settings: Settings) -> list[str]:
    """The platforms that write to us."""
    return [name for name, one in (("telegram", settings.telegram_token), ("wechat", settings.wechat_app_id)) if one]


async def _arrivals(unit: Unit, door: str) -> list[tuple[datetime, datetime]]:
    """When the last messages of a door were said by the platform's clock, and when they came by ours."""
    kept = await inbox.newest(unit, door, LAST_MESSAGES)
    return [(said, came) for raw, came in kept if (said := said_at(door, raw))]


def _files(settings: Settings) -> list[Path]:
    """What of ours not everybody on this machine should read: settings may hold secrets, SQLite's files hold a city."""
    file = snapshot.file_at(settings.database_url)
    return [FILE] if file is None else [FILE, file, file.with_name(f"{file.name}-wal")]


def _free(folder: Path) -> int:
    where = folder
    while not where.exists():
        where = where.parent
    return shutil.disk_usage(where.resolve()).free


def _newest(*folders: Path) -> datetime | None:
    made = [path.stat().st_mtime for folder in folders for path in folder.glob("*.zip")]
    return datetime.fromtimestamp(max(made), UTC) if made else None
