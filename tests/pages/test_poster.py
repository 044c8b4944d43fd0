"""A poster's page: its signed address gives a PDF or a PNG, every other one nothing."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.pages import poster


async def sheet(activity: int, key: str, kind: poster.Kind) -> bytes | None:
    return kind.encode() if (activity, key) == (42, "right") else None


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/poster/42.png?v=17&k=right", 200, "image/png"),
        ("/poster/42.pdf?v=17&k=right", 200, "application/pdf"),
        ("/poster/42.png?k=wrong", 404, ""),
        ("/poster/42.pdf?k=wrong", 404, ""),
        ("/poster/43.pdf?k=right", 404, ""),
        ("/poster/42.png", 404, ""),
        ("/poster/42.svg?k=right", 404, ""),
        ("/poster/42?k=right", 404, ""),
        ("/poster/٤٢.png?k=right", 404, ""),
        ("/poster/1234567890123456.png?k=right", 404, ""),
    ],
)
async def test_only_a_signed_address_gives_the_sheet(path: str, status: int, kind: str) -> None:
    application = web.Application()
    application.add_routes(poster.routes(sheet))
    async with TestClient(TestServer(application)) as client:
        answer = await client.get(path)
        assert answer.status == status
        if status == 200:
            assert answer.content_type == kind
            assert answer.headers["Content-Disposition"] == "inline"
            assert (await answer.read()).decode() in kind
