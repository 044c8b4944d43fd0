"""A campaign's picture on its way: the real program tells Telegram an address, and Telegram fetches it there; where it
could not, the program brings the picture itself."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import zxingcpp
from PIL import Image

from tests.conversations.kit import Town
from tests.standins.telegram import TOKEN, TelegramStandIn
from tests.system.people import OnTelegram
from tests.system.serving import PUBLIC, Doors, Serving, until
from tests.system.test_replicas import begins_a_campaign, readers

Serves = Callable[..., Serving]
pytestmark = [pytest.mark.timeout(240)]
READERS = 8


async def tried(telegram: TelegramStandIn, given: dict[str, str | bytes]) -> dict[str, Any]:
    """One call with a form, as an upload has it."""
    form = aiohttp.FormData()
    for name, value in given.items():
        form.add_field(name, value, filename="p.jpg" if isinstance(value, bytes) else None)
    url = f"{telegram.base}/bot{TOKEN}/sendPhoto"
    async with aiohttp.ClientSession() as session, session.post(url, data=form) as answer:
        answered: dict[str, Any] = await answer.json()
        return answered


def jpeg(width: int = 800, height: int = 600) -> bytes:
    drawn = BytesIO()
    Image.new("RGB", (width, height), "#1f7a5c").save(drawn, "JPEG")
    return drawn.getvalue()


async def came(town: Town, doors: Doors) -> list[dict[str, object]]:
    """What each reader has."""
    await until(lambda: sum(doors.telegram.delivered.values()) >= READERS, 60, "the campaign is through")
    return [message for one in await readers(town) for message in doors.telegram.person(one).messages]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_everybody_gets_the_picture_and_telegram_fetches_it_once(
    town: Town, doors: Doors, serves: Serves, engine: str
) -> None:
    """The stand-in looked at the address and never opened it."""
    picture = jpeg()
    await begins_a_campaign(town, doors, READERS, picture)
    serving = serves(**doors.settings(only="telegram"))
    await serving.start()
    doors.telegram.hosts[str(urlsplit(PUBLIC).hostname)] = serving.address
    messages = await came(town, doors)
    assert [bool(one.get("photo")) for one in messages] == [True] * READERS
    assert {one["caption"] for one in messages} == {messages[0]["caption"]}
    assert doors.telegram.fetched == [picture]


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_a_city_without_a_public_address_brings_its_pictures(
    town: Town, doors: Doors, serves: Serves, engine: str
) -> None:
    """Everybody got an address of the organiser's own laptop."""
    picture = jpeg()
    await begins_a_campaign(town, doors, READERS, picture)
    serving = serves(**doors.settings(only="telegram"), PUBLIC_URL="http://127.0.0.1:8080")
    await serving.start()
    messages = await came(town, doors)
    assert [bool(one.get("photo")) for one in messages] == [True] * READERS
    assert not any("127.0.0.1" in str(one["caption"]) for one in messages)
    assert doors.telegram.uploaded == [picture], "once, for all of them"
    assert not doors.telegram.fetched

    resident = OnTelegram(serving, doors.telegram, 4242)
    await resident.says("mycode")
    await until(lambda: resident.hand.person.messages[-1].get("photo"), 15, "their own code came")
    assert "Show this to whoever leads" in resident.heard[-1]
    assert "127.0.0.1" not in resident.heard[-1]
    with Image.open(BytesIO(doors.telegram.uploaded[1])) as code:
        (found,) = zxingcpp.read_barcodes(code)
    assert "go=present-V" in found.text
    assert len(doors.telegram.uploaded) == 2
    assert await serving.stop() == 0


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_where_telegram_cannot_fetch_it_the_words_come_all_the_same(
    town: Town, doors: Doors, serves: Serves, engine: str
) -> None:
    """The control: the picture is behind an address that nobody can open from there."""
    await begins_a_campaign(town, doors, READERS, jpeg())
    serving = serves(**doors.settings(only="telegram"))
    await serving.start()
    doors.telegram.hosts[str(urlsplit(PUBLIC).hostname)] = "http://127.0.0.1:1"
    messages = await came(town, doors)
    assert [one.get("photo") for one in messages] == [None] * READERS
    assert all("plant" in str(one["text"]) for one in messages)


@pytest.mark.parametrize(
    ("picture", "refusal"),
    [
        (jpeg(), ""),
        (jpeg(9_000, 1_500), "PHOTO_INVALID_DIMENSIONS"),
        (jpeg(2_100, 100), "PHOTO_INVALID_DIMENSIONS"),
        (b"no picture", "IMAGE_PROCESS_FAILED"),
    ],
)
async def test_the_stand_in_takes_what_telegram_takes(picture: bytes, refusal: str) -> None:
    async with TelegramStandIn() as telegram:
        telegram.person(7, "en")
        form = {"chat_id": "7", "photo": picture}
        first = await tried(telegram, form)
        assert refusal in first.get("description", "") if refusal else first["ok"]
        if not refusal:
            name = first["result"]["photo"][0]["file_id"]
            again = await tried(telegram, {"chat_id": "7", "photo": name})
            assert again["result"]["photo"] == first["result"]["photo"], "by its name it is sent without its bytes"
        unknown = await tried(telegram, {"chat_id": "7", "photo": "AgACunknown"})
        assert not unknown["ok"]
