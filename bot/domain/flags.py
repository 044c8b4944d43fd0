"""Why an organiser looks at a presence before giving their word for it: rules that say why, and accuse nobody.

A code can be passed on within its half minute, and nothing in it shows that. What shows it is the company
that it keeps: where the others are, how fast they came, whose telephone it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.evidence import INSIDE, Evidence, Part, Proof, standing
from bot.domain.rulesets import RuleSet


class Flag(StrEnum):
    """One reason to look."""

    OUTSIDE = "outside"
    """A place was shared, and it is not there."""
    NO_PLACE = "no place"
    """None was shared, while most of those who came by code shared theirs."""
    BURST = "burst"
    """The arrival is one of very many within seconds, and no place speaks for it."""
    PHONE = "phone"
    """Several people here have the same telephone number."""


SHARERS = 3
"""So many must have shared that they are there, and be most, before it says something that somebody did not."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one presence."""

    enrolment: int
    arrived: datetime | None
    """By the code on the wall; None: another way, which somebody saw."""
    band: str
    """Of the place that was shared; empty: none was."""
    phone: str
    """A fingerprint; empty: none is known."""
    confirmed: bool = False
    """The organiser has given their word: nothing is left to look at."""


def seen(enrolment: int, phone: str, evidence: Iterable[Evidence]) -> Seen:
    """What the pieces of evidence of a presence show."""
    holds = standing(evidence)
    codes = [one.at for one in holds if one.part == Part.ARRIVAL and one.kind in (Proof.CODE, Proof.LINK)]
    bands = [one.band or "" for one in holds if one.kind == Proof.PLACE]
    confirmed = any(one.kind == Proof.CONFIRMED for one in holds)
    return Seen(enrolment, codes[0] if codes else None, bands[-1] if bands else "", phone, confirmed)


def flags(presences: Collection[Seen], rules: RuleSet) -> dict[int, tuple[Flag, ...]]:
    """Which presences of one activity to look at, and why; by sign-up. Whoever is not in it is like all the others."""
    by_code = [one for one in presences if one.arrived is not None]
    sharers = sum(one.band == INSIDE for one in by_code)
    sharing = sharers >= SHARERS and sharers * 2 > len(by_code)
    rushed = in_bursts([one.arrived for one in by_code if one.arrived], rules.burst_people, rules.burst_within)
    numbers = Counter(one.phone for one in presences if one.phone)
    found: dict[int, tuple[Flag, ...]] = {}
    for one in presences:
        reasons = {
            Flag.OUTSIDE: one.band not in ("", INSIDE),
            Flag.NO_PLACE: sharing and one.arrived is not None and not one.band,
            Flag.BURST: one.arrived in rushed and one.band != INSIDE,
            Flag.PHONE: numbers[one.phone] >= rules.shared_phone,
        }
        true = tuple(flag for flag, holds in reasons.items() if holds)
        if true and not one.confirmed:
            found[one.enrolment] = true
    return found


def in_bursts(moments: Iterable[datetime], people: int, within: timedelta) -> set[datetime]:
    """The moments that lie with so many others in such a time."""
    ordered: Sequence[datetime] = sorted(moments)
    found: set[datetime] = set()
    first = 0
    for last, at in enumerate(ordered):
        while at - ordered[first] > within:
            first += 1
        if last - first + 1 >= people:
            found.update(ordered[first : last + 1])
    return found
