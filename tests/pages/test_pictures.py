"""The pictures that a door may bring: those of our own pages by their own addresses, and nothing else."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from bot.pages import campaign, months, mycode, poster, proof
from bot.pages.pictures import Drawn, Gallery

HOME = "http://127.0.0.1:8080"
PNG, JPEG = b"\x89PNG\r\n\x1a\n...", b"\xff\xd8\xff..."
TOKEN = "0123456789abcdef0123"


async def chart(number: str, language: str, total: int, key: str) -> bytes | None:
    return PNG if (number, language, total, key) == ("V7K3M9QXA2", "zh_CN", 120, "a-b_c") else None


async def own_link(number: str, token: str) -> str | None:
    return "https://t.me/menkou_bot" if (number, token) == ("V234567892", TOKEN) else None


async def paper(number: str, key: str, kind: str) -> bytes | None:
    return PNG if (number, key, kind) == ("MK23", "right", "png") else None


async def written(number: int, key: str) -> bytes | None:
    return JPEG if (number, key) == (42, "right") else None


async def sheet(activity: int, key: str, kind: poster.Kind) -> bytes | None:
    return PNG if (activity, key, kind) == (7, "right", "png") else None


KINDS = (
    months.drawn(chart), mycode.drawn(own_link), proof.drawn(paper), campaign.drawn(written), poster.drawn(sheet)
)  # fmt: skip
GALLERY = Gallery(HOME, KINDS)


@pytest.mark.parametrize(
    ("path", "picture"),
    [
        ("/months/V7K3M9QXA2.png?l=zh_CN&t=120&k=a-b_c", PNG),
        ("/proof/MK23.png?k=right", PNG),
        ("/campaign/42/picture?k=right&v=17", JPEG),
        ("/poster/7.png?v=17&k=right", PNG),
    ],
)
async def test_an_address_of_ours_gives_its_picture(path: str, picture: bytes) -> None:
    assert await GALLERY.picture(f"{HOME}{path}") == picture


async def test_so_does_a_persons_own_code() -> None:
    body = await GALLERY.picture(f"{HOME}/mycode/V234567892/{TOKEN}.png")
    assert body
    with Image.open(io.BytesIO(body)) as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/proof/MK23.png?k=right",
        "http://127.0.0.1:80801/proof/MK23.png?k=right",
        "http://127.0.0.1:8080@evil.example/proof/MK23.png?k=right",
        "http://evil.example/proof/MK23.png?k=right",
        "http://127.0.0.9:8080/proof/MK23.png?k=right",
        "https://127.0.0.1:8080/proof/MK23.png?k=right",
        "file:///proof/MK23.png?k=right",
        f"{HOME}//evil.example/proof/MK23.png?k=right",
        f"{HOME}/x/../proof/MK23.png?k=right",
        f"{HOME}/proof/MK23.png",
        f"{HOME}/proof/MK23.png?k=wrong",
        f"{HOME}/proof/MK23.pdf?k=right",
        f"{HOME}/proof/MK23?k=right",
        f"{HOME}/proof/a/MK23.png?k=right",
        f"{HOME}/proof/MK23.png/x?k=right",
        f"{HOME}/months/V7K3M9QXA2.png?l=zh_CN&t=x&k=a-b_c",
        f"{HOME}/months/V7K3M9QXA2xpng?l=zh_CN&t=120&k=a-b_c",
        f"{HOME}/campaign/٤٢/picture?k=right",
        f"{HOME}/campaign/1234567890123456/picture?k=right",
        f"{HOME}/campaign/42?k=right",
        f"{HOME}/poster/7.png?v=17&k=wrong",
        f"{HOME}/poster/7.pdf?v=17&k=right",
        f"{HOME}/poster/٧.png?v=17&k=right",
        f"{HOME}/mycode/V234567892/{TOKEN[::-1]}.png",
        f"{HOME}/metrics",
    ],
)
async def test_every_other_address_gives_nothing(address: str) -> None:
    assert await GALLERY.picture(address) is None


@pytest.mark.parametrize("body", [b"<svg>", b"GIF89a", b"%PDF-1.7", b"", None])
async def test_what_is_no_picture_is_not_given(body: bytes | None) -> None:
    async def draw(_named: Mapping[str, str], _said: Mapping[str, str]) -> bytes | None:
        return body

    one = Drawn("/p.png", draw)
    assert await Gallery(HOME, [one]).picture(f"{HOME}/p.png") is None
    assert (await fetched(one))[0] == 404


async def fetched(one: Drawn) -> tuple[int, str, str | None]:
    """What its page gives: status, type, how long it may be kept."""
    application = web.Application()
    application.add_routes([one.route()])
    async with TestClient(TestServer(application)) as client, client.get(one.path) as answer:
        return answer.status, answer.content_type, answer.headers.get("Cache-Control")


async def test_a_pictures_page_tells_what_it_is_and_how_long_it_may_be_kept() -> None:
    async def draw(_named: Mapping[str, str], _said: Mapping[str, str]) -> bytes | None:
        return JPEG

    assert await fetched(Drawn("/p", draw, kept=60)) == (200, "image/jpeg", "private, max-age=60")
    assert await fetched(Drawn("/p", draw)) == (200, "image/jpeg", None)


async def test_an_address_under_a_path_of_a_larger_site_is_ours() -> None:
    assert await Gallery(f"{HOME}/city", KINDS).picture(f"{HOME}/city/proof/MK23.png?k=right") == PNG
    assert await Gallery(f"{HOME}/city", KINDS).picture(f"{HOME}/proof/MK23.png?k=right") is None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.path)
def test_a_gallerys_path_is_one_that_the_server_can_have(kind: Drawn) -> None:
    async def give(_request: web.Request) -> web.Response:
        return web.Response()

    web.Application().add_routes([web.get(kind.path, give)])
