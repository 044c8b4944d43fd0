"""The account's rate and the gap in a chat, by a clock that the test moves."""

from __future__ import annotations

import pytest

from bot.delivery.pace import Bucket, ChatGaps, Pace, pace_of
from tests.delivery.kit import Clockwork


def test_in_no_second_do_more_leave_than_telegram_allows(clock: Clockwork) -> None:
    bucket = Bucket(28.0, clock.steady)
    left: list[float] = []
    while clock.seconds < 10:
        if bucket.ready():
            bucket.take()
            left.append(clock.seconds)
        else:
            clock.seconds += max(bucket.wait(), 0.001)
    assert len(left) >= 279
    for start in left:
        assert sum(start <= moment < start + 1.0 for moment in left) <= 30


def test_a_long_silence_saves_nothing_up(clock: Clockwork) -> None:
    bucket = Bucket(28.0, clock.steady)
    clock.seconds = 3600
    assert bucket.ready() == 1
    quick = Bucket(1000.0, clock.steady)
    clock.seconds = 7200
    assert quick.ready() == 50


def test_what_leaves_after_a_silence_without_a_look_is_counted_all_the_same(clock: Clockwork) -> None:
    bucket = Bucket(10.0, clock.steady)
    clock.seconds = 3600
    bucket.take()
    assert bucket.ready() == 0


@pytest.mark.parametrize("door", ["telegram", "wechat", "web", "terminal", "another"])
def test_the_slowest_account_may_say_one_thing(clock: Clockwork, door: str) -> None:
    bucket = Bucket(pace_of(door).rate, clock.steady)
    assert bucket.ready() >= 1
    assert Bucket(0.5, clock.steady).ready() == 1


def test_a_chat_hears_from_us_once_a_second(clock: Clockwork) -> None:
    gaps = ChatGaps(Pace(28.0, per_chat=1.0), clock.steady)
    assert gaps.reserve("a") == 0
    assert gaps.reserve("a") == 1.0
    assert gaps.reserve("b") == 0
    clock.seconds = 0.4
    assert gaps.reserve("a") == pytest.approx(0.6)
    gaps.forget("a")
    assert gaps.reserve("a") == 0


def test_a_group_hears_from_us_twenty_times_a_minute(clock: Clockwork) -> None:
    gaps = ChatGaps(pace_of("telegram"), clock.steady)
    heard: list[float] = []
    while clock.seconds < 180:
        if not gaps.reserve("-100200300"):
            heard.append(clock.seconds)
        clock.seconds += 0.05
    for start in heard:
        assert sum(start <= moment < start + 60 for moment in heard) <= 20
    assert len(heard) >= 59
    # The control: to a person the same loop speaks once a second.
    assert gaps.gap("100200300") == 1.0


def test_after_a_long_text_a_chat_has_a_longer_rest(clock: Clockwork) -> None:
    gaps = ChatGaps(pace_of("telegram"), clock.steady)
    for length, rest in ((499, 1.0), (500, 2.0), (1_700, 4.0)):
        assert gaps.reserve("a") == 0
        gaps.stretch("a", length)
        assert gaps.reserve("a") == pytest.approx(rest)
        clock.seconds += rest
    gaps.stretch("never reserved", 4_000)
    assert gaps.reserve("never reserved") == 0


def test_old_chats_are_forgotten(clock: Clockwork) -> None:
    gaps = ChatGaps(Pace(28.0, per_chat=1.0), clock.steady)
    for number in range(10_001):
        gaps.reserve(str(number))
        clock.seconds += 0.001
    assert len(gaps._until) < 2_000


def test_the_operator_sets_telegrams_rate_and_keeps_its_gap() -> None:
    assert (pace_of("telegram", 100.0).rate, pace_of("telegram", 100.0).per_chat) == (100.0, 1.0)
    assert pace_of("telegram").rate == 28.0
    assert pace_of("telegram", 1000.0).most_in_flight > pace_of("telegram", 30.0).most_in_flight
    assert pace_of("wechat", 100.0).rate < 100.0
