"""The leader's page over the wire: what it shows, what it takes, what it refuses."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.domain.roll import NONCES_AT_ONCE
from tests.pages.roll_kit import RollCity
from tests.webchat import serve

NONCE = "0123456789abcdef" * 2
ADDRESS = "/roll/7/ticks?v=V1&k=right"


@pytest.fixture
def city() -> RollCity:
    return RollCity()


@pytest.fixture
async def url(city: RollCity) -> AsyncIterator[str]:
    async with serve(city.app()) as url:
        yield url


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


async def sends(session: ClientSession, url: str, body: Any, address: str = ADDRESS) -> tuple[int, Any]:
    async with session.post(url + address, data=body if isinstance(body, str) else json.dumps(body)) as answer:
        return answer.status, await answer.json()


async def test_the_page_holds_the_roll_and_no_markup_of_anybody(session: ClientSession, url: str) -> None:
    async with session.get(url + "/roll/7?v=V1&k=right") as answer:
        page = await answer.text()
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
    held = re.search(r'data-roll="([^"]*)"', page)
    assert held
    people = json.loads(html.unescape(held[1]))["people"]
    shown = [(one["number"], one["stand"], one["at"]) for one in people]
    assert shown[:2] == [(1, "expected", ""), (2, "here", "12:00")]
    assert "Ann <b>" not in page
    assert "颐和园清洁日" in page


async def test_every_wrong_address_gets_the_same_answer(session: ClientSession, url: str) -> None:
    wrong = ["/roll/7?v=V1&k=wrong", "/roll/7", "/roll/8?v=V1&k=right", "/roll/x?v=V1&k=right", "/roll/٧?v=V1&k=right"]
    wrong += ["/roll/99999999999999?v=V1&k=right", "/roll/7?v=V2&k=right"]
    answers = set()
    for address in wrong:
        async with session.get(url + address) as answer:
            answers.add((answer.status, await answer.text()))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404
    for address in wrong:
        path, _mark, query = address.partition("?")
        status, _told = await sends(session, url, {"sent": 0, "ticks": []}, f"{path}/ticks?{query}")
        assert status == 404


async def test_a_phone_whose_clock_is_wrong_still_tells_the_right_time(
    session: ClientSession, url: str, city: RollCity
) -> None:
    wrong = datetime.now(UTC) + timedelta(days=400)
    ticks = [{"nonce": NONCE, "id": 11, "mark": "here", "at": milliseconds(wrong - timedelta(minutes=30))}]
    status, told = await sends(session, url, {"sent": milliseconds(wrong), "ticks": ticks})
    assert (status, told["done"]) == (200, {NONCE: ""})
    assert abs(city.effects[0].at - (datetime.now(UTC) - timedelta(minutes=30))) < timedelta(minutes=1)


TICK = {"nonce": NONCE, "id": 11, "mark": "here", "at": 1}


@pytest.mark.parametrize(
    "body",
    [
        "", "[]", "{}", "null", "{", '"x"',
        {"sent": "now", "ticks": []},
        {"sent": 1, "ticks": [TICK | {"mark": "gone"}]},
        {"sent": 1, "ticks": [TICK | {"nonce": "x"}]},
        {"sent": 1, "ticks": [TICK | {"nonce": NONCE + "0"}]},
        {"sent": 1, "ticks": [TICK | {"id": "eleven"}]},
        {"sent": 1, "ticks": [TICK | {"at": 1e30}]},
        {"sent": -62135596800000, "ticks": [TICK | {"at": 253402300799000}]},
        {"sent": 1, "ticks": [TICK] * (NONCES_AT_ONCE + 1)},
    ],
)  # fmt: skip
async def test_what_the_page_never_sends_is_refused(
    session: ClientSession, url: str, city: RollCity, body: Any
) -> None:
    status, _told = await sends(session, url, body)
    assert status == 400
    assert not city.arrived


async def test_what_was_not_written_down_comes_back_with_its_reason(
    session: ClientSession, url: str, city: RollCity
) -> None:
    city.refuses = "over"
    _status, told = await sends(session, url, {"sent": 1, "ticks": [TICK]})
    assert told["done"] == {NONCE: "late"}


async def test_the_worker_comes_from_the_folder_that_it_looks_after(session: ClientSession, url: str) -> None:
    async with session.get(url + "/roll/worker.js") as answer:
        assert answer.content_type == "text/javascript"
        assert "addEventListener" in await answer.text()
