"""Speaking first: each way in which a call can end, and that the token stays inside."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image

from bot.channels.telegram.api import TelegramApi
from bot.channels.telegram.door import TelegramDoor, Traffic
from bot.channels.telegram.errors import Failed, outcome
from bot.talk.door import Delivered, Door, NotSent, Outcome, Refused, Uncertain
from bot.talk.view import Page
from tests.channels.telegram_kit import ManualTime, Served, door_before
from tests.leap import leap
from tests.standins.telegram import TOKEN, TelegramStandIn

PAGE = Page("hello")

FAULTS: dict[str, tuple[dict[str, Any], Outcome, int]] = {
    "a limit of the account": (
        {"status": 429, "description": "Too Many Requests: retry after 25", "parameters": {"retry_after": 25}},
        NotSent("429 Too Many Requests: retry after 25", after=25.0),
        0,
    ),
    "a limit that asks for no wait": (
        {"status": 429, "description": "Too Many Requests: retry after 0", "parameters": {"retry_after": 0}},
        NotSent("429 Too Many Requests: retry after 0", after=1.0),
        0,
    ),
    "a limit of a gateway": (
        {"status": 429, "body": "<html>slow down</html>", "headers": {"Retry-After": "7"}},
        NotSent("429 the answer is not JSON", after=7.0),
        0,
    ),
    "blocked": (
        {"status": 403, "description": "Forbidden: bot was blocked by the user"},
        Refused("403 Forbidden: bot was blocked by the user", closes=True),
        0,
    ),
    "deactivated": (
        {"status": 403, "description": "Forbidden: user is deactivated"},
        Refused("403 Forbidden: user is deactivated", closes=True),
        0,
    ),
    "no such chat": (
        {"status": 400, "description": "Bad Request: chat not found"},
        Refused("400 Bad Request: chat not found", closes=True),
        0,
    ),
    "a message that it does not like": (
        {"status": 400, "description": "Bad Request: message is too long"},
        Refused("400 Bad Request: message is too long"),
        0,
    ),
    "too large": (
        {"status": 413, "description": "Request Entity Too Large"},
        Refused("413 Request Entity Too Large"),
        0,
    ),
    "the token was taken back": (
        {"status": 401, "description": "Unauthorized"},
        NotSent("401 Unauthorized", after=60.0, halts="account"),
        0,
    ),
    "no such bot": (
        {"status": 404, "description": "Not Found"},
        NotSent("404 Not Found", after=60.0, halts="account"),
        0,
    ),
    "led elsewhere": (
        {"status": 307, "body": "", "headers": {"Location": "/elsewhere"}},
        NotSent("307 the answer is not JSON", after=60.0, halts="account"),
        0,
    ),
    "an error of the server after it sent": (
        {"status": 500, "description": "Internal Server Error", "effective": True},
        Uncertain("500 Internal Server Error"),
        1,
    ),
    "a gateway's error before it sent": (
        {"status": 502, "body": "<html>Bad Gateway</html>"},
        Uncertain("502 the answer is not JSON"),
        0,
    ),
    "the connection broke after the message was sent": (
        {"drops": True, "effective": True},
        Uncertain("no answer (closed)"),
        1,
    ),
    "the connection broke before the message was sent": (
        {"drops": True},
        Uncertain("no answer (closed)"),
        0,
    ),
    "no answer in time": ({"hangs": True, "effective": True}, Uncertain("no answer (too late)"), 1),
    "an answer that is no JSON": ({"status": 200, "body": "<html>ok</html>", "effective": True}, Delivered(), 1),
    "an answer that breaks off": ({"cut": True, "effective": True}, Delivered(), 1),
    "an answer in a form of next year": (
        {"status": 200, "body": '{"ok": true, "result": {"message_id": "one"}}', "effective": True},
        Delivered(),
        1,
    ),
    "a number that is no number": (
        {"status": 200, "body": '{"ok": true, "result": {"message_id": 0}}', "effective": True},
        Delivered(),
        1,
    ),
    "a refusal with the status of a yes": (
        {"status": 200, "body": '{"ok": false, "error_code": 403, "description": "Forbidden"}'},
        Refused("403 Forbidden", closes=True),
        0,
    ),
}


@pytest.mark.parametrize("case", FAULTS)
async def test_a_call_ends(case: str) -> None:
    fault, expected, arrived = FAULTS[case]
    async with door_before() as served:
        served.standin.on_hang = leap
        served.standin.fail_next("sendMessage", **fault)
        assert await served.door.send("4242", PAGE, "k") == expected
        assert served.standin.delivered[4242] == arrived
        assert len(served.standin.calls) == 1, "nothing is retried here"


async def test_a_message_arrives_with_its_number() -> None:
    async with door_before() as served:
        assert await served.door.send("4242", PAGE, "k") == Delivered("1")
        assert served.hand.person.texts == ["hello"]


async def test_it_is_a_door() -> None:
    async with door_before() as served:
        assert isinstance(served.door, Door)
        assert served.door.name == "telegram"


async def test_nobody_listens_so_nothing_was_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        api = TelegramApi(TOKEN, f"http://127.0.0.1:{free.getsockname()[1]}")
        outcome_ = await TelegramDoor(api).send("4242", PAGE, "k")
        await api.close()
    assert outcome_ == NotSent("no connection (ConnectionRefusedError)", reached=False)


async def test_a_server_that_was_started_anew_between_two_messages_gets_the_second_one_once() -> None:
    """Its connections were closed while they waited, so nothing had been written on them."""
    async with TelegramStandIn() as before:
        before.person(4242)
        api = TelegramApi(TOKEN, before.base)
        assert isinstance(await TelegramDoor(api).send("4242", PAGE, "k"), Delivered)
    async with TelegramStandIn(port=urlsplit(before.base).port or 0) as after:
        after.person(4242)
        assert isinstance(await TelegramDoor(api).send("4242", PAGE, "k"), Delivered)
        assert (len(before.calls), len(after.calls)) == (1, 1)
        await api.close()


async def test_a_connection_that_nobody_takes_in_time_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time that ran out before a byte was written once looked like one that ran out after the message had gone."""
    monkeypatch.setattr("bot.channels.wire.CONNECT_LIMIT", 0.05)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        api = TelegramApi(TOKEN, f"https://127.0.0.1:{mute.getsockname()[1]}")
        assert await TelegramDoor(api).send("4242", PAGE, "k") == NotSent("no connection (TimeoutError)", reached=False)
        await api.close()


async def test_a_name_that_does_not_resolve_is_no_connection() -> None:
    api = TelegramApi(TOKEN, "https://menkou.invalid")
    outcome_ = await TelegramDoor(api).send("4242", PAGE, "k")
    await api.close()
    assert isinstance(outcome_, NotSent)


async def test_a_certificate_that_is_none_is_no_connection() -> None:
    async with TelegramStandIn() as plain:
        api = TelegramApi(TOKEN, plain.base.replace("http:", "https:"))
        outcome_ = await TelegramDoor(api).send("4242", PAGE, "k")
        await api.close()
        assert isinstance(outcome_, NotSent)
        assert not plain.calls


async def test_a_group_that_moved_is_written_to_at_its_new_number() -> None:
    async with door_before() as served:
        served.standin.moved[-55] = -1001
        served.standin.person(-1001)
        assert isinstance(await served.door.send("-55", PAGE, "k"), Delivered)
        assert served.standin.delivered == {-1001: 1}


@pytest.mark.parametrize("to", ["", "Wang", "1e5", "٤٢", "9" * 17, "0", "--5"])
async def test_what_is_no_chat_is_refused_without_a_call(to: str) -> None:
    async with door_before() as served:
        assert await served.door.send(to, PAGE, "k") == Refused("not a Telegram chat", closes=True)
        assert not served.standin.calls


POSTER = Page("Poster", picture="https://city.example.org/p.png")


@asynccontextmanager
async def shown_there(served: Served) -> AsyncIterator[None]:
    """The poster stands at its address, where Telegram can fetch it."""
    drawn = BytesIO()
    Image.new("RGB", (40, 30)).save(drawn, "PNG")
    there = web.Application()

    async def give(_request: web.Request) -> web.Response:
        return web.Response(body=drawn.getvalue(), content_type="image/png")

    there.add_routes([web.get("/p.png", give)])
    async with TestServer(there) as server:
        served.standin.hosts["city.example.org"] = str(server.make_url("")).rstrip("/")
        yield


async def test_a_picture_that_telegram_has_goes_by_its_name() -> None:
    """Its address was given with every message of a campaign, for Telegram to fetch again if it would."""
    async with door_before(limit=2.0) as served, shown_there(served):
        for _once in range(3):
            await served.door.send("4242", POSTER, "k")
        [first, second, third] = [call["photo"] for call in served.standin.called("sendPhoto")]
        assert first == POSTER.picture
        assert second == third == served.hand.person.messages[0]["photo"][-1]["file_id"]
        assert [one.get("caption") for one in served.hand.person.messages] == ["Poster"] * 3


async def test_a_name_that_telegram_does_not_know_any_more_is_forgotten() -> None:
    async with door_before(limit=2.0) as served, shown_there(served):
        await served.door.send("4242", POSTER, "k")
        served.standin.fail_next("sendPhoto", status=400, description="Bad Request: wrong file identifier/HTTP URL")
        assert isinstance(await served.door.send("4242", POSTER, "k"), Delivered)
        assert [bool(one.get("photo")) for one in served.hand.person.messages] == [True, True]
        assert served.standin.called("sendPhoto")[-1]["photo"] == POSTER.picture


async def test_a_blocked_bot_closes_the_address() -> None:
    async with door_before() as served:
        served.hand.blocks()
        refused = await served.door.send("4242", PAGE, "k")
        assert isinstance(refused, Refused)
        assert refused.closes


# --- Whose limit ---------------------------------------------------------------------------------------------------


async def test_a_limit_that_one_chat_hit_halts_that_chat_alone() -> None:
    async with door_before(limits=True) as served:
        outcomes = [await served.door.send("4242", PAGE, str(number)) for number in range(4)]
        assert [type(one) for one in outcomes] == [Delivered, Delivered, Delivered, NotSent]
        assert outcomes[3] == NotSent("429 Too Many Requests: retry after 3", after=3.0)


async def test_a_limit_that_many_chats_hit_halts_the_account() -> None:
    async with door_before(limits=True) as served:
        for chat in range(1, 32):
            served.standin.person(chat)
        served.standin.person(32)
        outcomes = [await served.door.send(str(chat), PAGE, str(chat)) for chat in range(1, 33)]
        assert outcomes[-2] == NotSent("429 Too Many Requests: retry after 1", after=1.0)
        assert outcomes[-1] == NotSent("429 Too Many Requests: retry after 1", after=1.0, halts="account")


async def test_who_is_written_to_by_several_replicas_at_once_halts_nobody_else() -> None:
    """A few people who pressed faster than once a second held up a campaign of 2,000 for as long as they went on."""
    async with door_before(limits=True) as served:
        for chat in (1, 2, 3):
            served.standin.person(chat)
        other = TelegramDoor(served.api)
        for number in range(3):
            assert isinstance(await other.send("4242", PAGE, f"by another {number}"), Delivered)
        for chat in (1, 2, 3):
            refused = await served.door.send("4242", PAGE, f"by us {chat}")
            assert refused == NotSent("429 Too Many Requests: retry after 3", after=3.0)
            assert isinstance(await served.door.send(str(chat), PAGE, str(chat)), Delivered)


def test_a_refusal_of_a_while_ago_says_nothing_of_the_account() -> None:
    time = ManualTime()
    traffic = Traffic(time)
    assert traffic.crowded(7)
    assert traffic.crowded(7)
    assert not traffic.crowded(8)
    traffic.taken()
    assert traffic.crowded(9)
    time.now += Traffic.SPAN + 0.1
    assert traffic.crowded(7)


def test_every_status_has_an_outcome() -> None:
    for status in (0, *range(300, 600)):
        assert isinstance(outcome(Failed(status, "")), NotSent | Refused | Uncertain)


# --- Secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", FAULTS)
async def test_the_token_is_in_no_log_and_no_outcome(case: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fault, _expected, _arrived = FAULTS[case]
    if "description" in fault:
        fault = {**fault, "description": f"{fault['description']} /bot{TOKEN}/sendMessage"}
    async with door_before() as served:
        served.standin.on_hang = leap
        served.standin.fail_next("sendMessage", **fault)
        with structlog.testing.capture_logs() as logged:
            told = await served.door.send("4242", PAGE, "k")
        seen = f"{told} {logged} {caplog.text} {served.api!r} {vars(served.door)}"
        assert TOKEN not in seen
        assert TOKEN.partition(":")[2] not in seen


async def test_the_address_that_is_called_does_hold_the_token() -> None:
    """The control: what the client itself says of a fault would tell it."""
    import aiohttp

    async with TelegramStandIn() as plain, aiohttp.ClientSession() as session:
        url = f"{plain.base}/bot{TOKEN}/nothing"
        with pytest.raises(aiohttp.ClientResponseError) as told:
            await session.post(url, raise_for_status=True)
        assert TOKEN in "".join(traceback.format_exception(told.value))


@pytest.mark.parametrize("base", ["http://example.org", "http://10.0.0.1:8081", "ftp://127.0.0.9"])
def test_the_token_goes_to_another_machine_only_by_https(base: str) -> None:
    with pytest.raises(ValueError) as told:
        TelegramApi(TOKEN, base)
    assert TOKEN not in str(told.value)


@pytest.mark.parametrize("token", ["", "12:x", "123456789:short", f"{TOKEN} ", "x" * 46])
def test_what_is_no_token_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(ValueError) as told:
        TelegramApi(token)
    assert not token or token not in str(told.value)


# --- What the app asks ---------------------------------------------------------------------------------------------


async def test_commands_are_set_in_both_languages() -> None:
    async with door_before() as served:
        assert await served.api.set_commands([("find", "找活动", "Find activities"), ("my", "我的报名", "My sign-ups")])
        menus = {code: [one["description"] for one in menu] for code, menu in served.standin.commands.items()}
        english = ["Find activities", "My sign-ups"]
        assert menus == {"": english, "en": english, "zh": ["找活动", "我的报名"]}


async def test_commands_that_are_not_taken_stop_nothing() -> None:
    async with door_before() as served:
        assert not await served.api.set_commands([("Not A Command", "x", "y")])


async def test_the_bot_knows_its_name_or_goes_without() -> None:
    async with door_before() as served:
        assert await served.api.username() == "menkou_bot"
        served.standin.fail_next("getMe", status=500)
        assert await served.api.username() == ""


async def test_a_webhook_that_is_not_taken_is_told_to_the_operator() -> None:
    async with door_before() as served:
        await served.api.set_webhook("http://city.example.org/telegram", "x" * 40)
        assert [entry["log_level"] for entry in served.logged] == ["error"]
        assert not served.standin.webhook


async def test_a_close_in_the_middle_of_nothing_is_fine() -> None:
    api = TelegramApi(TOKEN)
    await api.close()
    await asyncio.sleep(0)
