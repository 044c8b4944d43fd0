"""Who can be asked to help out, least-asked first; and where a call stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, null, or_, select, update

from bot.domain.covers import ASKED_MOST, COUNTED, LAST, SHORT_FROM, WITHIN, Calling
from bot.domain.enrolment import SEATED, Stand
from bot.domain.guardians import OF_AGE
from bot.domain.notices import Stream
from bot.domain.parties import Ask, Reply
from storage.database import Unit
from storage.segments import opted_out, refuses
from storage.squads import proven
from storage.tables.activities import activity, shift
from storage.tables.covers import cover
from storage.tables.enrolment import enrolment
from storage.tables.parties import invitation
from storage.tables.people import identity, person, subscription
from storage.tables.squads import squad

ASKING = (Ask.COVER, Ask.LEAD)


async def start(unit: Unit, shift_id: int, by: int | None, now: datetime, kind: Ask = Ask.COVER) -> None:
    """Call from now on."""
    values = {"state": Calling.RUNNING, "next_at": now, "created_by": by, "changed": now}
    row = unit.insert(cover).values(shift=shift_id, kind=kind, **values)
    await unit.run(row.on_conflict_do_update(index_elements=["shift", "kind"], set_=values))


async def set_automatic(unit: Unit, shift_id: int, on: bool, by: int, now: datetime) -> None:
    """From now on it calls by itself when it is short near its start, or does not."""
    values = {"automatic": on, "created_by": by, "changed": now}
    row = unit.insert(cover).values(shift=shift_id, kind=Ask.COVER, **values)
    await unit.run(row.on_conflict_do_update(index_elements=["shift", "kind"], set_=values))


async def end(unit: Unit, shift_id: int, state: Calling, now: datetime, kind: Ask = Ask.COVER) -> bool:
    """The call ends; nobody who was asked and has not answered is asked any more. False: it had ended."""
    running = and_(cover.c.shift == shift_id, cover.c.kind == kind, cover.c.state == Calling.RUNNING)
    done = await unit.run(update(cover).where(running).values(state=state, next_at=None, changed=now))
    waits = and_(invitation.c.shift == shift_id, invitation.c.kind == kind, invitation.c.state == Reply.OPEN)
    await unit.run(update(invitation).where(waits).values(state=Reply.OVER, answered=now))
    return bool(done.rowcount)


async def go_on(unit: Unit, shift_id: int, next_at: datetime, rounds: int, kind: Ask = Ask.COVER) -> None:
    """The next round is at this moment."""
    running = and_(cover.c.shift == shift_id, cover.c.kind == kind, cover.c.state == Calling.RUNNING)
    await unit.run(update(cover).where(running).values(next_at=next_at, rounds=cover.c.rounds + rounds))


async def due(unit: Unit, now: datetime, limit: int = 100) -> list[Any]:
    """Calls whose next round has come: shift, kind."""
    rows = select(cover.c.shift, cover.c.kind).where(cover.c.state == Calling.RUNNING, cover.c.next_at <= now)
    return list(await unit.run(rows.order_by(cover.c.next_at, cover.c.id).limit(limit)))


async def short(unit: Unit, now: datetime) -> list[int]:
    """Shifts near their start that are short and may call by themselves; one that was stopped stays so."""
    rows = (
        select(shift.c.id)
        .join(cover, cover.c.shift == shift.c.id)
        .join(activity, activity.c.id == shift.c.activity)
        .where(cover.c.automatic, cover.c.kind == Ask.COVER, cover.c.state.in_((Calling.OFF, Calling.FILLED)))
        .where(shift.c.starts > now + LAST, shift.c.starts <= now + SHORT_FROM)
        .where(shift.c.taken < shift.c.capacity, activity.c.state == "open")
        .order_by(shift.c.id)
    )
    return list((await unit.run(rows)).scalars())


async def subject(unit: Unit, shift_id: int, kind: Ask = Ask.COVER) -> Any:
    """The shift, its activity, and the call for it: locked by the caller where it matters."""
    calls = and_(cover.c.shift == shift.c.id, cover.c.kind == kind)
    return (
        await unit.run(
            select(
                shift.c.id, shift.c.starts, shift.c.ends, shift.c.capacity, shift.c.taken, shift.c.needs,
                shift.c.minimum_age, activity.c.id.label("activity"), activity.c.kind, activity.c.district,
                activity.c.organisation, activity.c.state.label("open"), activity.c.minimum_age.label("age"),
                cover.c.state, cover.c.automatic, cover.c.rounds, cover.c.created_by,
                (squad.c.skill if kind is Ask.LEAD else null()).label("lead"),
            )
            .select_from(
                shift.join(activity, activity.c.id == shift.c.activity)
                .outerjoin(cover, calls)
                .outerjoin(squad, squad.c.shift == shift.c.id)
            )
            .where(shift.c.id == shift_id)
        )
    ).first()  # fmt: skip


def _asked(since: datetime) -> Any:
    return select(func.count()).where(
        invitation.c.person == person.c.id, invitation.c.kind.in_(ASKING), invitation.c.made > since
    )


def _fitting(what: Any, now: datetime, day: date) -> Select[Any]:
    """People who fit: they have proven what is needed for the day, and follow the kind or the district, or helped this
    organisation or with this kind before; old enough, free at these hours, not asked about this activity before, and
    not too often about others. Whoever is to lead needs the proof alone."""
    own = enrolment.alias("own")
    theirs, its = shift.alias("theirs"), activity.alias("its")
    follows = exists().where(
        subscription.c.person == person.c.id,
        or_(
            and_(subscription.c.topic == "kind", subscription.c.value == what.kind),
            and_(subscription.c.topic == "district", subscription.c.value == str(what.district)),
        ),
    )
    helped = (
        exists()
        .where(own.c.person == person.c.id, own.c.state.in_((Stand.LEFT, Stand.COMPLETED)))
        .where(theirs.c.id == own.c.shift, its.c.id == theirs.c.activity)
        .where(or_(its.c.kind == what.kind, its.c.organisation == what.organisation))
    )
    busy = (
        exists()
        .where(own.c.person == person.c.id, theirs.c.id == own.c.shift)
        .where(
            or_(
                and_(own.c.shift == what.id, own.c.state != Stand.CANCELLED),
                and_(own.c.state.in_(SEATED), theirs.c.starts < what.ends, theirs.c.ends > what.starts),
            )
        )
    )
    asked = (
        exists()
        .where(invitation.c.person == person.c.id, theirs.c.id == invitation.c.shift)
        .where(theirs.c.activity == what.activity)
    )
    reached = exists().where(identity.c.person == person.c.id, identity.c.open)
    skilled = [proven(person.c.id, code, day) for code in (what.lead and [what.lead]) or what.needs or ()]
    matching = skilled if what.lead else [or_(follows, helped), *skilled]
    return select(person.c.id).where(
        *matching, ~busy, ~asked, reached, ~opted_out(person.c.id), ~refuses(Stream.CALLS), _of_age(what, now),
        person.c.name.is_not(None), person.c.merged.is_(None), person.c.erasing.is_(None),
        _asked(now - WITHIN).scalar_subquery() < ASKED_MOST,
    )  # fmt: skip


def _of_age(what: Any, now: datetime) -> ColumnElement[bool]:
    """Nobody under age is called; where a minimum age counts, only whoever is known to have it."""
    least = max(OF_AGE, what.age, what.minimum_age)
    known = person.c.born <= now.year - 1 - least
    return known if least > OF_AGE else or_(person.c.born.is_(None), known)


async def least_asked(unit: Unit, what: Any, now: datetime, day: date, limit: int) -> list[int]:
    """Who is to be asked next: whoever was asked least lately, then whoever was asked longest ago."""
    latest = select(func.max(invitation.c.made)).where(
        invitation.c.person == person.c.id, invitation.c.kind.in_(ASKING)
    )
    order = (_asked(now - COUNTED).scalar_subquery(), func.coalesce(latest.scalar_subquery(), 0), person.c.id)
    return list((await unit.run(_fitting(what, now, day).order_by(*order).limit(limit))).scalars())


async def fitting(unit: Unit, what: Any, now: datetime, day: date) -> int:
    """How many people could be asked."""
    found = select(func.count()).select_from(_fitting(what, now, day).subquery())
    return int((await unit.run(found)).scalar_one())


async def answers(unit: Unit, shift_id: int, kinds: Sequence[Ask] = ASKING) -> tuple[int, int]:
    """(asked, of these with a no) about a shift."""
    row = (
        await unit.run(
            select(func.count().label("asked"), func.count().filter(invitation.c.state == Reply.REFUSED).label("no"))
            .where(invitation.c.shift == shift_id, invitation.c.kind.in_(kinds))
        )
    ).one()  # fmt: skip
    return row.asked, row.no
