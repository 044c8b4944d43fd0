"""The page of the picture of hours: a signed address gives a PNG, every other one nothing."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.pages import months


async def chart(number: str, language: str, total: int, key: str) -> bytes | None:
    return b"\x89PNG\r\n\x1a\n" if (number, language, total, key) == ("V7K3M9QXA2", "en", 120, "right") else None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/months/V7K3M9QXA2.png?l=en&t=120&k=right", 200),
        ("/months/V7K3M9QXA2.png?l=en&t=120&k=wrong", 404),
        ("/months/V7K3M9QXA2.png?l=en&t=121&k=right", 404),
        ("/months/V7K3M9QXA2.png?l=en&t=x&k=right", 404),
        ("/months/V7K3M9QXA2.png", 404),
    ],
)
async def test_only_a_signed_address_gives_the_picture(path: str, status: int) -> None:
    application = web.Application()
    application.add_routes(months.routes(chart))
    async with TestClient(TestServer(application)) as client:
        answer = await client.get(path)
        assert answer.status == status
        if status == 200:
            assert answer.content_type == "image/png"
            assert "private" in answer.headers["Cache-Control"]
