"""The seven cases in which an agreement is due, one by one, and none of them alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.activities import Plan, Unfit, check
from bot.domain.agreements import Condition, conditions, uninsured, with_mine

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def due(kind: str = "environment", days: float = 0.1, seats: int = 10, stated: tuple[str, ...] = ()) -> list[str]:
    return list(conditions(kind, NOW, NOW + timedelta(days=days), seats, stated))


def test_an_ordinary_activity_needs_none() -> None:
    """Control of all others."""
    assert due() == []


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ({"kind": "rescue"}, "risk"),
        ({"days": 30}, "month"),
        ({"kind": "event"}, "event"),
        ({"seats": 1000}, "event"),
        ({"stated": ("away",)}, "away"),
        ({"stated": ("visitors",)}, "visitors"),
        ({"stated": ("asked",)}, "asked"),
        ({"kind": "education"}, "law"),
        ({"stated": ("law",)}, "law"),
        ({"stated": ("risk",)}, "risk"),
    ],
)
def test_each_of_the_seven_conditions_alone_makes_one_due(case: dict[str, object], why: str) -> None:
    assert due(**case) == [why]  # type: ignore[arg-type]


def test_a_day_less_and_a_seat_less_are_no_reason() -> None:
    assert due(days=29.9) == []
    assert due(seats=999) == []


def test_what_a_volunteer_says_of_themself_is_added_in_the_order_of_the_article() -> None:
    assert with_mine((Condition.RISK, Condition.LAW), ["visitors"]) == (
        Condition.RISK, Condition.VISITORS, Condition.LAW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "risks"), [("", ""), ("P 1", " "), (" ", "Water"), ("没有保险", "Water"), ("to follow", "Water")]
)
def test_a_service_with_risk_does_not_open_without_policy_and_risks(policy: str, risks: str) -> None:
    plan = Plan("Flood drill", "rescue", NOW + timedelta(days=1), NOW + timedelta(days=1, hours=2), 110108, "x", 5, "")
    assert check(plan, NOW) == Unfit("uninsured")
    assert uninsured("rescue", policy, risks)
    assert not uninsured("rescue", "P 1", "Water")  # control
    assert not uninsured("environment", "", "")
