"""What organisers do with an activity: published, its shifts and conditions changed, moved, called off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from bot.domain.activities import Plan, Shift
from bot.domain.questions import Question, written
from storage.database import Unit
from storage.secrecy import Secrecy
from storage.tables.activities import activity, shift


async def publish(
    unit: Unit,
    secrecy: Secrecy,
    plan: Plan,
    organisation_id: int,
    by: int,
    words: str,
    age: int,
    risk: str,
    secret_bytes: bytes,
    now: datetime,
    state: str = "open",
) -> tuple[int, int]:
    """Open an activity with its one shift, or keep it as a draft. Returns their numbers."""
    row = insert(activity).values(
        organisation=organisation_id,
        title=plan.title,
        about=plan.about,
        kind=plan.kind,
        risk=risk,
        minimum_age=age,
        district=plan.district,
        street=plan.street,
        address=plan.address,
        latitude=plan.latitude,
        longitude=plan.longitude,
        starts=plan.starts,
        ends=plan.ends,
        words=words,
        leave_before=plan.leave_before,
        state=state,
        created_by=by,
        created=now,
        changed=now,
        secret=b"",
    )
    id_ = (await unit.run(row.returning(activity.c.id))).scalar_one()
    sealed = secrecy.seal(secret_bytes, f"activity:{id_}:secret")  # bound to its row, whose number exists only now
    await unit.run(update(activity).where(activity.c.id == id_).values(secret=sealed))
    made = insert(shift).values(activity=id_, starts=plan.starts, ends=plan.ends, capacity=plan.capacity)
    shift_id = (await unit.run(made.returning(shift.c.id))).scalar_one()
    return id_, shift_id


async def add_shift(unit: Unit, id_: int, new: Shift) -> int:
    """One more stretch of an activity, with its own role, seats and gates. Returns its number."""
    row = insert(shift).values(
        activity=id_, starts=new.starts, ends=new.ends, capacity=new.capacity, role=new.role,
        role_english=new.role_english, minimum_age=new.minimum_age, needs=list(new.needs) or None,
    )  # fmt: skip
    return int((await unit.run(row.returning(shift.c.id))).scalar_one())


async def drop_shift(unit: Unit, shift_id: int) -> None:
    """Take a stretch out of a draft."""
    await unit.run(delete(shift).where(shift.c.id == shift_id))


async def set_conditions(
    unit: Unit,
    id_: int,
    *,
    approval: bool | None = None,
    questions: Sequence[Question] | None = None,
    leave_before: int | None = None,
) -> None:
    """Change what somebody must do to sign up; None: that stays."""
    values: dict[str, Any] = {} if approval is None else {"approval": approval}
    if questions is not None:
        values["questions"] = written(questions)
    if leave_before is not None:
        values["leave_before"] = leave_before
    await unit.run(update(activity).where(activity.c.id == id_).values(values))


async def open_draft(unit: Unit, id_: int, now: datetime) -> bool:
    """Open a draft to the city, from its first shift to its last. False: it is none."""
    own = shift.c.activity == id_
    first, last = select(func.min(shift.c.starts)).where(own), select(func.max(shift.c.ends)).where(own)
    hours = {"starts": first.scalar_subquery(), "ends": last.scalar_subquery()}
    opened = update(activity).where(activity.c.id == id_, activity.c.state == "draft")
    done = await unit.run(opened.values(state="open", created=now, changed=now, **hours))
    return bool(done.rowcount)


async def discard(unit: Unit, id_: int, now: datetime) -> None:
    """Throw a draft away."""
    gone = update(activity).where(activity.c.id == id_, activity.c.state == "draft")
    await unit.run(gone.values(state="gone", changed=now))


async def cancel(unit: Unit, id_: int, now: datetime) -> bool:
    """Call an activity off. False: it was already, or is not there."""
    done = await unit.run(
        update(activity)
        .where(activity.c.id == id_, activity.c.state == "open")
        .values(state="cancelled", revision=activity.c.revision + 1, changed=now)
    )
    return bool(done.rowcount)


async def count_as(unit: Unit, id_: int, sort: str, way: int | None) -> str:
    """What an activity's time counts as from now on, and the minutes of the way. Returns what it counted as before."""
    before = (await unit.run(select(activity.c.counts_as).where(activity.c.id == id_))).scalar_one()
    changed = {"counts_as": sort, "cover_before": way, "cover_after": way}
    await unit.run(update(activity).where(activity.c.id == id_).values(changed))
    return str(before)


async def reschedule(unit: Unit, id_: int, starts: datetime, ends: datetime, now: datetime) -> int | None:
    """Move an activity and its shifts; what is scheduled for the old time loses its revision with it.

    A shift as long as the activity stays so; the others keep their place in it.
    """
    before = (await unit.run(select(activity.c.starts, activity.c.ends).where(activity.c.id == id_))).first()
    done = await unit.run(
        update(activity)
        .where(activity.c.id == id_, activity.c.state.in_(("open", "draft")))
        .values(starts=starts, ends=ends, revision=activity.c.revision + 1, changed=now)
        .returning(activity.c.revision)
    )
    revision = done.scalar_one_or_none()
    if revision is None or before is None:
        return None
    for row in list(await unit.run(select(shift).where(shift.c.activity == id_))):
        whole = (row.starts, row.ends) == (before.starts, before.ends)
        by = starts - before.starts
        hours = (starts, ends) if whole else (row.starts + by, row.ends + by)
        await unit.run(update(shift).where(shift.c.id == row.id).values(starts=hours[0], ends=hours[1]))
    return int(revision)


async def relocate(
    unit: Unit, id_: int, district: int, address: str, at: tuple[float | None, float | None], now: datetime
) -> None:
    """Another place; what was said of the old one loses its revision with it."""
    where = {"district": district, "street": None, "address": address, "latitude": at[0], "longitude": at[1]}
    await unit.run(
        update(activity)
        .where(activity.c.id == id_, activity.c.state == "open")
        .values(**where, revision=activity.c.revision + 1, changed=now)
    )


async def set_capacity(unit: Unit, shift_id: int, capacity: int) -> None:
    """So many seats from now on. The shift's row must be locked by the caller."""
    await unit.run(update(shift).where(shift.c.id == shift_id).values(capacity=capacity))


async def revision(unit: Unit, id_: int) -> int:
    """How often an activity has been changed in a way that people must hear of, plus one."""
    return int((await unit.run(select(activity.c.revision).where(activity.c.id == id_))).scalar_one())
