"""What there is to do: an activity, its shifts, and what must be true before it can be published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.agreements import Terms, uninsured
from bot.domain.questions import Question
from bot.domain.reliability import LEAVE_BEFORE
from bot.facts import fact

LONGEST = timedelta(hours=16)
"""A shift longer than this is a slip of the pen."""

TITLE_LENGTH = 60
CAPACITY_LIMIT = 20_000
AHEAD = timedelta(days=400)


@fact
class Shift:
    """One stretch of an activity with its own seats."""

    id: int
    starts: datetime
    ends: datetime
    capacity: int
    taken: int
    waiting: int = 0
    role: str = ""
    role_english: str = ""
    minimum_age: int = 0
    """Beside the activity's."""
    needs: Sequence[str] = ()
    """Codes of skills that must be proven."""

    @property
    def free(self) -> int:
        """Seats left."""
        return max(self.capacity - self.taken, 0)


@fact
class Activity:
    """An activity as a reader of its card needs it. Coordinates are WGS-84 degrees."""

    id: int
    title: str
    english: str
    about: str
    kind: str
    minimum_age: int
    organisation: int
    organisation_name: str
    organisation_english: str
    district: int
    street: int | None
    address: str
    latitude: float | None
    longitude: float | None
    starts: datetime
    ends: datetime
    state: str
    changed: datetime
    shifts: Sequence[Shift] = field(default=())
    distance: float | None = None
    """Metres from the reader, where they asked for what is near."""
    approval: bool = False
    """The organiser lets people in."""
    questions: Sequence[Question] = ()
    """The organiser's own, asked at sign-up."""
    leave_before: int = 0
    """Minutes before the start until which a seat is given back without consequence."""
    terms: Terms | None = None
    """What the organiser states beside it; None: it was not read, as for a list."""
    accepted: bool = False
    """The reader has accepted its agreement as it stands now; read with the terms."""

    @property
    def free(self) -> int:
        """Seats left over all shifts."""
        return sum([shift.free for shift in self.shifts])

    @property
    def waiting(self) -> int:
        """People in the queues of all shifts."""
        return sum(shift.waiting for shift in self.shifts)

    def open_shifts(self, now: datetime) -> list[Shift]:
        """Shifts that can still be joined or queued for."""
        return [shift for shift in self.shifts if shift.starts > now] if self.state == "open" else []


@dataclass(frozen=True, slots=True)
class Plan:
    """What an organiser wants to publish: the answers to the six questions."""

    title: str
    kind: str
    starts: datetime
    ends: datetime
    district: int
    address: str
    capacity: int
    about: str
    street: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    insurance: str = ""
    """Number of the policy; a kind of service with risk does not open without it."""
    risks: str = ""
    leave_before: int = LEAVE_BEFORE
    """Minutes before the start until which a seat is given back without consequence."""


@dataclass(frozen=True, slots=True)
class Published:
    """It is open to the city."""

    activity: int
    shift: int


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The role table does not allow it. Says nothing about whether the thing exists."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Something in the plan cannot be: `past`, `long`, `far`, `short`, `full`, `uninsured`."""

    why: str


def check(plan: Plan, now: datetime) -> Unfit | None:
    """Is the plan one that can take place?"""
    if plan.starts <= now:
        return Unfit("past")
    if plan.ends - plan.starts < timedelta(minutes=15):
        return Unfit("short")
    if plan.ends - plan.starts > LONGEST:
        return Unfit("long")
    if plan.starts > now + AHEAD:
        return Unfit("far")
    if not 1 <= plan.capacity <= CAPACITY_LIMIT:
        return Unfit("full")
    if uninsured(plan.kind, plan.insurance, plan.risks):
        return Unfit("uninsured")
    return None


def deadline_fits(card: Activity, minutes: int, now: datetime) -> bool:
    """May seats have to be given back so many minutes before the start from now on? An open activity's deadline is
    never moved to where it has passed already: nobody can be late for what they could not know."""
    if card.state != "open" or minutes <= card.leave_before:
        return True
    return card.starts - timedelta(minutes=minutes) > now
