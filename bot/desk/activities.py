"""Finding what there is to do: by words, by where, when and kind, and around a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.desk.subject import Subject
from bot.domain.activities import Activity
from bot.domain.kinds import Kind
from bot.domain.places import Place
from bot.domain.search import tokens, understand
from storage import activities, search
from storage.search import Wanted

NEAR = 5_000.0
"""Metres that still count as “near me”."""

SHORTEST_NAME = 3
"""Characters; a shorter text is in too many names to mean one."""

SHOWN_AT_ONCE = 7
"""Activities on a page of a list, at most."""

FOUND_LIMIT = 5 * SHOWN_AT_ONCE
"""Five pages: who wants more narrows the search."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave, and how it was understood, so that the answer can repeat it."""

    activities: Sequence[int]
    """Their numbers: a list reads the cards of what it shows."""
    places: Sequence[Place] = ()
    kinds: Sequence[Kind] = ()
    times: Sequence[tuple[datetime, datetime]] = ()
    words: str = ""
    more: bool = False
    """There are more than are listed."""
    near: tuple[float, float] | None = None
    """The point from which the nearest come first."""
    dropped: str = ""
    """What had to be given up to find anything: `words`, `kinds`, `times`, or nothing."""
    first: Sequence[Activity] = ()
    """The cards of those that a list begins with."""


class Activities(Subject):
    """What there is to do."""

    async def card(self, activity: int) -> Activity | None:
        """One activity with its shifts, or None. A draft is nobody's but its organisers'."""
        card = await activities.card(self.unit, activity, self.me.id)
        return None if card is None or card.state in ("draft", "gone") else card

    async def find(
        self, district: int | None = None, times: Sequence[tuple[datetime, datetime]] = (), kind: str | None = None
    ) -> Found:
        """Open activities by the three guided answers; None: anywhere, any kind."""
        wanted = Wanted(districts=[district] if district else (), times=times, kinds=[kind] if kind else ())
        return await self._relaxed(wanted, Found((), times=times))

    def asks_where(self, sentence: str) -> bool:
        """Does the sentence say “near me” without saying where that is?"""
        return understand(sentence, self.now, self.city.zone, self.city.places).near_me

    async def search(self, sentence: str, here: tuple[float, float] | None = None) -> Found:
        """Open activities by a typed sentence: district, street or landmark, day, kind, and the words that remain.

        `here`: where “near me” is, WGS-84 degrees; the point is not kept.
        """
        query = understand(sentence, self.now, self.city.zone, self.city.places)
        streets = [place.code for place in query.places if place.level == "street"]
        districts = [place.code for place in query.places if place.level == "district"]
        times = [(interval.start, interval.end) for interval in query.times]
        near = (query.near.latitude, query.near.longitude) if query.near else here
        wanted = Wanted(
            districts=() if near else districts,
            streets=() if near else streets,
            kinds=[kind.code for kind in query.kinds],
            not_kinds=[kind.code for kind in query.excluded_kinds],
            times=times,
            words=[token for word in query.words for token in tokens(word)],
            near=near,
            radius=NEAR if near else 0.0,
        )
        found = Found((), query.places, query.kinds, times, " ".join(query.words))
        return await self._relaxed(wanted, found, sentence)

    async def known(self, text: str) -> bool:
        """Is there an open activity that is called so, or partly so? Asks for three characters at least."""
        return len(text) >= SHORTEST_NAME and await self._named(text) is not None

    async def _exact(self, wanted: Wanted, found: Found) -> Found | None:
        """What fits all that was asked for."""
        numbers, first = await search.find(self.unit, wanted, self.now, FOUND_LIMIT + 1, SHOWN_AT_ONCE)
        if not numbers:
            return None
        more = len(numbers) > FOUND_LIMIT
        return replace(found, activities=numbers[:FOUND_LIMIT], first=first, more=more, near=wanted.near)

    async def _named(self, text: str) -> Found | None:
        """What has every word of the text in its own description."""
        words = tokens(text)
        return await self._exact(Wanted(words=words), Found((), words=text)) if words else None

    async def near(self, latitude: float, longitude: float) -> Found:
        """Open activities around a point, nearest first; the point is not kept."""
        return await self._relaxed(Wanted(near=(latitude, longitude), radius=NEAR), Found(()))

    async def _relaxed(self, wanted: Wanted, found: Found, sentence: str = "") -> Found:
        """The search as asked; if that finds nothing, what is called so (周六读书会, on whatever day it is), and then
        without the words, the kinds, the days, the radius."""
        as_asked = await self._exact(wanted, found) or (await self._named(sentence) if sentence else None)
        if as_asked is not None:
            return as_asked
        before = wanted
        for step, given_up in (
            ("words", replace(wanted, words=())),
            ("kinds", replace(wanted, words=(), kinds=())),
            ("times", replace(wanted, words=(), kinds=(), times=())),
            ("radius", replace(wanted, words=(), kinds=(), times=(), radius=0.0)),
        ):
            if given_up == before:
                continue
            before = given_up
            fitting = await self._exact(given_up, replace(found, dropped=step))
            if fitting is not None:
                return fitting
        return found

    async def cards(self, found: Found, numbers: Sequence[int]) -> list[Activity]:
        """Some of what was found, to be shown. What a list begins with has been read already."""
        first = found.first[: len(numbers)]
        if [one.id for one in first] == list(numbers):
            return list(first)
        return await activities.cards(self.unit, numbers, found.near)
