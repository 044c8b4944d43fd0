"""A city's own sets of rules: a line says what changes and from when; what cannot be is refused with its place."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from bot.domain.rulesets import SHIPPED, BadRules, with_own

CAP = "name,chinese,english,since,daily_cap\ncity-2027,本市2027,The city 2027,2027-01-01,480\n"


def test_one_line_with_a_day_and_a_number_changes_that_number_from_that_day_on() -> None:
    rules = with_own(CAP)
    before, after = rules.on(date(2026, 12, 31)), rules.on(date(2027, 1, 1))
    assert (before.name, before.daily_cap) == ("beijing-2026", None)
    assert (after.name, after.daily_cap) == ("city-2027", 480)
    assert (after.notice_days, after.minimum_share, after.not_service) == (3, 0.5, before.not_service)
    assert rules.titles("city-2027") == ("本市2027", "The city 2027")


def test_each_own_set_says_what_the_one_before_says_unless_it_says_something_else() -> None:
    rules = with_own(CAP + "# and back\ncity-2028,,,2028-01-01,0\n")
    assert rules.named("city-2027").until == date(2027, 12, 31)
    assert rules.on(date(2028, 6, 1)).daily_cap is None
    assert rules.titles("city-2028") == ("city-2028", "city-2028")


def test_every_day_still_has_one_set() -> None:
    for own in (CAP, CAP.replace("2027-01-01", "2023-05-01")):
        sets = with_own(own).sets
        for one, following in itertools.pairwise(sets):
            assert (following.since - one.until).days == 1
        assert sets[-1].until == date.max


def test_a_set_that_begins_before_a_shipped_one_takes_its_place() -> None:
    """A city that has its own rules is not given others by a new version."""
    rules = with_own(CAP.replace("2027-01-01", "2023-05-01"))
    assert [one.name for one in rules.sets] == ["beijing-2010", "beijing-2021", "city-2027"]
    assert rules.named("city-2027").notice_days == 0  # as beijing-2021, in whose place it steps


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ("", "holds no set"),
        ("name,since,cap\nx,2027-01-01,480\n", "a column “cap”"),
        ("name,since,until\nx,2027-01-01,\n", "a column “until”"),
        ("name,daily_cap\nx,480\n", "set 1: since is “”"),
        (CAP.replace("2027-01-01", "1.1.2027"), "set 1: since is “1.1.2027”"),
        (CAP.replace("2027-01-01", "2009-12-31"), "before the first shipped set"),
        (CAP.replace("480", "8h"), "set 1: daily_cap is “8h”; a whole number from 0 to 1440"),
        (CAP.replace("480", "4800"), "daily_cap is “4800”"),
        (CAP.replace("480", "-1"), "daily_cap is “-1”"),
        (CAP.replace("city-2027", "beijing-2021"), "“beijing-2021” is taken"),
        (CAP.replace("city-2027", "City 2027"), "set 1: name is “City 2027”"),
        (CAP + "city-2028,,,2027-01-01,300\n", "set 2: begins on 2027-01-01, no later"),
        (CAP + "city-2027,,,2028-01-01,300\n", "set 2: the name “city-2027” is taken"),
        ("name,since,not_service\nx,2027-01-01,travel sleeping\n", "not_service has “sleeping”"),
        ("name,since,rounding\nx,2027-01-01,0\n", "rounding is “0”"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(own: str, says: str) -> None:
    with pytest.raises(BadRules) as wrong:
        with_own(own)
    assert says in str(wrong.value)


def test_the_shipped_sets_stay_as_they_are() -> None:
    before = SHIPPED.sets
    with_own(CAP)
    assert SHIPPED.sets is before
    assert SHIPPED.on(date(2027, 6, 1)).daily_cap is None
