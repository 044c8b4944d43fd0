"""What a campaign's messages say, whom they mean, and how far they are."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from bot.desk.city import City
from bot.domain.campaigns import NAMED, Audience, Campaign, Progress, Standing, moment
from storage import campaigns, fanouts, people
from storage.database import Unit
from storage.tables.delivery import Lane, State
from storage.tables.kinds import to_milliseconds


def segment(audience: Audience, at: datetime) -> dict[str, Any]:
    """An audience as the fanout keeps it, as it is at a moment."""
    return {**audience.segment(), "at": to_milliseconds(at)}


def words_of(city: City, one: Campaign, step: int) -> dict[str, str]:
    """What one of its messages says: by language, with what its button opens and the path of its picture."""
    more = {"campaign": str(one.id)}
    if one.activity is not None:
        more["activity"] = str(one.activity)
    if one.mass:
        more["mass"] = "yes"
    if path := picture_path(city, one):
        more["picture"] = path
    return {**one.texts[step], **more}


def picture_path(city: City, one: Campaign) -> str:
    """Where its picture is had, another path for another picture; empty: it has none."""
    if not one.pictured:
        return ""
    return f"/campaign/{one.id}/picture?k={city.secrecy.signature(f'campaign:{one.id}:picture')}&v={one.pictured}"


async def told_on(unit: Unit, city: City, one: Campaign, at: datetime) -> bool:
    """Is something else said about its activity on this day of the city?"""
    if one.activity is None:
        return False
    day = at.astimezone(city.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return await campaigns.told_today(unit, one.activity, day, day + timedelta(days=1, milliseconds=-1), one.id)


async def tell(unit: Unit, now: datetime, who: int, kind: str, source: int, offset: int, words: dict[str, str]) -> None:
    """Say something about a campaign to one of those who look after it."""
    await fanouts.plan(
        unit,
        kind=kind,
        source=source,
        revision=who,
        offset=offset,
        lane=Lane.PERSONAL,
        segment={"person": who},
        words=words,
        not_before=now,
        expires=now + timedelta(days=7),
    )


async def perhaps(unit: Unit, city: City, number: int) -> list[str]:
    """The names of those whom a message of it perhaps reached."""
    ids = await campaigns.uncertain(unit, number, NAMED)
    kept = await people.personal(unit, city.secrecy, ids)
    return [kept[who][0] if who in kept else "" for who in ids]


async def progress_of(unit: Unit, city: City, one: Campaign) -> Progress:
    """How far a campaign is, from the outbox."""
    counted = await campaigns.outcomes(unit, one.id)

    def total(*states: State) -> int:
        return sum(messages for (state, _why), messages in counted.items() if state in states)

    def by_reason(*states: State) -> list[tuple[str, int]]:
        whys: Counter[str] = Counter()
        for (state, why), messages in counted.items():
            if state in states:
                whys[why] += messages
        return sorted(whys.items(), key=lambda pair: (-pair[1], pair[0]))

    event = await campaigns.starts(unit, one.activity)
    coming = one.started is not None and one.step < len(one.texts) and one.standing == Standing.RUNNING
    return Progress(
        campaign=one,
        people=one.people,
        sent=total(State.SENT),
        waiting=total(State.PENDING, State.SENDING),
        failed=total(State.FAILED, State.DEAD),
        uncertain=total(State.UNCERTAIN),
        spared=total(State.SUPPRESSED),
        delays=by_reason(State.PENDING),
        refusals=by_reason(State.FAILED, State.DEAD),
        omissions=by_reason(State.SUPPRESSED),
        perhaps=(),
        joined=await campaigns.joined(unit, one),
        next=moment(one.timing, one.step, one.started, event, city.zone) if coming and one.started else None,
    )
