"""What is proven for a day: accepted, and not run out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.domain.skills import Proof, Proven, missing

DAY = date(2026, 11, 28)
ACCEPTED = Proof(1, 7, "first_aid", Proven.ACCEPTED, "certificate", "Red Cross", "123", False, DAY)


@pytest.mark.parametrize("state", list(Proven))
@pytest.mark.parametrize(("days", "good"), [(0, True), (1, True), (-1, False), (None, True)])
def test_a_proof_holds_once_it_is_accepted_and_through_its_last_day(
    state: Proven, days: int | None, good: bool
) -> None:
    expires = None if days is None else DAY + timedelta(days=days)
    assert replace(ACCEPTED, state=state, expires=expires).holds(DAY) is (good and state == Proven.ACCEPTED)


def test_what_is_not_proven_for_the_day_is_named_in_the_order_of_what_is_asked() -> None:
    asked = ("driving", "first_aid", "signing")
    assert missing(asked, [ACCEPTED], DAY) == ("driving", "signing")
    assert missing(asked, [ACCEPTED], DAY + timedelta(days=1)) == asked
    assert missing((), [ACCEPTED], DAY) == ()
