"""A photo of one of our codes: fetched from the platform's own host, read within limits; nothing else is believed."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import segno
from aiohttp import web
from PIL import Image

from bot.channels import photos
from bot.channels.photos import LARGEST, SHOWN_SIDE, Seeing, made_fit, read_codes
from bot.channels.telegram.api import TelegramApi
from bot.channels.wechat.api import WeChatApi
from bot.talk.incoming import PHOTO, PICTURE, Address, Incoming, Intent, Photo
from bot.talk.view import Reply
from tests.channels.wechat_kit import MemoryShelf
from tests.standins.telegram import TOKEN

NUMBER = "K7QF2M0XK7QF2M0XK7QF2M0XK7QF"
CITY = "https://city.example"
PROOF = f"{CITY}/proof/{NUMBER}"


def photo(text: str, kind: str = "JPEG", scale: int = 8) -> bytes:
    """A picture of a code with this text, as a telephone would send it."""
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="png", scale=scale, border=4)
    with Image.open(drawn) as sharp:
        turned = sharp.convert("RGB").rotate(7, expand=True, fillcolor="white")
    out = io.BytesIO()
    turned.save(out, kind)
    return out.getvalue()


@dataclass
class Heard:
    """Keeps what it is given."""

    taken: list[Incoming] = field(default_factory=list)

    async def take(self, incoming: Incoming) -> Reply:
        self.taken.append(incoming)
        return Reply(())

    async def later(self, incoming: Incoming) -> None:
        raise AssertionError

    async def bury(self, door: str, key: str, raw: str, why: str) -> None:
        raise AssertionError


def sent(door: str = "telegram", key: str = "file") -> Incoming:
    return Incoming(Address(door, "7"), "1", datetime(2026, 11, 24, tzinfo=UTC), photo=Photo(key))


def seeing(fetch: Callable[[str], Awaitable[bytes | None]] | None, heard: Heard | None = None) -> Seeing:
    found = {"telegram": fetch} if fetch else {}
    return Seeing(heard or Heard(), found, CITY, ["checkin", "join", "proof", "erase"])


def gives(picture: bytes | None) -> Callable[[str], Awaitable[bytes | None]]:
    async def fetch(_key: str) -> bytes | None:
        return picture

    return fetch


# --- What a code means ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        (PROOF, PROOF),
        (f"{CITY}/chat?go=checkin-42-K7QF2M0XK7QF2M0X", Intent("checkin", ("42", "K7QF2M0XK7QF2M0X"))),
        ("https://t.me/menkou_bot?start=checkin-42-K7QF2M0XK7QF2M0X", Intent("checkin", ("42", "K7QF2M0XK7QF2M0X"))),
        ("checkin-42-K7QF2M0XK7QF2M0X", Intent("checkin", ("42", "K7QF2M0XK7QF2M0X"))),
        ("12345678", "12345678"),
    ],
)
async def test_our_codes_are_as_good_as_scanned(code: str, meant: str | Intent) -> None:
    heard = Heard()
    await seeing(gives(photo(code)), heard).take(sent())
    [one] = heard.taken
    assert one.photo is None
    assert (one.intent or one.text) == meant


@pytest.mark.parametrize(
    "code",
    [
        f"https://evil.example/proof/{NUMBER}",
        "https://evil.example/chat?go=join-42",
        f"https://city.example.evil.example/proof/{NUMBER}",
        f"https://city.example@evil.example/proof/{NUMBER}",
        "javascript:alert(1)",
        "weixin://wxpay/bizpayurl?pr=x",
        "王小明 13800138000",
        "nosuch-1",
        "erase",  # a bare word starts nothing: a code leads to something of its own
        "http://[",
        f"{CITY}/wall/42",
    ],
)
async def test_other_peoples_codes_stay_pictures(code: str) -> None:
    heard = Heard()
    await seeing(gives(photo(code)), heard).take(sent())
    assert heard.taken == [sent()]


async def test_text_is_never_looked_at_and_a_door_without_pictures_keeps_its_photo() -> None:
    async def fetch(_key: str) -> bytes | None:
        raise AssertionError

    heard = Heard()
    typed = Incoming(Address("telegram", "7"), "1", datetime(2026, 11, 24, tzinfo=UTC), text="hello")
    await seeing(fetch, heard).take(typed)
    await seeing(fetch, heard).take(sent("web"))
    assert heard.taken == [typed, sent("web")]


async def test_a_picture_that_does_not_come_in_time_is_one_without_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async def never(_key: str) -> bytes | None:
        await asyncio.Event().wait()
        return None

    monkeypatch.setattr(photos, "SECONDS", 0.01)
    heard = Heard()
    await seeing(never, heard).take(sent())
    assert heard.taken == [sent()]


async def test_only_so_many_pictures_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "WAITING", 0)
    assert await seeing(gives(photo(PROOF))).seen(sent()) == sent()
    monkeypatch.setattr(photos, "WAITING", 1)
    assert (await seeing(gives(photo(PROOF))).seen(sent())).text == PROOF  # control


# --- Reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_turned_photo_is_read(kind: str) -> None:
    assert read_codes(photo(PROOF, kind)) == [PROOF]


def test_a_code_in_a_corner_of_a_large_photo_is_read() -> None:
    with Image.open(io.BytesIO(photo(PROOF))) as small:
        whole = Image.new("RGB", (4000, 3000), "#888")
        whole.paste(small, (2600, 2100))
    out = io.BytesIO()
    whole.save(out, "JPEG")
    assert read_codes(out.getvalue()) == [PROOF]


def bomb(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that says it is enormous."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "picture",
    [
        b"",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n(x) run",
        photo(PROOF)[:400],
        bomb(60_000, 60_000),
        bomb(4_901, 4_901),
        photo(PROOF, "GIF"),
        photo(PROOF) + b"\0" * LARGEST,
    ],
)
def test_what_is_no_picture_or_too_large_has_no_code(picture: bytes) -> None:
    assert read_codes(picture) == []


# --- A picture itself -------------------------------------------------------------------------------------------------


def snapshot(size: tuple[int, int] = (3_000, 2_000), kind: str = "JPEG", mode: str = "RGB") -> bytes:
    """A photo that says where it was taken, by a camera that was held on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "Fangzhuang, building 7, flat 402"
    exif.get_ifd(0x8825)[2] = (39.0, 51.0, 30.0)  # where
    out = io.BytesIO()
    Image.new(mode, size, "#3a7").save(out, kind, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_made_upright_small_and_tells_nothing_of_where_it_was_taken(kind: str) -> None:
    assert b"Fangzhuang" in snapshot(kind=kind)
    fit = made_fit(snapshot(kind=kind))
    assert isinstance(fit, bytes)
    assert b"Fangzhuang" not in fit
    with Image.open(io.BytesIO(fit)) as image:
        assert image.format == "JPEG"
        assert max(image.size) == SHOWN_SIDE
        assert image.size[0] < image.size[1]
        assert not image.getexif()


def test_what_can_be_seen_through_becomes_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(out, "PNG")
    fit = made_fit(out.getvalue())
    assert isinstance(fit, bytes)
    with Image.open(io.BytesIO(fit)) as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("picture", "flaw"),
    [
        (b"", "kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "kind"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n(x) run", "kind"),
        (photo(PROOF, "GIF"), "kind"),
        (snapshot()[:400], "kind"),
        (bomb(60_000, 60_000), "large"),
        (snapshot() + b"\0" * LARGEST, "large"),
        (snapshot((119, 800)), "small"),
        (snapshot((40_000, 200)), "small"),
    ],
)
def test_what_no_door_could_show_is_told_apart(picture: bytes, flaw: str) -> None:
    assert made_fit(picture) == flaw


async def yes(_address: Address) -> str:
    return PICTURE


async def no(_address: Address) -> str:
    return "which"


async def any_photo(_address: Address) -> str:
    return PHOTO


def bringing(question: Callable[[Address], Awaitable[str]], picture: bytes | None) -> Seeing:
    return Seeing(Heard(), {"telegram": gives(picture)}, CITY, ["join"], question)


async def test_where_any_photo_is_asked_for_a_code_on_it_is_not_read() -> None:
    """Whoever sent a photo of the wall with a claim checked in with its old code instead, in vain."""
    wall = photo(f"{CITY}/chat?go=join-42")
    assert (await bringing(any_photo, wall).seen(sent())).photo == Photo("file")
    assert (await bringing(no, wall).seen(sent())).intent == Intent("join", ("42",))


async def test_it_is_brought_only_where_it_is_asked_for_and_then_its_codes_are_part_of_it() -> None:
    invitation = photo(f"{CITY}/chat?go=join-42")
    brought = (await bringing(yes, invitation).seen(sent())).photo
    assert brought is not None
    assert brought.picture == made_fit(invitation)
    assert (await bringing(no, invitation).seen(sent())).intent == Intent("join", ("42",))


async def test_what_our_own_page_posts_goes_no_further_than_here_unless_it_is_asked_for() -> None:
    posted = Incoming(Address("web", "7"), "1", datetime(2026, 11, 24, tzinfo=UTC), photo=Photo("key", snapshot()))
    assert (await bringing(no, None).seen(posted)).photo == Photo("key")
    brought = (await bringing(yes, None).seen(posted)).photo
    assert brought is not None
    assert brought.picture == made_fit(snapshot())


async def test_one_that_does_not_come_or_finds_no_room_is_told_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await bringing(yes, None).seen(sent())).photo == Photo("file", flaw="away")
    monkeypatch.setattr(photos, "WAITING", 0)
    assert (await bringing(yes, snapshot()).seen(sent())).photo == Photo("file", flaw="away")


# --- Fetching: the platform's own host and no other -------------------------------------------------------------------


@asynccontextmanager
async def platform(answer: Callable[[web.Request], web.StreamResponse]) -> AsyncIterator[tuple[str, list[str]]]:
    """Answers everything; the paths that were asked for."""
    asked: list[str] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        asked.append(request.path_qs)
        return answer(request)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


def file_at(path: object, size: object = 1000) -> Callable[[web.Request], web.StreamResponse]:
    def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/getFile"):
            return web.json_response({"ok": True, "result": {"file_id": "f", "file_path": path, "file_size": size}})
        return web.Response(body=photo(PROOF), content_type="image/jpeg")

    return answer


async def test_telegrams_picture_comes_by_its_file_path() -> None:
    async with platform(file_at("photos/file_1.jpg")) as (base, asked):
        api = TelegramApi(TOKEN, base)
        found = await api.picture("f")
        await api.close()
    assert found == photo(PROOF)
    assert asked[-1] == f"/file/bot{TOKEN}/photos/file_1.jpg"


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("http://169.254.169.254/latest", 10),
        ("//evil.example/x", 10),
        ("/etc/passwd", 10),
        ("photos/../../../getMe", 10),
        ("photos/x?y=1", 10),
        ("photos/x@evil", 10),
        (None, 10),
        ("photos/large.jpg", LARGEST + 1),
        ("photos/odd.jpg", "many"),
    ],
)
async def test_telegrams_picture_comes_from_nowhere_else(path: object, size: object) -> None:
    async with platform(file_at(path, size)) as (base, asked):
        api = TelegramApi(TOKEN, base)
        assert await api.picture("f") is None
        await api.close()
    assert len(asked) == 1


async def test_a_redirect_is_not_followed_and_too_many_bytes_are_not_read() -> None:
    def elsewhere(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/getFile"):
            return web.json_response({"ok": True, "result": {"file_path": "photos/x.jpg"}})
        if request.path.endswith("x.jpg"):
            return web.Response(status=302, headers={"Location": "/inside"})
        return web.Response(body=photo(PROOF))

    def endless(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/getFile"):
            return web.json_response({"ok": True, "result": {"file_path": "photos/x.jpg", "file_size": 5}})
        return web.Response(body=b"\0" * (LARGEST + 1))

    for answer in (elsewhere, endless):
        async with platform(answer) as (base, asked):
            api = TelegramApi(TOKEN, base)
            assert await api.picture("f") is None
            await api.close()
        assert "/inside" not in asked


def wechat(base: str) -> WeChatApi:
    shelf = MemoryShelf(("old", datetime.now(UTC) + timedelta(hours=1)))
    return WeChatApi(
        app_id="wx0123456789abcdef", app_secret="s" * 32, shelf=shelf, clock=lambda: datetime.now(UTC), base=base
    )


async def test_wechats_picture_comes_by_its_media_id_with_a_new_token_where_the_old_one_was_refused() -> None:
    refused = [40001]

    def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/cgi-bin/stable_token":
            return web.json_response({"access_token": f"token{len(refused)}", "expires_in": 7200})
        assert request.path == "/cgi-bin/media/get"
        if refused:
            return web.json_response({"errcode": refused.pop(), "errmsg": "invalid credential"})
        return web.Response(body=photo(PROOF), content_type="image/jpeg")

    async with platform(answer) as (base, asked):
        api = wechat(base)
        assert await api.picture("http://evil.example/x&access_token=1") == photo(PROOF)
        await api.close()
    assert all(one.startswith("/cgi-bin/") for one in asked)
    assert "media_id=http" in asked[-1]


@pytest.mark.parametrize(
    "answer",
    [
        web.json_response({"errcode": 40007, "errmsg": "invalid media_id"}),
        web.Response(status=302, headers={"Location": "/inside"}),
        web.Response(body=b"{", content_type="application/json"),
        web.Response(body=b"\0" * (LARGEST + 1), content_type="image/jpeg"),
        web.Response(body=b"<html>", content_type="text/html"),
    ],
)
async def test_wechats_picture_comes_from_nowhere_else(answer: web.Response) -> None:
    def answered(request: web.Request) -> web.StreamResponse:
        if request.path == "/cgi-bin/stable_token":
            return web.json_response({"access_token": "token", "expires_in": 7200})
        return answer

    async with platform(answered) as (base, asked):
        api = wechat(base)
        assert await api.picture("m") is None
        await api.close()
    assert "/inside" not in asked
