"""Recruiting: an announcement of an activity to those who subscribed to its district or its kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.desk.organising import Organising
from bot.desk.reach import Reach
from bot.desk.subject import Subject
from bot.domain.activities import Activity, NotAllowed
from bot.domain.forecast import RoutePlan
from bot.domain.roles import Deed
from storage import audit, fanouts, people
from storage.tables.delivery import Lane

TEXT_LENGTH = 500
"""Characters of an announcement: longer ones meet Telegram's limits sooner and are read by nobody."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom an announcement would reach."""

    activity: Activity
    topics: tuple[tuple[str, str], ...]
    people: int


@dataclass(frozen=True, slots=True)
class Announced:
    """It is on its way, to this many people."""

    fanout: int
    people: int


@dataclass(frozen=True, slots=True)
class AnnouncedToday:
    """One announcement per activity and day."""


class Announcements(Subject):
    """Announcements that my posts allow."""

    async def audience(self, activity: int, topics: tuple[tuple[str, str], ...]) -> Audience | NotAllowed:
        """Count whom an announcement to these topics would reach, before anything is sent."""
        card = await self._organising.allowed(activity, Deed.ANNOUNCE)
        if card is None or card.state != "open" or card.starts <= self.now:
            return NotAllowed()
        return Audience(card, topics, await people.subscribers(self.unit, topics))

    async def routes(self, audience: Audience) -> RoutePlan:
        """By which routes they would be told, and until when."""
        reach = self.beside(Reach)
        return await reach.plan_of_routes(_segment(audience.topics), "announcement")

    async def announce(
        self, activity: int, topics: tuple[tuple[str, str], ...], text: str, mass: bool = False
    ) -> Announced | AnnouncedToday | NotAllowed:
        """Send it; it ends when the activity begins, or after a day.

        `mass`: whoever nothing else reaches on WeChat gets it with one of the account's few mass messages.
        """
        audience = await self.audience(activity, topics)
        if isinstance(audience, NotAllowed):
            return audience
        day = self.now.astimezone(self.city.zone).date().toordinal()
        fanout = await fanouts.plan(
            self.unit,
            kind="announcement",
            source=activity,
            revision=day,
            lane=Lane.CAMPAIGN,
            segment=_segment(topics),
            words={"text": text, "mass": "yes"} if mass else {"text": text},
            not_before=self.now,
            expires=min(audience.activity.starts, self.now + timedelta(days=1)),
            created_by=self.me.id,
        )
        if fanout is None:
            return AnnouncedToday()
        await audit.log(self.unit, self.now, self.me.id, "announce", f"activity:{activity}", None, str(fanout))
        return Announced(fanout, audience.people)

    @property
    def _organising(self) -> Organising:
        return self.beside(Organising)


def _segment(topics: tuple[tuple[str, str], ...]) -> dict[str, list[list[str]]]:
    return {"subscribers": [list(topic) for topic in topics]}
