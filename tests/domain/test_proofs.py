"""Certificate numbers, periods and content: pure rules."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.proofs import (
    ALPHABET,
    LINES,
    Entry,
    Period,
    by_grade,
    content_lines,
    content_text,
    grouped,
    is_number,
    new_number,
    read_number,
    read_period,
    same_name,
    usual_periods,
    with_check,
)

BEIJING = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 24)
bits = st.integers(0, (1 << 128) - 1)


@given(bits)
def test_every_number_is_sound_and_read_back_as_it_is_printed(value: int) -> None:
    number = with_check(value)
    assert is_number(number)
    assert len(number) == 28
    for written in (number, grouped(number), grouped(number).lower(), grouped(number).replace("-", " ")):
        read = read_number(written)
        assert read is not None
        assert (read.number, read.sound) == (number, True)


@given(bits, st.integers(0, 27), st.sampled_from(ALPHABET))
def test_one_wrong_character_always_shows(value: int, place: int, other: str) -> None:
    number = with_check(value)
    slipped = number[:place] + other + number[place + 1 :]
    assert is_number(slipped) is (slipped == number)


@given(bits, st.integers(0, 24))
def test_two_neighbours_swapped_always_show(value: int, place: int) -> None:
    number = with_check(value)
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert is_number(swapped) is (swapped == number)


@pytest.mark.parametrize("changed", [
    lambda number: "", lambda number: number[:-1], lambda number: number[:26] + "0" + number[26:],
    lambda number: number + "0", str.lower, lambda number: "I" + number[1:], lambda number: number[:-1] + "-",
    lambda number: with_check(1 << 128),
])  # fmt: skip
def test_a_number_is_known_in_its_stored_form_only(changed: Callable[[str], str]) -> None:
    number = with_check((1 << 128) - 1)
    assert is_number(number)
    assert not is_number(changed(number))


def test_without_the_check_slips_would_pass() -> None:
    """The control of the two above: the bare 26 characters say nothing of a slip."""
    number = with_check(7 << 60)
    slipped = number[:20] + ("2" if number[20] != "2" else "3") + number[21:26]
    assert is_number(with_check(sum(ALPHABET.index(one) << (5 * at) for at, one in enumerate(reversed(slipped)))))


def test_numbers_are_unlike_each_other_and_use_all_their_bits() -> None:
    numbers = {new_number() for _n in range(5_000)}
    assert len(numbers) == 5_000
    assert {number[1] for number in numbers} == set(ALPHABET)


def test_a_guess_is_hardly_ever_even_sound() -> None:
    guesses = ("".join(secrets.choice(ALPHABET) for _place in range(28)) for _guess in range(20_000))
    assert sum(map(is_number, guesses)) < 100


@pytest.mark.parametrize(
    ("around", "rest"),
    [
        ("{}", ""), ("  {} \n", ""), ("https://menkou.example/proof/{}", ""), ("{} 王小明", "王小明"),
        ("{}，王 小明", "王 小明"), ("{}: Ann Lee", "Ann Lee"), ("http://a.cn/proof/{}?from=x", ""),
    ],
)  # fmt: skip
def test_a_number_is_found_in_what_people_send(around: str, rest: str) -> None:
    number = with_check(1 << 127)
    for written in (number, grouped(number).lower()):
        read = read_number(around.format(written))
        assert read is not None
        assert (read.number, read.rest) == (number, rest)


def test_letters_that_look_like_digits_are_taken_for_them() -> None:
    number = with_check(0)
    assert number.startswith("00000000")
    read = read_number("OOOO-oooo-0000-0000-0000-0000-" + number[24:])
    assert read is not None
    assert read.number == number


@pytest.mark.parametrize(
    "text",
    [
        "", "hello", "12345678", "1234 5678", "志愿服务证明", "Sat 28 Nov 09:00-11:30", "checkin-42-48210937",
        "when will they come back from this nice trip", "want more help from your city team", "13800138000",
        "2026-03 to 2026-08",
    ],
)  # fmt: skip
def test_what_is_no_number_is_not_taken_for_one(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize(("room", "taken"), [("A12E", False), ("A123", True)])
def test_a_room_and_a_floor_are_no_number_yet(room: str, taken: bool) -> None:
    assert (read_number(f"want more help from your {room} team") is not None) is taken


def test_a_mistyped_number_is_told_from_a_sentence() -> None:
    number = with_check(12345678901234567890)
    slipped = number[:-1] + ("0" if number[-1] != "0" else "1")
    read = read_number(slipped)
    assert read is not None
    assert not read.sound


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("2025", (date(2025, 1, 1), date(2025, 12, 31))),
        ("2026", (date(2026, 1, 1), TODAY)),
        ("2026年3月", (date(2026, 3, 1), date(2026, 3, 31))),
        ("2026-01", (date(2026, 1, 1), date(2026, 1, 31))),
        ("2025-12", (date(2025, 12, 1), date(2025, 12, 31))),
        ("2026-11-24", (TODAY, TODAY)),
        ("2026-11-25", None), ("2026-00", None),
        ("2026-02 to 2026-08", (date(2026, 2, 1), date(2026, 8, 31))),
        ("2024-02", (date(2024, 2, 1), date(2024, 2, 29))),
        ("2026-03-05 – 2026-03-09", (date(2026, 3, 5), date(2026, 3, 9))),
        ("２０２５年9月1日至2026年1月31日", (date(2025, 9, 1), date(2026, 1, 31))),
        ("2027", None), ("2026-08 2026-02", None), ("2026-13", None), ("2026-02-30", None), ("soon", None),
        ("2024 2025 2026", None), ("", None),
    ],
)  # fmt: skip
def test_periods_as_people_write_them(text: str, period: tuple[date, date] | None) -> None:
    assert read_period(text, TODAY) == (Period(*period) if period else None)


def test_only_periods_in_which_something_was_are_offered() -> None:
    assert list(usual_periods(date(2026, 10, 1), TODAY)) == ["all", "year", "school"]
    assert list(usual_periods(date(2025, 3, 1), TODAY)) == ["all", "year", "school", "last"]
    assert list(usual_periods(date(2025, 12, 31), TODAY)) == ["all", "year", "school", "last"]
    assert list(usual_periods(date(2026, 1, 1), TODAY)) == ["all", "year", "school"]


@pytest.mark.parametrize(
    ("today", "school"),
    [
        (date(2026, 5, 1), (date(2025, 9, 1), date(2026, 5, 1))),
        (date(2026, 8, 31), (date(2025, 9, 1), date(2026, 8, 31))),
        (date(2026, 9, 1), (date(2026, 9, 1), date(2026, 9, 1))),
        (date(2026, 12, 31), (date(2026, 9, 1), date(2026, 12, 31))),
    ],
)
def test_a_school_year_begins_in_september_and_a_year_in_january(today: date, school: tuple[date, date]) -> None:
    first = date(2025, 3, 1)
    assert usual_periods(first, today) == {
        "all": Period(first, today),
        "year": Period(date(2026, 1, 1), today),
        "school": Period(*school),
        "last": Period(date(2025, 1, 1), date(2025, 12, 31)),
    }


def test_a_period_is_whole_days_of_the_city() -> None:
    start, end = Period(date(2026, 11, 24), date(2026, 11, 24)).moments(BEIJING)
    assert end - start == timedelta(days=1)
    assert start.isoformat() == "2026-11-24T00:00:00+08:00"


def entry(record: int, days: int, minutes: int = 60, grade: str = "A") -> Entry:
    return Entry(record, date(2026, 1, 1) + timedelta(days=days), "植树", "Trees", minutes, grade)


entries = st.lists(
    st.builds(entry, st.integers(1, 9999), st.integers(0, 4000), st.integers(1, 600), st.sampled_from("ABCD")),
    min_size=1, max_size=60,
)  # fmt: skip


@given(entries)
def test_the_split_by_grade_and_the_lines_sum_to_what_was_recorded(done: Sequence[Entry]) -> None:
    whole = sum(one.minutes for one in done)
    assert sum(by_grade(done).values()) == whole
    lines = content_lines(done)
    assert sum(line.minutes for line in lines) == whole
    assert sum(line.activities for line in lines) == len(done)
    assert len(lines) <= LINES
    assert [line.first for line in lines] == sorted(line.first for line in lines)


def test_much_is_told_by_month_and_very_much_by_year() -> None:
    assert {line.by for line in content_lines([entry(n, n) for n in range(14)])} == {"activity"}
    assert {line.by for line in content_lines([entry(n, n) for n in range(15)])} == {"month"}
    assert {line.by for line in content_lines([entry(n, 40 * n) for n in range(30)])} == {"year"}


def test_a_line_for_a_month_or_a_year_names_its_first_day() -> None:
    twice_a_month = [entry(2 * n + half, 31 * n + 10 + half) for n in range(LINES) for half in (0, 1)]
    months = content_lines(twice_a_month)
    assert {line.by for line in months} == {"month"}  # as many as there is room for
    assert {line.first.day for line in months} == {1}
    years = content_lines([*twice_a_month, entry(99, 31 * LINES + 20)])
    assert [line.first for line in years] == [date(2026, 1, 1), date(2027, 1, 1)]


def test_strong_proof_stands_first_and_what_is_not_there_is_not_named() -> None:
    assert list(by_grade([entry(1, 1, 30, "D"), entry(2, 2, 60, "A"), entry(3, 3, 30, "D")]).items()) == [
        ("A", 60),
        ("D", 60),
    ]


def test_the_content_changes_with_each_thing_that_it_says() -> None:
    period = Period(date(2026, 1, 1), TODAY)
    done = [entry(1, 1), entry(2, 2)]
    texts = {
        content_text("王小明", "V1", 7, period, done),
        content_text("王晓明", "V1", 7, period, done),
        content_text("王小明", "V2", 7, period, done),
        content_text("王小明", "V1", 8, period, done),
        content_text("王小明", "V1", 7, Period(date(2026, 1, 2), TODAY), done),
        content_text("王小明", "V1", 7, period, done[:1]),
        content_text("王小明", "V1", 7, period, [entry(1, 1, 61), done[1]]),
        content_text("王小明", "V1", 7, period, [entry(1, 1, 60, "B"), done[1]]),
    }
    assert len(texts) == 8
    assert content_text("王小明", "V1", 7, period, done) == content_text("王小明", "V1", 7, period, done[::-1])


def test_what_was_certified_years_ago_is_still_the_same_content() -> None:
    """Its hash is on paper: this text is never written another way."""
    text = content_text("王小明", "V1", 7, Period(date(2026, 1, 1), TODAY), [entry(1, 1), entry(2, 2, 30, "B")])
    assert text == '["王小明","V1",7,"2026-01-01","2026-11-24",[[1,60,"A"],[2,30,"B"]]]'


def test_nothing_typed_is_nobodys_name() -> None:
    assert not same_name("", "")


@pytest.mark.parametrize(
    ("typed", "same"),
    [("Ann Lee", True), ("ann lee", True), ("ＡＮＮ　Lee", True), ("AnnLee", True), ("Ann", False), ("A******", False),
     ("", False), (" ", False), ("Ann Leе", False)],
)  # fmt: skip
def test_only_the_whole_name_is_the_name(typed: str, same: bool) -> None:
    assert same_name(typed, "Ann Lee") is same
