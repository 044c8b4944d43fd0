"""Campaigns: whom they mean, when each of their messages goes out, who must agree, and how often anybody is written to.

An audience is a scope (whom the sender may write to at all, from the role table) and conditions that narrow it; both
are plain data, kept with the campaign and compiled to one statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any, Literal

from bot.domain.reach import quiet_until

By = Literal["district", "subscribed", "served", "joined", "skill", "language", "hours", "seen", "team"]
"""What a condition speaks of. `served`: a kind of service that counted minutes; `hours`: from and to, in minutes (an
empty end is open); `seen`: days since somebody last wrote, at most."""

SECOND_PERSON = 500
"""People beyond whom a second person must agree (ASVS 2.3.5 asks for it where much is at stake)."""

UNDO = timedelta(seconds=60)
"""Between “send” and the first message: long enough to see one's own mistake."""

USEFUL = timedelta(days=2)
"""How long a message of a campaign is worth bringing, unless it speaks of something that begins sooner."""

WEEKLY = 3
"""Messages of campaigns that one person gets in seven days at most, over all who send."""

WEEK = timedelta(days=7)

TEXT_LENGTH = 500
"""Characters of a message: longer ones meet Telegram's limits sooner and are read by nobody."""

NAMED = 20
"""Names of those whom a message perhaps reached: a look at each is worth it; the list has them all."""

STEPS = 14
"""Messages of one campaign at most: two weeks of a theme week."""

OF_AGE = 14
"""Years below which nobody is written to by campaigns (PIPL art. 31: no profile of a child without the guardian)."""


# --- Whom ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that the people meant have in common, or (`without`) must not have; any of its values is enough."""

    by: By
    values: tuple[str | int, ...]
    without: bool = False

    def to_json(self) -> list[Any]:
        """Plain JSON."""
        return [self.by, list(self.values), self.without]

    @classmethod
    def from_json(cls, kept: Sequence[Any]) -> Condition:
        """What `to_json` wrote."""
        return cls(kept[0], tuple(kept[1]), bool(kept[2]))


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a sender may write to at all.

    Of an organisation: its own people (whoever signed up with it, the teams that were brought along) and the
    subscribers of its `districts` and of the kinds that it holds. Of a place: whoever signed up there, and the
    subscribers of its districts. Of the city: everybody.
    """

    organisation: int | None = None
    districts: tuple[int, ...] = ()
    streets: tuple[int, ...] = ()

    @property
    def whole_city(self) -> bool:
        """Nothing narrows it."""
        return self.organisation is None and not self.districts and not self.streets


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a campaign means."""

    scope: Scope
    conditions: tuple[Condition, ...] = ()

    def segment(self) -> dict[str, Any]:
        """As the fanout keeps it."""
        scope = {
            "organisation": self.scope.organisation,
            "districts": list(self.scope.districts),
            "streets": list(self.scope.streets),
        }
        return {
            "scope": {name: value for name, value in scope.items() if value},
            "where": [one.to_json() for one in self.conditions],
        }

    @classmethod
    def from_segment(cls, kept: Mapping[str, Any]) -> Audience:
        """What `segment` wrote."""
        scope = kept["scope"]
        return cls(
            Scope(scope.get("organisation"), tuple(scope.get("districts", ())), tuple(scope.get("streets", ()))),
            tuple(Condition.from_json(one) for one in kept["where"]),
        )

    def narrowed(self, condition: Condition) -> Audience:
        """With one more condition; the same one twice is one."""
        return self if condition in self.conditions else Audience(self.scope, (*self.conditions, condition))


@dataclass(frozen=True, slots=True)
class Occasion:
    """An activity whose people can be meant; its day tells it from others of the same title."""

    number: int
    title: str
    english: str
    starts: datetime


# --- When ------------------------------------------------------------------------------------------------------------

Mode = Literal["now", "at", "daily", "before"]
"""Now; at a moment; one message a day from a moment on (a theme week); before an activity's start."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When the messages of a campaign go out."""

    mode: Mode = "now"
    at: datetime | None = None
    """Of the first message: `at` and `daily`."""
    offsets: tuple[int, ...] = ()
    """Minutes from the activity's start, one for each message, negative: `before`."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"mode": self.mode, "at": self.at.isoformat() if self.at else None, "offsets": list(self.offsets)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Timing:
        """What `to_json` wrote."""
        at = datetime.fromisoformat(kept["at"]) if kept.get("at") else None
        return cls(kept["mode"], at, tuple(kept.get("offsets", ())))


def moment(timing: Timing, step: int, started: datetime, event: datetime | None, zone: tzinfo) -> datetime | None:
    """When a message of a campaign goes out, from what is true now; None: the activity that it counts from is gone.

    `step` from 0. `started`: when “send” was confirmed; the first minute belongs to the undo. `event`: the activity's
    start as it is now, so that a campaign follows an activity that was moved.
    """
    earliest = started + UNDO
    match timing.mode:
        case "now":
            return earliest
        case "before":
            return None if event is None else event + timedelta(minutes=timing.offsets[step])
    if timing.at is None:
        return earliest
    # Days of the city: nine in the morning stays nine in the morning.
    first = timing.at.astimezone(zone)
    return max(earliest, (first + timedelta(days=step if timing.mode == "daily" else 0)).astimezone(timing.at.tzinfo))


def awake(at: datetime, zone: tzinfo, quiet: tuple[int, int] | None) -> datetime:
    """When a message planned for a moment really leaves: at night it waits for the end of the city's quiet hours."""
    until = quiet_until(at.astimezone(zone), *quiet) if quiet else None
    return at if until is None else until.astimezone(at.tzinfo)


def expiry(at: datetime, event: datetime | None) -> datetime:
    """Until when a message is worth bringing."""
    return at + USEFUL if event is None else min(at + USEFUL, event)


# --- What, and how it stands -----------------------------------------------------------------------------------------


class Standing(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    ASKED = "asked"
    """A second person has been asked."""
    DECLINED = "declined"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"


MOVES: Mapping[Standing, frozenset[Standing]] = {
    Standing.DRAFT: frozenset({Standing.ASKED, Standing.RUNNING, Standing.STOPPED}),
    Standing.ASKED: frozenset({Standing.RUNNING, Standing.DECLINED, Standing.STOPPED}),
    Standing.DECLINED: frozenset({Standing.STOPPED}),
    Standing.RUNNING: frozenset({Standing.PAUSED, Standing.STOPPED, Standing.DONE}),
    Standing.PAUSED: frozenset({Standing.RUNNING, Standing.STOPPED}),
    Standing.STOPPED: frozenset(),
    Standing.DONE: frozenset(),
}
"""What may become of it. What was declined stays as it was read: its author takes up its words in a new draft."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign as it is kept."""

    id: int
    author: int
    organisation: int | None
    """For which it speaks; None: for a place."""
    place: int | None
    audience: Audience
    texts: tuple[Mapping[str, str], ...]
    """Each message by language; a language that is missing is read in another."""
    timing: Timing
    activity: int | None
    """That its button opens, and that `before` counts from."""
    pictured: int
    """Which picture it has, by when it was kept; 0: none."""
    standing: Standing
    people: int
    """Counted when it was confirmed."""
    step: int
    """Messages that have been planned."""
    created: datetime
    started: datetime | None = None
    decided_by: int | None = None
    reason: str = ""
    """Why it was declined, or why it rests."""
    mass: bool = False
    """Whom nothing else reaches on WeChat may be told with one of the account's mass messages."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What an author has written: the campaign before it is kept."""

    audience: Audience
    texts: tuple[Mapping[str, str], ...]
    timing: Timing = field(default_factory=Timing)
    activity: int | None = None

    @classmethod
    def of(cls, one: Campaign) -> Letter:
        """As it was kept."""
        return cls(one.audience, one.texts, one.timing, one.activity)


def needs_second(people: int, audience: Audience) -> bool:
    """Must a second person agree? Above `SECOND_PERSON` people, and whenever the whole city is meant."""
    return people > SECOND_PERSON or audience.scope.whole_city


def more_than_allowed(timing: Timing, messages: int) -> bool:
    """Will some of its messages be left out because nobody gets more than `WEEKLY` of them in seven days?"""
    days = [-offset // 1_440 for offset in timing.offsets] if timing.mode == "before" else list(range(messages))
    return any(sum(0 <= day - first < WEEK.days for day in days) > WEEKLY for first in days)


def may_use_mass(one: Campaign) -> bool:
    """A message of its own only: four a month are too few for the days of a theme week."""
    return len(one.texts) == 1


def may_begin_anew(one: Campaign, reached: int) -> bool:
    """May its author take up its words in a new draft? Declined, or taken back before it could have reached anybody."""
    return one.standing is Standing.DECLINED or (one.standing is Standing.STOPPED and not reached)


def unfit(letter: Letter, now: datetime) -> str:
    """What cannot be: `empty`, `long`, `many`, `past`, `counted` (nothing to count from); empty if all is well."""
    if not letter.texts or not all(any(said.strip() for said in one.values()) for one in letter.texts):
        return "empty"
    if any(len(said) > TEXT_LENGTH for one in letter.texts for said in one.values()):
        return "long"
    if len(letter.texts) > STEPS or (letter.timing.mode in ("now", "at") and len(letter.texts) > 1):
        return "many"
    if letter.timing.mode == "before":
        return "" if letter.activity and len(letter.timing.offsets) == len(letter.texts) else "counted"
    return "past" if letter.timing.at is not None and letter.timing.at <= now else ""


def too_often(sent: Iterable[datetime], now: datetime) -> bool:
    """Has somebody had as many messages of campaigns in seven days as they may? `sent`: when each was brought."""
    return sum(now - WEEK < at for at in sent) >= WEEKLY


# --- Outcomes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """A draft, and how many people it means now."""

    campaign: Campaign
    people: int


@dataclass(frozen=True, slots=True)
class Sent:
    """It is on its way; the first message leaves at this moment."""

    campaign: int
    people: int
    first: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """A second person must agree; this many have been asked."""

    campaign: int
    people: int
    asked: int


@dataclass(frozen=True, slots=True)
class Miscounted:
    """The number that was typed is not the number of people; this is."""

    people: int


@dataclass(frozen=True, slots=True)
class NobodyMeant:
    """Nobody fits."""


@dataclass(frozen=True, slots=True)
class Unwritable:
    """It cannot be sent as it is: `unfit`'s word, or `today` (that activity was announced today already)."""

    why: str


@dataclass(frozen=True, slots=True)
class Changed:
    """It stands elsewhere now."""

    campaign: Campaign


@dataclass(frozen=True, slots=True)
class Told:
    """One message of a campaign to one person, for the list that its author may take."""

    name: str
    """Masked."""
    step: int
    """Which of its messages, from 0."""
    state: str
    reason: str
    door: str
    at: datetime | None
    """When it was settled."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign is: messages by what became of them, and who signed up afterwards."""

    campaign: Campaign
    people: int
    sent: int
    waiting: int
    failed: int
    uncertain: int
    spared: int
    """Dropped by rule: opted out, too often, too late, stopped."""
    delays: Sequence[tuple[str, int]]
    """Why what waits does, most first; without a word: its turn has not come."""
    refusals: Sequence[tuple[str, int]]
    """Why what was refused was, most first."""
    omissions: Sequence[tuple[str, int]]
    """The same of what was dropped by rule."""
    perhaps: Sequence[str]
    """Whom nobody knows whether it reached, by name, the first of them."""
    joined: int
    """Who signed up for its activity after a message had reached them."""
    next: datetime | None
    """Of its next message."""

    @property
    def unnamed(self) -> int:
        """How many more of those messages there are than names, where there are too many names."""
        return max(0, self.uncertain - NAMED) if len(self.perhaps) >= NAMED else 0

    @property
    def reached(self) -> int:
        """Messages that reached somebody, or may have, or still can."""
        return self.sent + self.uncertain + self.waiting

    @property
    def share(self) -> float:
        """Of its messages, how many are settled, from 0 to 1."""
        settled = self.sent + self.failed + self.uncertain + self.spared
        whole = settled + self.waiting
        return settled / whole if whole else 0.0
