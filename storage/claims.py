"""Claims: what is missing, what is said of it, what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, or_, select, update

from bot.domain.claims import CLAIMED_OF, Claim, Missing
from bot.domain.enrolment import Stand
from storage.database import Unit
from storage.tables.activities import activity, shift
from storage.tables.claims import claim
from storage.tables.enrolment import attendance, enrolment, record


async def missing(unit: Unit, person: int, since: datetime, now: datetime) -> list[Missing]:
    """Sign-ups of somebody to shifts that ended since then, of which nothing counted, latest first.

    They were never seen there, or seen to come and not to leave. What is claimed already is not missing.
    """
    open_one = exists().where(claim.c.enrolment == enrolment.c.id, claim.c.state == "open")
    rows = await unit.run(
        select(
            enrolment.c.id, enrolment.c.state, shift.c.id.label("shift"), shift.c.starts, shift.c.ends,
            activity.c.id.label("activity"), activity.c.title, activity.c.english, attendance.c.arrived,
        )
        .select_from(
            enrolment.join(shift, shift.c.id == enrolment.c.shift)
            .join(activity, activity.c.id == shift.c.activity)
            .outerjoin(attendance, attendance.c.enrolment == enrolment.c.id)
        )
        .where(
            enrolment.c.person == person,
            enrolment.c.state.in_(sorted(CLAIMED_OF)),
            or_(enrolment.c.state != Stand.COMPLETED, attendance.c.left_by == "rule"),
            shift.c.ends <= now,
            shift.c.ends > since,
            activity.c.state == "open",
            ~open_one,
        )
        .order_by(shift.c.starts.desc(), enrolment.c.id)
    )  # fmt: skip
    return [
        Missing(
            row.id, row.activity, row.shift, row.title, row.english, row.starts, row.ends, Stand(row.state),
            # Somebody who took an arrival back has a presence, and was never seen.
            row.arrived if row.state in (Stand.ARRIVED, Stand.COMPLETED) else None,
        )
        for row in rows
    ]  # fmt: skip


async def make(
    unit: Unit, enrolment_id: int, person: int, starts: datetime, ends: datetime, what: str, photo: str | None,
    now: datetime,
) -> int:  # fmt: skip
    """Keep a claim; its words are sealed, of its photo only a fingerprint is kept."""
    row = claim.insert().values(
        enrolment=enrolment_id, person=person, starts=starts, ends=ends, state="open", made=now,
        what=unit.secrecy.seal(what, f"claim:{enrolment_id}:what"),
        photo=unit.secrecy.index(f"photo:{photo}") if photo else None,
    )  # fmt: skip
    return int((await unit.run(row.returning(claim.c.id))).scalar_one())


def _claims() -> Any:
    other = claim.alias("other")
    twice = exists().where(other.c.photo == claim.c.photo, other.c.id < claim.c.id)
    return (
        select(
            claim, enrolment.c.state.label("stand"), shift.c.id.label("shift"), activity.c.id.label("activity"),
            shift.c.starts.label("shift_starts"), shift.c.ends.label("shift_ends"), activity.c.title,
            activity.c.english, and_(claim.c.photo.is_not(None), twice).label("before"),
        )
        .join(enrolment, enrolment.c.id == claim.c.enrolment)
        .join(shift, shift.c.id == enrolment.c.shift)
        .join(activity, activity.c.id == shift.c.activity)
    )  # fmt: skip


def _claim(unit: Unit, row: Any) -> Claim:
    what = unit.secrecy.open(row.what, f"claim:{row.enrolment}:what") if row.what else ""
    return Claim(
        row.id, row.enrolment, row.person, row.activity, row.shift, row.title, row.english, row.shift_starts,
        row.shift_ends, Stand(row.stand), row.starts, row.ends, what, row.photo is not None, row.before, row.state,
        unit.secrecy.open(row.reason, _refusal(row.id)) if row.reason else "",
    )  # fmt: skip


async def find(unit: Unit, id_: int) -> Claim | None:
    """One claim."""
    row = (await unit.run(_claims().where(claim.c.id == id_))).first()
    return _claim(unit, row) if row else None


async def waiting(unit: Unit, activities: Sequence[int]) -> list[Claim]:
    """Claims on these activities that nobody has decided on, oldest first."""
    rows = await unit.run(_claims().where(activity.c.id.in_(activities), claim.c.state == "open").order_by(claim.c.id))
    return [_claim(unit, row) for row in rows]


async def photo_of(unit: Unit, id_: int) -> str | None:
    """The fingerprint of a claim's photo."""
    found: str | None = (await unit.run(select(claim.c.photo).where(claim.c.id == id_))).scalar_one()
    return found


async def decide(unit: Unit, id_: int, state: str, by: int, reason: str | None, now: datetime) -> bool:
    """Write down what was decided; a refusal's words are sealed. False: somebody had decided before."""
    open_one = and_(claim.c.id == id_, claim.c.state == "open")
    sealed = unit.secrecy.seal(reason, _refusal(id_)) if reason else None
    done = await unit.run(update(claim).where(open_one).values(state=state, given_by=by, reason=sealed, decided=now))
    return bool(done.rowcount)


def _refusal(id_: int) -> str:
    """The row that a refusal's words are bound to."""
    return f"claim:{id_}:reason"


async def unproven(unit: Unit, activity_id: int) -> list[int]:
    """Sign-ups of an activity whose presence has a record below the best grade, or none yet."""
    rows = await unit.run(
        select(attendance.c.enrolment)
        .join(enrolment, enrolment.c.id == attendance.c.enrolment)
        .join(shift, shift.c.id == enrolment.c.shift)
        .outerjoin(record, record.c.attendance == attendance.c.id)
        .where(
            shift.c.activity == activity_id,
            enrolment.c.state.in_([Stand.ARRIVED, Stand.LEFT, Stand.COMPLETED]),
            or_(record.c.id.is_(None), record.c.grade == "B"),
        )
        .order_by(attendance.c.enrolment)
    )
    return list(rows.scalars())
