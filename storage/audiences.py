"""Whom a campaign means, as SQL: a scope and its conditions, one EXISTS each, so that counting, planning and making the
rows are the same statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, exists, func, literal, or_, select, true, type_coerce

from bot.domain.campaigns import OF_AGE, Audience, Condition, Scope
from bot.domain.enrolment import Stand
from bot.domain.skills import Proven
from storage.tables.activities import activity, shift
from storage.tables.enrolment import enrolment, record
from storage.tables.parties import invitation, team, team_member
from storage.tables.people import identity, person, subscription
from storage.tables.skills import skill

DAY = int(timedelta(days=1).total_seconds() * 1000)


def meant(segment: Mapping[str, Any], at: int) -> ColumnElement[bool]:
    """Does a row of `person` belong to a campaign's audience? `at`: the moment of the campaign, in milliseconds.

    Nobody who is merged into another, asked to be erased, or is known to be a child. Raises ValueError for a condition
    of no known kind.
    """
    audience = Audience.from_segment(segment)
    year = 1970 + at // (DAY * 365)  # at most some days early: a child stays one a little longer
    return and_(
        person.c.merged.is_(None),
        person.c.erasing.is_(None),
        or_(person.c.born.is_(None), person.c.born < year - OF_AGE),
        _in_scope(audience.scope),
        *(_holds(one, at) for one in audience.conditions),
    )


def _in_scope(scope: Scope) -> ColumnElement[bool]:
    if scope.whole_city:
        return true()
    ways: list[ColumnElement[bool]] = []
    if scope.districts:
        ways.append(_subscribes("district", scope.districts))
    if scope.organisation is not None:
        held = select(activity.c.kind).where(activity.c.organisation == scope.organisation)
        ways.append(
            exists().where(
                subscription.c.person == person.c.id, subscription.c.topic == "kind", subscription.c.value.in_(held)
            )
        )
        ways.append(_signed_up(activity.c.organisation == scope.organisation))
        ways.append(_came_along(scope.organisation))
    else:
        if scope.districts:
            ways.append(_signed_up(activity.c.district.in_(scope.districts)))
        if scope.streets:
            ways.append(_signed_up(activity.c.street.in_(scope.streets)))
    return or_(*ways)


def _came_along(organisation: int) -> ColumnElement[bool]:
    """In a team that was brought along to something of an organisation's, and is still one."""
    brought = (
        select(invitation.c.team)
        .join(shift, shift.c.id == invitation.c.shift)
        .join(activity, activity.c.id == shift.c.activity)
        .join(team, team.c.id == invitation.c.team)
        .where(activity.c.organisation == organisation, team.c.ended.is_(None))
    )
    return exists().where(team_member.c.person == person.c.id, team_member.c.team.in_(brought))


def _holds(condition: Condition, at: int) -> ColumnElement[bool]:
    test = _TESTS.get(condition.by)
    if test is None:
        raise ValueError(f"no such condition: {condition.by}")
    holds = test(condition.values, at)
    return ~func.coalesce(holds, literal(False)) if condition.without else holds


def _subscribes(topic: str, values: Sequence[Any]) -> ColumnElement[bool]:
    return exists().where(
        subscription.c.person == person.c.id,
        subscription.c.topic == topic,
        subscription.c.value.in_([str(value) for value in values]),
    )


def _signed_up(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(
        select(enrolment.c.id)
        .join(shift, shift.c.id == enrolment.c.shift)
        .join(activity, activity.c.id == shift.c.activity)
        .where(enrolment.c.person == person.c.id, enrolment.c.state != Stand.CANCELLED, *which)
    )


def _lives(values: Sequence[Any], _at: int) -> ColumnElement[bool]:
    """Around there: said so, subscribed, or signed up for something there."""
    return or_(
        person.c.district.in_(values), _subscribes("district", values), _signed_up(activity.c.district.in_(values))
    )


def _served(values: Sequence[Any], _at: int) -> ColumnElement[bool]:
    return exists(
        select(record.c.id)
        .join(activity, activity.c.id == record.c.activity)
        .where(record.c.person == person.c.id, record.c.minutes > 0, activity.c.kind.in_(values))
    )


def _hours(values: Sequence[Any], _at: int) -> ColumnElement[bool]:
    least, most = values
    of_theirs = select(func.coalesce(func.sum(record.c.minutes), 0)).where(record.c.person == person.c.id)
    minutes = of_theirs.scalar_subquery()
    bounds = [] if least == "" else [minutes >= int(least)]
    bounds += [] if most == "" else [minutes <= int(most)]
    return and_(*bounds) if bounds else true()


def _seen(values: Sequence[Any], at: int) -> ColumnElement[bool]:
    since = at - int(values[0]) * DAY
    return exists().where(identity.c.person == person.c.id, type_coerce(identity.c.inbound, BigInteger) >= since)


def _skilled(values: Sequence[Any], at: int) -> ColumnElement[bool]:
    """Proven, looked at, and not run out on the day."""
    day = datetime.fromtimestamp(at / 1000, UTC).date()
    return exists().where(
        skill.c.person == person.c.id,
        skill.c.code.in_(values),
        skill.c.state == Proven.ACCEPTED,
        or_(skill.c.expires.is_(None), skill.c.expires >= day),
    )


def _in_team(values: Sequence[Any], _at: int) -> ColumnElement[bool]:
    return exists().where(team_member.c.person == person.c.id, team_member.c.team.in_(values))


Test = Callable[[Sequence[Any], int], ColumnElement[bool]]

_TESTS: Mapping[str, Test] = {
    "district": _lives,
    "subscribed": lambda values, _at: _subscribes("kind", values),
    "served": _served,
    "joined": lambda values, _at: _signed_up(activity.c.id.in_(values)),
    "language": lambda values, _at: person.c.language.in_(values),
    "hours": _hours,
    "seen": _seen,
    "skill": _skilled,
    "team": _in_team,
}
