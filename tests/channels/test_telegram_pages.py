"""Pages in, requests out: what goes over the wire, and that the platform takes it."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from aiogram import methods
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import from_json

from bot.channels.telegram.calls import Call, parsed, press_answered
from bot.channels.telegram.numbers import CAPTION_LIMIT, DATA_LIMIT, TELEGRAM, TEXT_LIMIT
from bot.channels.telegram.pages import (
    directions,
    is_public,
    layout,
    location,
    venue,
)
from bot.talk.door import Delivered, Refused
from bot.talk.incoming import LINK_LIMIT, Intent
from bot.talk.render import render
from bot.talk.view import Button, Link, Option, Page, View, WebLink
from bot.talk.wording import Wording
from tests.channels.telegram_kit import door_before
from tests.standins.telegram_api import units

MAP = "https://uri.amap.com/marker?position=116.400000,39.900000&coordinate=wgs84&name=Temple"
SPOT = (39.9, 116.4, "Temple", "Tiantan East Road")

OUT: dict[str, tuple[Page, list[tuple[str, dict[str, Any]]]]] = {
    "a sentence": (Page("hello"), [("sendMessage", {"text": "hello"})]),
    "markup signs are text": (
        Page("<b>Tom & *Li_Lei*</b> [x](y)"),
        [("sendMessage", {"text": "<b>Tom & *Li_Lei*</b> [x](y)"})],
    ),
    "short labels share a row": (
        Page("?", (Button(1, "Yes", "17.1"), Button(2, "No", "17.2"), Button(3, "返回", "17.3"))),
        [
            (
                "sendMessage",
                {
                    "text": "?",
                    "reply_markup": {
                        "inline_keyboard": [
                            [
                                {"text": "Yes", "callback_data": "17.1"},
                                {"text": "No", "callback_data": "17.2"},
                                {"text": "返回", "callback_data": "17.3"},
                            ]
                        ]
                    },
                },
            )
        ],
    ),
    "a long label stands alone": (
        Page("?", (Button(1, "周六上午在海淀公园种树（还有 3 个位置）", "join-42"), Button(2, "More", "17.2"))),
        [
            (
                "sendMessage",
                {
                    "text": "?",
                    "reply_markup": {
                        "inline_keyboard": [
                            [{"text": "周六上午在海淀公园种树（还有 3 个位置）", "callback_data": "join-42"}],
                            [{"text": "More", "callback_data": "17.2"}],
                        ]
                    },
                },
            )
        ],
    ),
    "buttons without words": (
        Page("", (Button(1, "Yes", "17.1"),)),
        [
            (
                "sendMessage",
                {"text": "👇", "reply_markup": {"inline_keyboard": [[{"text": "Yes", "callback_data": "17.1"}]]}},
            )
        ],
    ),
    "a page that a phone can open is a button": (
        Page("x", (Button(0, "Map", url="https://city.example.org/wall/1"),)),
        [
            (
                "sendMessage",
                {
                    "text": "x",
                    "reply_markup": {"inline_keyboard": [[{"text": "Map", "url": "https://city.example.org/wall/1"}]]},
                },
            )
        ],
    ),
    "a page on this machine is a line": (
        Page("x", (Button(0, "Wall", url="http://127.0.0.1:8080/wall/1"),)),
        [("sendMessage", {"text": "x\nWall: http://127.0.0.1:8080/wall/1"})],
    ),
    "a place is wanted": (
        Page("Where?", (Button(1, "Haidian", "17.1"), Button(0, "Map", url="https://a.org/m")), wants="place"),
        [
            (
                "sendMessage",
                {
                    "text": "Where?\nMap: https://a.org/m",
                    "reply_markup": {
                        "keyboard": [
                            [{"text": "📍 分享位置 Share my place", "request_location": True}],
                            [{"text": "Haidian"}],
                        ],
                        "resize_keyboard": True,
                        "one_time_keyboard": True,
                    },
                },
            )
        ],
    ),
    "a number is wanted, and a label was shortened": (
        Page("?", (Button(1, "1  A very long lab…", "17.1"),), wants="phone", language="en"),
        [
            (
                "sendMessage",
                {
                    "text": "?",
                    "reply_markup": {
                        "keyboard": [[{"text": "📱 Share my number", "request_contact": True}], [{"text": "1"}]],
                        "resize_keyboard": True,
                        "one_time_keyboard": True,
                    },
                },
            )
        ],
    ),
    "a picture with its words": (
        Page("Poster", picture="https://city.example.org/p.png"),
        [("sendPhoto", {"photo": "https://city.example.org/p.png", "caption": "Poster"})],
    ),
    "a picture with more words than fit under it": (
        Page("x" * (CAPTION_LIMIT + 1), picture="https://city.example.org/p.png"),
        [("sendMessage", {"text": "x" * (CAPTION_LIMIT + 1) + "\nhttps://city.example.org/p.png"})],
    ),
    "a picture that Telegram cannot fetch": (
        Page("Poster", picture="http://localhost:8080/p.png"),
        [("sendMessage", {"text": "Poster\nhttp://localhost:8080/p.png"})],
    ),
    "a place to go to": (
        Page("Meet here", spot=SPOT),
        [
            ("sendMessage", {"text": "Meet here"}),
            (
                "sendVenue",
                {"latitude": "39.9", "longitude": "116.4", "title": "Temple", "address": "Tiantan East Road"},
            ),
        ],
    ),
    "nothing but a place on the equator": (
        Page("", spot=(0.0, 0.0, "", "")),
        [("sendVenue", {"latitude": "0.0", "longitude": "0.0", "title": "📍", "address": "📍"})],
    ),
    "characters that nobody can send": (Page("a\x00\ud83db "), [("sendMessage", {"text": "ab"})]),
}


def plain(call: dict[str, Any]) -> dict[str, Any]:
    """A call without its chat, its keyboard as an object."""
    bare = {name: value for name, value in call.items() if name != "chat_id"}
    if "reply_markup" in bare:
        markup = json.loads(bare["reply_markup"])
        markup = {name: value for name, value in markup.items() if value is not None}
        bare["reply_markup"] = markup
    return bare


@pytest.mark.parametrize("says", OUT)
async def test_a_page_becomes(says: str) -> None:
    page, expected = OUT[says]
    async with door_before() as served:
        assert isinstance(await served.door.send("4242", page, "k"), Delivered)
        assert [(call.method, plain(call.given)) for call in served.standin.calls] == expected
        assert all(call.given["chat_id"] == "4242" for call in served.standin.calls)


def unknown(model: BaseModel) -> set[str]:
    """Fields that aiogram's type does not have, at any depth."""
    found = set(model.model_extra or {})
    for value in vars(model).values():
        for row in value if isinstance(value, list) else [[value]]:
            for one in row if isinstance(row, list) else [row]:
                found |= unknown(one) if isinstance(one, BaseModel) else set()
    return found


def as_aiogram_says_it(name: str, body: bytes) -> tuple[dict[str, Any], set[str]]:
    """What aiogram's method would give, and what in ours it does not know."""
    method = getattr(methods, name[0].upper() + name[1:]).model_validate_json(body)
    return method.model_dump(mode="json", exclude_unset=True, exclude_none=True), unknown(method)


def calls_of(page: Page) -> list[Call]:
    """Every way of showing it."""
    shown = layout(page)
    on_map = [way(page.spot) for way in (venue, location, directions)] if page.spot else []
    return [*(call for call in (shown.message, shown.photo) if call), *on_map]


@pytest.mark.parametrize("says", OUT)
def test_a_call_is_what_aiogram_would_make_of_it(says: str) -> None:
    for call in calls_of(OUT[says][0]):
        body = call.to(4242, b',"allow_paid_broadcast":true')
        assert as_aiogram_says_it(call.method, body) == (json.loads(body), set())


def test_so_is_the_answer_to_a_press() -> None:
    body = press_answered("812")
    assert as_aiogram_says_it("answerCallbackQuery", body) == (json.loads(body), set())


def test_a_misspelt_field_would_be_seen() -> None:
    markup = {"inline_keyboard": [[{"text": "x", "calback_data": "17.1"}]]}
    call = Call.of("sendMessage", {"text": "x", "reply_markup": markup})
    _said, strange = as_aiogram_says_it(call.method, call.to(1))
    assert strange == {"calback_data"}


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=ANY_JSON, escaped=st.booleans())
def test_json_is_read_as_python_reads_it(value: Any, escaped: bool) -> None:
    raw = json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    assert parsed(raw) == json.loads(raw)


@pytest.mark.parametrize("raw", [b'"\\ud83d"', '{"text": "好"}'.encode("utf-16")])
def test_so_is_what_only_python_takes(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(raw)
    assert parsed(raw) == json.loads(raw)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"a": 1} 2', b"[" * 100_000])
def test_what_is_no_json_is_read_by_neither(raw: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        parsed(raw)


@pytest.mark.parametrize("says", OUT)
async def test_a_smaller_server_gets_all_words_too(says: str) -> None:
    page, _expected = OUT[says]
    async with door_before(conservative=True) as served:
        assert isinstance(await served.door.send("4242", page, "k"), Delivered)
        said = "\n".join(served.hand.person.texts)
        assert {call.method for call in served.standin.calls} == {"sendMessage"}
        if page.picture:
            assert page.picture in said
        if page.spot:
            assert "uri.amap.com" in said


async def test_what_a_server_lacks_is_asked_for_once() -> None:
    async with door_before(conservative=True) as served:
        for number in range(3):
            await served.door.send("4242", Page("Meet here", spot=SPOT), str(number))
        assert served.standin.refused[404] == 2  # a venue, a bare place
        assert served.hand.person.texts.count(f"📍 Temple Tiantan East Road\n{MAP}") == 3


async def test_a_page_with_nothing_on_it_is_refused_without_a_call() -> None:
    async with door_before() as served:
        assert await served.door.send("4242", Page(" \n"), "k") == Refused("there is nothing on the page")
        assert not served.standin.calls


async def test_a_button_that_telegram_finds_fault_with_becomes_a_line() -> None:
    page = Page("x", (Button(1, "Yes", "17.1"), Button(0, "Odd", url="https://odd.example.org/")))
    async with door_before() as served:
        served.standin.fail_next("sendMessage", status=400, description="Bad Request: BUTTON_URL_INVALID")
        assert isinstance(await served.door.send("4242", page, "k"), Delivered)
        assert served.hand.person.texts == ["x\nOdd: https://odd.example.org/"]
        assert served.hand.person.messages[0]["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "17.1"


@pytest.mark.parametrize("text", ["文" * 20_000, "👩‍🌾" * 9000, "One. " * 4000])
async def test_a_long_text_is_split_so_that_the_platform_takes_every_part(text: str) -> None:
    rendered = render(
        [View(text, [WebLink("Wall", "/wall/1")])], TELEGRAM, Wording("en", UTC), 3, "http://127.0.0.1:8080"
    )
    pages = [*rendered.pages, *rendered.rest]
    assert len(pages) > 3
    async with door_before() as served:
        for number, page in enumerate(pages):
            assert isinstance(await served.door.send("4242", page, str(number)), Delivered)
        assert max(map(units, served.hand.person.texts)) <= TEXT_LIMIT


async def test_a_longer_text_than_the_core_may_make_is_cut_rather_than_refused() -> None:
    page = Page("文" * 5000, (Button(0, "Wall", url="http://127.0.0.1/wall"),), picture="http://127.0.0.1/p.png")
    async with door_before() as served:
        assert isinstance(await served.door.send("4242", page, "k"), Delivered)
        (text,) = served.hand.person.texts
        assert text.endswith("…\nWall: http://127.0.0.1/wall\nhttp://127.0.0.1/p.png")
        assert units(text) == TEXT_LIMIT


async def test_without_the_cut_the_platform_would_refuse() -> None:
    async with door_before() as served:
        answer = await served.api.post("sendMessage", Call.of("sendMessage", {"text": "文" * 5000}).to(4242))
        assert getattr(answer, "status", 200) == 400


@given(
    text=st.text(max_size=400),
    labels=st.lists(st.text(min_size=1, max_size=60), max_size=30),
    wants=st.sampled_from(["", "place", "phone", "text"]),
)
def test_whatever_is_said_the_keyboard_keeps_to_the_limits(text: str, labels: list[str], wants: Any) -> None:
    shown = layout(Page(text, tuple(Button(n, label, f"17.{n}") for n, label in enumerate(labels, 1)), wants))
    keyboard = shown.keyboard or {}
    rows = keyboard.get("inline_keyboard") or keyboard.get("keyboard") or []
    assert all(1 <= len(row) <= 8 for row in rows)
    assert sum(map(len, rows)) <= TELEGRAM.buttons + 1
    assert all(button["text"].strip() for row in rows for button in row)
    assert json.loads(shown.message.to(1))["text"]


def test_the_longest_link_fits_a_button() -> None:
    longest = Intent("join", ("x" * (LINK_LIMIT - 5),))
    rendered = render([View("x", [Link("Join", longest), Option("a", "A")])], TELEGRAM, Wording("en", UTC), 999_999_999)
    keyboard = layout(rendered.pages[0]).keyboard
    assert keyboard
    data = [button["callback_data"] for row in keyboard["inline_keyboard"] for button in row]
    assert [len(one.encode()) for one in data] == [DATA_LIMIT, len("999999999.2")]


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:8080/x", "http://localhost/x", "http://10.0.0.2/x", "http://[::1]/", "http://desk.local/x"),
        *("ftp://a.org/x", "https://a.org/a b", "weixin://x", "https://", "http://[", ""),
    ],
)
def test_addresses_that_a_phone_cannot_open(url: str) -> None:
    assert not is_public(url)


@pytest.mark.parametrize("url", ["https://a.org", "http://8.8.8.8/x", "https://志愿.中国/x"])
def test_addresses_that_a_phone_can_open(url: str) -> None:
    assert is_public(url)
