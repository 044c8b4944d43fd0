"""Before the first is sent: how many go by which route, how many must wait, when each route will be through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, tzinfo

from bot.domain.quotas import Limit, ends
from bot.domain.reach import DAY, PLAIN, Offers, Way, quiet_until

LONGEST = timedelta(days=3650)
"""Beyond ten years nobody asks for the hour."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A segment by the route that each of its people would have now."""

    routes: Mapping[tuple[Way, str], int] = field(default_factory=dict)
    """By way and door."""
    waiting: int = 0
    """Nothing reaches them until they write."""
    unreachable: int = 0
    """All their addresses are closed."""

    @property
    def people(self) -> int:
        """Of the segment."""
        return sum(self.routes.values()) + self.waiting + self.unreachable


@dataclass(frozen=True, slots=True)
class Means:
    """What a city sends with."""

    rates: Mapping[str, float] = field(default_factory=dict)
    """Messages a second, by door; only doors that are connected."""
    offers: Offers = PLAIN
    limits: Mapping[Way, Limit] = field(default_factory=dict)
    """Limits of a day or a month, by way; all of WeChat's account."""


@dataclass(frozen=True, slots=True)
class Account:
    """What an account can do, and what it has to do already."""

    rate: float
    """Messages a second."""
    ahead: int = 0
    """Messages that wait there already."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One route of a plan: how many people, from when to when."""

    way: Way
    door: str
    people: int
    ends: datetime | None
    """When the last of them is told; None: not with these limits, or whenever a mass message is sent."""
    left: int | None = None
    """Of a limit that is worth knowing before one decides: mass messages that are left in this period."""
    of: int | None = None


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """What sending to a segment would be like, as it stands now. Nothing is promised: people write and leave."""

    legs: tuple[Leg, ...]
    """The most people first."""
    waiting: int
    """They get it when they next write, if it is still of use."""
    unreachable: int
    people: int
    ends: datetime | None
    """When the last of those who can be told one by one is told."""

    def without_mass(self) -> RoutePlan:
        """The same where no mass message is used: whom nothing else reaches waits."""
        singly = tuple(leg for leg in self.legs if leg.way is not Way.MASS)
        told = sum(leg.people for leg in self.legs) - sum(leg.people for leg in singly)
        return replace(self, legs=singly, waiting=self.waiting + told)


@dataclass(frozen=True, slots=True)
class Left:
    """A limit and what is left of it in the present period."""

    limit: Limit
    left: int
    allowed: int
    opens: datetime | None = None
    """When it may be called again, where the platform has told us to leave it alone; None: at the next period."""


def plan_of_routes(
    counted: Counted,
    now: datetime,
    zone: tzinfo,
    quiet: tuple[int, int] | None,
    accounts: Mapping[str, Account],
    limits: Mapping[Way, Left],
) -> RoutePlan:
    """The plan. Routes of one account share its rate and go side by side; what waits there already goes first."""
    legs = []
    for (way, door), people in counted.routes.items():
        if not people:
            continue
        limit = limits.get(way)
        if way is Way.MASS:
            legs.append(Leg(way, door, people, None, limit.left if limit else 0, limit.allowed if limit else 0))
            continue
        account = accounts[door]
        beside = sum(count for (other, same), count in counted.routes.items() if same == door and other is not Way.MASS)
        # They leave in the order of their numbers, well mixed: each route lasts as long as the account is busy.
        count = account.ahead + beside
        through = finished(count, now, account.rate, zone, quiet)
        if limit is not None:
            through = _later(through, finished(people, now, account.rate, zone, quiet, limit))
        legs.append(Leg(way, door, people, through))
    legs.sort(key=lambda leg: (leg.way is Way.MASS, -leg.people, leg.door))
    singly = [leg for leg in legs if leg.way is not Way.MASS]
    last: datetime | None = now
    for leg in singly:
        last = _later(last, leg.ends)
    return RoutePlan(tuple(legs), counted.waiting, counted.unreachable, counted.people, last if singly else None)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)


def finished(
    count: int,
    now: datetime,
    rate: float,
    zone: tzinfo,
    quiet: tuple[int, int] | None,
    limit: Left | None = None,
) -> datetime | None:
    """When the last of `count` messages leaves at `rate` a second outside quiet hours, within a limit; None: never."""
    moment, left = now, count
    quota = limit.left if limit else count
    renewed = ends(limit.limit, now) if limit else None
    while moment < now + LONGEST:
        if limit and renewed and moment >= renewed:
            quota, renewed = limit.allowed, ends(limit.limit, moment)
        over = quiet_until(moment.astimezone(zone), *quiet) if quiet else None
        if over is not None:
            moment = over.astimezone(UTC)
            continue
        until = _quiet_from(moment, zone, quiet)
        if renewed:
            until = min(until, renewed)
        leaving = min(left, quota, int((until - moment).total_seconds() * rate))
        left -= leaving
        quota -= leaving
        if not left:
            return moment + timedelta(seconds=leaving / rate)
        moment = until
    return None


def _quiet_from(moment: datetime, zone: tzinfo, quiet: tuple[int, int] | None) -> datetime:
    """When the next quiet hours begin; without any, a day on."""
    if quiet is None or quiet[0] == quiet[1]:
        return moment + timedelta(days=1)
    local = moment.astimezone(zone)
    hour, minute = divmod(quiet[0] % DAY, 60)
    begins = datetime.combine(local.date(), time(hour, minute), zone)
    if begins <= local:
        begins = datetime.combine(local.date() + timedelta(days=1), time(hour, minute), zone)
    return begins.astimezone(UTC)
