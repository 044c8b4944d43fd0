"""Pictures whose addresses Telegram cannot open: the door brings them itself, each once.

A city on a laptop showed its people `http://127.0.0.1:8080/mycode/…` where their code should have been.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email import message_from_bytes
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bot.channels.telegram import calls
from bot.channels.telegram.calls import Call, in_form
from bot.channels.telegram.door import TelegramDoor
from bot.channels.telegram.numbers import CAPTION_LIMIT, PICTURE_LIMIT
from bot.talk.door import Delivered, NotSent, Refused, Uncertain
from bot.talk.incoming import Incoming
from bot.talk.view import Button, Page, Reply
from tests.channels.telegram_kit import KeptReplies, door_before
from tests.waiting import until

HERE = "http://127.0.0.1:8080/months/V7K3M9QXA2.png?l=en&t=120&k=right"
CHART = Page("Your hours by month.", (Button(1, "Back", "17.1"),), picture=HERE)
IN_WORDS = f"{CHART.text}\n{HERE}"


def drawn(width: int = 40, height: int = 30, kind: str = "PNG", colour: str = "green") -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind)
    return out.getvalue()


class Pages:
    """Our own pages: what they draw, and what was asked of them."""

    def __init__(self, picture: bytes | None = None, fault: Exception | None = None) -> None:
        self.picture = picture
        self.fault = fault
        self.asked: list[str] = []
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, address: str) -> bytes | None:
        self.asked.append(address)
        await self.free.wait()
        if self.fault:
            raise self.fault
        return self.picture


# --- The form ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_form_says_what_the_call_says_and_holds_the_picture_untouched(kind: str) -> None:
    markup = {"inline_keyboard": [[{"text": "返回", "callback_data": "17.1"}]]}
    call = Call.of("sendPhoto", {"photo": calls.ATTACHED, "caption": '时长 "120"\r\n--', "reply_markup": markup})
    picture = drawn(kind=kind) + b"\r\n--\r\n\x00\xff"
    head, body = in_form(call.to(-100, b',"allow_paid_broadcast":true'), picture)
    form = message_from_bytes(b"Content-Type: %b\r\n\r\n%b" % (head.encode(), body))
    assert form.get_content_type() == "multipart/form-data"
    assert not form.defects
    parts: Any = form.get_payload()
    named = {part.get_param("name", header="content-disposition"): part for part in parts}
    file = named.pop("picture")
    assert file.get_content_type() == f"image/{kind}"
    assert file.get_filename() == f"picture.{kind}"
    assert file.get_payload(decode=True) == picture
    assert {name: part.get_payload(decode=True).decode() for name, part in named.items()} == {
        "chat_id": "-100",
        "allow_paid_broadcast": "true",
        "photo": "attach://picture",
        "caption": '时长 "120"\r\n--',
        "reply_markup": '{"inline_keyboard":[[{"text":"返回","callback_data":"17.1"}]]}',
    }


def test_what_parts_a_form_is_in_none_of_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_lots = iter(["in-the-words", "in-the-picture", "in-neither"])
    monkeypatch.setattr(calls.secrets, "token_hex", lambda _bytes: next(drawn_lots))
    call = Call.of("sendPhoto", {"photo": calls.ATTACHED, "caption": "in-the-words"})
    head, body = in_form(call.to(1), b"\x89PNG in-the-picture")
    assert head.endswith("boundary=in-neither")
    assert body.count(b"--in-neither") == 5


# --- A picture of ours ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
async def test_a_picture_that_telegram_cannot_open_is_brought(kind: str) -> None:
    pages = Pages(drawn(kind=kind))
    async with door_before(limit=2.0, pictures=pages) as served:
        assert isinstance(await served.door.send("4242", CHART, "k"), Delivered)
        (message,) = served.hand.person.messages
        assert message["photo"]
        assert message["caption"] == CHART.text, "its address tells them nothing"
        assert message["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "17.1"
        assert served.standin.uploaded == [pages.picture]
        assert pages.asked == [HERE]


async def test_where_nobody_draws_it_its_address_is_told() -> None:
    """The control, and how it was before."""
    async with door_before(limit=2.0) as served:
        assert isinstance(await served.door.send("4242", CHART, "k"), Delivered)
        assert served.hand.person.texts == [IN_WORDS]


async def test_a_picture_that_telegram_can_open_goes_by_its_address() -> None:
    pages = Pages(drawn())
    async with door_before(limit=2.0, pictures=pages) as served:
        await served.door.send("4242", Page("Poster", picture="https://city.example.org/p.png"), "k")
        assert served.standin.called("sendPhoto")[0]["photo"] == "https://city.example.org/p.png"
        assert not pages.asked
        assert not served.standin.uploaded


async def test_a_reply_brings_it_too() -> None:
    def answer(_incoming: Incoming) -> Reply:
        return Reply((CHART,))

    async with door_before(KeptReplies(answer), limit=2.0, pictures=Pages(drawn())) as served:
        await served.intake.receive(served.hand.says("chart"))
        assert [bool(one.get("photo")) for one in served.hand.person.messages] == [True]


async def test_what_was_brought_goes_by_its_name_until_the_next_start() -> None:
    pages = Pages(drawn())
    async with door_before(limit=2.0, pictures=pages) as served:
        for _once in range(3):
            await served.door.send("4242", CHART, "k")
        assert len(served.standin.uploaded) == len(pages.asked) == 1
        restarted = TelegramDoor(served.api, pictures=pages)
        for _once in range(2):
            await restarted.send("4242", CHART, "k")
        assert len(served.standin.uploaded) == len(pages.asked) == 2
        assert [bool(one.get("photo")) for one in served.hand.person.messages] == [True] * 5
        assert [one["caption"] for one in served.hand.person.messages] == [CHART.text] * 5


async def test_of_many_at_once_one_brings_it() -> None:
    """A campaign's first messages are under way together."""
    pages = Pages(drawn())
    pages.free.clear()
    async with door_before(limit=2.0, pictures=pages) as served:
        for chat in range(1, 21):
            served.standin.person(chat)
        under_way = [asyncio.create_task(served.door.send(str(chat), CHART, "k")) for chat in range(1, 21)]
        await until(lambda: pages.asked)
        pages.free.set()
        assert {type(one) for one in await asyncio.gather(*under_way)} == {Delivered}
        assert len(served.standin.uploaded) == len(pages.asked) == 1
        assert all(served.standin.person(chat).messages[0]["photo"] for chat in range(1, 21))


async def test_two_pictures_do_not_wait_for_each_other() -> None:
    pages = Pages(drawn())
    pages.free.clear()
    async with door_before(limit=2.0, pictures=pages) as served:
        both = [
            asyncio.create_task(served.door.send("4242", Page("x", picture=f"{HERE}{one}"), "k")) for one in range(2)
        ]
        await until(lambda: len(pages.asked) == 2)
        pages.free.set()
        await asyncio.gather(*both)


async def test_who_waits_too_long_for_another_is_known_to_have_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender would give it up as uncertain, and never send it again."""
    monkeypatch.setattr("bot.channels.telegram.door.WAITING", 0.02)
    pages = Pages(drawn())
    pages.free.clear()
    async with door_before(limit=2.0, pictures=pages) as served:
        first = asyncio.create_task(served.door.send("4242", CHART, "1"))
        await asyncio.sleep(0)
        waited = await served.door.send("4242", CHART, "2")
        assert isinstance(waited, NotSent)
        assert waited.reached
        assert not waited.halts
        assert not served.standin.calls
        pages.free.set()
        assert isinstance(await first, Delivered)
        assert isinstance(await served.door.send("4242", CHART, "2"), Delivered)
        assert len(served.standin.uploaded) == 1


async def test_a_name_that_is_not_good_any_more_is_brought_anew() -> None:
    async with door_before(limit=2.0, pictures=Pages(drawn())) as served:
        await served.door.send("4242", CHART, "k")
        served.standin.fail_next("sendPhoto", status=400, description="Bad Request: wrong file identifier/HTTP URL")
        assert isinstance(await served.door.send("4242", CHART, "k"), Delivered)
        assert [bool(one.get("photo")) for one in served.hand.person.messages] == [True, True]
        assert len(served.standin.uploaded) == 2


# --- What cannot be brought ----------------------------------------------------------------------------------------


NOT_BROUGHT: dict[str, Callable[[], Pages]] = {
    "there is none": lambda: Pages(None),
    "it is empty": lambda: Pages(b""),
    "it cannot be drawn": lambda: Pages(fault=OSError("no database")),
    "it is too large": lambda: Pages(drawn() + bytes(PICTURE_LIMIT)),
    "it is too wide": lambda: Pages(drawn(2_100, 100)),
    "it is too big": lambda: Pages(drawn(9_000, 1_500, "JPEG")),
    "it is no picture": lambda: Pages(b"\x89PNG no picture"),
}


@pytest.mark.parametrize("why", NOT_BROUGHT)
async def test_the_words_come_with_its_address_when(why: str) -> None:
    async with door_before(limit=2.0, pictures=NOT_BROUGHT[why]()) as served:
        assert isinstance(await served.door.send("4242", CHART, "k"), Delivered)
        assert served.hand.person.texts == [IN_WORDS]
        assert not served.standin.uploaded


async def test_what_telegram_would_not_take_is_not_sent_there() -> None:
    async with door_before(limit=2.0, pictures=Pages(drawn() + bytes(PICTURE_LIMIT))) as served:
        await served.door.send("4242", CHART, "k")
        assert not served.standin.called("sendPhoto")


async def test_a_picture_that_is_drawn_too_slowly_goes_as_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.telegram.door.DRAWING", 0.02)
    pages = Pages(drawn())
    pages.free.clear()
    async with door_before(limit=2.0, pictures=pages) as served:
        assert isinstance(await served.door.send("4242", CHART, "k"), Delivered)
        assert served.hand.person.texts == [IN_WORDS]


async def test_words_that_do_not_fit_under_it_come_with_its_address() -> None:
    pages = Pages(drawn())
    async with door_before(limit=2.0, pictures=pages) as served:
        await served.door.send("4242", Page("x" * (CAPTION_LIMIT + 1), picture=HERE), "k")
        assert served.hand.person.texts == [f"{'x' * (CAPTION_LIMIT + 1)}\n{HERE}"]
        assert not pages.asked


async def test_a_server_without_pictures_is_brought_none_twice() -> None:
    pages = Pages(drawn())
    async with door_before(conservative=True, limit=2.0, pictures=pages) as served:
        for _once in range(2):
            await served.door.send("4242", CHART, "k")
        assert served.hand.person.texts == [IN_WORDS] * 2
        assert served.standin.refused[404] == 1


# --- What becomes of it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"status": 429, "parameters": {"retry_after": 25}}, NotSent),
        ({"status": 403, "description": "Forbidden: bot was blocked by the user"}, Refused),
        ({"status": 502, "body": "Bad Gateway"}, Uncertain),
        ({"drops": True, "effective": True}, Uncertain),
    ],
)
async def test_an_upload_ends_as_every_call_does(fault: dict[str, Any], outcome: type) -> None:
    async with door_before(limit=2.0, pictures=Pages(drawn())) as served:
        served.standin.fail_next("sendPhoto", **fault)
        assert isinstance(await served.door.send("4242", CHART, "k"), outcome)
        assert len(served.standin.calls) == 1, "neither its words nor the picture goes again by itself"


async def test_after_one_whom_it_did_not_reach_the_next_brings_it() -> None:
    async with door_before(limit=2.0, pictures=Pages(drawn())) as served:
        served.standin.person(7).state = "kicked"
        assert isinstance(await served.door.send("7", CHART, "k"), Refused)
        assert isinstance(await served.door.send("4242", CHART, "k"), Delivered)
        assert served.hand.person.messages[0]["photo"]


async def test_it_follows_a_chat_to_its_new_number() -> None:
    async with door_before(limit=2.0, pictures=Pages(drawn())) as served:
        served.standin.moved[-5] = 4242
        assert isinstance(await served.door.send("-5", CHART, "k"), Delivered)
        assert served.hand.person.messages[0]["photo"]


async def test_it_is_paid_for_as_every_message_is() -> None:
    async with door_before(limit=2.0) as served:
        door = TelegramDoor(served.api, paid=True, pictures=Pages(drawn()))
        await door.send("4242", CHART, "k")
        assert served.standin.called("sendPhoto")[0]["allow_paid_broadcast"] == "true"
