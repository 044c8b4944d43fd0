"""Changing a record: other facts, never another number; a reason; a second person beyond the limits; nothing lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.attendance import Zero
from bot.domain.records import Record
from bot.domain.rulesets import RuleSet

SHORTEST, LONGEST = 4, 300
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class Values:
    """What a record says: from when to when, how much, and why nothing."""

    starts: datetime
    ends: datetime
    minutes: int
    why: Zero | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """One change of a record, asked for or made."""

    id: int
    record: int
    person: int
    before: Values
    after: Values
    words: str
    state: str
    """waiting, done or refused."""
    asked: datetime
    matter: int | None = None
    second: int | None = None


@dataclass(frozen=True, slots=True)
class Corrected:
    """The record says it now; its owner is told."""

    record: Record
    before: Values
    after: Values


@dataclass(frozen=True, slots=True)
class NeedsSecond:
    """It is beyond the limits: nothing is changed until a second person agrees."""

    correction: int
    after: Values


@dataclass(frozen=True, slots=True)
class NothingChanged:
    """The record says that already."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Corrections that wait for my agreement, with the records that they are about."""

    corrections: Sequence[tuple[Correction, Record]]


def needs_second(before: int, after: int, others: int, own: bool, rules: RuleSet) -> bool:
    """More than so many minutes on that day together with the `others`, or changed by more than a share; and whoever
    corrects their own minutes always does. What was nothing and becomes something is changed by more than any share."""
    too_much = after > before and after + others > rules.correct_minutes
    return own or too_much or abs(after - before) > rules.correct_share * before


def may_agree(correction: Correction, owner: int, who: int) -> bool:
    """The second person is neither the first nor whose minutes they are."""
    return who not in (correction.person, owner)
