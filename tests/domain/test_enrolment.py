"""Legal moves, clashes, ages and roles: pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.activities import Plan, check
from bot.domain.enrolment import MOVES, Booking, IllegalMove, Stand, before_arrival, clash, move, old_enough
from bot.domain.people import as_shown, masked, masked_phone, new_number, phone_as_shown
from bot.domain.roles import MAY, Deed, Post, Role, may

NOON = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)


def booking(stand: Stand, start: int, end: int, shift: int = 1) -> Booking:
    hours = NOON + timedelta(hours=start), NOON + timedelta(hours=end)
    return Booking(7, shift, 3, "种树", "Trees", "奥森南门", *hours, stand)


@pytest.mark.parametrize("before", list(Stand))
@pytest.mark.parametrize("after", list(Stand))
def test_only_legal_moves_are_made(before: Stand, after: Stand) -> None:
    if after in MOVES[before]:
        assert move(before, after) is after
    else:
        with pytest.raises(IllegalMove):
            move(before, after)


def test_nobody_leaves_a_completed_activity_and_no_queue_number_arrives() -> None:
    assert not MOVES[Stand.COMPLETED]
    assert Stand.ARRIVED not in MOVES[Stand.WAITING]
    assert Stand.ARRIVED not in MOVES[Stand.CANCELLED]


@pytest.mark.parametrize(
    ("stood", "back"),
    [("joined", Stand.JOINED), ("confirmed", Stand.CONFIRMED), ("absent", Stand.ABSENT), (None, Stand.JOINED)],
)
def test_an_arrival_taken_back_leaves_them_where_they_stood(stood: str | None, back: Stand) -> None:
    assert before_arrival(stood) is back
    assert move(Stand.ARRIVED, back) is back


@pytest.mark.parametrize(
    ("stand", "hours", "clashes"),
    [
        (Stand.JOINED, (0, 2), True),
        (Stand.JOINED, (2, 4), False),
        (Stand.JOINED, (-2, 0), False),
        (Stand.WAITING, (0, 2), False),
        (Stand.CANCELLED, (0, 2), False),
        (Stand.ARRIVED, (-1, 1), True),
    ],
)
def test_only_a_seat_at_the_same_hours_clashes(stand: Stand, hours: tuple[int, int], clashes: bool) -> None:
    own = booking(stand, *hours)
    found = clash(NOON, NOON + timedelta(hours=2), [own], shift=2)
    assert (found is own) is clashes


def test_the_same_shift_is_no_clash_with_itself() -> None:
    assert clash(NOON, NOON + timedelta(hours=2), [booking(Stand.JOINED, 0, 2)], shift=1) is None


@pytest.mark.parametrize(
    ("born", "minimum", "enough"),
    [
        (None, 0, True),
        (None, 14, True),
        (None, 16, False),
        (2009, 16, True),
        (2010, 16, False),
        (2011, 16, False),
        (1950, 18, True),
    ],
)
def test_whoever_may_still_be_too_young_is(born: int | None, minimum: int, enough: bool) -> None:
    assert old_enough(born, minimum, NOON) is enough


PLACES = {110108007: {110108007, 110108, 110000}, 110105001: {110105001, 110105, 110000}}


def within(place: int, node: int) -> bool:
    return node in PLACES[place]


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("deed", list(Deed))
def test_a_right_holds_in_the_own_organisation_or_below_the_own_place_and_nowhere_else(role: Role, deed: Deed) -> None:
    allowed = deed in MAY[role]
    there = {"organisation": 1, "place": 110108007, "within": within}
    assert may([Post(role, organisation=1)], deed, **there) is allowed
    assert may([Post(role, place=110108)], deed, **there) is allowed
    assert may([Post(role, place=110000)], deed, **there) is allowed
    assert not may([Post(role, organisation=2)], deed, **there)
    assert not may([Post(role, place=110105)], deed, **there)
    assert not may([Post(role)], deed, **there)
    assert not may([], deed, **there)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("deed", list(Deed))
def test_what_has_no_organisation_or_no_place_is_nobodys_by_that(role: Role, deed: Deed) -> None:
    assert not may([Post(role, place=110105)], deed, organisation=None, place=110108007, within=within)
    assert not may([Post(role, place=110108)], deed, organisation=1, place=None, within=within)
    elsewhere = Post(role, organisation=2, place=110108)  # a post in an organisation is none over its place
    assert not may([elsewhere], deed, organisation=1, place=110108007, within=within)


@pytest.mark.parametrize(
    ("start", "hours", "seats", "why"),
    [(1, 2.0, 10, ""), (-1, 2.0, 10, "past"), (0, 2.0, 10, "past"), (1, 0.1, 10, "short"), (1, 17.0, 10, "long"),
     (24 * 500, 2.0, 10, "far"), (1, 2.0, 0, "full"), (1, 2.0, 20_001, "full"), (1, 0.25, 10, ""),
     (1, 14 / 60, 10, "short"), (1, 16.0, 10, ""), (24 * 400, 2.0, 10, ""), (1, 2.0, 1, ""), (1, 2.0, 20_000, "")],
)  # fmt: skip
def test_a_plan_that_cannot_be_says_why(start: int, hours: float, seats: int, why: str) -> None:
    begins = NOON + timedelta(hours=start)
    plan = Plan("种树", "environment", begins, begins + timedelta(hours=hours), 110108, "奥森", seats, "带手套")
    unfit = check(plan, NOON)
    assert (unfit.why if unfit else "") == why


def test_names_and_numbers_are_masked_for_others() -> None:
    assert masked("王小明") == "王**"
    assert masked("Jo") == "J*"
    assert masked("欧阳娜娜·古丽") == "欧***"  # not even how long it is
    assert masked("王") == "王*"
    assert masked("") == ""
    assert masked_phone("+8613800138000") == "+86138****8000"


@pytest.mark.parametrize(("phone", "shown"), [("12345678", "****"), ("123456789", "1****6789"), ("110", "****")])
def test_a_number_with_no_middle_to_hide_is_hidden_whole(phone: str, shown: str) -> None:
    assert masked_phone(phone) == shown


@pytest.mark.parametrize(
    ("door", "whole", "seen"), [("wechat", True, True), ("wechat", False, False), ("telegram", True, False)]
)
def test_a_whole_name_is_for_whoever_may_see_it_and_never_goes_abroad(door: str, whole: bool, seen: bool) -> None:
    assert (as_shown("王小明", door, whole) == "王小明") is seen
    assert (phone_as_shown("13800138000", door, whole) == "13800138000") is seen


def test_volunteer_numbers_are_unlike_each_other_and_easy_to_read_aloud() -> None:
    numbers = {new_number() for _number in range(2_000)}
    assert len(numbers) == 2_000
    assert {len(number) for number in numbers} == {10}
    assert not any(set(number[1:]) & set("01OIL") for number in numbers)
