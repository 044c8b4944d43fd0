"""The wall's page and what it tells: the code, the link in the QR, a count of people, nothing without the right."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.pages.qr import QUIET_ZONE, draw
from bot.pages.wall import WallFacts
from bot.talk.wording import Named
from tests.webchat import ScriptedCity, WebChat, echo, serve

FACTS = WallFacts(
    title=Named("教长辈用手机 <b>", "Phones for our elders"),
    starts=datetime(2026, 11, 28, 6, tzinfo=UTC),
    ends=datetime(2026, 11, 28, 8, tzinfo=UTC),
    code="48210937",
    qr="https://menkou.example/chat?go=checkin-2-48210937",
    seconds_left=11.25,
    arrived=37,
    registered=60,
)


async def wall(activity: int, key: str) -> WallFacts | None:
    return FACTS if (activity, key) == (2, "right") else None


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serve(WebChat(ScriptedCity(echo), wall_facts=wall).app()) as url:
        yield url


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession(headers={"Accept": "text/html"}) as session:
        yield session


async def fetch(session: ClientSession, url: str) -> tuple[int, str]:
    async with session.get(url) as answer:
        return answer.status, await answer.text()


async def test_the_wall_shows_the_code_in_two_groups_the_title_and_a_count(session: ClientSession, url: str) -> None:
    status, page = await fetch(session, url + "/wall/2?k=right")
    assert status == 200
    assert "4821 0937" in page
    assert "教长辈用手机 &lt;b&gt;" in page
    assert "Phones for our elders" in page
    assert "14:00–16:00" in page
    assert re.search(r'<strong id="arrived">37</strong>', page)
    assert draw(FACTS.qr).path in page


async def test_what_the_wall_asks_for_each_second_holds_no_name(session: ClientSession, url: str) -> None:
    async with session.get(url + "/wall/2/now?k=right") as answer:
        told: dict[str, Any] = await answer.json()
    assert {key: told[key] for key in ("code", "left", "arrived", "registered")} == {
        "code": "48210937",
        "left": 11.25,
        "arrived": 37,
        "registered": 60,
    }
    assert set(told) == {"code", "left", "arrived", "registered", "qr"}


async def test_an_unknown_activity_and_a_wrong_signature_get_the_same_answer(session: ClientSession, url: str) -> None:
    for suffix in ("", "/now"):
        paths = [
            "2{}?k=wrong",
            "2{}",
            "3{}?k=right",
            "0{}?k=right",
            "-1{}",
            "two{}?k=right",
            "9999999999999999{}?k=right",
            "٢{}?k=right",
        ]
        answers = {await fetch(session, f"{url}/wall/{path.format(suffix)}") for path in paths}
        assert len(answers) == 1
        assert next(iter(answers))[0] == 404


async def test_with_the_right_signature_there_is_something_to_tell_apart(session: ClientSession, url: str) -> None:
    """The control of the equality above."""
    assert await fetch(session, url + "/wall/2?k=right") != await fetch(session, url + "/wall/2?k=wrong")


async def test_the_wall_is_in_both_languages_for_whoever_looks_at_it(session: ClientSession, url: str) -> None:
    _, page = await fetch(session, url + "/wall/2?k=right")
    assert '<html lang="zh-CN">' in page
    assert '<span class="other" lang="en">Phones for our elders</span>' in page


async def test_nobody_registered_yet_is_no_fault() -> None:
    async def empty(activity: int, key: str) -> WallFacts | None:
        return replace(FACTS, arrived=0, registered=0, title="读书会")

    async with serve(WebChat(ScriptedCity(echo), wall_facts=empty).app()) as url, ClientSession() as session:
        status, page = await fetch(session, url + "/wall/2")
    assert status == 200
    assert 'max="1" value="0"' in page


def test_the_drawing_has_the_quiet_zone_that_scanners_need() -> None:
    drawing = draw("x")
    assert drawing.size == 21 + 2 * QUIET_ZONE
    assert drawing.path.startswith(f"M{QUIET_ZONE} {QUIET_ZONE}h7v1h-7z")
