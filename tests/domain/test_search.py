"""What somebody looks for, out of one sentence. Now is Monday 23 November 2026, 10:00."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.places import beijing
from bot.domain.search import Query, sounds_like_search, tokens, understand

BEIJING = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 10, tzinfo=BEIJING)
GAZETTEER = beijing()


def asked(text: str) -> Query:
    return understand(text, NOW, BEIJING, GAZETTEER)


def finds(text: str) -> bool:
    return sounds_like_search(text, NOW, BEIJING, GAZETTEER)


def parts(text: str) -> tuple[list[str], list[str], list[str], list[str]]:
    query = asked(text)
    return (
        [place.name for place in query.places],
        [kind.code for kind in query.kinds],
        [f"{each.start:%m-%d %H}" for each in query.times],
        list(query.words),
    )


@pytest.mark.parametrize("text", ["我想当志愿者", "我想當志願者", "我想成为一名志愿者", "怎么当志愿者"])
def test_who_wants_to_become_a_volunteer_looks_for_anything(text: str) -> None:
    """They were told that nothing had the word 当."""
    assert finds(text)
    assert asked(text) == Query()


@pytest.mark.parametrize(
    ("text", "places", "kinds", "times", "words"),
    [
        ("周六朝阳有什么环保活动", ["朝阳区"], ["environment"], ["11-28 00"], []),
        ("這週六下午朝陽區有什麼環保活動", ["朝阳区"], ["environment"], ["11-28 12"], []),
        ("any tree planting in Haidian this weekend?", ["海淀区"], ["environment"], ["11-28 00"], []),
        ("I want to help old people in Chaoyang next Saturday", ["朝阳区"], ["elderly"], ["12-05 00"], []),
        ("今晚上地铁志愿", [], ["traffic"], ["11-23 18"], []),
        ("天坛医院导医", ["丰台区"], ["medical"], [], []),
        ("找新街口的活动", ["新街口街道"], [], [], []),
        ("朝阳区望京街道 陪老人聊天", ["望京街道"], ["elderly"], [], ["聊天"]),
        ("海淀八里庄讲故事", ["八里庄街道"], [], [], ["讲故事"]),
        ("有讲故事的活动吗", [], [], [], ["讲故事"]),
        ("5号线有活动吗", [], [], [], ["5号线"]),
        ("周六朝阳上午的活动", ["朝阳区"], [], ["11-28 06"], []),
        ("storytelling near Wudaokou", ["海淀区"], [], [], ["storytelling"]),
        ("找活动", [], [], [], []),
        ("", [], [], [], []),
    ],
)
def test_a_sentence_is_taken_apart(
    text: str, places: list[str], kinds: list[str], times: list[str], words: list[str]
) -> None:
    assert parts(text) == (places, kinds, times, words)


def test_a_landmark_is_what_to_be_near() -> None:
    near = asked("三里屯附近周末的活动").near
    assert near is not None
    assert near.english == "Sanlitun"
    assert not asked("三里屯附近周末的活动").near_me


def test_near_without_a_name_is_near_me() -> None:
    assert asked("附近有什么活动").near_me
    assert asked("volunteering near me").near_me
    assert not asked("朝阳有什么活动").near_me


def test_what_is_ruled_out_is_kept_apart() -> None:
    query = asked("除了体育还有什么，周日下午")
    assert [kind.code for kind in query.excluded_kinds] == ["sports"]
    assert query.kinds == ()
    assert query.words == ()


@pytest.mark.parametrize(
    "text",
    [
        "周六朝阳有什么环保活动",
        "any tree planting in Haidian this weekend?",
        "找活动",
        "找新街口的活动",
        "附近有什么活动",
        "周六植树",
        "英语角",
        "我想去奥森捡垃圾",
        "what's on this weekend",
        "volunteering",
        "near me",
        "海淀",
        "教小朋友画画",
        "不要环保，周日下午",
        "有讲故事的活动吗",
        "I'd like to help on Sunday",
        "想报名周六的植树",
        "推荐一个适合老人的",
        "find activities in Wangjing",
    ],
)
def test_this_means_find(text: str) -> None:
    assert finds(text)


@pytest.mark.parametrize(
    "text",
    [
        "我报名了什么",
        "我報名了什麼",
        "给报名的人发通知",
        "证明",
        "開證明",
        "时长",
        "我有多少小时",
        "取消周六的活动",
        "周六我去不了",
        "签到",
        "退订朝阳",
        "发布周六的植树活动",
        "明天天气怎么样",
        "你好",
        "谢谢",
        "好的",
        "3",
        "12345678",
        "我的",
        "how many hours do I have",
        "cancel Saturday",
        "what did I sign up for",
        "my activities this week",
        "send the volunteers a message",
        "certificate please",
        "老人摔倒了怎么办",
        "改到下周六",
        "ok",
        "",
    ],
)
def test_this_means_something_else(text: str) -> None:
    assert not finds(text)


def test_tokens_are_latin_words_and_pairs_of_han_characters() -> None:
    assert tokens("环保洁") == ["环保", "保洁"]
    assert tokens("環保") == ["环保"]
    assert tokens("画") == ["画"]
    assert tokens("AI志愿者，Wangjing SOHO １２月") == ["ai", "志愿", "愿者", "wangjing", "soho", "12", "月"]
    assert tokens(" !? ") == []


@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_sentence_breaks_the_search(text: str) -> None:
    query = asked(text)
    assert all(word and not word.isspace() for word in query.words)
    finds(text)
    tokens(text)


@pytest.mark.parametrize("text", ["退订朝阳", "发布周六的植树活动", "my activities this week"])
def test_without_the_guard_other_errands_would_be_taken_for_searches(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not finds(text)
    monkeypatch.setattr("bot.domain.search._OTHER_ERRANDS", re.compile("(?!)"))
    assert finds(text)
