"""What is odd about presences: rules over facts that say why, and leave it to a person what it means."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.attendance import CHECKOUT_CLOSES, OPENS
from bot.domain.rulesets import RuleSet

SAMPLE = "sample"
"""The rule by which entries without evidence are drawn for the audit."""


@dataclass(frozen=True, slots=True)
class Odd:
    """One thing that somebody should look at: the rule, what was found and what is usual, in the rule's own unit."""

    rule: str
    """long-day (minutes), phone (people with one number), burst (arrivals), reader (own codes), once-one (pairs), own,
    outside (minutes), sample (nothing is odd: it was drawn)."""
    found: int
    limit: int
    mark: str
    """What it is about, so that it is looked at once: `long-day:7:2026-11-28`."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What is known of one presence that has a record."""

    record: int
    person: int
    activity: int
    arrived: datetime
    left: datetime
    starts: datetime
    ends: datetime
    """The shift's."""
    day: str
    minutes_that_day: int
    has_post: bool
    """Its owner is an organiser or leader of who recorded."""
    said_by_owner: bool
    """Somebody of the organisation gave the evidence, and that was the owner."""
    sampled: bool = False
    """It was entered without evidence, and drawn for the audit."""


def of_presence(one: Presence, rules: RuleSet) -> list[Odd]:
    """What is odd about a presence by itself."""
    found = []
    if one.minutes_that_day > rules.long_day:
        mark = f"long-day:{one.person}:{one.day}"
        found.append(Odd("long-day", one.minutes_that_day, rules.long_day, mark))
    if one.has_post and one.said_by_owner:
        found.append(Odd("own", 1, 0, f"own:{one.record}"))
    if one.sampled:
        found.append(Odd(SAMPLE, 1, 0, f"{SAMPLE}:{one.record}"))
    early, late = one.starts - OPENS - one.arrived, one.left - one.ends - CHECKOUT_CLOSES
    if (outside := max(early, late)) > timedelta():
        found.append(Odd("outside", int(outside.total_seconds() // 60), 0, f"outside:{one.record}"))
    return found


@dataclass(frozen=True, slots=True)
class Crowd:
    """What is known of all who were at an activity, from what is kept anyway: nothing is kept to know a device by."""

    activity: int
    by_code: Collection[datetime] = ()
    """When people arrived by the code on the wall."""
    one_phone: int = 0
    """How many gave the same telephone number, at most."""
    own_codes: Collection[Collection[datetime]] = ()
    """When people's own codes were read, by each account that read them."""
    once_one: int = 0
    """Pairs of people who had been one person, by a link that was undone."""


def of_activity(crowd: Crowd, rules: RuleSet) -> list[Odd]:
    """What is odd about all who were there: few devices that speak for many people."""
    found = []
    if crowd.one_phone >= rules.shared_phone:
        found.append(Odd("phone", crowd.one_phone, rules.shared_phone, f"phone:{crowd.activity}"))
    if (most := densest(sorted(crowd.by_code), rules.burst_within)) >= rules.burst_people:
        found.append(Odd("burst", most, rules.burst_people, f"burst:{crowd.activity}"))
    read = max((densest(sorted(moments), rules.burst_within) for moments in crowd.own_codes), default=0)
    if read >= rules.burst_people:
        found.append(Odd("reader", read, rules.burst_people, f"reader:{crowd.activity}"))
    if crowd.once_one:
        found.append(Odd("once-one", crowd.once_one, 0, f"once-one:{crowd.activity}"))
    return found


def densest(moments: Sequence[datetime], within: timedelta) -> int:
    """The most moments that lie within such a time; `moments` in order."""
    most = first = 0
    for last, at in enumerate(moments):
        while at - moments[first] > within:
            first += 1
        most = max(most, last - first + 1)
    return most
