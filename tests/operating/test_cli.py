"""The commands: what they run, what they say, how they end."""

from __future__ import annotations

import errno
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

import bot
from bot import cli
from bot.console import WRONG_USE
from bot.settings import NotPossible
from storage import migrate
from storage.moving import Moved

ROOT = Path(__file__).parents[2]
KEY = "Zk3v9Q_x8LwP0sTnUyRbEeDdCcFfGg1hJjKkMm"

Menkou = Callable[..., Result]


class Commands:
    """Stands where the commands' functions are: remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.raises: Exception | BaseException | None = None
        self.returns: Any = None

    def __getattr__(self, name: str) -> Any:
        async def called(settings: Any, *rest: Any) -> Any:
            self.asked.append((name, settings, *rest))
            if self.raises:
                raise self.raises
            return self.returns or f"{name} done"

        return called


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    one = Commands()
    monkeypatch.setitem(sys.modules, "bot.commands", one)  # type: ignore[arg-type]  # a double of the module
    monkeypatch.setattr(bot, "commands", one, raising=False)
    return one


@pytest.fixture
def menkou(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Menkou]:
    """Runs a command in an empty folder with these settings and no others."""
    for name in [name for name in os.environ if name.startswith("MENKOU_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions)

    def run(*words: str, **settings: str) -> Result:
        environment = {f"MENKOU_{name.upper()}": value for name, value in settings.items()}
        return CliRunner().invoke(cli.menkou, words, env=environment)

    yield run
    root.handlers[:], root.level, logging.raiseExceptions = before
    logging.captureWarnings(False)
    structlog.reset_defaults()


# --- What a command asks for ---


def test_demo_makes_a_city_of_its_own(menkou: Menkou, commands: Commands) -> None:
    assert menkou("demo", telegram_token="123456789:" + "A" * 35).exit_code == 0
    (name, settings, folder) = commands.asked[0]
    assert (name, folder) == ("demo", Path("var/demo"))
    assert settings.database_url.endswith("///var/demo/menkou.db")
    assert settings.telegram_token is None
    assert settings.chat


def test_chat_talks_with_the_demonstration_until_there_is_a_city(menkou: Menkou, commands: Commands) -> None:
    assert menkou("chat", "--as", "wang").exit_code == 0
    assert menkou("chat", secret_key=KEY).exit_code == 0
    first, second = commands.asked
    assert (first[0], *first[2:]) == ("chat", "wang", Path("var/demo"))
    assert (second[0], *second[2:]) == ("chat", None, None)
    assert second[1].key == KEY


def test_serve_needs_a_key_before_anything_else(menkou: Menkou, commands: Commands) -> None:
    refused = menkou("serve")
    assert refused.exit_code == WRONG_USE
    assert refused.stderr.startswith("menkou: MENKOU_SECRET_KEY is missing")
    assert commands.asked == []
    assert menkou("serve", secret_key=KEY).exit_code == 0
    assert commands.asked[0][0] == "serve"


def test_the_other_commands_hand_over_what_they_were_given(menkou: Menkou, commands: Commands) -> None:
    assert "fill done" in menkou("city", "fill", "--volunteers", "50", "--activities", "7", secret_key=KEY).output
    assert "grant done" in menkou("admin", "grant", "V123", "organiser", "4", secret_key=KEY).output
    assert "register done" in menkou("admin", "register", "绿芽", "110108", secret_key=KEY).output
    assert "set_wechat_menu done" in menkou("wechat", "menu", secret_key=KEY).output
    names = [asked[0] for asked in commands.asked]
    assert names == ["fill", "grant", "register", "set_wechat_menu"]
    assert commands.asked[0][2:5] == (50, 7, 1)
    assert commands.asked[1][2:] == ("V123", "organiser", "4")


# --- What goes wrong ---


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        (NotPossible("Nobody has number V123."), 1, "Nobody has number V123."),
        (OSError(errno.EADDRINUSE, "Address already in use"), 1, "MENKOU_LISTEN"),
        (ConnectionRefusedError(111, "refused"), 1, "The database does not answer"),
        (migrate.NotReady("The database is old.", "Run `menkou migrate`."), 1, "Run `menkou migrate`."),
        (PermissionError(errno.EACCES, "Permission denied", "var/menkou.db"), 1, "var/menkou.db"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_figure(
    menkou: Menkou, commands: Commands, fault: BaseException, code: int, says: str
) -> None:
    commands.raises = fault
    ended = menkou("serve", secret_key=KEY)
    assert ended.exit_code == code
    assert says in ended.stderr
    assert "Traceback" not in ended.output
    assert len(ended.stderr.splitlines()) == bool(says)


def test_a_fault_of_ours_tells_its_frames_in_the_log_and_no_value(menkou: Menkou, commands: Commands) -> None:
    commands.raises = ValueError(f"{KEY} and 13810012345")
    ended = menkou("serve", secret_key=KEY)
    assert ended.exit_code == 1
    assert ended.stderr.splitlines()[-1].startswith("menkou: Menkou broke: ValueError.")
    assert "test_cli.py" in ended.stderr
    assert KEY not in ended.output
    assert "13810012345" not in ended.output


def test_wrong_settings_are_a_line_each(menkou: Menkou, commands: Commands) -> None:
    for command in (["demo"], ["chat"], ["serve"], ["migrate"], ["backup"], ["restore", "x"], ["wechat", "menu"]):
        ended = menkou(*command, listen="x", telgram_token="y")
        assert ended.exit_code == WRONG_USE, command
        assert "did you mean MENKOU_TELEGRAM_TOKEN?" in ended.stderr


# --- migrate, backup, restore ---


def test_a_city_goes_through_migrate_backup_check_and_restore(
    menkou: Menkou, database_url: str, tmp_path: Path
) -> None:
    city = {"database_url": database_url, "secret_key": KEY}
    assert menkou("migrate", **city).output == f"nothing → {migrate.head()}\n"
    assert menkou("migrate", **city).output == f"At {migrate.head()} already.\n"
    made = menkou("backup", "city.zip", **city)
    assert made.exit_code == 0, made.output
    assert re.match(r"city\.zip: 0 rows of \d+ tables", made.output)
    assert menkou("restore", "city.zip", "--check", **city).output.startswith("Sound: 0 rows")
    again = menkou("backup", "city.zip", **city)
    assert (again.exit_code, "nothing is ever replaced" in again.stderr) == (1, True)
    assert menkou("restore", "city.zip", **city).output.startswith("0 rows of")
    other = {"database_url": f"sqlite:///{tmp_path}/other/city.db", "secret_key": KEY}
    assert menkou("restore", "city.zip", **other).exit_code == 0
    assert menkou("migrate", **other).output == f"At {migrate.head()} already.\n"


def test_a_backup_goes_to_var_by_default(menkou: Menkou, tmp_path: Path) -> None:
    menkou("migrate")
    assert menkou("backup").exit_code == 0
    assert [path.name[:7] for path in (tmp_path / "var" / "backups").iterdir()] == ["menkou-"]


def test_what_is_no_backup_is_said_so(menkou: Menkou, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("hello")
    for command in (["restore", "x.zip", "--check"], ["restore", "x.zip"], ["restore", "nowhere.zip"], ["backup"]):
        ended = menkou(*command)
        assert ended.exit_code == 1, command
        assert len(ended.stderr.splitlines()) == 1
    assert menkou("restore").exit_code == 2


# --- move ---


PASSWORD = "correct-horse-battery"
SHOWN = f"postgresql://me:{PASSWORD}@db.example.org/city"
MEANT = SHOWN.replace("postgresql:", "postgresql+asyncpg:")


@pytest.mark.parametrize("way", ["environment", "file of the environment", "file of menkou.toml"])
def test_where_a_city_moves_is_said_where_no_process_list_shows_it(
    menkou: Menkou, commands: Commands, tmp_path: Path, way: str
) -> None:
    (tmp_path / "address").write_text(SHOWN + "\n", encoding="utf-8")
    if way == "file of menkou.toml":
        (tmp_path / "menkou.toml").write_text('move_to_file = "address"\n', encoding="utf-8")
    commands.returns = Moved(())
    given = {"environment": {"move_to": SHOWN}, "file of the environment": {"move_to_file": "address"}}
    ended = menkou("move", **given.get(way, {}))
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert commands.asked[0][1].move_to == MEANT
    assert PASSWORD not in ended.output


def test_a_password_on_the_command_line_is_taken_and_warned_of(menkou: Menkou, commands: Commands) -> None:
    commands.returns = Moved(())
    ended = menkou("move", "--to", SHOWN, move_to="sqlite:///written.db")
    assert (ended.exit_code, commands.asked[0][1].move_to) == (0, MEANT)
    assert len(ended.stderr.splitlines()) == 1
    assert "MENKOU_MOVE_TO_FILE" in ended.stderr
    assert PASSWORD not in ended.output
    # The control: an address that nobody need hide.
    assert menkou("move", "--to", "sqlite:///new.db").stderr == ""


def test_a_city_moves_by_the_command_into_an_empty_database(menkou: Menkou, database_url: str) -> None:
    assert menkou("migrate").exit_code == 0
    nowhere = menkou("move")
    assert (nowhere.exit_code, "MENKOU_MOVE_TO_FILE" in nowhere.stderr) == (1, True)
    same = menkou("move", move_to="sqlite:///var/menkou.db")
    assert same.stderr == "menkou: The city is in that database already.\n"
    wrong = menkou("move", "--to", "mysql://somewhere")
    assert (wrong.exit_code, wrong.stderr.startswith("menkou: MENKOU_MOVE_TO needs")) == (WRONG_USE, True)
    moved = menkou("move", move_to=database_url)
    assert re.match(r"0 rows of \d+ tables arrived", moved.output), moved.output
    assert menkou("migrate", database_url=database_url).output == f"At {migrate.head()} already.\n"


# --- doctor ---


def test_doctor_ends_with_0_when_nothing_fails_and_1_otherwise(menkou: Menkou, commands: Commands) -> None:
    well, ill = menkou("doctor", secret_key=KEY), menkou("doctor")
    assert (well.exit_code, ill.exit_code) == (0, 1)
    assert "fail" not in well.output
    assert re.search(r"^fail  secret key +is missing$", ill.output, re.MULTILINE)
    assert KEY not in well.output


def test_doctor_tells_wrong_settings_as_lines(menkou: Menkou) -> None:
    ended = menkou("doctor", listen="x")
    assert ended.exit_code == 1
    assert re.search(r"^fail  settings +MENKOU_LISTEN needs", ended.output, re.MULTILINE)


def test_doctor_asks_the_platforms_unless_told_not_to(menkou: Menkou, commands: Commands) -> None:
    city = {"secret_key": KEY, "telegram_token": "123456789:" + "A" * 35}
    assert "ask_telegram done" in menkou("doctor", **city).output
    commands.asked.clear()
    assert menkou("doctor", "--no-ask", **city).exit_code == 0
    assert commands.asked == []


def test_doctor_lists_every_setting(menkou: Menkou) -> None:
    out = menkou("doctor", "--settings").output
    assert "MENKOU_LISTEN = 127.0.0.1:8080" in out
    assert "MENKOU_WECHAT_AES_KEY_PREVIOUS" in out


# --- The program itself ---


def run(*words: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as a login shell starts one: what it makes, others may read."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MENKOU_")}
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        capture_output=True, text=True, cwd=folder, env=environment | {"PYTHONPATH": str(ROOT)} | settings, timeout=60,
        check=False, umask=0o022,
    )  # fmt: skip


def test_help_answers_at_once(tmp_path: Path) -> None:
    took = []
    for _ in range(3):
        began = time.monotonic()
        assert "demo" in run("--help", folder=tmp_path).stdout
        took.append(time.monotonic() - began)
    assert min(took) < 1.0


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, bot.cli; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    heavy = {"aiohttp", "sqlalchemy", "pydantic", "aiogram", "babel", "structlog", "asyncio", "prometheus_client"}
    assert heavy & set(loaded.split()) == set()


def test_the_version_is_the_distributions(menkou: Menkou, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda _name: "9.9")
    assert menkou("--version").output == "menkou 9.9\n"


def test_the_program_ends_with_its_figure(tmp_path: Path) -> None:
    assert run("doctor", folder=tmp_path).returncode == 1
    assert run("serve", folder=tmp_path).returncode == 2
    assert run("dance", folder=tmp_path).returncode == 2


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a file has no bits for others")
def test_what_a_command_writes_is_for_whoever_ran_it_alone(tmp_path: Path) -> None:
    """Everybody on the machine could read a city that was not started by the unit: the database had 0644."""
    assert run("migrate", folder=tmp_path, MENKOU_SECRET_KEY=KEY).returncode == 0
    assert run("backup", folder=tmp_path, MENKOU_SECRET_KEY=KEY).returncode == 0
    made = {path.name.partition(".")[2] or path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert made == {"var": 0o700, "db": 0o600, "backups": 0o700, "zip": 0o600}
