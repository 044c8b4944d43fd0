"""Numbers as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.digits import normalise, read_count, read_number, read_numeral


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2", 2),
        ("２", 2),
        ("二", 2),
        ("两", 2),
        ("第二个", 2),
        ("第2项", 2),
        ("No. 2", 2),
        ("no.2", 2),
        ("2.", 2),
        ("2、", 2),
        ("②", 2),
        ("(2)", 2),
        ("（２）", 2),
        ("#2", 2),
        (" 2 ", 2),
        ("2号", 2),
        ("选2", 2),
        ("option 2", 2),
        ("2nd", 2),
        ("second", 2),
        ("two", 2),
        ("貳", 2),
        ("兩個", 2),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("二十一", 21),
        ("廿三", 23),
        ("一百", 100),
        ("一百五", 150),
        ("二百零五", 205),
        ("一千二百", 1200),
        ("一万二千", 12000),
        ("二〇二六", 2026),
        ("1,200", 1200),
        ("0", 0),
        ("007", 7),
    ],
)
def test_a_message_that_is_a_number_is_read(text: str, number: int) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "abc", "2 3", "2-3", "3.5", "二三十", "第", "周六", "2点", "3人", "12345678901234567890", "½"]
)
def test_a_message_that_is_something_else_is_no_number(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("二十人", 20),
        ("20人", 20),
        ("２０人", 20),
        ("20 people", 20),
        ("20", 20),
        ("大概30个", 30),
        ("最多五十名", 50),
        ("限100人左右", 100),
        ("1,200人", 1200),
        ("20人一起", 20),
        ("twenty volunteers", 20),
        ("about 15 seats", 15),
        ("我们要招十五位志愿者", 15),
    ],
)
def test_how_many_people_is_read(text: str, count: int) -> None:
    assert read_count(text) == count


@pytest.mark.parametrize("text", ["", "不限", "no limit", "20-30人", "3.5", "10人或20人"])
def test_no_count_or_two_are_none(text: str) -> None:
    assert read_count(text) is None


def test_texts_are_compared_without_width_case_script_and_spaces() -> None:
    assert normalise("  ＡＢＣ　朝陽區 \n x ") == "abc 朝阳区 x"


@given(st.text(max_size=40))
def test_no_text_breaks_the_readers(text: str) -> None:
    read_number(text)
    read_count(text)
    assert normalise(normalise(text)) == normalise(text)


@given(st.integers(0, 999_999_999))
def test_every_number_in_digits_reads_as_itself(number: int) -> None:
    assert read_number(str(number)) == number


def test_every_number_below_ten_thousand_in_chinese_reads_as_itself() -> None:
    digits, units = "零一二三四五六七八九", ["", "十", "百", "千"]
    for number in range(1, 10_000):
        written, gap = "", False
        for place in (3, 2, 1, 0):
            digit = number // 10**place % 10
            if digit == 0:
                gap = bool(written)
                continue
            written += ("零" if gap else "") + digits[digit] + units[place]
            gap = False
        assert read_numeral(written) == number, written
