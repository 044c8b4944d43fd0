"""One token for all: no storm at a cold start, none when the platform refuses for ever."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.channels.wechat.api import WeChatApi
from bot.channels.wechat.token import FORCES, Fetched, FetchFailed, StableToken, TokenShelf, Unavailable
from tests.channels.wechat_kit import MemoryShelf, at
from tests.standins.wechat import Fault, ManualClock, WeChatApiStandIn

SEND, STABLE = "/cgi-bin/message/custom/send", "/cgi-bin/stable_token"
HELLO = {"touser": "o1", "msgtype": "text", "text": {"content": "你好"}}


@asynccontextmanager
async def connected(
    platform: WeChatApiStandIn, clock: ManualClock, shelf: TokenShelf | None = None, secret: str = ""
) -> AsyncIterator[WeChatApi]:
    api = WeChatApi(
        app_id=platform.app_id,
        app_secret=secret or platform.secret,
        shelf=shelf or MemoryShelf(),
        clock=at(clock),
        base=platform.base,
    )
    try:
        yield api
    finally:
        await api.close()


async def test_thirty_two_tasks_at_a_cold_start_make_one_fetch() -> None:
    """Before, with the library's client: 4,923 fetches in 10 s, each killing the last token, and no message sent."""
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, connected(platform, clock) as api:
        platform.only_newest_token = True
        platform.heard("o1", "message")
        platform.followers["o1"].message_left = 1_000
        answers = await asyncio.gather(*(api.call(SEND, HELLO) for _ in range(32)))
        assert {answer.code for answer in answers} == {0}
        assert platform.calls[STABLE] == 1
        assert platform.calls[SEND] == 32


async def test_control_without_single_flight_every_task_fetches() -> None:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, connected(platform, clock) as api:
        platform.only_newest_token = True
        await asyncio.gather(*(api._fetch_token(False) for _ in range(32)))
        assert platform.calls[STABLE] == 32
        assert len(platform._tokens) == 1  # 31 of them would send with a dead one


async def test_two_replicas_share_one_fetch() -> None:
    clock, shelf = ManualClock(), MemoryShelf()
    async with (
        WeChatApiStandIn(clock=clock) as platform,
        connected(platform, clock, shelf) as one,
        connected(platform, clock, shelf) as other,
    ):
        platform.heard("o1", "message")
        answers = await asyncio.gather(one.call(SEND, HELLO), other.call(SEND, HELLO))
        assert [answer.code for answer in answers] == [0, 0]
        assert platform.calls[STABLE] == 1


@pytest.mark.parametrize("how", ["expire_tokens", "revoke_tokens"])
async def test_a_refused_token_is_replaced_once_for_all_who_hold_it(how: str) -> None:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, connected(platform, clock) as api:
        platform.heard("o1", "message")
        platform.followers["o1"].message_left = 1_000
        await api.call(SEND, HELLO)
        clock.advance(600)
        getattr(platform, how)()
        answers = await asyncio.gather(*(api.call(SEND, HELLO) for _ in range(32)))
        assert {answer.code for answer in answers} == {0}
        # The stable endpoint repeats an expired token that it thinks valid; then one forced fetch follows.
        assert platform.calls[STABLE] == (3 if how == "expire_tokens" else 2)


async def test_a_platform_that_refuses_for_ever_is_asked_a_bounded_number_of_times() -> None:
    """Before: 487 fetches in 2 s, then the interpreter's recursion limit."""
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, connected(platform, clock) as api:
        platform.always = Fault(code=40001)
        refused = 0
        for _round in range(20):
            outcomes = await asyncio.gather(*(api.call(SEND, HELLO) for _ in range(32)), return_exceptions=True)
            refused += sum(isinstance(outcome, Unavailable) for outcome in outcomes)
            clock.advance(30)
        assert refused == 640
        # 10 minutes: the breaker opened for 30, 60, 120, 300 s; each time one replacement, at most one of them forced.
        assert platform.calls[STABLE] <= 12
        assert "40001" in api.token.trouble


async def test_the_breaker_says_when_to_try_again_and_closes_when_all_is_well() -> None:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, connected(platform, clock) as api:
        platform.heard("o1", "message")
        platform.always = Fault(code=40001)
        for _ in range(2):
            with pytest.raises(Unavailable) as closed:
                await api.call(SEND, HELLO)
            assert closed.value.after == 30
        assert platform.calls[SEND] == 1
        platform.always = None
        clock.advance(31)
        assert (await api.call(SEND, HELLO)).code == 0
        assert api.token.trouble == ""


@pytest.mark.parametrize(("fault", "told"), [(40164, "IP"), (40125, "SECRET"), (40013, "APP_ID")])
async def test_a_wrong_configuration_is_named_and_not_hammered(fault: int, told: str) -> None:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, connected(platform, clock) as api:
        platform.fail(STABLE, *[fault] * 50)
        for _ in range(20):
            with pytest.raises(Unavailable) as closed:
                await api.call(SEND, HELLO)
            assert told in closed.value.reason
        assert platform.calls[STABLE] == 1


async def test_the_ip_list_of_the_stand_in_refuses_us() -> None:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, connected(platform, clock) as api:
        platform.allowed_addresses = {"203.0.113.7"}
        with pytest.raises(Unavailable, match="40164"):
            await api.call(SEND, HELLO)


async def test_a_platform_that_cannot_be_reached_opens_the_breaker() -> None:
    clock = ManualClock()
    async with WeChatApiStandIn(clock=clock) as platform, connected(platform, clock) as api:
        platform.fail(STABLE, Fault(status=502))
        with pytest.raises(Unavailable, match="HTTP 502"):
            await api.call(SEND, HELLO)


async def test_secret_and_token_reach_no_log_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    clock = ManualClock()
    secret = "s3cr3ts3cr3ts3cr3ts3cr3ts3cr3t00"
    async with WeChatApiStandIn(secret=secret, clock=clock) as platform, connected(platform, clock) as api:
        token = await api.token.current()
        platform.fail(SEND, 40001, 40001, Fault(drop=True))
        told: list[str] = []
        for _ in range(3):
            (outcome,) = await asyncio.gather(api.call(SEND, HELLO), return_exceptions=True)
            if isinstance(outcome, Exception):
                told.append("".join(traceback.format_exception(outcome)))
            clock.advance(60)
        assert told
        assert token not in "".join(told)
        assert secret not in caplog.text + repr(api) + repr(api.token)
        assert token not in caplog.text + repr(api) + repr(api.token)


# --- The token alone -------------------------------------------------------------------------------------------------


class Endpoint:
    """stable_token as a list of what it answers."""

    def __init__(self, *answers: Fetched | Exception) -> None:
        self.answers = list(answers)
        self.forces: list[bool] = []

    async def __call__(self, force: bool) -> Fetched:
        self.forces.append(force)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_token_is_renewed_five_minutes_early_and_the_old_one_serves_meanwhile() -> None:
    clock = ManualClock()
    endpoint = Endpoint(Fetched("a", 7200), Fetched("a", 300), Fetched("b", 7200))
    token = StableToken(endpoint, MemoryShelf(), at(clock))
    assert await token.current() == "a"
    clock.advance(6_890)
    assert await token.current() == "a"
    assert len(endpoint.forces) == 1
    clock.advance(11)
    assert [await token.current() for _ in range(5)] == ["a"] * 5  # the platform has not made the next one yet
    assert len(endpoint.forces) == 2
    clock.advance(11)
    assert await token.current() == "b"


async def test_a_failed_renewal_does_not_take_away_a_token_that_still_works() -> None:
    clock = ManualClock()
    token = StableToken(Endpoint(Fetched("a", 7200), FetchFailed("HTTP 502")), MemoryShelf(), at(clock))
    await token.current()
    clock.advance(6_950)
    assert await token.current() == "a"


async def test_a_token_on_the_shelf_is_taken_from_there() -> None:
    clock = ManualClock()
    shelf = MemoryShelf(("kept", at(clock)() + timedelta(hours=1)))
    endpoint = Endpoint()
    assert await StableToken(endpoint, shelf, at(clock)).current() == "kept"
    assert not endpoint.forces


async def test_only_the_present_token_can_be_replaced() -> None:
    clock = ManualClock()
    endpoint = Endpoint(Fetched("b", 7200))
    token = StableToken(endpoint, MemoryShelf(("a", at(clock)() + timedelta(hours=1))), at(clock))
    assert await token.current() == "a"
    assert [await token.replace("a", "wechat 40001") for _ in range(3)] == ["b"] * 3
    assert endpoint.forces == [False]


async def test_a_token_that_dies_at_once_is_not_fetched_again_at_once() -> None:
    clock = ManualClock()
    token = StableToken(Endpoint(Fetched("a", 7200)), MemoryShelf(), at(clock))
    await token.current()
    with pytest.raises(Unavailable):
        await token.replace("a", "wechat 40001")


async def test_forced_refreshes_stay_within_what_the_platform_allows() -> None:
    clock = ManualClock()
    same = [Fetched("a", 7200)] * 400
    endpoint = Endpoint(*same)
    token = StableToken(endpoint, MemoryShelf(), at(clock))
    await token.current()
    for _ in range(100):
        clock.advance(601)
        try:
            assert await token.replace("a", "wechat 40001") == "a"
        except Unavailable:
            continue
    assert endpoint.forces.count(True) == FORCES


def test_no_secret_goes_over_a_network_in_the_clear() -> None:
    with pytest.raises(ValueError, match="https"):
        WeChatApi(
            app_id="wx", app_secret="s", shelf=MemoryShelf(), clock=at(ManualClock()), base="http://api.example.com"
        )
