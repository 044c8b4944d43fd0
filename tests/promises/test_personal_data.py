"""Names and numbers reach no log, no figure, no page of an error and no column that is not sealed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import update

from storage.tables import metadata
from storage.tables.activities import activity
from tests.conversations.kit import Town
from tests.standins.telegram import TelegramStandIn
from tests.standins.wechat import WeChatApiStandIn
from tests.system.people import Browser, OnTelegram
from tests.system.seeding import publish
from tests.system.serving import Doors, Serving, surroundings

pytestmark = [pytest.mark.timeout(240)]

NAMES = {"web": "Quetzalcoatlus Webb", "telegram": "纳瑞莎桐", "terminal": "Xylophonia Terry"}
PHONES = {"web": "139 8765 4321", "telegram": "13787654322", "terminal": "13687654323"}
CANARIES = (*NAMES.values(), "8765432", "8765 432", *(name.split()[0] for name in NAMES.values()))
"""What must be found nowhere. Seven digits that all the numbers share."""

PUBLIC = "Planting trees"
"""Found by the same scan where it should be, so that the scan is known to look."""


def written(text: str) -> Iterator[bytes]:
    """A text in the forms in which it could stand in a file."""
    yield text.encode()
    yield text.encode("utf-16-le")
    yield text.encode("ascii", "backslashreplace")


def hits(places: dict[str, bytes], words: tuple[str, ...] = CANARIES) -> list[tuple[str, str]]:
    """(place, word) wherever one is found."""
    return [
        (place, word) for place, found in places.items() for word in words if any(w in found for w in written(word))
    ]


def files(folder: Path) -> dict[str, bytes]:
    """Every file; of archives their contents."""
    found = {}
    for path in folder.rglob("*"):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                found |= {f"{path.name}/{name}": archive.read(name) for name in archive.namelist()}
        elif path.is_file():
            found[path.name] = path.read_bytes()
    return found


async def rows(town: Town) -> dict[str, bytes]:
    """Every value of every table, as the database gives it to whoever has no key."""
    found = {}
    async with town.database.read() as unit:
        for table in metadata.sorted_tables:
            values = [value for row in await unit.run(table.select()) for value in row]
            plain = [value if isinstance(value, bytes) else str(value).encode() for value in values]
            found[f"table {table.name}"] = b"\n".join(plain)
    return found


def menkou(url: str, folder: Path, *arguments: str, script: str = "") -> bytes:
    """Run a command to its end: all that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments], input=script.encode(), cwd=folder, env=surroundings(url),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.fixture
def serving(city_url: str, tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    made: list[Serving] = []

    def make(**settings: str) -> Serving:
        (tmp_path / "served").mkdir()
        made.append(Serving(city_url, tmp_path / "served", **settings))
        return made[-1]

    yield make
    for one in made:
        one.end()


async def test_after_three_people_signed_up_their_names_and_numbers_are_found_nowhere(
    town: Town, city_url: str, serving: Callable[..., Serving], tmp_path: Path
) -> None:
    number = await publish(town, PUBLIC, 10, timedelta(days=3))
    async with TelegramStandIn() as telegram, WeChatApiStandIn() as wechat, aiohttp.ClientSession() as session:
        served = serving(LOG_LEVEL="debug", **Doors(telegram, wechat).settings("webhook", only="telegram"))
        await served.start()
        browser, chat = Browser(served, session), OnTelegram(served, telegram, 4242)
        await browser.opens()
        await browser.follows(f"join-{number}")
        await chat.opens(f"join-{number}")
        for door, who in (("web", browser), ("telegram", chat)):
            for answer in ("yes", NAMES[door], PHONES[door], "yes"):
                said = await who.says(answer)
            assert "You are in" in said
        # What nobody understands, and what is no message at all, may hold a name too.
        await browser.says(NAMES["web"])
        await chat.brings({"update_id": 5, "message": {"from": NAMES["telegram"], "text": PHONES["telegram"]}})
        figures = (await served.get("/metrics")).encode()
        script = "\n".join((f"/join {number}", "yes", NAMES["terminal"], PHONES["terminal"], "yes", ""))
        talked = await asyncio.to_thread(menkou, city_url, tmp_path / "served", "chat", "--as", "zed", script=script)
        assert b"You are in" in talked
        backed_up = await asyncio.to_thread(menkou, city_url, tmp_path / "served", "backup", str(tmp_path / "city.zip"))
        # While it serves: SQLite's log of writes is a file of its own then.
        places = {**files(tmp_path), **await rows(town), "figures": figures, "backup": backed_up}
        assert any("serve.log" in place for place in places)
        assert await served.stop() == 0
    places |= {f"after the stop, {place}": found for place, found in files(tmp_path).items()}
    assert hits(places) == []
    where = {place for place, _word in hits(places, (PUBLIC,))}
    assert {"table activity", "city.zip/activity.jsonl"} <= {place.replace(".ndjson", ".jsonl") for place in where}
    if city_url.startswith("sqlite"):
        assert any(place.startswith("city.db") for place in where), "the file itself was looked through"


async def test_the_same_scan_finds_a_name_that_was_written_unsealed(town: Town, city_url: str, tmp_path: Path) -> None:
    """The control."""
    await publish(town, PUBLIC, 10, timedelta(days=3))
    async with town.database.write() as unit:
        await unit.run(update(activity).values(about=f"{NAMES['telegram']} {PHONES['web']}"))
    (tmp_path / "serve.log").write_text(f'{{"event": "turn", "name": {NAMES["telegram"]!a}}}\n')
    printed = await asyncio.to_thread(menkou, city_url, tmp_path, "backup", str(tmp_path / "city.zip"))
    found = {place for place, _word in hits({**files(tmp_path), **await rows(town), "printed": printed})}
    assert "table activity" in found
    assert "serve.log" in found
    assert any(place.startswith("city.zip/activity") for place in found)
    if city_url.startswith("sqlite"):
        assert any(place.startswith("city.db") for place in found)
