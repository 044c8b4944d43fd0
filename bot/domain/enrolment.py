"""Who has a seat: legal moves, clashes, the queue. Facts are past participles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Stand(StrEnum):
    """Where a sign-up stands."""

    WAITING = "waiting"
    """In the queue; where an organiser approves, also whoever has not been let in yet."""
    OFFERED = "offered"
    """A seat is held for them until a moment; theirs once they say yes."""
    JOINED = "joined"
    CONFIRMED = "confirmed"
    """Joined, and “still coming?” was answered with yes."""
    CANCELLED = "cancelled"
    ARRIVED = "arrived"
    LEFT = "left"
    COMPLETED = "completed"
    ABSENT = "absent"
    EXCUSED = "excused"
    """Absent for a reason that the organiser accepted."""


MOVES: dict[Stand, frozenset[Stand]] = {
    Stand.WAITING: frozenset({Stand.OFFERED, Stand.JOINED, Stand.CANCELLED}),
    Stand.OFFERED: frozenset({Stand.JOINED, Stand.CONFIRMED, Stand.WAITING, Stand.CANCELLED}),
    Stand.JOINED: frozenset({Stand.CONFIRMED, Stand.CANCELLED, Stand.ARRIVED, Stand.ABSENT}),
    Stand.CONFIRMED: frozenset({Stand.JOINED, Stand.CANCELLED, Stand.ARRIVED, Stand.ABSENT}),
    Stand.CANCELLED: frozenset({Stand.WAITING, Stand.OFFERED, Stand.JOINED}),
    Stand.ARRIVED: frozenset({Stand.LEFT, Stand.COMPLETED, Stand.JOINED, Stand.CONFIRMED, Stand.ABSENT}),
    Stand.LEFT: frozenset({Stand.COMPLETED, Stand.ARRIVED}),
    Stand.COMPLETED: frozenset(),
    Stand.ABSENT: frozenset({Stand.ARRIVED, Stand.EXCUSED}),
    Stand.EXCUSED: frozenset({Stand.ABSENT}),
}
"""The state machine. From arrived back to joined, confirmed or absent, and from left to arrived, are undos; offered →
waiting is an offer that ran out; confirmed → joined is an activity that was moved since."""

COMING = frozenset({Stand.JOINED, Stand.CONFIRMED})
"""Expected to come; not there yet."""

HELD = COMING | {Stand.WAITING, Stand.OFFERED}
"""A seat or a place in the queue that can still be given back."""

SEATED = COMING | {Stand.OFFERED, Stand.ARRIVED, Stand.LEFT, Stand.COMPLETED, Stand.ABSENT, Stand.EXCUSED}
"""These hold a seat: one that is offered is nobody else's until the offer runs out."""


def before_arrival(stood: str | None) -> Stand:
    """Where a sign-up stands when its arrival is taken back: where it stood. `stood`: as it was written down at the
    arrival; nothing was written down before that was kept."""
    return Stand(stood) if stood in (Stand.CONFIRMED, Stand.ABSENT) else Stand.JOINED


class IllegalMove(ValueError):
    """A sign-up was to be moved where the state machine has no way: a bug, never a person's fault."""


def move(before: Stand, after: Stand) -> Stand:
    """The new stand. Raises IllegalMove."""
    if after not in MOVES[before]:
        raise IllegalMove(f"{before} → {after}")
    return after


@dataclass(frozen=True, slots=True)
class Booking:
    """A person's own sign-up, as their list shows it."""

    id: int
    shift: int
    activity: int
    title: str
    english: str
    address: str
    starts: datetime
    ends: datetime
    stand: Stand
    queue: int = 0
    position: int = 0
    """Place in the queue, 1 for the head; 0 when seated."""
    until: datetime | None = None
    """While a seat is offered: until when it is held."""
    admitted: bool = True
    """False: the organiser has not decided yet."""
    joined: datetime | None = None
    leave_before: int = 0
    """Minutes before the start until which a seat is given back without consequence."""
    guests: int = 0
    """Seats beside their own: companions, and those that are held for their team."""
    promised: bool = True
    """False: the seat was given without their yes, or the activity was moved and they have not said yes to that."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A seat is theirs. `reminder`: when the first reminder comes, if it still can."""

    enrolment: int
    reminder: datetime | None
    insured: bool = False
    """Its insurance asks for a document number."""


@dataclass(frozen=True, slots=True)
class Waitlisted:
    """No seat was free; they stand in the queue."""

    enrolment: int
    position: int


@dataclass(frozen=True, slots=True)
class Asked:
    """The organiser decides about them; why that is so: `approval`, `clash`, `record`."""

    enrolment: int
    why: str


@dataclass(frozen=True, slots=True)
class AlreadyIn:
    """They have a place, or a place in the queue, in this shift."""

    stand: Stand


@dataclass(frozen=True, slots=True)
class Clashed:
    """It overlaps with something they joined."""

    other: Booking


@dataclass(frozen=True, slots=True)
class Closed:
    """The shift has begun, was cancelled or does not exist."""


@dataclass(frozen=True, slots=True)
class TooYoung:
    """The activity asks for an age that they do not have, in years."""

    minimum: int


@dataclass(frozen=True, slots=True)
class Left:
    """Their seat or place in the queue is given back; `promoted`: somebody moved up, or was offered the seat."""

    booking: Booking
    promoted: bool


@dataclass(frozen=True, slots=True)
class NotIn:
    """There is no such sign-up of theirs that could be given back now."""


def clash(starts: datetime, ends: datetime, own: Iterable[Booking], shift: int) -> Booking | None:
    """The own sign-up that overlaps with these hours. A place in a queue is no promise and clashes with nothing."""
    for booking in own:
        if booking.shift != shift and booking.stand in SEATED and booking.starts < ends and starts < booking.ends:
            return booking
    return None


ASKED_FROM = 16
"""Years of a minimum age from which the year of birth is asked; below, the condition on the card is enough, because
no more personal data are taken than an activity needs."""


def old_enough(born: int | None, minimum: int, now: datetime) -> bool:
    """Only the year of birth is known: whoever may still have their birthday before them this year counts as
    younger."""
    return minimum < ASKED_FROM if born is None else now.year - born - 1 >= minimum
