"""Speaking first: each answer of the platform becomes the outcome that the policy table says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from bot.channels.wechat.api import WeChatApi
from bot.channels.wechat.errors import POLICY, outcome
from bot.channels.wechat.menu import MENU, BadMenu, Entry, MenuRefused, build_menu, set_menu
from bot.channels.wechat.replies import WECHAT
from bot.channels.wechat.sending import Kind, WeChatDoor
from bot.talk.door import Delivered, Door, NotSent, Outcome, Refused, Uncertain
from bot.talk.incoming import BadLink, Intent
from bot.talk.view import Button, Page
from tests.channels.wechat_kit import MemoryShelf, at
from tests.leap import leap
from tests.standins.wechat import Fault, ManualClock, WeChatApiStandIn

SEND = "/cgi-bin/message/custom/send"
PAGE = Page("明天九点见", (Button(1, "还来", "coming-7"), Button(0, "详情", url="https://city.example/a")))


@asynccontextmanager
async def door_to(
    platform: WeChatApiStandIn, clock: ManualClock, kind: Kind = "service", **changed: Any
) -> AsyncIterator[WeChatDoor]:
    api = WeChatApi(
        app_id=platform.app_id,
        app_secret=platform.secret,
        shelf=MemoryShelf(),
        clock=at(clock),
        **{"base": platform.base, **changed},
    )
    try:
        yield WeChatDoor(api, kind)
    finally:
        await api.close()


@asynccontextmanager
async def sending(kind: Kind = "service", **changed: Any) -> AsyncIterator[tuple[WeChatApiStandIn, WeChatDoor]]:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock, kind=kind) as platform, door_to(platform, clock, kind, **changed) as door:
        platform.heard("o1", "message")
        yield platform, door


async def test_a_page_arrives_with_its_options() -> None:
    async with sending() as (platform, door):
        assert isinstance(door, Door)
        assert (door.name, door.capabilities) == ("wechat", WECHAT)
        assert await door.send("o1", PAGE, "outbox-1") == Delivered()
        ((kind, sent),) = platform.accepted
        assert kind == "custom"
        assert sent == {
            "touser": "o1",
            "msgtype": "text",
            "text": {
                "content": "明天九点见\n"
                '1 <a href="weixin://bizmsgmenu?msgmenucontent=1&msgmenuid=coming-7">还来</a>\n'
                '<a href="https://city.example/a">详情</a>'
            },
        }


async def test_a_card_arrives_as_one_article() -> None:
    async with sending() as (platform, door):
        card = Page("清河捡拾\n周六", (Button(0, "打开", url="https://c.example/a"),), picture="https://c.example/p.png")
        assert await door.send("o1", card, "k") == Delivered()
        assert platform.accepted[0][1]["news"]["articles"][0]["picurl"] == "https://c.example/p.png"


async def test_a_lone_surrogate_in_a_text_is_no_error() -> None:
    async with sending() as (platform, door):
        assert await door.send("o1", Page("好\ud800\x00的"), "k") == Delivered()
        assert platform.accepted[0][1]["text"]["content"] == "好的"


# --- The policy table, row by row ------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 23, 15, 59, 30, tzinfo=UTC)
"""23:59:30 in Beijing: half a minute to a new quota."""


def stops(after: float) -> Outcome:
    return NotSent("", after=after, halts="account")


EXPECTED: dict[int, Outcome] = {
    0: Delivered("m1"),
    45065: Delivered("m1"),
    40241: Delivered("m1"),
    -1: NotSent("", after=2.0),
    45066: NotSent("", after=60.0),
    40001: stops(600.0),
    40014: stops(600.0),
    41001: stops(600.0),
    42001: stops(600.0),
    40003: Refused("", closes=True),
    43004: Refused("", closes=True),
    50005: Refused("", closes=True),
    43019: Refused("", closes=True),
    48002: Refused("", closes=True),
    43101: Refused("", declines=True),
    45015: Refused("", window=True),
    45047: Refused("", window=True),
    45009: NotSent("", after=30.0, halts="api"),
    45011: NotSent("", after=30.0, halts="api"),
    45002: Refused(""),
    45008: Refused(""),
    40033: Refused(""),
    40036: Refused(""),
    40037: Refused(""),
    40039: Refused(""),
    47001: Refused(""),
    47003: Refused(""),
    48001: stops(600.0),
    48004: stops(600.0),
    48006: stops(600.0),
    48008: stops(600.0),
    50002: stops(600.0),
    40200: stops(600.0),
    40164: stops(600.0),
    61004: stops(600.0),
    40013: stops(600.0),
    40125: stops(600.0),
}


def without_reason(one: Outcome) -> Outcome:
    match one:
        case NotSent():
            return NotSent("", one.after, one.halts)
        case Refused():
            return Refused("", one.closes, one.window, one.declines)
        case Uncertain():
            return Uncertain("")
    return one


def test_every_row_of_the_policy_is_tested() -> None:
    assert set(EXPECTED) == set(POLICY)


@pytest.mark.parametrize("code", EXPECTED)
def test_a_code_leads_to_its_outcome(code: int) -> None:
    got = outcome(code, NOW, "m1")
    assert without_reason(got) == EXPECTED[code]
    assert isinstance(got, Delivered) or str(code) in got.reason


@pytest.mark.parametrize("code", sorted(code for code in EXPECTED if POLICY[code].verdict != "token"))
async def test_the_platform_says_a_code_and_the_door_says_what_follows(code: int) -> None:
    async with sending() as (platform, door):
        platform.fail(SEND, code)
        got = await door.send("o1", PAGE, "k")
        assert type(got) is type(EXPECTED[code])
        assert platform.calls[SEND] == 1  # nothing is tried twice


def test_an_unknown_code_is_an_answer_too_and_is_not_repeated() -> None:
    assert outcome(99999, NOW) == Refused("wechat 99999")


async def test_the_error_of_our_own_making_is_logged_with_the_messages_key(caplog: pytest.LogCaptureFixture) -> None:
    async with sending() as (platform, door):
        platform.fail(SEND, 45002)
        await door.send("o1", PAGE, "outbox-17")
        assert "outbox-17" in caplog.text
        assert "明天" not in caplog.text


# --- What the network does -------------------------------------------------------------------------------------------


async def test_a_read_that_times_out_is_uncertain() -> None:
    async with sending() as (platform, door):
        platform.on_hang = leap
        platform.fail(SEND, Fault(hang=True, after_effect=True))
        assert isinstance(await door.send("o1", PAGE, "k"), Uncertain)
        assert len(platform.accepted) == 1  # it had arrived: repeating would double it


async def test_a_connection_cut_after_the_call_is_uncertain() -> None:
    async with sending() as (platform, door):
        platform.fail(SEND, Fault(drop=True, after_effect=True))
        assert isinstance(await door.send("o1", PAGE, "k"), Uncertain)


async def test_no_connection_is_not_sent() -> None:
    async with sending() as (platform, door):
        await door._api.token.current()
        await door._api.close()  # a pooled connection that dies under a call would leave it unsettled
        await platform.__aexit__()
        got = await door.send("o1", PAGE, "k")
        assert isinstance(got, NotSent)
        assert got.halts == ""


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=500), Uncertain),
        (Fault(status=502), Uncertain),
        (Fault(status=504), Uncertain),
        (Fault(status=503), NotSent),
        (Fault(status=429), NotSent),
        (Fault(status=404), NotSent),
        (Fault(status=302), NotSent),
        (Fault(body=b"<html>"), Uncertain),
        (Fault(body=b"[]"), Uncertain),
        (Fault(body=b'{"errcode":"0"}'), Uncertain),
        (Fault(body=b"{}"), Delivered),  # errcode can be absent on success
        (Fault(body=b'{"errcode":45015}'), Refused),
    ],
)
async def test_whatever_comes_back_becomes_an_outcome_and_no_exception(fault: Fault, kind: type[Outcome]) -> None:
    async with sending() as (platform, door):
        platform.fail(SEND, fault)
        assert isinstance(await door.send("o1", PAGE, "k"), kind)


async def test_without_a_token_nothing_is_sent_and_the_account_waits() -> None:
    async with sending() as (platform, door):
        platform.fail("/cgi-bin/stable_token", 40125)
        got = await door.send("o1", PAGE, "k")
        assert isinstance(got, NotSent)
        assert (got.halts, got.after) == ("account", 30.0)
        assert "WECHAT_APP_SECRET" in got.reason
        assert platform.calls[SEND] == 0


async def test_a_refused_token_is_replaced_and_the_message_arrives_once() -> None:
    async with sending() as (platform, door):
        assert await door.send("o1", PAGE, "k") == Delivered()
        platform.clock.advance(60)  # type: ignore[attr-defined]
        platform.revoke_tokens()
        assert await door.send("o1", PAGE, "k2") == Delivered()
        assert len(platform.accepted) == 2


async def test_a_secret_that_was_changed_stops_the_account_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async with sending() as (platform, door):
        await door.send("o1", PAGE, "k")
        platform.clock.advance(60)  # type: ignore[attr-defined]
        platform.always = Fault(code=40001)
        got = await door.send("o1", PAGE, "k")
        assert without_reason(got) == stops(30.0)
        assert "WECHAT_APP_SECRET" in caplog.text


# --- Kinds of account and windows ------------------------------------------------------------------------------------


async def test_an_unverified_account_is_not_even_called() -> None:
    async with sending("unverified") as (platform, door):
        got = await door.send("o1", PAGE, "k")
        assert without_reason(got) == Refused("", window=True)
        assert not platform.calls


async def test_five_messages_fit_the_window_and_the_sixth_waits_for_the_person() -> None:
    async with sending() as (platform, door):
        outcomes = [without_reason(await door.send("o1", PAGE, str(n))) for n in range(6)]
        assert outcomes == [Delivered()] * 5 + [Refused("", window=True)]
        platform.heard("o1", "message")
        assert await door.send("o1", PAGE, "7") == Delivered()


async def test_after_forty_eight_hours_the_window_is_closed() -> None:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, door_to(platform, clock) as door:
        platform.heard("o1", "message")
        clock.advance(48 * 3600)
        got = await door.send("o1", PAGE, "k")
        assert isinstance(got, Refused)
        assert got.window
        assert "45015" in got.reason


async def test_a_click_opens_three_messages_for_a_minute() -> None:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, door_to(platform, clock) as door:
        platform.heard("o1", "action")
        outcomes = [type(await door.send("o1", PAGE, str(n))) for n in range(4)]
        assert outcomes == [Delivered] * 3 + [Refused]


@pytest.mark.parametrize(("state", "code"), [("gone", "43004"), ("unknown", "40003"), ("muted", "48002")])
async def test_a_person_who_cannot_be_reached_is_closed(state: str, code: str) -> None:
    async with sending() as (platform, door):
        person = platform.follow("o2")
        person.following, person.muted = state != "gone", state == "muted"
        got = await door.send("o3" if state == "unknown" else "o2", PAGE, "k")
        assert isinstance(got, Refused)
        assert got.closes
        assert code in got.reason


async def test_the_days_quota_and_the_minutes_stop_that_api_for_as_long() -> None:
    async with sending() as (platform, door):
        platform.per_minute = 2
        await door.send("o1", PAGE, "1")
        await door.send("o1", PAGE, "2")
        got = await door.send("o1", PAGE, "3")
        assert isinstance(got, NotSent)
        assert got.halts == "api"
        assert 0 < got.after <= 60
        platform.per_minute, platform.quotas[SEND] = None, 2
        got = await door.send("o1", PAGE, "4")
        assert isinstance(got, NotSent)
        assert got.halts == "api"
        assert 60 < got.after <= 86_400


# --- The menu --------------------------------------------------------------------------------------------------------


async def test_the_menu_is_three_columns_of_links() -> None:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, door_to(platform, clock) as door:
        await set_menu(door._api)
        assert platform.menu is not None
        columns = platform.menu["button"]
        assert [column["name"] for column in columns] == ["找活动", "我的", "更多"]
        assert all(1 <= len(column["sub_button"]) <= 5 for column in columns)
        scripts = {Intent.parse(entry["key"]).script for column in columns for entry in column["sub_button"]}
        assert scripts == {
            *("find", "near", "my", "checkin", "checkout", "hours", "subscribe", "publish"),
            *("roster", "announce", "settings", "language", "help", "start"),
        }
        scan = next(entry for column in columns for entry in column["sub_button"] if entry["key"] == "checkin")
        assert scan["type"] == "scancode_waitmsg"


def test_a_page_may_stand_in_the_menu() -> None:
    (column,) = build_menu([Entry("更多", "城市数字", "https://city.example/city")])["button"]
    assert column["sub_button"] == [{"type": "view", "name": "城市数字", "url": "https://city.example/city"}]


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [Entry("一二三四五", "找", "find")],
        [Entry("找", "一二三四五六七八九", "find")],
        [Entry("找", "", "find")],
        [Entry("找", "找", "find")] * 6,
        [Entry(f"第{n}", "找", "find") for n in range(4)],
        [Entry("找", "找", "https://city.example/" + "a" * 1024)],
    ],
)
def test_a_menu_that_would_not_be_shown_is_refused_before_it_is_sent(entries: list[Entry]) -> None:
    with pytest.raises(BadMenu):
        build_menu(entries)


def test_a_key_that_is_no_link_is_refused() -> None:
    with pytest.raises(BadLink):
        build_menu([Entry("找", "找", "not a link")])


async def test_a_menu_that_the_platform_refuses_says_why() -> None:
    async with sending() as (platform, door):
        platform.fail("/cgi-bin/menu/create", 48001)
        with pytest.raises(MenuRefused, match="48001"):
            await set_menu(door._api, MENU)
        platform.fail("/cgi-bin/menu/create", Fault(status=502))
        with pytest.raises(MenuRefused, match="HTTP 502"):
            await set_menu(door._api, MENU)


# --- The stand-in, by an independent client --------------------------------------------------------------------------


async def test_the_librarys_own_client_agrees_with_the_stand_in() -> None:
    """An independent peer: what our calls are tested against must also be what others take for WeChat."""
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform:
        platform.heard("o1", "message")
        await asyncio.to_thread(_library_talks, platform)
        assert [kind for kind, _sent in platform.accepted] == ["custom", "template"]
        assert platform.jobs == [("template", "o1", platform.jobs[0][2])]


def _library_talks(platform: WeChatApiStandIn) -> None:
    from wechatpy import WeChatClient
    from wechatpy.exceptions import WeChatClientException

    class Client(WeChatClient):  # type: ignore[misc]  # the library has no types
        API_BASE_URL = f"{platform.base}/cgi-bin/"

        def fetch_access_token(self) -> Any:
            return self._fetch_access_token(
                url=f"{platform.base}/cgi-bin/token",
                params={"grant_type": "client_credential", "appid": self.appid, "secret": self.secret},
            )

    client = Client(platform.app_id, platform.secret)
    try:
        platform.templates["tpl_1"] = {"thing1"}
        client.message.send_text("o1", "你好")
        client.message.send_template("o1", "tpl_1", {"thing1": {"value": "清河"}})
        client.menu.create({"button": [{"type": "click", "name": "找活动", "key": "find"}]})
        assert client.user.get("o1")["subscribe"] == 1
        for refused, call in {
            45002: lambda: client.message.send_text("o1", "字" * 700),
            40003: lambda: client.message.send_text("nobody", "a"),
            40037: lambda: client.message.send_template("o1", "tpl_2", {}),
            47003: lambda: client.message.send_template("o1", "tpl_1", {"thing1": {"value": "长" * 21}}),
            40016: lambda: client.menu.create({"button": []}),
        }.items():
            with pytest.raises(WeChatClientException) as wrong:
                call()
            assert wrong.value.errcode == refused
    finally:
        client._http.close()


async def test_the_stand_in_refuses_what_the_platform_refuses() -> None:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, door_to(platform, clock) as door:
        api = door._api
        platform.heard("o1", "message")
        platform.templates["tpl_1"] = {"thing1"}
        notice = {"touser": "o1", "template_id": "tpl_1", "data": {"thing1": {"value": "清河"}}}
        send_notice, send_template = "/cgi-bin/message/subscribe/bizsend", "/cgi-bin/message/template/send"
        assert (await api.call(send_notice, notice)).code == 43101
        platform.followers["o1"].grants["tpl_1"] = 1
        assert [(await api.call(send_notice, notice)).code for _ in range(2)] == [0, 43101]
        keyed = {**notice, "client_msg_id": "c1"}
        first, again = await api.call(send_template, keyed), await api.call(send_template, keyed)
        assert first.data["msgid"] == again.data["msgid"]
        assert (await api.call(send_template, notice)).code == 40241
        platform.followers["o1"].refused.add("tpl_1")
        clock.advance(61)
        assert (await api.call(send_template, notice)).code == 43101
        quota = await api.call("/cgi-bin/openapi/quota/get", {"cgi_path": send_template})
        assert quota.data["quota"]["used"] == 4
        cleared = [(await api.call("/cgi-bin/clear_quota", {"appid": platform.app_id})).code for _ in range(11)]
        assert cleared == [0] * 10 + [48006]


async def test_the_stand_in_refuses_chinese_that_is_escaped() -> None:
    """The platform shows or refuses `\\uXXXX`; a client that escapes must not pass here."""
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, aiohttp.ClientSession() as session:
        platform.heard("o1", "message")
        token = platform._new_token()
        message = {"touser": "o1", "msgtype": "text", "text": {"content": "你好"}}
        async with session.post(f"{platform.base}{SEND}?access_token={token}", json=message) as answer:
            assert (await answer.json(content_type=None))["errcode"] == 40033


async def test_forcing_a_token_is_rationed_as_by_the_platform() -> None:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, door_to(platform, clock) as door:
        api, codes = door._api, []
        asked = {"grant_type": "client_credential", "appid": platform.app_id, "secret": platform.secret}
        for pause in [0, 10, 20, *[30] * 25]:
            clock.advance(pause)
            answer = await api._post("/cgi-bin/stable_token", {**asked, "force_refresh": True})
            codes.append(answer.code)
        assert codes[:3] == [0, 45011, 0]
        assert codes.count(0) == 20
        assert codes[-1] == 45009


async def test_nothing_is_logged_about_an_ordinary_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="bot")
    async with sending() as (_platform, door):
        await door.send("o1", PAGE, "k")
    assert not [record for record in caplog.records if record.name.startswith("bot.")]
