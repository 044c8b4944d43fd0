"""Each line of the doctor: what it says when all is well, and what when it is not."""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from bot import checks, doctor
from bot.channels.said import said_at
from bot.checks import Finding, Level
from bot.doctor import Doctor
from bot.domain.rulesets import SHIPPED, with_own
from bot.settings import BadSettings, Settings
from storage import inbox, migrate, seals, snapshot
from storage.audit import Verified
from storage.condition import Condition
from storage.database import Database, Unit
from storage.outbox_reports import Counts
from storage.secrecy import Secrecy
from storage.tables.messages import token
from tests.operating.conftest import NOW
from tests.postgres import Postgres

KEY = "Zk3v9Q_x8LwP0sTnUyRbEeDdCcFfGg1hJjKkMm"
TOKEN = "123456789:" + "A" * 35
APP_ID = "wx0123456789abcdef"
WELL = Condition(Counts(), 0.0, 0, None, "")
OWN = with_own("name,since,daily_cap\ncity-2027,2027-01-01,480\n")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def settings(**given: Any) -> Settings:
    return Settings(**given)


def wechat(**given: Any) -> Settings:
    plain = {"wechat_app_id": APP_ID, "wechat_token": "token", "wechat_app_secret": "s" * 32}
    return Settings(**(plain | {"wechat_aes_key": "a" * 43} | given))


def condition(**changes: Any) -> Condition:
    return replace(WELL, **changes)


def came(*seconds: float) -> list[tuple[datetime, datetime]]:
    """Messages that came a minute apart, each so many seconds after it was said by the platform's clock."""
    moments = [NOW - timedelta(minutes=ago) for ago in range(len(seconds))]
    return [(at - timedelta(seconds=one), at) for at, one in zip(moments, seconds, strict=True)]


LINES: list[tuple[str, Callable[[], Finding | list[Finding]], Level, str]] = [
    ("python", lambda: checks.check_python((3, 11, 7)), "ok", "3.11.7"),
    ("old python", lambda: checks.check_python((3, 10, 1)), "fail", "Install Python 3.11"),
    ("settings", lambda: checks.check_settings(()), "ok", "every name"),
    ("bad settings", lambda: checks.check_settings(("MENKOU_LISTN is wrong",)), "fail", "MENKOU_LISTN"),
    ("key", lambda: checks.check_key(settings(secret_key=KEY)), "ok", "38 characters"),
    ("no key", lambda: checks.check_key(settings()), "fail", "token_urlsafe"),
    ("weak key", lambda: checks.check_key(settings(secret_key="secret" * 7)), "fail", "by hand"),
    ("pages", lambda: checks.check_pages("ok"), "ok", "whole"),
    ("damaged pages", lambda: checks.check_pages("*** in database main *** 王小明"), "fail", "restore"),
    ("disk", lambda: checks.check_disk(50 * 1024**3), "ok", "50.0 GiB"),
    ("little disk", lambda: checks.check_disk(1024**3), "warn", "Make room soon"),
    ("full disk", lambda: checks.check_disk(1024**2), "fail", "Make room"),
    ("loopback", lambda: checks.check_listen(settings()), "ok", "127.0.0.1"),
    ("open chat", lambda: checks.check_listen(settings(listen="0.0.0.0:80", chat=True)), "warn", "anybody"),
    ("open", lambda: checks.check_listen(settings(listen="0.0.0.0:80")), "ok", "0.0.0.0"),
    ("local", lambda: checks.check_address(settings()), "ok", "this machine only"),
    ("https", lambda: checks.check_address(settings(public_url="https://a.cn")), "ok", "https://a.cn"),
    ("http", lambda: checks.check_address(settings(public_url="http://a.cn", listen="0.0.0.0:80")), "warn", "proxy"),
    ("http here", lambda: checks.check_address(settings(public_url="http://a.cn")), "ok", "without TLS"),
    ("no address", lambda: checks.check_address(settings(telegram_token=TOKEN)), "warn", "PUBLIC_URL"),
    ("no telegram", lambda: checks.check_telegram(settings()), "ok", "not connected"),
    ("telegram", lambda: checks.check_telegram(settings(telegram_token=TOKEN)), "ok", "long polling"),
    (
        "webhook",
        lambda: checks.check_telegram(
            settings(telegram_token=TOKEN, telegram_mode="webhook", telegram_secret="s" * 32, public_url="https://a.cn")
        ),
        "ok",
        "https://a.cn/telegram",
    ),
    ("no wechat", lambda: checks.check_wechat(settings()), "ok", "not connected"),
    ("wechat", lambda: checks.check_wechat(wechat()), "ok", "safe mode"),
    ("plaintext", lambda: checks.check_wechat(wechat(wechat_plaintext=True)), "fail", "safe mode in the console"),
    ("old key", lambda: checks.check_wechat(wechat(wechat_aes_key_previous="b" * 43)), "warn", "previous"),
    ("mute", lambda: checks.check_wechat(wechat(wechat_app_secret=None)), "warn", "APP_SECRET"),
    ("migrated", lambda: checks.check_migrations("2", "2", "postgresql"), "ok", "at 2"),
    ("behind", lambda: checks.check_migrations("1", "2", "postgresql"), "fail", "menkou migrate"),
    ("empty", lambda: checks.check_migrations(None, "2", "postgresql"), "fail", "none yet"),
    ("sqlite behind", lambda: checks.check_migrations("1", "2", "sqlite"), "warn", "menkou serve"),
    ("sqlite", lambda: checks.check_pragmas("wal", 2, 1), "ok", "WAL"),
    ("no wal", lambda: checks.check_pragmas("delete", 2, 1), "fail", "local disk"),
    ("not full", lambda: checks.check_pragmas("wal", 1, 1), "fail", "synchronous 1"),
    ("no keys", lambda: checks.check_pragmas("wal", 2, 0), "fail", "foreign keys off"),
    ("flushes", lambda: checks.check_flushing({"fsync": "on", "synchronous_commit": "local"}), "ok", "commit local"),
    ("no fsync", lambda: checks.check_flushing({"fsync": "off"}), "warn", "power cut"),
    ("late", lambda: checks.check_flushing({"fsync": "on", "synchronous_commit": "off"}), "warn", "commit off"),
    ("seal", lambda: checks.check_seal("same"), "ok", "this database's"),
    ("first seal", lambda: checks.check_seal("first"), "ok", "no key"),
    ("other seal", lambda: checks.check_seal("other"), "fail", "used before"),
    (
        "log",
        lambda: checks.check_log(Verified(7, "ab" * 32, NOW, 2)),
        "ok",
        "7 chained, head abababababababab, 2026-11-28 01:30 UTC, 2 more sealed",
    ),
    ("altered log", lambda: checks.check_log(Verified(7, "ab" * 32, NOW, 2, "altered", 4)), "fail", "row 4 was"),
    ("rules", lambda: checks.check_rules(SHIPPED, NOW.date(), {"beijing-2026"}), "ok", "Beijing 2026"),
    ("own rules", lambda: checks.check_rules(OWN, NOW.date(), set()), "ok", "Beijing 2026; city-2027 from 2027-01-01"),
    ("a cap", lambda: checks.check_rules(OWN, date(2027, 1, 1), set()), "ok", "city-2027, at most 8 h a day"),
    ("lost rules", lambda: checks.check_rules(SHIPPED, NOW.date(), {"city-2027"}), "fail", "city-2027"),
    ("retention", lambda: checks.check_retention({}), "ok", "nothing of anybody"),
    ("overdue", lambda: checks.check_retention({"letter": 3, "document": 1}), "warn", "document: 1, letter: 3"),
    ("clock", lambda: checks.check_clock(0.3), "ok", "agrees"),
    ("clock ahead", lambda: checks.check_clock(3), "warn", "3.0 s ahead"),
    ("clock behind", lambda: checks.check_clock(-30), "fail", "30.0 s behind"),
    ("their clock", lambda: checks.check_platform_clock("wechat", came(0.4, 30, 3)), "ok", "agrees"),
    ("their clock is behind", lambda: checks.check_platform_clock("wechat", came(9, 4, 5)), "warn", "4 s ahead"),
    ("their clock is ahead", lambda: checks.check_platform_clock("telegram", came(-40)), "fail", "40 s behind"),
    ("letters", lambda: checks.check_letters(WELL), "ok", "none"),
    (
        "dead letters",
        lambda: checks.check_letters(condition(dead_letters=3, newest_dead=NOW, newest_why="KeyError: 王小明")),
        "warn",
        "3, the newest at 2026-11-28 01:30 UTC (KeyError)",
    ),
    ("outbox", lambda: checks.check_outbox(condition(outbox=Counts({("web", 2): 7}))), "ok", "7 waiting"),
    ("late", lambda: checks.check_outbox(condition(urgent_age=61)), "warn", "61 s"),
    ("stuck", lambda: checks.check_outbox(condition(urgent_age=901)), "fail", "menkou serve"),
    ("uncertain", lambda: checks.check_outbox(condition(outbox=Counts(uncertain=2))), "warn", "2 may or may not"),
    ("dead", lambda: checks.check_outbox(condition(outbox=Counts(dead=2))), "warn", "2 could not"),
    ("accounts", lambda: checks.check_accounts(condition()), "ok", "no platform"),
    ("silent", lambda: checks.check_accounts(condition(silent={"wechat": (600, "busy")})), "warn", "10 more minutes"),
    ("wrong secret", lambda: checks.check_accounts(condition(silent={"wechat": (600, "40125")})), "fail", "40125"),
    ("token", lambda: checks.check_token("wechat", "x", NOW + timedelta(hours=1), NOW), "ok", "60 more minutes"),
    ("old token", lambda: checks.check_token("wechat", "x", NOW - timedelta(hours=1), NOW), "warn", "run out"),
    ("no token", lambda: checks.check_token("wechat", "", None, NOW), "warn", "AppSecret"),
    ("backup", lambda: checks.check_backup(NOW - timedelta(hours=3), NOW), "ok", "3 hours"),
    ("old backup", lambda: checks.check_backup(NOW - timedelta(hours=30), NOW), "warn", "30 hours"),
    ("no backup", lambda: checks.check_backup(None, NOW), "warn", "menkou backup"),
    ("languages", lambda: checks.check_locales({"zh_CN": 0}), "ok", "zh_CN"),
    ("incomplete", lambda: checks.check_locales({"zh_CN": 3}), "warn", "zh_CN: 3 missing"),
]


@pytest.mark.parametrize(("check", "level", "says"), [line[1:] for line in LINES], ids=[line[0] for line in LINES])
def test_a_line_says_how_it_stands_and_what_to_do(
    check: Callable[[], Finding | list[Finding]], level: Level, says: str
) -> None:
    found = check()
    lines = found if isinstance(found, list) else [found]
    worst = max(lines, key=lambda line: ("ok", "warn", "fail").index(line.level))
    assert worst.level == level
    assert says in f"{worst.says} {worst.fix}"
    if worst.level != "ok" and worst.name != "settings":
        assert worst.fix
    assert "王小明" not in worst.says


def test_every_check_has_a_good_and_a_bad_case() -> None:
    """The list above is complete, except for what the file system decides."""
    import inspect

    named = {name for name, _ in inspect.getmembers(checks, inspect.isfunction) if name.startswith("check_")}
    source = inspect.getsource(inspect.getmodule(test_every_check_has_a_good_and_a_bad_case))  # type: ignore[arg-type]
    for name in named:
        assert source.count(f"checks.{name}(") >= 2, name


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_folder(tmp_path / "not" / "yet").level == "ok"
    monkeypatch.setattr("os.access", lambda *_: False)
    assert checks.check_folder(tmp_path).level == "fail"


def test_a_file_that_everybody_on_the_machine_can_read_is_named() -> None:
    """The database itself was: its copies and backups were not."""
    with tempfile.TemporaryDirectory() as made:
        folder, file = Path(made), Path(made) / "menkou.db"
        file.touch()
        file.chmod(0o644)
        folder.chmod(0o755)
        line = checks.check_readers([file, folder / "menkou.toml"])
        assert (line.level, line.fix) == ("warn", f"Run `chmod o= {file}`.")
        folder.chmod(0o700)  # nobody else comes as far as the file
        assert checks.check_readers([file]).level == "ok"
        folder.chmod(0o755)
        file.chmod(0o640)
        assert checks.check_readers([file]).level == "ok"


def test_words_that_lack_a_translation_are_counted(tmp_path: Path) -> None:
    (tmp_path / "menkou.pot").write_text('msgid ""\nmsgstr ""\n\nmsgid "One"\nmsgstr ""\n\nmsgid "Two"\nmsgstr ""\n')
    assert doctor.missing_words(tmp_path) == {"zh_CN": 2}
    folder = tmp_path / "zh_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalogue = folder / "menkou.po"
    catalogue.write_text(
        'msgid ""\nmsgstr ""\n"Language: zh_CN\\n"\n\nmsgid "One"\nmsgstr "一"\n\n#, fuzzy\nmsgid "Two"\nmsgstr "三"\n'
    )
    assert doctor.missing_words(tmp_path) == {"zh_CN": 1}
    catalogue.write_text(catalogue.read_text().replace("#, fuzzy\n", ""))
    assert doctor.missing_words(tmp_path) == {"zh_CN": 0}


# --- All together ---


def levels(lines: list[Finding]) -> dict[str, Level]:
    return {line.name: line.level for line in lines}


async def test_a_city_at_work_is_well(database: Database, tmp_path: Path) -> None:
    lines = await Doctor(folder=tmp_path).examine(settings(database_url=database.url, secret_key=SecretStr(KEY)))
    assert not [line for line in lines if line.level == "fail"]
    found = levels(lines)
    assert found["database"] == found["migrations"] == found["dead letters"] == found["outbox"] == "ok"
    assert found["sqlite" if database.dialect == "sqlite" else "clock"] == "ok"


async def test_a_server_that_does_not_flush_is_warned_of_and_one_that_does_is_not(postgres: Postgres) -> None:
    if postgres.own is None:
        pytest.skip("the server is not ours to set")
    name = f"flushing_{secrets.token_hex(4)}"
    url = postgres.create(name)
    lines = await Doctor().examine(settings(database_url=url, secret_key=SecretStr(KEY)))
    (line,) = [line for line in lines if line.name == "postgresql"]
    assert (line.level, line.says) == ("warn", "fsync, full_page_writes off: a power cut loses what was answered")
    postgres.drop(name)


async def test_a_city_without_tables_is_told_what_to_do(empty: Database) -> None:
    async with empty.write():
        pass
    lines = await Doctor().examine(settings(database_url=empty.url, secret_key=SecretStr(KEY)))
    assert levels(lines)["migrations"] == ("warn" if empty.dialect == "sqlite" else "fail")


async def test_a_city_that_was_never_started_is_no_failure(tmp_path: Path) -> None:
    lines = await Doctor().examine(settings(secret_key=SecretStr(KEY)))
    assert not [line for line in lines if line.level == "fail"]
    assert not (tmp_path / "var").exists()


async def test_a_database_that_does_not_answer_fails_without_its_password() -> None:
    url = "postgresql+asyncpg://me:hunter2hunter2@127.0.0.1:1/city"
    lines = await Doctor().examine(settings(database_url=url, secret_key=SecretStr(KEY)))
    (line,) = [line for line in lines if line.name == "database"]
    assert line.level == "fail"
    assert not [line for line in lines if "hunter2" in repr(line)]


async def test_another_key_than_the_citys_fails(database: Database) -> None:
    async with database.write() as unit:
        assert await seals.compare(unit, Secrecy(KEY)) == "first"
        assert await seals.remember(unit, Secrecy(KEY))
        assert await seals.remember(unit, Secrecy(KEY))
        assert not await seals.remember(unit, Secrecy("another" + KEY))
        assert await seals.compare(unit, Secrecy(KEY)) == "same"
    right = await Doctor().examine(settings(database_url=database.url, secret_key=SecretStr(KEY)))
    wrong = await Doctor().examine(settings(database_url=database.url, secret_key=SecretStr("x" + KEY)))
    assert (levels(right)["seal"], levels(wrong)["seal"]) == ("ok", "fail")


async def test_dead_letters_and_tokens_are_read_from_the_database(database: Database) -> None:
    async with database.write() as unit:
        await inbox.bury(unit, "wechat", "m", "", NOW, "<xml/>", "KeyError: x", [])
        await unit.run(token.insert().values(name="wechat", value="t", expires=NOW + timedelta(hours=1)))
    lines = await Doctor(now=lambda: NOW).examine(
        wechat(database_url=database.url, secret_key=SecretStr(KEY), public_url="https://a.cn")
    )
    assert levels(lines)["dead letters"] == "warn"
    assert "access token for 60 more minutes" in [line.says for line in lines if line.name == "wechat"]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_only_connected_platforms_are_asked_and_their_faults_keep_the_token_to_themselves(
    database: Database, engine: str
) -> None:
    asked: list[str] = []

    async def knows(_: Settings) -> str:
        asked.append("telegram")
        return "@city_bot"

    async def breaks(_: Settings) -> str:
        asked.append("broken")
        raise ConnectionError(f"https://api.telegram.org/bot{TOKEN}/getMe")

    plain = {"database_url": database.url, "secret_key": SecretStr(KEY)}
    await Doctor({"telegram": knows, "wechat": breaks}).examine(settings(**plain))
    assert asked == []
    with_token = settings(**plain, telegram_token=SecretStr(TOKEN))
    assert "@city_bot" in [line.says for line in await Doctor({"telegram": knows}).examine(with_token)]
    lines = await Doctor({"telegram": breaks}).examine(with_token)
    assert [line.level for line in lines if line.name == "telegram"] == ["ok", "fail"]
    assert TOKEN not in repr(lines)


async def test_wechat_is_asked_only_where_its_token_can_be_kept(database: Database, tmp_path: Path) -> None:
    """Before the first start it was said not to know us, and the doctor left an empty database behind."""
    asked: list[str] = []

    async def knows(given: Settings) -> str:
        asked.append(given.database_url)
        return "the account's token is valid"

    nowhere = f"sqlite+aiosqlite:///{tmp_path / 'none.db'}"
    for url in (nowhere, database.url):
        given = wechat(database_url=url, secret_key=SecretStr(KEY), public_url="https://a.cn")
        lines = await Doctor({"wechat": knows}).examine(given)
        assert not [line for line in lines if line.level == "fail"]
    assert asked == [database.url]
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("where", ["its head", "a page that nobody reads"])
async def test_a_damaged_file_is_called_damaged(
    database: Database, tmp_path: Path, engine: str, where: str
) -> None:
    """It was said that the server did not answer; what stood in a page that the doctor did not read was not seen."""
    async with database.write() as unit:
        await unit.run(text("CREATE TABLE aside (words)"))
        await unit.run(text("INSERT INTO aside VALUES (:words)"), {"words": "x" * 30_000})
        root = (await unit.run(text("SELECT rootpage FROM sqlite_master WHERE name = 'aside'"))).scalar_one()
    file = tmp_path / "city.db"
    await snapshot.copy(database, file)
    given = settings(database_url=f"sqlite+aiosqlite:///{file}", secret_key=SecretStr(KEY))
    assert levels(await Doctor().examine(given))["pages"] == "ok"

    def spoil() -> None:
        with file.open("r+b") as pages:
            pages.seek(0 if where == "its head" else (root - 1) * 4096)
            pages.write(b"\xff" * 200)

    await asyncio.to_thread(spoil)
    lines = await Doctor().examine(given)
    assert [line.fix for line in lines if line.level == "fail"] == [checks.PUT_BACK]
    assert "damaged" in next(line.says for line in lines if line.level == "fail")


@pytest.mark.parametrize(("database", "backups"), [("var", "var"), ("data", "var"), ("data", "data")])
async def test_the_newest_backup_is_found(tmp_path: Path, database: str, backups: str) -> None:
    """Of a database that stands elsewhere it was said that there was none: `menkou backup` puts them under `var`."""
    plain = settings(secret_key=SecretStr(KEY), database_url=f"sqlite+aiosqlite:///{tmp_path / database / 'menkou.db'}")
    folder = tmp_path / backups / "backups"
    assert levels(await Doctor(now=lambda: datetime.now(UTC)).examine(plain))["backup"] == "warn"
    await asyncio.to_thread(folder.mkdir, parents=True)
    await asyncio.to_thread((folder / "menkou-1.zip").write_text, "")
    lines = await Doctor(now=lambda: datetime.now(UTC)).examine(plain)
    assert levels(lines)["backup"] == "ok"


def test_settings_that_cannot_be_read_are_lines_too() -> None:
    lines = doctor.examine_problems(BadSettings("one", "two"))
    assert [line.says for line in lines if line.level == "fail"] == ["one", "two"]


def test_the_head_that_the_doctor_wants_is_the_programs() -> None:
    assert checks.check_migrations(migrate.head(), migrate.head(), "postgresql").level == "ok"


# --- The platforms' clocks ---


def telegram_said(at: datetime, text: str = "hours") -> str:
    """What is kept of a message."""
    return json.dumps({"update_id": 7, "message": {"message_id": 1, "date": int(at.timestamp()), "text": text}})


def wechat_said(at: datetime) -> str:
    """The same on WeChat, from somebody who writes what WeChat would."""
    inside = f"<CreateTime>{int(at.timestamp())}</CreateTime><Content><![CDATA[<CreateTime>1</CreateTime>]]></Content>"
    return f"<xml><FromUserName><![CDATA[o]]></FromUserName>{inside}</xml>"


PRESSED = json.dumps({"update_id": 8, "callback_query": {"id": "1", "message": {"message_id": 1, "date": 1}}})
SAYS = {"telegram": telegram_said, "wechat": wechat_said}


async def answered(unit: Unit, door: str, key: str, raw: str, at: datetime) -> None:
    """A message came and was answered."""
    await unit.run(inbox.KEEP, inbox.answered(unit, inbox.Message(door, key, "somebody", raw), at, []))


@pytest.mark.parametrize("door", SAYS)
@pytest.mark.parametrize(("seconds", "level"), [(0.0, "ok"), (5.0, "warn"), (400.0, "fail"), (-5.0, "warn")])
async def test_our_clock_is_compared_with_a_platforms_by_what_came_in(
    database: Database, door: str, seconds: float, level: Level
) -> None:
    """No call is made for it. One message waited for ten minutes on its way: that says nothing."""
    sealed = await asyncio.to_thread(Database, database.url, Secrecy(KEY))
    async with sealed.write() as unit:
        await seals.remember(unit, Secrecy(KEY))
        for number, waited in enumerate((0.6, 600.0, 0.2, 0.9)):
            said = NOW - timedelta(minutes=number)
            came_at = said + timedelta(seconds=waited + seconds)
            await answered(unit, door, f"m{number}", SAYS[door](said), came_at)
        await answered(unit, door, "pressed", PRESSED, NOW)
    await sealed.close()
    linked = {"telegram_token": SecretStr(TOKEN)} if door == "telegram" else {}
    given = {"database_url": database.url, "secret_key": SecretStr(KEY), **linked}
    lines = await Doctor(now=lambda: NOW).examine(settings(**given) if linked else wechat(**given))
    (line,) = [line for line in lines if line.name.startswith("clock of")]
    assert (line.name, line.level) == (f"clock of {door}", level)
    assert "hours" not in line.says


def test_what_came_all_at_once_after_an_outage_does_not_say_that_our_clock_is_ahead() -> None:
    late = [(NOW - timedelta(seconds=one), NOW) for one in (500, 600, 700)]
    assert checks.check_platform_clock("telegram", late) == []
    assert checks.check_platform_clock("telegram", [*late, (NOW + timedelta(seconds=9), NOW)]) != []
    assert checks.check_platform_clock("telegram", []) == []


def test_what_a_platform_does_not_say_is_not_made_up() -> None:
    assert said_at("telegram", PRESSED) is None
    assert said_at("telegram", telegram_said(NOW)[:40]) is None
    assert said_at("telegram", telegram_said(NOW)) == NOW.replace(microsecond=0)
    assert said_at("wechat", wechat_said(NOW)) == NOW.replace(microsecond=0)
    assert said_at("wechat", "<xml/>") is None
    assert said_at("web", telegram_said(NOW)) is None
