"""`menkou chat --as NAME` driven through a pipe: the same script in the same city prints the same transcript."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli import DEMO
from bot.commands import clock_of
from bot.talk.wording import Span, Wording
from tests.conversations.kit import BEIJING, Town
from tests.system.seeding import publish
from tests.system.serving import surroundings

OF_A_CITY_OF_ONES_OWN = ("MENKOU_SECRET_KEY", "MENKOU_DATABASE_URL")

SCRIPT = """\
trees in Haidian
1
Sign up
yes
Ann Lee
13800138000
yes
my
1
nonsense that nobody understands
/quit
"""


def talk(url: str, folder: Path, name: str, script: str) -> str:
    """One run: what was printed. Nothing may come on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "chat", "--as", name],
        input=script.encode(), capture_output=True, cwd=folder, env=surroundings(url, CHAT="0"), timeout=90,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return done.stdout.decode()


async def test_a_script_drives_a_whole_sign_up_and_prints_the_same_on_every_run(
    town: Town, city_url: str, tmp_path: Path
) -> None:
    # Ten in the morning, in ten days: no reminder comes in between, wherever in the day the test runs.
    ten = datetime.now(BEIJING).replace(hour=10, minute=0, second=0, microsecond=0).astimezone(UTC)
    await publish(town, "Planting trees", 10, timedelta(days=10), at=ten)
    # Each with a number of their own: whoever shares one is asked something more.
    ann = talk(city_url, tmp_path, "ann", SCRIPT)
    bob = talk(city_url, tmp_path, "bob", SCRIPT.replace("13800138000", "13800138001"))
    assert [line[2:] for line in ann.splitlines() if line.startswith("> ")] == SCRIPT.splitlines()[:-1]
    when = Wording("en", BEIJING)(Span(ten + timedelta(days=10), ten + timedelta(days=10, hours=2)))
    said = [
        "I am Menkou", "1 Planting trees", when, "10 seats left", "Do you agree?", "name", "phone",
        f"Join Planting trees, {when}?", "You are in", "Your sign-ups:", "you have a seat", "I did not understand",
    ]  # fmt: skip
    assert in_order(said, ann)
    # The next one in the same city, in a process of its own: to the letter the same, but for the seat that is gone.
    assert "9 seats left" in bob
    assert bob.replace("9 seats left", "10 seats left").replace("13800138001", "13800138000") == ann


def in_order(parts: list[str], text: str) -> bool:
    """Does each part come after the one before it?"""
    at, text = 0, in_one_line(text)
    for part in parts:
        at = text.find(part, at)
        assert at >= 0, part
    return True


def in_one_line(text: str) -> str:
    """However it was wrapped."""
    return " ".join(text.split())


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_who_comes_back_is_known_and_whoever_is_somebody_else_is_not(
    town: Town, city_url: str, tmp_path: Path, engine: str
) -> None:
    """And the control of the transcript: who is somebody else, or comes again, reads something else."""
    await publish(town, "Planting trees", 10, timedelta(days=10))
    first = talk(city_url, tmp_path, "ann", SCRIPT)
    again = talk(city_url, tmp_path, "ann", "my\n")
    assert "You are in" in first
    assert "Planting trees" in again
    assert "Hello" not in again
    assert "You have no sign-ups" in talk(city_url, tmp_path, "bob", "my\n")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_terminal_tells_the_time_of_a_demonstration_whose_clock_was_moved(tmp_path: Path, engine: str) -> None:
    """It told the machine's: beside a page that was two days on, the same sign-up was still to come."""
    folder = tmp_path / DEMO
    folder.mkdir(parents=True)
    clock_of(folder).advance(timedelta(days=400))
    environment = {key: value for key, value in surroundings("").items() if key not in OF_A_CITY_OF_ONES_OWN}
    done = subprocess.run(
        [sys.executable, "-m", "bot", "chat", "--as", "lin"],
        input=b"language\nEnglish\nmy\n/quit\n", capture_output=True, cwd=tmp_path, env=environment, timeout=90,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    days = [datetime.now(BEIJING) + timedelta(days=400 + more) for more in (0, 1)]
    assert any(f"{day:%a} {day.day} {day:%b}" in done.stdout.decode() for day in days)
