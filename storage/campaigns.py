"""Campaigns as rows: kept, moved from one standing to the next, and how far each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    union_all,
    update,
)

from bot.domain.campaigns import MOVES, Audience, Campaign, Letter, Occasion, Scope, Standing, Timing
from storage.database import Unit
from storage.masses import EVERYBODY
from storage.segments import audience
from storage.tables.activities import activity, organisation, shift
from storage.tables.campaigns import campaign, campaign_picture
from storage.tables.delivery import Running, State, fanout, outbox, outbox_done
from storage.tables.enrolment import enrolment
from storage.tables.kinds import from_milliseconds, to_milliseconds
from storage.tables.parties import invitation, team

KIND = "campaign"

LISTED = 35

_SHOWN = select(campaign, campaign_picture.c.campaign.label("pictured"), campaign_picture.c.kept).outerjoin(
    campaign_picture, campaign_picture.c.campaign == campaign.c.id
)


def _campaign(row: Any) -> Campaign:
    return Campaign(
        id=row.id, author=row.author, organisation=row.organisation, place=row.place,
        audience=Audience.from_segment(row.audience), texts=tuple(row.texts), timing=Timing.from_json(row.timing),
        activity=row.activity, pictured=_version(row), standing=Standing(row.standing), people=row.people,
        step=row.step, created=row.created, started=row.started, decided_by=row.decided_by, reason=row.reason,
        mass=row.mass,
    )  # fmt: skip


def _version(row: Any) -> int:
    return 0 if row.pictured is None else to_milliseconds(row.kept) if row.kept else 1


async def keep(
    unit: Unit, author: int, organisation_: int | None, place: int | None, letter: Letter, now: datetime
) -> int:
    """Keep a draft; its number."""
    row = insert(campaign).values(
        author=author, organisation=organisation_, place=place, **_written(letter), standing=Standing.DRAFT, created=now
    )
    return int((await unit.run(row.returning(campaign.c.id))).scalar_one())


async def rewrite(unit: Unit, number: int, letter: Letter) -> None:
    """Change what a draft says, to whom and when."""
    await unit.run(update(campaign).where(campaign.c.id == number).values(**_written(letter)))


def _written(letter: Letter) -> dict[str, Any]:
    return {
        "audience": letter.audience.segment(), "texts": [dict(one) for one in letter.texts],
        "timing": letter.timing.to_json(), "activity": letter.activity,
    }  # fmt: skip


async def find(unit: Unit, number: int, lock: bool = False) -> Campaign | None:
    """One campaign."""
    found = _SHOWN.where(campaign.c.id == number)
    row = (await unit.run(found.with_for_update(of=campaign) if lock else found)).first()
    return _campaign(row) if row else None


async def of(unit: Unit, author: int, organisations: Sequence[int], places: Sequence[int]) -> list[Campaign]:
    """What somebody wrote, and what was written for what they look after; newest first."""
    theirs = or_(
        campaign.c.author == author, campaign.c.organisation.in_(organisations), campaign.c.place.in_(places)
    )
    return [_campaign(row) for row in await unit.run(_SHOWN.where(theirs).order_by(campaign.c.id.desc()).limit(LISTED))]


async def asked(unit: Unit) -> list[Campaign]:
    """Those that wait for a second person, the oldest first."""
    waiting = _SHOWN.where(campaign.c.standing == Standing.ASKED).order_by(campaign.c.id)
    return [_campaign(row) for row in await unit.run(waiting)]


async def alive(unit: Unit) -> list[Campaign]:
    """Those whose next message may have to be planned, or of which something must be told."""
    running = _SHOWN.where(campaign.c.standing.in_((Standing.RUNNING, Standing.PAUSED))).order_by(campaign.c.id)
    return [_campaign(row) for row in await unit.run(running)]


async def move(unit: Unit, one: Campaign, after: Standing, **more: Any) -> bool:
    """Move it, if it still stands where it was seen. Raises ValueError where there is no way."""
    if after not in MOVES[one.standing]:
        raise ValueError(f"{one.standing} → {after}")
    moved = update(campaign).where(campaign.c.id == one.id, campaign.c.standing == one.standing)
    return bool((await unit.run(moved.values(standing=after, **more))).rowcount)


async def planned(unit: Unit, one: Campaign) -> bool:
    """One more of its messages is planned. False: another process was faster."""
    moved = update(campaign).where(campaign.c.id == one.id, campaign.c.step == one.step)
    return bool((await unit.run(moved.values(step=one.step + 1))).rowcount)


async def count(unit: Unit, segment: Mapping[str, Any]) -> int:
    """How many people a segment means now."""
    people = audience(segment).subquery("people")
    return int((await unit.run(select(func.count()).select_from(people))).scalar_one())


async def starts(unit: Unit, activity_: int | None) -> datetime | None:
    """When an activity begins, if it is still held."""
    if activity_ is None:
        return None
    first = select(activity.c.starts).where(activity.c.id == activity_, activity.c.state == "open")
    begins: datetime | None = (await unit.run(first)).scalar_one_or_none()
    return begins


# --- What an audience may speak of -----------------------------------------------------------------------------------


def _theirs(scope: Scope) -> ColumnElement[bool]:
    """The activities of whom a campaign speaks for."""
    if scope.organisation is not None:
        return activity.c.organisation == scope.organisation
    if scope.whole_city:
        return true()
    return or_(activity.c.district.in_(scope.districts), activity.c.street.in_(scope.streets))


_HELD = select(activity.c.id, activity.c.title, activity.c.english, activity.c.starts)


async def held(unit: Unit, scope: Scope) -> list[Occasion]:
    """Their activities that anybody could sign up for, the latest first."""
    rows = _HELD.where(_theirs(scope), activity.c.state.not_in(("draft", "gone")))
    found = await unit.run(rows.order_by(activity.c.starts.desc(), activity.c.id).limit(LISTED))
    return [Occasion(row.id, row.title, row.english, row.starts) for row in found]


async def occasion(unit: Unit, number: int) -> Occasion | None:
    """One activity, whoever held it; None: it is gone."""
    row = (await unit.run(_HELD.where(activity.c.id == number))).first()
    return Occasion(row.id, row.title, row.english, row.starts) if row else None


async def teams(unit: Unit, scope: Scope) -> dict[int, tuple[str, str]]:
    """Teams that somebody brought along to one of their activities, by name."""
    brought = exists(
        select(invitation.c.id)
        .join(shift, shift.c.id == invitation.c.shift)
        .join(activity, activity.c.id == shift.c.activity)
        .where(invitation.c.team == team.c.id, _theirs(scope))
    )
    rows = select(team.c.id, team.c.name).where(team.c.ended.is_(None), brought).order_by(team.c.name, team.c.id)
    return {row.id: (row.name, row.name) for row in await unit.run(rows.limit(LISTED))}


async def name_of(unit: Unit, what: str, number: int) -> tuple[str, str]:
    """What an `organisation` or a `team` is called, Chinese and English; empty: it is gone."""
    named: dict[str, Select[Any]] = {
        "organisation": select(organisation.c.name, organisation.c.english).where(organisation.c.id == number),
        "team": select(team.c.name, team.c.name.label("english")).where(team.c.id == number),
    }
    row = (await unit.run(named[what])).first()
    return tuple(row) if row else ("", "")


# --- Fanouts ---------------------------------------------------------------------------------------------------------


def _of(number: int) -> ColumnElement[bool]:
    # Tests to oneself count from −1 down: they are no part of what is sent.
    return and_(fanout.c.kind == KIND, fanout.c.source == number, fanout.c.offset >= 0)


async def fanouts_of(unit: Unit, number: int) -> list[tuple[int, Running, str]]:
    """Its messages that were planned: number, how each stands, why it rests."""
    rows = await unit.run(
        select(fanout.c.id, fanout.c.state, fanout.c.reason).where(_of(number)).order_by(fanout.c.offset)
    )
    return [(row.id, Running(row.state), row.reason or "") for row in rows]


async def told_today(unit: Unit, activity_: int, since: datetime, until: datetime, but: int) -> bool:
    """Is anything said of this activity between these moments: an announcement, or a message of another campaign?"""
    theirs = select(campaign.c.id).where(campaign.c.activity == activity_, campaign.c.id != but)
    said = or_(
        and_(fanout.c.kind == "announcement", fanout.c.source == activity_),
        and_(fanout.c.kind == KIND, fanout.c.source.in_(theirs), fanout.c.offset >= 0),
    )
    between = fanout.c.not_before.between(to_milliseconds(since), to_milliseconds(until))
    told = exists().where(said, between, fanout.c.state != Running.STOPPED)
    return bool((await unit.run(select(told))).scalar_one())


async def tests_made(unit: Unit, number: int) -> int:
    """How many tests its author has had."""
    mine = select(func.count()).where(fanout.c.kind == KIND, fanout.c.source == number, fanout.c.offset < 0)
    return int((await unit.run(mine)).scalar_one())


async def outcomes(unit: Unit, number: int) -> dict[tuple[State, str], int]:
    """How many of its messages stand where, and why."""
    counted: dict[tuple[State, str], int] = {}
    for table in (outbox, outbox_done):
        rows = (
            select(table.c.state, table.c.reason, func.count().label("messages"))
            .join(fanout, fanout.c.id == table.c.fanout)
            .where(_of(number), table.c.person > EVERYBODY)
            .group_by(table.c.state, table.c.reason)
        )
        for row in await unit.run(rows):
            key = State(row.state), row.reason or ""
            counted[key] = counted.get(key, 0) + int(row.messages)
    return counted


async def uncertain(unit: Unit, number: int, limit: int) -> list[int]:
    """Whom nobody knows whether a message of it reached."""
    parts = [
        select(table.c.person)
        .join(fanout, fanout.c.id == table.c.fanout)
        .where(_of(number), table.c.state == State.UNCERTAIN, table.c.person > EVERYBODY)
        for table in (outbox, outbox_done)
    ]
    both = union_all(*parts).subquery()
    return list((await unit.run(select(both.c.person).distinct().order_by(both.c.person).limit(limit))).scalars())


async def joined(unit: Unit, one: Campaign) -> int:
    """People who signed up for its activity after a message of it had reached them."""
    if one.activity is None:
        return 0
    reached = union_all(
        *(
            select(table.c.person, table.c.done)
            .join(fanout, fanout.c.id == table.c.fanout)
            .where(_of(one.id), table.c.state == State.SENT)
            for table in (outbox, outbox_done)
        )
    ).subquery("reached")
    first = select(reached.c.person, func.min(reached.c.done).label("at")).group_by(reached.c.person).subquery("first")
    rows = await unit.run(
        select(first.c.at, enrolment.c.joined)
        .join(enrolment, enrolment.c.person == first.c.person)
        .join(shift, shift.c.id == enrolment.c.shift)
        .where(shift.c.activity == one.activity)
    )
    return sum(row.joined >= from_milliseconds(row.at) for row in rows)


# --- The list of its messages ----------------------------------------------------------------------------------------


async def messages(unit: Unit, number: int, limit: int) -> list[Any]:
    """By recipient: what became of each of its messages; what did not arrive first."""
    parts = [
        select(
            table.c.id, table.c.person, table.c.state, table.c.reason, table.c.account, table.c.done, fanout.c.offset
        )
        .join(fanout, fanout.c.id == table.c.fanout)
        .where(_of(number), table.c.person > EVERYBODY)
        for table in (outbox, outbox_done)
    ]
    both = union_all(*parts).subquery()
    arrived = case((both.c.state == State.SENT, 1), else_=0)
    return list(await unit.run(select(both).order_by(arrived, both.c.state, both.c.id).limit(limit)))


# --- Pictures --------------------------------------------------------------------------------------------------------


async def keep_picture(unit: Unit, number: int, picture: bytes, now: datetime) -> None:
    """Keep the picture that goes with a campaign; a new one replaces the old."""
    new = {"picture": unit.secrecy.seal(picture, f"campaign:{number}:picture"), "kept": now}
    row = unit.insert(campaign_picture).values(campaign=number, **new)
    await unit.run(row.on_conflict_do_update(index_elements=["campaign"], set_=new))


async def drop_picture(unit: Unit, number: int) -> None:
    """A campaign without its picture."""
    await unit.run(delete(campaign_picture).where(campaign_picture.c.campaign == number))


async def picture(unit: Unit, number: int) -> bytes | None:
    """A campaign's picture."""
    kept = (
        await unit.run(select(campaign_picture.c.picture).where(campaign_picture.c.campaign == number))
    ).scalar_one_or_none()
    return None if kept is None else unit.secrecy.open_bytes(kept, f"campaign:{number}:picture")


async def copy_picture(unit: Unit, number: int, to: int, now: datetime) -> None:
    """The picture of one campaign for another, if it has one: sealed anew, for what is sealed is bound to its row."""
    kept = await picture(unit, number)
    if kept is not None:
        await keep_picture(unit, to, kept, now)
