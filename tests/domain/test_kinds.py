"""Kinds of service and the words for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.kinds import KINDS, kind, match_kinds


def wanted(text: str) -> list[str]:
    return list(dict.fromkeys(found.kind.code for found in match_kinds(text) if not found.excluded))


def ruled_out(text: str) -> list[str]:
    return list(dict.fromkeys(found.kind.code for found in match_kinds(text) if found.excluded))


def test_codes_are_short_ascii_and_unique() -> None:
    codes = [each.code for each in KINDS]
    assert len(set(codes)) == len(codes)
    assert all(code.isascii() and code.islower() and len(code) <= 12 for code in codes)
    assert [kind(code) for code in codes] == list(KINDS)


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(KeyError):
        kind("gardening")


def test_no_word_means_two_kinds() -> None:
    words = [word for each in KINDS for word in {each.chinese, each.english.lower(), *each.synonyms}]
    assert sorted(words) == sorted(set(words))


def test_high_risk_is_for_adults_who_are_trained_insured_and_under_agreement() -> None:
    for each in KINDS:
        if each.risk == "high":
            assert each.minimum_age >= 18
            assert each.needs_training
            assert each.needs_agreement
            assert each.needs_insurance


def test_every_kind_is_found_by_each_of_its_own_words() -> None:
    for each in KINDS:
        for word in (each.chinese, each.english, *each.synonyms):
            assert wanted(word)[:1] == [each.code], word


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("垃圾分类", "environment"),
        ("環保", "environment"),
        ("绿化美化", "environment"),
        ("tree planting", "environment"),
        ("a park clean-up", "environment"),
        ("陪老人聊天", "elderly"),
        ("养老院", "elderly"),
        ("seniors", "elderly"),
        ("助残", "disability"),
        ("手语翻译", "disability"),
        ("something with kids", "education"),
        ("支教", "education"),
        ("法律咨询", "legal"),
        ("地铁引导", "traffic"),
        ("消防宣传", "safety"),
        ("无偿献血", "medical"),
        ("非遗", "heritage"),
        ("科普讲座", "science"),
        ("马拉松", "event"),
        ("防汛", "rescue"),
        ("心理疏导", "counselling"),
        ("线上翻译", "online"),
        ("扶贫济困", "relief"),
        ("音乐会", "culture"),
        ("陪跑", "sports"),
        ("社区值守", "community"),
    ],
)
def test_a_word_is_known(text: str, code: str) -> None:
    assert wanted(text)[0] == code


@pytest.mark.parametrize("text", ["有什么活动", "老师", "greenhouse", "party", "", "周六朝阳", "start", "lawn"])
def test_no_kind_is_seen_where_none_is(text: str) -> None:
    assert match_kinds(text) == []


@pytest.mark.parametrize(
    ("text", "no", "yes"),
    [
        ("不要环保", ["environment"], []),
        ("除了环保和助老还有什么", ["environment", "elderly"], []),
        ("别的环保活动", ["environment"], []),
        ("环保以外的", ["environment"], []),
        ("我想参加环保，不要体育", ["sports"], ["environment"]),
        ("anything but traffic or legal", ["traffic", "legal"], []),
        ("no sports please", ["sports"], []),
        ("music, not sports", ["sports"], ["culture"]),
        ("有没有环保活动", [], ["environment"]),
        ("不仅环保", [], ["environment"]),
    ],
)
def test_what_is_ruled_out_is_told_from_what_is_wanted(text: str, no: list[str], yes: list[str]) -> None:
    assert ruled_out(text) == no
    assert wanted(text) == yes


@given(st.text(max_size=60))
def test_a_mention_lies_inside_the_text(text: str) -> None:
    for found in match_kinds(text):
        assert 0 <= found.start < found.end <= len(text)
