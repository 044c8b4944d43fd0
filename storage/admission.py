"""Who asks to be let in, what they answered, and what the organiser decided; promises that were not kept.

Whoever changes something here has locked the shift.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, String, and_, bindparam, func, literal, or_, select, update

from bot.domain.enrolment import Stand
from bot.domain.reliability import Broken
from storage.database import Unit
from storage.prepared import Prepared
from storage.tables.activities import activity, shift
from storage.tables.enrolment import enrolment

Answers = Sequence[Mapping[str, str]]
"""Each answer with its question as it was asked: `{"asked": "T-shirt size?", "said": "M"}`."""


async def keep_answers(unit: Unit, id_: int, answers: Answers) -> None:
    """Keep what somebody answered to the organiser's questions, sealed."""
    sealed = unit.secrecy.seal_json(list(answers), f"enrolment:{id_}:answers")
    await unit.run(update(enrolment).where(enrolment.c.id == id_).values(answers=sealed))


def opened(unit: Unit, id_: int, sealed: bytes | None) -> Answers:
    """What somebody answered."""
    answers: Answers = unit.secrecy.open_json(sealed, f"enrolment:{id_}:answers") if sealed else ()
    return answers


async def asking(unit: Unit, activity_id: int) -> list[Any]:
    """Sign-ups of an activity about which the organiser has not decided, in the order of their numbers."""
    rows = (
        select(enrolment, shift.c.starts, shift.c.ends, shift.c.role, shift.c.role_english)
        .join(shift, shift.c.id == enrolment.c.shift)
        .where(shift.c.activity == activity_id, enrolment.c.state == Stand.WAITING, ~enrolment.c.admitted)
        .order_by(shift.c.starts, enrolment.c.queue)
    )
    return list(await unit.run(rows))


async def asking_count(unit: Unit, activity_id: int) -> int:
    """How many they are."""
    rows = (
        select(func.count())
        .select_from(enrolment.join(shift, shift.c.id == enrolment.c.shift))
        .where(shift.c.activity == activity_id, enrolment.c.state == Stand.WAITING, ~enrolment.c.admitted)
    )
    return int((await unit.run(rows)).scalar_one())


async def admit(unit: Unit, id_: int, why: str, now: datetime) -> bool:
    """The organiser lets somebody in; `why` is kept, sealed, where it was against a rule. False: it is decided."""
    sealed = unit.secrecy.seal(why, f"enrolment:{id_}:why") if why else None
    done = await unit.run(
        update(enrolment)
        .where(enrolment.c.id == id_, enrolment.c.state == Stand.WAITING, ~enrolment.c.admitted)
        .values(admitted=True, why=sealed, changed=now)
    )
    return bool(done.rowcount)


def not_kept(row: FromClause) -> ColumnElement[bool]:
    """Is this sign-up a promise that was not kept, excused or not?"""
    # One list of states, not an alternative of two conditions: for that an index by person and state is of no use.
    broken = row.c.state.in_([literal(stand, String) for stand in (Stand.ABSENT, Stand.EXCUSED, Stand.CANCELLED)])
    return and_(broken, or_(and_(row.c.state != Stand.CANCELLED, row.c.promised), row.c.late.is_not(None)))


_BROKEN = Prepared(
    select(
        enrolment.c.id, activity.c.title, activity.c.english, shift.c.starts, enrolment.c.state, enrolment.c.reason
    )
    .join(shift, shift.c.id == enrolment.c.shift)
    .join(activity, activity.c.id == shift.c.activity)
    .where(
        enrolment.c.person == bindparam("whose"),
        shift.c.starts > bindparam("since"),
        not_kept(enrolment),
        activity.c.state != "cancelled",
    )
    .order_by(shift.c.starts.desc(), enrolment.c.id)
)


async def broken(unit: Unit, person: int, since: datetime) -> list[Broken]:
    """Promises that somebody did not keep, newest first."""
    rows = await unit.run(_BROKEN, {"whose": person, "since": since})
    return [Broken(row.id, row.title, row.english, row.starts, Stand(row.state), row.reason or "") for row in rows]


async def give_reason(unit: Unit, id_: int, reason: str) -> None:
    """Why somebody could not come: a word of `bot.domain.reliability.REASONS`."""
    await unit.run(update(enrolment).where(enrolment.c.id == id_).values(reason=reason))


async def missing(unit: Unit, activity_id: int) -> list[Any]:
    """Sign-ups of an activity that were broken and not excused, in the order of their numbers."""
    rows = (
        select(enrolment.c.id, enrolment.c.person, enrolment.c.state, enrolment.c.reason)
        .join(shift, shift.c.id == enrolment.c.shift)
        .where(
            shift.c.activity == activity_id,
            or_(
                and_(enrolment.c.state == Stand.ABSENT, enrolment.c.promised),
                and_(enrolment.c.state == Stand.CANCELLED, enrolment.c.late.is_not(None)),
            ),
        )
        .order_by(shift.c.starts, enrolment.c.queue)
    )
    return list(await unit.run(rows))


async def excuse(unit: Unit, id_: int, stand: Stand, now: datetime) -> None:
    """The organiser accepts the reason: it is no broken promise any more."""
    await unit.run(update(enrolment).where(enrolment.c.id == id_).values(state=stand, late=None, changed=now))
