"""Teams and their members; companions beside a seat; what one person asks another about a shift."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, delete, exists, func, insert, or_, select, update

from bot.domain.enrolment import COMING, Stand
from bot.domain.parties import Ask, Invitation, Reply, Team, TeamKind
from storage.database import Unit
from storage.tables.activities import activity, shift
from storage.tables.enrolment import enrolment
from storage.tables.parties import invitation, team, team_member

# --- Teams ----------------------------------------------------------------------------------------------------------


async def found(unit: Unit, name: str, kind: TeamKind, code: str, leader: int, now: datetime) -> int:
    """A new team; its leader is its first member."""
    row = insert(team).values(name=name, kind=kind, code=code, leader=leader, made=now).returning(team.c.id)
    number = int((await unit.run(row)).scalar_one())
    await enter(unit, number, leader, now)
    return number


async def enter(unit: Unit, team_id: int, person: int, now: datetime) -> bool:
    """Somebody joins a team. False: they were in it."""
    row = unit.insert(team_member).values(team=team_id, person=person, since=now)
    return bool((await unit.run(row.on_conflict_do_nothing(index_elements=["team", "person"]))).rowcount)


async def quit_(unit: Unit, team_id: int, person: int) -> bool:
    """Somebody leaves a team. False: they were not in it."""
    gone = delete(team_member).where(team_member.c.team == team_id, team_member.c.person == person)
    return bool((await unit.run(gone)).rowcount)


async def dissolve(unit: Unit, team_id: int, now: datetime) -> None:
    """The team is no more."""
    await unit.run(delete(team_member).where(team_member.c.team == team_id))
    await unit.run(update(team).where(team.c.id == team_id).values(ended=now))


def _teams(reader: int) -> Select[Any]:
    size = select(func.count()).where(team_member.c.team == team.c.id).scalar_subquery()
    return select(team, (team.c.leader == reader).label("leads"), size.label("members")).where(team.c.ended.is_(None))


def _team(row: Any) -> Team:
    return Team(row.id, row.name, TeamKind(row.kind), row.code, bool(row.leads), row.members)


async def teams_of(unit: Unit, person: int) -> list[Team]:
    """The teams that somebody is in."""
    member = exists().where(team_member.c.team == team.c.id, team_member.c.person == person)
    return [_team(row) for row in await unit.run(_teams(person).where(member).order_by(team.c.id))]


async def by_code(unit: Unit, code: str, reader: int) -> Team | None:
    """The team with this code."""
    row = (await unit.run(_teams(reader).where(team.c.code == code))).first()
    return _team(row) if row else None


async def to_ask(unit: Unit, team_id: int, shift_id: int, leader: int) -> list[int]:
    """Members who can be asked about a shift: not in it, not asked before; a no is remembered."""
    there = exists().where(
        enrolment.c.person == team_member.c.person,
        enrolment.c.shift == shift_id,
        enrolment.c.state != Stand.CANCELLED,
    )
    asked = exists().where(
        invitation.c.person == team_member.c.person,
        invitation.c.shift == shift_id,
        invitation.c.state.in_((Reply.OPEN, Reply.REFUSED)),
    )
    rows = select(team_member.c.person).where(
        team_member.c.team == team_id, team_member.c.person != leader, ~there, ~asked
    )
    return list((await unit.run(rows.order_by(team_member.c.id))).scalars())


# --- Seats beside one's own -----------------------------------------------------------------------------------------


async def take_seats(unit: Unit, enrolment_id: int, shift_id: int, more: int) -> bool:
    """So many more seats beside one's own, all or none; fewer if negative. The shift is locked by the caller."""
    room = update(shift).where(shift.c.id == shift_id, shift.c.taken + more <= shift.c.capacity)
    if not (await unit.run(room.values(taken=shift.c.taken + more))).rowcount:
        return False
    beside = update(enrolment).where(enrolment.c.id == enrolment_id)
    await unit.run(beside.values(guests=enrolment.c.guests + more))
    return True


async def free_seats(unit: Unit, shift_id: int) -> int:
    """Seats left in a shift."""
    return int((await unit.run(select(shift.c.capacity - shift.c.taken).where(shift.c.id == shift_id))).scalar_one())


async def beside(unit: Unit, enrolment_id: int) -> tuple[int, int]:
    """(companions, seats held for invited members) beside a seat."""
    held = select(func.count()).where(
        invitation.c.enrolment == enrolment_id, invitation.c.state == Reply.OPEN, invitation.c.held,
        invitation.c.kind == Ask.TEAM,
    )  # fmt: skip
    rows = select(enrolment.c.guests, held.scalar_subquery().label("held")).where(enrolment.c.id == enrolment_id)
    row = (await unit.run(rows)).one()
    return row.guests - row.held, row.held


async def release_held(unit: Unit, enrolment_id: int) -> bool:
    """One seat that was held beside this one is held no more. False: there was none."""
    one = update(enrolment).where(
        enrolment.c.id == enrolment_id, enrolment.c.guests > 0, enrolment.c.state.in_(COMING)
    )
    return bool((await unit.run(one.values(guests=enrolment.c.guests - 1))).rowcount)


async def waiting(unit: Unit, shift_id: int) -> int:
    """How many stand in the queue of a shift."""
    queue = select(func.count()).where(
        enrolment.c.shift == shift_id, enrolment.c.state == Stand.WAITING, enrolment.c.admitted
    )
    return int((await unit.run(queue)).scalar_one())


# --- Questions ------------------------------------------------------------------------------------------------------


async def ask(
    unit: Unit,
    kind: Ask,
    shift_id: int,
    now: datetime,
    until: datetime,
    *,
    person: int | None = None,
    inviter: int | None = None,
    enrolment_id: int | None = None,
    team_id: int | None = None,
    held: bool = False,
    code: str | None = None,
) -> int:
    """Ask somebody about a shift, or whoever has the code. Returns the question's number."""
    row = insert(invitation).values(
        kind=kind, shift=shift_id, person=person, inviter=inviter, enrolment=enrolment_id, team=team_id, held=held,
        code=unit.secrecy.index(f"invitation:{code}") if code else None, made=now, until=until,
    )  # fmt: skip
    return int((await unit.run(row.returning(invitation.c.id))).scalar_one())


_QUESTIONS = (
    select(
        invitation, shift.c.activity, shift.c.starts, shift.c.ends, activity.c.title, activity.c.english,
        func.coalesce(team.c.name, "").label("team_name"),
    )
    .join(shift, shift.c.id == invitation.c.shift)
    .join(activity, activity.c.id == shift.c.activity)
    .outerjoin(team, team.c.id == invitation.c.team)
    .where(invitation.c.state == Reply.OPEN, activity.c.state == "open")
)  # fmt: skip


def _question(row: Any) -> Invitation:
    return Invitation(
        row.id, Ask(row.kind), row.shift, row.activity, row.title, row.english, row.starts, row.ends, row.enrolment,
        row.held, row.until, row.team_name,
    )  # fmt: skip


async def asked_of(unit: Unit, person: int, id_: int) -> Invitation | None:
    """An open question to this person."""
    row = (await unit.run(_QUESTIONS.where(invitation.c.id == id_, invitation.c.person == person))).first()
    return _question(row) if row else None


async def open_for(unit: Unit, person: int, shift_id: int) -> list[Invitation]:
    """Open questions to this person about a shift, oldest first."""
    rows = await unit.run(
        _QUESTIONS.where(invitation.c.shift == shift_id, invitation.c.person == person).order_by(invitation.c.id)
    )
    return [_question(row) for row in rows]


async def open_to(unit: Unit, person: int, now: datetime) -> list[Invitation]:
    """Open questions to this person whose time is not over, soonest activity first."""
    mine = _QUESTIONS.where(invitation.c.person == person, invitation.c.until > now)
    return [_question(row) for row in await unit.run(mine.order_by(shift.c.starts, invitation.c.id))]


async def with_code(unit: Unit, code: str, person: int, now: datetime) -> Invitation | None:
    """The open question behind a code: nobody's yet, or this person's."""
    found_ = _QUESTIONS.where(
        invitation.c.code == unit.secrecy.index(f"invitation:{code}"),
        invitation.c.until > now,
        or_(invitation.c.person.is_(None), invitation.c.person == person),
        invitation.c.inviter != person,
    )
    row = (await unit.run(found_)).first()
    return _question(row) if row else None


async def bind(unit: Unit, id_: int, person: int) -> bool:
    """From now on this question is this person's. False: it is somebody else's."""
    free = or_(invitation.c.person.is_(None), invitation.c.person == person)
    done = update(invitation).where(invitation.c.id == id_, invitation.c.state == Reply.OPEN, free)
    return bool((await unit.run(done.values(person=person))).rowcount)


async def answer(unit: Unit, id_: int, reply: Reply, now: datetime) -> bool:
    """Keep the answer to an open question. False: it was answered before."""
    done = update(invitation).where(invitation.c.id == id_, invitation.c.state == Reply.OPEN)
    return bool((await unit.run(done.values(state=reply, answered=now))).rowcount)


async def inviter_of(unit: Unit, id_: int) -> int | None:
    """Who asked."""
    who: int | None = (
        await unit.run(select(invitation.c.inviter).where(invitation.c.id == id_))
    ).scalar_one_or_none()  # fmt: skip
    return who


async def withdraw(unit: Unit, enrolment_id: int, kinds: Sequence[Ask], now: datetime) -> None:
    """What was asked about this place is asked no more."""
    mine = and_(invitation.c.enrolment == enrolment_id, invitation.c.kind.in_(kinds))
    over = update(invitation).where(mine, invitation.c.state == Reply.OPEN)
    await unit.run(over.values(state=Reply.OVER, answered=now))


async def run_out(unit: Unit, now: datetime, limit: int = 200) -> list[Any]:
    """Open questions whose time is over: number, shift, the place that they come from, whether a seat is held."""
    over = (
        select(invitation.c.id, invitation.c.shift, invitation.c.enrolment, invitation.c.held, invitation.c.kind,
               shift.c.starts)
        .join(shift, shift.c.id == invitation.c.shift)
        .where(invitation.c.state == Reply.OPEN, invitation.c.until <= now)
        .order_by(invitation.c.until, invitation.c.id)
        .limit(limit)
    )  # fmt: skip
    return list(await unit.run(over))
