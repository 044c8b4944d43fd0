"""How people can be told: the plan of routes before anything is sent, and why a message did not arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.desk.organising import Organising
from bot.desk.subject import Subject
from bot.domain.activities import Activity, NotAllowed
from bot.domain.deliveries import Delivery, Outcome, code_of, reason_of
from bot.domain.forecast import Account, RoutePlan, plan_of_routes
from bot.domain.notices import Kind
from bot.domain.reach import REPLY_KEEPS, SPARE, ByAddress, Way, route
from bot.domain.roles import Deed
from storage import forecast, outbox_reports, people, quotas, truths
from storage.outbox_reports import Told
from storage.tables.delivery import State

WECHAT = "wechat"

SOON = timedelta(minutes=5)
"""Within this time what waits at an account goes first."""

OUTCOMES = {
    State.PENDING: Outcome.WAITS,
    State.SENDING: Outcome.WAITS,
    State.SENT: Outcome.SENT,
    State.FAILED: Outcome.FAILED,
    State.UNCERTAIN: Outcome.UNCERTAIN,
    State.SUPPRESSED: Outcome.DROPPED,
    State.DEAD: Outcome.FAILED,
}
UNASKED = ("reply",)
"""Nobody asks why an answer came: what they would be told of it is the answer itself."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What became of the messages about an activity; what needs an eye first."""

    activity: Activity
    messages: Sequence[Delivery]
    whole: bool
    """Names are shown in full."""


class Reach(Subject):
    """What the planner knows, and what became of what was said."""

    async def plan_of_routes(
        self, segment: Mapping[str, Any], kind: Kind = "announcement", begins: datetime | None = None
    ) -> RoutePlan:
        """What telling a segment would be like now: people by route, who must wait, when each route is through.

        From aggregates and the ledgers alone; nothing is sent or planned. Raises ValueError for a segment of no known
        kind. Who may ask is the caller's to know. `begins`: when the first leaves; None, or a past moment: now.
        """
        means = self.city.means
        left = await quotas.left(self.unit, WECHAT, means.limits.values(), self.now)
        limits = {way: left[limit.api] for way, limit in means.limits.items()}
        counted = await forecast.by_route(self.unit, segment, kind, self.now, tuple(means.rates), means.offers)
        begins = max(begins or self.now, self.now)
        # What waits now is gone by a later moment.
        ahead = await forecast.ahead(self.unit, self.now) if begins <= self.now + SOON else {}
        accounts = {door: Account(rate, ahead.get(door, 0)) for door, rate in means.rates.items()}
        return plan_of_routes(counted, begins, self.city.zone, self.city.quiet, accounts, limits)

    def asking(self, kind: Kind) -> str:
        """The path of the page where I can allow one more notice of a kind; empty where my chat needs none."""
        return f"/wechat/grant/{kind}" if self.me.door == WECHAT and kind in self.city.means.offers.notices else ""

    async def can_tell(self, kind: Kind, at: datetime) -> bool:
        """Will there be a way to tell me something then, as far as anybody knows now?

        Looked up for WeChat alone, and for what lies beyond the window that this very message opened: elsewhere there
        is one.
        """
        offers = self.city.means.offers
        near = offers.customer and at <= self.now + REPLY_KEEPS - SPARE
        if self.me.door != WECHAT or near or kind in offers.templates:
            return True
        return isinstance(route(await truths.reachable(self.unit, self.me.id), at, kind, offers), ByAddress)

    async def mine(self, limit: int = 8) -> list[Delivery]:
        """The last messages that we began, or meant to, for me; the newest first."""
        told = [one for one in await outbox_reports.why(self.unit, self.me.id) if one.kind not in UNASKED][:limit]
        return await self._deliveries(told, {})

    async def of_activity(self, activity: int, limit: int = 500) -> Deliveries | NotAllowed:
        """By recipient: route, state and reason of what was said about an activity; names by the role table."""
        organising = self.beside(Organising)
        card = await organising.allowed(activity, Deed.ROSTER)
        if card is None:
            return NotAllowed()
        posts = await people.posts(self.unit, self.me.id)
        whole = any(post.organisation == card.organisation for post in posts)
        told = await outbox_reports.of_activity(self.unit, activity, limit)
        kept = await people.personal(self.unit, self.city.secrecy, sorted({one.person for one in told}))
        names = {id_: self.called(name, whole) for id_, (name, _phone) in kept.items()}
        return Deliveries(card, await self._deliveries(told, names), whole)

    async def _deliveries(self, told: Sequence[Told], names: Mapping[int, str]) -> list[Delivery]:
        titles = await outbox_reports.titles(self.unit, told)
        return [_delivery(one, titles.get(one.id, ("", "")), names.get(one.person, "")) for one in told]


def _delivery(one: Told, title: tuple[str, str], name: str) -> Delivery:
    outcome = Outcome.HELD if one.state is State.PENDING and not one.door else OUTCOMES[one.state]
    way = Way(one.route) if one.route else None
    reason, code = reason_of(one.reason), code_of(one.reason, outcome)
    return Delivery(one.kind, *title, outcome, one.door, way, reason, code, one.done or one.due, one.person, name)
