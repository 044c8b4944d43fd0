"""The picture of a person's own code: a camera reads it, and it is gone when the code is."""

from __future__ import annotations

import io

import zxingcpp
from aiohttp import ClientSession, web
from PIL import Image

from bot.pages import mycode
from tests.webchat import serve

NUMBER, TOKEN = "V234567892", "0123456789abcdef0123"
LINK = f"https://menkou.example/chat?go=present-{NUMBER}-{TOKEN}"


async def own_link(number: str, token: str) -> str | None:
    return LINK if (number, token) == (NUMBER, TOKEN) else None


async def test_a_camera_reads_the_link_and_every_other_address_has_nothing() -> None:
    app = web.Application()
    app.add_routes(mycode.routes(own_link))
    async with serve(app) as url, ClientSession() as session:
        async with session.get(f"{url}/mycode/{NUMBER}/{TOKEN}.png") as answer:
            assert answer.content_type == "image/png"
            with Image.open(io.BytesIO(await answer.read())) as picture:
                assert [found.text for found in zxingcpp.read_barcodes(picture)] == [LINK]
        for wrong in (f"{NUMBER}/{TOKEN[::-1]}", f"V234567893/{TOKEN}", f"{NUMBER}/x", f"v1/{TOKEN}"):
            async with session.get(f"{url}/mycode/{wrong}.png") as answer:
                assert answer.status == 404
