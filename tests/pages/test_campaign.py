"""A campaign's page: its bar and figures in the reader's language, and its picture only as what it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession

from bot.pages.campaign import CampaignFacts
from bot.pages.pictures import sniffed
from bot.talk.wording import Named
from tests.webchat import ScriptedCity, WebChat, echo, serve

FACTS = CampaignFacts(
    title=Named("来种树 <b>", "Come and plant <b>"),
    standing=Named("正在发送。", "It is on its way."),
    why=None,
    over=False,
    share=0.425,
    people=812,
    sent=331,
    waiting=467,
    failed=9,
    uncertain=2,
    spared=3,
    delays=[(Named("等对方再来信", "until they write again"), 40)],
    refusals=[("blocked", 9)],
    omissions=[(Named("不想收", "not wanted"), 3)],
    perhaps=["王**"],
    unnamed=1,
    joined=41,
    next=datetime(2026, 11, 25, 1, tzinfo=UTC),
)
PNG = b"\x89PNG\r\n\x1a\n and the rest"
PICTURES = {"png": PNG, "jpeg": b"\xff\xd8\xff\xe0 and the rest", "html": b"<script>alert(1)</script>"}


async def facts(number: int, key: str) -> CampaignFacts | None:
    return FACTS if (number, key) == (7, "right") else None


async def picture(number: int, key: str) -> bytes | None:
    return PICTURES.get(key) if number == 7 else None


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serve(WebChat(ScriptedCity(echo), campaign_facts=facts, campaign_picture=picture).app()) as url:
        yield url


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession(headers={"Accept": "text/html", "Accept-Language": "en"}) as session:
        yield session


async def test_it_shows_a_bar_figures_and_reasons_and_escapes_what_was_written(
    session: ClientSession, url: str
) -> None:
    async with session.get(url + "/campaign/7?k=right") as answer:
        page = await answer.text()
    assert answer.status == 200
    assert 'value="42"' in page
    assert "Come and plant &lt;b&gt;" in page
    for shown in ("812", "331", "467", "Signed up afterwards", "41", "Refused by the platform", "blocked", "09:00"):
        assert shown in page
    assert '<p id="why" role="status" hidden></p>' in page
    for shown in ("not wanted", "王**", "and 1 more", "Waiting, and for what", "until they write again"):
        assert shown in page


async def test_its_figures_come_as_json_in_the_readers_language(session: ClientSession, url: str) -> None:
    async with session.get(url + "/campaign/7.json?k=right", headers={"Accept-Language": "zh"}) as answer:
        state = await answer.json()
    assert (state["percent"], state["over"], state["standing"]) == (42, False, "正在发送。")
    assert ["已发", "331"] in state["rows"]
    assert state["delays"] == [["等对方再来信", "40"]]
    assert state["refusals"] == [["blocked", "9"]]
    assert state["omissions"] == [["不想收", "3"]]
    assert state["perhaps"] == [["王**", ""], ["还有 1 位", ""]]


@pytest.mark.parametrize(
    "path", ["7", "7?k=wrong", "8?k=right", "7.json?k=wrong", "7/picture?k=wrong", "x?k=right", f"{'9' * 16}?k=right"]
)
async def test_without_the_right_there_is_nothing(session: ClientSession, url: str, path: str) -> None:
    async with session.get(f"{url}/campaign/{path}") as answer:
        assert answer.status == 404
        assert "Come and plant" not in await answer.text()


async def test_a_picture_is_given_as_what_it_is_and_nothing_else_is(session: ClientSession, url: str) -> None:
    for key, kind in (("png", "image/png"), ("jpeg", "image/jpeg")):
        async with session.get(f"{url}/campaign/7/picture?k={key}") as answer:
            assert (answer.status, answer.content_type) == (200, kind)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert await answer.read() == PICTURES[key]
    async with session.get(f"{url}/campaign/7/picture?k=html") as answer:
        assert answer.status == 404


def test_what_it_is_is_read_from_its_first_bytes() -> None:
    assert [sniffed(one) for one in (PNG, b"\xff\xd8\xff\xdb", b"GIF89a", b"<svg>", b"")] == [
        "image/png", "image/jpeg", "", "", "",
    ]  # fmt: skip
