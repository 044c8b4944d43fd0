"""A city in memory, small enough to be read at a sitting: what every answer and every seat must be.

It knows nothing of databases, locks or messages. Times that only decide how an offer's window is cut stay outside: the
machine that drives it lets all offers run out, or none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.enrolment import COMING, HELD, SEATED, Stand

SHARE = 0.5
"""Of the shift that must have been spent there."""

SOON = timedelta(hours=2)
"""Before the start: a seat that comes free is given at once."""


@dataclass
class Entry:
    """One person's sign-up for one shift."""

    person: int
    number: int
    stand: Stand
    admitted: bool = True
    lapses: int = 0
    arrived: datetime | None = None
    stood: Stand = Stand.JOINED
    """Before they arrived."""


@dataclass
class Place:
    """One activity with its one shift."""

    starts: datetime
    ends: datetime
    capacity: int
    approval: bool = False
    open: bool = True
    last: int = 0
    entries: dict[int, Entry] = field(default_factory=dict)
    minutes: dict[int, int] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        """Seats that somebody has, or that are held for somebody."""
        return sum(one.stand in SEATED for one in self.entries.values())

    def queue(self) -> list[Entry]:
        """Who waits, the head first."""
        waiting = [one for one in self.entries.values() if one.stand == Stand.WAITING and one.admitted]
        return sorted(waiting, key=lambda one: one.number)

    def next(self) -> int:
        """A queue number."""
        self.last += 1
        return self.last

    def hand_on(self, now: datetime, at_once: bool = False) -> None:
        """Every free seat goes to the head."""
        given = Stand.JOINED if at_once or self.starts - now < SOON else Stand.OFFERED
        while self.open and self.taken < self.capacity and self.queue():
            self.queue()[0].stand = given


@dataclass
class City:
    """All of it. Each deed returns the name of the fact that the desk must return."""

    now: datetime
    places: list[Place] = field(default_factory=list)

    def join(self, who: int, place: Place) -> str:
        if not place.open or place.starts <= self.now:
            return "Closed"
        mine = place.entries.get(who)
        if mine is not None and mine.stand != Stand.CANCELLED:
            return "AlreadyIn"
        seated = not place.approval and place.taken < place.capacity
        stand = Stand.JOINED if seated else Stand.WAITING
        place.entries[who] = Entry(who, place.next(), stand, admitted=not place.approval)
        return "Asked" if place.approval else "Joined" if seated else "Waitlisted"

    def leave(self, who: int, place: Place) -> str:
        mine = place.entries.get(who)
        if mine is None or mine.stand not in HELD or not place.open or place.starts <= self.now:
            return "NotIn"
        mine.stand = Stand.CANCELLED
        place.hand_on(self.now)
        return "Left"

    def accept(self, who: int, place: Place) -> str:
        mine = place.entries.get(who)
        if mine is None or mine.stand != Stand.OFFERED or not place.open or place.starts <= self.now:
            return "NotIn"
        mine.stand = Stand.JOINED
        return "Booking"

    def confirm(self, who: int, place: Place) -> str:
        mine = place.entries.get(who)
        if mine is None or mine.stand not in COMING or not place.open:
            return "NoneType"
        mine.stand = Stand.CONFIRMED
        return "Booking"

    def seats(self, place: Place, count: int) -> str:
        if not place.open or place.starts <= self.now:
            return "NotAllowed"
        place.capacity = max(count, place.taken)
        place.hand_on(self.now)
        return "Seats"

    def cancel(self, place: Place) -> str:
        if not place.open:
            return "NotAllowed"
        place.open = False
        return "Told"

    def move(self, place: Place, by: timedelta) -> str:
        place.starts, place.ends = place.starts + by, place.ends + by
        for one in place.entries.values():
            one.stand = {Stand.CONFIRMED: Stand.JOINED, Stand.OFFERED: Stand.WAITING}.get(one.stand, one.stand)
        place.hand_on(self.now)
        return "Told"

    def decide(self, place: Place, let_in: bool) -> str:
        """The organiser's yes or no to everybody who asks."""
        if not place.open:
            return "NotAllowed"
        for one in place.entries.values():
            if one.stand == Stand.WAITING and not one.admitted:
                one.admitted, one.stand = let_in, Stand.WAITING if let_in else Stand.CANCELLED
        if let_in:
            place.hand_on(self.now, at_once=True)
        return "Decided"

    def arrive(self, who: int, place: Place) -> str:
        mine = place.entries[who]
        if mine.stand == Stand.ARRIVED:
            return "AlreadyThere"
        mine.stood, mine.stand, mine.arrived = mine.stand, Stand.ARRIVED, self.now
        return "CheckedIn"

    def unarrive(self, who: int, place: Place) -> str:
        mine = place.entries[who]
        assert mine.arrived is not None
        if mine.stand != Stand.ARRIVED or self.now - mine.arrived > timedelta(minutes=10):
            return "False"
        mine.stand, mine.arrived = mine.stood, None
        return "True"

    def depart(self, who: int, place: Place) -> str:
        mine = place.entries[who]
        assert mine.arrived is not None
        mine.stand = Stand.LEFT
        spent = min(self.now, place.ends) - max(mine.arrived, place.starts)
        place.minutes[who] = int(spent / timedelta(minutes=1)) if spent >= (place.ends - place.starts) * SHARE else 0
        return "CheckedOut"

    def lapse(self) -> None:
        """All offers run out: once they queue again at the end, the second time no more."""
        for place in self.places:
            over = [one for one in place.entries.values() if one.stand == Stand.OFFERED]
            for one in sorted(over, key=lambda one: one.number):
                one.lapses += 1
                one.stand = Stand.WAITING if one.lapses < 2 else Stand.CANCELLED
                one.number = place.next() if one.stand == Stand.WAITING else one.number
            if over:
                place.hand_on(self.now)

    def close(self, place: Place) -> None:
        """After the last check-out."""
        became = {Stand.LEFT: Stand.COMPLETED, **dict.fromkeys(COMING, Stand.ABSENT)}
        became |= {Stand.ARRIVED: Stand.COMPLETED, Stand.OFFERED: Stand.CANCELLED, Stand.WAITING: Stand.CANCELLED}
        for one in place.entries.values():
            if one.stand == Stand.ARRIVED:
                place.minutes[one.person] = 0
            one.stand = became.get(one.stand, one.stand)

    def link(self, kept: int, gone: int) -> None:
        """Two are one: whatever was of the one is of the other."""
        for place in self.places:
            for kind in (place.entries, place.minutes):
                if gone in kind:
                    kind[kept] = kind.pop(gone)  # type: ignore[index,assignment]  # both are by person
            if kept in place.entries:
                place.entries[kept].person = kept

    def total(self, who: int) -> int:
        """Somebody's minutes."""
        return sum(place.minutes.get(who, 0) for place in self.places)

    def of(self, who: int) -> Iterator[Place]:
        """Where somebody has a sign-up."""
        return (place for place in self.places if who in place.entries)
