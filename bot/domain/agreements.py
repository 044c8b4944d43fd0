"""What is agreed in writing: when the rules demand it, what an activity must say of its risk, and what was accepted."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.kinds import kind


class Condition(StrEnum):
    """Why a written agreement is due: the seven cases of Beijing's regulation on volunteering, article 18."""

    RISK = "risk"
    MONTH = "month"
    """The service goes on for a month or longer."""
    EVENT = "event"
    """A large social event."""
    AWAY = "away"
    """Outside the city."""
    VISITORS = "visitors"
    """People from outside the mainland take part."""
    ASKED = "asked"
    """The volunteer or the organiser asks for one."""
    LAW = "law"
    """Another law or rule says so: work with children, patients, people who need protection."""


_IN_ORDER = tuple(Condition)
"""Listed once: to go through an enumeration costs more than what is asked of each."""

STATED = (Condition.AWAY, Condition.VISITORS, Condition.ASKED, Condition.LAW, Condition.RISK)
"""What only the organiser can know; the others are computed."""

LONG = timedelta(days=30)
LARGE = 1_000
"""Seats of a shift from which it is a large event."""

VERSION = "2026-11"
"""Of the agreement's wording."""

RISKS_LENGTH = 300
POLICY_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Terms:
    """What the organiser states of an activity beside its card."""

    insurance: str = ""
    """Number of the policy that covers its volunteers."""
    risks: str = ""
    """What could happen, and what is done against it; shown before anybody signs up."""
    conditions: frozenset[Condition] = frozenset()


@dataclass(frozen=True, slots=True)
class Due:
    """An agreement is due and has not been accepted: for these reasons, on these terms."""

    conditions: tuple[Condition, ...]
    terms: Terms


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The agreement with an activity, accepted as it was read."""

    activity: int
    text: str
    conditions: tuple[Condition, ...]
    """Why it was due."""


@dataclass(frozen=True, slots=True)
class NeedsAgreement:
    """Nobody joins before they have accepted the agreement, for these reasons."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """One agreement of mine, as it was accepted."""

    title: str
    english: str
    text: str
    version: str
    accepted: datetime


def conditions(
    kind_code: str, starts: datetime, ends: datetime, seats: int, stated: Iterable[str]
) -> tuple[Condition, ...]:
    """Which of the seven hold for an activity, in the order of the article."""
    service, said = kind(kind_code), {Condition(one) for one in stated}
    computed = {
        Condition.RISK: service.risk == "high",
        Condition.MONTH: ends - starts >= LONG,
        Condition.EVENT: kind_code == "event" or seats >= LARGE,
        Condition.LAW: service.needs_agreement and service.risk != "high" and kind_code != "event",
    }
    return tuple([one for one in _IN_ORDER if one in said or computed.get(one)])


def is_policy(text: str) -> bool:
    """Could this be the number of a policy? “None”, “没有保险” and “to follow” are words."""
    return any(sign.isdecimal() for sign in text)


def uninsured(kind_code: str, insurance: str, risks: str) -> bool:
    """Would an activity of this kind open without saying what covers its volunteers, or what could happen?

    Regulation on volunteer service, articles 12 and 17: insurance before danger, and risks in the recruiting text.
    """
    service = kind(kind_code)
    return (service.risk == "high" or service.needs_insurance) and not (is_policy(insurance) and risks.strip())


def with_mine(found: Collection[Condition], mine: Iterable[str]) -> tuple[Condition, ...]:
    """The conditions of an activity and those that hold for one volunteer only."""
    own = {Condition(one) for one in mine}
    return tuple([one for one in _IN_ORDER if one in found or one in own])
