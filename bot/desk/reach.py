"""How people can be told: the plan of routes before anything is sent, and why a message did not arrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.desk.subject import Subject
from bot.domain.forecast import Account, RoutePlan, plan_of_routes
from bot.domain.notices import Kind
from storage import forecast, quotas

WECHAT = "wechat"


class Reach(Subject):
    """What the planner knows, and what became of what was said."""

    async def plan_of_routes(self, segment: Mapping[str, Any], kind: Kind = "announcement") -> RoutePlan:
        """What telling a segment would be like now: people by route, who must wait, when each route is through.

        From aggregates and the ledgers alone; nothing is sent or planned. Raises ValueError for a segment of no known
        kind. Who may ask is the caller's to know.
        """
        means = self.city.means
        left = await quotas.left(self.unit, WECHAT, means.limits.values(), self.now)
        limits = {way: left[limit.api] for way, limit in means.limits.items()}
        counted = await forecast.by_route(self.unit, segment, kind, self.now, tuple(means.rates), means.offers)
        ahead = await forecast.ahead(self.unit, self.now)
        accounts = {door: Account(rate, ahead.get(door, 0)) for door, rate in means.rates.items()}
        return plan_of_routes(counted, self.now, self.city.zone, self.city.quiet, accounts, limits)
