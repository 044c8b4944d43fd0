"""A document number is read however it is typed, believed only where its check fits, and shown masked."""

from __future__ import annotations

import pytest

from bot.domain.documents import masked_number, number_as_shown, read_number

MADE_UP = "11010519491231002X"
"""The example of the standard itself."""


@pytest.mark.parametrize(
    "typed", [MADE_UP, "110105 19491231 002x", "１１０１０５１９４９１２３１００２Ｘ", " 110105-19491231-002X "]
)
def test_a_residents_number_is_read_however_it_is_typed(typed: str) -> None:
    assert read_number(typed, "resident") == MADE_UP


def test_every_single_slip_in_a_residents_number_shows() -> None:
    for place in range(17):
        for digit in "0123456789":
            slipped = MADE_UP[:place] + digit + MADE_UP[place + 1 :]
            assert (read_number(slipped, "resident") is not None) is (slipped == MADE_UP), slipped


@pytest.mark.parametrize(
    "typed", ["", "110105194912310021", "11010519491331002X", "hello", MADE_UP[:-1], MADE_UP + "1"]
)
def test_what_is_no_residents_number_is_none(typed: str) -> None:
    assert read_number(typed, "resident") is None


@pytest.mark.parametrize("typed", [
    "110105194913310021", "110105194900310022", "110105194902300020", "110105194912000021", "010105194912310026",
])
def test_a_fitting_check_makes_no_number_of_a_day_that_is_in_no_calendar(typed: str) -> None:
    assert read_number(typed, "resident") is None
    assert read_number("110105200002290021", "resident")  # a leap day is in one


@pytest.mark.parametrize(
    ("typed", "read"),
    [("e 1234 5678", "E12345678"), ("H0123456789", "H0123456789"), ("abcdef", None),
     ("A12", None), ("E1234567890123456789", None)],
)  # fmt: skip
def test_other_documents_have_letters_and_digits(typed: str, read: str | None) -> None:
    assert read_number(typed, "passport") == read


def test_its_owner_recognises_it_and_nobody_else_reads_it() -> None:
    assert masked_number(MADE_UP) == "110***********002X"
    assert masked_number("E12345678") == "E******78"
    assert masked_number("12345678901234") == "1***********34"
    assert masked_number("110105491231002") == "110********1002"  # a resident's number of before 1999


def test_not_one_of_its_digits_goes_abroad() -> None:
    assert set(number_as_shown(MADE_UP, "telegram")) == {"*"}
    assert number_as_shown(MADE_UP, "wechat") == masked_number(MADE_UP)
