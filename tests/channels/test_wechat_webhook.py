"""A person on the phone gets one answer within five seconds, whatever happens behind."""

from __future__ import annotations

import asyncio
import gzip
import logging
from dataclasses import dataclass
from datetime import UTC

import aiohttp
import pytest

from bot.channels.wechat import webhook
from bot.channels.wechat.envelope import Opened
from bot.channels.wechat.messages import Finished, Said
from bot.channels.wechat.parsing import parse
from bot.channels.wechat.webhook import WeChatWebhook, _Turn
from bot.talk.door import TRY_AGAIN, Overloaded
from bot.talk.incoming import Incoming, Intent
from bot.talk.view import Button, Page, Reply
from bot.talk.wording import Wording
from tests.channels.gate import Gate
from tests.channels.wechat_kit import (
    AES_KEY_PREVIOUS,
    PATIENCE,
    KeptReplies,
    Served,
    answered_too_late,
    at,
    envelope,
    reader,
    serve,
)
from tests.leap import leap
from tests.standins.wechat import ManualClock, xml_of
from tests.waiting import until

QUESTION = Page("选哪个时段？", (Button(1, "上午", "17.1"), Button(2, "下午", "17.2")))


def asks(incoming: Incoming) -> Reply:
    return Reply((Page(f"好：{incoming.pick}"),)) if incoming.pick else Reply((QUESTION,))


async def test_a_person_follows_is_asked_and_taps_an_option() -> None:
    async with serve(KeptReplies(asks)) as served:
        person = served.platform.person()
        asked = await person.follows("join-42")
        assert asked.kind == "text"
        assert asked.shown == "选哪个时段？\n1 上午\n2 下午"
        assert (await person.taps(2)).text == "好：17.2"
        assert [one.intent for one in served.listener.effects] == [Intent("join", ("42",)), None]


async def test_the_console_takes_the_address() -> None:
    async with serve() as served:
        assert await served.platform.check_url()


async def test_a_push_sealed_by_the_previous_key_is_answered_so_that_the_platform_reads_it() -> None:
    async with serve(aes_key=AES_KEY_PREVIOUS) as served:
        assert (await served.platform.person().says("你好")).text == "got 你好"


async def test_plain_mode_works_when_it_was_asked_for() -> None:
    async with serve(safe=False, plaintext=True) as served:
        assert (await served.platform.person().says("a]]>b <i>")).text == "got a]]>b ＜i>"


async def test_plain_mode_is_refused_when_it_was_not() -> None:
    async with serve(safe=False) as served:
        answered = await served.platform.person().says("你好")
        assert (answered.kind, answered.why) == ("unavailable", "Broken: HTTP 403")
        assert not served.listener.effects


async def test_a_silence_that_was_meant_is_success() -> None:
    async with serve(KeptReplies(lambda _incoming: Reply())) as served:
        assert (await served.platform.person().says("嗯")).kind == "silence"


@pytest.mark.parametrize("act", ["is_at", "leaves"])
async def test_a_position_and_a_leave_are_never_answered_in_the_chat(act: str) -> None:
    async with serve() as served:
        person = served.platform.person()
        answered = await (person.is_at(39.90872, 116.39748) if act == "is_at" else person.leaves())
        assert answered.kind == "silence"
        (heard,) = served.listener.effects
        assert heard.intent == Intent("whereabouts" if act == "is_at" else "gone")
        assert not served.listener.brought_later


# --- Time ------------------------------------------------------------------------------------------------------------


async def test_a_retry_gets_the_same_answer_and_no_second_effect() -> None:
    async with serve() as served:
        fields = {"CreateTime": "1795000000", "MsgType": "text", "Content": "报名", "MsgId": "77"}
        answers = [await served.platform.push("o1", fields) for _ in range(3)]
        assert [one.text for one in answers] == ["got 报名"] * 3
        assert len(served.listener.effects) == 1


async def test_control_another_message_has_another_effect() -> None:
    async with serve() as served:
        for number in ("77", "78"):
            await served.platform.push(
                "o1", {"CreateTime": "1795000000", "MsgType": "text", "Content": "报名", "MsgId": number}
            )
        assert len(served.listener.effects) == 2


async def settled(served: Served) -> None:
    await served.webhook.drain(30.0)


async def test_a_slow_turn_answers_success_and_its_reply_comes_later_exactly_once() -> None:
    gate = Gate()
    async with serve(KeptReplies(wait=gate)) as served:
        answered = await answered_too_late(served.platform.person().says("慢"), gate.entered)
        assert (answered.kind, answered.tries) == ("silence", 1)
        assert not served.listener.brought_later
        gate.open.set()
        await settled(served)
        assert served.listener.brought_later == [one.key for one in served.listener.effects]
        assert len(served.listener.effects) == 1


async def test_a_retry_after_that_does_not_bring_it_again() -> None:
    gate = Gate()
    async with serve(KeptReplies(wait=gate)) as served:
        fields = {"CreateTime": "1795000000", "MsgType": "text", "Content": "慢", "MsgId": "77"}
        await answered_too_late(served.platform.push("o1", fields), gate.entered)
        gate.open.set()
        await settled(served)
        assert (await served.platform.push("o1", fields)).kind == "silence"
        assert len(served.listener.brought_later) == 1


async def test_a_retry_meanwhile_gets_the_reply_of_the_same_turn_and_nothing_comes_later() -> None:
    gate = Gate()
    async with serve(KeptReplies(wait=gate)) as served:
        fields = {"CreateTime": "1795000000", "MsgType": "text", "Content": "慢", "MsgId": "77"}
        first = asyncio.create_task(served.platform.push("o1", fields))
        await gate.entered.wait()
        leap(PATIENCE * 2 / 3)
        second = asyncio.create_task(served.platform.push("o1", fields))
        (turn,) = served.webhook._turns.values()
        await until(lambda: turn.waiting == 2)
        leap(PATIENCE * 2 / 3)
        assert (await first).kind == "silence"
        gate.open.set()
        assert (await second).text == "got 慢"
        await settled(served)
        assert len(served.listener.effects) == 1
        assert not served.listener.brought_later


async def one_pass(_incoming: Incoming) -> None:
    """Ends one pass of the loop after the request's time is up, and before the request has woken."""
    await asyncio.sleep(0)


async def answered_and_brought() -> tuple[int, int]:
    """How often a turn that ends just as patience does is answered at once, and how often it is brought later."""
    clock, listener = ManualClock(), KeptReplies(wait=one_pass)
    hook = WeChatWebhook(envelope(clock), reader(), listener, at(clock))
    xml = xml_of({"ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": "1", "MsgType": "text", "MsgId": "1"})
    push = parse(xml.encode())
    said = reader().read(push, xml)
    assert isinstance(said, Said)
    answer = await hook._answer(said, push, Opened(xml.encode(), None), deadline=0.0)
    await hook.drain(30.0)
    return int(answer.text != "success"), len(listener.brought_later)


async def test_a_turn_that_ends_as_patience_does_is_answered_and_not_brought_too() -> None:
    assert await answered_and_brought() == (1, 0)


async def test_control_whoever_waits_and_is_not_seen_is_answered_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unseen(_Turn):
        waiting = property(lambda _turn: 0, lambda _turn, _count: None)  # type: ignore[assignment]

    monkeypatch.setattr(webhook, "_Turn", Unseen)
    assert await answered_and_brought() == (1, 1)


async def test_a_late_turn_that_has_nothing_to_say_brings_nothing() -> None:
    gate = Gate()
    async with serve(KeptReplies(lambda _incoming: Reply(), wait=gate)) as served:
        await answered_too_late(served.platform.person().says("慢"), gate.entered)
        gate.open.set()
        await settled(served)
        assert not served.listener.brought_later


async def test_a_late_turn_that_breaks_is_kept_apart(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()

    def breaks(_incoming: Incoming) -> Reply:
        raise RuntimeError("秘密")

    async with serve(KeptReplies(breaks, wait=gate)) as served:
        await answered_too_late(served.platform.person().says("慢"), gate.entered)
        gate.open.set()
        await settled(served)
        ((door, _key, raw, why),) = served.listener.buried
        assert (door, why) == ("wechat", "late turn failed: RuntimeError")
        assert "<Content>" in raw
    assert "秘密" not in caplog.text


async def test_a_turn_that_the_listener_cannot_account_for_is_no_answer() -> None:
    tries = 0

    def answer(incoming: Incoming) -> Reply:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise OSError("disk")
        return Reply((Page("现在好了"),))

    async with serve(KeptReplies(answer)) as served:
        fields = {"CreateTime": "1795000000", "MsgType": "text", "Content": "a", "MsgId": "77"}
        status, body = await served.platform.deliver(
            *served.platform.request(xml_of({"ToUserName": "gh_1", "FromUserName": "o1", **fields}))
        )
        assert (status, body) == (503, b"")
        assert (await served.platform.push("o1", fields)).text == "现在好了"
        assert not served.listener.buried


# --- Not now -------------------------------------------------------------------------------------------------------


@dataclass
class Refuses:
    """A listener that cannot take anything for so many times."""

    times: int
    tries: int = 0

    def __call__(self, _incoming: Incoming) -> Reply:
        self.tries += 1
        if self.tries <= self.times:
            raise Overloaded
        return Reply((Page("现在好了"),))


async def test_a_turn_that_cannot_be_had_at_once_is_tried_again_within_the_five_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook, "AGAIN", 0.01)
    refuses = Refuses(3)
    async with serve(KeptReplies(refuses)) as served:
        answered = await served.platform.person().says("你好")
    assert (answered.text, answered.tries, refuses.tries) == ("现在好了", 1, 4)


async def test_whoever_cannot_be_heard_is_asked_kindly_to_say_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """For an error WeChat shows “service unavailable” in our place."""
    monkeypatch.setattr(webhook, "AGAIN", PATIENCE)
    refuses = Refuses(1)
    async with serve(KeptReplies(refuses)) as served:
        ann = served.platform.person()
        assert (await ann.says("你好")).text == Wording("zh_CN", UTC)(TRY_AGAIN)
        assert (await ann.says("你好")).text == "现在好了"
        assert not served.listener.buried


async def test_what_could_not_be_had_after_we_fell_silent_is_tried_again_and_brought_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such a message was once kept apart with nobody answered: WeChat had been told `success`."""
    monkeypatch.setattr(webhook, "AGAIN", 0.01)
    gate, refuses = Gate(), Refuses(3)
    async with serve(KeptReplies(refuses, wait=gate)) as served:
        assert (await answered_too_late(served.platform.person().says("慢"), gate.entered)).kind == "silence"
        gate.open.set()
        await settled(served)
        assert len(served.listener.brought_later) == 1
        assert not served.listener.buried


async def test_the_stand_in_cuts_after_its_time_three_times_and_the_clock_goes_on() -> None:
    """The door answers before; this holds the stand-in itself to the platform's rule."""
    gate = Gate()
    async with serve(KeptReplies(wait=gate), seconds=0.05) as served:
        before = served.clock()
        answered = await served.platform.person().says("慢")
        assert (answered.kind, answered.tries) == ("unavailable", 3)
        assert served.clock() - before == 15
        gate.open.set()
        await settled(served)


async def test_an_orderly_stop_lets_a_turn_end() -> None:
    gate = Gate()
    async with serve(KeptReplies(wait=gate)) as served:
        await answered_too_late(served.platform.person().says("慢"), gate.entered)
        stop = asyncio.create_task(served.webhook.drain(30.0))
        await asyncio.sleep(0.01)
        assert not stop.done()
        gate.open.set()
        await stop
        assert len(served.listener.brought_later) == 1


async def test_an_orderly_stop_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    async with serve(KeptReplies(wait=gate)) as served:
        await answered_too_late(served.platform.person().says("慢"), gate.entered)
        await served.webhook.drain(0.02)
        assert "still under way" in caplog.text
        gate.open.set()


async def test_a_replay_within_its_age_gets_the_same_reply_and_outside_it_403() -> None:
    async with serve() as served:
        fields = {"CreateTime": "1795000000", "MsgType": "text", "Content": "报名", "MsgId": "77"}
        captured = served.platform.request(
            xml_of({"ToUserName": served.platform.account, "FromUserName": "o1", **fields})
        )
        texts = []
        for wait in (0, 4, 200):
            served.clock.advance(wait)
            status, body = await served.platform.deliver(*captured)
            texts.append((status, served.platform.read("o1", status, body).text))
        assert texts == [(200, "got 报名")] * 3
        for wait in (600, 25 * 3600):
            served.clock.advance(wait)
            assert (await served.platform.deliver(*captured))[0] == 403
        assert len(served.listener.effects) == 1


# --- What nobody can read --------------------------------------------------------------------------------------------


async def test_an_unreadable_push_is_kept_apart_and_stops_nothing() -> None:
    async with serve() as served:
        poison = {"CreateTime": "x", "MsgType": "text", "Content": "毒", "MsgId": "1"}
        assert (await served.platform.push("o1", poison)).why == "Broken: HTTP 400"
        ((door, key, raw, why),) = served.listener.buried
        assert (door, why) == ("wechat", "CreateTime is not a time")
        assert key.startswith("unread ")
        assert "毒" in raw
        assert (await served.platform.person().says("还好")).text == "got 还好"


async def test_what_is_not_authentic_is_not_kept() -> None:
    async with serve() as served:
        query, body = served.platform.request("<xml><MsgType>text</MsgType></xml>")
        status, said = await served.platform.deliver({**query, "msg_signature": "0" * 40}, body)
        assert (status, said) == (403, b"")
        assert not served.listener.buried


async def test_a_json_push_is_refused_and_the_log_names_the_console_setting(caplog: pytest.LogCaptureFixture) -> None:
    async with serve() as served:
        query, _body = served.platform.request("<xml/>")
        status, said = await served.platform.deliver(query, '{"Encrypt":"x"}')
        assert (status, said) == (415, b"")
        assert "数据格式" in caplog.text


async def test_bodies_too_large_or_compressed_are_refused() -> None:
    async with serve() as served, aiohttp.ClientSession() as session:
        query, _body = served.platform.request("<xml/>")
        async with session.post(served.url, params=query, data=b"a" * (65 * 1024)) as answer:
            assert answer.status == 413
        packed = gzip.compress(b"a" * 10_000_000)
        async with session.post(
            served.url, params=query, data=packed, headers={"Content-Encoding": "gzip"}
        ) as answer:
            assert answer.status == 415


async def test_a_body_that_trickles_is_given_up() -> None:
    async with serve(patience=0.1) as served:
        port = int(served.url.split(":")[2].split("/")[0])
        reads, writes = await asyncio.open_connection("127.0.0.1", port)
        writes.write(b"POST /wechat?timestamp=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n<xml>")
        await writes.drain()
        assert (await asyncio.wait_for(reads.readline(), 30)).startswith(b"HTTP/1.1 408")
        writes.close()
        await writes.wait_closed()


@pytest.mark.parametrize("query", ["", "?timestamp=1", "?encrypt_type=aes", "?signature=%00&timestamp=%ff&nonce=1"])
async def test_a_strangers_request_gets_a_status_and_nothing_else(query: str) -> None:
    async with serve() as served, aiohttp.ClientSession() as session:
        for method in ("GET", "POST"):
            body = b"<xml>" if method == "POST" else None
            async with session.request(method, served.url + query, data=body) as answer:
                assert answer.status in (400, 403)
                assert await answer.read() == b""


async def test_unknown_events_are_success() -> None:
    async with serve() as served:
        for event in ("teleported", "VIEW", "merchant_order"):
            fields = {"CreateTime": "1795000000", "MsgType": "event", "Event": event, "EventKey": "k"}
            assert (await served.platform.push("o1", fields)).kind == "silence"
        assert not served.listener.effects


async def test_the_page_is_served_for_get_and_post_alone() -> None:
    async with serve() as served, aiohttp.ClientSession() as session, session.put(served.url) as answer:
        assert answer.status == 405


# --- News about what we sent -----------------------------------------------------------------------------------------


async def test_consent_and_finished_jobs_are_told_and_answered_success() -> None:
    async with serve() as served:
        popup = {"List": {"TemplateId": "tpl_1", "SubscribeStatusString": "accept", "PopupScene": "2"}}
        fields = {"CreateTime": "1795000000", "MsgType": "event"}
        answers = [
            await served.platform.push(
                "o1", {**fields, "Event": "subscribe_msg_popup_event", "SubscribeMsgPopupEvent": popup}
            ),
            await served.platform.push(
                "o1", {**fields, "Event": "TEMPLATESENDJOBFINISH", "MsgID": "9", "Status": "success"}
            ),
        ]
        assert [one.kind for one in answers] == ["silence", "silence"]
        assert served.grants == [("o1", "tpl_1", True)]
        assert [(job.kind, job.message_id, job.status) for job in served.finished] == [("template", "9", "success")]


async def test_news_that_cannot_be_kept_is_logged_and_still_answered(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_of_it: object) -> None:
        raise RuntimeError

    async with serve() as served:
        monkeypatch.setattr(served.webhook, "_on_finished", breaks)
        fields = {"CreateTime": "1795000000", "MsgType": "event", "MsgID": "9", "Status": "success"}
        answered = await served.platform.push("o1", {**fields, "Event": "TEMPLATESENDJOBFINISH"})
        assert answered.kind == "silence"
    assert "could not be kept" in caplog.text


async def test_news_that_comes_while_the_database_is_away_is_kept_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It was told once, answered with `success`, and lost: a refused template stayed “sent” for ever.
    monkeypatch.setattr(webhook, "AGAIN", 0.01)
    told: list[Finished] = []

    async def is_away_twice(news: Finished) -> None:
        told.append(news)
        if len(told) < 3:
            raise Overloaded

    async with serve() as served:
        monkeypatch.setattr(served.webhook, "_on_finished", is_away_twice)
        fields = {"CreateTime": "1795000000", "MsgType": "event", "MsgID": "9", "Status": "failed:user block"}
        answered = await served.platform.push("o1", {**fields, "Event": "TEMPLATESENDJOBFINISH"})
        assert answered.kind == "silence"
        await served.webhook.drain(30.0)
    assert [one.message_id for one in told] == ["9", "9", "9"]


async def test_without_callbacks_news_is_just_acknowledged() -> None:
    async with serve() as served:
        served.webhook._on_grant = served.webhook._on_finished = None
        fields = {"CreateTime": "1795000000", "MsgType": "event", "MsgID": "9", "Status": "success"}
        assert (await served.platform.push("o1", {**fields, "Event": "TEMPLATESENDJOBFINISH"})).kind == "silence"


async def test_nothing_that_a_person_wrote_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serve() as served:
        await served.platform.person("oSecretPerson").says("我的电话 13800000000")
        await served.platform.push("oSecretPerson", {"CreateTime": "x", "MsgType": "text", "Content": "13800000000"})
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("bot.")]
    assert not any("13800000000" in line or "oSecretPerson" in line for line in ours)
