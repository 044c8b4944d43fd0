"""The webhook: who may come in, what is acknowledged when, and what a repeat, a kill and a poisoned update do."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import pytest
from aiohttp import ClientSession, web

from bot.channels.telegram.intake import Intake
from bot.channels.telegram.webhook import BODY_LIMIT, hearing, telegram_routes
from bot.talk.incoming import Incoming
from bot.talk.view import Page, Reply
from tests.channels import telegram_kit
from tests.channels.gate import Gate
from tests.channels.telegram_kit import SECRET, KeptReplies, Served, door_before, echo, reader, webhook_before
from tests.standins.telegram import Hand, bring, bring_all


@pytest.fixture(autouse=True, params=[True, False], ids=["by its lane", "by its route"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever holds of a call holds whichever way it comes."""
    monkeypatch.setattr(telegram_kit, "BY_LANE", request.param)


def restarted(served: Served, listener: KeptReplies) -> None:
    """The process was killed and another one begins: what was on disk is there, what was in memory is not."""
    fresh = Intake(served.api, served.door, reader(), listener, steady=served.time, pause=served.time.pause)
    served.intake.__dict__.update(fresh.__dict__)


# --- Who may come in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", "pässword" * 5, "\u00ff\u00fe"])
async def test_a_stranger_is_turned_away(secret: str | None) -> None:
    async with webhook_before() as served:
        status, _headers = await bring(served.url, served.hand.says("hi"), secret)
        assert status == 401
        assert not served.listener.effects
        assert served.intake.counts["strangers"] == 1


async def test_a_header_in_bytes_that_are_no_text_is_a_stranger() -> None:
    async with webhook_before() as served:
        host, port = served.url.split("/")[2].split(":")
        back, to = await asyncio.open_connection(host, int(port))
        to.write(
            b"POST /telegram HTTP/1.1\r\nHost: x\r\nX-Telegram-Bot-Api-Secret-Token: \xff\xfe\x80\r\n"
            b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
        )
        assert b" 401 " in (await back.read()).splitlines()[0]
        to.close()
        await to.wait_closed()


def test_compared_as_text_such_a_header_would_be_our_fault() -> None:
    """The control: what a plain comparison in constant time does."""
    with pytest.raises(TypeError):
        hmac.compare_digest("pässword", SECRET)


async def test_whoever_knows_the_secret_comes_in() -> None:
    async with webhook_before() as served:
        assert await bring_all_of(served, served.hand.says("hi")) == [200]
        assert served.listener.texts == ["hi"]


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, "x" * 257, "x" * 40 + " ", "ö" * 40, "x" * 40 + "\n"])
async def test_a_secret_that_could_be_guessed_or_not_be_set_stops_the_start(secret: str) -> None:
    async with door_before() as served:
        with pytest.raises(ValueError) as told:
            telegram_routes(hearing(served.intake, secret))
        assert not secret or secret not in str(told.value)


async def test_only_a_post_comes_in() -> None:
    async with webhook_before() as served, ClientSession() as session, session.get(served.url) as answer:
        assert answer.status == 405


# --- What is acknowledged ------------------------------------------------------------------------------------------


async def bring_all_of(served: Served, *updates: object) -> list[int]:
    return [(await bring(served.url, update, SECRET))[0] for update in updates]


async def test_the_answer_stands_in_the_chat_before_the_update_is_acknowledged() -> None:
    async with webhook_before() as served:
        served.hand.says("hi")
        assert await bring_all(served.standin) == [200]
        assert served.hand.person.texts == ["got hi"]
        assert not served.standin.pending


async def test_nothing_is_acknowledged_before_it_is_committed() -> None:
    committing = Gate()
    async with webhook_before(KeptReplies(wait=committing)) as served:
        bringing = asyncio.create_task(bring(served.url, served.hand.says("hi"), SECRET))
        await committing.entered.wait()
        assert not bringing.done()
        committing.open.set()
        assert (await bringing)[0] == 200


async def test_the_same_update_again_has_one_effect_and_one_answer() -> None:
    async with webhook_before() as served:
        update = served.hand.says("hi")
        assert await bring_all_of(served, update, update, update) == [200, 200, 200]
        assert len(served.listener.effects) == 1
        assert served.hand.person.texts == ["got hi"]
        assert served.intake.counts["repeated"] == 2


async def test_the_same_update_twice_at_once_has_one_effect_and_one_answer() -> None:
    async def slowly(_incoming: Incoming) -> None:
        await asyncio.sleep(0.05)

    async with webhook_before(KeptReplies(wait=slowly)) as served:
        update = served.hand.says("hi")
        statuses = await asyncio.gather(*(bring(served.url, update, SECRET) for _ in range(5)))
        assert [status for status, _headers in statuses] == [200] * 5
        assert served.hand.person.texts == ["got hi"]
        assert len(served.listener.effects) == 1


async def test_without_the_key_a_repeat_would_have_two_effects() -> None:
    """The control: a listener that forgets."""
    listener = KeptReplies()
    async with webhook_before(listener) as served:
        update = served.hand.says("hi")
        await bring_all_of(served, update)
        listener.kept.clear()
        await bring_all_of(served, update)
        assert len(listener.effects) == 2


async def test_without_its_memory_a_process_would_answer_a_repeat_again() -> None:
    """The control; it is also what a new process does, which cannot know whether the answer had gone."""
    listener = KeptReplies()
    async with webhook_before(listener) as served:
        update = served.hand.says("hi")
        await bring_all_of(served, update)
        restarted(served, listener)
        await bring_all_of(served, update)
        assert len(listener.effects) == 1
        assert served.hand.person.texts == ["got hi", "got hi"]


async def test_killed_between_commit_and_answer_the_kept_answer_comes_with_the_redelivery() -> None:
    listener = KeptReplies()
    async with webhook_before(listener) as served:
        update = served.hand.says("hi")
        read = reader().read(update).incoming
        assert read
        await listener.take(read)  # committed, then the power went
        restarted(served, listener)
        assert await bring_all_of(served, update) == [200]
        assert served.hand.person.texts == ["got hi"]
        assert len(listener.effects) == 1


async def test_when_too_much_waits_telegram_is_asked_to_come_again() -> None:
    async with webhook_before(KeptReplies(overloaded=1)) as served:
        update = served.hand.says("hi")
        status, headers = await bring(served.url, update, SECRET)
        assert status == 503
        assert int(headers["Retry-After"]) <= 10
        assert not served.hand.person.messages
        assert await bring_all_of(served, update) == [200]
        assert served.hand.person.texts == ["got hi"]


async def test_when_the_database_is_away_the_update_comes_again() -> None:
    async with webhook_before(KeptReplies(broken=1)) as served:
        served.hand.says("hi")
        assert await bring_all(served.standin) == [503]
        assert await bring_all(served.standin) == [200]
        assert served.listener.texts == ["hi"]


# --- Poison --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("update", [{}, [], 5, "x", None, {"update_id": 9, "message": {"text": 5}}])
async def test_what_nobody_can_read_is_kept_apart_and_acknowledged(update: object) -> None:
    async with webhook_before() as served:
        assert await bring_all_of(served, update, served.hand.says("next")) == [200, 200]
        assert len(served.listener.buried) == 1
        door, key, raw, why = served.listener.buried[0]
        assert (door, json.loads(raw)) == ("telegram", update)
        assert key
        assert why
        assert served.hand.person.texts == ["got next"]
        assert served.intake.counts["unreadable"] == 1


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 30_000, b'{"update_id": ' + b"9" * 5000 + b"}"])
async def test_what_is_no_json_is_refused_and_counted(body: bytes) -> None:
    async with webhook_before() as served:
        assert await bring_all_of(served, body) == [400]
        assert len(served.listener.buried) == 1
        assert served.intake.counts["unreadable"] == 1


async def test_a_body_over_the_limit_is_refused_unread() -> None:
    async with webhook_before() as served:
        assert await bring_all_of(served, b'"' + b"x" * BODY_LIMIT + b'"') == [413]
        assert not served.listener.buried


async def test_the_longest_message_with_the_longest_quote_is_below_the_limit() -> None:
    async with webhook_before() as served:
        quoted = {"message_id": 1, "date": 1, "chat": {"id": 4242, "type": "private"}, "text": "\U0001f44d" * 2048}
        served.hand.message(text="文" * 4096, reply_to_message=quoted)
        assert len(json.dumps(served.standin.pending[0])) > 40_000
        assert await bring_all(served.standin) == [200]


# --- Order ---------------------------------------------------------------------------------------------------------


async def test_one_chat_is_answered_in_order_and_others_do_not_wait_for_it() -> None:
    slow = Gate("slow")
    async with webhook_before(KeptReplies(wait=slow)) as served:
        other = Hand(served.standin, 77)
        first = asyncio.create_task(bring(served.url, served.hand.says("slow"), SECRET))
        await slow.entered.wait()
        second = asyncio.create_task(bring(served.url, served.hand.says("quick"), SECRET))
        assert await bring_all_of(served, other.says("me too")) == [200]
        assert served.listener.texts == ["me too"]
        slow.open.set()
        await asyncio.gather(first, second)
        assert served.hand.person.texts == ["got slow", "got quick"]


async def test_without_the_turnstile_the_quick_one_would_overtake(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    slow = Gate("slow")
    async with webhook_before(KeptReplies(wait=slow)) as served:
        monkeypatch.setattr(served.intake._chats, "of", lambda _chat: nullcontext())
        first = asyncio.create_task(bring(served.url, served.hand.says("slow"), SECRET))
        await slow.entered.wait()
        await bring_all_of(served, served.hand.says("quick"))
        slow.open.set()
        await first
        assert served.hand.person.texts == ["got quick", "got slow"]


async def test_nothing_is_remembered_of_chats_that_are_quiet() -> None:
    async with webhook_before() as served:
        await asyncio.gather(*(bring_all_of(served, Hand(served.standin, 100 + n).says("hi")) for n in range(20)))
        assert not served.intake._chats


# --- Buttons -------------------------------------------------------------------------------------------------------


async def test_a_pressed_button_is_released_before_anything_is_said() -> None:
    async with webhook_before() as served:
        await bring_all_of(served, served.hand.says("hi"))
        update = served.hand.taps("Yes")
        assert await bring_all_of(served, update) == [200]
        methods = [call.method for call in served.standin.calls]
        assert methods[-2:] == ["answerCallbackQuery", "sendMessage"]
        assert served.listener.effects[-1].pick == "17.1"


@pytest.mark.parametrize("data", ["vote:7:YES", "17.9", "nosuch-1"])
async def test_old_and_strange_buttons_are_released_too(data: str) -> None:
    async with webhook_before() as served:
        assert await bring_all_of(served, served.hand.presses(data)) == [200]
        assert len(served.standin.answered) == 1
        assert len(served.hand.person.messages) == 1


async def test_a_button_in_a_group_is_released_and_nothing_is_said() -> None:
    async with webhook_before() as served:
        update = served.hand.presses("join-42")
        update["callback_query"]["message"]["chat"] = {"id": -100, "type": "supergroup", "title": "x"}
        assert await bring_all_of(served, update) == [200]
        assert len(served.standin.answered) == 1
        assert not served.listener.effects


async def test_a_query_that_is_too_old_stops_nothing() -> None:
    async with webhook_before() as served:
        update = served.hand.presses("join-42")
        served.time.now += 60
        assert await bring_all_of(served, update) == [200]
        assert served.standin.refused[400] == 1
        assert served.hand.person.texts == ["got join-42"]


# --- Replies that cannot go ----------------------------------------------------------------------------------------

TWO = Reply((Page("one"), Page("two")))


async def test_a_reply_that_was_not_sent_goes_by_the_sender() -> None:
    async with webhook_before() as served:
        served.standin.fail_next("sendMessage", status=429, parameters={"retry_after": 25})
        update = served.hand.says("hi")
        assert await bring_all_of(served, update, update) == [200, 200]
        assert served.listener.brought_later == [str(update["update_id"])]
        assert not served.hand.person.messages


async def test_a_reply_of_which_nobody_knows_does_not_go_twice() -> None:
    async with webhook_before() as served:
        served.standin.fail_next("sendMessage", drops=True, effective=True)
        update = served.hand.says("hi")
        assert await bring_all_of(served, update, update) == [200, 200]
        assert served.hand.person.texts == ["got hi"]
        assert not served.listener.brought_later


async def test_a_refused_page_does_not_take_the_next_one_with_it() -> None:
    async with webhook_before(KeptReplies(answer=lambda _incoming: TWO)) as served:
        served.standin.fail_next("sendMessage", status=400, description="Bad Request: message is too odd")
        assert await bring_all_of(served, served.hand.says("hi")) == [200]
        assert served.hand.person.texts == ["two"]


async def test_a_short_limit_in_the_middle_of_a_reply_is_waited_for() -> None:
    listener = KeptReplies(answer=lambda _incoming: TWO)
    async with webhook_before(listener) as served:
        await served.door.send("4242", Page("zero"), "k")
        update = served.hand.says("hi")
        served.standin.calls.clear()
        served.standin.limits = True
        served.standin._times.extend([(served.time.now, 4242)] * 2)
        assert await bring_all_of(served, update) == [200]
        assert served.hand.person.texts == ["zero", "one", "two"]
        assert served.time.waited == [3.0]
        assert not listener.brought_later


async def test_what_is_left_of_a_slow_reply_goes_by_the_sender() -> None:
    listener = KeptReplies(answer=lambda _incoming: TWO)
    async with webhook_before(listener) as served:

        async def crawl(to: str, page: Page, key: str) -> object:
            served.time.now += 5
            return await type(served.door).send(served.door, to, page, key)

        served.door.send = crawl  # type: ignore[method-assign, assignment] # a network on a bad day
        update = served.hand.says("hi")
        assert await bring_all_of(served, update) == [200]
        assert served.hand.person.texts == ["one"]
        assert listener.brought_later == [str(update["update_id"])]
        assert listener.said_before == [1], "what was said is not said again"


async def test_a_long_limit_in_the_middle_of_a_reply_leaves_the_rest_to_the_sender() -> None:
    listener = KeptReplies(answer=lambda _incoming: TWO)
    async with webhook_before(listener) as served:
        bring = type(served.door).send

        async def limited(to: str, page: Page, key: str) -> object:
            if page.text == "two":
                served.standin.fail_next("sendMessage", status=429, parameters={"retry_after": 25})
            return await bring(served.door, to, page, key)

        served.door.send = limited  # type: ignore[method-assign, assignment] # the platform, between the two pages
        assert await bring_all_of(served, served.hand.says("hi")) == [200]
        assert served.hand.person.texts == ["one"]
        assert listener.said_before == [1]


async def test_whoever_blocked_the_bot_is_gone_even_if_telegram_does_not_tell() -> None:
    async with webhook_before() as served:
        served.hand.person.state = "kicked"
        assert await bring_all_of(served, served.hand.says("hi")) == [200]
        assert [one.intent and one.intent.script for one in served.listener.effects] == [None, "gone"]


async def test_leaving_is_not_answered_twice_over() -> None:
    def silent(incoming: Incoming) -> Reply:
        return Reply() if incoming.intent else echo(incoming)

    async with webhook_before(KeptReplies(answer=silent)) as served:
        assert await bring_all_of(served, served.hand.blocks(), served.hand.unblocks()) == [200, 200]
        assert [one.intent and one.intent.script for one in served.listener.effects] == ["gone", "returned"]
        assert not served.hand.person.messages


# --- The end -------------------------------------------------------------------------------------------------------


async def test_an_orderly_stop_waits_for_what_is_under_way() -> None:
    slow = Gate()
    async with webhook_before(KeptReplies(wait=slow)) as served:
        bringing = asyncio.create_task(bring(served.url, served.hand.says("hi"), SECRET))
        await slow.entered.wait()
        assert not await served.intake.finish(0.05)
        asyncio.get_running_loop().call_later(0.05, slow.open.set)
        assert await served.intake.finish(2.0)
        assert (await bringing)[0] == 200
        assert served.hand.person.texts == ["got hi"]


async def test_a_server_that_closes_lets_requests_under_way_end() -> None:
    slow = Gate()
    async with door_before(KeptReplies(wait=slow)) as served:
        app = web.Application()
        app.add_routes(telegram_routes(hearing(served.intake, SECRET)))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/telegram"
        bringing = asyncio.create_task(bring(url, served.hand.says("hi"), SECRET))
        await slow.entered.wait()
        asyncio.get_running_loop().call_later(0.05, slow.open.set)
        await runner.cleanup()
        assert (await bringing)[0] == 200
        assert served.hand.person.texts == ["got hi"]


# --- Several replicas ------------------------------------------------------------------------------------------------


async def answered_by_another(served: Served) -> dict[str, Any]:
    """An update that a replica has taken, whose reply is kept; this one has never seen it."""
    update = served.hand.says("hi")
    incoming = reader().read(update).incoming
    assert incoming is not None
    await served.listener.take(incoming)
    return update


async def test_what_another_replica_has_brought_is_taken_and_not_brought_again() -> None:
    async with webhook_before(KeptReplies(elsewhere="told")) as served:
        status, _headers = await bring(served.url, await answered_by_another(served), SECRET)
        assert (status, served.hand.person.texts) == (200, [])
        assert served.intake.counts["repeated"] == 1


async def test_what_another_replica_may_be_bringing_comes_again_later() -> None:
    async with webhook_before(KeptReplies(elsewhere="perhaps")) as served:
        update = await answered_by_another(served)
        status, headers = await bring(served.url, update, SECRET)
        assert (status, headers["Retry-After"], served.hand.person.texts) == (503, "2", [])
        served.listener.elsewhere = ""  # it was killed before it could
        assert (await bring(served.url, update, SECRET))[0] == 200
        assert served.hand.person.texts == ["got hi"]


async def test_whoever_did_not_ask_would_bring_it_a_second_time() -> None:
    """The control: on SQLite, where there is one process, nothing is known of others."""
    async with webhook_before(KeptReplies(elsewhere="")) as served:
        assert (await bring(served.url, await answered_by_another(served), SECRET))[0] == 200
        assert served.hand.person.texts == ["got hi"]


async def test_a_reply_that_this_process_itself_could_not_bring_to_its_end_is_gone_on_with() -> None:
    listener = KeptReplies(elsewhere="perhaps")
    async with webhook_before(listener) as served:
        update, send = served.hand.says("hi"), served.door.send
        served.door.send = broken  # type: ignore[method-assign]
        assert (await bring(served.url, update, SECRET))[0] == 503
        served.door.send = send  # type: ignore[method-assign]
        assert (await bring(served.url, update, SECRET))[0] == 200
        assert served.hand.person.texts == ["got hi"]


async def broken(to: str, page: Page, key: str) -> Any:
    raise OSError("no database for the sender's list")


async def test_that_replies_were_brought_is_written_down_together_and_at_the_latest_at_the_stop() -> None:
    written: list[list[str]] = []

    async def told(keys: Sequence[str]) -> None:
        written.append(list(keys))

    async with webhook_before() as served:
        served.intake.__dict__.update(
            Intake(served.api, served.door, reader(), served.listener, told=told).__dict__
        )
        updates = [served.hand.says(str(number)) for number in range(3)]
        for update in updates:
            assert (await bring(served.url, update, SECRET))[0] == 200
        assert await served.intake.finish(1.0)
        assert written == [[str(update["update_id"]) for update in updates]]


async def test_that_it_cannot_be_written_down_stops_nothing() -> None:
    async def away(keys: Sequence[str]) -> None:
        raise OSError("no database")

    async with webhook_before() as served:
        served.intake.__dict__.update(
            Intake(served.api, served.door, reader(), served.listener, told=away).__dict__
        )
        assert (await bring(served.url, served.hand.says("hi"), SECRET))[0] == 200
        assert await served.intake.finish(1.0)
