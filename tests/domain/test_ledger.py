"""The ledger against a set of minutes: whatever overlaps, nests or is settled, the sum is the length of the union."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.domain.attendance import Zero
from bot.domain.proofs import NOTICE
from bot.domain.records import Claim, count, count_again, cover_of, precedence, spent, whole_minutes
from bot.domain.rulesets import SHIPPED, RuleSet, final_from
from tests.conversations.kit import BEIJING

NOON = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
ALL = RuleSet("all", 0.0)
SETS = 5_000


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def day(moment: datetime) -> date:
    return moment.astimezone(BEIJING).date()


def minute_set(claims: Sequence[Claim]) -> set[int]:
    """The plain oracle: every minute that anybody claims, once."""
    minutes: set[int] = set()
    for one in claims:
        minutes.update(range(int(one.starts.timestamp() // 60), int(one.ends.timestamp() // 60)))
    return minutes


def interval_set(chance: random.Random) -> tuple[list[Claim], list[tuple[int, int]]]:
    """Presences of one person as they come about: overlapping, nested, over midnight, with seconds, with no end, with
    two organisations' word about some of them."""
    claims = []
    for number in range(1, chance.randint(1, 9) + 1):
        start = at(chance.randint(0, 1_500) + chance.choice((0.0, chance.random())))
        length = timedelta(minutes=chance.choice((0, 1, 15, 90, 120, 240)) + chance.random() * 30)
        claims.append(Claim(number, *whole_minutes(start, start + length), ALL))
    pairs = [(chance.randint(1, 9), chance.randint(1, 9)) for _pair in range(chance.randint(0, 4))]
    return claims, [(has, gives) for has, gives in pairs if has != gives]


def test_5000_interval_sets_sum_up_to_their_minute_sets() -> None:
    chance = random.Random(12)
    for _set in range(SETS):
        claims, verdicts = interval_set(chance)
        worth = count_again(claims, verdicts, day)
        assert sum(minutes for minutes, _why in worth.values()) == len(minute_set(claims))
        for one in claims:
            minutes, why = worth[one.id]
            assert 0 <= minutes <= (one.ends - one.starts) / timedelta(minutes=1)
            assert (why is None) == (minutes > 0)
        again = count_again(list(reversed(claims)), verdicts, day)
        assert again == worth  # counting again changes nothing, in whatever order it is read


def test_the_control_a_plain_sum_counts_minutes_twice() -> None:
    chance = random.Random(12)
    wrong = 0
    for _set in range(SETS):
        claims, _verdicts = interval_set(chance)
        wrong += sum((one.ends - one.starts) // timedelta(minutes=1) for one in claims) != len(minute_set(claims))
    assert wrong > SETS / 2


def test_counting_one_after_another_comes_to_the_same_as_counting_all_again() -> None:
    chance = random.Random(7)
    for _set in range(500):
        claims, _verdicts = interval_set(chance)
        taken: list[tuple[datetime, datetime]] = []
        first = {}
        for one in claims:
            counted = count(one.starts, one.ends, (one.starts, one.ends), taken, ALL)
            first[one.id] = counted.minutes
            taken.append((one.starts, one.ends))
        assert first == {id_: minutes for id_, (minutes, _why) in count_again(claims, (), day).items()}


def test_a_minute_is_whole_or_it_is_none() -> None:
    assert whole_minutes(at(0.2), at(2.9)) == (at(1), at(2))
    assert whole_minutes(at(0.2), at(0.9)) == (at(1), at(1))
    assert count(at(0.9), at(1.1), (at(0), at(2)), [], ALL).minutes == 0


def test_a_minute_that_lies_in_two_presences_was_spent_once() -> None:
    assert spent([(at(0), at(60)), (at(30), at(90))]) == 90
    assert spent([(at(30), at(90)), (at(0), at(60)), (at(200), at(210)), (at(0), at(60))]) == 100
    assert spent([]) == 0


def test_whose_word_it_was_has_the_minutes_and_the_other_keeps_the_rest() -> None:
    first, other = Claim(1, at(0), at(120), ALL), Claim(2, at(60), at(180), ALL)
    assert {one: worth[0] for one, worth in count_again([first, other], (), day).items()} == {1: 120, 2: 60}
    assert {one: worth[0] for one, worth in count_again([first, other], [(2, 1)], day).items()} == {1: 60, 2: 120}


def test_verdicts_that_go_round_in_a_circle_lose_no_minute() -> None:
    claims = [Claim(number, at(0), at(60), ALL) for number in (1, 2, 3)]
    verdicts = [(2, 1), (3, 2), (1, 3)]
    assert len(precedence(claims, verdicts)) == 3
    assert sum(minutes for minutes, _why in count_again(claims, verdicts, day).values()) == 60


def test_a_day_counts_no_more_than_its_cap_and_says_so() -> None:
    capped = RuleSet("capped", 0.0, daily_cap=480)
    claims = [Claim(number, at(200 * number), at(200 * number + 200), capped) for number in range(4)]
    claims.append(Claim(9, at(1_440), at(1_500), capped))
    worth = count_again(claims, (), day)
    assert [worth[number][0] for number in range(4)] == [200, 200, 80, 0]
    assert [worth[number][1] for number in range(4)] == [None, None, Zero("cap", 200, 480), Zero("cap", 200, 480)]
    assert worth[9] == (60, None)  # another day
    assert count(at(0), at(200), (at(0), at(200)), [], capped, room=90).minutes == 90


def test_what_a_day_can_just_still_count_counts_without_a_word() -> None:
    capped = RuleSet("capped", 0.0, daily_cap=480)
    whole = (at(0), at(90))
    assert count(*whole, whole, [], capped, room=90).why is None
    assert count(*whole, whole, [], capped, room=89).why == Zero("cap", 90, 480)


@pytest.mark.parametrize(("room", "minutes"), [(40, 30), (29, 15), (14, 0), (0, 0), (-5, 0)])
def test_what_is_left_of_a_day_is_rounded_down_and_is_never_less_than_nothing(room: int, minutes: int) -> None:
    quarters = RuleSet("quarters", 0.0, rounding=15, daily_cap=480)
    assert count(at(0), at(60), (at(0), at(60)), [], quarters, room=room).minutes == minutes


def test_a_verdict_says_nothing_about_whoever_it_does_not_name() -> None:
    claims = [Claim(number, at(0), at(60), ALL) for number in (1, 2, 3)]
    assert [one.id for one in precedence(claims, [(1, 3)])] == [1, 2, 3]
    assert [one.id for one in precedence(claims, [(3, 1)])] == [3, 1, 2]


def test_rounding_never_gives_a_minute() -> None:
    half = RuleSet("half hours", 0.0, rounding=30)
    worth = count_again([Claim(1, at(0), at(119), half), Claim(2, at(200), at(229), half)], (), day)
    assert [worth[1][0], worth[2][0]] == [90, 0]
    assert worth[2][1] is not None
    assert worth[2][1].rule == "rounded"


@pytest.mark.parametrize(("sort", "training"), [("training", 120), ("duty", 0), ("giving", 0), ("travel", 0)])
def test_what_is_no_service_counts_nothing_and_training_is_kept_apart(sort: str, training: int) -> None:
    counted = count(at(0), at(120), (at(0), at(120)), [], SHIPPED.on(day(NOON)), sort)
    assert (counted.minutes, counted.training) == (0, training)
    assert counted.why is not None
    assert counted.why.rule == sort


def test_where_the_rules_of_a_city_count_training_it_is_service() -> None:
    counted = count(at(0), at(120), (at(0), at(120)), [], RuleSet("ours", 0.0, not_service=frozenset()), "training")
    assert (counted.minutes, counted.training, counted.why) == (120, 0, None)


def test_the_way_there_and_back_is_covered_and_not_counted() -> None:
    way = timedelta(minutes=60)
    assert cover_of(at(-5), at(125), way, way) == (at(-65), at(185))
    assert count(at(-5), at(125), (at(0), at(120)), [], ALL).minutes == 120


# --- Rule sets ---


def test_the_rules_of_the_service_s_own_day_apply() -> None:
    assert SHIPPED.on(date(2020, 12, 31)).name == "beijing-2010"
    assert SHIPPED.on(date(2021, 1, 1)).name == "beijing-2021"
    assert SHIPPED.on(date(2026, 11, 28)).name == "beijing-2026"
    assert SHIPPED.named("beijing-2021").minimum_share == 0.5
    with pytest.raises(LookupError):
        SHIPPED.on(date(2009, 1, 1))
    with pytest.raises(LookupError):
        SHIPPED.named("atlantis-1")


def test_every_day_since_the_first_has_one_set_and_no_day_has_two() -> None:
    for one, following in itertools.pairwise(SHIPPED.sets):
        assert following.since - one.until == timedelta(days=1)
    assert SHIPPED.sets[-1].until == date.max


@pytest.mark.parametrize(
    ("made", "final"),
    [
        (datetime(2026, 11, 23, 12, tzinfo=BEIJING), datetime(2026, 11, 27, tzinfo=BEIJING)),  # a Monday
        (datetime(2026, 11, 27, 12, tzinfo=BEIJING), datetime(2026, 12, 3, tzinfo=BEIJING)),  # a Friday
        (datetime(2026, 11, 28, 12, tzinfo=BEIJING), datetime(2026, 12, 3, tzinfo=BEIJING)),  # a Saturday
        (datetime(2026, 11, 26, 12, tzinfo=BEIJING), datetime(2026, 12, 2, tzinfo=BEIJING)),  # a Thursday
    ],
)
def test_the_notice_lasts_whole_working_days(made: datetime, final: datetime) -> None:
    assert final_from(made, SHIPPED.named("beijing-2026")) == final
    assert final_from(made, SHIPPED.named("beijing-2021")) == made


def test_a_certificate_s_own_notice_always_outlasts_that_of_its_records() -> None:
    """That is why minutes on public notice are certified: whoever objects still finds the certificate on notice."""
    for day_ in range(14):
        made = datetime(2026, 11, 23, 23, 59, tzinfo=BEIJING) + timedelta(days=day_)
        assert final_from(made, SHIPPED.named("beijing-2026")) <= made + NOTICE
