"""The pure rules: routes, quiet hours, too late, and the decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.notices import AFTERWARDS, Event, Kind, Notice
from bot.domain.reach import (
    ATTEMPTS,
    FEWEST_PLACES,
    LOOKED_BACK,
    Because,
    ByAddress,
    Dropped,
    Hold,
    Offers,
    Postponed,
    Reachable,
    Reason,
    Truth,
    Way,
    by_mass,
    decide,
    fails_too_often,
    left_in_window,
    places_in_flight,
    quiet_until,
    route,
    too_late,
    wait_after,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
QUIET = (21 * 60, 8 * 60)


def at(hour: int, minute: int = 0, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


def event(starts: datetime) -> Event:
    return Event(1, 1, "Trees", "", "Spring", "", "Park", starts, starts + timedelta(hours=2))


def wechat(left: int | None = 5, minutes: float = 60, wrote: float = 1) -> Reachable:
    return Reachable("wechat", "o1", True, NOW - timedelta(hours=wrote), NOW + timedelta(minutes=minutes), left)


def telegram(wrote: float | None = 5, open_: bool = True) -> Reachable:
    return Reachable("telegram", "7", open_, None if wrote is None else NOW - timedelta(hours=wrote))


# --- Routes --------------------------------------------------------------------------------------------------------


def test_a_person_is_told_where_they_wrote_last() -> None:
    assert route([telegram(5), Reachable("web", "w", True, NOW)], NOW) == ByAddress("web", "w")
    assert route([telegram(5), wechat(wrote=1)], NOW) == ByAddress("wechat", "o1", Way.WINDOW)
    assert route([telegram(1), wechat(wrote=5)], NOW) == ByAddress("telegram", "7")


def test_somebody_who_never_wrote_comes_after_somebody_who_did() -> None:
    assert route([telegram(None), Reachable("web", "w", True, NOW)], NOW) == ByAddress("web", "w")
    assert route([telegram(None)], NOW) == ByAddress("telegram", "7")


@pytest.mark.parametrize(
    "shut",
    [wechat(left=0), wechat(left=None), wechat(minutes=0), wechat(minutes=-1), Reachable("wechat", "o1", True, NOW)],
)
def test_outside_wechats_window_another_address_is_taken_or_the_message_waits(shut: Reachable) -> None:
    assert route([shut], NOW) == Hold(Reason.NO_WINDOW)
    assert route([shut, telegram(500)], NOW) == ByAddress("telegram", "7")


@pytest.mark.parametrize(("seconds", "open_"), [(61, True), (60, False)])
def test_the_last_minute_of_a_window_is_left_to_the_way_there(seconds: int, open_: bool) -> None:
    assert left_in_window(wechat(left=5, minutes=seconds / 60), NOW) == (5 if open_ else 0)


@pytest.mark.parametrize(("seconds", "open_"), [(13, True), (12, False)])
def test_of_a_clicks_minute_the_length_of_a_call_is_kept(seconds: int, open_: bool) -> None:
    clicked = replace(wechat(left=0), action_until=NOW + timedelta(seconds=seconds), action_left=3)
    assert left_in_window(clicked, NOW) == (3 if open_ else 0)


@pytest.mark.parametrize(("left", "fits"), [(2, True), (1, False)])
def test_what_takes_several_messages_needs_room_for_all_of_them(left: int, fits: bool) -> None:
    found = route([wechat(left=left)], NOW, cost=2)
    assert found == (ByAddress("wechat", "o1", Way.WINDOW) if fits else Hold(Reason.NO_WINDOW))


REMINDS = Offers(templates={"reminder": "t"}, notices={"reminder": "n", "announcement": "n"}, mass=True)
SHUT = wechat(left=0)


@pytest.mark.parametrize(
    ("address", "kind", "closed", "way"),
    [
        (SHUT, "reminder", (), Way.TEMPLATE),
        (wechat(), "reminder", (), Way.WINDOW),
        (wechat(), "reminder", (Way.WINDOW,), Way.TEMPLATE),
        (wechat(), None, (Way.WINDOW,), None),
        (SHUT, "reminder", (Way.TEMPLATE,), None),
        (replace(SHUT, declined=frozenset({"t"})), "reminder", (), None),
        (replace(SHUT, granted={"n": 1}), "reminder", (Way.TEMPLATE,), Way.GRANT),
        (replace(SHUT, granted={"n": 1}), "announcement", (), Way.GRANT),
        (replace(SHUT, granted={"n": 0}), "announcement", (), None),
        (replace(SHUT, granted={"n": 1}, declined=frozenset({"n"})), "announcement", (), None),
        (replace(SHUT, granted={"n": 1}), "announcement", (Way.GRANT,), None),
        (replace(SHUT, granted={"n": 1}), "change", (), None),
    ],
)
def test_outside_the_window_only_what_was_agreed_to_goes_out(
    address: Reachable, kind: Kind | None, closed: tuple[Way, ...], way: Way | None
) -> None:
    found = route([address], NOW, kind, REMINDS, closed)
    assert (found.way if isinstance(found, ByAddress) else None) is way


def test_a_mass_message_is_for_campaigns_and_goes_where_they_wrote_last() -> None:
    one, other = wechat(left=0, wrote=5), replace(wechat(left=0, wrote=1), external="o2")
    assert by_mass([one, other, telegram(0)], "announcement", REMINDS) == "o2"
    assert by_mass([one, replace(other, open=False)], "announcement", REMINDS) == "o1"
    assert by_mass([telegram(0)], "announcement", REMINDS) is None
    assert by_mass([one], "reminder", REMINDS) is None
    assert by_mass([one], "announcement", replace(REMINDS, mass=False)) is None


def test_a_closed_address_is_no_route() -> None:
    assert route([telegram(1, open_=False)], NOW) == Hold(Reason.NO_ADDRESS)
    assert route([], NOW) == Hold(Reason.NO_ADDRESS)


# --- Quiet hours ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        (at(20, 59), None),
        (at(21, 0), at(8, day=25)),
        (at(23, 59), at(8, day=25)),
        (at(0, 0), at(8)),
        (at(7, 59), at(8)),
        (at(8, 0), None),
    ],
)
def test_quiet_hours_go_over_midnight(now: datetime, ends: datetime | None) -> None:
    assert quiet_until(now, *QUIET) == ends


def test_quiet_hours_within_a_day() -> None:
    assert quiet_until(at(13), 12 * 60, 14 * 60) == at(14)
    assert quiet_until(at(12), 12 * 60, 14 * 60) == at(14)
    assert quiet_until(at(11, 59), 12 * 60, 14 * 60) is None
    assert quiet_until(at(14), 12 * 60, 14 * 60) is None
    assert quiet_until(at(23), 22 * 60, 24 * 60) == at(0, day=25)


def test_equal_ends_mean_no_quiet_hours() -> None:
    assert quiet_until(at(3), 0, 0) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)), st.integers(0, 1439), st.integers(0, 1439))
def test_whenever_quiet_hours_end_it_is_not_quiet_any_more(naive: datetime, from_: int, until: int) -> None:
    now = naive.replace(tzinfo=SHANGHAI)
    ends = quiet_until(now, from_, until)
    if ends is not None:
        assert now < ends <= now + timedelta(days=1)
        assert quiet_until(ends, from_, until) is None


# --- Too late ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "offset", "useful", "useless"),
    [
        ("reminder", -1440, timedelta(hours=-3, seconds=-1), timedelta(hours=-3)),
        ("reminder", -120, timedelta(seconds=-1), timedelta(0)),
        ("checkout", -10, timedelta(hours=2, minutes=29), timedelta(hours=2, minutes=30)),
        ("promotion", 0, timedelta(seconds=-1), timedelta(0)),
        ("change", 0, timedelta(hours=1), timedelta(hours=2)),
        ("cancellation", 0, timedelta(hours=1), timedelta(hours=2)),
        ("permission", 0, timedelta(hours=1), timedelta(hours=2)),
        ("permitted", 0, timedelta(hours=1), timedelta(hours=2)),
        ("checkout", 30, timedelta(hours=3, minutes=59), timedelta(hours=4)),
        ("announcement", 0, timedelta(seconds=-1), timedelta(0)),
    ],
)
def test_a_notice_is_dropped_when_it_is_too_late_to_be_useful(
    kind: Kind, offset: int, useful: timedelta, useless: timedelta
) -> None:
    notice = Notice(kind, event(NOW), offset=offset)
    assert not too_late(notice, NOW + useful)
    assert too_late(notice, NOW + useless)


@pytest.mark.parametrize("kind", sorted(AFTERWARDS))
def test_what_is_about_what_has_been_does_not_come_too_late_for_it(kind: Kind) -> None:
    assert not too_late(Notice(kind, event(NOW)), NOW + timedelta(days=9))


def test_what_belongs_to_no_event_has_only_its_expiry() -> None:
    assert not too_late(Notice("reply", None), NOW + timedelta(days=9))
    late = decide(Notice("reply", None), Truth(NOW, urgent=True), [telegram()], NOW, SHANGHAI, QUIET)
    assert late == Dropped(Reason.LATE)


# --- Decisions -----------------------------------------------------------------------------------------------------

TOMORROW = event(NOW + timedelta(days=1))
LATER = Truth(NOW + timedelta(hours=21))


def decided(
    notice: Notice, truth: Truth = LATER, now: datetime = NOW, quiet: tuple[int, int] | None = QUIET
) -> ByAddress | Hold | Dropped | Postponed:
    return decide(notice, truth, [telegram()], now, SHANGHAI, quiet)


def test_by_day_a_reminder_leaves() -> None:
    assert decided(Notice("reminder", TOMORROW, offset=-1440)) == ByAddress("telegram", "7")


@pytest.mark.parametrize(
    ("truth", "reason"),
    [
        (Truth(LATER.expires, missing=True), Reason.GONE),
        (Truth(LATER.expires, opted_out=True), Reason.OPTED_OUT),
        (Truth(LATER.expires, cancelled=True), Reason.CANCELLED),
        (Truth(LATER.expires, changed=True), Reason.CHANGED),
        (Truth(LATER.expires, signed_up=False), Reason.NOT_SIGNED_UP),
        (Truth(NOW), Reason.LATE),
        (Truth(NOW, cancelled=True), Reason.CANCELLED),
    ],
)
def test_what_is_not_true_any_more_is_not_sent(truth: Truth, reason: Reason) -> None:
    assert decided(Notice("reminder", TOMORROW, offset=-1440), truth) == Dropped(reason)


def test_a_row_that_would_still_be_good_is_dropped_when_it_is_of_no_use_any_more() -> None:
    soon = Notice("reminder", event(NOW + timedelta(hours=2)), offset=-1440)
    assert decided(soon, Truth(NOW + timedelta(days=1))) == Dropped(Reason.LATE)


@pytest.mark.parametrize(("kind", "sent"), [("announcement", False), ("campaign", False), ("reminder", True)])
def test_whoever_was_written_to_often_enough_is_spared_campaigns_and_nothing_else(kind: Kind, sent: bool) -> None:
    found = decided(Notice(kind, TOMORROW, offset=-1440), Truth(LATER.expires, often=True))
    assert found == (ByAddress("telegram", "7") if sent else Dropped(Reason.OFTEN))


@pytest.mark.parametrize(("kind", "sent"), [("digest", False), ("announcement", False), ("change", True)])
def test_whoever_opted_out_is_left_in_peace_and_hears_of_changes_all_the_same(kind: Kind, sent: bool) -> None:
    found = decided(Notice(kind, TOMORROW), Truth(LATER.expires, opted_out=True))
    assert found == (ByAddress("telegram", "7") if sent else Dropped(Reason.OPTED_OUT))


def test_a_cancellation_is_told_though_the_activity_is_cancelled_and_the_reader_opted_out() -> None:
    truth = Truth(LATER.expires, urgent=True, cancelled=True, opted_out=True)
    assert decided(Notice("cancellation", TOMORROW), truth) == ByAddress("telegram", "7")


def test_at_night_a_days_reminder_waits_until_morning() -> None:
    night = at(22).astimezone(UTC)
    truth = Truth(night + timedelta(hours=21))
    notice = Notice("reminder", event(night + timedelta(hours=24)), offset=-1440)
    assert decided(notice, truth, night) == Postponed(at(8, day=25).astimezone(UTC), Reason.QUIET_NOW)
    assert decided(notice, truth, night, quiet=None) == ByAddress("telegram", "7")


@pytest.mark.parametrize(
    ("notice", "urgent"),
    [
        (Notice("reminder", event(at(6, day=25)), offset=-120), False),
        (Notice("checkout", event(at(3, day=25)), offset=-10), False),
        (Notice("change", event(at(9, day=25))), True),
        (Notice("reply", None), True),
    ],
)
def test_at_night_what_is_near_or_urgent_leaves_all_the_same(notice: Notice, urgent: bool) -> None:
    night = at(4, day=25).astimezone(UTC)
    assert decided(notice, Truth(night + timedelta(hours=2), urgent), night) == ByAddress("telegram", "7")


def test_quiet_hours_that_last_until_it_is_too_late_drop_it_with_that_reason() -> None:
    night = at(22).astimezone(UTC)
    soon = Notice("announcement", event(at(7, day=25)))
    assert decided(soon, Truth(night + timedelta(days=1)), night) == Dropped(Reason.QUIET)
    expires = Notice("announcement", event(at(7, day=26)))
    assert decided(expires, Truth(night + timedelta(hours=1)), night) == Dropped(Reason.QUIET)


@pytest.mark.parametrize("minutes", [-1, 0, 1])
def test_what_expires_just_when_the_quiet_hours_end_is_dropped_and_what_lasts_longer_waits(minutes: int) -> None:
    night, morning = at(22).astimezone(UTC), at(8, day=25).astimezone(UTC)
    found = decided(Notice("announcement", event(at(7, day=26))), Truth(morning + timedelta(minutes=minutes)), night)
    assert found == (Postponed(morning, Reason.QUIET_NOW) if minutes > 0 else Dropped(Reason.QUIET))


def test_a_reminder_of_more_than_two_hours_waits_for_the_morning() -> None:
    night = at(4, day=25).astimezone(UTC)
    notice = Notice("reminder", event(at(12, day=25)), offset=-121)
    assert decided(notice, Truth(night + timedelta(hours=8)), night) == Postponed(
        at(8, day=25).astimezone(UTC), Reason.QUIET_NOW
    )


@pytest.mark.parametrize(("minutes", "late"), [(-1, False), (0, True)])
def test_whose_only_way_is_used_up_waits_for_it_while_that_is_of_use(minutes: int, late: bool) -> None:
    opens = LATER.expires + timedelta(minutes=minutes)
    notice = Notice("reminder", TOMORROW, offset=-1440)
    found = decide(notice, LATER, [SHUT], NOW, SHANGHAI, None, REMINDS, {Way.TEMPLATE: opens})
    assert found == (Dropped(Reason.QUOTA) if late else Postponed(opens, Reason.QUOTA))
    other = decide(notice, LATER, [SHUT, telegram()], NOW, SHANGHAI, None, REMINDS, {Way.TEMPLATE: opens})
    assert other == ByAddress("telegram", "7")


@pytest.mark.parametrize(
    ("notice", "expires"),
    [
        (Notice("reminder", event(NOW + timedelta(days=9)), offset=-1440), NOW + timedelta(hours=3)),
        (Notice("reminder", event(NOW + timedelta(hours=4)), offset=-1440), NOW + timedelta(days=9)),
    ],
)
def test_a_quota_that_opens_after_the_expiry_or_too_near_the_start_is_not_waited_for(
    notice: Notice, expires: datetime
) -> None:
    opens = {Way.TEMPLATE: NOW + timedelta(hours=3)}
    assert decide(notice, Truth(expires), [SHUT], NOW, SHANGHAI, None, REMINDS, opens) == Dropped(Reason.QUOTA)


def test_it_is_kept_why_a_message_went_where_it_went() -> None:
    def why(*addresses: Reachable, kind: Kind | None = None) -> Because | None:
        found = route(addresses, NOW, kind, REMINDS)
        return found.because if isinstance(found, ByAddress) else None

    assert why(telegram()) is Because.LAST
    assert why(SHUT, telegram()) is Because.OTHER
    assert why(replace(SHUT, door="web", open=False), telegram()) is Because.LAST
    assert why(replace(SHUT, inbound=NOW), wechat(wrote=2)) is Because.WINDOW
    assert why(SHUT, kind="reminder") is Because.TEMPLATE


def test_an_account_without_customer_messages_has_no_window() -> None:
    assert route([wechat()], NOW, offers=Offers(customer=False)) == Hold(Reason.NO_WINDOW)


def test_whoever_has_no_way_at_all_does_not_wait_for_a_quota() -> None:
    notice = Notice("change", TOMORROW)
    found = decide(notice, LATER, [SHUT], NOW, SHANGHAI, None, REMINDS, {Way.TEMPLATE: NOW + timedelta(hours=1)})
    assert found == Hold(Reason.NO_WINDOW)


# --- Numbers -------------------------------------------------------------------------------------------------------


def test_calls_in_flight_follow_rate_and_latency() -> None:
    assert places_in_flight(28, 0.15, 64) == 5
    assert places_in_flight(1000, 0.15, 64) == 64
    assert places_in_flight(0.5, 0.1, 64) == FEWEST_PLACES, "one that hangs holds nobody up"
    assert places_in_flight(0.5, 0.1, 2) == 2


def test_a_campaign_rests_when_more_than_one_in_twenty_fail() -> None:
    twentieth = LOOKED_BACK // 20
    assert not fails_too_often(twentieth)
    assert fails_too_often(twentieth + 1)


def test_attempts_take_about_an_hour_and_no_wait_is_longer_than_a_quarter_of_one() -> None:
    longest = [wait_after(attempt, 0.0) for attempt in range(1, ATTEMPTS)]
    shortest = [wait_after(attempt, 1.0) for attempt in range(1, ATTEMPTS)]
    assert longest[:4] == [2, 8, 32, 128]
    assert max(longest) == 900
    assert 2000 < sum(longest) < 3600
    assert all(short == long / 2 for short, long in zip(shortest, longest, strict=True))
