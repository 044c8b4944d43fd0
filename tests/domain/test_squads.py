"""How many one professional leads."""

from __future__ import annotations

from bot.domain.squads import Squad


def squad(leads: int, others: int, per: int = 3, full: bool = False) -> Squad:
    return Squad(1, "first_aid", per, leads, others, full, False)


def test_one_professional_opens_so_many_places_and_no_more() -> None:
    assert not squad(0, 0).takes()
    assert squad(1, 2).takes()
    assert not squad(1, 3).takes()
    assert squad(2, 3).takes(3)
    assert not squad(2, 3).takes(4)


def test_in_the_queue_of_a_full_shift_nobody_needs_a_lead_yet() -> None:
    assert squad(1, 3, full=True).takes()


def test_what_is_lacking_is_counted_up_and_one_is_needed_before_anybody_comes() -> None:
    assert squad(0, 0).lacking == 1
    assert squad(0, 4).lacking == 2
    assert squad(1, 3).lacking == 0
    assert squad(1, 4).lacking == 1
    assert not squad(1, 4).led
    assert squad(0, 0).led
    assert squad(2, 6).led
    assert squad(3, 3).lacking == 0  # more than enough is not fewer than none
