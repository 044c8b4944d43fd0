"""The roll-call in one message, as leaders type it, and what is none."""

from __future__ import annotations

import pytest

from bot.domain.roll import Call, Mark, read_calls

HERE, LEFT, STILL, NEVER = Mark.HERE, Mark.LEFT, Mark.STILL, Mark.NEVER


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("1 2 5 到", [Call(HERE, (1, 2, 5))]),
        ("1、2、5到了", [Call(HERE, (1, 2, 5))]),
        ("１，２，５ 到", [Call(HERE, (1, 2, 5))]),
        ("1号 2号 已到", [Call(HERE, (1, 2))]),
        ("1-3 7 到", [Call(HERE, (1, 2, 3, 7))]),
        ("一 三 到", [Call(HERE, (1, 3))]),
        ("1和2都到了", [Call(HERE, (1, 2))]),
        ("1 2 5 here", [Call(HERE, (1, 2, 5))]),
        ("1, 2 and 5 are here", [Call(HERE, (1, 2, 5))]),
        ("all 到", [Call(HERE, all=True)]),
        ("都到", [Call(HERE, all=True)]),
        ("都到了", [Call(HERE, all=True)]),
        ("全部到了", [Call(HERE, all=True)]),
        ("all here", [Call(HERE, all=True)]),
        ("everyone is here", [Call(HERE, all=True)]),
        ("除了3都到", [Call(HERE, all=True, but=(3,))]),
        ("除了3和4，都到了", [Call(HERE, all=True, but=(3, 4))]),
        ("除3外都到", [Call(HERE, all=True, but=(3,))]),
        ("都到，除了3", [Call(HERE, all=True, but=(3,))]),
        ("all but 3 here", [Call(HERE, all=True, but=(3,))]),
        ("all here except 3, 4", [Call(HERE, all=True, but=(3, 4))]),
        ("3 走", [Call(LEFT, (3,))]),
        ("3走了", [Call(LEFT, (3,))]),
        ("3 left", [Call(LEFT, (3,))]),
        ("all left", [Call(LEFT, all=True)]),
        ("全都走了", [Call(LEFT, all=True)]),
        ("3 没到", [Call(NEVER, (3,))]),
        ("3 不在", [Call(NEVER, (3,))]),
        ("3 not here", [Call(NEVER, (3,))]),
        ("3 没走", [Call(STILL, (3,))]),
        ("3 还在", [Call(STILL, (3,))]),
        ("都没走", [Call(STILL, all=True)]),
        ("3 还没离开", [Call(STILL, (3,))]),
        ("3 has not left", [Call(STILL, (3,))]),
        ("3 still here", [Call(STILL, (3,))]),
        ("1 2 5 到 3 走", [Call(HERE, (1, 2, 5)), Call(LEFT, (3,))]),
        ("1 2 5 到\n3 走", [Call(HERE, (1, 2, 5)), Call(LEFT, (3,))]),
        ("482109 到", [Call(HERE, codes=("482109",))]),
        ("V2345ABCDE 到", [Call(HERE, people=("V2345ABCDE",))]),
    ],
)
def test_a_roll_call_is_read(text: str, calls: list[Call]) -> None:
    assert read_calls(text) == calls


@pytest.mark.parametrize(
    "text",
    [
        "到", "走", "here", "1 2 5", "all", "", "  ", "I left", "I am here", "周六9点到11点", "我到了", "3个人到颐和园",
        "4821 0937", "两点到四点去海淀", "all the best", "left 3", "除了3", "who is here", "到哪里去",
        "1 2 5 到 谢谢大家", "x" * 500,
    ],
)  # fmt: skip
def test_what_is_no_roll_call_is_left_to_others(text: str) -> None:
    assert read_calls(text) is None


def test_a_range_cannot_ask_for_a_million_numbers() -> None:
    calls = read_calls("1-9999 到")
    assert calls is not None
    assert len(calls[0].numbers) < 1_000
