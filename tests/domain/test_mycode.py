"""A person's own code: six digits to say aloud, good until the moment that is shown, and theirs alone."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.mycode import STEP, own_code, own_code_fits

NOON = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def sign(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]


@pytest.mark.parametrize("age", range(0, STEP, 17))
def test_it_is_good_until_the_moment_that_is_shown_and_not_at_it(age: int) -> None:
    now = NOON + age * SECOND
    code = own_code(sign, "V1", now)
    assert code.until > now + STEP * SECOND  # time enough to walk to the leader
    for given in (code.token, code.token.upper(), code.digits):
        assert own_code_fits(sign, "V1", given, now)
        assert own_code_fits(sign, "V1", given, code.until - SECOND)
        assert not own_code_fits(sign, "V1", given, code.until)
        assert not own_code_fits(sign, "V2", given, now)


def test_its_digits_are_six_and_any_of_the_ten_stands_at_each_place() -> None:
    digits = [own_code(sign, "V1", NOON + step * STEP * SECOND).digits for step in range(500)]
    assert {len(one) for one in digits} == {6}
    for place in range(6):
        assert {one[place] for one in digits} == set("0123456789")
