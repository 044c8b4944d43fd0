"""What Menkou says on its own account, as facts: which kind of notice, about what, to whom. Words are
handlers' business."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag
from typing import Literal, Self

Kind = Literal[
    "reminder",
    "checkout",
    "promotion",
    "offer",
    "lapse",
    "admission",
    "change",
    "cancellation",
    "announcement",
    "campaign",
    "reply",
    "withdrawn",
    "star",
    "step",
    "permission",
    "permitted",
    "invitation",
    "taken",
    "swapped",
    "added",
    "claim",
    "matter",
    "corrected",
    "skill",
    "cover",
    "covered",
    "frozen",
    "thawed",
    "lead",
    "guessed",
    "deadline",
    "approval",
    "mailing",
    "digest",
    "expiring",
    "feedback",
    "asking",
    "proving",
    "leaderless",
]

ABOUT_ITS_READER: frozenset[Kind] = frozenset(
    {
        "withdrawn",
        "star",
        "step",
        "matter",
        "corrected",
        "skill",
        "approval",
        "mailing",
        "expiring",
        "proving",
    }
)
"""Notices without an activity: what they speak of is the reader's own, and `words` says all of it."""

CAMPAIGNS: frozenset[Kind] = frozenset({"announcement", "campaign"})
"""What is said to many who did not ask for it one by one: it may be refused, and is never said too often."""


class Stream(IntFlag):
    """Sorts of messages that somebody may refuse, one by one; kept with the person as a sum."""

    REMINDERS = 1
    CALLS = 2
    CAMPAIGNS = 4

    @property
    def key(self) -> str:
        """As links carry it."""
        return str(self.name).lower()

    @classmethod
    def of(cls, key: str) -> Self | None:
        """The sort of this key."""
        return next((one for one in cls if one.key == key), None)


STREAMS: Mapping[Kind, Stream] = {
    "reminder": Stream.REMINDERS,
    "checkout": Stream.REMINDERS,
    "cover": Stream.CALLS,
    "lead": Stream.CALLS,
    "announcement": Stream.CAMPAIGNS,
    "campaign": Stream.CAMPAIGNS,
    "expiring": Stream.REMINDERS,
    "feedback": Stream.REMINDERS,
}
"""What can be refused. That their own activity moved or was cancelled, everybody hears."""


AFTERWARDS: frozenset[Kind] = frozenset({"added", "claim", "guessed"})
"""Notices about what has been, or is under way: of use as long as their own expiry says."""


@dataclass(frozen=True, slots=True)
class Event:
    """The activity and shift that a notice speaks of, as they are at the moment of sending."""

    activity: int
    shift: int
    title: str
    english: str
    organisation: str
    organisation_english: str
    address: str
    starts: datetime
    ends: datetime
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to say to one person. No words: they are made in the reader's language when it is sent."""

    kind: Kind
    event: Event | None
    enrolment: int = 0
    """The reader's own sign-up, where the notice is about one."""
    stand: str = ""
    """Where that sign-up stands now."""
    offset: int = 0
    """Minutes before (negative) or after the shift's time that this notice belongs to."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What was settled when it was planned: an announcement's own text, the moment until which a seat is offered."""
    listed: Sequence[Event] = ()
    """Of a letter about several activities: they, what fits its reader most first."""
    repeated: bool = False
    """It may have arrived before: to be said in words that make sense twice."""
    eve: bool = False
    """It is said on the day before: a day's reminder that a night held up speaks of today."""
