"""A segment counted by the route that each of its people would have now: two aggregates, no person is loaded.

The rule is that of `bot.domain.reach.route`, as SQL; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, func, literal_column, or_, select, type_coerce

from bot.domain.forecast import Counted
from bot.domain.notices import CAMPAIGNS, Kind
from bot.domain.reach import ACTION_SPARE, BY_WINDOW, SPARE, Offers, Way
from storage.database import Unit
from storage.outbox import IS_PENDING
from storage.segments import audience
from storage.tables.delivery import outbox
from storage.tables.grants import notice_grant
from storage.tables.kinds import to_milliseconds
from storage.tables.people import identity

ROUTES = 16
"""More than a city has: a route's number is kept in the last digit of this base."""


async def by_route(
    unit: Unit,
    segment: Mapping[str, Any],
    kind: Kind,
    now: datetime,
    doors: Sequence[str],
    offers: Offers,
    closed: Sequence[Way] = (),
) -> Counted:
    """Count the people of a segment by way and door. `closed`: ways whose quota is used up."""
    routes = [(Way.CHAT, door) for door in sorted(set(doors) - BY_WINDOW)]
    windowed = sorted(set(doors) & BY_WINDOW)
    routes += [(way, door) for door in windowed for way in (Way.WINDOW, Way.TEMPLATE, Way.GRANT)]
    numbers = {route: number for number, route in enumerate(routes)}
    usable: list[Any] = [(identity.c.door == door, numbers[Way.CHAT, door]) for way, door in routes if way is Way.CHAT]
    for door in windowed:
        here = identity.c.door == door
        usable += [
            (and_(here, holds), numbers[way, door])
            for way, holds in _ways(kind, now, offers).items()
            if way not in closed
        ]
    # Whoever wrote last in one number with how they are reached there: the greatest is the first that `route` finds.
    wrote = func.coalesce(type_coerce(identity.c.inbound, BigInteger), 0)
    number = case(*usable) if usable else literal_column("NULL")
    best = func.max(wrote * ROUTES + number).label("best")
    by_mass = func.max(case((identity.c.door.in_(windowed), 1), else_=0)).label("windowed")
    people = audience(segment).subquery("people")
    reached = (
        select(best, by_mass, func.count(identity.c.id).label("addresses"))
        .select_from(
            people.outerjoin(
                identity,
                and_(identity.c.person == people.c.person, identity.c.open, identity.c.door.in_(sorted(doors))),
            )
        )
        .group_by(people.c.person)
        .subquery("reached")
    )
    which = (reached.c.best % ROUTES).label("route")
    has_any = case((reached.c.addresses > 0, 1), else_=0).label("reachable")
    rows = await unit.run(
        select(which, reached.c.windowed, has_any, func.count().label("people")).group_by(
            which, reached.c.windowed, has_any
        )
    )
    by_mass_at = windowed[0] if windowed and offers.mass and kind in CAMPAIGNS else None
    return _counted(rows, routes, by_mass_at)


def _counted(rows: Iterable[Any], routes: Sequence[tuple[Way, str]], by_mass_at: str | None) -> Counted:
    """The people of each row by their route; who has none gets a mass message at that door, or waits, or is nowhere."""
    counted: dict[tuple[Way, str], int] = {}
    waiting = unreachable = 0
    for row in rows:
        if row.route is not None:
            route = routes[row.route]
        elif row.windowed and by_mass_at is not None:
            route = Way.MASS, by_mass_at
        elif row.reachable:
            waiting += row.people
            continue
        else:
            unreachable += row.people
            continue
        counted[route] = counted.get(route, 0) + int(row.people)
    return Counted(counted, waiting, unreachable)


def _ways(kind: Kind, now: datetime, offers: Offers) -> dict[Way, ColumnElement[bool]]:
    """When an address with windows can be reached, in the order in which the ways are tried."""
    ways: dict[Way, ColumnElement[bool]] = {}
    if offers.customer:
        ways[Way.WINDOW] = or_(
            and_(identity.c.window_until > now + SPARE, identity.c.window_left > 0),
            and_(identity.c.action_until > now + ACTION_SPARE, identity.c.action_left > 0),
        )
    of_theirs: Select[Any] = select(literal_column("1")).where(notice_grant.c.external == identity.c.external)
    if template := offers.templates.get(kind):
        refused = of_theirs.where(notice_grant.c.template == template, notice_grant.c.declined)
        ways[Way.TEMPLATE] = ~refused.exists()
    if notice := offers.notices.get(kind):
        left = of_theirs.where(notice_grant.c.template == notice, notice_grant.c.left > 0, ~notice_grant.c.declined)
        ways[Way.GRANT] = left.exists()
    return ways


async def ahead(unit: Unit, now: datetime) -> dict[str, int]:
    """How many messages wait at each account that could leave now."""
    due = select(outbox.c.account, func.count().label("messages")).where(
        IS_PENDING, outbox.c.account != "", outbox.c.due <= to_milliseconds(now)
    )
    return {row.account: int(row.messages) for row in await unit.run(due.group_by(outbox.c.account))}
