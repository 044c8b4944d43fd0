"""What campaigns do by themselves: the next message is planned, what the sender paused rests, what is over ends."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.desk.campaign_messages import segment, tell, told_on, words_of
from bot.desk.city import City
from bot.domain.campaigns import Campaign, Standing, expiry, moment
from storage import audit, campaigns, fanouts
from storage.database import Database, Unit
from storage.tables.delivery import Lane, Running, State

AHEAD = timedelta(minutes=1)
"""How long before its moment a message becomes a fanout; a campaign whose activity is moved later takes it along."""


async def advance(database: Database, city: City, now: datetime) -> int:
    """Plan the messages whose time has come, follow what the sender paused, close what is through.

    Idempotent, and harmless on several replicas: a message is planned once for ever. Returns how many were planned.
    """
    async with database.read() as unit:
        alive = await campaigns.alive(unit)
    made = 0
    for one in alive:
        async with database.write() as unit:
            made += await _advance(unit, city, one.id, now)
    return made


async def _advance(unit: Unit, city: City, number: int, now: datetime) -> int:
    one = await campaigns.find(unit, number, lock=True)
    if one is None or one.standing != Standing.RUNNING or one.started is None:
        return 0
    running = await campaigns.fanouts_of(unit, number)
    resting = [why for _fanout, state, why in running if state is Running.PAUSED]
    if resting:
        await campaigns.move(unit, one, Standing.PAUSED, reason=resting[0])
        await audit.log(unit, now, None, "campaign", f"campaign:{number}", one.standing, Standing.PAUSED)
        news = {"campaign": str(number), "news": Standing.PAUSED, "why": resting[0]}
        await tell(unit, now, one.author, "mailing", number, 2 + one.step, news)
        return 0
    if one.step < len(one.texts):
        return await _next(unit, city, one, now)
    counted = await campaigns.outcomes(unit, number)
    alive = any(state in (State.PENDING, State.SENDING) for state, _why in counted)
    if not alive and all(state is not Running.RUNNING for _fanout, state, _why in running):
        await campaigns.move(unit, one, Standing.DONE)
        await tell(
            unit, now, one.author, "mailing", number, 0, {"campaign": str(number), "news": Standing.DONE}
        )
    return 0


async def _next(unit: Unit, city: City, one: Campaign, now: datetime) -> int:
    """Plan its next message if its moment is near; one whose moment cannot come any more is passed over."""
    assert one.started is not None
    event = await campaigns.starts(unit, one.activity)
    at = moment(one.timing, one.step, one.started, event, city.zone)
    if at is not None and at > now + AHEAD:
        return 0
    # What lay before “send” was confirmed would come as a second message of the same day.
    gone = at is None or at < one.started or expiry(at, event) <= now or await told_on(unit, city, one, at)
    if at is not None and not gone:
        await fanouts.plan(
            unit,
            kind=campaigns.KIND,
            source=one.id,
            offset=one.step,
            lane=Lane.CAMPAIGN,
            segment=segment(one.audience, now),
            words=words_of(city, one, one.step),
            not_before=at,
            expires=expiry(at, event),
            created_by=one.author,
        )
    await campaigns.planned(unit, one)
    return 0 if gone else 1
