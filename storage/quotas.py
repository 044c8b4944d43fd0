"""What an account has called today of each API, and what is left: changed in the transaction of the write-ahead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import case, func, or_, select

from bot.domain.forecast import Left
from bot.domain.quotas import CHINA, Limit, period_of
from storage.database import Unit
from storage.tables.delivery import quota
from storage.tables.kinds import from_milliseconds, to_milliseconds


async def left(unit: Unit, account: str, limits: Iterable[Limit], now: datetime) -> dict[str, Left]:
    """What is left of these limits now, by API; nothing of one that the platform has told us to leave alone."""
    wanted = {limit.api: limit for limit in limits}
    periods = {period_of(limit, now) for limit in wanted.values()}
    rows = await unit.run(
        select(quota).where(quota.c.account == account, quota.c.api.in_(sorted(wanted)), quota.c.day.in_(periods))
    )
    moment = to_milliseconds(now)
    known = {(row.api, row.day): row for row in rows}
    found: dict[str, Left] = {}
    for api, limit in wanted.items():
        row = known.get((api, period_of(limit, now)))
        allowed = limit.allowed if row is None or row.allowed is None else row.allowed
        rest = allowed if row is None else max(0, allowed - row.used)
        opens = None
        if row is not None and row.paused_until is not None and row.paused_until > moment:
            rest, opens = 0, from_milliseconds(row.paused_until) if rest else None
        found[api] = Left(limit, rest, allowed, opens)
    return found


async def used_up(unit: Unit, now: datetime) -> list[tuple[str, str]]:
    """Account and API of whatever the platform allows no more of today, as far as it has told what it allows."""
    over = or_(quota.c.used >= quota.c.allowed, quota.c.paused_until > to_milliseconds(now))
    today = quota.c.day == now.astimezone(CHINA).date()
    rows = await unit.run(select(quota.c.account, quota.c.api).where(today, over).order_by(quota.c.api))
    return [(row.account, row.api) for row in rows]


async def spend(unit: Unit, account: str, spent: Mapping[Limit, int], now: datetime) -> None:
    """Count calls, before they are made."""
    for limit, calls in spent.items():
        if calls:
            row = unit.insert(quota).values(
                account=account, api=limit.api, day=period_of(limit, now), used=calls, allowed=None
            )
            await unit.run(
                row.on_conflict_do_update(index_elements=["account", "api", "day"], set_={"used": quota.c.used + calls})
            )


async def learn(unit: Unit, account: str, limit: Limit, allowed: int, used: int, now: datetime) -> None:
    """The platform told what it allows and what it has counted; what we have counted beyond that stands."""
    row = unit.insert(quota).values(
        account=account, api=limit.api, day=period_of(limit, now), used=used, allowed=allowed
    )
    more = case((quota.c.used > used, quota.c.used), else_=used)
    await unit.run(
        row.on_conflict_do_update(
            index_elements=["account", "api", "day"], set_={"used": more, "allowed": allowed}
        )
    )


async def pause(unit: Unit, account: str, limit: Limit, until: datetime, now: datetime) -> None:
    """The platform wants no call of this API until then; whoever sends next obeys it too."""
    moment = to_milliseconds(until)
    row = unit.insert(quota).values(
        account=account, api=limit.api, day=period_of(limit, now), used=0, paused_until=moment
    )
    later = case((func.coalesce(quota.c.paused_until, 0) > moment, quota.c.paused_until), else_=moment)
    await unit.run(row.on_conflict_do_update(index_elements=["account", "api", "day"], set_={"paused_until": later}))
