"""What an age means, and what a guardian may say next."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.guardians import ANSWERS, PERMITS, Answer, Band, band

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        (None, Band.ADULT),
        (2007, Band.ADULT),
        (2008, Band.YOUTH),  # may be 17 still
        (2011, Band.YOUTH),
        (2012, Band.CHILD),  # may be 13 still
        (2020, Band.CHILD),
    ],
)
def test_whoever_may_have_their_birthday_before_them_counts_as_younger(born: int | None, expected: Band) -> None:
    assert band(born, NOW) is expected


def test_every_answer_can_be_taken_back_and_none_is_asked_again() -> None:
    for answer, after in ANSWERS.items():
        assert answer not in after
        assert Answer.ASKED not in after
    for yes in PERMITS:
        assert Answer.WITHDRAWN in ANSWERS[yes]
